"""Detection metrics of any labelled table, with the definitions that the challenge uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import ScoringError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]


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

    def unmeasured(self) -> frozenset[str]:
        """Names of the metrics that these images cannot give, since hybrids or non-hybrids are absent."""
        if not self.n_hybrids:
            return frozenset({"hybrid_recall", "hybrid_precision", "f1_score", "prc_auc", "roc_auc"})
        if self.n_hybrids == self.n:  # without non-hybrids there is no threshold either
            return frozenset(vars(self)) - {"n", "n_hybrids"}
        return frozenset()


def detection_metrics(scores: npt.ArrayLike, labels: npt.ArrayLike, tnr: float = 0.95) -> DetectionMetrics:
    """Measure hybrid scores against labels.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Finite hybrid scores; higher = more likely hybrid.
    labels : array-like of shape (n,)
        1 for a hybrid, 0 for a non-hybrid.
    tnr : float in (0, 1], default 0.95
        True-negative rate that sets the threshold, see `threshold_at_tnr`.

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
    values, hybrid = checked_scores(scores, labels)
    threshold = _threshold(values, hybrid, tnr)
    called = values > threshold
    hits, alarms = int((called & hybrid).sum()), int((called & ~hybrid).sum())
    hybrids = int(hybrid.sum())
    others = len(hybrid) - hybrids
    return DetectionMetrics(
        n=len(hybrid),
        n_hybrids=hybrids,
        threshold=threshold,
        true_negative_rate=ratio(others - alarms, others),
        hybrid_recall=ratio(hits, hybrids),
        hybrid_precision=ratio(hits, hits + alarms),
        f1_score=ratio(2 * hits, hybrids + hits + alarms),
        accuracy=ratio(hits + others - alarms, len(hybrid)),
        prc_auc=average_precision(values, hybrid),
        roc_auc=roc_auc(values, hybrid),
    )


def average_precision(scores: Floats, hybrid: Flags) -> float:
    """scikit-learn's average precision; 0 without hybrids, as in scikit-learn, but without its warning."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(hybrid, scores)) if hybrid.any() else 0.0


def roc_auc(scores: Floats, hybrid: Flags) -> float:
    """scikit-learn's ROC area; NaN where one of the two classes is absent."""
    from sklearn.metrics import roc_auc_score

    return float("nan") if hybrid.all() or not hybrid.any() else float(roc_auc_score(hybrid, scores))


def threshold_at_tnr(scores: npt.ArrayLike, labels: npt.ArrayLike, tnr: float = 0.95) -> float:
    """Threshold at a true-negative rate: the official program's, whose search is quadratic, in O(n log n).

    Parameters
    ----------
    scores : array-like of shape (n,)
        Finite hybrid scores; higher = more likely hybrid.
    labels : array-like of shape (n,)
        1 for a hybrid, 0 for a non-hybrid.
    tnr : float in (0, 1], default 0.95
        The share of non-hybrids that must score at or below the threshold.

    Returns
    -------
    float
        The lowest of the scores at which that share is reached; the highest of the scores if there is no
        non-hybrid. An image is called hybrid when its score is strictly greater.

    Raises
    ------
    ScoringError
        If scores and labels do not fit, or `tnr` is out of range.

    Examples
    --------
    >>> threshold_at_tnr([0.1, 0.2, 0.3, 0.9], [0, 0, 0, 1])
    0.3
    """
    checked_rate(tnr)
    return _threshold(*checked_scores(scores, labels), tnr)


def _threshold(scores: Floats, hybrid: Flags, tnr: float) -> float:
    others = np.sort(scores[~hybrid])
    if not len(others):
        return float(scores.max())
    kept = np.arange(1, len(others) + 1) / len(others)
    return float(others[np.searchsorted(kept, tnr)])


def checked_scores(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Floats, Flags]:
    """Check scores and labels, 1 for a hybrid and 0 for others, and give them their types, float64 and bool.

    Raises ScoringError if they are not of one shape (n,), there are no rows, a score is not a finite number or a label
    is neither 0 nor 1.
    """
    try:
        score_array = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ScoringError(f"Scores must be numbers: {error}.") from error
    label_array = np.asarray(labels)
    if score_array.ndim != 1 or label_array.shape != score_array.shape:
        raise ScoringError(
            "Scores and labels must be one-dimensional and of one length; "
            f"got shapes {score_array.shape} and {label_array.shape}."
        )
    if not score_array.size:
        raise ScoringError("There are no scores to evaluate.")
    if not np.all(np.isfinite(score_array)):
        row = int(np.flatnonzero(~np.isfinite(score_array))[0])
        raise ScoringError(
            f"Every score must be a finite number; the score at position {row} is {score_array[row]}. "
            "The challenge rejects a submission with such a score."
        )
    hybrid = np.asarray(label_array == 1)
    if not np.all(hybrid | np.asarray(label_array == 0)):
        row = int(np.flatnonzero(~(hybrid | (label_array == 0)))[0])
        raise ScoringError(
            f"Every label must be 1 (hybrid) or 0 (non-hybrid); the label at position {row} is {label_array[row]!r}."
        )
    return score_array, hybrid


def checked_rate(tnr: float) -> None:
    """Raise ScoringError unless a true-negative rate lies in (0, 1]."""
    if not 0 < tnr <= 1:
        raise ScoringError(f"The true-negative rate must be in (0, 1]; got {tnr}.")


def ratio(part: int, whole: int) -> float:
    """Divide counts; 0 where there is nothing to divide by, as in scikit-learn's recall."""
    return part / whole if whole else 0.0
