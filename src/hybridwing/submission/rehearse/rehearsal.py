"""Run a submission as Codabench does: requirements, ingestion, scoring, with limits and without a network.

::

    OUT/
      predictions.txt         what the submission predicted, as the ingestion program writes it
      scores.json             the leaderboard record, as the scoring program writes it
      detailed_results.html   what a participant is shown
      submission_run.json     all of it, for programs
      ingestion.log, scoring.log, install.log
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError
from hybridwing.evaluation.reference import read_reference
from hybridwing.files import write_text
from hybridwing.folders import check_new_folder, new_folder
from hybridwing.leaderboard.comparing import PREDICTIONS, SUBMISSION_RUN
from hybridwing.submission.package.archive import open_submission
from hybridwing.submission.rehearse.bundle import METADATA
from hybridwing.submission.rehearse.bundle_stages import ingest_by_bundle, lay_out, open_bundle, score_by_bundle
from hybridwing.submission.rehearse.page import submission_html
from hybridwing.submission.rehearse.stages import accept_requirements, get_environment, ingest, score_predictions
from hybridwing.submission.rehearse.submission_run import Conditions, RehearsalState, SubmissionRun
from hybridwing.submission.sandbox.interpreter import running_interpreter
from hybridwing.submission.sandbox.left_behind import temporary_folder
from hybridwing.submission.sandbox.run_program import check_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.submission.rehearse.bundle import Task

SCORES, PAGE = "scores.json", "detailed_results.html"
#: All that the folder of a run holds.
CONTENTS = (SUBMISSION_RUN, PREDICTIONS, SCORES, PAGE, "*.log")
DEFAULT = Conditions()


def run_submission(
    source: Path,
    images: Path | None,
    reference: Path | None,
    out: Path,
    *,
    conditions: Conditions = DEFAULT,
    bundle: Path | None = None,
    task: int = 0,
    overwrite: bool = False,
) -> SubmissionRun:
    """Run anybody's submission on a folder of images and score it.

    Parameters
    ----------
    source : Path
        Folder or zip of the submission; it is not trusted.
    images : Path or None
        Folder of the images, as the ingestion program is given it: files beside each other. None for the bundle's own.
    reference : Path or None
        Table in the challenge's reference form. None for the bundle's own.
    out : Path
        New folder for what this module lists.
    conditions : Conditions
        Environment, limits, and whether it runs in a sandbox.
    bundle : Path, optional
        A Codabench bundle (folder, zip, or its ``competition.yaml``) whose ingestion and scoring programs are run
        instead of ours; they are not trusted either.
    task : int
        Index of the bundle's task.
    overwrite : bool
        Replace what an earlier run left.

    Returns
    -------
    SubmissionRun
        Also where the submission fails: that is a result, and not an error.

    Raises
    ------
    HybridwingError
        If an input of ours is missing, `out` may not be replaced, or there is no sandbox here and no `trust`.
    """
    check_sandbox(trusted=conditions.trust)
    check_new_folder(out, overwrite=overwrite, mark=SUBMISSION_RUN, contents=CONTENTS)
    submission = open_submission(source)
    with temporary_folder("hybridwing-submission-") as place:
        opened = None if bundle is None else open_bundle(bundle, place / "bundle")
        chosen = None if opened is None else opened.task(task)
        images, reference = _inputs(place, images, reference, chosen)
        interpreter = f"Python {running_interpreter().version_text} and its packages"
        run = SubmissionRun(
            source.name, "hybridwing" if opened is None else opened.title, interpreter, conditions.time_limit
        )
        state = RehearsalState(place, _without_links(images.resolve(), place), reference, conditions, run)
        submission.unpack(state.submission)
        if not {*METADATA} & {*submission.names}:
            run.note("there is no metadata file: Codabench copies the whole submission into the predictions")
        if opened is None or chosen is None:
            read_reference(reference)
            lines = accept_requirements(state)
            if lines is not None and get_environment(state, lines, ["Pillow"]) and ingest(state):
                score_predictions(state)
        elif ingest_by_bundle(state, chosen):
            score_by_bundle(state, opened, chosen)
        _write_run(state, out, overwrite=overwrite)
    return run


def _inputs(place: Path, images: Path | None, reference: Path | None, task: Task | None) -> tuple[Path, Path]:
    """Images and reference: those that were named, or the bundle's."""
    if images is None and task is not None and task.input_data is not None:
        images = place / "input_data"
        lay_out(task.input_data, images)
    if reference is None and task is not None:
        reference = task.reference_data
    if images is None or reference is None:
        missing = "--images" if images is None else "--reference"
        raise SubmissionError(f"{missing} is not named{', and the bundle does not hold it' if task else ''}")
    if not images.is_dir():
        raise SubmissionError(f"no folder of images at {images}; name it with --images")
    if not any(path.is_file() for path in images.iterdir()):
        raise SubmissionError(f"{images} holds no files; the images must lie in it side by side, as Codabench has them")
    if not reference.exists():
        raise SubmissionError(f"no reference at {reference}; name it with --reference")
    return images, reference


def _without_links(images: Path, place: Path) -> Path:
    """The folder of images, or a copy if it holds links, which lead nowhere in the sandbox."""
    if not any(path.is_symlink() for path in images.iterdir()):
        return images
    copies = place / "images"
    copies.mkdir()
    for path in images.iterdir():
        if path.is_file():
            shutil.copyfile(path, copies / path.name)
    return copies


def _write_run(state: RehearsalState, out: Path, *, overwrite: bool) -> None:
    result = state.run
    with new_folder(out, overwrite=overwrite, mark=SUBMISSION_RUN, contents=CONTENTS) as partial:
        if state.predictions.is_file():
            shutil.copyfile(state.predictions, partial / PREDICTIONS)
        if result.scores is not None:
            write_text(partial / SCORES, json.dumps(result.scores))
        for name, text in state.logs.items():
            write_text(partial / f"{name}.log", text)
        page = submission_html(result, state.reference.name, state.logs, state.scored)
        write_text(partial / PAGE, page)
        write_text(partial / SUBMISSION_RUN, json.dumps(result.to_dict(), indent=2, allow_nan=False) + "\n")
