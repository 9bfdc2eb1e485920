"""Every detector is a scikit-learn classifier: its own checks, pipelines, searches and metadata routing."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from hybridwing.detectors import registry, ridge, selection, svm
from hybridwing.detectors.base import Detector, ProbabilisticDetector
from hybridwing.detectors.registry import detector_names, make_detector

# Reading the last label in sorted order as "hybrid" would turn every score round for a table that numbers its classes
# the other way or names them "hybrid" and "non-hybrid". What these checks look for is tested below with 0 and 1.
LABELS = "its labels are not 0 and 1, and only 1 (hybrid) and 0 (non-hybrid) are accepted"
LABEL_CHECKS = (
    "check_estimators_dtypes",
    "check_classifier_data_not_an_array",
    "check_classifiers_classes",
    "check_fit2d_1feature",
)
BOUNDARY = "it takes 0 for the boundary; a detector's scores keep their own scale, and its boundary is threshold_"
#: Here the boundary is 0, so that nothing is expected to fail.
ZERO_BOUNDARY = ("svm",)
#: Few epochs: the checks are about the contract.
QUICK = {"sgd": {"max_iter": 5}}
SLOW = ("sgd", "gaussian")

each_detector = pytest.mark.parametrize("name", detector_names())
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


def expected_failures(detector: Detector) -> dict[str, str]:
    failures = dict.fromkeys(LABEL_CHECKS, LABELS)
    if detector.kind not in ZERO_BOUNDARY:
        failures["check_classifiers_train"] = BOUNDARY
    return failures


def quick(name: str) -> Detector:
    return make_detector(name, **QUICK.get(name, {}))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in detector_names()]
)
def test_scikit_learn_checks(name):
    detector = quick(name)
    # It raises what the first check that fails does. Those that are expected to fail must.
    results = check_estimator(detector, expected_failed_checks=expected_failures(detector), on_skip=None)
    assert len(results) > 40
    assert [r["check_name"] for r in results if r["expected_to_fail"] and r["status"] == "passed"] == []


def data(n: int = 60, d: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    # Each on its own side in direction too: some detectors bring embeddings to unit length.
    return rng.normal(size=(n, d)) + 3 + 15 * y[:, None] * (np.arange(d) == 0), y


@each_detector
def test_predictions_are_labels_and_mostly_right(name: str) -> None:
    X, y = data()
    fitted = quick(name).fit(X, y)
    assert is_classifier(fitted)
    assert fitted.classes_.tolist() == [0, 1]
    found = fitted.predict(X)
    assert found.dtype == y.dtype
    np.testing.assert_array_equal(found, fitted.decision_function(X) > fitted.threshold_)
    assert fitted.score(X, y) == (found == y).mean() > 0.83


@each_detector
def test_booleans_are_predicted_as_booleans(name: str) -> None:
    X, y = data()
    fitted = quick(name).fit(X, y == 1)
    assert fitted.classes_.tolist() == [False, True]
    assert fitted.predict(X).dtype == bool
    np.testing.assert_array_equal(fitted.predict(X), quick(name).fit(X, y).predict(X) == 1)


@each_detector
def test_probabilities_only_where_the_score_is_one(name: str) -> None:
    X, y = data()
    fitted = quick(name).fit(X, y)
    assert hasattr(fitted, "predict_proba") == (name in ("sgd", "knn", "gaussian"))
    if isinstance(fitted, ProbabilisticDetector):
        both = fitted.predict_proba(X)
        np.testing.assert_allclose(both.sum(axis=1), 1)
        np.testing.assert_array_equal(both[:, 1], fitted.decision_function(X))


@each_detector
def test_cross_validation_and_pipelines(name: str) -> None:
    X, y = data()
    scores = cross_val_score(quick(name), X, y == 1, scoring="roc_auc", cv=3)
    assert np.isfinite(scores).all()
    assert scores.mean() > 0.6
    pipeline = make_pipeline(StandardScaler(), quick(name)).fit(X, y)
    np.testing.assert_array_equal(
        pipeline.decision_function(X),
        quick(name).fit(StandardScaler().fit_transform(X), y).decision_function(StandardScaler().fit_transform(X)),
    )
    assert set(pipeline.predict(X)) <= {0, 1}


def test_a_search_over_parameters() -> None:
    X, y = data()
    search = GridSearchCV(quick("svm"), {"C": [0.1, 10]}, scoring="roc_auc", cv=3).fit(X, y)
    assert set(search.best_params_) == {"C"}
    assert set(search.predict(X)) <= {0, 1}


@each_detector
def test_metadata_is_routed_to_fit(name: str) -> None:
    X, y = data()
    pure, hybrid = ["a", "b", "c"], ("a", "b")
    subspecies = pd.Series([np.nan if label else pure[row % 3] for row, label in enumerate(y)], index=range(100, 160))
    parents = pd.Series([hybrid if label else None for label in y], index=range(100, 160))
    seen = []
    kind = type(quick(name))

    class Told(kind):
        def _fit(self, X, y, metadata):
            seen.append((len(X), metadata))
            super()._fit(X, y, metadata)

    with config_context(enable_metadata_routing=True):
        told = Told(**QUICK.get(name, {})).set_fit_request(subspecies=True, parents=True)
        params = {"subspecies": subspecies, "parents": parents}
        found = cross_validate(told, X, y, scoring="roc_auc", cv=3, params=params, error_score="raise")
    assert np.isfinite(found["test_score"]).all()
    assert len(seen) == 3
    for n, metadata in seen:
        assert n == len(metadata.subspecies) == len(metadata.parents) == 40
        assert set(metadata.subspecies) == {"a", "b", "c", None}
        assert set(metadata.parents) == {hybrid, None}


@each_detector
def test_names_of_columns_are_kept(name: str) -> None:
    X, y = data()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    assert quick(name).fit(frame, y).feature_names_in_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("module", [registry, ridge, selection, svm])
def test_examples(module) -> None:
    found = doctest.testmod(module, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert found.attempted > 0
    assert found.failed == 0
