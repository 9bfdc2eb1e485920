"""Where the code looks for its files. The working directory is the ingestion program's, not the submission's."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from hybridwing.submission.check.findings import Check, or_pass
from hybridwing.submission.package.module import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.submission.package.expressions import Expressions
    from hybridwing.submission.package.module import Module

_NAME = "paths"
_REMEDY = "build it from __file__: os.path.join(os.path.dirname(__file__), NAME)"
#: A path from the root: two parts, or one with an ending. Not an address's path, a division or a regular expression.
_ABSOLUTE = re.compile(r"/(?:[\w.@+-]+/)+[\w.@+-]*|/[\w-]+\.\w{1,5}|/(?:home|root|content|kaggle|mnt|data|tmp)\b.*")
_DRIVE = re.compile(r"[A-Za-z]:[\\/].*|\\\\[\w.]+\\.*")
_HOME = re.compile(r"~[\w]*(/.*)?")
_HARMLESS = ("/dev/null", "/dev/shm", "/proc/", "/sys/")  # noqa: S108
#: Calls that read the file their first argument names, by the last part of their name.
_READERS = frozenset(
    (
        *("open", "load", "load_file", "load_model", "load_weights", "from_file", "safe_open", "InferenceSession"),
        *("read_csv", "read_parquet", "read_pickle", "read_json", "read_table", "imread", "Booster"),
        *("loadtxt", "genfromtxt", "memmap", "fromfile"),
    )
)
#: Calls whose arguments are text and no paths.
_TEXT_CALLS = frozenset(
    (
        *("replace", "split", "rsplit", "startswith", "endswith", "strip", "lstrip", "rstrip", "partition", "join"),
        *("compile", "match", "search", "sub", "fullmatch", "findall", "print"),
    )
)


def check_paths(modules: tuple[Module, ...], expressions: Expressions, names: tuple[str, ...]) -> list[Check]:
    """Absolute paths, and relative ones that are not taken from where the code lies."""
    found: list[Check] = []
    for module in modules:
        moved = any(name == "os.chdir" for name, _ in module.calls())
        found += _absolute(module)
        if not moved:
            found += _relative(module, expressions, names)
    return or_pass(found, _NAME, "no absolute paths, and none relative to the working directory")


def _absolute(module: Module) -> Iterator[Check]:
    passed_over = {id(node) for node in _texts_that_are_no_paths(module)}
    for node in module.nodes:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in passed_over:
            continue
        path = node.value
        if len(path) > 300 or "\n" in path or path.startswith(_HARMLESS):
            continue
        if _DRIVE.fullmatch(path) or (_HOME.fullmatch(path) and len(path) > 1) or _ABSOLUTE.fullmatch(path):
            if path.startswith(("/app/", "/tmp")):  # noqa: S108 - these are there on the worker
                finding = f"{path!r} exists on today's worker only, and nothing promises that the submission lies there"
                yield Check(_NAME, "warn", finding, _REMEDY, module.place(node))
            else:
                finding = f"{path!r} is a place on your machine; Codabench does not have it"
                yield Check(_NAME, "fail", finding, _REMEDY, module.place(node))
    for name, call in module.calls():
        if name.endswith(("path.expanduser", "Path.home")) or name == "expanduser":
            yield Check(_NAME, "warn", f"{name}(): the home folder on Codabench is empty", _REMEDY, module.place(call))


def _texts_that_are_no_paths(module: Module) -> Iterator[ast.AST]:
    """Docstrings, parts of f-strings, and what is compared, replaced or searched for."""
    for node in module.nodes:
        if isinstance(node, ast.Expr):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from node.values
        elif isinstance(node, ast.Compare):
            yield from (node.left, *node.comparators)
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            # Of join only os.path's takes paths.
            if name.rpartition(".")[2] in _TEXT_CALLS and not name.endswith("path.join"):
                yield from node.args


def _relative(module: Module, expressions: Expressions, names: tuple[str, ...]) -> Iterator[Check]:
    beside = {id(node.right) for node in module.nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)}
    for name, call in module.calls():
        last = name.rpartition(".")[2]
        if name in ("os.getcwd", "getcwd", "Path.cwd", "pathlib.Path.cwd"):
            finding = "the working directory is the ingestion program's: nothing of the submission lies there"
            yield Check(_NAME, "warn", finding, _REMEDY, module.place(call))
        reads = (last in _READERS and not name.endswith("hub.load")) or last == "Path"
        if not call.args or id(call) in beside or not reads:
            continue
        path = expressions.text(module, call.args[0])
        if path is None or re.match(r"[\w+.-]+:|[/\\~]", path) or (last == "Path" and path in ("", ".")):
            continue
        # Of a loader by name only (timm's, torch hub's) it is no path.
        if last == "Path" and path not in names and "." not in path:
            continue
        if last in ("open", "Path") and _writes(call):
            finding = f"{path!r} is written to the working directory, which is the ingestion program's"
            yield Check(
                _NAME, "warn", finding, "write nothing, or to the folder of tempfile.mkdtemp()", module.place(call)
            )
        elif "." in path or "/" in path or path in names:
            finding = f"{path!r} is looked for in the working directory, which is not the submission's folder"
            yield Check(_NAME, "fail", finding, _REMEDY, module.place(call))


def _writes(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return any(map(is_write_mode, modes))


def is_write_mode(mode: ast.AST | None) -> bool:
    """Whether an argument is a mode in which ``open`` makes the file."""
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and bool(set(mode.value) & set("wax"))
