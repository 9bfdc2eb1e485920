"""Rankings that are upside down are said to be so, and only those."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from hybridwing.evaluation.challenge_score import challenge_scores, read_labelled_scores
from hybridwing.evaluation.direction import reversed_rankings

if TYPE_CHECKING:
    from pathlib import Path


def table(n: int = 300, seed: int = 3):
    rng = np.random.default_rng(seed)
    groups = np.repeat(["major", "minor", "mimic"], n // 3)
    labels = (np.arange(n) % 4 == 0).astype(np.int8)
    return rng.normal(size=n) + 1.5 * labels, labels, groups, np.arange(n)


def test_a_ranking_that_is_upside_down_is_found_in_all_and_in_each_group():
    scores, labels, groups, specimens = table()
    assert reversed_rankings(scores, labels, specimens, groups) == ()
    found = reversed_rankings(1 - scores, labels, specimens, groups)
    assert [one.group for one in found] == ["", "major", "minor", "mimic"]
    assert found[0].roc_auc.value == pytest.approx(roc_auc_score(labels, 1 - scores), abs=1e-12)
    assert all(one.roc_auc.interval.high < 0.5 for one in found)
    turned = challenge_scores(scores, labels, groups).challenge_score
    assert found[0].sentence().endswith(f"1 − score gives a challenge score of {turned:.3f}")


def test_one_group_alone_is_named():
    scores, labels, groups, specimens = table()
    turned = np.where(groups == "minor", -scores, scores)
    (found,) = reversed_rankings(turned, labels, specimens, groups)
    assert found.sentence("svm").startswith("the scores of svm rank non-hybrids first among the non-signal images (ROC")


def test_without_groups_the_area_is_turned_round():
    scores, labels, _, specimens = table()
    (found,) = reversed_rankings(-scores, labels, specimens)
    assert found.turned == f"ROC AUC {roc_auc_score(labels, scores):.2f}"


def test_chance_and_few_specimens_are_not_called_upside_down():
    rng = np.random.default_rng(0)
    _, labels, _, specimens = table()
    assert reversed_rankings(rng.random(300), labels, specimens) == ()
    few = np.arange(100) < 4
    assert reversed_rankings(-few.astype(float), few, np.arange(100)) == ()
    # Twenty photographs of one individual are one hybrid.
    many = np.arange(100) < 20
    assert reversed_rankings(-many.astype(float), many, np.where(many, 0, np.arange(100))) == ()
    assert reversed_rankings(-many.astype(float), many, np.arange(100)) != ()


def test_one_class_has_no_direction():
    assert reversed_rankings([0.1, 0.2], [1, 1], ["a", "b"]) == ()


def test_real_predictions_of_non_hybrids(shared: Path):
    predictions = shared / "scores" / "predictions_DINO_large.txt"
    found = read_labelled_scores(predictions, shared / "challenge" / "ref_test.csv")
    upside_down = reversed_rankings(found.scores, found.labels, found.specimens, found.groups, resamples=300)
    assert upside_down[0].group == ""
    assert upside_down[0].sentence().endswith("1 − score gives a challenge score of 0.179")
    right = read_labelled_scores(predictions, shared / "challenge" / "ref_test.csv", lower_is_hybrid=True)
    left = reversed_rankings(right.scores, right.labels, right.specimens, right.groups, resamples=300)
    assert [one.group for one in left] == ["minor"]  # turned round, the non-signal hybrids are still below chance
