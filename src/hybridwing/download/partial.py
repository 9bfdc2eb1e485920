"""An unfinished file, and what must be known to continue it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from hybridwing.files import write_text

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Version:
    """Which version of a remote file a part belongs to."""

    url: str  # Address that was asked for, before redirects
    etag: str  # Strong entity tag; empty if there was none
    modified: str  # ``Last-Modified`` as sent; empty if there was none
    total: int  # Size of the whole file in bytes; -1 if the server did not say


class PartialFile:
    """A file that is being received. It is only ever appended to, so its size is how far it came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version_path = path.with_suffix(".json")

    @property
    def size(self) -> int:
        """Bytes so far."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def can_continue(self, url: str, *, checked: bool) -> Version | None:
        """Version to continue; None if there is nothing of this address, or the result could not be trusted.

        `checked` says that the whole file will be held against a digest. Without one, only a strong entity tag says
        that the rest belongs to the same file.
        """
        try:
            version = Version(**json.loads(self._version_path.read_text(encoding="utf-8")))
            if version.url != url or not self.size or self.size > version.total >= 0:
                return None
        except (OSError, ValueError, TypeError):
            return None
        # A body without tag and length could be anything; more often than not it was no file.
        return version if version.etag or (checked and version.total >= 0) else None

    def is_whole(self, url: str, *, checked: bool) -> bool:
        """Whether all bytes are there, as when a download was killed between the last of them and the renaming."""
        version = self.can_continue(url, checked=checked)
        return version is not None and self.size == version.total

    def begin(self, version: Version) -> None:
        """Start from nothing, in an order in which a kill never leaves bytes of one version under another's name."""
        self.discard()
        write_text(self._version_path, json.dumps(asdict(version)))

    def discard(self) -> None:
        """Remove the bytes, then their version."""
        self.path.unlink(missing_ok=True)
        self._version_path.unlink(missing_ok=True)

    def place(self, target: Path) -> None:
        """Bring the bytes to the disk, then move them to their final name."""
        _sync(self.path)
        self.path.replace(target)
        _sync(target.parent)
        self._version_path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Bring a folder's or a file's changes to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders, and writes their entries through by itself
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
