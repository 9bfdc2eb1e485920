"""Best pair of parents against the best single one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hybridwing.detectors.base import Detector, DetectorInputError
from hybridwing.detectors.groups import block_starts, group
from hybridwing.detectors.parent_model import fit_parents
from hybridwing.runtime.parents import score_mixture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from hybridwing.runtime.arrays import Array

    Floats = NDArray[np.float64]


class ParentMixtureDetector(Detector):
    """How much better a cross of two subspecies explains a specimen than one subspecies does.

    Pattern elements are inherited locus by locus, so a hybrid is rather put together from its parents' elements than
    blended. A cross of two subspecies has each block (view) of the first, of the second, or half-way between them,
    but not all of one. The score is the log-likelihood ratio, times two, of the best cross of any pair, or of a known
    cross by its own mean, against the best single subspecies; means and covariance are those of
    ``relative-mahalanobis``. No hybrid needs to be known, and the collection of a known one counts only through its
    mean. Subspecies without specimens cannot be parents here.

    Parameters
    ----------
    blocks : sequence of int, optional
        Widths of the blocks of the embedding, such as its views; by default it is one block, and crosses are blends.
    seen_crosses : bool, default=True
        Whether the means of the known crosses count as explanations. Where the non-hybrids are of one subspecies they
        are the only ones.

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
    arrays_: dict[str, Array]

    def __init__(self, blocks: Sequence[int] | None = None, seen_crosses: bool = True) -> None:
        self.blocks = blocks
        self.seen_crosses = seen_crosses

    def _fit(
        self,
        X: Floats,
        y: NDArray[np.int64],
        *,
        subspecies: Sequence[str | None] | None,
        parents: Sequence[tuple[str, str] | None] | None,
        **_: object,
    ) -> None:
        groups = group(y, subspecies, parents)
        if len(groups.subspecies) < 2 and not self.seen_crosses:
            raise DetectorInputError(
                f"all non-hybrids are of one subspecies ({groups.subspecies[0]}), so there is no pair of parents; "
                "give the subspecies of the specimens, or let seen_crosses be True"
            )
        starts = block_starts(self.blocks, X.shape[1])
        fitted = fit_parents(X, groups, starts, with_crosses=self.seen_crosses)
        self.arrays_ = {**fitted, "crossed": groups.crossed[: len(fitted["counts"])]}

    def _score(self, X: Floats) -> Floats:
        return score_mixture(self.arrays_, X)

    def _arrays(self) -> Mapping[str, Array]:
        return self.arrays_
