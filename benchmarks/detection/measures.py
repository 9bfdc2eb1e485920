"""Scores of detectors, and how sure differences between them are."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from hybridwing.evaluation.challenge_score import challenge_scores


@dataclass(frozen=True)
class Score:
    """Challenge score and the three recalls it is made of."""

    challenge: float
    signal: float
    non_signal: float
    mimic: float


def score(values: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> Score:
    """The official score of raw scores."""
    record = challenge_scores(values, labels, groups).leaderboard()
    return Score(
        record["challenge_score"],
        record["A_score_major_recall"],
        record["A_score_minor_recall"],
        record["mimic_recall"],
    )


def resampled(
    one: np.ndarray, labels: np.ndarray, groups: np.ndarray, other: np.ndarray | None = None, n: int = 500
) -> tuple[float, float]:
    """95 % interval of a challenge score, or of its lead over another: bootstrap within every group and label."""
    rng = np.random.default_rng(0)
    strata = [np.flatnonzero((groups == group) & (labels == label)) for group in np.unique(groups) for label in (0, 1)]
    found = []
    for _ in range(n):
        rows = np.concatenate([rng.choice(stratum, len(stratum)) for stratum in strata])
        value = score(one[rows], labels[rows], groups[rows]).challenge
        if other is not None:
            value -= score(other[rows], labels[rows], groups[rows]).challenge
        found.append(value)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def mean_interval(values: list[float]) -> tuple[float, float, float]:
    """Mean over seeds and its 95 % interval by Student's t; an interval of NaN for a single seed."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, math.nan, math.nan
    half = float(student.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half
