"""Detection metrics of any labelled table, with the definitions the challenge uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.evaluation.ranking import Ranking, checked_rate, checked_scores, rank, ratio

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class DetectionMetrics:
    """How well scores tell hybrids from non-hybrids.

    Attributes
    ----------
    n : int
        Number of images.
    n_hybrids : int
        Number of hybrids among them.
    threshold : float
        An image is called hybrid when its score is strictly greater.
    true_negative_rate : float in [0, 1]
        Share of the non-hybrids called non-hybrid; 0 if there are none.
    hybrid_recall, hybrid_precision, f1_score, accuracy : float in [0, 1]
        At the threshold, hybrids being the positives; 0 where there is nothing to divide by.
    prc_auc : float in [0, 1]
        Average precision of the raw scores; 0 without hybrids.
    roc_auc : float in [0, 1]
        ROC area of the raw scores; NaN when one of the classes is absent.
    """

    n: int
    n_hybrids: int
    threshold: float
    true_negative_rate: float
    hybrid_recall: float
    hybrid_precision: float
    f1_score: float
    accuracy: float
    prc_auc: float
    roc_auc: float


def detection_metrics(scores: npt.ArrayLike, labels: npt.ArrayLike, tnr: float = 0.95) -> DetectionMetrics:
    """Measure hybrid scores against labels.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Finite hybrid scores; higher = more likely hybrid.
    labels : array-like of shape (n,)
        1 for a hybrid, 0 for a non-hybrid.
    tnr : float in (0, 1], default 0.95
        True-negative rate that sets the threshold, see `hybridwing.evaluation.ranking.threshold_at_tnr`.

    Raises
    ------
    ScoringError
        If scores and labels do not fit, or `tnr` is out of range.

    Examples
    --------
    >>> detection_metrics([0.1, 0.2, 0.3, 0.9], [0, 0, 0, 1]).hybrid_recall
    1.0
    """
    checked_rate(tnr)
    return metrics_of(rank(*checked_scores(scores, labels)), tnr)


def metrics_of(ranking: Ranking, tnr: float) -> DetectionMetrics:
    """Detection metrics of labels that are already ranked; `tnr` in (0, 1]."""
    threshold = ranking.threshold_at_tnr(tnr)
    hits, alarms = ranking.called_hybrid(threshold)
    hybrids, non_hybrids = ranking.n_hybrids, ranking.n_non_hybrids
    return DetectionMetrics(
        n=hybrids + non_hybrids,
        n_hybrids=hybrids,
        threshold=threshold,
        true_negative_rate=ratio(non_hybrids - alarms, non_hybrids),
        hybrid_recall=ratio(hits, hybrids),
        hybrid_precision=ratio(hits, hits + alarms),
        f1_score=ratio(2 * hits, hybrids + hits + alarms),
        accuracy=ratio(hits + non_hybrids - alarms, hybrids + non_hybrids),
        prc_auc=ranking.average_precision(),
        roc_auc=ranking.roc_auc(),
    )
