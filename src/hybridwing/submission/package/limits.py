"""How large a submission may be, and which names its files may have, before anything of it is unpacked."""

from __future__ import annotations

import re
import stat
import unicodedata
from dataclasses import dataclass

from hybridwing.errors import SubmissionError, first_few

#: Names that Windows takes for devices whatever their ending (learn.microsoft.com, "Naming Files").
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")


@dataclass(frozen=True)
class ArchiveLimits:
    """What is refused unread.

    Parameters
    ----------
    entries : int
        Files and folders. A flat submission has a dozen, one with packages of its own some thousands.
    total_bytes : int
        All files, unpacked.
    ratio : float
        Unpacked over packed size, for every file over `ratio_from` bytes and for the whole. Weights hardly shrink;
        deflate reaches 1032 with zeros.
    ratio_from : int
        Bytes below which a ratio says nothing.
    name_bytes, path_bytes : int
        UTF-8 bytes of one part of a path and of a whole one.
    """

    entries: int = 10_000
    total_bytes: int = 16 * 2**30
    ratio: float = 100.0
    ratio_from: int = 2**24
    name_bytes: int = 255
    path_bytes: int = 1024


@dataclass(frozen=True)
class Member:
    """One file of a submission: its path from the root, joined by ``/``, and its bytes, unpacked."""

    name: str
    size: int


def name_fault(name: str, limits: ArchiveLimits) -> str | None:
    """Say why a stored name is not one that may be unpacked, or None.

    Examples
    --------
    >>> name_fault("../model.py", ArchiveLimits())
    'leads out of the folder'
    >>> name_fault("model.py", ArchiveLimits()) is None
    True
    """
    parts = name.removesuffix("/").split("/")
    faults = (
        (not name.strip("/.") and ".." not in parts, "has no name"),
        (name.startswith("/"), "is an absolute path"),
        (re.match(r"[A-Za-z]:", name) is not None, "has a drive letter"),
        ("\\" in name, "has a backslash: Linux takes it for a part of the name, Windows for a folder"),
        (".." in parts, "leads out of the folder"),
        (not all(character.isprintable() for character in name), "has control characters"),
        (":" in name, "has a colon, which Windows does not allow"),
        (any(part != part.rstrip(" .") and part not in (".", "..") for part in parts), "ends in a space or dot"),
        (any(_DEVICES.fullmatch(part) for part in parts), "is the name of a device on Windows"),
        (any(len(_encoded(part)) > limits.name_bytes for part in parts), f"is over {limits.name_bytes} bytes long"),
        (len(_encoded(name)) > limits.path_bytes, f"is a path over {limits.path_bytes} bytes long"),
    )
    return next((fault for wrong, fault in faults if wrong), None)


def kind_fault(kind: int) -> str | None:
    """Say why an entry of this kind (``stat.S_IFMT``) is no plain file or folder, or None."""
    if kind == stat.S_IFLNK:
        return "is a link; put the file itself there"
    return None if kind in (stat.S_IFREG, stat.S_IFDIR) else "is a device, pipe or socket"


def plain_name(name: str) -> str:
    """Path without ``.`` parts and doubled slashes, as unpacking programs read it."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def clashes(files: list[str], folders: list[str]) -> list[str]:
    """Name pairs of paths that some file system takes for one: repeated, differing in case only, file and folder."""
    seen: dict[str, str] = {}
    found = []
    for name in files:
        key = _folded(name)
        if key in seen:
            found.append(
                f"{name} is there twice" if seen[key] == name else f"{seen[key]} and {name} differ in case only"
            )
        seen[key] = name
    above = {"/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)}
    for folder in sorted(above | set(folders)):
        if _folded(folder) in seen:
            found.append(f"{folder} is a file and a folder")
    return found


def refuse(source: object, faults: list[str]) -> None:
    """Raise one error that names the first faults, if there are any.

    Raises
    ------
    SubmissionError
    """
    if faults:
        raise SubmissionError(f"{source} is refused and nothing of it was unpacked: {first_few(faults)}")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _folded(name: str) -> str:
    # macOS compares names by their canonical Unicode form, Windows and macOS without case.
    return unicodedata.normalize("NFC", name).casefold()
