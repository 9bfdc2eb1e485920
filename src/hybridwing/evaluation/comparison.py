"""Compare systems on one set of images: official measures with bootstrap intervals, and differences pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import ScoringError
from hybridwing.evaluation.bootstrap import LEADERBOARD, challenge_draws
from hybridwing.evaluation.challenge_score import challenge_scores
from hybridwing.evaluation.intervals import Estimate, Interval
from hybridwing.evaluation.resampling import Resampling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

COLUMNS: Mapping[str, str] = {
    "challenge_score": "Challenge Score",
    "A_score_major_recall": "Signal Hybrid Recall",
    "A_score_minor_recall": "Non-Signal Hybrid Recall",
    "A_PRC_AUC_major": "PRC AUC Signal Hybrids",
    "A_PRC_AUC_minor": "PRC AUC Non-Signal Hybrids",
    "mimic_recall": "Mimic Hybrid Recall",
    "mimic_PRC_AUC": "PRC AUC Mimic Hybrids",
}
"""The seven columns of the challenge's leaderboard, in its order, with short titles; keys as in ``scores.json``."""


@dataclass(frozen=True)
class ComparedSystem:
    """One system of a comparison.

    Attributes
    ----------
    name : str
    measures : dict of str to Estimate
        By the keys of :data:`COLUMNS`.
    differences : dict of str to Estimate
        This system's measure less that of the first, on the same resamples; empty for the first.
    share_ahead : float or None
        Share of the resamples in which its challenge score is higher than the first's, ties counting half; None for the
        first.
    """

    name: str
    measures: dict[str, Estimate]
    differences: dict[str, Estimate]
    share_ahead: float | None


@dataclass(frozen=True)
class Comparison:
    """Systems measured on the same images.

    Attributes
    ----------
    systems : tuple of ComparedSystem
        In the order they were given: differences are to the first.
    images, specimens : int
    hybrids : dict of str to int
        Hybrids of each group, on which the recalls rest.
    resamples : int
    level : float
        Of the intervals.
    """

    systems: tuple[ComparedSystem, ...]
    images: int
    specimens: int
    hybrids: dict[str, int]
    resamples: int
    level: float


def compare(
    scores: Mapping[str, npt.NDArray[np.float64]],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.object_] | npt.NDArray[np.str_],
    specimens: npt.ArrayLike,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 42,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Measure systems with intervals, and hold each against the first.

    Specimens are resampled within group and label, and all systems are measured on the same resamples: what makes a
    draw of specimens easy or hard drops out of the differences. The threshold is set anew on each.

    Parameters
    ----------
    scores : mapping of str to ndarray of shape (n,)
        Hybrid scores by the system's name.
    labels : ndarray of shape (n,)
        1 for a hybrid.
    groups : ndarray of str, shape (n,)
        ``"major"``, ``"minor"`` or ``"mimic"``.
    specimens : array-like of shape (n,)
        The photographed individual of each image.
    resamples : int, default 1000
    level : float in (0, 1), default 0.95
    seed : int, default 42
    progress : callable, optional
        Called with resamples done and all.

    Raises
    ------
    ScoringError
        If there are no systems, or an argument does not fit.
    """
    if not scores:
        raise ScoringError("There is nothing to compare.")
    if not 0 < level < 1:
        raise ScoringError(f"The level of an interval must be in (0, 1); got {level}.")
    group_names, specimen_names = np.asarray(groups).astype(str), np.asarray(specimens).astype(str)
    whole = np.stack([_measure(values, labels, group_names) for values in scores.values()])
    strata = np.char.add(group_names, labels.astype(str))
    resampling = Resampling(strata, specimen_names, resamples, seed)
    draws = challenge_draws(scores, labels, group_names, resampling, progress)
    columns = [LEADERBOARD.index(key) for key in COLUMNS]
    drawn = np.stack([draws[name][:, columns] for name in scores], axis=1)
    systems = []
    for place, name in enumerate(scores):
        first = place == 0
        apart, ahead = drawn[:, place] - drawn[:, 0], drawn[:, place, 0] - drawn[:, 0, 0]
        systems.append(
            ComparedSystem(
                name=name,
                measures=_estimates(whole[place], drawn[:, place], level),
                differences={} if first else _estimates(whole[place] - whole[0], apart, level),
                share_ahead=None if first else float((ahead > 0).mean() + 0.5 * (ahead == 0).mean()),
            )
        )
    hybrids = {group: int(((group_names == group) & (labels == 1)).sum()) for group in ("major", "minor", "mimic")}
    return Comparison(tuple(systems), len(labels), len(np.unique(specimen_names)), hybrids, resamples, level)


def _measure(
    scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int8], groups: npt.NDArray[np.str_]
) -> npt.NDArray[np.float64]:
    record = challenge_scores(scores, labels, groups).leaderboard()
    return np.array([record[key] for key in COLUMNS])


def _estimates(values: npt.NDArray[np.float64], drawn: npt.NDArray[np.float64], level: float) -> dict[str, Estimate]:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {
        key: Estimate(float(values[place]), Interval(float(low[place]), float(high[place])))
        for place, key in enumerate(COLUMNS)
    }
