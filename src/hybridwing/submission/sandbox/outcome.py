"""What a sandboxed program may use, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ending = Literal["ok", "crash", "timeout", "memory", "output", "disk", "processes"]

_GIB = 2**30


@dataclass(frozen=True)
class Limits:
    """What a program may use.

    Parameters
    ----------
    seconds : float
        Wall-clock time.
    memory : int
        Bytes that all its processes hold together (resident; address space that is only reserved does not count, of
        which torch takes tens of gigabytes).
    cpu_seconds : float, optional
        Processor time of each process; twice the machine's for `seconds` by default. Not on Windows.
    file_bytes : int
        Size of a file it writes. Not on Windows.
    disk_bytes : int
        What its folders may grow by.
    output_bytes : int
        Printed on standard output and error together.
    processes : int
        At one time.
    """

    seconds: float = 60.0
    memory: int = 8 * _GIB
    cpu_seconds: float | None = None
    file_bytes: int = _GIB
    disk_bytes: int = 2 * _GIB
    output_bytes: int = 16 * 2**20
    processes: int = 128


@dataclass(frozen=True)
class Protection:
    """Which guards held in a run.

    Parameters
    ----------
    kernel : frozenset of str
        Those of the kernel: ``mounts``, ``landlock``, ``network``, ``processes``. Python's own always hold.
    network : bool
        Whether the program was to have a network.
    memory : bool
        Whether memory was watched.
    """

    kernel: frozenset[str]
    network: bool
    memory: bool

    def sentence(self) -> str:
        """What held, in one line."""
        writes = " and ".join(name for name in ("mounts", "landlock") if name in self.kernel)
        cut = "cut by the kernel" if "network" in self.kernel else "kept from Python code"
        return (
            f"network {'allowed' if self.network else cut}; "
            f"writes elsewhere refused by {f'the kernel ({writes})' if writes else 'Python only'}; "
            f"processes {'in a namespace of their own' if 'processes' in self.kernel else 'ended as a group'}; "
            f"memory {'watched' if self.memory else 'not watched'}"
        )


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Parameters
    ----------
    ended : str
        ``"ok"``: exit code 0. ``"crash"``: another exit code, or a signal. Otherwise the limit that ended it.
    exit_code : int
        128 + n for signal n.
    output : str
        Last part of what it printed, standard output and error together.
    printed : int
        Bytes it printed.
    seconds : float
        Wall-clock time.
    peak_memory : int
        Bytes; 0 where memory is not watched.
    network, writes : tuple of str
        Addresses it asked for and files elsewhere it wanted to change, as far as Python code did; all were refused.
    protection : Protection
    """

    ended: Ending
    exit_code: int
    output: str
    printed: int
    seconds: float
    peak_memory: int
    network: tuple[str, ...]
    writes: tuple[str, ...]
    protection: Protection

    def reason(self, limits: Limits) -> str:
        """Why it ended, in a few words that follow its name."""
        signal_number = self.exit_code - 128
        crash = (
            f"was ended by signal {signal_number}" if signal_number > 0 else f"ended with exit code {self.exit_code}"
        )
        return {
            "ok": "ended by itself",
            "crash": crash,
            "timeout": f"was stopped after {limits.seconds:g} s",
            "memory": f"was stopped at {limits.memory / 2**20:,.0f} MB of memory",
            "output": f"was stopped after printing {limits.output_bytes / 2**20:,.3g} MB",
            "disk": f"was stopped after writing {limits.disk_bytes / 2**20:,.0f} MB",
            "processes": f"was stopped at more than {limits.processes} processes",
        }[self.ended]
