"""What can go wrong: with a whole download, and with one file of it."""

from __future__ import annotations

import errno

from hybridwing.errors import HybridwingError

#: A disk that is full or read-only fails every further file too, and each would cost the server a request.
_DISK = frozenset({errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)})


class DownloadError(HybridwingError):
    """Nothing can be fetched with these settings or into this folder."""


class FileProblem(Exception):  # noqa: N818 - its kinds are below
    """Why one file is not there; never leaves the package.

    Parameters
    ----------
    reason : str
        In one line, for ``missing.csv``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RefusedError(FileProblem):
    """Asking again would give the same."""


class SuspectError(FileProblem):
    """The server sent something that is not the file; worth asking once more."""


class TransientError(FileProblem):
    """Worth asking again after a while.

    Parameters
    ----------
    reason : str
    busy : str
        Address whose host as a whole wants fewer requests: all its files wait, not only this one. Mostly empty.
    wait : float or None
        Seconds the host asked for.
    """

    def __init__(self, reason: str, *, busy: str = "", wait: float | None = None) -> None:
        super().__init__(reason)
        self.busy = busy
        self.wait = wait


class StoppedError(FileProblem):
    """The download is being ended."""


class DiskError(FileProblem):
    """Nothing more can be written, whichever file it is."""


def disk_problem(error: OSError) -> FileProblem:
    """Tell a problem of one file (a name too long, a folder in its place) from one of the disk."""
    reason = f"cannot be written: {error.strerror or error}"
    return DiskError(reason) if error.errno in _DISK else RefusedError(reason)
