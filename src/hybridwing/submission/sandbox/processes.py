"""A process and all that came of it: how much memory they take, how many they are, and ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROC = Path("/proc")
#: Rounds of listing and killing: who forks faster than it is killed is caught by the next round.
_ROUNDS = 100


@dataclass(frozen=True)
class Tree:
    """Descendants of a process at one moment.

    Parameters
    ----------
    pids : tuple of int
        Without the process itself.
    resident : int
        Bytes of memory they hold together; pages that several share are counted for each.
    """

    pids: tuple[int, ...]
    resident: int


def can_watch() -> bool:
    """Whether descendants can be listed here: on Linux from ``/proc``, on macOS and the BSDs by ``ps``."""
    return sys.platform != "win32"


def descendants(root: int) -> Tree:
    """Descendants of process `root` and the memory they hold; empty where they cannot be listed."""
    rows = list(_from_proc() if sys.platform == "linux" else _from_ps() if can_watch() else ())
    children: dict[int, list[int]] = {}
    resident = {}
    for pid, parent, held in rows:
        children.setdefault(parent, []).append(pid)
        resident[pid] = held
    found = list(children.get(root, ()))
    for pid in found:  # grows while it is walked
        found += children.get(pid, ())
    return Tree(tuple(found), sum(resident[pid] for pid in found))


def _from_proc() -> Iterable[tuple[int, int, int]]:
    page = os.sysconf("SC_PAGE_SIZE")
    for entry in os.listdir(_PROC):  # noqa: PTH208 - twenty times a second, and Path objects are slow
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123 - as above
                # The name in brackets may hold anything, brackets and spaces included.
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue  # it has ended since it was listed
        if len(fields) > 21 and fields[0] not in (b"Z", b"X"):
            yield int(entry), int(fields[1]), int(fields[21]) * page


def _from_ps() -> Iterable[tuple[int, int, int]]:
    try:
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,rss="],  # noqa: S607 - where it lies differs by system
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    except OSError:
        return
    for line in listed.splitlines():
        fields = line.split()
        if len(fields) == 3 and all(value.isdigit() for value in fields):
            yield int(fields[0]), int(fields[1]), int(fields[2]) * 1024


def kill_descendants(root: int) -> None:
    """End everything that came of `root`, and not `root` itself."""
    for _ in range(_ROUNDS):
        pids = descendants(root).pids
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads its own group, its group and its descendants, and wait for it."""
    if sys.platform == "win32":
        subprocess.run(  # noqa: S603 - a number
            ["taskkill", "/F", "/T", "/PID", str(process.pid)],  # noqa: S607
            capture_output=True,
            check=False,
        )
    else:
        # Descendants first: as long as it lives, those that left its group are still found below it (Linux).
        kill_descendants(process.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
