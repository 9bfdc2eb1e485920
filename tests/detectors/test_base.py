"""The contract of every detector: what it refuses, and the arrays it is saved as."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone

from hybridwing.detectors.base import DetectorInputError, compact
from hybridwing.detectors.registry import detector_for_run, detector_names, make_detector
from hybridwing.errors import DetectorError
from hybridwing.runtime.arrays import load_arrays, save_arrays
from hybridwing.runtime.layouts import LAYOUTS
from hybridwing.runtime.scoring import raw_scores

each_detector = pytest.mark.parametrize("name", detector_names())


def data(n: int = 40, d: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    return rng.normal(size=(n, d)) + y[:, None], y


@each_detector
def test_numbers_of_any_type(name: str) -> None:
    X, y = data()
    X = np.round(X * 8)
    expected = make_detector(name).fit(X, y).decision_function(X)
    assert expected.dtype == np.float64
    for dtype in (np.float32, np.int64, np.int32):
        scores = make_detector(name).fit(X.astype(dtype), y).decision_function(X.astype(dtype))
        assert scores.dtype == np.float64
        np.testing.assert_array_equal(scores, expected, err_msg=str(dtype))


@each_detector
def test_one_feature(name: str) -> None:
    X, y = data(d=1)
    fitted = make_detector(name).fit(X, y)
    np.testing.assert_allclose(raw_scores(fitted.to_saved(), X), fitted.decision_function(X), atol=1e-6)


@each_detector
def test_labels_of_any_type(name: str) -> None:
    X, y = data()
    expected = make_detector(name).fit(X, y).decision_function(X)
    for dtype in (bool, float, np.int8, object):
        scores = make_detector(name).fit(X, y.astype(dtype)).decision_function(X)
        np.testing.assert_array_equal(scores, expected, err_msg=str(dtype))


@each_detector
def test_hybrids_score_higher(name: str) -> None:
    X, y = data(200, 4)
    scores = make_detector(name).fit(X, y).decision_function(X)
    assert scores.shape == (200,)
    # Only mahalanobis learns nothing from hybrids; these are hardly unlike the others.
    assert scores[y == 1].mean() > scores[y == 0].mean() + (0.02 if name == "mahalanobis" else 0.1)


@each_detector
@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.full((40, 3), np.nan), None, "the embeddings cannot be used: Input X contains NaN"),
        (np.full((40, 3), np.inf), None, "the embeddings cannot be used: Input X contains infinity"),
        (np.zeros(40), None, "the embeddings cannot be used: Expected 2D array"),
        (np.zeros((40, 0)), None, "the embeddings cannot be used: Found array with 0 feature"),
        (np.zeros((0, 3)), None, "the embeddings cannot be used: Found array with 0 sample"),
        (np.zeros((39, 3)), None, "39 embeddings but 40 labels"),
        (None, np.ones(40), "all 40 specimens to learn from are hybrids"),
        (None, np.arange(40) % 2 + 1, r"y must hold 1 \(hybrid\) and 0 \(non-hybrid\), or True and False; got 2\. "),
        (None, np.arange(40), "got 2, 3, 4, 5, 6"),
        (None, np.where(np.arange(40) % 2, np.nan, 1.0), "got nan"),
        (None, np.array(["hybrid", "non-hybrid"] * 20), "got 'hybrid', 'non-hybrid'"),
        (None, np.array(["long" * 50] * 40), r"got 'long.{35}\. "),
        (None, np.array([1, pd.NA] * 20, dtype=object), "some are missing"),
        (None, np.array([["a"] * 2] * 40), "the labels cannot be used: y should be a 1d array"),
        (None, None, "the target y is None"),
    ],
)
def test_data_that_cannot_be_used(name: str, X: object, y: object, message: str) -> None:
    good_X, good_y = data()
    only_X = X is not None
    with pytest.raises(DetectorError, match=message) as caught:
        make_detector(name).fit(X if only_X else good_X, good_y if only_X else y)
    assert isinstance(caught.value, ValueError)


@each_detector
def test_non_hybrids_alone_are_enough_or_refused(name: str) -> None:
    X, _ = data()
    detector = make_detector(name)
    if detector.needs_hybrids:
        with pytest.raises(DetectorError, match=f"all {len(X)} specimens to learn from are non-hybrids"):
            detector.fit(X, np.zeros(len(X)))
    else:
        fitted = detector.fit(X, np.zeros(len(X), dtype=bool), subspecies=["a", "b"] * (len(X) // 2))
        assert fitted.classes_.tolist() == [False, True]
        assert np.isfinite(fitted.decision_function(X)).all()


@each_detector
@pytest.mark.parametrize("extra", ["subspecies", "parents"])
def test_columns_about_the_specimens_must_fit(name: str, extra: str) -> None:
    X, y = data()
    columns = {extra: [None] * 40}
    assert make_detector(name).fit(X, y, **columns).n_features_in_ == 3
    with pytest.raises(DetectorError, match=f"'{extra}' has 39 entries for 40 embeddings"):
        make_detector(name).fit(X, y, **{extra: [None] * 39})


@each_detector
def test_scoring_other_embeddings_than_it_was_fitted_on(name: str) -> None:
    X, y = data()
    fitted = make_detector(name).fit(X, y)
    with pytest.raises(DetectorInputError, match=r"X has 2 features, but .* is expecting 3 features"):
        fitted.decision_function(X[:, :2])
    with pytest.raises(DetectorInputError, match="contains NaN"):
        fitted.decision_function(np.full((1, 3), np.nan))


def test_scores_are_never_nan() -> None:
    X, y = data()
    with pytest.raises(DetectorInputError, match="row 1 of X holds values too large"):
        make_detector("knn").fit(X, y).decision_function(np.array([[0.0] * 3, [1e200] * 3]))


@each_detector
def test_not_fitted(name: str) -> None:
    fresh = make_detector(name)
    for call in (lambda: fresh.decision_function(np.zeros((2, 3))), fresh.to_saved):
        with pytest.raises(sklearn.exceptions.NotFittedError):
            call()


@each_detector
def test_clones_and_pickles(name: str) -> None:
    X, y = data()
    fitted = detector_for_run(name, seed=3).fit(X, y)
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    assert not hasattr(fresh, "n_features_in_")
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.decision_function(X), fitted.decision_function(X))


@each_detector
def test_data_frames_are_data_too(name: str) -> None:
    X, y = data()
    expected = make_detector(name).fit(X, y).decision_function(X)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    np.testing.assert_array_equal(make_detector(name).fit(frame, pd.Series(y)).decision_function(frame), expected)


@each_detector
def test_the_input_is_left_alone_and_not_kept(name: str) -> None:
    X, y = data()
    before = X.copy()
    fitted = make_detector(name).fit(X, y)
    expected = fitted.decision_function(before)
    np.testing.assert_array_equal(X, before)
    X[:] = 0
    np.testing.assert_array_equal(fitted.decision_function(before), expected)


@each_detector
def test_saved_and_read_back(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    X, y = data()
    fitted = make_detector(name).fit(X, y)
    saved = fitted.to_saved()
    assert saved.header.kind == name
    assert saved.header.form in LAYOUTS
    assert saved.header.params == fitted.get_params()
    assert not saved.is_calibrated
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", saved.header.package_version)
    path = tmp_path_factory.mktemp(name) / "detector.npz"
    save_arrays(path, saved)
    np.testing.assert_array_equal(raw_scores(load_arrays(path), X), raw_scores(saved, X))


def test_numpy_parameters_are_saved_as_plain_ones(tmp_path_factory: pytest.TempPathFactory) -> None:
    X, y = data()
    fitted = make_detector("knn").set_params(n_neighbors=np.int64(3)).fit(X, y)
    path = tmp_path_factory.mktemp("numpy") / "detector.npz"
    save_arrays(path, fitted.to_saved())
    assert load_arrays(path).header.params == {"n_neighbors": 3}


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [("svm", "C", -1.0), ("sgd", "alpha", -1.0), ("sgd", "max_iter", 0), ("gaussian", "random_state", "x")],
)
def test_parameters_out_of_range(name: str, parameter: str, value: object) -> None:
    X, y = data()
    with pytest.raises(DetectorInputError, match=f"cannot be fitted: .*{parameter}"):
        make_detector(name).set_params(**{parameter: value}).fit(X, y)


def test_compact_keeps_every_value() -> None:
    assert compact(np.array([0.5, 2.0**100])).dtype == np.float32
    for value in (0.1, 1e300, 1e-300):
        array = compact(np.array([value]))
        assert array.dtype == np.float64
        assert array[0] == value
