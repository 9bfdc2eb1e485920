"""Which detector stands for a run."""

from __future__ import annotations

import dataclasses

import pytest

from hybridwing.detectors.selection import FEWEST_HYBRIDS, choose_detector
from hybridwing.evaluation.metrics import DetectionMetrics, detection_metrics

EXAMPLE = detection_metrics([0.1, 0.2, 0.3, 0.9], [0, 0, 0, 1])


def metrics(n_hybrids: int = FEWEST_HYBRIDS, **precisions: float) -> dict[str, DetectionMetrics]:
    return {
        name: dataclasses.replace(EXAMPLE, n_hybrids=n_hybrids, prc_auc=precision)
        for name, precision in precisions.items()
    }


@pytest.mark.parametrize(
    ("found", "name", "reason"),
    [
        (
            metrics(svm=0.9, ridge=0.8),
            "svm",
            "svm has the highest average precision on the held-out specimens (0.900)",
        ),
        (metrics(svm=0.8, ridge=0.9), "ridge", "ridge has the highest average precision"),
        (metrics(19, sgd=1.0, ridge=0.1), "ridge", "19 held-out hybrids are too few to compare detectors"),
        (metrics(1, sgd=1.0, ridge=0.1), "ridge", "1 held-out hybrid is too few"),
        (metrics(0, sgd=float("nan"), ridge=float("nan")), "ridge", "no held-out hybrids are too few"),
        (metrics(19, svm=0.1, sgd=1.0), "svm", "svm was named first; 19 held-out hybrids"),
        (metrics(sgd=1.0, svm=1.0, ridge=1.0), "ridge", "sgd and svm and ridge have the same average precision"),
        (metrics(svm=0.2, knn=0.9, sgd=0.9), "knn", "knn was named first; knn and sgd have the same"),
        (metrics(svm=0.9, knn=0.9, ridge=0.2), "svm", "svm was named first; svm and knn have the same"),
        (metrics(0, sgd=float("nan")), "sgd", "sgd is the only detector of this run"),
    ],
)
def test_the_choice_and_its_reason(found: dict[str, DetectionMetrics], name: str, reason: str) -> None:
    choice = choose_detector(found)
    assert choice.name == name
    assert reason in choice.reason
    assert choice == (choice.name, choice.reason)
