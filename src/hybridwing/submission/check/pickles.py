"""Find what the submission's pickles would import when loaded, and which scikit-learn wrote them.

A pickle is a program, and loading one runs it. Its opcodes can be listed with ``pickletools`` instead. Files of joblib
hold raw arrays in between, which end the list early; what is after them is searched for by pattern.
"""

from __future__ import annotations

import bz2
import lzma
import pickletools
import re
import sys
import zlib
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from hybridwing.errors import SubmissionError, first_few
from hybridwing.submission.check.findings import Check, or_pass
from hybridwing.submission.check.packages import known_modules
from hybridwing.submission.package.archive import open_zip

if TYPE_CHECKING:
    from hybridwing.submission.package.archive import Submission
    from hybridwing.submission.package.requirements import Requirement

_NAME = "pickles"
_ENDINGS = (
    ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt", ".sav", ".dump", ".p", ".pk", ".jbl", ".model",
)  # fmt: skip
_BETTER = "better: store plain arrays (numpy.savez) and load them with allow_pickle=False"
#: Bytes of a pickle that are looked at; classifiers are smaller, and of weights only the arrays come later.
_LOOKED_AT = 2**26
#: ``_sklearn_version`` and the string after it, whatever the protocol puts between.
_VERSION = re.compile(rb"_sklearn_version.{1,12}?(\d+\.\d+(?:\.\d+)?(?:\.?(?:post|dev|rc)\d+)?)", re.DOTALL)
#: A module and a name pushed one after the other (protocols 4 and 5), and the older opcode that holds both.
_PUSHED = re.compile(rb"\x8c.([\w.]+)(?:\x94|h.|j....)?\x8c.([\w.]+)(?:\x94)?\x93", re.DOTALL)
_WRITTEN = re.compile(rb"c([A-Za-z_][\w.]*)\n([A-Za-z_][\w.]*)\n")
#: Modules none of whose names a saved model needs, and which do something when they are called.
_ACTIVE = re.compile(
    r"(os|posix|nt|subprocess|sys|shutil|socket|runpy|importlib|ctypes|code|codeop|pty|webbrowser|multiprocessing|asyncio"
    r"|threading|signal|platform|pip|urllib|http|requests|httpx|ftplib|smtplib|tempfile|pathlib|glob|io|_io|pickle|_pickle"
    r"|dill|cloudpickle|marshal|types|inspect|pdb|timeit|cProfile|profile|bdb|trace|logging|torch\.hub|torch\.jit"
    r"|numpy\.testing|nose|commands|antigravity|operator|_operator|functools)(\..*)?"
)
_MODEST = {("functools", "partial"), ("operator", "itemgetter"), ("_io", "BytesIO"), ("io", "BytesIO")}
_MODEST |= {("pathlib", name) for name in ("Path", "PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")}
_BUILTINS = ("builtins", "__builtin__", "__builtins__")
_PLAIN = frozenset((
    "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object", "range", "set",
    "slice", "str", "tuple", "type", "Ellipsis", "NotImplemented", "unicode", "long", "xrange",
))  # fmt: skip


def check_pickles(submission: Submission, lines: tuple[Requirement, ...]) -> list[Check]:
    """Scan every file that may be a pickle; none is loaded."""
    checks: list[Check] = []
    for name in submission.names:
        if not name.lower().endswith(_ENDINGS):
            continue
        try:
            with submission.open(name) as file:
                pickles = read_pickles(file, name)
        except SubmissionError as error:
            checks.append(Check(_NAME, "fail", str(error), "write the file again", name))
            continue
        if pickles:
            checks += _findings(pickles, name, submission, lines)
    return or_pass(checks, _NAME, "no pickles")


def _findings(pickles: list[bytes], name: str, submission: Submission, lines: tuple[Requirement, ...]) -> list[Check]:
    found = set().union(*map(imported_names, pickles))
    versions = sorted({match[1].decode() for data in pickles for match in _VERSION.finditer(data)})
    checks = []
    if dangerous := dangerous_names(found):
        finding = f"loading it runs {first_few(dangerous, 3)}, which no saved model needs"
        remedy = "do not load it; save the model again from a source you trust"
        checks.append(Check(_NAME, "fail", finding, remedy, name))
    known = known_modules().union(sys.stdlib_module_names, submission.own_modules, {"?", "__builtin__", "copy_reg"})
    for module, item in sorted(found):
        top = module.split(".")[0]
        if top == "__main__":
            finding = f"it names __main__.{item}, a class of the script that wrote it; on Codabench __main__ is another"
            remedy = f"move {item} into a module of the submission and save the model again; {_BETTER}"
            checks.append(Check(_NAME, "fail", finding, remedy, name))
        elif top not in known:
            finding = f"it names {module}.{item}, and neither the submission nor an allowed package has {top}"
            checks.append(Check(_NAME, "fail", finding, f"add {top} to the submission; {_BETTER}", name))
    for version in versions:
        checks += _other_version(version, name, lines)
    if checks:
        return checks
    written = f", written by scikit-learn {first_few(versions)}" if versions else ""
    what = "names only what a saved model needs" if found else "holds plain values only"
    return [Check(_NAME, "pass", f"a pickle that {what}{written} (scanned, not loaded)", place=name)]


