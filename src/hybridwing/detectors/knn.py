"""Nearest neighbours, the sample's ``knn``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridwing.detectors.base import DetectorInputError, ProbabilisticDetector, compact
from hybridwing.runtime.scoring import raw_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridwing.detectors.base import Floats, Labels, Metadata
    from hybridwing.runtime.arrays import Array


class KnnDetector(ProbabilisticDetector):
    """The share of hybrids among the nearest training specimens, by Euclidean distance.

    The score has ``n_neighbors + 1`` values, so most specimens tie. Where the last neighbour is as near as
    the next, the one that comes first in the training data counts. scikit-learn's ``KNeighborsClassifier``, which
    the sample uses and which gives the same scores everywhere else, picks one that depends on the number of
    threads and on how many specimens are scored at once.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbours vote, from 1 to the number of training specimens.

    Attributes
    ----------
    vectors_ : ndarray of shape (n_samples, n_features)
        The training embeddings.
    labels_ : ndarray of shape (n_samples,), int64
        Their labels.

    References
    ----------
    Method and parameter: ``DINO_train/classifier.py`` of Imageomics/HDR-anomaly-challenge-sample.
    """

    kind: ClassVar[str] = "knn"
    vectors_: Array
    labels_: Labels

    def __init__(self, n_neighbors: int = 5) -> None:
        self.n_neighbors = n_neighbors

    def _fit(self, X: Floats, y: Labels, _metadata: Metadata) -> None:
        self.vectors_, self.labels_ = compact(X), y

    def _check_counts(self, y: Labels) -> None:
        super()._check_counts(y)
        if self.n_neighbors < 1:
            raise DetectorInputError(f"n_neighbors must be a whole number of at least 1; got {self.n_neighbors}")
        if self.n_neighbors > len(y):
            raise DetectorInputError(
                f"n_neighbors is {self.n_neighbors}, but there are only {len(y)} specimens to choose neighbours from; "
                "lower n_neighbors or give more specimens"
            )

    def _score(self, X: Floats) -> Floats:
        return raw_scores(self.to_saved(), X)

    def _arrays(self) -> Mapping[str, Array]:
        return {
            "vectors": self.vectors_,
            "labels": self.labels_,
            "n_neighbors": np.asarray(self.n_neighbors, dtype=np.int64),
        }
