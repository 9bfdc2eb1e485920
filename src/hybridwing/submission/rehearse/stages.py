"""The stages of a run by our own programs: requirements, installation, ingestion, scoring."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import ScoringError, SubmissionError, first_few
from hybridwing.evaluation.challenge_score import read_labelled_scores, unmeasured
from hybridwing.files import write_bytes
from hybridwing.leaderboard.comparing import PREDICTIONS
from hybridwing.submission.package.python310 import PYTHON
from hybridwing.submission.package.requirements import ALLOWED, read_requirements
from hybridwing.submission.rehearse.environment import fresh_environment
from hybridwing.submission.rehearse.submission_run import IngestionReport, last_line, read_report, remedy_for
from hybridwing.submission.sandbox.bubblewrap import Access
from hybridwing.submission.sandbox.left_behind import LeftBehindError, read_lines
from hybridwing.submission.sandbox.run_program import run_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybridwing.evaluation.challenge_score import LabelledScores
    from hybridwing.submission.rehearse.submission_run import RehearsalState
    from hybridwing.submission.sandbox.run_program import ProgramResult

#: The program that does what the challenge's ingestion does.
INGESTION = Path(__file__).with_name("ingestion.py")
#: Bytes of requirements.txt that are read.
MOST_REQUIREMENTS = 1 << 20
#: Bytes of a line of predictions: a file name and a number.
_LONGEST_LINE = 1000
_STAGES = {
    "import": "importing the submission failed",
    "load": "Model().load() failed",
    "predict": "predict failed",
}


def accept_requirements(state: RehearsalState) -> list[str] | None:
    """Check the requirements and return their lines for pip; None if the ingestion program would refuse one."""
    path = state.submission / "requirements.txt"
    if not path.is_file():
        state.run.add("requirements", 0.0, "no requirements.txt: nothing is installed")
        return []
    try:
        if path.stat().st_size > MOST_REQUIREMENTS:
            raise ValueError(f"it has more than {MOST_REQUIREMENTS:,} bytes")
        lines = read_requirements(path.read_text(encoding="utf-8"))
    except ValueError as error:
        problem = f"requirements.txt is no list of packages in UTF-8: {error}"
        state.run.add("requirements", 0.0, problem=problem, remedy="save it as plain UTF-8")
        return None
    wrong = next((line for line in lines if line.status == "rejected"), None)
    if wrong is not None:
        problem = f"requirements.txt, line {wrong.number} ({wrong.text!r}): {wrong.why}"
        remedy = {None: "leave it out, or ask the organisers to allow it", "": "delete the line"}
        state.run.add("requirements", 0.0, "", problem, remedy.get(wrong.instead) or f"write {wrong.instead}")
        return None
    state.run.note(*(f"requirements.txt, line {line.number}: {line.why}" for line in lines if line.status == "odd"))
    state.run.add("requirements", 0.0, f"{len(lines)} of {len(ALLOWED)} allowed packages asked for")
    return [line.installs for line in lines]


def get_environment(state: RehearsalState, lines: Sequence[str], needed: Sequence[str]) -> bool:
    """Set up an interpreter with all that submission and ingestion need; return whether it worked."""
    conditions = state.conditions
    if not conditions.isolated:
        state.run.note("the running environment was used, not the pinned versions; --isolated installs those")
        return True
    begun = time.monotonic()
    besides = [name for name in needed if name not in {line.split("==")[0] for line in lines}]
    if besides:
        state.run.note(f"installed besides, since the ingestion program needs it: {first_few(besides)}")
    wanted = [*lines, *besides]
    try:
        state.interpreter, state.logs["install"] = fresh_environment(
            state.place / "environment",
            wanted,
            python=conditions.python,
            seconds=state.limits.seconds,
            trusted=conditions.trust,
        )
    except SubmissionError as error:
        remedy = "pin versions that exist for Python 3.10 and go together"
        return state.run.add("install", time.monotonic() - begun, "", str(error), remedy)
    version = state.interpreter.version_text
    state.run.interpreter = f"Python {version} in a fresh environment with the submission's own requirements"
    if state.interpreter.version[:2] != PYTHON:
        state.run.interpreter += " (the challenge runs 3.10, which was not found here)"
    return state.run.add("install", time.monotonic() - begun, f"{len(wanted)} requirements installed")


def ingest(state: RehearsalState) -> bool:
    """Run our ingestion; return whether there are predictions to score."""
    program = state.place / "app" / "program" / "ingestion.py"
    program.parent.mkdir()
    shutil.copyfile(INGESTION, program)
    result = run_ingestion(state, program, [str(state.images), str(state.output), str(state.submission)])
    report = state.run.ingestion = read_report(state.output)
    state.run.note(*_remarks(report))
    detail = f"{report.predicted} of {report.images} images predicted"
    return state.run.add("ingestion", result.seconds, detail, *ingestion_problem(state, result, report))


def run_ingestion(
    state: RehearsalState,
    program: Path,
    arguments: Sequence[str],
    *,
    readable: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> ProgramResult:
    """Run an ingestion program: it may change the submission's copy and the output, and does not see the reference."""
    state.output.mkdir(parents=True, exist_ok=True)
    result = run_program(
        program,
        arguments,
        folder=program.parent,
        access=Access([state.images, *readable], [state.output, state.submission], [state.reference]),
        limits=state.limits,
        interpreter=state.interpreter,
        environment=environment,
        trusted=state.conditions.trust,
    )
    state.logs["ingestion"] = result.output
    state.run.protection = result.protection
    return result


