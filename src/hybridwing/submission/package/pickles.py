"""Read pickles without loading them: what they would import, and which scikit-learn wrote them.

A pickle is a program, and loading one runs it. Its opcodes can be listed with ``pickletools`` instead. Files of joblib
hold raw arrays in between, which end the list early; what is after them is searched for by pattern.
"""

from __future__ import annotations

import bz2
import lzma
import pickletools
import re
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from hybridwing.errors import SubmissionError
from hybridwing.submission.package.limits import ArchiveLimits
from hybridwing.submission.package.zip_members import check_directory_size

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes of a pickle that are looked at; classifiers are smaller, and of weights only the arrays come later.
LOOKED_AT = 2**26
#: Pickles in one file: older torch files hold five.
_MOST = 8
#: ``_sklearn_version`` and the string after it, as protocols 2 to 5 write them.
_VERSION = re.compile(rb"_sklearn_version(?:\x94|q.|r....)?(?:\x8c(.)|X(.)\0\0\0)(\d[\w.]{2,20})", re.DOTALL)
#: A module and a name pushed one after the other (protocol 4 and 5), and the older opcode that holds both.
_PUSHED = re.compile(rb"\x8c.([\w.]+)(?:\x94|h.|j....)?\x8c.([\w.]+)(?:\x94)?\x93", re.DOTALL)
_WRITTEN = re.compile(rb"c([A-Za-z_][\w.]*)\n([A-Za-z_][\w.]*)\n")

_STRINGS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"}
_FETCHES = {"BINGET", "LONG_BINGET", "GET"}
_STORES = {"BINPUT", "LONG_BINPUT", "PUT"}
_NEUTRAL = {"PROTO", "FRAME"}

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
_PLAIN = frozenset(
    (
        *("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object", "range"),
        *("set", "slice", "str", "tuple", "type", "Ellipsis", "NotImplemented", "unicode", "long", "xrange"),
    )
)


@dataclass(frozen=True)
class PickleScan:
    """What was seen in one file.

    Parameters
    ----------
    names : frozenset of (str, str)
        Module and name of everything that loading it would import; ``"?"`` where it is worked out while loading.
    scikit_learn : frozenset of str
        Versions written into it.
    whole : bool
        False if a part could only be searched by pattern.
    """

    names: frozenset[tuple[str, str]]
    scikit_learn: frozenset[str]
    whole: bool

    @property
    def dangerous(self) -> tuple[str, ...]:
        """Names that would let loading it do anything at all."""
        return tuple(sorted(f"{module}.{name}" for module, name in self.names if _is_dangerous(module, name)))


def _is_dangerous(module: str, name: str) -> bool:
    if "?" in (module, name):
        return True
    if module in _BUILTINS:
        return name not in _PLAIN
    return _ACTIVE.fullmatch(module) is not None and (module, name) not in _MODEST


def scan(file: IO[bytes], name: str) -> PickleScan | None:
    """Look into a file that may be a pickle, joblib's, also packed, or torch's; None if it is none of these.

    Raises
    ------
    SubmissionError
        If it is a zip with a directory out of all proportion.
    """
    start = file.read(8)
    file.seek(0)
    if start.startswith(b"PK\3\4"):
        parts = list(_pickles_in_zip(file, name))
    else:
        data = _unpacked(start, file)
        if not _looks_like_pickle(data):
            return None
        parts = [_scan_bytes(data)]
    if not parts:
        return None
    return PickleScan(
        frozenset().union(*(part.names for part in parts)),
        frozenset().union(*(part.scikit_learn for part in parts)),
        all(part.whole for part in parts),
    )


def _looks_like_pickle(data: bytes) -> bool:
    """Protocol 2 and later begin with their number; older ones are told by being readable to the end."""
    if len(data) > 1 and data[0] == 0x80 and data[1] <= 5:
        return True
    try:
        return any(opcode.name == "STOP" for opcode, _, _ in pickletools.genops(data[: 2**20])) and len(data) > 2
    except Exception:  # pickletools raises whatever its parsers do
        return False


def _pickles_in_zip(file: IO[bytes], name: str) -> Iterator[PickleScan]:
    check_directory_size(file, name, ArchiveLimits())
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if info.filename.endswith(".pkl"):
                    with archive.open(info) as packed:
                        yield _scan_bytes(packed.read(LOOKED_AT))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SubmissionError(f"{name} is damaged: {error}") from error


def _unpacked(start: bytes, file: IO[bytes]) -> bytes:
    """Content, decompressed as joblib does by the first bytes; no more than :data:`LOOKED_AT` bytes of it."""
    data = file.read(LOOKED_AT)
    with suppress(zlib.error, lzma.LZMAError, OSError, EOFError):  # only its first bytes may look packed
        if start.startswith((b"\x1f\x8b", b"\x78")):
            return zlib.decompressobj(47).decompress(data, LOOKED_AT)  # 47: gzip or zlib, by its header
        if start.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(data, LOOKED_AT)
        if start.startswith((b"\xfd7zXZ", b"]\0\0")):
            return lzma.LZMADecompressor(memlimit=2**28).decompress(data, LOOKED_AT)
    return data


def _scan_bytes(data: bytes) -> PickleScan:
    names: set[tuple[str, str]] = set()
    versions: set[str] = set()
    at, whole = 0, True
    for _ in range(_MOST):
        end = _read_one(data, at, names, versions)
        if end is None:
            whole = False
            break
        at = end
        if at >= len(data) or data[at] != 0x80:
            break
    if not whole:
        names |= _names_by_pattern(data[at:])
        versions |= {match[3][: (match[1] or match[2])[0]].decode() for match in _VERSION.finditer(data)}
    return PickleScan(frozenset(names), frozenset(versions), whole)


def _read_one(data: bytes, at: int, names: set[tuple[str, str]], versions: set[str]) -> int | None:
    """Add names and versions of the pickle that begins at a place; give its end, None if it cannot be read so far.

    Strings are followed through the memo, since that is where a module's or class's name comes from the second time.
    Anything else counts as unknown, so that a name put together while loading is reported as ``?``.
    """
    pushed: list[str | None] = [None, None]
    memo: dict[int, str | None] = {}
    try:
        for opcode, argument, place in pickletools.genops(memoryview(data)[at:].tobytes() if at else data):
            kind = opcode.name
            if kind in _STRINGS:
                pushed.append(argument if isinstance(argument, str) else None)
                if pushed[-2] == "_sklearn_version":
                    versions.add(str(argument))
            elif kind in _FETCHES:
                pushed.append(memo.get(int(str(argument))))
            elif kind == "MEMOIZE":
                memo[len(memo)] = pushed[-1]
            elif kind in _STORES:
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
                return at + (place or 0) + 1
            elif kind not in _NEUTRAL:
                pushed.append(None)
            del pushed[:-2]
    except Exception:  # pickletools raises whatever its parsers do
        return None
    return None


def _names_by_pattern(data: bytes) -> set[tuple[str, str]]:
    """Names in the rest of a file that could not be read to its end."""
    found = [match.groups() for pattern in (_PUSHED, _WRITTEN) for match in pattern.finditer(data)]
    return {(module.decode("latin-1"), name.decode("latin-1")) for module, name in found}
