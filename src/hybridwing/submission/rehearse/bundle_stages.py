"""Run a bundle's own programs, in folders laid out as on Codabench's worker."""

from __future__ import annotations

import ast
import json
import math
import re
import shutil
import time
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from hybridwing.errors import ScoringError
from hybridwing.evaluation.challenge_score import read_labelled_scores
from hybridwing.leaderboard.comparing import PREDICTIONS
from hybridwing.submission.package.archive import open_submission
from hybridwing.submission.package.requirements import ALLOWED, MODULES, read_requirements
from hybridwing.submission.rehearse.bundle import COMPETITION, read_bundle, read_command
from hybridwing.submission.rehearse.stages import (
    MOST_REQUIREMENTS,
    get_environment,
    ingestion_problem,
    note_spread,
    run_ingestion,
)
from hybridwing.submission.rehearse.submission_run import IngestionReport, last_line, remedy_for
from hybridwing.submission.sandbox.bubblewrap import Access
from hybridwing.submission.sandbox.left_behind import LeftBehindError, read_file
from hybridwing.submission.sandbox.run_program import run_program

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.submission.rehearse.bundle import Bundle, Task
    from hybridwing.submission.rehearse.submission_run import RehearsalState

#: Bytes of the largest file of scores that is read, and the number of scores that are kept.
_MOST_BYTES, _MOST_SCORES = 1 << 20, 100
_PIP_STANDS_STILL = '''"""Stands for pip where the running environment is to stay as it is."""
import sys

print("not installed, the running environment is used:", *sys.argv[1:])
'''


def open_bundle(source: Path, place: Path) -> Bundle:
    """Read a bundle; one that is a zip is unpacked into `place` first.

    Raises SubmissionError if it is no bundle, or refused.
    """
    if source.is_file() and source.name != COMPETITION:
        open_submission(source).unpack(place)
        inner = [path.parent for path in (place / COMPETITION, *place.glob(f"*/{COMPETITION}")) if path.is_file()]
        return read_bundle(inner[0] if inner else place)
    return read_bundle(source.parent if source.is_file() else source)


def lay_out(place: Path, target: Path) -> None:
    """Put a bundle's folder, zip or file where a program expects it.

    Raises SubmissionError if a zip is refused.
    """
    if place.is_file() and place.suffix.lower() != ".zip":
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place, target / place.name)
    else:
        open_submission(place).unpack(target)


def ingest_by_bundle(state: RehearsalState, task: Task) -> bool:
    """Run the bundle's ingestion program; return whether there are predictions to score."""
    program = state.place / "app" / "program"
    lay_out(task.ingestion_program, program)
    script, arguments = read_command(program)
    for path in sorted(program.rglob("*.py")):
        if re.search(rb"[\"']/app/", path.read_bytes()):
            state.run.note(f"{path.name} of the ingestion names folders below /app, which are elsewhere here")
    if not get_environment(state, _requirements(state), program_needs(program)):
        return False
    stub = None if state.conditions.isolated else _stub(state)
    inputs = "/app/input_data"
    result = run_ingestion(
        state,
        program / script,
        [
            f"{state.images}{word.removeprefix(inputs)}" if word.startswith(inputs) else _moved(word, state.place)
            for word in arguments
        ],
        readable=[program, *([stub] if stub else [])],
        environment={"PYTHONPATH": str(stub)} if stub else None,
    )
    problem, remedy = ingestion_problem(state, result, IngestionReport(stage=""))
    predicted = len(state.predictions.read_bytes().splitlines()) if state.predictions.is_file() else 0
    if predicted:
        seconds = {"predict": result.seconds}
        state.run.ingestion = IngestionReport(stage="done", seconds=seconds, images=predicted, predicted=predicted)
    return state.run.add("ingestion", result.seconds, f"{predicted} images predicted", problem, remedy)


