"""The default detector: a weighted sum of five base detectors that complement each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridwing.detectors.base import Detector, DetectorInputError
from hybridwing.detectors.block_discriminant import BlockDiscriminantDetector
from hybridwing.detectors.groups import block_starts, group
from hybridwing.detectors.mahalanobis import MahalanobisDetector
from hybridwing.detectors.parent_mixture import ParentMixtureDetector
from hybridwing.detectors.svm import SvmDetector
from hybridwing.detectors.synthetic_hybrids import SyntheticHybridsDetector
from hybridwing.runtime.layouts import FUSED, array_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hybridwing.detectors.base import Metadata
    from hybridwing.runtime.arrays import Array

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]

RATES = (0.90, 0.95, 0.98)
"""True-negative rates at which base detectors are compared: several around the challenge's 0.95, for less noise."""

LEAST_SHARE = 0.75
"""A base detector counts if its recall of the held-out known hybrids is at least this share of the best one's."""

WEIGHTS = (1.0, 0.5, 4.0, 1.0, 0.5)
"""Of the base detectors, in the order of ``runtime.layouts.FUSED``."""


class FusionDetector(Detector):
    """A weighted sum of five base detectors, each on the scale of the held-out non-hybrids.

    ``svm`` and ``block-discriminant`` learn the known crosses, ``synthetic-hybrids`` synthetic crosses of every pair of
    subspecies, ``parent-mixture`` and ``mahalanobis`` the parents.

    Training specimens are held out in folds. A record's non-hybrids are held out together where their subspecies is in
    other records too. The scale of a base detector is the distance from the median of the held-out non-hybrids' scores
    to their 95 % quantile, so that it counts by how far beyond them a specimen lies. A base detector that finds too few
    of the held-out known hybrids would add noise and is left out; the thresholds are those of each fold's own
    non-hybrids. ``mahalanobis`` always counts: it is there for what is unlike everything, such as hybrids of parents
    without specimens, and the known hybrids cannot show that it works. At last every base detector is fitted on all
    specimens. :data:`WEIGHTS` says how much each counts; ``synthetic-hybrids``, which learns both known and other
    crosses, counts most. Where no hybrid is known, the three that need none count alike, and where the specimens are of
    one subspecies too, ``mahalanobis`` stands alone. ``threshold_`` is the 95 % quantile of the held-out non-hybrids'
    scores.

    Parameters
    ----------
    blocks : sequence of int, optional
        Widths of the blocks of the embedding, such as its views; by default it is one block.
    n_folds : int, default=3
        Parts that are held out in turn, at least 2. With fewer hybrids or non-hybrids than that all base detectors
        count, on the scale of the specimens they were fitted on.
    balance_records : bool, default=True
        Whether non-hybrids of the hybrids' records weigh more in the base detectors that learn hybrids, see
        :func:`hybridwing.detectors.record_weights.record_weights`.
    random_state : int, default=0
        Seed of the folds and of the synthetic crosses.

    Attributes
    ----------
    estimators_ : tuple of Detector
        The base detectors that could be fitted, in the order of ``runtime.layouts.FUSED``.
    weights_ : ndarray of shape (5,), float64
        :data:`WEIGHTS`, but 0 for a base detector that does not count.
    recalls_ : ndarray of shape (5,), float64
        Recall of the held-out known hybrids by each base detector, mean over folds and ``RATES``; NaN without folds
        or known hybrids.
    centres_, scales_ : ndarray of shape (5,), float64
        Median of the held-out non-hybrids' scores, and the distance from there to their 95 % quantile.

    References
    ----------
    Choosing by held-out predictions: Wolpert (1992), "Stacked generalization", Neural Networks 5. Weights set once
    against fitted ones: Dawes (1979), "The robust beauty of improper linear models in decision making", American
    Psychologist 34. The base detectors name their own.
    """

    kind: ClassVar[str] = "fusion"
    form: ClassVar[str] = "fusion"
    needs_hybrids: ClassVar[bool] = False
    estimators_: tuple[Detector, ...]
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

    def _fit(self, X: Floats, y: Labels, metadata: Metadata) -> None:
        if self.n_folds < 2:
            raise DetectorInputError(f"n_folds must be a whole number of at least 2; got {self.n_folds}")
        block_starts(self.blocks, X.shape[1])
        self.estimators_ = self._fit_all(X, y, metadata)
        fitted = np.isin(list(FUSED), [estimator.kind for estimator in self.estimators_])
        pure, hybrids = int((y == 0).sum()), int(y.sum())
        self.recalls_ = np.full(len(FUSED), np.nan)
        self.weights_ = np.where(fitted, WEIGHTS if hybrids else 1.0, 0.0)
        if pure < self.n_folds or 0 < hybrids < self.n_folds:
            scores = _scores(self.estimators_, X[y == 0])
            self.centres_, self.scales_ = _scale(scores)
            self.threshold_ = float(np.quantile(self._sum(scores), 0.95))
            return
        fold = _folds(y, group(y, metadata).member, metadata.records, self.n_folds, self.random_state)
        scores = np.empty((len(X), len(FUSED)))
        for number in range(self.n_folds):
            rows = np.flatnonzero(fold != number)
            estimators = self._fit_all(X[rows], y[rows], metadata.select(rows))
            scores[fold == number] = _scores(estimators, X[fold == number])
        self.centres_, self.scales_ = _scale(scores[y == 0])
        if hybrids:
            self.recalls_ = _recalls(scores, y, fold)
            self.weights_ = _weights(self.recalls_ >= LEAST_SHARE * self.recalls_.max())
        self.threshold_ = float(np.quantile(self._sum(scores[y == 0]), 0.95))

    def _fit_all(self, X: Floats, y: Labels, metadata: Metadata) -> tuple[Detector, ...]:
        balanced = self.balance_records
        estimators: list[Detector] = []
        if y.any():
            estimators += [
                SvmDetector(balance_records=balanced),
                BlockDiscriminantDetector(self.blocks, balance_records=balanced),
            ]
        if y.any() or len(group(y, metadata).subspecies) > 1:
            estimators += [
                SyntheticHybridsDetector(self.blocks, balance_records=balanced, random_state=self.random_state),
                ParentMixtureDetector(self.blocks),
            ]
        estimators.append(MahalanobisDetector(self.blocks))
        return tuple(estimator.fit(X, y, **vars(metadata)) for estimator in estimators)

    def _sum(self, scores: Floats) -> Floats:
        return np.asarray((scores - self.centres_) / self.scales_ @ self.weights_)

    def _score(self, X: Floats) -> Floats:
        return self._sum(_scores(self.estimators_, X))

    def _arrays(self) -> Mapping[str, Array]:
        arrays: dict[str, Array] = {
            "fusion_weights": self.weights_,
            "fusion_centres": self.centres_,
            "fusion_scales": self.scales_,
        }
        for estimator in self.estimators_:
            prefix = array_prefix(estimator.kind)
            arrays.update({prefix + name: array for name, array in estimator.to_saved().arrays.items()})
        return arrays


