"""What a threshold promises: the rate it was set for, the rate it reached, and what a flag is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.detectors.calibration import threshold_at
from hybridwing.errors import DetectorError
from hybridwing.evaluation.intervals import Interval, Proportion, clopper_pearson_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from hybridwing.runtime.arrays import SavedDetector

DECIMALS = 4
"""Decimals that scores are shown and written with; the threshold is rounded alike."""


@dataclass(frozen=True)
class Threshold:
    """A threshold with what is known of its error rate.

    Attributes
    ----------
    value : float in (0, 1)
        An image is called hybrid when its score is strictly greater; four decimals.
    tnr : float in (0, 1)
        What was asked for. A new non-hybrid like the held-out ones stays at or below the threshold with at least this
        probability, on average over draws of the held-out ones.
    achieved : Proportion
        Held-out non-hybrids that do.
    true_rate : Interval
        Where the rate among new non-hybrids lies for this draw of the held-out ones, at 95 %: quantiles of its Beta
        distribution (Vovk 2012, "Conditional validity of inductive conformal predictors", ACML, arXiv:1209.2673).
    """

    value: float
    tnr: float
    achieved: Proportion
    true_rate: Interval


@dataclass(frozen=True)
class Flag:
    """What it means that an image is called hybrid.

    Attributes
    ----------
    prevalence : float in (0, 1)
        Share of hybrids among the images that are looked at, as the user assumes it.
    probability : float in [0, 1]
        That a flagged image is a hybrid, by Bayes' rule.
    interval : Interval
        From the ends of the intervals of recall and true-negative rate, each at 97.5 %, so that both hold at 95 %.
    recall : Proportion
        Held-out hybrids above the threshold: hybrids of crosses that training showed.
    """

    prevalence: float
    probability: float
    interval: Interval
    recall: Proportion


def threshold_of(saved: SavedDetector, tnr: float) -> Threshold:
    """Set a threshold at a true-negative rate, in (0, 1), by the split-conformal rule, and say what it promises.

    Raises DetectorError as `hybridwing.detectors.calibration.threshold_at` does.
    """
    # Rounded as the scores are: otherwise a score equal to the threshold could round to one above it.
    value = round(threshold_at(saved, tnr), DECIMALS)
    scores = _held_out(saved)
    return Threshold(value, tnr, Proportion(int((scores <= value).sum()), len(scores)), _true_rate(scores, value, 0.95))


def flag_of(saved: SavedDetector, threshold: Threshold, hybrid_scores: ArrayLike, prevalence: float) -> Flag:
    """Probability that an image above the detector's threshold is a hybrid.

    `hybrid_scores` are calibrated scores of held-out hybrids. Raises DetectorError if the prevalence is not in (0, 1)
    or no hybrid was held out.
    """
    if not 0 < prevalence < 1:
        raise DetectorError(f"the prevalence must be within (0, 1); got {prevalence}")
    hybrids = np.round(np.asarray(hybrid_scores, dtype=np.float64), DECIMALS)
    if not hybrids.size:
        raise DetectorError(
            "no hybrid was held out, so nothing is known of how many are flagged; train with --split stratified"
        )
    recall = Proportion(int((hybrids > threshold.value).sum()), len(hybrids))
    scores = _held_out(saved)
    rate = _true_rate(scores, threshold.value, 0.975)
    found = clopper_pearson_interval(recall.count, recall.total, 0.975)
    # The mean of the rate's distribution: never 0, however few are held out.
    alarms = 1 - threshold.achieved.count / (threshold.achieved.total + 1)
    return Flag(
        prevalence,
        _flagged(prevalence, recall.share, alarms),
        Interval(_flagged(prevalence, found.low, 1 - rate.low), _flagged(prevalence, found.high, 1 - rate.high)),
        recall,
    )


def _held_out(saved: SavedDetector) -> NDArray[np.float64]:
    """Scores of the held-out non-hybrids, rounded as all scores are that a user sees."""
    scores: NDArray[np.float64] = saved.arrays["heldout_nonhybrid"].astype(np.float64)
    return np.round(scores, DECIMALS)


def _flagged(prevalence: float, recall: float, alarms: float) -> float:
    """Share of hybrids among flagged images; 0 where nothing is flagged."""
    hits = prevalence * recall
    called = hits + (1 - prevalence) * alarms
    return hits / called if called else 0.0


def _true_rate(scores: NDArray[np.float64], value: float, level: float) -> Interval:
    """Quantiles of Beta(k, n + 1 - k), k of n held-out scores being at or below the threshold."""
    from scipy.special import betaincinv

    count, total = int((scores <= value).sum()), len(scores)
    tail = (1 - level) / 2
    return Interval(*(float(betaincinv(count, total + 1 - count, tail)) for tail in (tail, 1 - tail)))
