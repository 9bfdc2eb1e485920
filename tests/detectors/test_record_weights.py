"""Non-hybrids photographed beside hybrids count more, and no handful of them stands for all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.detectors.record_weights import SHARE, record_weights
from hybridwing.detectors.ridge import RidgeDetector
from hybridwing.detectors.svm import SvmDetector


def test_controls_get_about_half_of_the_weight() -> None:
    y = np.array([1] * 30 + [0] * 200 + [0] * 800)
    records: list[str | None] = ["a"] * 230 + ["b"] * 800
    weights = record_weights(y, records)
    assert weights[30:].sum() == pytest.approx(1000)
    assert (weights[:30] == 1).all()
    share = SHARE * 200 / 220
    assert weights[30:230].sum() == pytest.approx(1000 * (share + (1 - share) * 0.2))
    assert len(set(weights[230:])) == 1


def test_records_count_by_what_can_be_matched() -> None:
    y = np.array([1] * 20 + [1] * 20 + [0] * 5 + [0] * 40 + [0] * 100)
    records: list[str | None] = ["a"] * 20 + ["b"] * 20 + ["a"] * 5 + ["b"] * 40 + ["c"] * 100
    weights = record_weights(y, records)
    plain = weights[-1]
    few, many = (weights[40:45] - plain).sum(), (weights[45:85] - plain).sum()
    assert few == pytest.approx(many * 5 / 20)


@pytest.mark.parametrize("records", [None, [None] * 6, ["a", "a", "b", "b", "b", "b"]])
def test_without_controls_all_count_alike(records: list[str | None] | None) -> None:
    assert (record_weights(np.array([1, 1, 0, 0, 0, 0]), records) == 1).all()


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["a", "b", "c", "", None])), min_size=1, max_size=60))
def test_weights_are_positive_and_keep_the_sum(rows: list[tuple[int, str | None]]) -> None:
    y = np.array([label for label, _ in rows])
    weights = record_weights(y, [record for _, record in rows])
    assert (weights > 0).all()
    assert weights[y == 0].sum() == pytest.approx((y == 0).sum())
    assert (weights[y == 1] == 1).all()


def confounded(seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str | None], list[str | None]]:
    """Column 0 tells the record of all hybrids, column 1 the label."""
    rng = np.random.default_rng(seed)
    y = np.array([1] * 40 + [0] * 40 + [0] * 320)
    records: list[str | None] = ["a"] * 80 + ["b"] * 320
    X = rng.normal(size=(400, 4))
    X[:80, 0] += 4
    X[:40, 1] += 2
    return X, y, records, [None if label else "pq"[row % 2] for row, label in enumerate(y)]


@pytest.mark.parametrize("kind", [SvmDetector, RidgeDetector])
def test_balanced_detectors_trust_the_record_less(kind: type) -> None:
    X, y, records, subspecies = confounded()
    controls, others = confounded(1)[0][40:80], confounded(1)[0][80:]
    risen = []
    for balanced in (False, True):
        fitted = kind(balance_records=balanced).fit(X, y, subspecies=subspecies, records=records)
        limit = np.quantile(fitted.decision_function(others), 0.95)
        risen.append((fitted.decision_function(controls) > limit).mean())
    assert risen[1] < risen[0]


def test_the_samples_machine_does_not_ask_for_records() -> None:
    X, y, records, _ = confounded()
    plain, told = SvmDetector().fit(X, y), SvmDetector().fit(X, y, records=records)
    np.testing.assert_array_equal(plain.decision_function(X), told.decision_function(X))
