"""Find one file at its place, or fetch and check it."""

from __future__ import annotations

import hashlib
import logging
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.download.errors import DiskError, FileError, RefusedError, TransientError, WrongContentError, disk_error
from hybridwing.download.manifest import Entry
from hybridwing.errors import ImageError
from hybridwing.images.decode import read_rgb

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.download.downsample import Downsizer
    from hybridwing.download.folder import DownloadFolder
    from hybridwing.download.hosts import Stop
    from hybridwing.download.manifest import Manifest
    from hybridwing.download.partial import PartialFile
    from hybridwing.download.plan import Wanted
    from hybridwing.download.transfer import Transfer

#: Times that a server may send something that is not the file.
_WRONG_CONTENTS = 2
_PIECE = 2**20
#: A JPEG is decoded at an eighth of its size to be checked: all its data are read, few of its pixels computed.
_CHECKED_SIDE = 64

_log = logging.getLogger(__name__)


def entry_of(wanted: Wanted, path: Path) -> Entry:
    """Read a file once for its size and checksums. MD5 tells damage, not malice."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            md5.update(piece)
            sha256.update(piece)
            size += len(piece)
    return Entry(wanted.path, size, md5.hexdigest(), sha256.hexdigest(), wanted.source, wanted.licence)


def image_error(path: Path) -> ImageError | None:
    """Say why a file is not a whole image, or None."""
    try:
        read_rgb(path, short_side=_CHECKED_SIDE)
    except ImageError as error:
        return error
    return None


@dataclass(frozen=True)
class FileResult:
    """What became of one file: its entry, whether this download fetched it, and why it failed (empty if it did not)."""

    wanted: Wanted
    entry: Entry | None = None
    fetched: bool = False
    reason: str = ""


@dataclass(frozen=True)
class FileFetcher:
    """Fetches files; shared by the threads."""

    folder: DownloadFolder
    manifest: Manifest
    transfer: Transfer
    stop: Stop
    attempts: int
    verify: bool
    downsizer: Downsizer | None

    def fetch(self, wanted: Wanted) -> FileResult:
        """Bring one file to its place, and its smaller copy beside it."""
        entry, fetched = None, False
        try:
            self.stop.check()
            target = self.folder.make_parent(wanted.path)
            entry = self._already_there(wanted, target)
            if entry is None:
                entry, fetched = self._fetch(wanted, target), True
            if self.downsizer is not None:
                self.downsizer.make(wanted.path, target)
        except FileError as error:
            if isinstance(error, DiskError):
                self.stop.set(error.reason)
            return FileResult(wanted, entry, fetched, error.reason)
        return FileResult(wanted, entry, fetched)

    def _md5(self, wanted: Wanted) -> str:
        """The catalogue's MD5; empty if it is not to be checked."""
        return wanted.md5 if self.verify else ""

    def _already_there(self, wanted: Wanted, target: Path) -> Entry | None:
        """Entry of a file that is there and right."""
        try:
            status = target.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise disk_error(error) from error
        if not stat.S_ISREG(status.st_mode):
            return None  # a link: the photograph takes its place, and what it leads to is not touched
        known = self.manifest.entries.get(wanted.path)
        if known and known.url != wanted.source:
            if not self._md5(wanted):
                return None  # it came from another address, and nothing says that it is the same
            known = None
        unchanged = known and known.bytes == status.st_size and status.st_mtime_ns <= self.manifest.written_ns
        if unchanged and not self.verify:
            return known
        try:
            entry = entry_of(wanted, target)
        except OSError as error:
            raise RefusedError(f"cannot be read: {error.strerror or error}") from error
        expected = self._md5(wanted) or (known.md5 if known and self.verify else "")
        if expected and expected != entry.md5:
            _log.info("%s: its md5 is %s and should be %s; fetching it again", target, entry.md5, expected)
            return None
        return entry if expected or image_error(target) is None else None

    def _fetch(self, wanted: Wanted, target: Path) -> Entry:
        """Fetch a file, asking again where that may help."""
        part = self.folder.part(wanted.path)
        failures = wrong = 0
        while True:
            try:
                entry = self._receive(wanted, part)
                part.place(target)
                return entry
            except WrongContentError as error:
                wrong += 1
                if wrong >= _WRONG_CONTENTS:
                    raise RefusedError(f"{error.reason}; asked {wrong} times") from error
            except TransientError as error:
                _log.info("%s: %s", wanted.address, error.reason)
                failures += 1
                if failures >= self.attempts:
                    raise RefusedError(f"{error.reason}; given up after {failures} requests") from error
            except OSError as error:
                raise disk_error(error) from error

    def _receive(self, wanted: Wanted, part: PartialFile) -> Entry:
        """Receive a file, and check that it is the right one."""
        self.stop.check()
        expected = self._md5(wanted)
        if not part.is_whole(wanted.address, checked=bool(expected)):
            self.transfer.receive(wanted.address, part, checked=bool(expected))
        entry = entry_of(wanted, part.path)
        if expected and entry.md5 != expected:
            part.discard()
            raise WrongContentError(f"wrong content: md5 is {entry.md5}, the catalogue says {expected}")
        problem = image_error(part.path)
        if problem is None:
            return entry
        if expected and problem.stage == "decode":
            # Byte for byte what the catalogue describes: the original is damaged, and not the transfer.
            _log.warning("%s is as the catalogue describes it, but %s", wanted.path, problem.reason)
            return entry
        part.discard()
        kind = RefusedError if expected else WrongContentError
        raise kind(f"not a whole image: {problem.reason}")
