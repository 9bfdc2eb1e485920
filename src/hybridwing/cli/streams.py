"""Keep working when standard output or error is closed, or nobody reads it any more."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress

#: What writing ends in when the reader has gone: a pipe (``| head``), a terminal that was closed, a closed descriptor.
_GONE = (errno.EPIPE, errno.EIO, errno.EBADF)


class _Stream(io.FileIO):
    """Writes to a descriptor; after a failure all output is dropped."""

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._called = name

    def write(self, data: object) -> int:
        """Write bytes.

        Raises OSError if they cannot be written for another reason than that nobody reads them, such as a full disk.
        """
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path of anybody's
                os.dup2(nowhere.fileno(), self.fileno())
            if error.errno not in _GONE:
                raise OSError(error.errno, f"cannot write to {self._called}: {error.strerror}") from error
            return len(memoryview(data))  # type: ignore[arg-type]


def keep_streams_open() -> None:
    """Give the process a standard output and error that can always be written to.

    Streams that a caller has put in the place of the process's own are left as they are.
    """
    # A descriptor that is closed would be given to the next file that is opened, and printing would write into it.
    with suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _stream(sys.stdout, 1, "standard output")
    if sys.stderr is sys.__stderr__:
        sys.stderr = _stream(sys.stderr, 2, "standard error")


def _stream(old: io.TextIOBase | None, descriptor: int, name: str) -> io.TextIOWrapper:
    if old is not None:
        with suppress(OSError, ValueError):
            old.flush()
    if isinstance(old, io.TextIOWrapper) and sys.platform == "win32" and old.isatty():
        return old  # the console there takes text of its own kind, and no bytes
    raw = _Stream(descriptor, name)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(old, "encoding", None) or "utf-8",
        # A file name that a terminal or a log has no letters for must not end the work.
        errors="backslashreplace",
        line_buffering=raw.isatty() or descriptor == 2,
    )