def ingestion_problem(state: RehearsalState, result: ProgramResult, report: IngestionReport) -> tuple[str, str]:
    """Copy the predictions out of the submission's reach; return why there are none and what to do, or empty texts."""
    reason = result.reason(state.limits)
    where = f" at {report.image}" if report.image else ""
    if result.ending == "timeout":
        rate = f", after {report.predicted} of {report.images} images" if report.images else ""
        return f"the ingestion {reason}{rate}", "make load and predict faster, or the backbone smaller"
    if result.ending == "crash":
        said = report.error or last_line(result.output)
        return f"{_STAGES.get(report.stage, 'the ingestion failed')}{where}: {said}", remedy_for(said)
    if result.ending != "ok":
        return f"the ingestion {reason}{where}", "hold less, print less or write less"
    files = sum(1 for _ in state.images.iterdir())
    try:
        data = read_lines(state.output, PREDICTIONS, most_lines=10 * files + 1000, longest_line=_LONGEST_LINE)
    except LeftBehindError as error:
        return f"the ingestion left no predictions: {error}", "write one line for each image, and look at the log"
    write_bytes(state.predictions, data)
    return "", ""


def _remarks(report: IngestionReport) -> list[str]:
    """Remarks on an ingestion, also on one that succeeded."""
    remarks = [f"skipped, since Pillow cannot open it: {name} ({reason})" for name, reason in report.skipped[:5]]
    if report.n_skipped > len(remarks):
        remarks.append(f"{report.n_skipped} files were skipped in all")
    odd = [kind for kind in report.types if kind != "builtins.float"]
    if odd:
        remarks.append(f"predict returned {first_few(odd)}; a plain float is sure to be written as a number")
    return remarks


def score_predictions(state: RehearsalState) -> None:
    """Score the predictions as the official program does."""
    begun, run = time.monotonic(), state.run
    try:
        scored = read_labelled_scores(state.predictions, state.reference, allow_extra=True)
        scores = scored.challenge_scores()
    except ScoringError as error:
        said = str(error).replace(f"{state.place}/", "")
        remedy = "give every image one finite score"
        if run.ingestion.n_skipped:
            remedy = "images that Pillow cannot open are skipped and then missed: mend or remove them"
        run.add("scoring", time.monotonic() - begun, "", f"the scoring program would stop: {said}", remedy)
        return
    state.scored, run.scores = scored, scores.leaderboard()
    run.note(*note_spread(scored))
    run.add("scoring", time.monotonic() - begun, f"challenge score {scores.challenge_score:.4f}")


def note_spread(found: LabelledScores) -> list[str]:
    """Say if rounded scores tie or saturate, or if they rank non-hybrids first."""
    import numpy as np

    from hybridwing.evaluation.bootstrap import absent_notes
    from hybridwing.evaluation.direction import reversed_rankings

    values = found.scores
    distinct = len(np.unique(values))
    share = float(((values <= 0) | (values >= 1)).mean())
    remarks = []
    if share > 0.05:
        remarks.append(f"{share:.0%} of the scores are 0 or 1 after rounding to four decimals: their ranking is lost")
    if distinct < len(values) / 10:
        remarks.append(f"only {distinct} different scores among {len(values)}: spread them over [0, 1]")
    remarks += absent_notes(unmeasured(found.labels, found.groups))
    upside_down = reversed_rankings(values, found.labels, found.specimens, found.groups)
    return remarks + [ranking.sentence() for ranking in upside_down]
