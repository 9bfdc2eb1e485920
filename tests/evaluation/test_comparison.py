from __future__ import annotations

import numpy as np
import pytest

from hybridwing.errors import ScoringError
from hybridwing.evaluation.bootstrap import challenge_uncertainty
from hybridwing.evaluation.challenge_score import challenge_scores
from hybridwing.evaluation.comparison import COLUMNS, compare
from hybridwing.evaluation.intervals import bootstrap_interval


@pytest.fixture(scope="module")
def table():
    """Labels, groups and specimens of 300 images, two of each specimen; scores of a good and of a poor system."""
    rng = np.random.default_rng(4)
    labels = np.repeat(rng.random(150) < 0.3, 2).astype(np.int8)
    groups = np.repeat(rng.choice(["major", "minor", "mimic"], 150), 2)
    specimens = np.repeat(np.arange(150), 2)
    good = rng.normal(size=300) + 2.5 * labels
    return labels, groups, specimens, {"good": good, "poor": rng.normal(size=300), "same": good.copy()}


@pytest.fixture(scope="module")
def comparison(table):
    labels, groups, specimens, scores = table
    return compare(scores, labels, groups, specimens, resamples=60)


def test_the_values_are_the_official_ones(table, comparison):
    labels, groups, _, scores = table
    for system in comparison.systems:
        record = challenge_scores(scores[system.name], labels, groups).leaderboard()
        assert {key: one.value for key, one in system.measures.items()} == {key: record[key] for key in COLUMNS}
    assert (comparison.images, comparison.specimens) == (300, 150)
    assert sum(comparison.hybrids.values()) == labels.sum()


def test_the_intervals_are_those_of_the_bootstrap_over_specimens(table, comparison):
    labels, groups, specimens, scores = table

    def recall(rows):
        return challenge_scores(scores["good"][rows], labels[rows], groups[rows]).mimic["hybrid_recall"]

    strata = np.char.add(groups, labels.astype(str))
    interval = bootstrap_interval(recall, strata, specimens, resamples=60, seed=42)
    assert comparison.systems[0].measures["mimic_recall"].interval == interval


def test_differences_are_paired_with_the_first(comparison):
    good, poor, same = comparison.systems
    assert good.differences == {}
    assert good.share_ahead is None
    assert poor.differences["challenge_score"].interval.high < 0
    assert poor.share_ahead < 0.05
    for one in same.differences.values():
        assert (one.value, one.interval.low, one.interval.high) == (0, 0, 0)
    assert same.share_ahead == 0.5


def test_the_same_seed_gives_the_same_intervals(table):
    labels, groups, specimens, scores = table
    done = []
    some = {"good": scores["good"]}
    first = compare(some, labels, groups, specimens, resamples=20, seed=3, progress=lambda *p: done.append(p))
    assert first == compare(some, labels, groups, specimens, resamples=20, seed=3)
    assert first != compare(some, labels, groups, specimens, resamples=20, seed=4)
    assert done[-1] == (20, 20)


def test_bad_arguments(table):
    labels, groups, specimens, scores = table
    with pytest.raises(ScoringError, match="nothing to compare"):
        compare({}, labels, groups, specimens)
    with pytest.raises(ScoringError, match="at least 1"):
        compare(scores, labels, groups, specimens, resamples=0)
    with pytest.raises(ScoringError, match="of one length"):
        compare(scores, labels, groups, specimens[:-1])


def test_one_specimen_of_one_is_told_as_an_evaluation_tells_it():
    groups = np.repeat(["major", "minor", "mimic"], 30)
    labels = np.where(np.arange(90) % 30 == 0, 1, 0)
    scores = {"right": labels + np.linspace(0, 0.5, 90), "wrong": 1.0 - labels + np.linspace(0, 0.5, 90)}
    found = compare(scores, labels, groups, np.arange(90), resamples=100)
    right, wrong = found.systems
    evaluated = challenge_uncertainty(scores, labels, groups, np.arange(90), resamples=100)
    assert right.measures == {key: evaluated.measures["right"][key] for key in COLUMNS}
    for key in ("A_score_major_recall", "mimic_recall", "mimic_PRC_AUC", "challenge_score"):
        interval = right.measures[key].interval
        assert (round(interval.low, 3), interval.high) == (0.207, 1.0)
    assert (wrong.measures["challenge_score"].value, wrong.measures["challenge_score"].interval.low) == (0.0, 0.0)
    assert wrong.measures["challenge_score"].interval.high > 0.5
    assert wrong.differences == {}
    assert wrong.share_ahead is None
    assert evaluated.differences["right", "wrong"] == {}
    assert any("no difference is claimed in" in note and "1 specimen," in note for note in found.notes)


def test_a_group_without_hybrids_is_absent_with_a_sentence():
    groups = np.repeat(["major", "minor", "mimic"], 40)
    labels = np.where(groups == "mimic", 0, np.arange(120) % 4 == 0).astype(np.int8)
    scores = np.random.default_rng(1).random(120) + labels
    (system, other) = compare({"a": scores, "b": -scores}, labels, groups, np.arange(120), resamples=50).systems
    assert set(COLUMNS) - set(system.measures) == {"mimic_recall", "mimic_PRC_AUC", "challenge_score"}
    assert other.share_ahead is None
    assert set(other.differences) == set(system.measures)
    notes = compare({"a": scores}, labels, groups, np.arange(120), resamples=50).notes
    assert notes == ("–: not measured, since the table has no mimic hybrids",)


def test_upside_down_systems_are_named():
    groups = np.repeat(["major", "minor", "mimic"], 40)
    labels = (np.arange(120) % 4 == 0).astype(np.int8)
    scores = np.random.default_rng(1).random(120) + labels
    notes = compare({"a": scores, "b": 1 - scores}, labels, groups, np.arange(120), resamples=50).notes
    assert notes[0].startswith("the scores of b rank non-hybrids first (ROC AUC")
    assert not any("scores of a" in note for note in notes)
