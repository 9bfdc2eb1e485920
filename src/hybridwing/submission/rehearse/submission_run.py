"""The result of running a submission."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybridwing.evaluation.challenge_score import ChallengeScores
    from hybridwing.submission.rehearse.ingestion_report import IngestionReport

#: Images of the challenge's final test, for which the time is estimated.
TEST_IMAGES = 2350


@dataclass(frozen=True)
class Stage:
    """One stage of a run: ``requirements``, ``install``, ``ingestion`` or ``scoring``.

    Whether it passed, the seconds on the clock, and what was done or went wrong.
    """

    name: str
    passed: bool
    seconds: float
    detail: str


@dataclass(frozen=True)
class SubmissionRun:
    """A submission that was run.

    Attributes
    ----------
    source : str
        Name of the folder or zip.
    programs : str
        Whose ingestion and scoring ran: ``"hybridwing"``, or the bundle's title.
    interpreter : str
        Version of Python, and whether the environment was the submission's own.
    protection : str
        What kept the submission from the rest of the machine.
    stages : tuple of Stage
        Those that were reached.
    time_limit : float
        Seconds that all of them may take together.
    ingestion : IngestionReport
    scores : dict of str to float or None
        The leaderboard record; None where scoring was not reached or failed.
    full_scores : ChallengeScores or None
        All the official measures, where the predictions could be scored here.
    notes : tuple of str
        What is worth knowing and failed nothing.
    problem, remedy : str
        Why it would fail on Codabench, and what to do; empty where it would not.
    """

    source: str
    programs: str
    interpreter: str
    protection: str
    stages: tuple[Stage, ...]
    time_limit: float
    ingestion: IngestionReport
    scores: dict[str, float] | None
    full_scores: ChallengeScores | None
    notes: tuple[str, ...]
    problem: str
    remedy: str

    @property
    def accepted(self) -> bool:
        """Whether it would be scored on Codabench."""
        return not self.problem

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def seconds_for_test(self) -> float | None:
        """What the whole test set would take on this machine; None where nothing was predicted."""
        done = self.ingestion.seconds
        if "predict" not in done or not self.ingestion.predicted:
            return None
        fixed = self.seconds - done["predict"]
        return fixed + TEST_IMAGES * self.ingestion.seconds_an_image

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``submission_run.json`` holds them."""
        values = {name: value for name, value in vars(self).items() if name not in ("full_scores", "stages")}
        scores: dict[str, float | None] | None = None
        if self.scores is not None:
            # JSON has no NaN and no infinity.
            scores = {name: value if math.isfinite(value) else None for name, value in self.scores.items()}
        return {
            "accepted": self.accepted,
            **values,
            "ingestion": self.ingestion.model_dump(),
            "scores": scores,
            "seconds": round(self.seconds, 3),
            "stages": [{**asdict(stage), "seconds": round(stage.seconds, 3)} for stage in self.stages],
        }
