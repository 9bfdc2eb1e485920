"""Whether the files that the code looks for in its own folder are in the submission, spelt the same."""

from __future__ import annotations

import ast
import difflib
import fnmatch
import posixpath
import re
from typing import TYPE_CHECKING

from hybridwing.submission.check.findings import Check, or_pass
from hybridwing.submission.check.paths import is_write_mode
from hybridwing.submission.package.expressions import HERE
from hybridwing.submission.package.module import FunctionNode, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.submission.check.findings import Status
    from hybridwing.submission.package.expressions import Expressions
    from hybridwing.submission.package.module import Module

_NAME = "own files"
#: Calls and methods that make what they are given, or do no harm where it is missing.
_WRITES = re.compile(
    r"(make_?dirs?|mkdir|touch|write_\w+|save\w*|to_\w+|imsave|imwrite|dump|savefig|unlink|remove|rmtree|\w*FileHandler"
    r"|SummaryWriter|memmap|copy\w*|move|rename|replace|symlink\w*)"
)
_ASKS = ("exists", "isfile", "isdir", "is_file", "is_dir", "access", "lexists")
_IGNORES = re.compile(r"(sys\.path|os\.environ|logging|log|logger|warnings)\..*|print|\w*Error|\w*Exception|str|repr")
_WORKS_ON_NAMES = ("parent", "parents", "name", "stem", "suffix", "parts")


def check_own_files(modules: tuple[Module, ...], expressions: Expressions, names: tuple[str, ...]) -> list[Check]:
    """Look for every path that the code builds from its own folder."""
    there = {*names, *(name[:at] for name in names for at, letter in enumerate(name) if letter == "/"), ""}
    used = {dotted(node).rpartition(".")[2] for m in modules for node in m.nodes if isinstance(node, _NAMES)}
    uses: dict[str, list[tuple[Module, ast.AST]]] = {}
    for module in modules:
        for node, path in _own_paths(module, expressions):
            uses.setdefault(path, []).append((module, node))
    found = []
    for path, places in uses.items():
        inside = posixpath.relpath(path, HERE) if path != HERE else ""
        if inside in there or ("*" in inside and fnmatch.filter(names, inside.replace("**/", "*"))):
            continue
        told = [_use(module, node, used) for module, node in places]
        if "writes" in told or not (kinds := [kind for kind in told if kind != "ignores"]):
            continue
        if set(kinds) == {"names"} and "." not in posixpath.basename(inside):
            continue  # given a name and never read where that can be seen: it may be a beginning of names
        status: Status = "warn" if "asks" in kinds or "*" in inside else "fail"
        module, node = places[told.index(kinds[0])]
        found.append(_absent(inside, status, names, module.place(node)))
    return or_pass(found, _NAME, "all files that the code takes from its own folder are there")


_NAMES = (ast.Name, ast.Attribute)


def _absent(path: str, status: Status, names: tuple[str, ...], place: str) -> Check:
    if path.startswith(".."):
        finding = f"{path!r} leads out of the submission's folder, and on Codabench nothing of yours lies there"
        return Check(_NAME, status, finding, "put the file into the submission and look for it beside model.py", place)
    finding = f"the code looks for {path!r} in its own folder, and the submission has no such file"
    wrong_case = next((name for name in names if name.lower() == path.lower()), None)
    elsewhere = next((n for n in names if posixpath.basename(n).lower() == posixpath.basename(path).lower()), None)
    near = difflib.get_close_matches(path, names, 1, 0.8)
    if wrong_case:
        finding += f"; it has {wrong_case!r}, and Linux tells large letters from small"
        return Check(_NAME, status, finding, f"rename {wrong_case} to {path}, or change the code", place)
    if elsewhere or near:
        finding += f"; it has {elsewhere or near[0]!r}"
        return Check(_NAME, status, finding, f"look for {elsewhere or near[0]}, or move it to {path}", place)
    return Check(_NAME, status, finding, f"add {path} to the submission", place)


