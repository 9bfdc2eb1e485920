"""A submission opened as a value: the files of a folder or of a zip, all checked before any is unpacked.

Nothing of the submission is run or imported here, and nothing is written but by `Submission.unpack`.
"""

from __future__ import annotations

import itertools
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError, first_few

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import IO

#: Files and folders of a submission. A flat one has a dozen, one with packages of its own some thousands.
MOST_ENTRIES = 10_000
#: Bytes of all files, unpacked.
MOST_BYTES = 16 * 2**30
#: Unpacked over packed size, from so many bytes on. Weights hardly shrink; deflate reaches 1032 with zeros.
_MOST_RATIO, _RATIO_FROM = 100, 2**24
#: Bytes of a zip's directory for each entry; what zipfile makes of it stays in proportion.
_DIRECTORY_BYTES = 512
_ENCRYPTED = 0x1
#: LZMA and bzip2 members may ask for gigabytes to be unpacked, and not every zip program knows them.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 2**20
#: What opening or reading a damaged or dishonest zip raises.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)


@dataclass(frozen=True)
class Submission:
    """Files of a submission."""

    source: Path  # The folder or zip file
    # Bytes of each file, unpacked, by its path from the root, joined by ``/``; sorted. Folders are only parts of paths
    sizes: dict[str, int]
    #: The zip's directory; empty for a folder.
    _zipped: dict[str, zipfile.ZipInfo] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_zip(self) -> bool:
        """Whether it is a zip file, and not a folder."""
        return self.source.is_file()

    @property
    def names(self) -> tuple[str, ...]:
        """Paths of the files."""
        return tuple(self.sizes)

    @property
    def own_modules(self) -> frozenset[str]:
        """What Python would import its files and folders as."""
        return frozenset(name.split("/")[0].removesuffix(".py") for name in self.names)

    def below(self, folder: str) -> Submission:
        """The contents of one of its top folders as a submission, e.g. where the folder itself was zipped."""
        start = f"{folder}/"
        inside = {name.removeprefix(start): size for name, size in self.sizes.items() if name.startswith(start)}
        if not self.is_zip:
            return Submission(self.source / folder, inside)
        zipped = {name.removeprefix(start): info for name, info in self._zipped.items() if name.startswith(start)}
        return Submission(self.source, inside, zipped)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open one file for reading.

        Raises SubmissionError if there is no such file or its data are damaged, also while it is read within the block.
        """
        if name not in self.sizes:
            raise SubmissionError(f"{self.source} has no file {name}")
        if not self._zipped:
            # Refuses a link that took the file's place after it was listed.
            flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
            with os.fdopen(os.open(self.source / name, flags), "rb") as file:
                yield file
            return
        try:
            with zipfile.ZipFile(self.source) as archive, archive.open(self._zipped[name]) as packed:
                yield packed
        except _UNREADABLE as error:
            raise SubmissionError(f"{self.source}: {name} is damaged: {error}") from error

    def read(self, name: str, limit: int = 2**24) -> bytes:
        """First bytes of one file, at most `limit` of them."""
        with self.open(name) as file:
            return file.read(limit)

    def text(self, name: str) -> str | None:
        """One file as text; None if it is not UTF-8."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError:
            return None

    def unpack(self, folder: Path) -> None:
        """Write all files into `folder`, which must be new or empty.

        Files get the usual permissions and no links are followed; no more bytes are written than were declared. Raises
        SubmissionError if `folder` is not empty, or a file is damaged: what was written until then stays.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SubmissionError(f"cannot unpack into {folder}: it is there already and not an empty folder")
        folder.mkdir(parents=True, exist_ok=True)
        for name, left in self.sizes.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with self.open(name) as packed, target.open("xb") as out:
                while (chunk := packed.read(_CHUNK)) and left >= 0:
                    left -= len(chunk)
                    out.write(chunk[: left + len(chunk)])
            if left:
                raise SubmissionError(f"{self.source}: {name} is {'longer' if left < 0 else 'shorter'} than it says")


def open_submission(path: Path) -> Submission:
    """List the files of a submission, a folder or a zip, and refuse what should not be unpacked.

    ``__pycache__`` is left out. Raises SubmissionError if there is nothing at `path`, it is neither folder nor zip, or
    anything in it is unsafe: names that lead out of the folder or that file systems disagree on, links, devices,
    encryption, zip bombs, too many entries.
    """
    if path.is_dir():
        return Submission(path, _walk(path))
    if not path.is_file():
        raise SubmissionError(f"{path}: no such file or folder; a submission is a folder or a zip of its files")
    with path.open("rb") as file, open_zip(file, path) as archive:
        infos = archive.infolist()
    files = {_plain(info.orig_filename): info for info in infos if not info.orig_filename.endswith("/")}
    _refuse(path, _entry_faults(infos) or _clashes(infos) or _size_faults(list(files.values()), path.stat().st_size))
    return Submission(path, {name: files[name].file_size for name in sorted(files)}, files)


@contextmanager
def open_zip(file: IO[bytes], path: object) -> Iterator[zipfile.ZipFile]:
    """Open a zip, after a look at its last record: zipfile reads a directory of any size into memory.

    Raises SubmissionError if it is no zip, or has too many entries; also if its data are damaged, while it is read
    within the block.
    """
    try:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        if end is None:
            raise SubmissionError(f"{path} is no zip file, or one that is cut off")
        entries, size = int(end[4]), int(end[5])
        if entries > MOST_ENTRIES or size > MOST_ENTRIES * _DIRECTORY_BYTES:
            counted = f"{entries:,} entries" if entries > MOST_ENTRIES else f"a directory of {size:,} bytes"
            _refuse(path, [f"it has {counted}, and {MOST_ENTRIES:,} entries are allowed"])
        with zipfile.ZipFile(file) as archive:
            if len(archive.filelist) > MOST_ENTRIES:
                _refuse(path, [f"it has {len(archive.filelist):,} entries, and {MOST_ENTRIES:,} are allowed"])
            yield archive
    except _UNREADABLE as error:
        raise SubmissionError(f"{path} is damaged, or no readable zip file: {error}") from error


def _walk(root: Path) -> dict[str, int]:
    """Bytes of each file below a folder, no link followed."""
    sizes: dict[str, int] = {}
    faults: list[str] = []
    folders = [""]
    entries = 0
    for above in folders:  # grows while it is walked
        with os.scandir(root / above) as found:
            listed = list(itertools.islice(found, MOST_ENTRIES + 1))
        for entry in listed:
            entries += 1
            if entries > MOST_ENTRIES:
                _refuse(root, [f"it has more than {MOST_ENTRIES:,} entries"])
            name, state = f"{above}{entry.name}", entry.stat(follow_symlinks=False)
            if fault := name_fault(name) or _kind_fault(stat.S_IFMT(state.st_mode)):
                faults.append(f"{name!r} {fault}")
            elif stat.S_ISDIR(state.st_mode) and entry.name == "__pycache__":
                continue  # Python leaves it wherever it imported
            elif stat.S_ISDIR(state.st_mode):
                folders.append(f"{name}/")
            else:
                sizes[name] = state.st_size
    total = sum(sizes.values())
    if total > MOST_BYTES:
        faults.append(f"it holds {total:,} bytes, and {MOST_BYTES:,} are allowed")
    _refuse(root, faults)
    return dict(sorted(sizes.items()))


def name_fault(name: str) -> str | None:
    """Say why a stored name is not one that may be unpacked, or None.

    Examples
    --------
    >>> name_fault("../model.py")
    'leads out of the folder'
    >>> name_fault("model.py") is None
    True
    """
    parts = name.removesuffix("/").split("/")
    faults = (
        (not name.strip("/.") and ".." not in parts, "has no name"),
        (name.startswith("/"), "is an absolute path"),
        (re.match(r"[A-Za-z]:", name) is not None, "has a drive letter"),
        ("\\" in name, "has a backslash: Linux takes it for a part of the name, Windows for a folder"),
        (".." in parts, "leads out of the folder"),
        (not name.isprintable(), "has control characters"),
        (max(len(part.encode("utf-8", "surrogateescape")) for part in parts) > 255, "is over 255 bytes long"),
    )
    return next((fault for wrong, fault in faults if wrong), None)


def _kind_fault(kind: int) -> str | None:
    """Say why an entry of this kind (``stat.S_IFMT``) is no plain file or folder, or None."""
    if kind == stat.S_IFLNK:
        return "is a link; put the file itself there"
    return None if kind in (stat.S_IFREG, stat.S_IFDIR, 0) else "is a device, pipe or socket"


def _plain(name: str) -> str:
    """Path without ``.`` parts and doubled slashes, as unpacking programs read it."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _entry_faults(infos: Iterable[zipfile.ZipInfo]) -> list[str]:
    faults = []
    for info in infos:
        fault = name_fault(info.orig_filename) or _kind_fault(stat.S_IFMT(info.external_attr >> 16))
        if info.flag_bits & _ENCRYPTED:
            fault = "is encrypted; zip it without a password"
        elif info.compress_type not in _METHODS:
            fault = "is packed with a rare method; zip it with deflate, which every zip program does"
        if fault:
            faults.append(f"{info.orig_filename[:80]!r} {fault}")
    return faults


