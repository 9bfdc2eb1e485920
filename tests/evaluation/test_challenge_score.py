from __future__ import annotations

import json
import math
import statistics
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from hybridwing.errors import ScoringError
from hybridwing.evaluation.challenge_score import challenge_scores, score_files, unmeasured
from hybridwing.evaluation.metrics import detection_metrics, threshold_at_tnr

if TYPE_CHECKING:
    from pathlib import Path

GROUPS = ("major", "minor", "mimic")

any_scores = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    st.floats(0, 1).map(lambda score: round(score, 4)),
)
any_row = st.tuples(any_scores, st.integers(0, 1))
grouped_tables = st.tuples(*[st.lists(any_row, min_size=1, max_size=25) for _ in GROUPS]).map(
    lambda parts: [(score, label, group) for group, rows in zip(GROUPS, parts, strict=True) for score, label in rows]
)


def part_of(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def walked_threshold(rows: list[tuple[float, int]], tnr: float = 0.95) -> float:
    """The rule as the challenge words it, one candidate at a time."""
    negatives = [score for score, label in rows if label == 0]
    candidates = sorted({score for score, _ in rows})
    for candidate in candidates:
        if part_of(sum(score <= candidate for score in negatives), len(negatives)) >= tnr:
            return candidate
    return candidates[-1]


def slow_metrics(rows: list[tuple[float, int]], threshold: float) -> dict[str, float]:
    hits = sum(score > threshold and label == 1 for score, label in rows)
    called = sum(score > threshold for score, _ in rows)
    hybrids = sum(label for _, label in rows)
    right = sum((score > threshold) == (label == 1) for score, label in rows)
    kept = sum(score <= threshold and label == 0 for score, label in rows)
    return {
        "threshold_recall": round(part_of(kept, len(rows) - hybrids), 4),
        "threshold_pred": threshold,
        "hybrid_recall": part_of(hits, hybrids),
        "hybrid_precision": part_of(hits, called),
        "f1_score": part_of(2 * hits, hybrids + called),
        "accuracy": right / len(rows),
        **areas(rows),
    }


def areas(rows: list[tuple[float, int]], prefix: str = "") -> dict[str, float]:
    scores, labels = [score for score, _ in rows], [label for _, label in rows]
    # Even of hybrids alone, scikit-learn's sum of steps may end one bit below 1.
    prc = average_precision_score(labels, scores) if any(labels) else 0.0
    roc = roc_auc_score(labels, scores) if len(set(labels)) == 2 else math.nan
    return {f"{prefix}prc_auc": prc, f"{prefix}roc_auc": roc}


def equal(ours: dict[str, float], theirs: dict[str, float]) -> bool:
    assert ours.keys() == theirs.keys()
    return all(ours[key] == theirs[key] or (math.isnan(ours[key]) and math.isnan(theirs[key])) for key in ours)


@settings(deadline=None)
@given(grouped_tables)
def test_equals_the_rule_restated_slowly_to_the_last_bit(table: list[tuple[float, int, str]]) -> None:
    scores, labels, groups = zip(*table, strict=True)
    found = challenge_scores(scores, labels, groups)

    part = {group: [(score, label) for score, label, of in table if of == group] for group in GROUPS}
    mimic = slow_metrics(part["mimic"], walked_threshold(part["mimic"]))
    both = part["major"] + part["minor"]
    threshold = walked_threshold(both)
    species_a = {
        **slow_metrics(both, threshold),
        **areas(part["major"], "major_"),
        **areas(part["minor"], "minor_"),
        "major_recall": slow_metrics(part["major"], threshold)["hybrid_recall"],
        "minor_recall": slow_metrics(part["minor"], threshold)["hybrid_recall"],
    }
    assert equal(found.species_a, species_a)
    assert equal(found.mimic, mimic)
    recalls = [species_a["major_recall"], species_a["minor_recall"], mimic["hybrid_recall"]]
    assert found.challenge_score == statistics.harmonic_mean(recalls)
    assert json.loads(found.to_json()) == found.leaderboard()


@settings(deadline=None)
@given(st.lists(any_row, min_size=1, max_size=60), st.sampled_from([0.05, 0.5, 0.9, 0.95, 1.0]))
def test_threshold_is_the_first_score_that_keeps_enough(rows: list[tuple[float, int]], tnr: float) -> None:
    scores, labels = zip(*rows, strict=True)
    assert threshold_at_tnr(scores, labels, tnr) == walked_threshold(rows, tnr)


@settings(deadline=None)
@given(st.lists(any_row, min_size=1, max_size=60))
def test_detection_metrics_share_the_rule(rows: list[tuple[float, int]]) -> None:
    scores, labels = zip(*rows, strict=True)
    found = detection_metrics(scores, labels)
    slow = slow_metrics(rows, walked_threshold(rows))
    assert round(found.true_negative_rate, 4) == slow.pop("threshold_recall")
    assert found.threshold == slow.pop("threshold_pred")
    assert equal({key: getattr(found, key) for key in slow}, slow)
    assert (found.n, found.n_hybrids) == (len(rows), sum(labels))


def test_roc_area_is_the_share_of_pairs_ranked_right() -> None:
    rng = np.random.default_rng(5)
    scores, labels = np.round(rng.random(300), 2), rng.random(300) < 0.3
    hybrids, others = scores[labels][:, None], scores[~labels][None, :]
    pairs = np.mean((hybrids > others) + 0.5 * (hybrids == others))
    assert detection_metrics(scores, labels).roc_auc == pytest.approx(pairs, abs=1e-12)


def test_twenty_non_hybrids_may_lose_one() -> None:
    scores = np.arange(20) / 20
    assert threshold_at_tnr(scores, np.zeros(20)) == 18 / 20


def test_saturated_scores_find_no_hybrid() -> None:
    found = challenge_scores([1.0] * 6, [0, 1] * 3, ["major", "major", "minor", "minor", "mimic", "mimic"])
    assert found.challenge_score == 0.0
    assert found.species_a["accuracy"] == 0.5
    assert found.to_json().endswith('"challenge_score": 0}')


def test_leaderboard_has_the_official_names_in_the_official_order() -> None:
    found = challenge_scores([0, 1, 0, 1, 0, 1], [0, 1] * 3, ["major", "major", "minor", "minor", "mimic", "mimic"])
    assert found.to_json() == (
        '{"A_score_major_recall": 1.0, "A_score_minor_recall": 1.0, "A_PRC_AUC": 1.0, "A_PRC_AUC_major": 1.0, '
        '"A_PRC_AUC_minor": 1.0, "mimic_recall": 1.0, "mimic_PRC_AUC": 1.0, "challenge_score": 1.0}'
    )


@pytest.mark.parametrize(
    ("scores", "labels", "groups", "message"),
    [
        ([0.1, math.nan, 0.2], [0, 1, 0], GROUPS, "position 1 is nan"),
        ([0.1, math.inf, 0.2], [0, 1, 0], GROUPS, "position 1 is inf"),
        ([0.1, 0.2, 0.3], [0, 2, 0], GROUPS, "label at position 1"),
        (["a", "b", "c"], [0, 1, 0], GROUPS, "must be numbers"),
        ([0.1, 0.2], [0, 1, 0], GROUPS, "of one length"),
        ([[0.1, 0.2, 0.3]], [[0, 1, 0]], GROUPS, "one-dimensional"),
        ([0.1, 0.2, 0.3], [0, 1, 0], GROUPS[:2], "as many groups"),
        ([0.1, 0.2, 0.3], [0, 1, 0], ("major", "minor", "other"), "Unknown group 'other'"),
        (
            [0.1, 0.2, 0.3],
            [0, 1, 0],
            ("major", "major", "major"),
            r"none of minor and mimic.*detection_metrics.*in Python or `hybridwing evaluate`",
        ),
        ([], [], [], "no scores"),
    ],
)
def test_what_cannot_be_scored_is_said(scores: object, labels: object, groups: object, message: str) -> None:
    with pytest.raises(ScoringError, match=message):
        challenge_scores(scores, labels, groups)  # type: ignore[arg-type]


@pytest.mark.parametrize("tnr", [0.0, 1.5, math.nan])
def test_rate_out_of_range(tnr: float) -> None:
    with pytest.raises(ScoringError, match="true-negative rate"):
        threshold_at_tnr([0.5], [0], tnr)


@pytest.mark.parametrize("case", ["all_correct", "all_wrong", "all_zeros"])
def test_official_cases(shared: Path, case: str) -> None:
    folder = shared / "challenge" / "scoring_cases" / case
    found = score_files(folder / "prediction.txt", folder / "reference.csv")
    expected = json.loads((folder / "gt.json").read_text())
    assert found.species_a == expected["A_scores"]
    assert found.mimic == expected["mimic_scores"]


@pytest.mark.parametrize(
    ("name", "flipped", "as_they_are"),
    [("giant", 0.09684234097531799, 0.0), ("large", 0.17865774124480102, 0.0078006983482330795)],
)
def test_real_predictions(shared: Path, name: str, flipped: float, as_they_are: float) -> None:
    predictions = shared / "scores" / f"predictions_DINO_{name}.txt"
    test, val = shared / "challenge" / "ref_test.csv", shared / "challenge" / "ref_val.csv"
    assert score_files(predictions, test, lower_is_hybrid=True).challenge_score == flipped
    assert score_files(predictions, test).challenge_score == as_they_are
    with pytest.raises(ScoringError, match="1175 predictions are for images that the reference does not list"):
        score_files(predictions, val)
    assert score_files(predictions, val, allow_extra=True).mimic["threshold_recall"] >= 0.95


@pytest.mark.parametrize(
    ("group", "label", "absent"),
    [
        ("major", 1, {"A_score_major_recall", "A_PRC_AUC_major"}),
        ("minor", 1, {"A_score_minor_recall", "A_PRC_AUC_minor"}),
        ("mimic", 1, {"mimic_recall", "mimic_PRC_AUC"}),
        ("mimic", 0, {"mimic_recall", "mimic_PRC_AUC"}),
    ],
)
def test_what_a_table_cannot_give_is_known(group: str, label: int, absent: set[str]) -> None:
    groups = np.repeat(GROUPS, 4)
    labels = np.tile([0, 0, 1, 1], 3)
    assert unmeasured(labels, groups) == {}
    labels[groups == group] = 1 - label
    assert set(unmeasured(labels, groups)) == absent | {"challenge_score"}


def test_non_hybrids_of_one_group_serve_the_threshold_of_both() -> None:
    groups = np.repeat(GROUPS, 4)
    labels = np.where(groups == "minor", 1, np.tile([0, 0, 1, 1], 3))
    assert set(unmeasured(labels, groups)) == {"A_PRC_AUC_minor"}
