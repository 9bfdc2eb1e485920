"""The stages of a submission's way by a bundle's own programs, in folders laid out as Codabench's worker has them."""

from __future__ import annotations

import ast
import json
import math
import shutil
import time
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from hybridwing.errors import ScoringError
from hybridwing.evaluation.challenge_score import score_files
from hybridwing.leaderboard.comparing import PREDICTIONS
from hybridwing.submission.package.archive import open_submission
from hybridwing.submission.package.requirements import ALLOWED, MODULES, read_requirements
from hybridwing.submission.rehearse.bundle import COMPETITION, read_bundle, read_command
from hybridwing.submission.rehearse.diagnosis import Diagnosis, diagnose_ingestion, last_line, remedy_for
from hybridwing.submission.rehearse.ingestion_report import IngestionReport
from hybridwing.submission.rehearse.stages import (
    MOST_REQUIREMENTS,
    get_environment,
    note_spread,
    run_ingestion,
    take_predictions,
)
from hybridwing.submission.sandbox.left_behind import LeftBehindError, read_file
from hybridwing.submission.sandbox.run_program import run_program

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.submission.rehearse.bundle import Bundle, Command, Task
    from hybridwing.submission.rehearse.rehearsal_state import RehearsalState

#: Packages that a program may be given for its imports besides the challenge's whitelist.
_FURTHER = ("packaging", "PyYAML")
#: Of a file of scores, and scores that are kept of it.
_MOST_BYTES, _MOST_SCORES = 1 << 20, 100
_PIP_STANDS_STILL = '''"""Stands for pip where the running environment is to stay as it is."""
import sys

print("not installed, the running environment is used:", *sys.argv[1:])
'''


def open_bundle(source: Path, place: Path) -> Bundle:
    """Read a bundle; one that is a zip is unpacked into `place` first.

    Raises
    ------
    SubmissionError
        If it is no bundle, or refused.
    """
    if source.is_file() and source.name != COMPETITION:
        open_submission(source).unpack(place)
        inner = [path.parent for path in (place / COMPETITION, *place.glob(f"*/{COMPETITION}")) if path.is_file()]
        return read_bundle(inner[0] if inner else place)
    return read_bundle(source.parent if source.is_file() else source)


def lay_out(place: Path, target: Path) -> None:
    """Put a bundle's folder, zip or file where a program expects it.

    Raises
    ------
    SubmissionError
        If a zip is refused.
    """
    if place.is_file() and place.suffix.lower() != ".zip":
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place, target / place.name)
    else:
        open_submission(place).unpack(target)


def ingest_by_bundle(state: RehearsalState, task: Task, *, isolated: bool, python: Path | None) -> bool:
    """Run the bundle's ingestion program; whether there are predictions to score."""
    program = state.place / "app" / "program"
    lay_out(task.ingestion_program, program)
    command = read_command(program, "ingestion")
    _warn_of_fixed_paths(state, program)
    lines = _requirements(state)
    if not get_environment(state, lines, program_needs(program), isolated=isolated, python=python):
        return False
    stub = None if isolated else _stub(state)
    result = run_ingestion(
        state,
        program / command.script,
        _arguments(state, command),
        readable=[program, *([stub] if stub else [])],
        environment={"PYTHONPATH": str(stub)} if stub else None,
    )
    problem = diagnose_ingestion(result, state.limits, IngestionReport(stage=""))
    if not problem.problem:
        problem = take_predictions(state)
    predicted = _count_lines(state.predictions)
    if predicted:
        seconds = {"predict": result.seconds}
        state.ingestion = IngestionReport(stage="done", seconds=seconds, images=predicted, predicted=predicted)
    return state.add("ingestion", result.seconds, f"{predicted} images predicted", problem)


def score_by_bundle(state: RehearsalState, bundle: Bundle, task: Task) -> None:
    """Run the bundle's scoring program on the predictions."""
    begun = time.monotonic()
    app = state.place / "scoring" / "app"
    lay_out(task.scoring_program, app / "program")
    command = read_command(app / "program", "scoring")
    result, output = app / "input" / "res", app / "output"
    result.mkdir(parents=True)
    output.mkdir()
    shutil.copyfile(state.predictions, result / PREDICTIONS)
    lay_out(state.reference, app / "input" / "ref")
    arguments = [_moved(word, state.place / "scoring") for word in command.arguments]
    done = run_program(
        app / "program" / command.script,
        arguments,
        folder=app / "program",
        readable=[app / "input"],
        writable=[output],
        limits=state.limits,
        trusted=state.trusted,
    )
    state.logs["scoring"] = done.output
    taken = time.monotonic() - begun
    if done.ending != "ok":
        said = last_line(done.output)
        why = f"the scoring program {done.reason(state.limits)}: {said}"
        state.add("scoring", taken, "", Diagnosis(why, remedy_for(said)))
        return
    state.scores = _read_scores(output)
    if state.scores is None:
        why = "the scoring program left no scores.json that can be read"
        state.add("scoring", taken, "", Diagnosis(why, "look at the log of the scoring"))
        return
    first = next((c for c in bundle.columns if c.key in state.scores), None)
    state.add("scoring", taken, f"{first.title or first.key} {state.scores[first.key]:.4f}" if first else "scored")
    _compare(state)


def _compare(state: RehearsalState) -> None:
    """Hold the bundle's scores against our own, where its predictions and reference have the challenge's form."""
    try:
        state.full_scores = score_files(state.predictions, state.reference, allow_extra=True)
    except ScoringError:
        return
    state.notes += note_spread(state)
    ours = state.full_scores.leaderboard()
    if ours == state.scores:
        state.notes.append("hybridwing's own scoring gives the same numbers, to the last digit")
    else:
        state.notes.append(f"hybridwing's own scoring gives other numbers: {json.dumps(ours)}")


def _requirements(state: RehearsalState) -> list[str]:
    """Lines for pip; what the parser refuses is left out: the bundle's own program will say so and stop."""
    path = state.submission / "requirements.txt"
    data = path.read_bytes() if path.is_file() and path.stat().st_size <= MOST_REQUIREMENTS else b""
    return [line.installs for line in read_requirements(data.decode(errors="replace")) if line.status != "rejected"]


def program_needs(program: Path) -> tuple[str, ...]:
    """Packages that the files of a program import, as pip calls them; only known names are given."""
    packages = {MODULES.get(name, name): name for name in (*ALLOWED, *_FURTHER)}
    packages = {module: name for module, name in packages.items() if name != "pytorch"} | {"yaml": "PyYAML"}
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


def _arguments(state: RehearsalState, command: Command) -> list[str]:
    """A command's arguments, with Codabench's folders where they are here."""
    inputs = "/app/input_data"
    moved = (
        str(state.images) + word.removeprefix(inputs) if word.startswith(inputs) else _moved(word, state.place)
        for word in command.arguments
    )
    return list(moved)


def _moved(word: str, place: Path) -> str:
    return str(place) + word if word.startswith("/app/") else word


def _warn_of_fixed_paths(state: RehearsalState, program: Path) -> None:
    for path in sorted(program.rglob("*.py")):
        if b'"/app/' in path.read_bytes() or b"'/app/" in path.read_bytes():
            state.notes.append(f"{path.name} of the ingestion names folders below /app, which are elsewhere here")


def _count_lines(path: Path) -> int:
    return len(path.read_bytes().splitlines()) if path.is_file() else 0


def _read_scores(output: Path) -> dict[str, float] | None:
    """Scores as ``scores.json`` or ``scores.txt`` has them; None where neither holds numbers by name."""
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