def score_by_bundle(state: RehearsalState, bundle: Bundle, task: Task) -> None:
    """Run the bundle's scoring program on the predictions."""
    begun, run = time.monotonic(), state.run
    app = state.place / "scoring" / "app"
    lay_out(task.scoring_program, app / "program")
    script, arguments = read_command(app / "program")
    result, output = app / "input" / "res", app / "output"
    result.mkdir(parents=True)
    output.mkdir()
    shutil.copyfile(state.predictions, result / PREDICTIONS)
    lay_out(state.reference, app / "input" / "ref")
    done = run_program(
        app / "program" / script,
        [_moved(word, state.place / "scoring") for word in arguments],
        folder=app / "program",
        access=Access([app / "input"], [output]),
        limits=state.limits,
        trusted=state.conditions.trust,
    )
    state.logs["scoring"] = done.output
    taken = time.monotonic() - begun
    if done.ending != "ok":
        said = last_line(done.output)
        run.add("scoring", taken, "", f"the scoring program {done.reason(state.limits)}: {said}", remedy_for(said))
        return
    run.scores = read_scores(output)
    if run.scores is None:
        problem = "the scoring program left no scores.json that can be read"
        run.add("scoring", taken, "", problem, "look at the log of the scoring")
        return
    first = next((column for column in bundle.columns if column.key in run.scores), None)
    run.add("scoring", taken, f"{first.title or first.key} {run.scores[first.key]:.4f}" if first else "scored")
    try:
        scored = read_labelled_scores(state.predictions, state.reference, allow_extra=True)
        ours = scored.challenge_scores().leaderboard()
    except ScoringError:
        return  # its predictions or its reference have a form of their own
    run.note(*note_spread(scored))
    if ours == run.scores:
        state.scored = scored
        run.note("hybridwing's own scoring gives the same numbers, to the last digit")
    else:
        run.note(f"hybridwing's own scoring gives other numbers: {json.dumps(ours)}")


def _requirements(state: RehearsalState) -> list[str]:
    """Lines for pip, without those that the parser refuses: the bundle's own program will stop at them."""
    path = state.submission / "requirements.txt"
    data = path.read_bytes() if path.is_file() and path.stat().st_size <= MOST_REQUIREMENTS else b""
    return [line.installs for line in read_requirements(data.decode(errors="replace")) if line.status != "rejected"]


def program_needs(program: Path) -> tuple[str, ...]:
    """Packages that the files of a program import, by pip's names: of the challenge's list, packaging and PyYAML."""
    packages = {MODULES.get(name, name): name for name in ALLOWED if name != "pytorch"}
    packages |= {"packaging": "packaging", "yaml": "PyYAML"}
    found: set[str] = set()
    for path in sorted(program.rglob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
        except (SyntaxError, ValueError, RecursionError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module.split(".")[0])
    return tuple(sorted(packages[name] for name in found if name in packages))


def _stub(state: RehearsalState) -> Path:
    """A pip that installs nothing."""
    folder = state.place / "stub"
    (folder / "pip").mkdir(parents=True)
    (folder / "pip" / "__init__.py").touch()
    (folder / "pip" / "__main__.py").write_text(_PIP_STANDS_STILL, encoding="utf-8")
    return folder


def _moved(word: str, place: Path) -> str:
    return str(place) + word if word.startswith("/app/") else word


def read_scores(output: Path) -> dict[str, float] | None:
    """Read the scores of ``scores.json`` or ``scores.txt``; None if neither holds named numbers."""
    try:
        try:
            named = TypeAdapter(dict[str, Any]).validate_json(read_file(output, "scores.json", _MOST_BYTES))
            numbers = {name: float(value) for name, value in named.items() if type(value) in (int, float)}
        except LeftBehindError:
            lines = read_file(output, "scores.txt", _MOST_BYTES).decode().splitlines()
            split = (line.partition(":") for line in lines if line)
            numbers = {name.strip(): float(value) for name, _, value in split}
    except (LeftBehindError, ValidationError, ValueError, OverflowError):
        return None
    finite = {name[:100]: value for name, value in numbers.items() if math.isfinite(value)}
    return dict(list(finite.items())[:_MOST_SCORES]) or None
