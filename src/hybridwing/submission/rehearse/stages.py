"""The stages of a submission's way by our own programs: requirements, installing, ingestion, scoring."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import ScoringError, SubmissionError, first_few
from hybridwing.evaluation.challenge_score import score_files
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.submission.package.requirements import ALLOWED, read_requirements
from hybridwing.submission.rehearse.diagnosis import Diagnosis, diagnose_ingestion
from hybridwing.submission.rehearse.environment import fresh_environment
from hybridwing.submission.rehearse.trial import PREDICTIONS, Trial
from hybridwing.submission.rehearse.verdict import Account, read_account
from hybridwing.submission.sandbox.sandbox import read_plain, run_python

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybridwing.submission.sandbox.outcome import Outcome

#: Predictions larger than this are not those of photographs.
_MOST_BYTES = 1 << 28


def judge_requirements(trial: Trial) -> list[str] | None:
    """Lines for pip; None where the ingestion program would refuse one."""
    begun = time.monotonic()
    path = trial.submission / "requirements.txt"
    if not path.is_file():
        trial.add("requirements", time.monotonic() - begun, "no requirements.txt: nothing is installed")
        return []
    try:
        lines = read_requirements(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        problem = Diagnosis(f"requirements.txt is no UTF-8 text: {error}", "save it as plain UTF-8")
        trial.add("requirements", time.monotonic() - begun, "", problem)
        return None
    wrong = next((line for line in lines if line.status == "rejected"), None)
    if wrong is not None:
        remedy = {None: "leave it out, or ask the organisers to allow it", "": "delete the line"}
        problem = Diagnosis(
            f"requirements.txt, line {wrong.number} ({wrong.text!r}): {wrong.why}",
            remedy.get(wrong.instead) or f"write {wrong.instead}",
        )
        trial.add("requirements", time.monotonic() - begun, "", problem)
        return None
    trial.notes += [f"requirements.txt, line {line.number}: {line.why}" for line in lines if line.status == "odd"]
    trial.add("requirements", time.monotonic() - begun, f"{len(lines)} of {len(ALLOWED)} allowed packages asked for")
    return [line.installs for line in lines]


def get_environment(trial: Trial, lines: Sequence[str], *, isolated: bool, python: Path | None) -> bool:
    """Get an interpreter; whether there is one."""
    if not isolated:
        trial.notes.append("the running environment was used, not the pinned versions; --isolated installs those")
        return True
    begun = time.monotonic()
    wanted = list(lines)
    if not any(line.split("==")[0] == "Pillow" for line in lines):
        wanted.append("Pillow")
        trial.notes.append("Pillow was installed besides: the ingestion program needs it and the container has it")
    try:
        trial.environment = fresh_environment(
            trial.place / "environment", wanted, python=python, seconds=max(trial.left, 1.0)
        )
    except SubmissionError as error:
        problem = Diagnosis(str(error), "pin versions that exist for Python 3.10 and go together")
        return trial.add("install", time.monotonic() - begun, "", problem)
    trial.logs["install"] = trial.environment.log
    return trial.add("install", time.monotonic() - begun, f"{len(wanted)} requirements installed")


def ingest(trial: Trial) -> bool:
    """Run our ingestion; whether there are predictions to score."""
    program = trial.place / "app" / "program" / "ingestion.py"
    program.parent.mkdir()
    shutil.copyfile(Path(__file__).with_name("ingestion.py"), program)
    arguments = [str(trial.images), str(trial.output), str(trial.submission)]
    outcome = run_confined(trial, program, arguments)
    trial.account = read_account(trial.output / "account.json")
    done = f"{trial.account.predicted} of {trial.account.images} images predicted"
    problem = diagnose_ingestion(outcome.ended, outcome.reason(trial.limits), outcome.output, trial.account)
    if not problem.problem:
        problem = take_predictions(trial)
    trial.notes += _remarks(trial.account)
    return trial.add("ingestion", outcome.seconds, done, problem)


def run_confined(
    trial: Trial, program: Path, arguments: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> Outcome:
    """Run an ingestion program with the submission: it may write into the submission's copy and the output, no more."""
    scratch = trial.place / "scratch"
    for folder in (scratch, trial.output):
        folder.mkdir(parents=True, exist_ok=True)
    outcome = run_python(
        program,
        arguments,
        folder=scratch,
        writable=[trial.output, trial.submission],
        limits=trial.limits,
        python=trial.environment.python,
        cwd=program.parent,
        environment=environment,
    )
    trial.logs["ingestion"] = outcome.output
    trial.protection = outcome.protection.sentence()
    trial.notes += [f"asked for the network: {address}" for address in outcome.network[:5]]
    trial.notes += [f"tried to write outside its folder: {path}" for path in outcome.writes[:5]]
    return outcome


def take_predictions(trial: Trial) -> Diagnosis:
    """Copy the predictions out of the submission's reach; what is wrong where there are none."""
    data = read_plain(trial.output / PREDICTIONS, _MOST_BYTES)
    if data is None:
        return Diagnosis("the ingestion ended without predictions.txt", "look at the log of the ingestion")
    trial.predictions.write_bytes(data)
    return Diagnosis()


def _remarks(account: Account) -> list[str]:
    """What is worth knowing of an ingestion that may well have succeeded."""
    remarks = [f"skipped, since Pillow cannot open it: {name} ({reason})" for name, reason in account.skipped[:5]]
    if account.n_skipped > len(remarks):
        remarks.append(f"{account.n_skipped} files were skipped in all")
    odd = [kind for kind in account.kinds or {} if kind != "builtins.float"]
    if odd:
        remarks.append(f"predict returned {first_few(odd)}; a plain float is sure to be written as a number")
    return remarks


def score_trial(trial: Trial) -> None:
    """Score the predictions as the official program does."""
    begun = time.monotonic()
    try:
        scores = score_files(trial.predictions, trial.reference, allow_extra=True)
    except ScoringError as error:
        said = str(error).replace(f"{trial.place}/", "")
        problem = Diagnosis(f"the scoring program would stop: {said}", _scoring_remedy(trial))
        trial.add("scoring", time.monotonic() - begun, "", problem)
        return
    trial.full_scores, trial.scores = scores, scores.leaderboard()
    trial.notes += note_spread(trial)
    trial.add("scoring", time.monotonic() - begun, f"challenge score {scores.challenge_score:.4f}")


def _scoring_remedy(trial: Trial) -> str:
    if trial.account.n_skipped:
        return "images that Pillow cannot open are skipped and then missed: mend or remove them"
    return "give every image one finite score"


def note_spread(trial: Trial) -> list[str]:
    """Say where scores that were rounded to four decimals have run together."""
    import numpy as np

    values = read_predictions(trial.predictions).scores
    distinct = len(np.unique(values))
    share = float(((values <= 0) | (values >= 1)).mean())
    remarks = []
    if share > 0.05:
        remarks.append(f"{share:.0%} of the scores are 0 or 1 after rounding to four decimals: their ranking is lost")
    if distinct < len(values) / 10:
        remarks.append(f"only {distinct} different scores among {len(values)}: spread them over [0, 1]")
    return remarks
