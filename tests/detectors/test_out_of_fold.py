"""Calibration on scores by fits that have not seen the specimen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.detectors.calibration import threshold_at
from hybridwing.detectors.out_of_fold import FOLDS, calibrate_out_of_fold, deal
from hybridwing.detectors.registry import make_detector
from hybridwing.errors import DetectorError
from hybridwing.runtime.arrays import load_arrays, save_arrays
from hybridwing.runtime.scoring import raw_scores


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc"), st.booleans()), min_size=2, max_size=60))
def test_specimens_stay_together_and_parts_are_even(rows):
    specimens, classes = (np.array([row[place] for row in rows], dtype=object) for place in (0, 1))
    if len(set(specimens)) < 2:
        return
    part = deal(specimens, classes, np.array([row[2] for row in rows], dtype=np.int8), seed=1)
    parts_of = {name: set(part[specimens == name]) for name in specimens}
    assert all(len(parts) == 1 for parts in parts_of.values())
    counts = np.bincount([min(parts) for parts in parts_of.values()], minlength=FOLDS)
    assert counts.max() - counts.min() <= 1


def test_one_specimen_cannot_be_dealt():
    with pytest.raises(DetectorError, match="takes two or more"):
        deal(np.array(["a", "a"], dtype=object), np.array(["x", "x"], dtype=object), np.zeros(2, dtype=np.int8), 0)


def test_two_hybrids_never_share_a_part():
    labels = np.array([0] * 10 + [1, 1], dtype=np.int8)
    classes = np.array(["m"] * 10 + ["a x b", "y x z"], dtype=object)
    for seed in range(20):
        part = deal(np.arange(12).astype(object), classes, labels, seed)
        assert part[10] != part[11]


def test_forty_specimens_give_a_threshold_from_unseen_scores():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6)).astype(np.float32)
    labels, shown = np.zeros(40, dtype=np.int8), []

    def fit(rows):
        shown.append(rows)
        return make_detector("mahalanobis").fit(X[rows], labels[rows])

    fold = np.arange(40) % FOLDS
    saved, raw = calibrate_out_of_fold(fit, X, labels, fold)
    assert len(saved.arrays["heldout_nonhybrid"]) == 40
    assert 0 < threshold_at(saved, 0.95) < 1
    assert [len(rows) for rows in shown] == [32] * FOLDS + [40]
    for number, rows in enumerate(shown[:FOLDS]):
        assert not set(rows) & set(np.flatnonzero(fold == number))
    assert raw.mean() > raw_scores(saved, X).mean(), "what was seen looks more usual"


@pytest.mark.parametrize("subspecies", [["a", "b"] * 20, ["a"] * 40])
def test_fusion_needs_no_hybrid(tmp_path, subspecies):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6)) + np.repeat(np.array(subspecies)[:, None] == "a", 6, axis=1) * 4
    fitted = make_detector("fusion").fit(X, np.zeros(40), subspecies=subspecies)
    assert fitted.classes_.tolist() == [0, 1]
    save_arrays(tmp_path / "fusion.npz", fitted.to_saved())
    np.testing.assert_allclose(
        raw_scores(load_arrays(tmp_path / "fusion.npz"), X), fitted.decision_function(X), atol=1e-6
    )
    assert fitted.decision_function(np.full((1, 6), 50.0)) is not None
    kinds = [estimator.kind for estimator in fitted.estimators_]
    several = len(set(subspecies)) > 1
    assert kinds == (["synthetic-hybrids", "parent-mixture", "mahalanobis"] if several else ["mahalanobis"])


@pytest.mark.parametrize("name", ["synthetic-hybrids", "parent-mixture"])
def test_of_one_subspecies_no_cross_can_be_made(name):
    X = np.random.default_rng(0).normal(size=(40, 6))
    with pytest.raises(DetectorError, match="of one subspecies"):
        make_detector(name).fit(X, np.zeros(40), subspecies=["a"] * 40)
