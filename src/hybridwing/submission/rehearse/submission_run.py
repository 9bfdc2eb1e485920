"""The run of a submission: its conditions, the places of its parts, and its result."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybridwing.errors import SubmissionError
from hybridwing.leaderboard.comparing import PREDICTIONS
from hybridwing.submission.sandbox.interpreter import Interpreter, running_interpreter
from hybridwing.submission.sandbox.left_behind import LeftBehindError, read_file
from hybridwing.submission.sandbox.run_program import ResourceLimits

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.evaluation.challenge_score import LabelledScores

#: Images of the challenge's final test, for which the time is estimated.
TEST_IMAGES = 2350
#: Seconds after which Codabench's default queue ends a run.
QUEUE_SECONDS = 600.0
#: Name of the report's file; also in ``ingestion.py``, which imports nothing of this package.
REPORT = "ingestion_report.json"
#: A report larger than this is not one that the ingestion wrote.
_MOST_BYTES = 1 << 20
#: Characters that are shown of a message, which may quote what the submission wrote.
_LONGEST_MESSAGE = 1000
_Text = Annotated[str, Field(max_length=1000)]
_Count = Annotated[int, Field(ge=0, le=10**9)]
_Seconds = Annotated[float, Field(ge=0, le=1e9)]
#: What an error says, and what to do about it; the first that fits counts.
_REMEDIES = (
    (r"No module named 'model'", "zip the files and not their folder: model.py must lie at the root of the zip"),
    (r"No module named '([\w.]+)'", "name the package in requirements.txt, or ship it beside model.py"),
    (r"has no attribute 'Model'|cannot import name 'Model'", "call the class Model"),
    (r"has no attribute '(load|predict)'", "give the class Model the methods load(self) and predict(self, image)"),
    (r"[Nn]etwork is unreachable|Connection|resolve|name resolution|Max retries|offline|LocalEntryNotFound",
     "bundle the weights: the network may be off where the challenge runs submissions"),
    (r"Read-only file system", "write to a folder of tempfile.mkdtemp(), or beside model.py"),
    (r"No such file or directory", "build paths from os.path.dirname(__file__): the working directory is another"),
    (r"__round__|can only convert|only length-1|must be real number",
     "return a Python float, e.g. float(score) or score.item()"),
    (r"CUDA|cuda", "pick the device with torch.cuda.is_available() instead of naming one"),
    (r"pickle|_pickle|incompatible dtype|InconsistentVersion",
     "save plain arrays instead of a pickle, or pin the version of scikit-learn that wrote it"),
)  # fmt: skip


class Attempt(BaseModel):
    """The result of `predict` for one picture."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    file: _Text
    # Of the score: its type, what the ingestion program writes, and its value in full; empty where there is none
    type: _Text = ""
    written: _Text = ""
    raw: _Text = ""
    # What was raised, and where in the submission: by `predict`, or by rounding if there is a `type`
    error: _Text = ""
    place: _Text = ""
    seconds: _Seconds = 0.0


