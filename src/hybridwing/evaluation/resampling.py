"""Many resamples of specimens at once, and what scores come to on each of them.

Every image of a resample counts as often as its specimen was drawn, so the scores are sorted once and all resamples are
measured together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import ScoringError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Indices = npt.NDArray[np.intp]

RESAMPLES = 2000
_CELLS = 1 << 20
"""Counts held at once, resamples times images: 8 MB."""


@dataclass(frozen=True, eq=False)
class Resampling:
    """A stratified bootstrap over specimens as numbers of draws.

    Attributes
    ----------
    member : ndarray of shape (n,), intp
        The specimen of each image; specimens are numbered stratum by stratum.
    sizes : tuple of int
        Specimens of each stratum.
    resamples : int
    seed : int
    """

    member: Indices
    sizes: tuple[int, ...]
    resamples: int
    seed: int

    def counts(self) -> Iterator[Floats]:
        """How often each image is drawn, a block of resamples at a time.

        Yields
        ------
        ndarray of shape (b, n), float64
            Whole numbers; the blocks add up to all resamples, and do so in the same way every time.
        """
        rng = np.random.default_rng(self.seed)
        at_once = max(1, _CELLS // max(len(self.member), 1))
        for begin in range(0, self.resamples, at_once):
            rows = min(at_once, self.resamples - begin)
            yield np.concatenate([_draws(rng, rows, size) for size in self.sizes], axis=1)[:, self.member]


def resampling(
    strata: npt.ArrayLike, specimens: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 42
) -> Resampling:
    """Prepare a bootstrap that draws whole specimens within strata.

    Images of one specimen are no independent observations, so they are drawn together (Davison & Hinkley 1997,
    *Bootstrap Methods and their Application*, section 3.8); strata keep the number of specimens they have.

    Parameters
    ----------
    strata : array-like of shape (n,)
        What to keep the numbers of, such as ``"minor hybrid"``.
    specimens : array-like of shape (n,)
        The photographed individual of each image. One that is in two strata is drawn in each on its own.
    resamples : int, default 2000
        At least 1.
    seed : int, default 42

    Raises
    ------
    ScoringError
        If the arrays do not fit, or `resamples` is out of range.
    """
    kinds, names = np.asarray(strata).astype(str), np.asarray(specimens).astype(str)
    if kinds.ndim != 1 or kinds.shape != names.shape or not kinds.size:
        raise ScoringError(
            "Strata and specimens must be one-dimensional, of one length and not empty; "
            f"got shapes {kinds.shape} and {names.shape}."
        )
    if resamples < 1:
        raise ScoringError(f"The number of resamples must be at least 1; got {resamples}.")
    member = np.empty(len(kinds), dtype=np.intp)
    sizes: list[int] = []
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        found, place = np.unique(names[rows], return_inverse=True)
        member[rows] = place + sum(sizes)
        sizes.append(len(found))
    return Resampling(member, tuple(sizes), resamples, seed)


def _draws(rng: np.random.Generator, resamples: int, size: int) -> Floats:
    """How often each of `size` specimens is among `size` draws with replacement, shape (resamples, size)."""
    picks = rng.integers(0, size, (resamples, size)) + size * np.arange(resamples)[:, None]
    return np.bincount(picks.ravel(), minlength=resamples * size).reshape(resamples, size).astype(np.float64)


class Ladder:
    """Scores sorted once, for measures of many resamples of their images.

    Parameters
    ----------
    scores : ndarray of shape (n,), float64
        Finite; higher = more likely hybrid.
    labels : ndarray of shape (n,), bool
        True for a hybrid.
    """

    def __init__(self, scores: Floats, labels: Flags) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        self._last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        self._labels = labels

    def above(self, counts: Floats, which: Flags) -> Floats:
        """Weight of some images at or above each distinct score, from the highest down, shape (b, k)."""
        sums: Floats = np.cumsum((counts * which)[:, self._order], axis=1)[:, self._last]
        return sums

    def rungs(self, counts: Floats, tnr: float) -> Indices:
        """How many distinct scores lie above the threshold at a true-negative rate, shape (b,).

        The threshold is the official one: the lowest score of the resample at which the rate is reached. It is always
        the score of a non-hybrid that was drawn.
        """
        others = self.above(counts, ~self._labels)
        total = others[:, -1:]
        higher = np.concatenate([np.zeros_like(total), others[:, :-1]], axis=1)
        reached = (total - higher) / np.where(total > 0, total, 1.0) >= tnr
        # Without a non-hybrid to measure the rate on, the threshold is the highest score.
        return np.asarray(np.where(total[:, 0] > 0, reached.sum(axis=1) - 1, 0), dtype=np.intp)

    def share_above(self, counts: Floats, rungs: Indices, which: Flags) -> Floats:
        """Share of some images that score above the threshold, shape (b,); 0 where none was drawn."""
        found = np.concatenate([np.zeros((len(counts), 1)), self.above(counts, which)], axis=1)
        whole = found[:, -1]
        return np.asarray(found[np.arange(len(counts)), rungs] / np.where(whole > 0, whole, 1.0))

    def average_precision(self, counts: Floats) -> Floats:
        """Area under the precision-recall curve as a step function, shape (b,)."""
        hits, alarms = self.above(counts, self._labels), self.above(counts, ~self._labels)
        called, total = hits + alarms, hits[:, -1]
        precision = hits / np.where(called > 0, called, 1.0)
        steps = np.diff(hits, axis=1, prepend=0.0)
        return np.asarray((steps * precision).sum(axis=1) / np.where(total > 0, total, 1.0))

    def roc_area(self, counts: Floats) -> Floats:
        """Area under the ROC curve, shape (b,); 0 where one of the classes was not drawn."""
        hits, alarms = self.above(counts, self._labels), self.above(counts, ~self._labels)
        middle = hits - np.diff(hits, axis=1, prepend=0.0) / 2
        area = (np.diff(alarms, axis=1, prepend=0.0) * middle).sum(axis=1)
        whole = hits[:, -1] * alarms[:, -1]
        return np.asarray(area / np.where(whole > 0, whole, 1.0))
