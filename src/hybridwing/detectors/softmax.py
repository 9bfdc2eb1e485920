"""Detectors that ask which subspecies a specimen is, and how sure that is: ``soft-parents`` and ``gap``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from hybridwing.detectors.base import Detector, DetectorInputError
from hybridwing.detectors.groups import UNNAMED, group
from hybridwing.runtime.scoring import raw_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridwing.detectors.base import Floats, Labels, Metadata
    from hybridwing.detectors.groups import Groups
    from hybridwing.runtime.arrays import Array


class _SoftmaxDetector(Detector):
    """A multinomial logistic regression behind a standard scaler, every class of the same total weight."""

    boundary: ClassVar[float] = 0.5
    arrays_: dict[str, Array]

    def __init__(self, C: float = 0.1) -> None:
        self.C = C

    def _fit_softmax(self, X: Floats, targets: Floats) -> None:
        """Fit to soft labels, shape (n, c): a specimen counts for each of its classes by the share it has."""
        if not self.C > 0:
            raise DetectorInputError(f"C must be greater than 0; got {self.C}")
        rows, classes = np.nonzero(targets)
        shares = targets[rows, classes]
        weights = shares * len(X) / targets.shape[1] / targets.sum(axis=0)[classes]
        scaler = StandardScaler().fit(X)
        model = LogisticRegression(C=self.C, max_iter=300, tol=1e-3)
        model.fit(scaler.transform(X)[rows], classes, sample_weight=weights)
        # Of two classes scikit-learn keeps one row, for the difference of the two.
        pair = targets.shape[1] == 2
        zeros = np.zeros_like
        self.arrays_ = {
            "mean": scaler.mean_,
            "scale": scaler.scale_,
            "coef": np.concatenate([zeros(model.coef_), model.coef_]) if pair else model.coef_,
            "intercept": np.concatenate([zeros(model.intercept_), model.intercept_]) if pair else model.intercept_,
        }

    def _score(self, X: Floats) -> Floats:
        return raw_scores(self.to_saved(), X)

    def _arrays(self) -> Mapping[str, Array]:
        return self.arrays_


class SoftParentsDetector(_SoftmaxDetector):
    """A classifier of subspecies to which a hybrid is half the one parent and half the other.

    With p1 and p2 the two greatest probabilities, the score is ``1 - p1`` where ``p1 > 0.75``, else ``p1 + p2``: a
    specimen that is clearly of one subspecies scores low, one that is clearly of two scores high. A parent without
    non-hybrids of its own is a class that only hybrids belong to, and no specimen counts as pure of it. Hybrids whose
    parents are not given are such a class by themselves.

    Parameters
    ----------
    C : float, default=0.1
        Inverse strength of the regularisation, in ``(0, inf)``.

    Attributes
    ----------
    arrays_ : dict of str to ndarray
        The model, in the layout of this kind.

    References
    ----------
    Soft labels and the rule of the score: the entry in second place of the development phase of the 2024 HDR Anomaly
    Challenge, "Hybrid Butterfly Detection".
    """

    kind: ClassVar[str] = "soft-parents"

    def _fit(self, X: Floats, y: Labels, metadata: Metadata) -> None:
        groups = group(y, metadata)
        labels = _soft_labels(groups)
        self._fit_softmax(X, labels)
        self.arrays_["crossed"] = (np.arange(labels.shape[1]) >= len(groups.subspecies)).astype(np.int64)


class GapDetector(_SoftmaxDetector):
    """A classifier of subspecies and known crosses; a specimen on which it is undecided scores high too.

    The score is ``max(p_hybrid, 1 - (p1 - p2))``: the probability of the known crosses, or 1 less the lead of the
    likeliest subspecies over the next, whichever is greater.

    Parameters
    ----------
    C : float, default=0.1
        Inverse strength of the regularisation, in ``(0, inf)``.

    Attributes
    ----------
    arrays_ : dict of str to ndarray
        The model, in the layout of this kind.

    References
    ----------
    The score is that of an entry to the 2024 HDR Anomaly Challenge, "Hybrid Butterfly Detection", on segmented wings.
    """

    kind: ClassVar[str] = "gap"

    def _fit(self, X: Floats, y: Labels, metadata: Metadata) -> None:
        groups = group(y, metadata)
        self._fit_softmax(X, np.eye(len(groups))[groups.member])
        self.arrays_["crossed"] = groups.crossed


def _soft_labels(groups: Groups) -> Floats:
    """Shares of each specimen in each parent, shape (n, number of parents)."""
    names = list(groups.subspecies)
    names += sorted({parent for cross in groups.crosses for parent in cross} - set(names) - {UNNAMED})
    unnamed = [cross for cross in groups.crosses if UNNAMED in cross]
    width = len(names) + bool(unnamed)
    shares = np.zeros((len(groups), width))
    shares[: len(groups.subspecies), : len(groups.subspecies)] = np.eye(len(groups.subspecies))
    for place, cross in enumerate(groups.crosses, start=len(groups.subspecies)):
        if cross in unnamed:
            shares[place, -1] = 1.0
        else:
            for parent in cross:
                shares[place, names.index(parent)] += 0.5
    return np.asarray(shares[groups.member])