def _clashes(infos: Iterable[zipfile.ZipInfo]) -> list[str]:
    """Find paths that some file system takes for the same: repeated, differing in case only, file and folder."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    found = []
    for info in infos:
        name = _plain(info.orig_filename)
        # macOS compares names by their canonical Unicode form, Windows and macOS without case.
        key = unicodedata.normalize("NFC", name).casefold()
        above = [key[:at] for at, letter in enumerate(key) if letter == "/"]
        if info.orig_filename.endswith("/"):
            above.append(key)
        elif key in files:
            found.append(
                f"{name} is there twice" if files[key] == name else f"{files[key]} and {name} differ in case only"
            )
        else:
            files[key] = name
        folders.update(dict.fromkeys(above, name))
    return found + [f"{files[key]} is a file and a folder" for key in files.keys() & folders.keys()]


def _size_faults(infos: list[zipfile.ZipInfo], packed: int) -> list[str]:
    total = sum(info.file_size for info in infos)
    if total > MOST_BYTES:
        return [f"it unpacks to {total:,} bytes, and {MOST_BYTES:,} are allowed"]
    # Members that share their packed bytes are the other way to make much of little.
    ordered = sorted(infos, key=lambda info: info.header_offset)
    faults = [
        f"{first.filename} and {second.filename} overlap, as in a zip bomb"
        for first, second in itertools.pairwise(ordered)
        if first.header_offset + 30 + first.compress_size > second.header_offset
    ]
    sizes = [(info.filename, info.file_size, info.compress_size) for info in infos]
    return faults + [
        f"{what} unpacks from {before:,} to {after:,} bytes, over {_MOST_RATIO} times: a zip bomb"
        for what, after, before in [*sizes, ("the whole", total, packed)]
        if after > _RATIO_FROM and after > _MOST_RATIO * max(1, before)
    ]


def _refuse(source: object, faults: list[str]) -> None:
    if faults:
        raise SubmissionError(f"{source} is refused and nothing of it was unpacked: {first_few(faults)}")
