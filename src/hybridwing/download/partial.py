"""An unfinished file, and what must be known to go on with it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from hybridwing.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Version:
    """Which version of a remote file a part belongs to.

    Attributes
    ----------
    url : str
        Address that was asked for, before redirects.
    etag : str
        Strong entity tag; empty if there was none.
    modified : str
        ``Last-Modified`` as sent; empty if there was none.
    total : int
        Size of the whole file in bytes; -1 if the server did not say.
    """

    url: str
    etag: str
    modified: str
    total: int


class Part:
    """A file that is being received. What is written is only ever appended, so its size is how far it came.

    Parameters
    ----------
    path : Path
        Of the bytes; a second file beside it holds the version.
    """

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

    def version(self, url: str) -> Version | None:
        """Version that the bytes belong to; None if there are none, or none of this address."""
        try:
            values = json.loads(self._version_path.read_text(encoding="utf-8"))
            version = Version(
                url=str(values["url"]),
                etag=str(values["etag"]),
                modified=str(values["modified"]),
                total=int(values["total"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return version if version.url == url and self.size else None

    def can_continue(self, url: str, *, checked: bool) -> Version | None:
        """Version to continue, if the result can be trusted.

        Parameters
        ----------
        url : str
        checked : bool
            Whether the whole file will be held against a digest. Without, only a strong entity tag says that the
            rest belongs to the same file.
        """
        version = self.version(url)
        if version is None or self.size > version.total >= 0:
            return None
        # A body without tag and length was anything; more often than not it was no file.
        return version if version.etag or (checked and version.total >= 0) else None

    def is_whole(self, url: str, *, checked: bool) -> bool:
        """Whether all bytes are there, as when a download was killed between the last of them and the renaming."""
        version = self.can_continue(url, checked=checked)
        return version is not None and self.size == version.total

    def begin(self, version: Version) -> None:
        """Start from nothing. In this order a kill leaves never bytes of one version under another's name."""
        self.discard()
        write_text(self._version_path, json.dumps(asdict(version)))

    @contextlib.contextmanager
    def append(self) -> Iterator[Callable[[bytes], None]]:
        """Open for more bytes; yields what writes them.

        Nothing is buffered: a thread that is left behind must not write what it still held when its file is closed.
        """
        with self.path.open("ab", buffering=0) as file:

            def write(piece: bytes) -> None:
                rest = memoryview(piece)
                while rest:
                    rest = rest[file.write(rest) :]

            yield write

    def discard(self) -> None:
        """Forget the bytes, then their version."""
        self.path.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Remove the version, once the bytes have moved to their final name."""
        with contextlib.suppress(FileNotFoundError):
            self._version_path.unlink()
