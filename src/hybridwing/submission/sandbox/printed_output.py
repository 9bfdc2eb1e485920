"""What a program prints: all of it is counted, and only the end is kept."""

from __future__ import annotations

import threading
from typing import IO

_CHUNK = 2**16
#: Bytes of the end that are kept.
KEPT = 2**16


class PrintedOutput:
    """Reads a pipe in a thread.

    Once more than `limit` bytes came, no more are read. Whoever writes then waits, and no memory fills.
    """

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        self.total = 0
        self._kept = b""
        self._pipe = pipe
        self._limit = limit
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while self.total <= self._limit:
            chunk = self._pipe.read1(_CHUNK)  # type: ignore[attr-defined]
            if not chunk:
                break
            self.total += len(chunk)
            self._kept = (self._kept + chunk)[-KEPT:]

    def finish(self) -> None:
        """Wait for the last of it; the program has ended."""
        # Outside bubblewrap a process that broke away may hold the pipe open: do not wait for it.
        self._thread.join(timeout=2.0)
        if not self._thread.is_alive():
            self._pipe.close()

    def tail(self) -> str:
        """The end of what was printed."""
        return self._kept.decode("utf-8", errors="replace")
