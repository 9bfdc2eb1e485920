"""The best pair of parents against the best single one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hybridwing.detectors.base import Detector, DetectorInputError
from hybridwing.detectors.groups import block_starts, group
from hybridwing.detectors.parent_model import parent_arrays
from hybridwing.runtime.parents import score_mixture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from hybridwing.detectors.base import Metadata
    from hybridwing.runtime.arrays import Array

    Floats = NDArray[np.float64]


class ParentMixtureDetector(Detector):
    """How much better a cross of two subspecies explains a specimen than one subspecies does.

    Pattern elements are inherited locus by locus, so a hybrid is put together from its parents' elements rather than
    blended. In the model, each block (view) of a cross is that of the first parent, that of the second, or half-way
    between them, but not all blocks are of one parent. The score is twice the log-likelihood ratio of the best cross
    against the best single subspecies; a cross is any pair of subspecies, or a known cross with its own mean. Means and
    covariance are those of ``relative-mahalanobis``. No hybrid needs to be known. Subspecies without specimens cannot
    be parents here.

    Parameters
    ----------
    blocks : sequence of int, optional
        Widths of the blocks of the embedding, such as its views; by default it is one block, and crosses are blends.
    seen_crosses : bool, default=True
        Whether the means of the known crosses count as explanations. They are the only ones where all non-hybrids are
        of one subspecies.

    Attributes
    ----------
    arrays_ : dict of str to ndarray
        Means and whitening matrix, in the layout of this kind.

    References
    ----------
    Mixtures of two parents as hybrids: Anderson and Thompson (2002), Genetics 160, "A model-based method for
    identifying species hybrids using multilocus genetic data", for genotypes; here for elements of the pattern.
    """

    kind: ClassVar[str] = "parent-mixture"
    form: ClassVar[str] = "parent-mixture"
    needs_hybrids: ClassVar[bool] = False
    arrays_: dict[str, Array]

    def __init__(self, blocks: Sequence[int] | None = None, seen_crosses: bool = True) -> None:
        self.blocks = blocks
        self.seen_crosses = seen_crosses

    def _fit(self, X: Floats, y: NDArray[np.int64], metadata: Metadata) -> None:
        groups = group(y, metadata)
        if len(groups.subspecies) < 2 and not (self.seen_crosses and groups.crosses):
            raise DetectorInputError(
                f"all non-hybrids are of one subspecies ({groups.subspecies[0]}), so there is no pair of parents; "
                "give the subspecies of the specimens, or known hybrids and seen_crosses=True, or use mahalanobis"
            )
        starts = block_starts(self.blocks, X.shape[1])
        fitted = parent_arrays(X, groups, starts, with_crosses=self.seen_crosses)
        self.arrays_ = {**fitted, "crossed": groups.crossed[: len(fitted["counts"])]}

    def _score(self, X: Floats) -> Floats:
        return score_mixture(self.arrays_, X)

    def _arrays(self) -> Mapping[str, Array]:
        return self.arrays_