class IngestionReport(BaseModel):
    """What the ingestion reports. A submission can forge it, so it explains a result and never decides one."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    stage: _Text = "import"  # Reached: ``"import"``, ``"load"``, ``"predict"`` or ``"done"``
    seconds: Annotated[dict[_Text, _Seconds], Field(max_length=10)] = {}  # By stage that was completed
    # Files in the folder, scored, and not opened by Pillow
    images: _Count = 0
    predicted: _Count = 0
    n_skipped: _Count = 0
    # The first of these, with the reason
    skipped: Annotated[tuple[tuple[_Text, _Text], ...], Field(max_length=100)] = ()
    types: Annotated[dict[_Text, _Count], Field(max_length=20)] = {}  # Types of the returned scores
    # The exception that ended it, and the image it was at
    error: _Text = ""
    image: _Text = ""
    # Where in the submission that was, and the module that could not be imported
    place: _Text = ""
    missing: _Text = ""
    # Every picture, where the ingestion was told to go on after an exception
    attempts: Annotated[tuple[Attempt, ...], Field(max_length=100)] = ()

    @property
    def seconds_an_image(self) -> float:
        """Mean time of a prediction; 0 where none was made."""
        return self.seconds.get("predict", 0.0) / self.predicted if self.predicted else 0.0


def read_report(folder: Path) -> IngestionReport:
    """Read the report that an ingestion left. A missing, damaged or badly forged report counts as an empty one."""
    try:
        return IngestionReport.model_validate_json(read_file(folder, REPORT, _MOST_BYTES))
    except (LeftBehindError, ValidationError):
        return IngestionReport()


@dataclass(frozen=True)
class Stage:
    """One stage of a run: ``requirements``, ``install``, ``ingestion`` or ``scoring``.

    Whether it passed, the seconds on the clock, and what was done or went wrong.
    """

    name: str
    passed: bool
    seconds: float
    detail: str


@dataclass
class SubmissionRun:
    """The result of running a submission; it grows while the submission runs."""

    source: str  # Name of the folder or zip
    programs: str  # Whose ingestion and scoring ran: ``"hybridwing"``, or the bundle's title
    interpreter: str  # Version of Python, and whether the environment was the submission's own
    time_limit: float  # Seconds that all stages may take together
    protection: str = ""  # What kept the submission from the rest of the machine
    stages: list[Stage] = field(default_factory=list)  # Those that were reached
    ingestion: IngestionReport = field(default_factory=IngestionReport)
    scores: dict[str, float] | None = None  # The leaderboard record; None where scoring was not reached or failed
    notes: list[str] = field(default_factory=list)  # What is worth knowing and failed nothing
    # Why it would fail on Codabench, and what to do; empty where it would not
    problem: str = ""
    remedy: str = ""

    def add(self, name: str, seconds: float, detail: str = "", problem: str = "", remedy: str = "") -> bool:
        """Add a stage that has ended, with what was wrong; return whether to go on.

        A submission that takes too long fails, however well it scores.
        """
        self.problem, self.remedy = _shortened(problem), _shortened(remedy)
        self.stages.append(Stage(name, not problem, seconds, self.problem or _shortened(detail)))
        if not problem and self.seconds > self.time_limit:
            self.problem = f"all stages together took longer than {self.time_limit:g} s"
            self.remedy = "ask for fewer packages, or make load and predict faster"
        return not problem

    def note(self, *notes: str) -> None:
        """Add what is worth knowing."""
        self.notes += map(_shortened, notes)

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
        return self.seconds - done["predict"] + TEST_IMAGES * self.ingestion.seconds_an_image

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``submission_run.json`` holds them."""
        # JSON has no NaN and no infinity.
        finite = {name: value if math.isfinite(value) else None for name, value in (self.scores or {}).items()}
        return {
            "accepted": self.accepted,
            **vars(self),
            "scores": None if self.scores is None else finite,
            "ingestion": self.ingestion.model_dump(exclude={"attempts"}),
            "seconds": round(self.seconds, 3),
            "stages": [{**asdict(stage), "seconds": round(stage.seconds, 3)} for stage in self.stages],
        }


@dataclass(frozen=True)
class Conditions:
    """Under which conditions a submission is run."""

    # Install the submission's requirements into a fresh environment instead of using the running one
    isolated: bool = False
    python: Path | None = None  # Interpreter for that environment; by default Python 3.10 where it is found
    time_limit: float = QUEUE_SECONDS  # For all stages together
    trust: bool = False  # Run it without a sandbox: it can then read, change and send whatever you can

    def __post_init__(self) -> None:
        if self.time_limit <= 0:
            raise SubmissionError(f"the time limit must be positive; got {self.time_limit:g} seconds")


@dataclass
class RehearsalState:
    """The places of a submission's parts while it is run, and what has happened so far."""

    place: Path  # Folder that all of it lies in, laid out as Codabench's worker has it below ``/app``
    # What it is run on and scored against
    images: Path
    reference: Path
    conditions: Conditions
    run: SubmissionRun  # What came of it
    logs: dict[str, str] = field(default_factory=dict)  # What each stage printed
    interpreter: Interpreter = field(default_factory=running_interpreter)  # The one that runs it
    scored: LabelledScores | None = None  # Predictions beside the truth, if the challenge's rules scored them

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
        """The predictions, copied from the submission's output."""
        return self.place / PREDICTIONS

    @property
    def limits(self) -> ResourceLimits:
        """What the next program may use."""
        left = self.conditions.time_limit - self.run.seconds
        return ResourceLimits(seconds=max(left, 1.0))


def remedy_for(said: str) -> str:
    """What to do about an error message."""
    found = (remedy for pattern, remedy in _REMEDIES if re.search(pattern, said))
    return next(found, "mend the error; the log holds the whole traceback")


def last_line(text: str) -> str:
    """The last line with something in it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:500] if lines else "it printed nothing"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + " …"
