"""Heads that complement each other, added up on the scale of held-out non-hybrids: the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np

from hybridwing.detectors.base import Detector, DetectorInputError
from hybridwing.detectors.block_discriminant import BlockDiscriminantDetector
from hybridwing.detectors.groups import block_starts, group
from hybridwing.detectors.mahalanobis import MahalanobisDetector
from hybridwing.detectors.parent_mixture import ParentMixtureDetector
from hybridwing.detectors.svm import SvmDetector
from hybridwing.detectors.synthetic_hybrids import SyntheticHybridsDetector
from hybridwing.runtime.layouts import FUSION_HEADS, head_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hybridwing.runtime.arrays import Array

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]

T = TypeVar("T")

RATES = (0.90, 0.95, 0.98)
"""True-negative rates at which heads are compared: about the challenge's 0.95, so that one specimen decides less."""

LEAST_SHARE = 0.75
"""A head counts if it finds this share of the held-out known hybrids that the best head finds."""

WEIGHTS = (1.0, 0.5, 4.0, 1.0, 0.5)
"""Of the heads, in the order of ``runtime.layouts.FUSION_HEADS``."""


class FusionDetector(Detector):
    """A weighted sum of five heads, each on the scale of the held-out non-hybrids.

    ``svm`` and ``block-discriminant`` know the crosses they were shown, ``synthetic-hybrids`` crosses made of every
    pair of subspecies, ``parent-mixture`` and ``mahalanobis`` the parents. Training specimens are held out in
    folds, a record's non-hybrids together where their subspecies is in other records too. A head's scale is the
    distance from the median of the held-out non-hybrids' scores to their 95 % quantile, so that it counts by how far
    beyond them a specimen lies. A head that finds too few of the held-out known hybrids, each fold at thresholds from
    its own non-hybrids, is left out: it would add noise (``parent-mixture`` where a parent of the known cross has no
    specimens, for one). But ``mahalanobis`` always counts: it is there for what is unlike everything, as hybrids of
    parents without specimens are, and known hybrids tell nothing about that. Then every head is fitted on everything.
    :data:`WEIGHTS` says how much each counts; most of all ``synthetic-hybrids``, the one that knows both kinds.

    Parameters
    ----------
    blocks : sequence of int, optional
        Widths of the blocks of the embedding, such as its views; by default it is one block.
    n_folds : int, default=3
        Parts that are held out in turn, at least 2. With fewer hybrids or non-hybrids than that all heads count, on
        the scale of the specimens they were fitted on.
    balance_records : bool, default=True
        Whether non-hybrids of the hybrids' records weigh more in the heads that know hybrids, see
        :func:`hybridwing.detectors.record_weights.record_weights`.
    random_state : int, default=0
        Seed of the folds and of the made crosses.

    Attributes
    ----------
    heads_ : tuple of Detector
        In the order of ``runtime.layouts.FUSION_HEADS``.
    weights_ : ndarray of shape (n_heads,), float64
        :data:`WEIGHTS`, but 0 for a head that does not count.
    recalls_ : ndarray of shape (n_heads,), float64
        Recall of the held-out known hybrids by each head, mean over folds and ``RATES``; NaN without folds.
    centres_, scales_ : ndarray of shape (n_heads,), float64
        Median of the held-out non-hybrids' scores, and the distance from there to their 95 % quantile.

    References
    ----------
    Choosing by held-out predictions: Wolpert (1992), "Stacked generalization", Neural Networks 5. Weights set once
    against fitted ones: Dawes (1979), "The robust beauty of improper linear models in decision making", American
    Psychologist 34. Those of the heads are given with them.
    """

    kind: ClassVar[str] = "fusion"
    heads_: tuple[Detector, ...]
    weights_: Floats
    recalls_: Floats
    centres_: Floats
    scales_: Floats

    def __init__(
        self,
        blocks: Sequence[int] | None = None,
        n_folds: int = 3,
        balance_records: bool = True,
        random_state: int = 0,
    ) -> None:
        self.blocks = blocks
        self.n_folds = n_folds
        self.balance_records = balance_records
        self.random_state = random_state

    def _fit(
        self,
        X: Floats,
        y: Labels,
        *,
        subspecies: Sequence[str | None] | None,
        parents: Sequence[tuple[str, str] | None] | None,
        records: Sequence[str | None] | None,
    ) -> None:
        if self.n_folds < 2:
            raise DetectorInputError(f"n_folds must be a whole number of at least 2; got {self.n_folds}")
        block_starts(self.blocks, X.shape[1])
        self.heads_ = self._fit_heads(X, y, subspecies, parents, records)
        if min(np.bincount(y)) < self.n_folds:
            self.centres_, self.scales_ = _scale(self._head_scores(self.heads_, X[y == 0]))
            self.weights_ = _weights(np.ones(len(self.heads_), dtype=bool))
            self.recalls_ = np.full(len(self.heads_), np.nan)
            return
        fold = _folds(y, group(y, subspecies, parents).member, records, self.n_folds, self.random_state)
        scores = np.empty((len(X), len(self.heads_)))
        for number in range(self.n_folds):
            rows = np.flatnonzero(fold != number)
            others = (_taken(subspecies, rows), _taken(parents, rows), _taken(records, rows))
            heads = self._fit_heads(X[rows], y[rows], *others)
            scores[fold == number] = self._head_scores(heads, X[fold == number])
        self.centres_, self.scales_ = _scale(scores[y == 0])
        self.recalls_ = _recalls(scores, y, fold)
        self.weights_ = _weights(self.recalls_ >= LEAST_SHARE * self.recalls_.max())

    def _fit_heads(
        self,
        X: Floats,
        y: Labels,
        subspecies: Sequence[str | None] | None,
        parents: Sequence[tuple[str, str] | None] | None,
        records: Sequence[str | None] | None,
    ) -> tuple[Detector, ...]:
        balanced = self.balance_records
        heads: tuple[Detector, ...] = (
            SvmDetector(balance_records=balanced),
            BlockDiscriminantDetector(self.blocks, balance_records=balanced),
            SyntheticHybridsDetector(self.blocks, balance_records=balanced, random_state=self.random_state),
            ParentMixtureDetector(self.blocks),
            MahalanobisDetector(self.blocks),
        )
        return tuple(head.fit(X, y, subspecies=subspecies, parents=parents, records=records) for head in heads)

    @staticmethod
    def _head_scores(heads: Sequence[Detector], X: Floats) -> Floats:
        return np.stack([head.score_samples(X) for head in heads], axis=1)

    def _score(self, X: Floats) -> Floats:
        scaled = (self._head_scores(self.heads_, X) - self.centres_) / self.scales_
        return np.asarray(scaled @ self.weights_)

    def _arrays(self) -> Mapping[str, Array]:
        arrays: dict[str, Array] = {
            "fusion_weights": self.weights_,
            "fusion_centres": self.centres_,
            "fusion_scales": self.scales_,
        }
        for kind, head in zip(FUSION_HEADS, self.heads_, strict=True):
            prefix = head_prefix(kind)
            arrays.update({prefix + name: array for name, array in head.to_saved().arrays.items()})
        return arrays


