"""The stages of a submission's way by a bundle's own programs, in folders laid out as Codabench's worker has them."""

from __future__ import annotations

import ast
import json
import math
import shutil
import time
from typing import TYPE_CHECKING

from hybridwing.errors import ScoringError, SubmissionError
from hybridwing.evaluation.challenge_score import score_files
from hybridwing.submission.package.archive import open_submission
from hybridwing.submission.package.requirements import ALLOWED, MODULES, read_requirements
from hybridwing.submission.rehearse.bundle import COMPETITION, read_bundle, read_command
from hybridwing.submission.rehearse.diagnosis import Diagnosis, diagnose_ingestion, last_line, remedy_for
from hybridwing.submission.rehearse.environment import fresh_environment
from hybridwing.submission.rehearse.stages import note_spread, run_confined, take_predictions
from hybridwing.submission.rehearse.trial import PREDICTIONS, Trial
from hybridwing.submission.rehearse.verdict import Account
from hybridwing.submission.sandbox.sandbox import read_plain, run_python

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.submission.rehearse.bundle import Bundle, Command, Task

#: Packages that a program may be given for its imports besides the challenge's whitelist.
_FURTHER = ("packaging", "PyYAML")
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


def ingest_by_bundle(trial: Trial, task: Task, *, isolated: bool, python: Path | None) -> bool:
    """Run the bundle's ingestion program; whether there are predictions to score."""
    program = trial.place / "app" / "program"
    lay_out(task.ingestion_program, program)
    command = read_command(program, "ingestion")
    _warn_of_fixed_paths(trial, program)
    if not _environment(trial, program, isolated=isolated, python=python):
        return False
    trial.output.mkdir(parents=True, exist_ok=True)
    stub = {} if isolated else {"PYTHONPATH": str(_stub(trial))}
    outcome = run_confined(trial, program / command.script, _arguments(trial, command), environment=stub)
    trial.account = Account(stage="")
    problem = diagnose_ingestion(outcome.ended, outcome.reason(trial.limits), outcome.output, trial.account)
    if not problem.problem:
        problem = take_predictions(trial)
    predicted = _count_lines(trial.predictions)
    if predicted:
        trial.account = Account(
            stage="done", seconds={"predict": outcome.seconds}, images=predicted, predicted=predicted
        )
    return trial.add("ingestion", outcome.seconds, f"{predicted} images predicted", problem)


def score_by_bundle(trial: Trial, bundle: Bundle, task: Task) -> None:
    """Run the bundle's scoring program on the predictions."""
    begun = time.monotonic()
    app = trial.place / "scoring" / "app"
    lay_out(task.scoring_program, app / "program")
    command = read_command(app / "program", "scoring")
    result, output = app / "input" / "res", app / "output"
    result.mkdir(parents=True)
    output.mkdir()
    shutil.copyfile(trial.predictions, result / PREDICTIONS)
    lay_out(trial.reference, app / "input" / "ref")
    arguments = [_moved(word, trial.place / "scoring") for word in command.arguments]
    outcome = run_python(
        app / "program" / command.script, arguments, folder=output, limits=trial.limits, cwd=app / "program"
    )
    trial.logs["scoring"] = outcome.output
    taken = time.monotonic() - begun
    if outcome.ended != "ok":
        said = last_line(outcome.output)
        why = f"the scoring program {outcome.reason(trial.limits)}: {said}"
        trial.add("scoring", taken, "", Diagnosis(why, remedy_for(said)))
        return
    trial.scores = _read_scores(output)
    if trial.scores is None:
        problem = Diagnosis(
            "the scoring program left no scores.json that can be read", "look at the log of the scoring"
        )
        trial.add("scoring", taken, "", problem)
        return
    first = next((c for c in bundle.columns if c.key in trial.scores), None)
    trial.add("scoring", taken, f"{first.title} {trial.scores[first.key]:.4f}" if first else "scored")
    _compare(trial)


def _compare(trial: Trial) -> None:
    """Hold the bundle's scores against our own, where its predictions and reference have the challenge's form."""
    try:
        trial.full_scores = score_files(trial.predictions, trial.reference, allow_extra=True)
    except ScoringError:
        return
    trial.notes += note_spread(trial)
    ours = trial.full_scores.leaderboard()
    if ours == trial.scores:
        trial.notes.append("hybridwing's own scoring gives the same numbers, to the last digit")
    else:
        trial.notes.append(f"hybridwing's own scoring gives other numbers: {json.dumps(ours)}")


def _environment(trial: Trial, program: Path, *, isolated: bool, python: Path | None) -> bool:
    """Get an interpreter with what submission and program need; whether there is one."""
    if not isolated:
        trial.notes.append("the running environment was used, not the pinned versions; --isolated installs those")
        return True
    begun = time.monotonic()
    path = trial.submission / "requirements.txt"
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    # What the parser refuses is not installed: the program itself will say so and stop.
    wanted = [line.installs for line in read_requirements(text) if line.status != "rejected"]
    named = {line.split("==")[0] for line in wanted}
    wanted += [name for name in program_needs(program) if name not in named]
    try:
        trial.environment = fresh_environment(
            trial.place / "environment", wanted, python=python, seconds=max(trial.left, 1.0)
        )
    except SubmissionError as error:
        problem = Diagnosis(str(error), "pin versions that exist for Python 3.10 and go together")
        return trial.add("install", time.monotonic() - begun, "", problem)
    trial.logs["install"] = trial.environment.log
    return trial.add("install", time.monotonic() - begun, f"{len(wanted)} requirements installed beforehand")


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


def _stub(trial: Trial) -> Path:
    """A pip that installs nothing."""
    folder = trial.place / "stub"
    (folder / "pip").mkdir(parents=True)
    (folder / "pip" / "__init__.py").touch()
    (folder / "pip" / "__main__.py").write_text(_PIP_STANDS_STILL, encoding="utf-8")
    return folder


def _arguments(trial: Trial, command: Command) -> list[str]:
    """A command's arguments, with Codabench's folders where they are here."""
    inputs = "/app/input_data"
    moved = (
        str(trial.images) + word.removeprefix(inputs) if word.startswith(inputs) else _moved(word, trial.place)
        for word in command.arguments
    )
    return list(moved)


def _moved(word: str, place: Path) -> str:
    return str(place) + word if word.startswith("/app/") else word


def _warn_of_fixed_paths(trial: Trial, program: Path) -> None:
    for path in sorted(program.rglob("*.py")):
        if b'"/app/' in path.read_bytes() or b"'/app/" in path.read_bytes():
            trial.notes.append(f"{path.name} of the ingestion names folders below /app, which are elsewhere here")


def _count_lines(path: Path) -> int:
    return len(path.read_bytes().splitlines()) if path.is_file() else 0


def _read_scores(output: Path) -> dict[str, float] | None:
    """Scores as ``scores.json`` or ``scores.txt`` has them; None where neither holds numbers by name."""
    data = read_plain(output / "scores.json", 1 << 20)
    try:
        if data is not None:
            values = json.loads(data)
        else:
            lines = (read_plain(output / "scores.txt", 1 << 20) or b"").decode().splitlines()
            values = {name.strip(): float(value) for name, _, value in (line.partition(":") for line in lines if line)}
        numbers = {str(name): value for name, value in values.items() if type(value) in (int, float)}
    except (ValueError, AttributeError, RecursionError):
        return None
    return {name: value for name, value in numbers.items() if math.isfinite(value)} or None
