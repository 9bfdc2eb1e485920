"""The detectors that are compared, and what is taken away in the ablations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest.mock import patch

from hybridwing.detectors.registry import detector_for_run
from hybridwing.detectors.ridge import RidgeDetector
from hybridwing.runtime import ridge

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

BASELINES = ("svm", "sgd", "knn", "soft-parents", "gap")
OTHERS = ("mahalanobis",)
DEFAULT = "ridge"
SEED = 42


class InFull(RidgeDetector):
    """The default, but the likeliest subspecies is taken away in full."""

    def _score(self, X: np.ndarray) -> np.ndarray:
        with patch.object(ridge, "LIKELIEST", 1.0):
            return super()._score(X)


@dataclass(frozen=True, eq=False)
class Training:
    """What a detector learns from; arrays and lists of one length. `blocks` are widths of the columns of X."""

    X: np.ndarray
    y: np.ndarray
    subspecies: Sequence[str | None]
    parents: Sequence[tuple[str, str] | None]
    blocks: tuple[int, ...]


def all_scores(training: Training, tests: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Raw scores of every detector on every test set: ``scores[detector][test]``."""
    detectors = {name: detector_for_run(name, seed=SEED) for name in BASELINES}
    if sum(training.blocks) < 2000:  # its covariance of thousands of columns would take minutes
        detectors.update({name: detector_for_run(name, seed=SEED, blocks=training.blocks) for name in OTHERS})
    detectors[DEFAULT] = RidgeDetector(training.blocks)
    detectors["ridge, likeliest in full"] = InFull(training.blocks)
    detectors["ridge, 32 components"] = RidgeDetector(training.blocks, n_components=32)
    if len(training.blocks) > 1:
        detectors["ridge, all one block"] = RidgeDetector()
    scores = {}
    for title, detector in detectors.items():
        detector.fit(training.X, training.y, subspecies=training.subspecies, parents=training.parents)
        scores[title] = {test: detector.decision_function(X) for test, X in tests.items()}
    return scores
