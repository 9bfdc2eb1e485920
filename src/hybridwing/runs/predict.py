"""Rank photographs by how likely they show a hybrid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.detectors.calibration import TooFewError
from hybridwing.detectors.threshold import Flag, Threshold, flag_of, threshold_of
from hybridwing.runs.candidates import candidates_of
from hybridwing.runs.confidence import held_out_hybrids, read_confidence
from hybridwing.runs.drawer import look_into
from hybridwing.runs.scoring import score_images
from hybridwing.runs.tables import ImageRows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hybridwing.embeddings.embed import Source
    from hybridwing.embeddings.table import EmbeddingTable, Failure
    from hybridwing.explain.parents import Looks
    from hybridwing.runs.saved_run import SavedRun


NAMES = (
    "identity_1", "identity_1_probability", "identity_2", "identity_2_probability", "identity_3",
    "identity_3_probability", "parent_1", "parent_2", "parent_probability", "hybrid_index", "hybrid_index_low",
    "hybrid_index_high",
)  # fmt: skip
"""Columns that say what an image shows: either its subspecies or its parents are filled in."""

COLUMNS = (
    *("rank", "path", "score", "verdict", "threshold", "tnr", "detector", "failure", "reason"),
    *NAMES,
    *("flag_probability", "flag_probability_low", "flag_probability_high"),
)
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
    is_hybrid : bool or None
        Whether the score lies above the threshold and the image is like those in training; None without a threshold.
    reason : str
        Why the score means nothing: what makes the image unlike those in training. Empty where it is like them, and
        for runs that cannot tell.
    looks : Looks or None
        Subspecies or parents that it shows; None where the run cannot tell, and where the score means nothing.
    """

    rank: int
    path: Path
    score: float
    is_hybrid: bool | None
    reason: str = ""
    looks: Looks | None = None

    @property
    def verdict(self) -> str:
        """``"hybrid"``, ``"non-hybrid"``, ``"cannot tell"``, or empty where there is no threshold."""
        if self.reason:
            return "cannot tell"
        return "" if self.is_hybrid is None else "hybrid" if self.is_hybrid else "non-hybrid"

    @property
    def shows_hybrid(self) -> bool:
        """Whether parents are named and not a subspecies: as the verdict says, or without one as the image looks."""
        if self.is_hybrid is None:
            return self.looks is not None and self.looks.two_parents > 0.5
        return self.is_hybrid

    @property
    def name(self) -> str:
        """The subspecies, or the two parents of a hybrid with an ``x`` between; empty where nothing can be told."""
        if self.looks is None:
            return ""
        return " x ".join(self.looks.parents) if self.shows_hybrid else self.looks.identities[0][0]


@dataclass(frozen=True, eq=False)
class RankedImages(ImageRows):
    """Photographs, most likely hybrids first, and after them those of which nothing can be told.

    Attributes
    ----------
    detector : str
        Which of the run's detectors scored them.
    tnr : float in (0, 1)
        Share of non-hybrids that the threshold lets pass as non-hybrids, as measured on held-out images.
    threshold : float or None
        An image is called hybrid when its score is strictly greater; four decimals, as the scores. None where too few
        non-hybrids were held out to promise the rate: images are then ranked without a verdict.
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
    no_verdict : str
        Why there is no threshold, and which rate could be promised; empty where there is one.
    """

    detector: str
    tnr: float
    threshold: float | None
    images: tuple[RankedImage, ...]
    failures: tuple[Failure, ...]
    left_out: tuple[Path, ...] = ()
    calibration: Threshold | None = None
    flag: Flag | None = None
    lacking: tuple[str, ...] = ()
    no_verdict: str = ""

    _columns = COLUMNS
    _beside = 4

    def _rows(self) -> list[Sequence[object]]:
        common = ("" if self.threshold is None else self.threshold, self.tnr, self.detector)
        rows: list[Sequence[object]] = [
            (
                *(image.rank, str(image.path), image.score, image.verdict, *common, "", image.reason),
                *name_cells(image.looks, is_cross=image.shows_hybrid),
                *_flag_cells(self.flag if image.is_hybrid else None),
            )
            for image in self.images
        ]
        unknown = ("",) * (len(COLUMNS) - 8)
        rows += [("", f.path, "", "", *common, f"{f.stage}: {f.reason}", *unknown) for f in self.failures]
        return rows


