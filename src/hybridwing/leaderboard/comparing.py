"""Compare runs, evaluations, submissions that were run, and plain predictions on one reference table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.csv_files import write_rows
from hybridwing.errors import RunError, ScoringError
from hybridwing.evaluation.comparison import COLUMNS, Comparison, compare
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.evaluation.reference import read_reference
from hybridwing.evaluation.resampling import RESAMPLES
from hybridwing.report.evaluation_folder import EVALUATION
from hybridwing.runs.evaluate import scores_of
from hybridwing.runs.folder import MANIFEST
from hybridwing.runs.run import load_run
from hybridwing.runs.scoring import stand_in_note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from hybridwing.backbones.compute import Compute

#: What `hybridwing submission run` leaves in its folder: the predictions, and the result for programs.
PREDICTIONS, SUBMISSION_RUN = "predictions.txt", "submission_run.json"
CSV, PAGE = "leaderboard.csv", "leaderboard.html"
#: All that the folder of a leaderboard holds.
CONTENTS = (CSV, PAGE)

Scores = dict[str, "NDArray[np.float64]"]


def compare_places(
    places: Sequence[Path],
    reference: Path,
    *,
    images: Path | None = None,
    detector: str | None = None,
    first: str | None = None,
    compute: Compute = DEFAULT,
    resamples: int = RESAMPLES,
    seed: int = 42,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare what lies in some places, on one reference table.

    Places are run folders (``hybridwing train``), evaluation folders (``hybridwing evaluate --out``), folders of
    submissions that were run (``hybridwing submission run``), and files of predictions. The first is what the others
    are held against; of a place with several detectors each is a system, or only `detector`. With `first`, the name of
    a detector, the others are held against that one of the first place; predictions that name no detector stay as they
    are. `reference` is a table in the challenge's reference form. Predictions for other images are ignored. A run has
    to score the table's photographs first, which lie in the folder `images`.

    `progress` is called with images or resamples done and all; the other arguments are those of
    `hybridwing.evaluation.comparison.compare`. Raises RunError if a place holds nothing to compare or lacks the
    detector asked for, or a run comes without images; another HybridwingError if other input is at fault.
    """
    listed = read_reference(reference)
    scores: Scores = {}
    notes = []
    for place in places:
        if (place / MANIFEST).is_file():
            if images is None:
                raise RunError(
                    f"{place} is a run, which has not scored {reference.name} yet: name the photographs with --images, "
                    f"or the folder that this writes: hybridwing evaluate {place} {reference} --images DIR --out FOLDER"
                )
            run, table = load_run(place), read_catalogue(reference)
            embeddings = run.embed(table, images, compute=compute, progress=progress)
            if embeddings.failures:
                notes.append(f"{_title(place, '')}: {stand_in_note(len(embeddings.failures), len(table))}")
            found = scores_of(run, table, embeddings)
        else:
            found = _of_predictions(place, listed.filenames)
        if detector is not None and len(found) > 1:
            found = {name: values for name, values in found.items() if name == detector}
        if not found:
            raise RunError(f"{place} has no detector {detector!r}")
        if first is not None and not scores and "" not in found:
            if first not in found:
                raise RunError(
                    f"{place} has no scores of the detector {first}: it holds those of {', '.join(sorted(found))}"
                )
            found = {first: found[first], **found}
        for name, values in found.items():
            scores[_unique(_title(place, name), scores)] = values
    compared = compare(
        scores, listed.labels, listed.groups, listed.specimens, resamples=resamples, seed=seed, progress=progress
    )
    return replace(compared, notes=(*notes, *compared.notes))


def write_table(comparison: Comparison, path: Path) -> None:
    """Write a CSV file with a row for each system and measure: value, interval, and difference to the first system.

    A measure that the table cannot give, and a difference that rests on too few specimens, are empty.
    """
    rows = []
    for system in comparison.systems:
        for key in COLUMNS:
            found = (system.measures.get(key), system.differences.get(key))
            rows.append([system.name, key, *(cell for one in found for cell in (one.cells if one else ("",) * 3))])
    header = ("system", "measure", "value", "low", "high", "difference", "difference_low", "difference_high")
    write_rows(path, header, rows)


def _of_predictions(place: Path, filenames: NDArray[np.object_]) -> Scores:
    """Scores by detector. A single file has an empty name."""
    if place.is_file():
        files = {"": place}
    elif (place / EVALUATION).is_file():
        found = sorted(place.glob("predictions_*.txt"))
        files = {path.stem.removeprefix("predictions_"): path for path in found}
    elif (place / SUBMISSION_RUN).is_file() and not (place / PREDICTIONS).is_file():
        raise RunError(f"the submission in {place} failed and left no predictions; see its {SUBMISSION_RUN}")
    else:
        files = {"": place / PREDICTIONS} if (place / PREDICTIONS).is_file() else {}
    if not files:
        raise RunError(
            f"{place} holds nothing to compare: neither {MANIFEST} (a run), {EVALUATION} (an evaluation) "
            f"nor {PREDICTIONS} (a submission that was run)"
        )
    scores = {}
    for name, path in files.items():
        try:
            scores[name] = read_predictions(path).aligned_to(filenames, allow_extra=True)
        except ScoringError as error:
            raise ScoringError(f"{place} cannot be compared on this reference: {error}") from error
    return scores


def _title(place: Path, detector: str) -> str:
    name = place.resolve().stem if place.is_file() else place.resolve().name
    return f"{name} {detector}".strip()


def _unique(name: str, taken: Scores) -> str:
    """The name, with a number if it is taken."""
    number, title = 1, name
    while title in taken:
        number += 1
        title = f"{name} ({number})"
    return title
