"""What is particular to each of the sample's four detectors."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hybridwing.detectors.gaussian import GaussianDetector
from hybridwing.detectors.knn import KnnDetector
from hybridwing.detectors.sgd import SgdDetector
from hybridwing.detectors.svm import SvmDetector
from hybridwing.errors import DetectorError

if TYPE_CHECKING:
    from conftest import Specimens


def test_svm_ranks_as_its_probabilities_do(specimens: Specimens) -> None:
    machine = make_pipeline(
        StandardScaler(), SVC(gamma="scale", C=1, class_weight="balanced", probability=True, random_state=0)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # probability=True, deprecated in scikit-learn 1.9
        probabilities = machine.fit(specimens.X, specimens.y).predict_proba(specimens.X_heldout)[:, 1]
    scores = SvmDetector().fit(specimens.X, specimens.y).decision_function(specimens.X_heldout)
    order = np.argsort(scores)
    steps = np.diff(probabilities[order])
    # libsvm iterates towards the probabilities until they change by less than 1e-3 / 2, hence no exact 0 here.
    assert (steps >= -1e-9).all()
    assert np.ptp(probabilities) > 0.1


def test_svm_saves_only_its_support_vectors(random_specimens: Specimens) -> None:
    fitted = SvmDetector(C=0.5).fit(random_specimens.X, random_specimens.y)
    vectors = fitted.to_saved().arrays["vectors"]
    assert len(vectors) == fitted.svc_.n_support_.sum()
    assert vectors.dtype == np.float32


@pytest.mark.parametrize("n_hybrids", [1, 4])
def test_sgd_needs_five_of_each(n_hybrids: int) -> None:
    X = np.random.default_rng(0).normal(size=(30, 3))
    y = (np.arange(30) < n_hybrids).astype(int)
    message = f"SgdDetector needs at least 5 hybrids and got {n_hybrids}"
    with pytest.raises(DetectorError, match=message):
        SgdDetector().fit(X, y)
    with pytest.raises(DetectorError, match="at least 5 non-hybrids and got"):
        SgdDetector().fit(X, 1 - y)
    five = (np.arange(30) < 5).astype(int)
    assert SgdDetector(max_iter=5).fit(X, five).to_saved().arrays["coef"].shape == (5, 3)


def test_sgd_is_decided_by_its_seed(random_specimens: Specimens) -> None:
    def coefficients(seed: int) -> np.ndarray:
        fitted = SgdDetector(random_state=seed).fit(random_specimens.X, random_specimens.y)
        return np.asarray(fitted.to_saved().arrays["coef"])

    np.testing.assert_array_equal(coefficients(1), coefficients(1))
    assert (coefficients(1) != coefficients(2)).any()


def test_sgd_says_in_the_log_that_it_ran_out_of_epochs(
    random_specimens: Specimens, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="hybridwing.detectors.sgd"):
        SgdDetector(max_iter=3).fit(random_specimens.X, random_specimens.y)
    assert caplog.messages == ["sgd stopped at max_iter=3 before its learning rate had run down"]


def test_knn_needs_as_many_specimens_as_neighbours() -> None:
    X, y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])
    with pytest.raises(DetectorError, match="n_neighbors is 5, but there are only 4 specimens"):
        KnnDetector().fit(X, y)
    with pytest.raises(DetectorError, match="n_neighbors must be a whole number of at least 1; got 0"):
        KnnDetector(n_neighbors=0).fit(X, y)
    np.testing.assert_array_equal(KnnDetector(n_neighbors=4).fit(X, y).decision_function(X), 0.5)


def test_knn_scores_a_specimen_the_same_alone_and_in_company() -> None:
    """On a grid most neighbours tie, which is where scikit-learn's answer depends on the batch."""
    rng = np.random.default_rng(0)
    X, X_new = rng.integers(0, 4, (2, 300, 3)).astype(float)
    fitted = KnnDetector().fit(X, rng.integers(0, 2, 300))
    together = fitted.decision_function(X_new)
    alone = np.concatenate([fitted.decision_function(x[None]) for x in X_new])
    np.testing.assert_array_equal(alone, together)
    nearest = np.argsort(((X_new[:, None] - X) ** 2).sum(axis=2), axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(together, fitted.labels_[nearest].mean(axis=1))


def test_gaussian_is_blind_where_distances_are_large() -> None:
    X = 1000.0 * np.eye(6)
    fitted = GaussianDetector().fit(X, np.arange(6) % 2)
    np.testing.assert_allclose(fitted.decision_function(-X), 0.5, atol=1e-6)
