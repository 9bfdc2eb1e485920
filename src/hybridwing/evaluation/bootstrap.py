"""Intervals of recalls and of the challenge score, and of differences between detectors, by resampling specimens.

2,000 resamples of the challenge's 2,350 images take about a second for a detector.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import ScoringError
from hybridwing.evaluation.challenge_score import GROUPS, TRUE_NEGATIVE_RATE, challenge_scores
from hybridwing.evaluation.intervals import Interval, wilson_interval
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.evaluation.ranking import checked_rate
from hybridwing.evaluation.resampling import RESAMPLES, Ladder, Resampling, resampling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

DETECTION_MEASURES = ("hybrid_recall", "prc_auc", "roc_auc")
"""What is resampled for any labelled table; names as in ``DetectionMetrics``."""


@dataclass(frozen=True)
class Estimate:
    """A measure, or a difference of two, with its interval.

    Attributes
    ----------
    value : float
        Measured on all images.
    interval : Interval
        Percentile bootstrap over specimens; Wilson's for a recall of none or all, of which no resample differs.
    """

    value: float
    interval: Interval


@dataclass(frozen=True)
class Uncertainty:
    """How far measures can be trusted.

    Attributes
    ----------
    measures : dict of str to (dict of str to Estimate)
        By detector, then by measure.
    differences : dict of (str, str) to (dict of str to Estimate)
        Of each two detectors, the measure of the first less that of the second on the same resamples: what makes a draw
        of specimens easy or hard for both drops out.
    resamples : int
    level : float in (0, 1)
    specimens : int
        Specimens that were resampled.
    """

    measures: dict[str, dict[str, Estimate]]
    differences: dict[tuple[str, str], dict[str, Estimate]]
    resamples: int
    level: float
    specimens: int


def challenge_uncertainty(
    scores: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    groups: npt.ArrayLike,
    specimens: npt.ArrayLike,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 42,
) -> Uncertainty:
    """Every leaderboard measure of every detector with its interval, and the differences of each two.

    Specimens are resampled within group and label, and the thresholds are set anew on every resample.

    Parameters
    ----------
    scores : mapping of str to array-like of shape (n,)
        Hybrid scores by detector, at least one.
    labels : array-like of shape (n,)
        1 for a hybrid, 0 for a non-hybrid; each group has both.
    groups : array-like of str, shape (n,)
        ``"major"``, ``"minor"`` or ``"mimic"``.
    specimens : array-like of shape (n,)
    resamples : int, default 2000
    level : float in (0, 1), default 0.95
    seed : int, default 42

    Returns
    -------
    Uncertainty
        Measures by the names of ``ChallengeScores.leaderboard``.

    Raises
    ------
    ScoringError
        If the arrays do not fit or an argument is out of range.
    """
    names = np.asarray(groups).astype(str)
    whole = {one: challenge_scores(values, labels, names).leaderboard() for one, values in scores.items()}
    hybrid = np.asarray(labels) == 1
    parts = {group: names == group for group in GROUPS}

    def measured(values: Floats) -> Callable[[Floats], Floats]:
        return _challenge_measures(values, hybrid, parts)

    strata = np.char.add(names, hybrid.astype(np.int8).astype(str))
    drawn = resampling(strata, specimens, resamples=resamples, seed=seed)
    recalls = {"A_score_major_recall": "major", "A_score_minor_recall": "minor", "mimic_recall": "mimic"}
    found = {measure: _specimens(drawn, hybrid & parts[group]) for measure, group in recalls.items()}
    return _uncertainty(scores, whole, measured, drawn, level, found)


def detection_uncertainty(
    scores: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    specimens: npt.ArrayLike,
    *,
    tnr: float = 0.95,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 42,
) -> Uncertainty:
    """The measures of any labelled table with their intervals, and the differences of each two detectors.

    Parameters
    ----------
    scores, labels, specimens, resamples, level, seed
        As in :func:`challenge_uncertainty`; specimens are resampled within label.
    tnr : float in (0, 1], default 0.95
        Sets the threshold of the recall, anew on every resample.

    Returns
    -------
    Uncertainty
        Measures by the names :data:`DETECTION_MEASURES`; empty where the table lacks hybrids or
        non-hybrids, for nothing is known then.

    Raises
    ------
    ScoringError
        If the arrays do not fit or an argument is out of range.
    """
    checked_rate(tnr)
    hybrid = np.asarray(labels) == 1
    metrics = {one: detection_metrics(values, labels, tnr) for one, values in scores.items()}
    drawn = resampling(hybrid, specimens, resamples=resamples, seed=seed)
    if hybrid.all() or not hybrid.any():
        return Uncertainty({one: {} for one in scores}, {}, resamples, level, sum(drawn.sizes))
    whole = {one: {name: getattr(found, name) for name in DETECTION_MEASURES} for one, found in metrics.items()}

    def measured(values: Floats) -> Callable[[Floats], Floats]:
        ladder = Ladder(values, hybrid)
        return lambda counts: np.stack(
            [
                ladder.share_above(counts, ladder.rungs(counts, tnr), hybrid),
                ladder.average_precision(counts),
                ladder.roc_area(counts),
            ],
            axis=1,
        )

    return _uncertainty(scores, whole, measured, drawn, level, {"hybrid_recall": _specimens(drawn, hybrid)})


def _challenge_measures(scores: Floats, hybrid: Flags, parts: Mapping[str, Flags]) -> Callable[[Floats], Floats]:
    """Measure resamples: counts of shape (b, n) to the leaderboard's measures in their order, shape (b, 8)."""
    species_a = ~parts["mimic"]
    rows = {"A": species_a, **parts}
    ladders = {name: Ladder(scores[chosen], hybrid[chosen]) for name, chosen in rows.items()}

    def measures(counts: Floats) -> Floats:
        counted = {name: counts[:, chosen] for name, chosen in rows.items()}
        precision = {name: ladder.average_precision(counted[name]) for name, ladder in ladders.items()}
        both, mimic = ladders["A"], ladders["mimic"]
        rungs = both.rungs(counted["A"], TRUE_NEGATIVE_RATE)
        major, minor = (
            both.share_above(counted["A"], rungs, (hybrid & parts[group])[species_a]) for group in ("major", "minor")
        )
        apart = mimic.rungs(counted["mimic"], TRUE_NEGATIVE_RATE)
        mimics = mimic.share_above(counted["mimic"], apart, hybrid[parts["mimic"]])
        recalls = np.stack([major, minor, mimics])
        found = (recalls > 0).all(axis=0)
        score = np.where(found, 3 / (1 / np.where(recalls > 0, recalls, 1.0)).sum(axis=0), 0.0)
        areas = (precision["A"], precision["major"], precision["minor"])
        return np.stack([major, minor, *areas, mimics, precision["mimic"], score], axis=1)

    return measures