def _taken(values: Sequence[T] | None, rows: Labels) -> list[T] | None:
    return None if values is None else [values[row] for row in rows]


def _folds(y: Labels, member: Labels, records: Sequence[str | None] | None, n_folds: int, seed: int) -> Labels:
    """A fold for each specimen; a record's non-hybrids share one where their subspecies is in all folds even so."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(y), dtype=np.int64)
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(y == label))
        fold[rows] = np.arange(len(rows)) % n_folds
    if records is None:
        return fold
    pure, names = y == 0, np.array([str(record) for record in records])
    whole = np.empty_like(fold)
    for place, name in enumerate(rng.permutation(np.unique(names[pure]))):
        whole[names == name] = place % n_folds
    for kind in np.unique(member[pure]):
        rows = np.flatnonzero((member == kind) & pure)
        if len(np.unique(whole[rows])) == n_folds:
            fold[rows] = whole[rows]
    return fold


def _weights(counts: NDArray[np.bool_]) -> Floats:
    """Weights from which heads count; the last always does."""
    weights: Floats = np.where(counts, WEIGHTS, 0.0)
    weights[-1] = WEIGHTS[-1]
    return weights


def _scale(scores: Floats) -> tuple[Floats, Floats]:
    """Median of the non-hybrids' scores by head, and the distance from there to their 95 % quantile."""
    centres = np.median(scores, axis=0)
    scales = np.quantile(scores, 0.95, axis=0) - centres
    return centres, np.where(scales > 0, scales, 1.0)


def _recalls(scores: Floats, y: Labels, fold: Labels) -> Floats:
    """Share of the hybrids of a fold above its non-hybrids' quantiles, mean over folds and RATES; by head."""
    found = []
    for number in np.unique(fold):
        pure, hybrid = scores[(fold == number) & (y == 0)], scores[(fold == number) & (y == 1)]
        if len(pure) and len(hybrid):
            found.append((hybrid > np.quantile(pure, RATES, axis=0)[:, None]).mean(axis=(0, 1)))
    return np.asarray(np.mean(found, axis=0))
