"""Rank photographs by how likely they show a hybrid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.detectors.calibration import threshold_at
from hybridwing.embeddings.compute import DEFAULT, Compute
from hybridwing.embeddings.engine import embed_images
from hybridwing.embeddings.folder import key_of
from hybridwing.images.find import find_images
from hybridwing.runs.scoring import backbone_of, score_images
from hybridwing.runs.tables import write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hybridwing.embeddings.table import Failure
    from hybridwing.runs.folder import Run


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
        Whether the score lies above the threshold.
    """

    rank: int
    path: Path
    score: float
    is_hybrid: bool


@dataclass(frozen=True)
class Ranking:
    """Photographs, most likely hybrids first.

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
    """

    detector: str
    tnr: float
    threshold: float
    images: tuple[RankedImage, ...]
    failures: tuple[Failure, ...]
    left_out: tuple[Path, ...] = ()

    def write(self, path: Path) -> None:
        """Write a CSV file: rank, path, score, verdict, threshold, tnr, detector, failure; failures come last.

        A path that a spreadsheet would take for a formula is written with ``./`` before it.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        common = (self.threshold, self.tnr, self.detector)
        verdicts = {True: "hybrid", False: "non-hybrid"}
        rows: list[Sequence[object]] = [
            (image.rank, _path_cell(str(image.path)), image.score, verdicts[image.is_hybrid], *common, "")
            for image in self.images
        ]
        rows += [("", _path_cell(f.path), "", "", *common, f"{f.stage}: {f.reason}") for f in self.failures]
        path.parent.mkdir(parents=True, exist_ok=True)
        header = ("rank", "path", "score", "verdict", "threshold", "tnr", "detector", "failure")
        write_rows(path, header, rows)


def _path_cell(path: str) -> str:
    return f"./{path}" if path.startswith(("=", "+", "-", "@")) else path


def predict(
    run: Run,
    places: Sequence[Path],
    *,
    tnr: float = 0.95,
    detector: str | None = None,
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
        True-negative rate that sets the threshold, see :func:`hybridwing.detectors.calibration.threshold_at`.
    detector : str, optional
        By default the run's best.
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
    # Rounded as the scores are: otherwise a score equal to the threshold could round to one above it.
    threshold = round(threshold_at(saved, tnr), 4)
    found = find_images(places)
    items = [(key_of(path), path) for path in found.images]
    encoder = backbone_of(run, compute=compute, name=backbone)
    table = embed_images(items, encoder, cache=compute.cache, progress=progress)
    scores = score_images(saved, table, table.uuids)
    paths = dict(items)
    order = sorted(zip(table.uuids, scores, strict=True), key=lambda pair: (-pair[1], pair[0]))
    images = tuple(
        RankedImage(rank, paths[uuid], float(score), bool(score > threshold))
        for rank, (uuid, score) in enumerate(order, start=1)
    )
    return Ranking(name, tnr, threshold, images, table.failures, found.left_out)
