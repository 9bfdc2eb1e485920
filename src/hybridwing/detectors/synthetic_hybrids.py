"""A support vector machine that has also been shown crosses nobody has bred."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridwing.detectors.base import Detector, DetectorInputError
from hybridwing.detectors.groups import block_starts, group
from hybridwing.detectors.made_crosses import shifted_crosses
from hybridwing.detectors.record_weights import record_weights
from hybridwing.detectors.svm import SvmDetector
from hybridwing.runtime.parents import block_slices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hybridwing.runtime.arrays import Array

    Floats = NDArray[np.float64]


class SyntheticHybridsDetector(Detector):
    """The sample's support vector machine, trained with made crosses of every pair of subspecies beside the real ones.

    See :func:`hybridwing.detectors.made_crosses.shifted_crosses` for how they are made. Where there is no pair of
    subspecies and no known cross with a known parent, none can be made and it is ``svm`` with the weights that
    `balance_records` gives.

    Parameters
    ----------
    blocks : sequence of int, optional
        Widths of the blocks of the embedding, such as its views; by default it is one block.
    n_made : int, default=3000
        How many crosses are made. Together they weigh as much as the real hybrids.
    balance_records : bool, default=True
        Whether non-hybrids of the hybrids' records weigh more, see
        :func:`hybridwing.detectors.record_weights.record_weights`.
    random_state : int, default=0
        Seed of the made crosses.

    Attributes
    ----------
    machine_ : SvmDetector
        What was trained.

    References
    ----------
    Generated hybrids of all parent pairs: an entry to the 2024 HDR Anomaly Challenge. Mixing: Zhang et al. (2018),
    "mixup: beyond empirical risk minimization", arXiv:1710.09412; made outliers between classes: Lee et al. (2018),
    "Training confidence-calibrated classifiers for detecting out-of-distribution samples", arXiv:1711.09325.
    """

    kind: ClassVar[str] = "synthetic-hybrids"
    machine_: SvmDetector

    def __init__(
        self,
        blocks: Sequence[int] | None = None,
        n_made: int = 3000,
        balance_records: bool = True,
        random_state: int = 0,
    ) -> None:
        self.blocks = blocks
        self.n_made = n_made
        self.balance_records = balance_records
        self.random_state = random_state

    def _fit(
        self,
        X: Floats,
        y: NDArray[np.int64],
        *,
        subspecies: Sequence[str | None] | None,
        parents: Sequence[tuple[str, str] | None] | None,
        records: Sequence[str | None] | None,
    ) -> None:
        if self.n_made < 1:
            raise DetectorInputError(f"n_made must be a whole number of at least 1; got {self.n_made}")
        slices = block_slices(block_starts(self.blocks, X.shape[1]), X.shape[1])
        made = shifted_crosses(X, group(y, subspecies, parents), slices, self.n_made, self.random_state)
        labels = np.concatenate([y, np.ones(len(made), dtype=np.int64)])
        weights = np.ones(len(labels))
        weights[: len(y)] = record_weights(y, records if self.balance_records else None)
        if len(made):
            real, n_hybrids = np.flatnonzero(y == 1), int(labels.sum())
            weights[real], weights[len(y) :] = n_hybrids / 2 / len(real), n_hybrids / 2 / len(made)
        self.machine_ = SvmDetector()
        self.machine_.learn(np.concatenate([X, made]), labels, weights)

    def _score(self, X: Floats) -> Floats:
        return self.machine_.score_samples(X)

    def _arrays(self) -> Mapping[str, Array]:
        return self.machine_.to_saved().arrays
