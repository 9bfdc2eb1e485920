"""How a run's detector did on the images that its training held out, with intervals."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.csv_files import read_rows
from hybridwing.errors import RunError
from hybridwing.evaluation.intervals import Estimate, Interval, resampled_rows
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.runs.folder import SCORES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybridwing.runs.run import Run

#: Attributes of :class:`hybridwing.evaluation.metrics.DetectionMetrics` that are reported, with what to call them.
MEASURES = {
    "hybrid_recall": "Hybrid recall at 95 % true-negative rate",
    "prc_auc": "PRC AUC",
    "roc_auc": "ROC AUC",
}


#: With fewer hybrids, or fewer others, an interval from resampling them means nothing.
LEAST = 5


@dataclass(frozen=True)
class HeldOut:
    """A detector on held-out images.

    Attributes
    ----------
    images, hybrids : int
    measures : dict of str to Estimate
        By the names of :data:`MEASURES`; empty with fewer than :data:`LEAST` hybrids or others.
    """

    images: int
    hybrids: int
    measures: dict[str, Estimate]


def held_out(run: Run, detector: str, *, resamples: int = 1000, seed: int = 42) -> HeldOut:
    """Measure a detector on the images that its run held out; images are resampled within their label.

    Raises
    ------
    RunError
        If the run's ``scores.csv`` is missing or damaged.
    """
    path = run.folder / SCORES
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in read_rows(file) if row["detector"] == detector]
        scores = np.array([float(row["score"]) for row in rows])
        labels = np.array([int(row["label"]) for row in rows], dtype=np.int8)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise RunError(f"{path} cannot be read: {error}; train again") from error
    hybrids = int(labels.sum())
    if min(hybrids, len(labels) - hybrids) < LEAST:
        return HeldOut(len(labels), hybrids, {})
    whole = _measured(scores, labels)
    drawn = np.array(
        [
            _measured(scores[rows], labels[rows])
            for rows in resampled_rows(labels, np.arange(len(labels)), resamples=resamples, seed=seed)
        ]
    )
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    measures = {
        name: Estimate(float(whole[place]), Interval(float(low[place]), float(high[place])))
        for place, name in enumerate(MEASURES)
    }
    return HeldOut(len(labels), hybrids, measures)


def _measured(scores: NDArray[np.float64], labels: NDArray[np.int8]) -> list[float]:
    metrics = detection_metrics(scores, labels)
    return [getattr(metrics, name) for name in MEASURES]
