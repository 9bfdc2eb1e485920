"""Rank photographs by how likely they show a hybrid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.detectors.threshold import Flag, Threshold, flag_of, threshold_of
from hybridwing.embeddings.compute import DEFAULT, Compute
from hybridwing.embeddings.engine import embed_images
from hybridwing.embeddings.folder import key_of
from hybridwing.images.find import find_images
from hybridwing.runs.confidence import held_out_hybrids, read_confidence
from hybridwing.runs.scoring import backbone_of, score_images
from hybridwing.runs.tables import write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hybridwing.embeddings.table import Failure
    from hybridwing.explain.parents import Parentage
    from hybridwing.runs.folder import Run


COLUMNS = (
    "rank", "path", "score", "verdict", "threshold", "tnr", "detector", "failure", "reason", "parent_1", "parent_2",
    "parent_probability", "hybrid_index", "hybrid_index_low", "hybrid_index_high", "flag_probability",
    "flag_probability_low", "flag_probability_high",
)  # fmt: skip
"""Columns of a written ranking."""


@dataclass(frozen=True)
class RankedImage:
    """An image with its score.

    Attributes
    ----------
    rank : int
        1 for the most likely hybrid.
    path : Path
    score : float in (0, 1)
        Higher = more likely hybrid; four decimals.
    is_hybrid : bool
        Whether the score lies above the threshold and the image is like those in training.
    reason : str
        Why the score means nothing: what makes the image unlike those in training. Empty where it is like them, and
        for runs that cannot tell.
    parentage : Parentage or None
        What it shows of its parents; None where the run cannot tell, and where the score means nothing.
    """

    rank: int
    path: Path
    score: float
    is_hybrid: bool
    reason: str = ""
    parentage: Parentage | None = None

    @property
    def verdict(self) -> str:
        """``"hybrid"``, ``"non-hybrid"`` or ``"cannot tell"``."""
        if self.reason:
            return "cannot tell"
        return "hybrid" if self.is_hybrid else "non-hybrid"


@dataclass(frozen=True)
class Ranking:
    """Photographs, most likely hybrids first, and after them those of which nothing can be told.

    Attributes
    ----------
    detector : str
        Which of the run's detectors scored them.
    tnr : float in (0, 1)
        Share of non-hybrids that the threshold lets pass as non-hybrids, as measured on held-out images.
    threshold : float
        An image is called hybrid when its score is strictly greater; four decimals, as the scores.
    images : tuple of RankedImage
    failures : tuple of Failure
        Images that could not be scored, with the reason.
    left_out : tuple of Path
        Files in searched folders that were not looked at, since their names do not end as photographs' do.
    calibration : Threshold or None
        What the threshold promises.
    flag : Flag or None
        What a verdict of hybrid is worth at a prevalence, if one was given.
    lacking : tuple of str
        What the run cannot say, in words.
    """

    detector: str
    tnr: float
    threshold: float
    images: tuple[RankedImage, ...]
    failures: tuple[Failure, ...]
    left_out: tuple[Path, ...] = ()
    calibration: Threshold | None = None
    flag: Flag | None = None
    lacking: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        """Write a CSV file, a row an image; failures come last. Columns are as in :data:`COLUMNS`.

        A path that a spreadsheet would take for a formula is written with ``./`` before it. What is not known is empty.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        common = (self.threshold, self.tnr, self.detector)
        rows: list[Sequence[object]] = [
            (
                *(image.rank, _path_cell(str(image.path)), image.score, image.verdict, *common, "", image.reason),
                *_parent_cells(image.parentage),
                *_flag_cells(self.flag if image.is_hybrid else None),
            )
            for image in self.images
        ]
        unknown = ("",) * (len(COLUMNS) - 8)
        rows += [("", _path_cell(f.path), "", "", *common, f"{f.stage}: {f.reason}", *unknown) for f in self.failures]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_rows(path, COLUMNS, rows)


def _parent_cells(parentage: Parentage | None) -> tuple[object, ...]:
    if parentage is None:
        return ("",) * 6
    first, second = (*parentage.parents, "")[:2]
    numbers = (parentage.probability, parentage.hybrid_index, parentage.interval.low, parentage.interval.high)
    return (first, second, *(round(number, 4) for number in numbers))


def _flag_cells(flag: Flag | None) -> tuple[object, ...]:
    if flag is None:
        return ("",) * 3
    return tuple(round(number, 4) for number in (flag.probability, flag.interval.low, flag.interval.high))


def _path_cell(path: str) -> str:
    return f"./{path}" if path.startswith(("=", "+", "-", "@")) else path


def predict(
    run: Run,
    places: Sequence[Path],
    *,
    tnr: float = 0.95,
    detector: str | None = None,
    prevalence: float | None = None,
    backbone: str | None = None,
    compute: Compute = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> Ranking:
    """Score the images in files and folders and rank them.

    Parameters
    ----------
    run : Run
    places : sequence of Path
        Image files, and folders that are searched with all they hold.
    tnr : float in (0, 1)
        True-negative rate that sets the threshold, see :func:`hybridwing.detectors.threshold.threshold_of`.
    detector : str, optional
        By default the run's best.
    prevalence : float in (0, 1), optional
        Share of hybrids among images of this kind, if one is known or assumed: says what a verdict of hybrid is worth,
        see :func:`hybridwing.detectors.threshold.flag_of`.
    backbone : str, optional
        Where the run's backbone is now, if its folder was moved.
    compute : Compute
    progress : callable, optional
        Called with the number of images embedded and of all.

    Raises
    ------
    HybridwingError
        If there are no images, none could be read, or the threshold cannot be set at this rate.
    """
    name = detector or run.manifest.best_detector
    saved = run.detector(name)
    calibration = threshold_of(saved, tnr)
    flag = None if prevalence is None else flag_of(saved, calibration, held_out_hybrids(run, name), prevalence)
    knows = read_confidence(run)
    found = find_images(places)
    items = [(key_of(path), path) for path in found.images]
    encoder = backbone_of(run, compute=compute, name=backbone)
    table = embed_images(items, encoder, cache=compute.cache, options=compute.reading, progress=progress)
    scores = score_images(saved, table, table.uuids)
    reasons = [""] * len(table) if knows.familiarity is None else knows.familiarity.reasons(table)
    parents = [None] * len(table) if knows.parents is None else knows.parents.parentage(table.vectors)
    paths = dict(items)
    order = sorted(range(len(table)), key=lambda row: (bool(reasons[row]), -scores[row], table.uuids[row]))
    images = tuple(
        RankedImage(
            rank,
            paths[table.uuids[row]],
            float(scores[row]),
            bool(scores[row] > calibration.value) and not reasons[row],
            reasons[row],
            None if reasons[row] else parents[row],
        )
        for rank, row in enumerate(order, start=1)
    )
    return Ranking(
        name, tnr, calibration.value, images, table.failures, found.left_out, calibration, flag, knows.lacking
    )