def _scores(estimators: Sequence[Detector], X: Floats) -> Floats:
    """Scores of every base detector, shape (n, 5); 0 of one that could not be fitted."""
    scores = np.zeros((len(X), len(FUSED)))
    for estimator in estimators:
        scores[:, list(FUSED).index(estimator.kind)] = estimator.decision_function(X)
    return scores


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
    """Weights of the base detectors that count; the last, ``mahalanobis``, always does."""
    weights: Floats = np.where(counts, WEIGHTS, 0.0)
    weights[-1] = WEIGHTS[-1]
    return weights


def _scale(scores: Floats) -> tuple[Floats, Floats]:
    """Median of the non-hybrids' scores by base detector, and the distance from there to their 95 % quantile."""
    centres = np.median(scores, axis=0)
    scales = np.quantile(scores, 0.95, axis=0) - centres
    return centres, np.where(scales > 0, scales, 1.0)


def _recalls(scores: Floats, y: Labels, fold: Labels) -> Floats:
    """Share of the hybrids of a fold above its non-hybrids' quantiles, mean over folds and RATES; by base detector."""
    found = []
    for number in np.unique(fold):
        pure, hybrid = scores[(fold == number) & (y == 0)], scores[(fold == number) & (y == 1)]
        if len(pure) and len(hybrid):
            found.append((hybrid > np.quantile(pure, RATES, axis=0)[:, None]).mean(axis=(0, 1)))
    return np.asarray(np.mean(found, axis=0))
