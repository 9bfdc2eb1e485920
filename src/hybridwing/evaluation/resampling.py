"""A bootstrap over specimens, and what scores come to on many resamples at once.

Images of one specimen are no independent observations, so they are drawn together (Davison & Hinkley 1997,
*Bootstrap Methods and their Application*, section 3.8). Every image of a resample counts as often as its specimen was
drawn, so the scores are sorted once and all resamples are measured together.
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
    """A stratified bootstrap over specimens.

    Strata keep the number of specimens they have, so that no resample is without hybrids. Raises ScoringError if the
    arrays do not fit, or the number of resamples is out of range.
    """

    strata: npt.ArrayLike  # Shape (n,): what to keep the numbers of, such as ``"minor hybrid"``
    # Shape (n,): the photographed individual of each image. One that is in two strata is resampled in each on its own.
    specimens: npt.ArrayLike
    resamples: int = RESAMPLES  # At least 1
    seed: int = 42

    def __post_init__(self) -> None:
        strata, specimens = np.shape(self.strata), np.shape(self.specimens)
        if len(strata) != 1 or strata != specimens or not strata[0]:
            raise ScoringError(
                "Strata and specimens must be one-dimensional, of one length and not empty; "
                f"got shapes {strata} and {specimens}."
            )
        if self.resamples < 1:
            raise ScoringError(f"The number of resamples must be at least 1; got {self.resamples}.")

    def rows(self) -> Iterator[Indices]:
        """Rows of each resample, ascending and with repetitions: ndarrays of shape (m,), intp."""
        for block in self.counts():
            for counts in block:
                yield np.repeat(np.arange(len(counts)), counts.astype(np.intp))

    def counts(self) -> Iterator[Floats]:
        """How often each image is drawn, a block of resamples at a time.

        Yields
        ------
        ndarray of shape (b, n), float64
            Whole numbers; the blocks add up to all resamples, and do so in the same way every time.
        """
        names = np.stack([np.asarray(self.strata).astype(str), np.asarray(self.specimens).astype(str)])
        (strata, _), member = np.unique(names, axis=1, return_inverse=True)
        member = member.reshape(-1)  # NumPy 2.0 gives it the shape of the names
        _, first, sizes = np.unique(strata, return_index=True, return_counts=True)
        # As many draws as a stratum has specimens, from as many.
        begins, ends = np.repeat(first, sizes), np.repeat(sizes, sizes)
        rng = np.random.default_rng(self.seed)
        at_once = max(1, _CELLS // len(member))
        for done in range(0, self.resamples, at_once):
            block = min(at_once, self.resamples - done)
            picks = begins + rng.integers(0, np.broadcast_to(ends, (block, len(ends))))
            picks += np.arange(block)[:, None] * len(ends)
            drawn = np.bincount(picks.ravel(), minlength=block * len(ends)).reshape(block, len(ends))
            yield drawn[:, member].astype(np.float64)

    def n_specimens(self, which: Flags | None = None) -> int:
        """Specimens among some images, by default all; one that is in two strata counts in each."""
        names = np.stack([np.asarray(self.strata).astype(str), np.asarray(self.specimens).astype(str)])
        return int(np.unique(names if which is None else names[:, which], axis=1).shape[1])


class RankedScores:
    """Finite scores, higher = more likely hybrid, sorted once, for measures of many resamples of their images."""

    def __init__(self, scores: Floats, labels: Flags) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        self._last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        self._labels = labels

    def above(self, counts: Floats, which: Flags) -> Floats:
        """Weight of some images at or above each distinct score, from the highest down, shape (b, k)."""
        sums: Floats = np.cumsum((counts * which)[:, self._order], axis=1)[:, self._last]
        return sums

    def above_threshold(self, counts: Floats, tnr: float) -> Indices:
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

    def share_above(self, counts: Floats, n_above: Indices, which: Flags) -> Floats:
        """Share of some images among the highest `n_above` distinct scores, shape (b,); 0 where none was drawn."""
        found = np.concatenate([np.zeros((len(counts), 1)), self.above(counts, which)], axis=1)
        whole = found[:, -1]
        return np.asarray(found[np.arange(len(counts)), n_above] / np.where(whole > 0, whole, 1.0))

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
