"""A submission opened as a value: the files of a folder or of a zip, all checked before any is unpacked.

Nothing of the submission is run or imported here, and nothing is written but by :meth:`Submission.unpack`.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError
from hybridwing.submission.package.limits import ArchiveLimits, Member, clashes, kind_fault, name_fault, refuse
from hybridwing.submission.package.zip_members import read_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

_CHUNK = 2**20
#: What reading a damaged or dishonest zip member raises.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Submission:
    """Files of a submission.

    Parameters
    ----------
    source : pathlib.Path
        The folder or zip file.
    members : tuple of Member
        Its files, by name. Folders appear only as parts of names.
    """

    source: Path
    members: tuple[Member, ...]
    #: The zip's directory; empty for a folder.
    _zipped: dict[str, zipfile.ZipInfo] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_zip(self) -> bool:
        """Whether it is a zip file, and not a folder."""
        return self.source.is_file()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files."""
        return tuple(member.name for member in self.members)

    @property
    def total_bytes(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(member.size for member in self.members)

    def below(self, folder: str) -> Submission:
        """The submission that one of its top folders would be, e.g. where the folder itself was zipped."""
        start = f"{folder}/"
        inside = tuple(
            Member(member.name.removeprefix(start), member.size)
            for member in self.members
            if member.name.startswith(start)
        )
        if not self.is_zip:
            return Submission(self.source / folder, inside)
        zipped = {name.removeprefix(start): info for name, info in self._zipped.items() if name.startswith(start)}
        return Submission(self.source, inside, zipped)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open one file for reading.

        Raises
        ------
        SubmissionError
            If there is no such file or its data are damaged, also while it is read within the block.
        """
        if name not in self.names:
            raise SubmissionError(f"{self.source} has no file {name}")
        try:
            if self._zipped:
                with zipfile.ZipFile(self.source) as archive, archive.open(self._zipped[name]) as packed:
                    yield packed
            else:
                # Refuses a link that took the file's place after it was listed.
                flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
                with os.fdopen(os.open(self.source / name, flags), "rb") as file:
                    yield file
        except _UNREADABLE as error:
            raise SubmissionError(f"{self.source}: {name} is damaged: {error}") from error

    def read(self, name: str, limit: int = 2**24) -> bytes:
        """First bytes of one file, at most `limit` of them."""
        with self.open(name) as file:
            return file.read(limit)

    def unpack(self, folder: Path) -> None:
        """Write all files into `folder`, which must be new or empty; an error leaves what was written until then.

        Files get the usual permissions and no links are followed; no more bytes are written than were declared.

        Raises
        ------
        SubmissionError
            If `folder` is not empty, or a file is damaged.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SubmissionError(f"cannot unpack into {folder}: it is there already and not an empty folder")
        folder.mkdir(parents=True, exist_ok=True)
        for member in self.members:
            self._unpack_one(member, folder / member.name)

    def _unpack_one(self, member: Member, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        left = member.size
        with self.open(member.name) as packed, target.open("xb") as out:
            while chunk := packed.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise SubmissionError(f"{self.source}: {member.name} is longer than it says")
                out.write(chunk)
        if left:
            raise SubmissionError(f"{self.source}: {member.name} is shorter than it says")


def open_submission(path: Path, limits: ArchiveLimits | None = None) -> Submission:
    """List a submission's files and refuse what should not be unpacked.

    Parameters
    ----------
    path : pathlib.Path
        A folder, or a zip file.
    limits : ArchiveLimits, optional

    Raises
    ------
    SubmissionError
        If there is nothing at `path`, it is neither folder nor zip, or anything in it is unsafe: names that lead out of
        the folder or that file systems disagree on, links, devices, encryption, zip bombs, too many entries.
    """
    limits = limits or ArchiveLimits()
    if path.is_dir():
        return Submission(path, tuple(_walk(path, limits)))
    if not path.is_file():
        raise SubmissionError(f"{path}: no such file or folder; a submission is a folder or a zip of its files")
    files = read_directory(path, limits)
    return Submission(path, tuple(Member(name, info.file_size) for name, info in files.items()), files)


def _walk(root: Path, limits: ArchiveLimits) -> list[Member]:
    """Files below a folder, no link followed."""
    members: list[Member] = []
    faults: list[str] = []
    folders = [""]
    entries = 0
    for above in folders:  # grows while it is walked
        with os.scandir(root / above) as found:
            for entry in found:
                entries += 1
                if entries > limits.entries:
                    refuse(root, [f"it has more than {limits.entries:,} entries"])
                name = f"{above}{entry.name}"
                kind = stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode)
                fault = name_fault(name, limits) or kind_fault(kind)
                if fault:
                    faults.append(f"{name!r} {fault}")
                elif kind == stat.S_IFDIR:
                    folders.append(f"{name}/")
                else:
                    members.append(Member(name, entry.stat(follow_symlinks=False).st_size))
    members.sort(key=lambda member: member.name)
    total = sum(member.size for member in members)
    if total > limits.total_bytes:
        faults.append(f"it holds {total:,} bytes, and {limits.total_bytes:,} are allowed")
    faults += clashes([member.name for member in members], [])
    refuse(root, faults)
    return members
