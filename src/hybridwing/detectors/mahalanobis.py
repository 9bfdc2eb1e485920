"""Mahalanobis distances: unlike every parent, and more so than specimens differ anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridwing.detectors.base import Detector
from hybridwing.detectors.groups import block_starts, group
from hybridwing.detectors.parent_model import fit_parents, shrunk_whitener
from hybridwing.runtime.parents import block_slices, score_nearest, score_relative, unit_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hybridwing.runtime.arrays import Array

    Floats = NDArray[np.float64]


class MahalanobisDetector(Detector):
    """Distance to the nearest subspecies.

    Every block of an embedding is brought to unit length; the subspecies share one covariance, block by block, shrunk
    after Ledoit and Wolf. A subspecies of few specimens, down to one, has an uncertain mean: the predictive density
    allows for it. It learns nothing from hybrids; where no subspecies is named, the non-hybrids are one.

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
    arrays_: dict[str, Array]

    def __init__(self, blocks: Sequence[int] | None = None) -> None:
        self.blocks = blocks

    def _fit(
        self,
        X: Floats,
        y: NDArray[np.int64],
        *,
        subspecies: Sequence[str | None] | None,
        parents: Sequence[tuple[str, str] | None] | None,
        **_: object,
    ) -> None:
        starts = block_starts(self.blocks, X.shape[1])
        self.arrays_ = fit_parents(X, group(y, subspecies, parents), starts, with_crosses=False)

    def _score(self, X: Floats) -> Floats:
        return score_nearest(self.arrays_, X)

    def _arrays(self) -> Mapping[str, Array]:
        return self.arrays_


class RelativeMahalanobisDetector(MahalanobisDetector):
    """Squared distance to the nearest subspecies, less that to all training specimens together.

    As ``mahalanobis``, but what is odd about a photograph and not about its subspecies counts in both distances and
    drops out. So does, in part, what is unlike every subspecies: a hybrid of parents that have no specimens.

    Parameters
    ----------
    blocks : sequence of int, optional
        Widths of the blocks of the embedding, such as its views; by default it is one block.

    Attributes
    ----------
    arrays_ : dict of str to ndarray
        Means and whitening matrices, in the layout of this kind.

    References
    ----------
    Ren, Fort, Liu et al. (2021), "A simple fix to Mahalanobis distance for improving near-OOD detection",
    arXiv:2106.09022.
    """

    kind: ClassVar[str] = "relative-mahalanobis"

    def _fit(
        self,
        X: Floats,
        y: NDArray[np.int64],
        *,
        subspecies: Sequence[str | None] | None,
        parents: Sequence[tuple[str, str] | None] | None,
        **_: object,
    ) -> None:
        super()._fit(X, y, subspecies=subspecies, parents=parents)
        slices = block_slices(block_starts(self.blocks, X.shape[1]), X.shape[1])
        unit = unit_blocks(X, slices)
        mean = unit.mean(axis=0)
        whitener = shrunk_whitener(unit - mean, slices, max(len(X) - 1, 1))
        self.arrays_.update(rest_mean=mean, rest_whitener=whitener.astype(np.float32))

    def _score(self, X: Floats) -> Floats:
        return score_relative(self.arrays_, X)
