"""The stages of a submission's way by our own programs: requirements, installing, ingestion, scoring."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import ScoringError, SubmissionError, first_few
from hybridwing.evaluation.challenge_score import read_labelled_scores, score_files, unmeasured
from hybridwing.files import write_bytes
from hybridwing.leaderboard.comparing import PREDICTIONS
from hybridwing.submission.package.requirements import ALLOWED, read_requirements
from hybridwing.submission.rehearse.diagnosis import Diagnosis, diagnose_ingestion
from hybridwing.submission.rehearse.environment import fresh_environment
from hybridwing.submission.rehearse.ingestion_report import IngestionReport, read_report
from hybridwing.submission.sandbox.left_behind import LeftBehindError, read_lines
from hybridwing.submission.sandbox.run_program import run_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybridwing.submission.rehearse.rehearsal_state import RehearsalState
    from hybridwing.submission.sandbox.program_result import ProgramResult

#: Bytes of requirements.txt that are read.
MOST_REQUIREMENTS = 1 << 20
#: Bytes of a line of predictions: a file name and a number.
_LONGEST_LINE = 1000


def accept_requirements(state: RehearsalState) -> list[str] | None:
    """Lines for pip; None where the ingestion program would refuse one."""
    begun = time.monotonic()
    path = state.submission / "requirements.txt"
    if not path.is_file():
        state.add("requirements", time.monotonic() - begun, "no requirements.txt: nothing is installed")
        return []
    try:
        if path.stat().st_size > MOST_REQUIREMENTS:
            raise ValueError(f"it has more than {MOST_REQUIREMENTS:,} bytes")
        lines = read_requirements(path.read_text(encoding="utf-8"))
    except ValueError as error:
        problem = Diagnosis(f"requirements.txt is no list of packages in UTF-8: {error}", "save it as plain UTF-8")
        state.add("requirements", time.monotonic() - begun, "", problem)
        return None
    wrong = next((line for line in lines if line.status == "rejected"), None)
    if wrong is not None:
        remedy = {None: "leave it out, or ask the organisers to allow it", "": "delete the line"}
        problem = Diagnosis(
            f"requirements.txt, line {wrong.number} ({wrong.text!r}): {wrong.why}",
            remedy.get(wrong.instead) or f"write {wrong.instead}",
        )
        state.add("requirements", time.monotonic() - begun, "", problem)
        return None
    state.notes += [f"requirements.txt, line {line.number}: {line.why}" for line in lines if line.status == "odd"]
    state.add("requirements", time.monotonic() - begun, f"{len(lines)} of {len(ALLOWED)} allowed packages asked for")
    return [line.installs for line in lines]


def get_environment(
    state: RehearsalState, lines: Sequence[str], needed: Sequence[str], *, isolated: bool, python: Path | None
) -> bool:
    """Get an interpreter with the submission's requirements and what the ingestion needs; whether there is one."""
    if not isolated:
        state.notes.append("the running environment was used, not the pinned versions; --isolated installs those")
        return True
    begun = time.monotonic()
    besides = [name for name in needed if name not in {line.split("==")[0] for line in lines}]
    if besides:
        state.notes.append(f"installed besides, since the ingestion program needs it: {first_few(besides)}")
    wanted = [*lines, *besides]
    try:
        state.environment = fresh_environment(
            state.place / "environment", wanted, python=python, seconds=max(state.left, 1.0), trusted=state.trusted
        )
    except SubmissionError as error:
        problem = Diagnosis(str(error), "pin versions that exist for Python 3.10 and go together")
        return state.add("install", time.monotonic() - begun, "", problem)
    state.logs["install"] = state.environment.log
    return state.add("install", time.monotonic() - begun, f"{len(wanted)} requirements installed")


def ingest(state: RehearsalState) -> bool:
    """Run our ingestion; whether there are predictions to score."""
    program = state.place / "app" / "program" / "ingestion.py"
    program.parent.mkdir()
    shutil.copyfile(Path(__file__).with_name("ingestion.py"), program)
    arguments = [str(state.images), str(state.output), str(state.submission)]
    result = run_ingestion(state, program, arguments)
    state.ingestion = read_report(state.output)
    done = f"{state.ingestion.predicted} of {state.ingestion.images} images predicted"
    problem = diagnose_ingestion(result, state.limits, state.ingestion)
    if not problem.problem:
        problem = take_predictions(state)
    state.notes += _remarks(state.ingestion)
    return state.add("ingestion", result.seconds, done, problem)


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
        readable=[state.images, *readable],
        writable=[state.output, state.submission],
        hidden=[state.reference],
        limits=state.limits,
        interpreter=state.environment.interpreter,
        environment=environment,
        trusted=state.trusted,
    )
    state.logs["ingestion"] = result.output
    state.protection = result.protection
    return result


def take_predictions(state: RehearsalState) -> Diagnosis:
    """Copy the predictions out of the submission's reach; what is wrong where there are none."""
    files = sum(1 for _ in state.images.iterdir())
    try:
        data = read_lines(state.output, PREDICTIONS, most_lines=10 * files + 1000, longest_line=_LONGEST_LINE)
    except LeftBehindError as error:
        return Diagnosis(
            f"the ingestion left no predictions: {error}", "write one line for each image, and look at the log"
        )
    write_bytes(state.predictions, data)
    return Diagnosis()


def _remarks(report: IngestionReport) -> list[str]:
    """What is worth knowing of an ingestion that may well have succeeded."""
    remarks = [f"skipped, since Pillow cannot open it: {name} ({reason})" for name, reason in report.skipped[:5]]
    if report.n_skipped > len(remarks):
        remarks.append(f"{report.n_skipped} files were skipped in all")
    odd = [kind for kind in report.types if kind != "builtins.float"]
    if odd:
        remarks.append(f"predict returned {first_few(odd)}; a plain float is sure to be written as a number")
    return remarks


def score_predictions(state: RehearsalState) -> None:
    """Score the predictions as the official program does."""
    begun = time.monotonic()
    try:
        scores = score_files(state.predictions, state.reference, allow_extra=True)
    except ScoringError as error:
        said = str(error).replace(f"{state.place}/", "")
        problem = Diagnosis(f"the scoring program would stop: {said}", _scoring_remedy(state))
        state.add("scoring", time.monotonic() - begun, "", problem)
        return
    state.full_scores, state.scores = scores, scores.leaderboard()
    state.notes += note_spread(state)
    state.add("scoring", time.monotonic() - begun, f"challenge score {scores.challenge_score:.4f}")


def _scoring_remedy(state: RehearsalState) -> str:
    if state.ingestion.n_skipped:
        return "images that Pillow cannot open are skipped and then missed: mend or remove them"
    return "give every image one finite score"


def note_spread(state: RehearsalState) -> list[str]:
    """Say where scores that were rounded to four decimals have run together, or rank non-hybrids first."""
    import numpy as np

    from hybridwing.evaluation.bootstrap import absent_notes
    from hybridwing.evaluation.direction import reversed_rankings

    found = read_labelled_scores(state.predictions, state.reference, allow_extra=True)
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
