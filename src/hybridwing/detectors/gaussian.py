"""Gaussian process classification, the sample's ``gaussian``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.linalg import solve_triangular
from sklearn.gaussian_process import GaussianProcessClassifier

from hybridwing.detectors.base import ProbabilisticDetector, compact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridwing.detectors.base import Floats, Labels, Metadata
    from hybridwing.runtime.arrays import Array


class GaussianDetector(ProbabilisticDetector):
    """Gaussian process with the default kernel: an RBF of amplitude and length scale 1, both fixed.

    On embeddings whose distances are far above 1 that kernel is 0 between any two specimens and every score
    is 0.5; scale the embeddings to unit length first to get something out of it. Time grows with the cube of
    the number of specimens and the saved file with its square (about 4 bytes a pair).

    Parameters
    ----------
    random_state : int, default=0
        Passed on as the sample does; with a fixed kernel nothing is drawn from it.

    Attributes
    ----------
    estimator_ : sklearn.gaussian_process.GaussianProcessClassifier
        The fitted classifier. Its score is a probability of being a hybrid, in ``[0, 1]``.

    References
    ----------
    Pipeline and parameters: ``DINO_train/classifier.py`` of Imageomics/HDR-anomaly-challenge-sample. Method:
    Rasmussen and Williams (2006), "Gaussian Processes for Machine Learning", chapter 3.
    """

    kind: ClassVar[str] = "gaussian"
    estimator_: GaussianProcessClassifier

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def _fit(self, X: Floats, y: Labels, _metadata: Metadata) -> None:
        self.estimator_ = GaussianProcessClassifier(random_state=self.random_state)
        self.estimator_.fit(X, y)

    def _score(self, X: Floats) -> Floats:
        return np.asarray(self.estimator_.predict_proba(X)[:, 1])

    def _arrays(self) -> Mapping[str, Array]:
        process = self.estimator_.base_estimator_
        kernel = process.kernel_
        # NumPy has no triangular solve, so its result is saved instead of the factor. The factor's
        # eigenvalues are at least 1, which makes the inverse harmless, and float32 is enough because it
        # enters squared, as a part of a variance of at most 1.
        whitener = solve_triangular(process.L_, np.diag(process.W_sr_), lower=True)
        return {
            "vectors": compact(process.X_train_),
            "residual": process.y_train_ - process.pi_,
            "whitener": whitener.astype(np.float32),
            "amplitude": np.asarray(kernel.k1.constant_value, dtype=np.float64),
            "length_scale": np.asarray(kernel.k2.length_scale, dtype=np.float64),
        }
