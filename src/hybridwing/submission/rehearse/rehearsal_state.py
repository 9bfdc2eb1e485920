"""Where the parts of a submission are while it is run, and under which conditions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError
from hybridwing.leaderboard.comparing import PREDICTIONS
from hybridwing.submission.sandbox.interpreter import Interpreter, running_interpreter
from hybridwing.submission.sandbox.limits import ResourceLimits

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.submission.rehearse.submission_run import SubmissionRun


@dataclass(frozen=True)
class Conditions:
    """Under which conditions a submission is run.

    Parameters
    ----------
    isolated : bool
        Install the submission's requirements into a fresh environment instead of using the running one.
    python : Path, optional
        Interpreter for that environment; by default Python 3.10 where it is found.
    time_limit : float
        Seconds for all stages together; Codabench's default queue ends a run at 600.
    memory : int
        Bytes that the submission may hold.
    trust : bool
        Run it without a sandbox: it can then read, change and send whatever you can.
    """

    isolated: bool = False
    python: Path | None = None
    time_limit: float = 600.0
    memory: int = 8 * 2**30
    trust: bool = False

    def __post_init__(self) -> None:
        if self.time_limit <= 0:
            raise SubmissionError(f"the time limit must be positive; got {self.time_limit:g} seconds")


@dataclass
class RehearsalState:
    """Where the parts of a submission are, and what has happened so far.

    Attributes
    ----------
    place : Path
        Folder that all of it lies in, laid out as Codabench's worker has it below ``/app``.
    images, reference : Path
        What it is run on and scored against.
    conditions : Conditions
    run : SubmissionRun
        What came of it.
    logs : dict of str to str
        What each stage printed.
    interpreter : Interpreter
        That it is run with.
    """

    place: Path
    images: Path
    reference: Path
    conditions: Conditions
    run: SubmissionRun
    logs: dict[str, str] = field(default_factory=dict)
    interpreter: Interpreter = field(default_factory=running_interpreter)

    @property
    def submission(self) -> Path:
        """The unpacked submission."""
        return self.place / "app" / "ingested_program"

    @property
    def output(self) -> Path:
        """What the ingestion writes."""
        return self.place / "app" / "output"

    @property
    def predictions(self) -> Path:
        """The predictions, once they were taken over from the submission's output."""
        return self.place / PREDICTIONS

    @property
    def limits(self) -> ResourceLimits:
        """What the next program may use."""
        left = self.conditions.time_limit - self.run.seconds
        return ResourceLimits(seconds=max(left, 1.0), memory=self.conditions.memory)
