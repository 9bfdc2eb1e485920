"""Run a submission as Codabench does: requirements, ingestion, scoring, with limits and without a network.

::

    OUT/
      predictions.txt         what the submission predicted, as the ingestion program writes it
      scores.json             the leaderboard record, as the scoring program writes it
      detailed_results.html   what a participant is shown
      verdict.json            all of it, for programs
      ingestion.log, scoring.log, install.log
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.challenge.archive import open_submission
from hybridwing.challenge.diagnosis import Diagnosis, diagnose_ingestion
from hybridwing.challenge.environment import fresh_environment
from hybridwing.challenge.requirements import ALLOWED, read_requirements
from hybridwing.challenge.sandbox import read_plain, run_python
from hybridwing.challenge.trial import PREDICTIONS, Trial
from hybridwing.challenge.verdict import Account, read_account
from hybridwing.errors import ScoringError, SubmissionError, first_few
from hybridwing.evaluation.challenge_score import score_files
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.evaluation.reference import read_reference
from hybridwing.runs.folder import check_new_folder, new_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.challenge.outcome import Outcome
    from hybridwing.challenge.verdict import SubmissionRun

VERDICT, SCORES, PAGE = "verdict.json", "scores.json", "detailed_results.html"
#: All that the folder of a run holds.
CONTENTS = (VERDICT, PREDICTIONS, SCORES, PAGE, "*.log")
#: Predictions larger than this are not those of photographs.
_MOST_BYTES = 1 << 28
_GIB = 2**30


def run_submission(
    source: Path,
    images: Path,
    reference: Path,
    out: Path,
    *,
    isolated: bool = False,
    python: Path | None = None,
    time_limit: float = 600.0,
    memory: int = 8 * _GIB,
    overwrite: bool = False,
) -> SubmissionRun:
    """Run anybody's submission on a folder of images and score it.

    Parameters
    ----------
    source : Path
        Folder or zip of the submission; it is not trusted.
    images : Path
        Folder of the images, as the ingestion program is given it: files beside each other.
    reference : Path
        Table in the challenge's reference form.
    out : Path
        New folder for what :mod:`.run` lists.
    isolated : bool
        Install the submission's requirements into a fresh environment instead of using the running one.
    python : Path, optional
        Interpreter for that environment; by default Python 3.10 where it is found.
    time_limit : float
        Seconds for all stages together; Codabench's default queue ends a run at 600.
    memory : int
        Bytes that the submission may hold.
    overwrite : bool
        Replace what an earlier run left.

    Returns
    -------
    SubmissionRun
        Also where the submission fails: that is a result, and not an error.

    Raises
    ------
    HybridwingError
        If an input of ours is missing or `out` may not be replaced.
    """
    if time_limit <= 0:
        raise SubmissionError(f"the time limit must be positive; got {time_limit:g} seconds")
    check_inputs(images, reference)
    check_new_folder(out, overwrite=overwrite, mark=VERDICT, contents=CONTENTS)
    submission = open_submission(source)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True)))
        trial = Trial(place, images.resolve(), reference, time_limit, memory)
        submission.unpack(trial.submission)
        lines = _requirements(trial)
        if lines is not None and _environment(trial, lines, isolated=isolated, python=python) and _ingest(trial):
            score_trial(trial)
        result = trial.result(source.name, "hybridwing")
        write_run(result, trial, out, overwrite=overwrite)
    return result


def check_inputs(images: Path, reference: Path) -> None:
    """Refuse what is ours to get right, before anything is unpacked.

    Raises
    ------
    SubmissionError
        If the folder of images is none, or is empty.
    ScoringError
        If the reference cannot be read.
    """
    if not images.is_dir():
        raise SubmissionError(f"no folder of images at {images}; name it with --images")
    if not any(path.is_file() for path in images.iterdir()):
        raise SubmissionError(f"{images} holds no files; the images must lie in it side by side, as Codabench has them")
    read_reference(reference)


def _requirements(trial: Trial) -> list[str] | None:
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
    wrong = next((line for line in lines if line.verdict == "rejected"), None)
    if wrong is not None:
        remedy = {None: "leave it out, or ask the organisers to allow it", "": "delete the line"}
        problem = Diagnosis(
            f"requirements.txt, line {wrong.number} ({wrong.text!r}): {wrong.why}",
            remedy.get(wrong.instead) or f"write {wrong.instead}",
        )
        trial.add("requirements", time.monotonic() - begun, "", problem)
        return None
    trial.notes += [f"requirements.txt, line {line.number}: {line.why}" for line in lines if line.verdict == "odd"]
    trial.add("requirements", time.monotonic() - begun, f"{len(lines)} of {len(ALLOWED)} allowed packages asked for")
    return [line.installs for line in lines]


def _environment(trial: Trial, lines: Sequence[str], *, isolated: bool, python: Path | None) -> bool:
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


def _ingest(trial: Trial) -> bool:
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


def run_confined(trial: Trial, program: Path, arguments: Sequence[str], *, network: bool = False) -> Outcome:
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
        network=network,
        python=trial.environment.python,
        cwd=program.parent,
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
    trial.notes += _spread(trial)
    trial.add("scoring", time.monotonic() - begun, f"challenge score {scores.challenge_score:.4f}")


def _scoring_remedy(trial: Trial) -> str:
    if trial.account.n_skipped:
        return "images that Pillow cannot open are skipped and then missed: mend or remove them"
    return "give every image one finite score"


def _spread(trial: Trial) -> list[str]:
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


def write_run(result: SubmissionRun, trial: Trial, out: Path, *, overwrite: bool) -> None:
    """Write the folder of a run.

    Raises
    ------
    RunError
        If `out` exists and may not be replaced, or cannot be written.
    """
    with new_folder(out, overwrite=overwrite, mark=VERDICT, contents=CONTENTS) as partial:
        if trial.predictions.is_file():
            shutil.copyfile(trial.predictions, partial / PREDICTIONS)
        if result.scores is not None:
            (partial / SCORES).write_text(json.dumps(result.scores), encoding="utf-8")
        for name, text in trial.logs.items():
            (partial / f"{name}.log").write_text(text, encoding="utf-8", errors="backslashreplace")
        (partial / VERDICT).write_text(json.dumps(result.to_dict(), indent=2) + "\n", encoding="utf-8")