def _own_paths(module: Module, expressions: Expressions) -> Iterator[tuple[ast.AST, str]]:
    """Expressions for a place in the module's own folder, of those within one another the outermost."""
    found: dict[ast.AST, list[str]] = {}
    for node in module.nodes:
        if isinstance(node, ast.expr):
            paths = [v for v in expressions.values(module, node) if isinstance(v, str) and v.startswith("/\0parent")]
            if paths:
                found[node] = paths
    moved = any(name == "os.chdir" for name, _ in module.calls())
    for node, paths in found.items():
        above = module.parent(node)
        if above in found or (isinstance(above, ast.Attribute) and module.parent(above) in found):
            continue
        # The beginning of a name that cannot be seen whole.
        if isinstance(above, ast.BinOp) and isinstance(above.op, (ast.Add, ast.Mod)):
            continue
        for path in dict.fromkeys(paths):
            yield node, posixpath.normpath(path)
    for name, call in module.calls() if moved else ():
        if call.args and name.rpartition(".")[2] in ("open", "load", "read_csv", "Path", "imread", "load_model"):
            text = expressions.text(module, call.args[0])
            if text and not re.match(r"[\w+.-]+:|[/\\~]", text) and "." in text:
                yield call.args[0], posixpath.normpath(f"{HERE}/{text}")


def _use(module: Module, node: ast.AST, used: set[str]) -> str:
    """What the code does with a path: ``reads``, ``asks`` whether it is there, ``writes``, ``names`` or ``ignores``."""
    kind = _direct_use(module, node)
    if kind not in ("reads", "names"):
        return kind
    for above in module.ancestors(node):
        if isinstance(above, ast.Try) and above.handlers and node.lineno < above.handlers[0].lineno:  # type: ignore[attr-defined]
            raises = any(isinstance(one, ast.Raise) for handler in above.handlers for one in ast.walk(handler))
            kind = kind if raises else "asks"
        if isinstance(above, FunctionNode) and above.name not in used | {"__init__", "load", "predict"}:
            return "asks" if not above.name.startswith("__") else kind  # nobody calls it
    return kind


def _direct_use(module: Module, node: ast.AST) -> str:
    above = module.parent(node)
    keyword = above.arg or "" if isinstance(above, ast.keyword) else ""
    if isinstance(above, (ast.keyword, ast.Starred)):
        above = module.parent(above)
    if isinstance(above, ast.Attribute):
        method = above.attr
        if method in _WORKS_ON_NAMES:
            return "ignores"
        call = module.parent(above)
        if method in _ASKS:
            return _asked(module, call)
        mode = call.args[0] if isinstance(call, ast.Call) and call.args else None
        if _WRITES.fullmatch(method) or (method == "open" and is_write_mode(mode)):
            return "writes"
        return "reads"
    if isinstance(above, ast.Call):
        name = dotted(above.func)
        last = name.rpartition(".")[2]
        if last in _ASKS:
            return _asked(module, above)
        modes = [*above.args[1:2], *(one.value for one in above.keywords if one.arg == "mode")]
        if _WRITES.fullmatch(last) or keyword.endswith(("cache_dir", "log_dir", "output_dir", "out")):
            return "writes"
        if last in ("open", "memmap") and any(map(is_write_mode, modes)):
            return "writes"
        return "ignores" if _IGNORES.fullmatch(name) or last == "chdir" else "reads"
    return "ignores" if isinstance(above, (ast.FormattedValue, ast.Compare, ast.Expr)) else "names"


def _asked(module: Module, call: ast.AST | None) -> str:
    """``asks``, or ``reads`` if the run ends with an error where the file is missing."""
    for above in module.ancestors(call):
        if isinstance(above, ast.Assert):
            return "reads"
        if isinstance(above, ast.If):
            negated = isinstance(above.test, ast.UnaryOp) and isinstance(above.test.op, ast.Not)
            without = above.body if negated else above.orelse
            ends = any(isinstance(one, ast.Raise) for statement in without for one in ast.walk(statement))
            return "reads" if ends else "asks"
    return "asks"
