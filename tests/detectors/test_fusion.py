"""The fusion counts the base detectors that find held-out hybrids, on the scale of held-out non-hybrids."""

from __future__ import annotations

import numpy as np
import pytest

from hybridwing.detectors import fusion as module
from hybridwing.detectors.base import DetectorInputError
from hybridwing.detectors.fusion import FusionDetector
from hybridwing.runtime.layouts import FUSED


def specimens(n: int = 120) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
    rng = np.random.default_rng(0)
    y = (np.arange(n) % 4 == 0).astype(np.int64)
    X = rng.normal(size=(n, 6)) + 3 + 2.5 * y[:, None] * np.array([1, -1, 1, -1, 1, -1])
    return X, y, [None if label else "ab"[row % 2] for row, label in enumerate(y)]


def test_base_detectors_have_the_order_of_the_saved_ones() -> None:
    X, y, subspecies = specimens()
    fitted = FusionDetector(blocks=(3, 3)).fit(X, y, subspecies=subspecies)
    assert tuple(estimator.kind for estimator in fitted.estimators_) == tuple(FUSED)
    assert fitted.weights_.shape == fitted.centres_.shape == fitted.scales_.shape == fitted.recalls_.shape == (5,)
    expected_weights = np.where(fitted.recalls_ >= 0.75 * fitted.recalls_.max(), module.WEIGHTS, 0.0)
    np.testing.assert_array_equal(fitted.weights_[:-1], expected_weights[:-1])
    assert fitted.weights_[-1] == module.WEIGHTS[-1] > 0
    expected = sum(
        (estimator.decision_function(X) - centre) / scale * weight
        for estimator, centre, scale, weight in zip(
            fitted.estimators_, fitted.centres_, fitted.scales_, fitted.weights_, strict=True
        )
    )
    np.testing.assert_allclose(fitted.decision_function(X), expected, atol=1e-9)


@pytest.mark.slow
def test_a_base_detector_that_finds_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y, subspecies = specimens()

    def blind(self: object, X: np.ndarray) -> np.ndarray:
        return -X[:, 0] + X[:, 1]

    monkeypatch.setattr(module.SvmDetector, "_score", blind)
    fitted = FusionDetector().fit(X, y, subspecies=subspecies)
    assert fitted.weights_[list(FUSED).index("svm")] == 0
    place = list(FUSED).index("block-discriminant")
    assert fitted.weights_[place] == module.WEIGHTS[place]


def test_too_few_to_hold_out() -> None:
    X, y, _ = specimens(8)
    fitted = FusionDetector().fit(X, y)
    assert np.isnan(fitted.recalls_).all()
    assert tuple(fitted.weights_) == module.WEIGHTS
    assert np.isfinite(fitted.decision_function(X)).all()


def test_folds_keep_a_records_non_hybrids_together() -> None:
    y = np.array([0] * 30 + [1] * 6)
    member = np.array([0] * 20 + [1] * 10 + [2] * 6)
    records = [f"r{row % 5}" for row in range(20)] + ["r9"] * 16
    fold = module._folds(y, member, records, 3, seed=0)
    for record in range(5):
        rows = [row for row in range(20) if records[row] == f"r{record}"]
        assert len(set(fold[rows])) == 1
    # All of the other subspecies are from one record: held out together, none of it would be left to learn from.
    assert set(fold[20:30]) == {0, 1, 2}
    assert np.bincount(fold[30:]).tolist() == [2, 2, 2]


def test_one_fold_is_none() -> None:
    X, y, _ = specimens()
    with pytest.raises(DetectorInputError, match="n_folds must be"):
        FusionDetector(n_folds=1).fit(X, y)


@pytest.mark.slow
def test_same_seed_same_model() -> None:
    X, y, subspecies = specimens()
    first, second, other = (
        FusionDetector(random_state=seed).fit(X, y, subspecies=subspecies).decision_function(X) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
