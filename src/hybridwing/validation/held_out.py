"""Fit a detector on every fold of a protocol and score what it was not shown; and what the record alone would say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.metadata import hybrid_rates
from hybridwing.detectors.calibration import midranks
from hybridwing.detectors.registry import detector_for_run
from hybridwing.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.detectors.base import Detector
    from hybridwing.validation.protocols import Fold

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

#: Name under which the score from the record alone is reported.
RECORD_ONLY = "record only"
MADE_CROSSES = "made crosses"


@dataclass(frozen=True)
class Fitting:
    """How the detectors of a validation are fitted."""

    # Whether a fold whose training images show no hybrid learns from made crosses; otherwise it has no score
    make_crosses: bool = True
    # Widths of the parts of the embeddings, for detectors that tell them apart; by default they are one
    blocks: Sequence[int] | None = None
    seed: int = 42  # Of the detector and of the made crosses


DEFAULT_FITTING = Fitting()


@dataclass(frozen=True, eq=False)
class HeldOutScores:
    """Out-of-fold scores of one detector under a protocol."""

    scorer: str  # The detector, or `RECORD_ONLY`
    units: npt.NDArray[np.str_]  # Shape (m,): what was held out, as ``Fold.unit``
    rows: Indices  # Shape (m,): of the catalogue. A row can be in several folds.
    # Shape (m,): true where the protocol asks about the row, False where it is of the reference
    asked: npt.NDArray[np.bool_]
    # Shape (m,); in [0, 1]: share of the fold's reference that scores lower, ties counting half, since raw scores of
    # two folds have no common scale. NaN where the fold could not be fitted.
    levels: Floats
    # Units with a note each: what stood in for hybrids, or why there is no score
    notes: tuple[tuple[str, str], ...] = ()


def held_out_scores(
    vectors: npt.NDArray[np.float32],
    catalogue: Catalogue,
    folds: Sequence[Fold],
    detector: str,
    fitting: Fitting = DEFAULT_FITTING,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> HeldOutScores:
    """Fit a detector on the training rows of each fold and score the others.

    `vectors` are embeddings of shape (n, d) in the order of the labelled catalogue. A detector sees neither label nor
    embedding of a row before it scores it. `progress` is called with the number of folds fitted and of all. Raises
    DetectorError if there is no such detector.
    """
    detector_for_run(detector, seed=fitting.seed)  # an unknown name is refused before the work
    scores, notes = [], {}
    for number, fold in enumerate(folds, start=1):
        try:
            fitted, note = fit_fold(vectors, catalogue, fold, detector, fitting)
            rows = np.concatenate([fold.asked, fold.reference])
            scores.append(fitted.decision_function(vectors[rows]))
        except DetectorError as error:
            note = f"not applicable: {error}"
            scores.append(np.full(len(fold.asked) + len(fold.reference), np.nan))
        if note:
            notes[fold.unit] = note
        if progress is not None:
            progress(number, len(folds))
    return _gathered(detector, folds, scores, tuple(notes.items()))


def fit_fold(
    vectors: npt.NDArray[np.float32],
    catalogue: Catalogue,
    fold: Fold,
    detector: str,
    fitting: Fitting = DEFAULT_FITTING,
) -> tuple[Detector, str]:
    """Fit a detector on the training rows of a fold; return it with a note.

    The note is `MADE_CROSSES` if the training rows held no hybrid, the detector needs some and such were made;
    otherwise it is empty. Raises DetectorError if the detector cannot be fitted.
    """
    part = catalogue.select(fold.train)
    labels, values = part.labels, np.asarray(vectors[fold.train], dtype=np.float64)
    subspecies, parents = part.subspecies.tolist(), part.parent_pairs
    made_for = detector_for_run(detector, seed=fitting.seed, blocks=fitting.blocks)
    note = ""
    if not labels.any() and made_for.needs_hybrids:
        if not fitting.make_crosses:
            raise DetectorError(f"training has no hybrids when {fold.unit} is held out")
        count = max(len(fold.asked), round(0.05 * len(labels)), 10)
        allowed = [pair for pair in part.possible_pairs() if set(pair) != set(fold.hidden)]
        made, pairs = made_crosses(values, subspecies, allowed, count, seed=fitting.seed)
        values, labels = np.vstack([values, made]), np.append(labels, np.ones(count, dtype=labels.dtype))
        subspecies, parents, note = subspecies + [None] * count, parents + list(pairs), MADE_CROSSES
    return made_for.fit(values, labels, subspecies=subspecies, parents=parents), note


def made_crosses(
    vectors: Floats,
    subspecies: Sequence[str | None],
    pairs: Sequence[tuple[str, str]],
    count: int,
    *,
    seed: int = 42,
) -> tuple[Floats, tuple[tuple[str, str], ...]]:
    """Stand-ins for hybrids: half-way between specimens of two subspecies.

    Mixing in feature space is mixup (Zhang et al. 2018, ICLR, arXiv:1710.09412) across classes with equal shares. Real
    crosses inherit elements whole, so these are a poor likeness; they let a detector that needs two classes be fitted.

    `vectors`, of shape (n, d), are those of non-hybrids. `pairs` are the subspecies to cross, see
    `hybridwing.catalogue.schema.Catalogue.possible_pairs`; those of which one has no specimen are left out.
    Returns vectors of shape (count, d), each as long as its parents are on average, and the pair of each. Raises
    DetectorError if there are no two subspecies to cross.
    """
    rng = np.random.default_rng(seed)
    kinds = np.array([name or "" for name in subspecies])
    present = set(kinds)
    pairs = [pair for pair in pairs if present.issuperset(pair)]
    if not pairs:
        raise DetectorError("training has no hybrids and no two subspecies of one species to make crosses of")
    chosen = [pairs[place] for place in rng.integers(0, len(pairs), count)]
    first, second = (vectors[[rng.choice(np.flatnonzero(kinds == pair[side])) for pair in chosen]] for side in (0, 1))
    middle = (first + second) / 2
    wanted = (np.linalg.norm(first, axis=1) + np.linalg.norm(second, axis=1)) / 2
    length = np.linalg.norm(middle, axis=1)
    return middle * (wanted / np.where(length > 0, length, 1.0))[:, None], tuple(chosen)


def record_only_scores(catalogue: Catalogue, folds: Sequence[Fold]) -> HeldOutScores:
    """Score by the record alone: the share of hybrids among the record's images that the fold does not ask about.

    This control may see hybrids of the hidden cross, which a detector may not. It says how far the batch gives the
    answer away. A record with no other images has no rate, and then the control is constant.
    """
    labels, records = catalogue.labels, catalogue.records
    specimens = catalogue.specimens.astype(str)
    scores = []
    for fold in folds:
        rows = np.concatenate([fold.asked, fold.reference])
        known = ~np.isin(specimens, specimens[rows])
        scores.append(hybrid_rates(records[known], labels[known], records[rows]))
    return _gathered(RECORD_ONLY, folds, scores, ())


def _gathered(
    scorer: str, folds: Sequence[Fold], scores: Sequence[Floats], notes: tuple[tuple[str, str], ...]
) -> HeldOutScores:
    """Bring the folds' scores together as shares of each fold's reference."""
    rows = [np.concatenate([fold.asked, fold.reference]) for fold in folds]
    asked = [np.arange(len(r)) < len(fold.asked) for r, fold in zip(rows, folds, strict=True)]
    return HeldOutScores(
        scorer=scorer,
        units=np.repeat(np.array([fold.unit for fold in folds]), [len(r) for r in rows]),
        rows=np.concatenate(rows),
        asked=np.concatenate(asked),
        levels=np.concatenate(
            [np.where(np.isnan(s), np.nan, midranks(s, s[~a])) for s, a in zip(scores, asked, strict=True)]
        ),
        notes=notes,
    )
