"""What every score-based metric needs: the labels counted down the ranking of the scores.

The counts are integers, so they are exact; the few divisions and sums that follow are done in the order
scikit-learn 1.9 does them, which is what makes the results equal to the official scoring program's to the
last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import ScoringError

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Ranking:
    """Labels counted at every distinct score, from the highest score down.

    Attributes
    ----------
    thresholds : ndarray of shape (n_distinct,), float64
        The distinct scores, descending.
    hybrids : ndarray of shape (n_distinct,), float64
        Number of hybrids that score `thresholds[i]` or more.
    non_hybrids : ndarray of shape (n_distinct,), float64
        Number of non-hybrids that score `thresholds[i]` or more.
    """

    thresholds: npt.NDArray[np.float64]
    hybrids: npt.NDArray[np.float64]
    non_hybrids: npt.NDArray[np.float64]

    @property
    def n_hybrids(self) -> int:
        """Number of hybrids in all."""
        return int(self.hybrids[-1])

    @property
    def n_non_hybrids(self) -> int:
        """Number of non-hybrids in all."""
        return int(self.non_hybrids[-1])

    def threshold_at_tnr(self, tnr: float = 0.95) -> float:
        """Lowest score of the data at which enough non-hybrids are called non-hybrid.

        An image is called hybrid when its score is strictly greater than the threshold.

        Parameters
        ----------
        tnr : float in (0, 1]
            The true-negative rate to reach.

        Returns
        -------
        float
            One of the scores. The highest of them when there is no non-hybrid to measure the rate on.
        """
        total = self.non_hybrids[-1]
        if total == 0:
            return float(self.thresholds[0])
        above = np.concatenate(([0.0], self.non_hybrids[:-1]))
        kept = (total - above) / total
        # `kept` falls along the descending scores, so the last index that still qualifies is the lowest
        # score.
        return float(self.thresholds[np.count_nonzero(kept >= tnr) - 1])

    def called_hybrid(self, threshold: float) -> tuple[int, int]:
        """Count the images called hybrid at a threshold.

        Parameters
        ----------
        threshold : float
            Scores strictly greater than this are called hybrid.

        Returns
        -------
        true_positives : int
            Hybrids called hybrid.
        false_positives : int
            Non-hybrids called hybrid.
        """
        rank = int(np.count_nonzero(self.thresholds > threshold))
        if rank == 0:
            return 0, 0
        return int(self.hybrids[rank - 1]), int(self.non_hybrids[rank - 1])

    def average_precision(self) -> float:
        """Area under the precision-recall curve as a step function (scikit-learn's average precision).

        Returns
        -------
        float in [0, 1]
            0 when there are no hybrids.
        """
        precision = self.hybrids / (self.hybrids + self.non_hybrids)
        total = self.hybrids[-1]
        recall = self.hybrids / total if total else np.ones_like(self.hybrids)
        steps = np.diff(np.concatenate((recall[::-1], [0.0])))
        return float(max(0.0, -np.sum(steps * precision[::-1])))

    def roc_auc(self) -> float:
        """Area under the ROC curve by the trapezoidal rule.

        Returns
        -------
        float in [0, 1]
            NaN when one of the two classes is absent.
        """
        if not self.hybrids[-1] or not self.non_hybrids[-1]:
            return float("nan")
        hits, alarms = self.hybrids, self.non_hybrids
        if len(hits) > 2:
            # Collinear points do not change the area, but scikit-learn drops them before it sums, and which
            # terms are summed decides the last bit.
            corner = (np.diff(alarms, 2) != 0) | (np.diff(hits, 2) != 0)
            keep = np.concatenate(([True], corner, [True]))
            hits, alarms = hits[keep], alarms[keep]
        y = np.concatenate(([0.0], hits)) / hits[-1]
        x = np.concatenate(([0.0], alarms)) / alarms[-1]
        return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0))


def rank(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> Ranking:
    """Sort scores and count the labels at and above each distinct one, in O(n log n).

    Parameters
    ----------
    scores : ndarray of shape (n,), float64
        Finite hybrid scores, n >= 1; higher = more likely hybrid.
    labels : ndarray of shape (n,), bool
        True for a hybrid.
    """
    order = np.argsort(-scores)
    ordered = scores[order]
    last_of_ties = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    hybrids = np.cumsum(labels[order], dtype=np.float64)[last_of_ties]
    return Ranking(ordered[last_of_ties], hybrids, last_of_ties + 1.0 - hybrids)


def checked_scores(
    scores: npt.ArrayLike, labels: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Check scores and labels against each other and give them their types.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Hybrid scores.
    labels : array-like of shape (n,)
        1 or True for a hybrid, 0 or False for a non-hybrid.

    Returns
    -------
    scores : ndarray of shape (n,), float64
    labels : ndarray of shape (n,), bool

    Raises
    ------
    ScoringError
        If the shapes differ, there are no rows, a score is not a finite number or a label is neither 0 nor 1.
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


def threshold_at_tnr(scores: npt.ArrayLike, labels: npt.ArrayLike, tnr: float = 0.95) -> float:
    """Threshold at a true-negative rate, found as the official scoring program finds it but in O(n log n).

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
    return rank(*checked_scores(scores, labels)).threshold_at_tnr(tnr)


def checked_rate(tnr: float) -> None:
    """Raise ScoringError unless a true-negative rate lies in (0, 1]."""
    if not 0 < tnr <= 1:
        raise ScoringError(f"The true-negative rate must be in (0, 1]; got {tnr}.")


def ratio(part: int, whole: int) -> float:
    """Divide counts; 0 where there is nothing to divide by, as in scikit-learn's recall."""
    return part / whole if whole else 0.0
