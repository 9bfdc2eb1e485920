"""The folder that photographs are fetched into: its lock, its safe places, its unfinished files.

::

    DIR/
      NAME.jpg, …            the photographs, each whole
      manifest.csv           what is there
      missing.csv            what is not, and why
      catalogue.csv          the catalogue's rows that are there
      .hybridwing-download/  lock and unfinished files; may be deleted when no download runs
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from hybridwing.download.errors import DownloadError, RefusedError, disk_error
from hybridwing.download.partial import PartialFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST, MISSING, CATALOGUE = "manifest.csv", "missing.csv", "catalogue.csv"
WORK = ".hybridwing-download"
#: First parts of a path that no photograph may have.
RESERVED = frozenset({MANIFEST, MISSING, CATALOGUE, WORK})


class SafeFolder:
    """A folder that no path leads out of, not even by a symbolic link in it."""

    def __init__(self, root: Path) -> None:
        _make_folder(root)
        self.root = root
        self._real = root.resolve()

    def make_parent(self, name: str) -> Path:
        """Path of a file. The folder that it lies in is made.

        Raises RefusedError if the path leads out of this folder, or is a folder's.
        """
        target = self.root / name
        try:
            if not target.parent.resolve().is_relative_to(self._real):
                raise RefusedError(f"its name leads out of {self.root}")
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                if stat.S_ISDIR(target.lstat().st_mode):
                    raise RefusedError("a folder stands in its place")
        except (OSError, RuntimeError, ValueError) as error:  # a name too long, a loop of links
            raise RefusedError(f"its name cannot be used: {error}") from error
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error) from error
        return target


class DownloadFolder(SafeFolder):
    """The folder of a download, with its lock and unfinished files."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._work = root / WORK
        self._parts = self._work / "parts"
        if self._work.is_symlink() or self._parts.is_symlink():
            raise DownloadError(f"{self._work} must not be or hold a symbolic link; delete it")
        _make_folder(self._parts)

    def part(self, name: str) -> PartialFile:
        """Unfinished file of a photograph. It is named by a hash, so a photograph may have any name and depth."""
        key = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return PartialFile(self._parts / f"{key}.part")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other downloads out of the folder. The operating system frees the lock of a process that dies."""
        try:
            lock = FileLock(self._work / "lock").acquire(timeout=0)
        except Timeout as error:
            raise DownloadError(
                f"another download is running in {self.root}; wait for it or choose another folder"
            ) from error
        except (OSError, NotImplementedError) as error:
            raise DownloadError(
                f"{self.root} cannot be locked ({error}); fetch into a folder on a local disk"
            ) from error
        with lock:
            yield


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"{path}: cannot be used as a folder: {error.strerror or error}") from error
