"""What can go wrong with a whole download, and with one file of it."""

from __future__ import annotations

import errno

from hybridwing.errors import HybridwingError

#: A full or read-only disk fails every further file too, and each would cost the server a request.
_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)})
_LONGEST = 300


class DownloadError(HybridwingError):
    """Nothing can be fetched with these settings or into this folder."""


class FileError(Exception):
    """Why one file is not there. Text that it quotes from a server becomes one printable line."""

    def __init__(self, reason: str) -> None:
        self.reason = one_line(reason)
        super().__init__(self.reason)


class RefusedError(FileError):
    """Asking again would give the same answer."""


class WrongContentError(FileError):
    """The server sent something that is not the file; worth asking once more."""


class TransientError(FileError):
    """The transfer failed; worth asking again after a while."""


class StoppedError(FileError):
    """The download is being stopped."""


class DiskError(FileError):
    """No file can be written any more."""


def disk_error(error: OSError) -> FileError:
    """Tell a problem with one file (a name too long, a folder in its place) from one with the disk."""
    reason = f"cannot be written: {error.strerror or error}"
    return DiskError(reason) if error.errno in _DISK_ERRORS else RefusedError(reason)


def one_line(text: str) -> str:
    r"""Replace what is not printable by its escape, and cut what is too long.

    Examples
    --------
    >>> print(one_line("Not\x1b[31m Found"))
    Not\x1b[31m Found
    """
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
