"""The detectors that are compared, and what is taken away in the ablations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.detectors.fusion import WEIGHTS, FusionDetector
from hybridwing.detectors.registry import make_detector
from hybridwing.runtime.layouts import FUSION_HEADS
from hybridwing.runtime.pattern import BLOCKS

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
        fitted = _fitted(make_detector(name, seed=SEED), training)
        scores[name] = {test: fitted.score_samples(X) for test, X in tests.items()}
    fusion = _fitted(make_detector(DEFAULT, seed=SEED), training)
    assert isinstance(fusion, FusionDetector)
    scores[DEFAULT] = {test: fusion.score_samples(X) for test, X in tests.items()}
    if not ablate:
        return scores
    for test, X in tests.items():
        heads = np.stack([head.score_samples(X) for head in fusion.heads_], axis=1)
        heads = (heads - fusion.centres_) / fusion.scales_
        for place, head in enumerate(FUSION_HEADS):
            weights = fusion.weights_ * (np.arange(len(FUSION_HEADS)) != place)
            scores.setdefault(f"fusion without {head}", {})[test] = heads @ weights
        scores.setdefault("fusion, no head left out", {})[test] = heads @ np.array(WEIGHTS)
        scores.setdefault("fusion, heads count alike", {})[test] = heads @ (fusion.weights_ > 0)
    for title, changed in (
        ("fusion, four blocks", FusionDetector(BLOCKS, random_state=SEED)),
        ("fusion, records not weighted", FusionDetector(balance_records=False, random_state=SEED)),
    ):
        fitted = _fitted(changed, training)
        scores[title] = {test: fitted.score_samples(X) for test, X in tests.items()}
    return scores


def _fitted(detector, training: Training):
    return detector.fit(
        training.X,
        training.y,
        subspecies=training.subspecies,
        parents=training.parents,
        records=training.records,
    )
