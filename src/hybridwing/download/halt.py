"""The one signal that ends a download early."""

from __future__ import annotations

import threading

from hybridwing.download.faults import StoppedError


class Halt:
    """Set once, by an interrupt or a full disk; every thread looks at it before it waits, asks or writes."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self.reason = "interrupted"

    def now(self, reason: str) -> None:
        """End the download; the first reason counts."""
        with self._lock:
            if not self._event.is_set():
                self.reason = reason
                self._event.set()

    def check(self) -> None:
        """Raise if the download is to end.

        Raises
        ------
        StoppedError
        """
        if self._event.is_set():
            raise StoppedError(self.reason)

    @property
    def is_set(self) -> bool:
        """Whether the download is to end."""
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep, but not through the end."""
        self._event.wait(seconds)
