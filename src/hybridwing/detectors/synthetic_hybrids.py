"""A support vector machine trained on synthetic crosses too."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridwing.detectors.base import Detector, DetectorInputError
from hybridwing.detectors.groups import block_starts, group
from hybridwing.detectors.record_weights import record_weights
from hybridwing.detectors.svm import SvmDetector
from hybridwing.detectors.synthetic_crosses import shifted_crosses
from hybridwing.runtime.parents import block_slices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hybridwing.detectors.base import Metadata
    from hybridwing.runtime.arrays import Array

    Floats = NDArray[np.float64]


class SyntheticHybridsDetector(Detector):
    """The sample's support vector machine, trained on synthetic crosses of every pair of subspecies too.

    See :func:`hybridwing.detectors.synthetic_crosses.shifted_crosses` for how they are made. Without a pair of
    subspecies or a known cross with a known parent none can be made. The detector is then ``svm`` with the weights
    that `balance_records` gives, and is refused where no hybrid is known either.

    Parameters
    ----------
    blocks : sequence of int, optional
        Widths of the blocks of the embedding, such as its views; by default it is one block.
    n_synthetic : int, default=3000
        Number of synthetic crosses. Together they weigh as much as the real hybrids.
    balance_records : bool, default=True
        Whether non-hybrids of the hybrids' records weigh more, see
        :func:`hybridwing.detectors.record_weights.record_weights`.
    random_state : int, default=0
        Seed of the synthetic crosses.

    Attributes
    ----------
    machine_ : SvmDetector
        The trained machine.

    References
    ----------
    Generated hybrids of all parent pairs: an entry to the 2024 HDR Anomaly Challenge. Mixing: Zhang et al. (2018),
    "mixup: beyond empirical risk minimization", arXiv:1710.09412. Synthetic outliers between classes: Lee et al.
    (2018), "Training confidence-calibrated classifiers for detecting out-of-distribution samples", arXiv:1711.09325.
    """

    kind: ClassVar[str] = "synthetic-hybrids"
    form: ClassVar[str] = "svm"
    needs_hybrids: ClassVar[bool] = False
    machine_: SvmDetector

    def __init__(
        self,
        blocks: Sequence[int] | None = None,
        n_synthetic: int = 3000,
        balance_records: bool = True,
        random_state: int = 0,
    ) -> None:
        self.blocks = blocks
        self.n_synthetic = n_synthetic
        self.balance_records = balance_records
        self.random_state = random_state

    def _fit(self, X: Floats, y: NDArray[np.int64], metadata: Metadata) -> None:
        if self.n_synthetic < 1:
            raise DetectorInputError(f"n_synthetic must be a whole number of at least 1; got {self.n_synthetic}")
        slices = block_slices(block_starts(self.blocks, X.shape[1]), X.shape[1])
        made = shifted_crosses(X, group(y, metadata), slices, self.n_synthetic, self.random_state)
        if not len(made) and not y.any():
            raise DetectorInputError(
                "no hybrid is known and all specimens are of one subspecies, so no cross can be made; give the "
                "subspecies of the specimens, or use mahalanobis"
            )
        labels = np.concatenate([y, np.ones(len(made), dtype=np.int64)])
        weights = np.ones(len(labels))
        weights[: len(y)] = record_weights(y, metadata.records if self.balance_records else None)
        if len(made):
            real, n_hybrids = np.flatnonzero(y == 1), int(labels.sum())
            if len(real):
                weights[real], weights[len(y) :] = n_hybrids / 2 / len(real), n_hybrids / 2 / len(made)
        self.machine_ = SvmDetector()
        self.machine_.learn(np.concatenate([X, made]), labels, weights)

    def _score(self, X: Floats) -> Floats:
        return self.machine_._score(X)

    def _arrays(self) -> Mapping[str, Array]:
        return self.machine_._arrays()
