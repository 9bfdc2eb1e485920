"""Mahalanobis distance to the nearest subspecies."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridwing.detectors.base import TRAINING_TNR, Detector
from hybridwing.detectors.groups import block_starts, group
from hybridwing.detectors.parent_model import parent_arrays
from hybridwing.runtime.parents import score_nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybridwing.detectors.base import Floats, Labels, Metadata
    from hybridwing.runtime.arrays import Array


class MahalanobisDetector(Detector):
    """Distance to the nearest subspecies.

    Every block of an embedding is brought to unit length; the subspecies share one covariance, block by block, shrunk
    after Ledoit and Wolf. A subspecies of few specimens, down to one, has an uncertain mean: the predictive density
    allows for it. The detector learns nothing from hybrids. Where no subspecies is named, the non-hybrids are one.
    ``threshold_`` is the 95 % quantile of the training non-hybrids' scores.

    Parameters
    ----------
    blocks : sequence of int, optional
        Widths of the blocks of the embedding, such as its views; by default it is one block.

    Attributes
    ----------
    arrays_ : dict of str to ndarray
        Means and whitening matrix, in the layout of this kind.

    References
    ----------
    Lee et al. (2018), "A simple unified framework for detecting out-of-distribution samples and adversarial attacks",
    NeurIPS. Unit length: Mueller and Hein (2025), "Mahalanobis++", arXiv:2505.18032.
    """

    kind: ClassVar[str] = "mahalanobis"
    needs_hybrids: ClassVar[bool] = False
    arrays_: dict[str, Array]

    def __init__(self, blocks: Sequence[int] | None = None) -> None:
        self.blocks = blocks

    def _fit(self, X: Floats, y: Labels, metadata: Metadata) -> None:
        starts = block_starts(self.blocks, X.shape[1])
        self.arrays_ = parent_arrays(X, group(y, metadata), starts)
        self.threshold_ = float(np.quantile(score_nearest(self.arrays_, X[y == 0]), TRAINING_TNR))

    def _score(self, X: Floats) -> Floats:
        return score_nearest(self.arrays_, X)

    def _arrays(self) -> Mapping[str, Array]:
        return self.arrays_
