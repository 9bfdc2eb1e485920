"""What the arrays score is what the fitted estimator scores, to 1e-6, on random and on real embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize
from sklearn.svm import SVC

from hybridwing.detectors.registry import detector_for_run, detector_names, make_detector
from hybridwing.runtime.arrays import load_arrays, save_arrays
from hybridwing.runtime.scoring import raw_scores

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Specimens


def sample_scores(name: str, X: np.ndarray, y: np.ndarray, X_new: np.ndarray) -> np.ndarray:
    """Scores of the sample's own pipeline, written out with scikit-learn."""
    if name == "svm":
        machine = make_pipeline(StandardScaler(), SVC(gamma="scale", C=1, class_weight="balanced"))
        return machine.fit(X, y).decision_function(X_new)
    if name == "sgd":
        linear = SGDClassifier(
            loss="log_loss",
            alpha=0.001,
            penalty="l2",
            eta0=0.001,
            n_iter_no_change=100,
            learning_rate="adaptive",
            max_iter=1000,
            class_weight="balanced",
            random_state=0,
        )
        return CalibratedClassifierCV(linear).fit(X, y).predict_proba(X_new)[:, 1]
    if name == "knn":
        return KNeighborsClassifier(n_neighbors=5).fit(X, y).predict_proba(X_new)[:, 1]
    return GaussianProcessClassifier(random_state=0).fit(X, y).predict_proba(X_new)[:, 1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["svm", "sgd", "knn", "gaussian"])
def test_detector_file_and_sample_agree(name: str, specimens: Specimens, tmp_path: Path) -> None:
    X, y = specimens.X.astype(np.float64), specimens.y
    everything = np.concatenate([specimens.X_heldout, specimens.X])
    fitted = make_detector(name).fit(specimens.X, y)
    expected = sample_scores(name, X, y, everything.astype(np.float64))
    np.testing.assert_allclose(fitted.decision_function(everything), expected, rtol=0, atol=1e-6)
    save_arrays(tmp_path / "detector.npz", fitted.to_saved())
    np.testing.assert_allclose(
        raw_scores(load_arrays(tmp_path / "detector.npz"), everything), expected, rtol=0, atol=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", detector_names()[4:])
def test_detector_and_file_agree(name: str, specimens: Specimens, tmp_path: Path) -> None:
    """With subspecies, parents, records and blocks given."""
    X, y = specimens.X, specimens.y
    kinds = [None if label else f"subspecies {row % 3}" for row, label in enumerate(y)]
    crosses = [("subspecies 0", "subspecies 7") if label else None for label in y]
    fitted = detector_for_run(name, seed=0, blocks=(5, X.shape[1] - 5))
    fitted.fit(X, y, subspecies=kinds, parents=crosses)
    everything = np.concatenate([specimens.X_heldout, X])
    save_arrays(tmp_path / "detector.npz", fitted.to_saved())
    scores = raw_scores(load_arrays(tmp_path / "detector.npz"), everything)
    np.testing.assert_allclose(scores, fitted.decision_function(everything), rtol=0, atol=1e-6)
    assert np.ptp(scores) > 0


def test_gaussian_on_unit_vectors(specimens: Specimens) -> None:
    """Unit length is where its kernel is not simply zero."""
    X, X_new = normalize(specimens.X), normalize(specimens.X_heldout)
    fitted = make_detector("gaussian").fit(X, specimens.y)
    scores = fitted.decision_function(X_new)
    assert np.ptp(scores) > 0.01
    np.testing.assert_allclose(raw_scores(fitted.to_saved(), X_new), scores, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", detector_names())
def test_double_precision_embeddings_agree_too(name: str) -> None:
    rng = np.random.default_rng(5)
    y = np.arange(60) % 2
    X = rng.normal(loc=3, size=(60, 5)) + y[:, None]
    fitted = detector_for_run(name, seed=1).fit(X, y)
    np.testing.assert_allclose(raw_scores(fitted.to_saved(), X), fitted.decision_function(X), rtol=0, atol=1e-6)


def test_a_feature_that_never_changes() -> None:
    rng = np.random.default_rng(5)
    y = np.arange(60) % 2
    X = np.column_stack([rng.normal(size=60) + y, np.full(60, 7.0)])
    for name in detector_names():
        fitted = detector_for_run(name, seed=1).fit(X, y)
        np.testing.assert_allclose(raw_scores(fitted.to_saved(), X), fitted.decision_function(X), rtol=0, atol=1e-6)
