"""Support vector machine with a Gaussian kernel, the sample's ``svm``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hybridwing.detectors.base import Detector, compact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridwing.detectors.base import Floats, Labels, Metadata
    from hybridwing.runtime.arrays import Array


class SvmDetector(Detector):
    """Standardised embeddings, then a balanced RBF support vector machine.

    The score is the machine's decision function, positive on the hybrids' side of the boundary. The challenge's sample
    asks for ``probability=True`` instead, which scikit-learn 1.9 deprecates. Those probabilities come from Platt
    scaling, which rises with the decision function for any useful fit: both rank specimens alike, and the
    probabilities crowd near 0 and 1.

    Parameters
    ----------
    C : float, default=1.0
        Penalty of a training specimen on the wrong side, in ``(0, inf)``.

    Attributes
    ----------
    scaler_ : sklearn.preprocessing.StandardScaler
    svc_ : sklearn.svm.SVC
        Fitted with ``gamma="scale"`` and ``class_weight="balanced"``.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.model_selection import cross_val_score
    >>> X, y = make_classification(random_state=0)
    >>> cross_val_score(SvmDetector(), X, y, scoring="roc_auc").round(2)
    array([0.79, 0.88, 0.93, 0.73, 0.84])
    >>> SvmDetector().fit(X, y).predict(X[:3])
    array([0, 0, 1])

    References
    ----------
    Pipeline and parameters: ``DINO_train/classifier.py`` of Imageomics/HDR-anomaly-challenge-sample.
    """

    kind: ClassVar[str] = "svm"
    scaler_: StandardScaler
    svc_: SVC
    support_vectors_: Floats

    def __init__(self, C: float = 1.0) -> None:
        self.C = C

    def _fit(self, X: Floats, y: Labels, _metadata: Metadata) -> None:
        self.scaler_ = StandardScaler().fit(X)
        self.svc_ = SVC(C=self.C, gamma="scale", class_weight="balanced")
        self.svc_.fit(self.scaler_.transform(X), y)
        # As they were given: standardised support vectors would need float64, twice the size.
        self.support_vectors_ = X[self.svc_.support_]

    def _score(self, X: Floats) -> Floats:
        return np.asarray(self.svc_.decision_function(self.scaler_.transform(X)))

    def _arrays(self) -> Mapping[str, Array]:
        machine = self.svc_
        return {
            "mean": self.scaler_.mean_,
            "scale": self.scaler_.scale_,
            "vectors": compact(self.support_vectors_),
            "weights": machine.dual_coef_[0],
            "intercept": np.asarray(machine.intercept_[0]),
            # The number that gamma="scale" came to; scikit-learn keeps it under this private name only.
            "gamma": np.asarray(machine._gamma, dtype=np.float64),
        }
