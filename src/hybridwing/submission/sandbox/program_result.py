"""How a sandboxed program ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hybridwing.submission.sandbox.limits import ResourceLimits

Ending = Literal["ok", "crash", "timeout", "memory", "output", "disk", "processes"]


@dataclass(frozen=True)
class ProgramResult:
    """How a program ended.

    Parameters
    ----------
    ending : str
        ``"ok"``: exit code 0. ``"crash"``: another exit code, or a signal. Otherwise the limit that stopped it.
    exit_code : int
        128 + n for signal n.
    output : str
        Last part of what it printed, standard output and error together.
    printed : int
        Bytes it printed.
    seconds : float
        Wall-clock time.
    peak_memory : int
        Largest number of bytes that its processes were seen to hold together.
    protection : str
        What kept it from the rest of the machine, in a sentence.
    """

    ending: Ending
    exit_code: int
    output: str
    printed: int
    seconds: float
    peak_memory: int
    protection: str

    def reason(self, limits: ResourceLimits) -> str:
        """Why it ended, as words that follow its name: "was stopped after 60 s"."""
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
        }[self.ending]
