"""What running a submission came to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.evaluation.challenge_score import ChallengeScores

#: Images of the challenge's final test, for which the time is foretold.
TEST_IMAGES = 2350
#: An account larger than this is not one that the ingestion wrote.
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Stage:
    """One step of a submission's way.

    Attributes
    ----------
    name : str
        ``"requirements"``, ``"install"``, ``"ingestion"`` or ``"scoring"``.
    passed : bool
    seconds : float
        Wall clock.
    detail : str
        What was done, or what went wrong.
    """

    name: str
    passed: bool
    seconds: float
    detail: str


@dataclass(frozen=True)
class Account:
    """What the ingestion says of itself. A submission can forge it: it explains, and decides nothing.

    Attributes
    ----------
    stage : str
        Reached: ``"import"``, ``"load"``, ``"predict"`` or ``"done"``.
    seconds : dict of str to float
        By stage that was completed.
    images, predicted, n_skipped : int
        Files in the folder, scored, and not opened by Pillow.
    skipped : tuple of (str, str)
        The first of these, with the reason.
    kinds : dict of str to int
        Types of the returned scores.
    slowest : float
        Seconds of the slowest image, and its name in `slowest_image`.
    device : str
        What the model says it runs on.
    error, image : str
        The exception that ended it, and the image it was at.
    """

    stage: str = "import"
    seconds: dict[str, float] | None = None
    images: int = 0
    predicted: int = 0
    n_skipped: int = 0
    skipped: tuple[tuple[str, str], ...] = ()
    kinds: dict[str, int] | None = None
    slowest: float = 0.0
    slowest_image: str = ""
    device: str = ""
    error: str = ""
    image: str = ""

    @property
    def seconds_an_image(self) -> float:
        """Mean time of a prediction; 0 where none was made."""
        return (self.seconds or {}).get("predict", 0.0) / self.predicted if self.predicted else 0.0


def read_account(path: Path) -> Account:
    """Read ``account.json``; what is missing, damaged or forged badly is as if it were not there."""
    try:
        if path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            return Account()
        values = json.loads(path.read_text(encoding="utf-8"))
        return Account(
            stage=str(values["stage"]),
            seconds={str(name): float(value) for name, value in values["seconds"].items()},
            images=int(values["images"]),
            predicted=int(values["predicted"]),
            n_skipped=int(values["n_skipped"]),
            skipped=tuple((str(name), str(reason)) for name, reason in values["skipped"]),
            kinds={str(name): int(count) for name, count in values["kinds"].items()},
            slowest=float(values["slowest"]),
            slowest_image=str(values["slowest_image"]),
            device=str(values["device"]),
            error=str(values["error"]),
            image=str(values["image"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Account()


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
    account : Account
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
    account: Account
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
        done = self.account.seconds or {}
        if "predict" not in done or not self.account.predicted:
            return None
        fixed = self.seconds - done["predict"]
        return fixed + TEST_IMAGES * self.account.seconds_an_image

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``verdict.json`` holds them."""
        values = asdict(self)
        values.pop("full_scores")
        return {
            "accepted": self.accepted,
            **values,
            "seconds": round(self.seconds, 3),
            "stages": [{**asdict(stage), "seconds": round(stage.seconds, 3)} for stage in self.stages],
        }
