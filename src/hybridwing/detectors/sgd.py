"""Calibrated logistic regression by stochastic gradient descent, the sample's ``sgd``."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier

from hybridwing.detectors.base import ProbabilisticDetector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridwing.detectors.base import Floats, Labels, Metadata
    from hybridwing.runtime.arrays import Array


logger = logging.getLogger(__name__)

N_FOLDS = 5
"""Folds of the calibration, scikit-learn's default, which the sample uses."""


class SgdDetector(ProbabilisticDetector):
    """The mean of five linear classifiers, each fitted on four fifths and calibrated on the rest.

    Parameters
    ----------
    alpha : float, default=0.001
        Strength of the L2 penalty, in ``[0, inf)``.
    eta0 : float, default=0.001
        First learning rate, in ``(0, inf)``; divided by 5 whenever the loss stops falling.
    n_iter_no_change : int, default=100
        Epochs without improvement after which the loss counts as no longer falling, at least 1.
    max_iter : int, default=1000
        Most epochs, at least 1.
    random_state : int, default=0
        Seed of the order in which specimens are visited.

    Attributes
    ----------
    estimator_ : sklearn.calibration.CalibratedClassifierCV
        The fitted ensemble. Its score is a probability of being a hybrid, in ``[0, 1]``.
    n_iter_ : int
        Most epochs that one of the classifiers took.

    References
    ----------
    Pipeline and parameters: ``DINO_train/classifier.py`` of Imageomics/HDR-anomaly-challenge-sample (which
    sets no seed).
    """

    kind: ClassVar[str] = "sgd"
    min_per_class: ClassVar[int] = N_FOLDS
    estimator_: CalibratedClassifierCV
    n_iter_: int

    def __init__(
        self,
        alpha: float = 0.001,
        eta0: float = 0.001,
        n_iter_no_change: int = 100,
        max_iter: int = 1000,
        random_state: int = 0,
    ) -> None:
        self.alpha = alpha
        self.eta0 = eta0
        self.n_iter_no_change = n_iter_no_change
        self.max_iter = max_iter
        self.random_state = random_state

    def _fit(self, X: Floats, y: Labels, _metadata: Metadata) -> None:
        linear = SGDClassifier(
            loss="log_loss",
            penalty="l2",
            alpha=self.alpha,
            learning_rate="adaptive",
            eta0=self.eta0,
            n_iter_no_change=self.n_iter_no_change,
            max_iter=self.max_iter,
            class_weight="balanced",
            random_state=self.random_state,
        )
        self.estimator_ = CalibratedClassifierCV(linear, method="sigmoid", cv=N_FOLDS, ensemble=True)
        with warnings.catch_warnings():
            # The sample's max_iter can be too few; one line in the log replaces one warning a fold.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.estimator_.fit(X, y)
        self.n_iter_ = max(fold.estimator.n_iter_ for fold in self.estimator_.calibrated_classifiers_)
        if self.n_iter_ >= self.max_iter:
            logger.info("sgd stopped at max_iter=%d before its learning rate had run down", self.max_iter)

    def _score(self, X: Floats) -> Floats:
        return np.asarray(self.estimator_.predict_proba(X)[:, 1])

    def _arrays(self) -> Mapping[str, Array]:
        folds = self.estimator_.calibrated_classifiers_
        return {
            "coef": np.concatenate([fold.estimator.coef_ for fold in folds]),
            "intercept": np.concatenate([fold.estimator.intercept_ for fold in folds]),
            "slope": np.array([fold.calibrators[0].a_ for fold in folds], dtype=np.float64),
            "offset": np.array([fold.calibrators[0].b_ for fold in folds], dtype=np.float64),
        }
