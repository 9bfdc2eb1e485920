"""A linear discriminant in every block of the embedding, added up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridwing.detectors.base import Detector
from hybridwing.detectors.groups import block_starts
from hybridwing.detectors.parent_model import shrunk_whitener
from hybridwing.detectors.record_weights import record_weights
from hybridwing.runtime.parents import block_slices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hybridwing.detectors.base import Metadata
    from hybridwing.runtime.arrays import Array

    Floats = NDArray[np.float64]


class BlockDiscriminantDetector(Detector):
    """Fisher's discriminant of known hybrids and non-hybrids, in each block by itself.

    Each block votes in units of the non-hybrids' standard deviation. So a view counts by how clearly it separates the
    two and not by how many columns it has, and one view does not make up for an oddity of another. ``threshold_`` lies
    half-way between the means of the two classes.

    Parameters
    ----------
    blocks : sequence of int, optional
        Widths of the blocks of the embedding, such as its views; by default it is one block.
    balance_records : bool, default=True
        Whether non-hybrids of the hybrids' records weigh more, in their mean and in the vote's unit; see
        :func:`hybridwing.detectors.record_weights.record_weights`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,), float64
    intercept_ : float

    References
    ----------
    Fisher (1936), Annals of Eugenics 7; covariance shrunk after Ledoit and Wolf (2004), Journal of Multivariate
    Analysis 88.
    """

    kind: ClassVar[str] = "block-discriminant"
    form: ClassVar[str] = "linear"
    coef_: Floats
    intercept_: float

    def __init__(self, blocks: Sequence[int] | None = None, balance_records: bool = True) -> None:
        self.blocks = blocks
        self.balance_records = balance_records

    def _fit(self, X: Floats, y: NDArray[np.int64], metadata: Metadata) -> None:
        slices = block_slices(block_starts(self.blocks, X.shape[1]), X.shape[1])
        weights = record_weights(y, metadata.records if self.balance_records else None)[y == 0]
        middle, other = np.average(X[y == 0], axis=0, weights=weights), X[y == 1].mean(axis=0)
        whitener = shrunk_whitener(X - np.where(y[:, None] == 1, other, middle), slices, max(len(X) - 2, 1))
        self.coef_ = np.zeros(X.shape[1])
        for block in slices:
            square = whitener[block, : block.stop - block.start]
            direction = square @ (square.T @ (other - middle)[block])
            votes = (X[y == 0] - middle)[:, block] @ direction
            spread = np.sqrt(np.average(votes**2, weights=weights))
            self.coef_[block] = direction / spread if spread > 0 else 0.0
        self.intercept_ = -float(self.coef_ @ middle)
        self.threshold_ = float(self.coef_ @ (other - middle)) / 2

    def _score(self, X: Floats) -> Floats:
        return np.asarray(X @ self.coef_ + self.intercept_)

    def _arrays(self) -> Mapping[str, Array]:
        return {"coef": self.coef_, "intercept": np.asarray(self.intercept_)}
