"""Check where the code looks for its files, and whether they are there.

The working directory is the ingestion program's, not the submission's. Paths are read where they stand as text; how a
longer one is put together shows when the model is run.
"""

from __future__ import annotations

import ast
import posixpath
import re
from typing import TYPE_CHECKING

from hybridwing.submission.check.findings import Check, Status, or_pass
from hybridwing.submission.check.syntax import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.submission.check.syntax import Module

_REMEDY = "build it from __file__: os.path.join(os.path.dirname(__file__), NAME)"
#: A path from the root: two parts, or one with an ending. Not an address's path, a division or a regular expression.
_ABSOLUTE = re.compile(r"/(?:[\w.@+-]+/)+[\w.@+-]*|/[\w-]+\.\w{1,5}|/(?:home|root|content|kaggle|mnt|data|tmp)\b.*")
_DRIVE = re.compile(r"[A-Za-z]:[\\/].*|\\\\[\w.]+\\.*")
_HOME = re.compile(r"~[\w]*(/.*)?")
_HARMLESS = ("/dev/null", "/dev/shm", "/proc/", "/sys/")  # noqa: S108
#: Calls that read the file their first argument names, by the last part of their name.
_READERS = frozenset((
    "open", "load", "load_file", "load_model", "load_weights", "from_file", "safe_open", "InferenceSession",
    "read_csv", "read_parquet", "read_pickle", "read_json", "read_table", "imread", "Booster", "loadtxt",
    "genfromtxt", "memmap", "fromfile",
))  # fmt: skip
#: Files that are read when a model is loaded, and calls that make them or fetch them from elsewhere.
_WEIGHTS = re.compile(r"[\w./-]*\w\.(pt|pth|bin|ckpt|safetensors|npz|npy|pkl|pickle|joblib|onnx|h5|keras)")
_OTHERS_FILES = re.compile(r"(.*\.)?(save\w*|dump|to_\w+|hf_hub_download|\w*(exists|isfile|is_file))")


def check_paths(modules: tuple[Module, ...], names: tuple[str, ...]) -> list[Check]:
    """Find absolute paths, paths relative to the working directory, and weights that are not there."""
    found: list[Check] = []
    absent: list[Check] = []
    for module in modules:
        found += _absolute(module)
        if not any(name == "os.chdir" for name, _ in module.calls()):
            found += _relative(module, names)
        told = {check.place for check in found}
        absent += [check for check in _absent(module, names) if check.place not in told]
    return [
        *or_pass(found, "paths", "no absolute paths, and none relative to the working directory"),
        *or_pass(absent, "own files", "all weights that the code names are there"),
    ]


def _absolute(module: Module) -> Iterator[Check]:
    for node, path in module.texts():
        if len(path) > 300 or "\n" in path or path.startswith(_HARMLESS):
            continue
        if _DRIVE.fullmatch(path) or (_HOME.fullmatch(path) and len(path) > 1) or _ABSOLUTE.fullmatch(path):
            if path.startswith(("/app/", "/tmp")):  # noqa: S108 - these are there on the worker
                finding = f"{path!r} exists on today's worker only, and nothing promises that the submission lies there"
                yield Check("paths", "warn", finding, _REMEDY, module.place(node))
            else:
                finding = f"{path!r} is a place on your machine; Codabench does not have it"
                yield Check("paths", "fail", finding, _REMEDY, module.place(node))
    for name, call in module.calls():
        if name.endswith(("path.expanduser", "Path.home")) or name == "expanduser":
            finding = f"{name}(): the home folder on Codabench is empty"
            yield Check("paths", "warn", finding, _REMEDY, module.place(call))


def _relative(module: Module, names: tuple[str, ...]) -> Iterator[Check]:
    beside = {id(node.right) for node in module.nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)}
    for name, call in module.calls():
        last = name.rpartition(".")[2]
        if name in ("os.getcwd", "getcwd", "Path.cwd", "pathlib.Path.cwd"):
            finding = "the working directory is the ingestion program's: nothing of the submission lies there"
            yield Check("paths", "warn", finding, _REMEDY, module.place(call))
        reads = (last in _READERS and not name.endswith("hub.load")) or last == "Path"
        if not call.args or id(call) in beside or not reads:
            continue
        path = module.stated(call.args[0])
        if path is None or re.match(r"[\w+.-]+:|[/\\~]", path) or (last == "Path" and path in ("", ".")):
            continue
        # Of a loader by name only (timm's, torch hub's) it is no path.
        if last == "Path" and path not in names and "." not in path:
            continue
        if last in ("open", "Path") and _writes(call):
            finding = f"{path!r} is written to the working directory, which is the ingestion program's"
            remedy = "write nothing, or to the folder of tempfile.mkdtemp()"
            yield Check("paths", "warn", finding, remedy, module.place(call))
        elif "." in path or "/" in path or path in names:
            finding = f"{path!r} is looked for in the working directory, which is not the submission's folder"
            yield Check("paths", "fail", finding, _REMEDY, module.place(call))


def _writes(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and bool(set(str(mode.value)) & set("wax")) for mode in modes)


def _absent(module: Module, names: tuple[str, ...]) -> Iterator[Check]:
    """Find weights that the code names and the submission does not hold in any folder."""
    there = {posixpath.basename(name) for name in names}
    elsewhere: set[int] = set()
    tried: set[int] = set()
    for node in module.nodes:
        if isinstance(node, ast.Call) and _OTHERS_FILES.fullmatch(dotted(node.func)):
            elsewhere.update(map(id, ast.walk(node)))
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            # Names in a row may be alternatives, of which a loader takes what is there.
            elsewhere.update(map(id, node.elts))
        elif isinstance(node, ast.Try) and node.handlers:
            tried.update(id(inner) for statement in node.body for inner in ast.walk(statement))
        elif isinstance(node, (ast.If, ast.IfExp)) and re.search("exists|isfile|is_file", ast.unparse(node.test)):
            tried.update(map(id, ast.walk(node)))
    for node, path in module.texts():
        name = posixpath.basename(path)
        if not _WEIGHTS.fullmatch(path) or name in there or id(node) in elsewhere:
            continue
        near = next((other for other in names if posixpath.basename(other).lower() == name.lower()), None)
        finding = f"the code names {path!r}, and the submission has no such file"
        remedy = f"add {name} to the submission"
        if near:
            finding += f"; it has {near!r}, and Linux tells large letters from small"
            remedy = f"rename {near}, or change the code"
        status: Status = "warn" if id(node) in tried else "fail"
        yield Check("own files", status, finding, remedy, module.place(node))
