"""Measures of many resamples at once agree with the official score of each, and intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.errors import ScoringError
from hybridwing.evaluation.bootstrap import (
    DETECTION_MEASURES,
    challenge_uncertainty,
    detection_uncertainty,
)
from hybridwing.evaluation.challenge_score import challenge_scores
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.evaluation.resampling import RankedScores, Resampling


def table(seed: int, n: int = 240, levels: int = 12):
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(["major", "minor", "mimic"], n // 3))
    labels = np.tile([0, 0, 1, 0], n // 4)
    scores = np.round(rng.random(n) + 0.3 * labels, 2 if levels > 12 else 1)
    return scores, labels, groups, np.arange(n) // 2


@pytest.mark.parametrize("seed", range(4))
def test_every_resample_has_the_official_score(seed):
    scores, labels, groups, specimens = table(seed)
    strata = np.char.add(groups, labels.astype(str))
    drawn = Resampling(strata, specimens, 7, seed)
    found = challenge_uncertainty({"a": scores}, labels, groups, specimens, resamples=7, seed=seed)
    official = []
    for counts in drawn.counts():
        for row in counts.astype(int):
            rows = np.repeat(np.arange(len(scores)), row)
            official.append(list(challenge_scores(scores[rows], labels[rows], groups[rows]).leaderboard().values()))
    low, high = np.quantile(np.array(official, dtype=np.float64), [0.025, 0.975], axis=0)
    estimates = list(found.measures["a"].values())
    assert [e.interval.low for e in estimates] == pytest.approx(low.tolist(), abs=1e-12)
    assert [e.interval.high for e in estimates] == pytest.approx(high.tolist(), abs=1e-12)


def test_the_value_beside_the_interval_is_the_official_one():
    scores, labels, groups, specimens = table(5)
    found = challenge_uncertainty({"a": scores}, labels, groups, specimens, resamples=50)
    official = challenge_scores(scores, labels, groups).leaderboard()
    assert list(found.measures["a"]) == list(official)
    assert {name: estimate.value for name, estimate in found.measures["a"].items()} == official
    assert found.specimens == len({(s, g, y) for s, g, y in zip(specimens, groups, labels, strict=True)})


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=2, max_size=30),
    st.sampled_from([0.5, 0.8, 0.95, 1.0]),
)
def test_weighted_measures_are_those_of_repeated_images(images, tnr):
    scores = np.array([float(score) for score, _, _ in images])
    labels = np.array([label for _, label, _ in images])
    counts = np.array([[count for _, _, count in images]], dtype=np.float64)
    rows = np.repeat(np.arange(len(images)), counts[0].astype(int))
    if not labels[rows].any() or labels[rows].all():
        return
    whole, ranked = detection_metrics(scores[rows], labels[rows], tnr), RankedScores(scores, labels)
    recall = ranked.share_above(counts, ranked.above_threshold(counts, tnr), labels)[0]
    assert recall == pytest.approx(whole.hybrid_recall, abs=1e-12)
    assert ranked.average_precision(counts)[0] == pytest.approx(whole.prc_auc, abs=1e-12)
    assert ranked.roc_area(counts)[0] == pytest.approx(whole.roc_auc, abs=1e-12)


def test_specimens_are_drawn_whole_and_strata_keep_their_numbers():
    specimens = np.array([1, 1, 2, 3, 3, 3, 4])
    strata = np.array(["a", "a", "a", "b", "b", "b", "b"])
    for counts in Resampling(strata, specimens, 40).counts():
        assert (counts[:, 0] == counts[:, 1]).all()
        assert (counts[:, 3] == counts[:, 4]).all()
        assert (counts[:, 1] + counts[:, 2] == 2).all()
        assert (counts[:, 5] + counts[:, 6] == 2).all()


def test_blocks_add_up_and_are_the_same_every_time(monkeypatch):
    monkeypatch.setattr("hybridwing.evaluation.resampling._CELLS", 30)
    drawn = Resampling(np.zeros(10), np.arange(10), 8, 3)
    first, again = list(drawn.counts()), list(drawn.counts())
    assert [len(block) for block in first] == [3, 3, 2]
    assert np.array_equal(np.concatenate(first), np.concatenate(again))


def test_a_detector_less_itself_is_exactly_nothing():
    scores, labels, groups, specimens = table(6)
    found = challenge_uncertainty({"a": scores, "b": scores}, labels, groups, specimens, resamples=60)
    for estimate in found.differences["a", "b"].values():
        assert (estimate.value, estimate.interval.low, estimate.interval.high) == (0.0, 0.0, 0.0)


def test_pairing_makes_the_interval_of_a_difference_narrower():
    rng = np.random.default_rng(1)
    labels = np.arange(400) % 4 == 0
    scores = rng.normal(size=400) + 1.5 * labels
    near = scores + 0.05 * rng.normal(size=400)
    found = detection_uncertainty({"a": scores, "b": near}, labels, np.arange(400), resamples=400)
    apart = found.differences["a", "b"]["roc_auc"].interval.width
    assert apart < 0.5 * found.measures["a"]["roc_auc"].interval.width


@pytest.mark.slow
def test_the_interval_of_a_recall_covers_about_as_often_as_it_says():
    covered, truth = 0, 0.6387  # P(N(2, 1) > the 0.95 quantile of N(0, 1))
    for seed in range(120):
        rng = np.random.default_rng(seed)
        labels = np.arange(400) < 100
        scores = rng.normal(size=400) + 2 * labels
        found = detection_uncertainty({"a": scores}, labels, np.arange(400), resamples=200, seed=seed)
        interval = found.measures["a"]["hybrid_recall"].interval
        covered += interval.low <= truth <= interval.high
    assert covered / 120 >= 0.88


def test_without_both_labels_nothing_is_said():
    found = detection_uncertainty({"a": [0.1, 0.2]}, [0, 0], ["s", "t"])
    assert found.measures == {"a": {}}
    assert found.differences == {}
    assert set(detection_uncertainty({"a": [0.1, 0.2]}, [0, 1], ["s", "t"]).measures["a"]) == set(DETECTION_MEASURES)


def test_faults_are_named():
    with pytest.raises(ScoringError, match="one length"):
        list(Resampling(["a"], ["s", "t"]).counts())
    with pytest.raises(ScoringError, match="at least 1"):
        list(Resampling(["a"], ["s"], 0).counts())
