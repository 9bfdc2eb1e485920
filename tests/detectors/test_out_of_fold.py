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
