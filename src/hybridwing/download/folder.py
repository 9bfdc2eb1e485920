"""The folder that photographs are fetched into: its lock, its safe places, its unfinished files.

::

    DIR/
      NAME.jpg, …            the photographs, each whole
      manifest.csv           what is there
      missing.csv            what is not, and why
      catalogue.csv          the catalogue's rows that are there
      .hybridwing-download/  lock, unfinished files, what was checked; may be deleted when no download runs
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
from typing import TYPE_CHECKING, BinaryIO

from hybridwing.download.faults import DownloadError, RefusedError, disk_problem
from hybridwing.download.partial import Part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST, MISSING, CATALOGUE = "manifest.csv", "missing.csv", "catalogue.csv"
WORK = ".hybridwing-download"
#: First parts of a path that no photograph may have.
RESERVED = frozenset({MANIFEST, MISSING, CATALOGUE, WORK})


class SafeRoot:
    """A folder that no path leads out of, not even by a symbolic link in it.

    Parameters
    ----------
    root : Path
        Made if it does not exist; may itself be a symbolic link.

    Raises
    ------
    DownloadError
        If it is not a folder and cannot be made one.
    """

    def __init__(self, root: Path) -> None:
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DownloadError(f"{root}: cannot be used as a folder: {error.strerror or error}") from error
        self.root = root
        self._real = root.resolve()

    def place(self, path: str) -> Path:
        """Place of a file.

        Raises
        ------
        RefusedError
            If it is outside the root, or is a folder.
        """
        target = self.root / path
        try:
            parent = target.parent.resolve()
            if parent != self._real and self._real not in parent.parents:
                raise RefusedError(f"its name leads out of {self.root}")
            if stat.S_ISDIR(target.lstat().st_mode):
                raise RefusedError("a folder stands in its place")
        except (FileNotFoundError, NotADirectoryError):
            return target
        except (OSError, RuntimeError, ValueError) as error:  # a name too long, a loop of links
            raise RefusedError(f"its name cannot be used: {error}") from error
        return target

    def make_parent(self, path: str) -> Path:
        """Place of a file, whose folder is made.

        Raises
        ------
        RefusedError
            As for :meth:`place`, or if the folder cannot be made.
        DiskError
            If the disk is full or read-only.
        """
        target = self.place(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_problem(error) from error
        return target


class DownloadFolder(SafeRoot):
    """The folder of a download, and what it keeps for itself in there.

    Raises
    ------
    DownloadError
        If it cannot be made.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.work = root / WORK
        parts = self.work / "parts"
        try:
            if self.work.is_symlink() or parts.is_symlink():
                raise DownloadError(f"{self.work} must not be or hold a symbolic link; delete it")
            parts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DownloadError(f"{self.work}: cannot be used as a folder: {error.strerror or error}") from error

    def part(self, path: str) -> Part:
        """Unfinished file of a photograph; its name is a hash, so any name and any depth fits."""
        key = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return Part(self.work / "parts" / f"{key}.part")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other downloads out of the folder. The operating system frees the lock of a process that dies.

        Raises
        ------
        DownloadError
            If another download runs here, or the file system knows no locks.
        """
        with (self.work / "lock").open("ab") as file:
            try:
                _lock(file)
            except BlockingIOError as error:
                raise DownloadError(
                    f"another download is running in {self.root}; wait for it or choose another folder"
                ) from error
            except OSError as error:
                raise DownloadError(
                    f"{self.root} cannot be locked ({error.strerror or error}); fetch into a folder on a local disk"
                ) from error
            yield


if sys.platform == "win32":  # pragma: no cover - the other branch is

    def _lock(file: BinaryIO) -> None:
        import msvcrt

        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error

else:

    def _lock(file: BinaryIO) -> None:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def make_durable(path: Path) -> None:
    """Bring a folder's or a file's changes to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders, and writes their entries through by itself
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