def _specimens(drawn: Resampling, which: Flags) -> int:
    return len(np.unique(drawn.member[which]))


def _uncertainty(
    scores: Mapping[str, npt.ArrayLike],
    whole: Mapping[str, Mapping[str, float]],
    measured: Callable[[Floats], Callable[[Floats], Floats]],
    drawn: Resampling,
    level: float,
    recalls: Mapping[str, int],
) -> Uncertainty:
    """Measure every resample; `recalls` are the measures that are shares, with the specimens they are shares of."""
    if not 0 < level < 1:
        raise ScoringError(f"The level of an interval must be in (0, 1); got {level}.")
    measures = {one: measured(np.asarray(values, dtype=np.float64)) for one, values in scores.items()}
    blocks: dict[str, list[Floats]] = {one: [] for one in scores}
    for counts in drawn.counts():
        for one, measure in measures.items():
            blocks[one].append(measure(counts))
    draws = {one: np.concatenate(parts) for one, parts in blocks.items()}
    names = list(next(iter(whole.values())))

    def estimates(values: Mapping[str, float], found: Floats) -> dict[str, Estimate]:
        low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return {
            name: Estimate(float(values[name]), Interval(float(low[place]), float(high[place])))
            for place, name in enumerate(names)
        }

    return Uncertainty(
        measures={
            one: {
                name: Estimate(
                    estimate.value, wilson_interval(int(estimate.value) * recalls[name], recalls[name], level)
                )
                if recalls.get(name) and estimate.value in (0.0, 1.0)
                else estimate
                for name, estimate in estimates(whole[one], draws[one]).items()
            }
            for one in scores
        },
        differences={
            (a, b): estimates({name: whole[a][name] - whole[b][name] for name in names}, draws[a] - draws[b])
            for a, b in itertools.combinations(scores, 2)
        },
        resamples=drawn.resamples,
        level=level,
        specimens=sum(drawn.sizes),
    )
