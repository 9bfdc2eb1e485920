"""A program's processes: how many they are, what they use, and how to end them all."""

from __future__ import annotations

import time
from contextlib import suppress

import psutil

#: Seconds until a process that does not halt, such as one that waits for a disk, is ended all the same.
_PATIENCE = 2.0


class ProcessTree:
    """The process `pid` and all its descendants. A descendant that was seen once is remembered."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._written: dict[psutil.Process, int] = {}
        self.memory = 0  # Bytes of resident memory, summed over the processes, at the last look
        self.processes = 0  # Their number then

    @property
    def written(self) -> int:
        """Bytes written to disk by all processes that were ever seen; 0 where the system does not count them.

        What a child wrote may count for its parent too.
        """
        return sum(self._written.values())

    def look(self) -> None:
        """Measure the processes that are alive now."""
        memory = 0
        found = self._alive()
        for process in found:
            try:
                memory += process.memory_info().rss
                self._written.setdefault(process, 0)
                self._written[process] = process.io_counters().write_bytes
            except (psutil.Error, AttributeError):  # it has ended; macOS has no io_counters
                continue
        self.memory, self.processes = memory, len(found)

    def kill(self) -> None:
        """End every process that was ever seen in the tree, also those that left it since."""
        # All are halted first: what a process starts while it is being ended has no parent to be found by. One that was
        # told to halt may be in the midst of starting another, which is there only when it has halted.
        halted: set[psutil.Process] = set()
        while running := self._running() - halted:
            halted |= running
            for process in running:
                self._written.setdefault(process, 0)
                with suppress(psutil.Error):
                    process.suspend()
            last = time.monotonic() + _PATIENCE
            while time.monotonic() < last and not all(map(_has_halted, running)):
                time.sleep(0.001)
        while left := self._running():
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
            # Whoever started the process at the top waits for it: its exit code can be had only once.
            psutil.wait_procs([process for process in left if process != self._root], timeout=1.0)
            time.sleep(0.001)

    def _running(self) -> set[psutil.Process]:
        """Those that run, of all that were ever seen in the tree."""
        return {process for process in {*self._written, *self._alive()} if _runs(process)}

    def _alive(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return []


def _has_halted(process: psutil.Process) -> bool:
    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and str(process.status()) != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
