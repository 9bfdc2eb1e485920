"""The detectors that are compared, and what is taken away in the ablations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.detectors.fusion import WEIGHTS, FusionDetector
from hybridwing.detectors.registry import detector_for_run
from hybridwing.runtime.layouts import FUSED
from hybridwing.runtime.pattern import REGIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

BASELINES = ("svm", "sgd", "knn", "soft-parents", "gap")
OTHERS = ("mahalanobis", "relative-mahalanobis", "parent-mixture", "synthetic-hybrids", "block-discriminant")
DEFAULT = "fusion"
SEED = 42


@dataclass(frozen=True, eq=False)
class Training:
    """What a detector learns from; arrays and lists of one length."""

    X: np.ndarray
    y: np.ndarray
    subspecies: Sequence[str | None]
    parents: Sequence[tuple[str, str] | None]
    records: Sequence[str | None]


def all_scores(training: Training, tests: dict[str, np.ndarray], *, ablate: bool) -> dict[str, dict[str, np.ndarray]]:
    """Raw scores of every detector on every test set: ``scores[detector][test]``."""
    scores: dict[str, dict[str, np.ndarray]] = {}
    for name in (*BASELINES, *OTHERS):
        fitted = _fitted(detector_for_run(name, seed=SEED), training)
        scores[name] = {test: fitted.decision_function(X) for test, X in tests.items()}
    fusion = _fitted(detector_for_run(DEFAULT, seed=SEED), training)
    assert isinstance(fusion, FusionDetector)
    scores[DEFAULT] = {test: fusion.decision_function(X) for test, X in tests.items()}
    if not ablate:
        return scores
    for test, X in tests.items():
        parts = np.stack([estimator.decision_function(X) for estimator in fusion.estimators_], axis=1)
        parts = (parts - fusion.centres_) / fusion.scales_
        for place, estimator in enumerate(FUSED):
            weights = fusion.weights_ * (np.arange(len(FUSED)) != place)
            scores.setdefault(f"fusion without {estimator}", {})[test] = parts @ weights
        scores.setdefault("fusion, no base detector left out", {})[test] = parts @ np.array(WEIGHTS)
        scores.setdefault("fusion, heads count alike", {})[test] = parts @ (fusion.weights_ > 0)
    for title, changed in (
        ("fusion, four blocks", FusionDetector(REGIONS, random_state=SEED)),
        ("fusion, records not weighted", FusionDetector(balance_records=False, random_state=SEED)),
    ):
        fitted = _fitted(changed, training)
        scores[title] = {test: fitted.decision_function(X) for test, X in tests.items()}
    return scores


def _fitted(detector, training: Training):
    return detector.fit(
        training.X,
        training.y,
        subspecies=training.subspecies,
        parents=training.parents,
        records=training.records,
    )