def _other_version(version: str, name: str, lines: tuple[Requirement, ...]) -> list[Check]:
    line = next((line for line in lines if line.installs and line.package == "scikit-learn"), None)
    pinned = line.version if line else ""
    if pinned == version:
        return []
    remedy = f"pin scikit-learn=={version}; {_BETTER}"
    if line is None:
        finding = f"it was written by scikit-learn {version}, and requirements.txt does not ask for scikit-learn"
    elif not pinned:
        finding = f"it was written by scikit-learn {version}, and requirements.txt takes the newest"
    else:
        finding = f"it was written by scikit-learn {version} and will be loaded by the pinned {pinned}"
        remedy = f"pin scikit-learn=={version}, or save the model again with {pinned}; {_BETTER}"
    return [Check(_NAME, "warn", finding, remedy, name)]


def read_pickles(file: IO[bytes], name: str) -> list[bytes]:
    """The pickles in a file: a plain one, joblib's, also packed, or torch's; empty if it is none of these.

    Raises SubmissionError if it is a zip that is damaged, or has a directory out of all proportion.
    """
    start = file.read(8)
    file.seek(0)
    if start.startswith(b"PK\3\4"):
        with open_zip(file, name) as archive:
            parts = [info for info in archive.infolist() if info.filename.endswith(".pkl")]
            return [archive.open(info).read(_LOOKED_AT) for info in parts]
    data = file.read(_LOOKED_AT)
    with suppress(zlib.error, lzma.LZMAError, OSError, EOFError):  # only its first bytes may look packed
        if start.startswith((b"\x1f\x8b", b"\x78")):
            data = zlib.decompressobj(47).decompress(data, _LOOKED_AT)  # 47: gzip or zlib, by its header
        elif start.startswith(b"BZh"):
            data = bz2.BZ2Decompressor().decompress(data, _LOOKED_AT)
        elif start.startswith((b"\xfd7zXZ", b"]\0\0")):
            data = lzma.LZMADecompressor(memlimit=2**28).decompress(data, _LOOKED_AT)
    return [data] if _looks_like_pickle(data) else []


def _looks_like_pickle(data: bytes) -> bool:
    """Protocol 2 and later begin with their number; older ones are recognised by being readable to the end."""
    if len(data) > 1 and data[0] == 0x80 and data[1] <= 5:
        return True
    try:
        return any(opcode.name == "STOP" for opcode, _, _ in pickletools.genops(data[: 2**20])) and len(data) > 2
    except Exception:  # pickletools raises whatever its parsers do
        return False


def imported_names(data: bytes) -> set[tuple[str, str]]:
    """Module and name of everything that loading pickles would import; ``"?"`` for a computed name."""
    names: set[tuple[str, str]] = set()
    while data:
        end = _read_one(data, names)
        data = data[end:]
        if not end or not data.startswith(b"\x80"):  # older torch files hold several pickles one after the other
            break
    found = [match.groups() for pattern in (_PUSHED, _WRITTEN) for match in pattern.finditer(data)]
    return names | {(module.decode("latin-1"), name.decode("latin-1")) for module, name in found}


def _read_one(data: bytes, names: set[tuple[str, str]]) -> int:
    """Add the names of the first pickle in some bytes; give its end, 0 if it cannot be read so far.

    Strings are followed through the memo, since that is where a module's or class's name comes from the second time.
    Anything else counts as unknown, so that a name put together while loading is reported as ``?``.
    """
    pushed: list[str | None] = [None, None]
    memo: dict[int, str | None] = {}
    try:
        for opcode, argument, place in pickletools.genops(data):
            kind = opcode.name
            if "UNICODE" in kind or "STRING" in kind:
                pushed.append(argument if isinstance(argument, str) else None)
            elif kind in ("BINGET", "LONG_BINGET", "GET"):
                pushed.append(memo.get(int(str(argument))))
            elif kind == "MEMOIZE":
                memo[len(memo)] = pushed[-1]
            elif kind in ("BINPUT", "LONG_BINPUT", "PUT"):
                memo[int(str(argument))] = pushed[-1]
            elif kind in ("GLOBAL", "INST"):
                module, _, name = str(argument).partition(" ")
                names.add((module, name))
                pushed.append(None)
            elif kind == "STACK_GLOBAL":
                names.add((pushed[-2] or "?", pushed[-1] or "?"))
                pushed.append(None)
            elif kind.startswith("EXT"):
                names.add(("?", "?"))
            elif kind == "STOP":
                return (place or 0) + 1
            elif kind not in ("PROTO", "FRAME"):
                pushed.append(None)
            del pushed[:-2]
    except Exception:  # pickletools raises whatever its parsers do
        return 0
    return 0


def dangerous_names(names: set[tuple[str, str]]) -> list[str]:
    """Names that would let loading a pickle do anything at all."""
    return sorted(f"{module}.{name}" for module, name in names if _is_dangerous(module, name))


def _is_dangerous(module: str, name: str) -> bool:
    if "?" in (module, name):
        return True
    if module in _BUILTINS:
        return name not in _PLAIN
    return _ACTIVE.fullmatch(module) is not None and (module, name) not in _MODEST
