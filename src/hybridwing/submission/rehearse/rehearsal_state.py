"""How far a submission has come on its way through the stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybridwing.leaderboard.comparing import PREDICTIONS
from hybridwing.submission.rehearse.diagnosis import Diagnosis
from hybridwing.submission.rehearse.environment import Environment, running_environment
from hybridwing.submission.rehearse.ingestion_report import IngestionReport
from hybridwing.submission.rehearse.submission_run import Stage, SubmissionRun
from hybridwing.submission.sandbox.limits import ResourceLimits

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.evaluation.challenge_score import ChallengeScores

#: Characters that are shown of a message, which may quote what the submission wrote.
_LONGEST_MESSAGE = 1000


@dataclass
class RehearsalState:
    """Where the parts of a submission are, and what has happened so far.

    Attributes
    ----------
    place : Path
        Folder that all of it lies in, laid out as Codabench's worker has it below ``/app``.
    images, reference : Path
        What it is run on and scored against.
    time_limit : float
        Seconds for all stages together.
    memory : int
        Bytes that the submission may hold.
    trusted : bool
        Run it without a sandbox.
    stages, logs, notes, diagnosis, ingestion, environment, protection, scores, full_scores
        See :class:`hybridwing.submission.rehearse.submission_run.SubmissionRun`; `logs` holds what each stage printed.
    """

    place: Path
    images: Path
    reference: Path
    time_limit: float
    memory: int
    trusted: bool = False
    stages: list[Stage] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    ingestion: IngestionReport = field(default_factory=IngestionReport)
    environment: Environment = field(default_factory=running_environment)
    protection: str = ""
    scores: dict[str, float] | None = None
    full_scores: ChallengeScores | None = None

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
    def left(self) -> float:
        """Seconds that are left of the limit."""
        return self.time_limit - sum(stage.seconds for stage in self.stages)

    @property
    def limits(self) -> ResourceLimits:
        """What the next program may use."""
        return ResourceLimits(seconds=max(self.left, 1.0), memory=self.memory)

    def add(self, name: str, seconds: float, detail: str, diagnosis: Diagnosis | None = None) -> bool:
        """Note a stage that has ended, with what was wrong; whether to go on."""
        found = diagnosis or Diagnosis()
        self.diagnosis = Diagnosis(_shortened(found.problem), _shortened(found.remedy))
        self.stages.append(
            Stage(name, not self.diagnosis.problem, seconds, self.diagnosis.problem or _shortened(detail))
        )
        return not self.diagnosis.problem

    def result(self, source: str, programs: str) -> SubmissionRun:
        """The result; a submission that took too long fails, however well it scored."""
        problem, remedy = self.diagnosis.problem, self.diagnosis.remedy
        if not problem and self.left < 0:
            problem = f"all stages together took longer than {self.time_limit:g} s"
            remedy = "ask for fewer packages, or make load and predict faster"
        return SubmissionRun(
            source=source,
            programs=programs,
            interpreter=self.environment.description,
            protection=self.protection,
            stages=tuple(self.stages),
            time_limit=self.time_limit,
            ingestion=self.ingestion,
            scores=self.scores,
            full_scores=self.full_scores,
            notes=tuple(map(_shortened, self.notes)),
            problem=problem,
            remedy=remedy,
        )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + " …"