def name_cells(looks: Looks | None, *, is_cross: bool) -> tuple[object, ...]:
    """Cells of `NAMES`: either the identities of a non-hybrid or the parents of a hybrid are filled in."""
    if looks is None:
        return ("",) * len(NAMES)
    if is_cross:
        if not looks.parents:
            return ("",) * len(NAMES)
        numbers = (looks.probability, looks.hybrid_index, looks.interval.low, looks.interval.high)
        return (*("",) * 6, *looks.parents, *(round(number, 4) for number in numbers))
    named = [cell for name, probability in looks.identities for cell in (name, round(probability, 4))]
    return (*named, *("",) * (len(NAMES) - len(named)))


def _flag_cells(flag: Flag | None) -> tuple[object, ...]:
    if flag is None:
        return ("",) * 3
    return tuple(round(number, 4) for number in (flag.probability, flag.interval.low, flag.interval.high))


def predict(
    run: SavedRun,
    source: Source | EmbeddingTable,
    images: Path | str | EmbeddingTable | None = None,
    *,
    tnr: float = 0.95,
    detector: str | None = None,
    prevalence: float | None = None,
    candidates: str | Sequence[str] = "species",
    compute: Compute = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> RankedImages:
    """Score photographs or embeddings and rank them.

    Parameters
    ----------
    run : SavedRun
        What `hw.train` or `hw.load_run` gave.
    source : Catalogue, path, data frame, iterable of paths, or EmbeddingTable
        A table of specimens, whose columns then stand beside the verdicts; image files, and folders that are searched
        with all they hold; or embeddings by the run's backbone, as a table or as the path of a ``.parquet`` or
        ``.json`` file.
    images : path or EmbeddingTable, optional
        Folder that a table's file names are relative to, or the embeddings of its photographs.
    tnr : float in (0, 1)
        True-negative rate that sets the threshold, see `hybridwing.detectors.threshold.threshold_of`.
    detector : str, optional
        By default the run's best.
    prevalence : float in (0, 1), optional
        Share of hybrids among images of this kind, if one is known or assumed: says what a verdict of hybrid is worth,
        see `hybridwing.detectors.threshold.flag_of`.
    candidates : str or sequence of str
        What the parents and names are looked for among: ``"species"``, ``"locality"``, ``"all"`` or a list, see
        `hybridwing.runs.candidates.candidates_of`.
    compute : Compute
        Where and how to embed.
    progress : callable, optional
        Called with the number of images embedded and of all.

    Raises
    ------
    HybridwingError
        If there are no images, none could be read, embeddings are of another backbone, or the rate is out of range.

    Examples
    --------
    >>> run = hw.load_run(example_run)
    >>> ranked = predict(run, run.embeddings, tnr=0.9)
    >>> [image.rank for image in ranked.images[:3]]
    [1, 2, 3]
    """
    name = detector or run.manifest.best_detector
    saved = run.detector(name)
    calibration, no_verdict = None, ""
    try:
        calibration = threshold_of(saved, tnr)
    except TooFewError as error:
        no_verdict = str(error)
    flag = None
    if prevalence is not None and calibration is not None:
        flag = flag_of(saved, calibration, held_out_hybrids(run, name), prevalence)
    knows = read_confidence(run)
    asked = None if knows.parents is None else candidates_of(run, knows.parents, candidates)
    drawer = look_into(run, source, images, compute, progress)
    table, read = drawer.embeddings, drawer.embedded
    scores = score_images(saved, table, table.uuids)
    reasons = [""] * len(table) if knows.typicality is None else list(knows.typicality.reasons(table))
    looks: Sequence[Looks | None] = [None] * len(table)
    notes: tuple[str, ...] = ()
    if knows.parents is not None and asked is not None:
        possible = asked.possible(len(table), read)
        reasons = [reason or strange for reason, strange in zip(reasons, possible.strange, strict=True)]
        looks, notes = knows.parents.looks(table.vectors, (possible.subspecies, possible.pairs)), possible.notes
    limit = None if calibration is None else calibration.value
    order = sorted(range(len(table)), key=lambda row: (bool(reasons[row]), -scores[row], table.uuids[row]))
    ranked = tuple(
        RankedImage(
            rank,
            drawer.paths[table.uuids[row]],
            float(scores[row]),
            None if limit is None else bool(scores[row] > limit) and not reasons[row],
            reasons[row],
            None if reasons[row] else looks[row],
        )
        for rank, row in enumerate(order, start=1)
    )
    return RankedImages(
        name, tnr, limit, ranked, table.failures, drawer.left_out, calibration, flag, knows.lacking, no_verdict,
        run=str(run.folder), catalogue=drawer.rows([table.uuids[row] for row in order]), notes=notes,
    )  # fmt: skip
