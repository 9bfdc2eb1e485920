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
from hybridwing.evaluation.intervals import Estimate, Interval, wilson_interval
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.evaluation.ranking import checked_rate
from hybridwing.evaluation.resampling import RESAMPLES, Ladder, Resampling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

LEADERBOARD = (
    "A_score_major_recall", "A_score_minor_recall", "A_PRC_AUC", "A_PRC_AUC_major", "A_PRC_AUC_minor", "mimic_recall",
    "mimic_PRC_AUC", "challenge_score",
)  # fmt: skip
"""The measures of the challenge, named and ordered as in ``ChallengeScores.leaderboard``."""
DETECTION_MEASURES = ("hybrid_recall", "prc_auc", "roc_auc")
"""What is resampled for any labelled table; names as in ``DetectionMetrics``."""


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
    drawn = Resampling(strata, specimens, resamples, seed)
    recalls = {"A_score_major_recall": "major", "A_score_minor_recall": "minor", "mimic_recall": "mimic"}
    found = {measure: drawn.n_specimens(hybrid & parts[group]) for measure, group in recalls.items()}
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
    drawn = Resampling(hybrid, specimens, resamples, seed)
    if hybrid.all() or not hybrid.any():
        return Uncertainty({one: {} for one in scores}, {}, resamples, level, drawn.n_specimens())
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

    return _uncertainty(scores, whole, measured, drawn, level, {"hybrid_recall": drawn.n_specimens(hybrid)})


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


def challenge_draws(
    scores: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    groups: npt.ArrayLike,
    drawn: Resampling,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Floats]:
    """The leaderboard's measures on every resample.

    Parameters
    ----------
    scores : mapping of str to array-like of shape (n,)
        Hybrid scores by detector.
    labels, groups : array-like of shape (n,)
        As in :func:`challenge_uncertainty`.
    drawn : Resampling
        Of these images, by group and label.
    progress : callable, optional
        Called with resamples done and all.

    Returns
    -------
    dict of str to ndarray of shape (resamples, 8), float64
        Columns in the order of ``ChallengeScores.leaderboard``.
    """
    hybrid, names = np.asarray(labels) == 1, np.asarray(groups).astype(str)
    parts = {group: names == group for group in GROUPS}
    return _drawn(scores, lambda values: _challenge_measures(values, hybrid, parts), drawn, progress)


def _drawn(
    scores: Mapping[str, npt.ArrayLike],
    measured: Callable[[Floats], Callable[[Floats], Floats]],
    drawn: Resampling,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Floats]:
    """What each detector's scores come to on every resample."""
    measures = {one: measured(np.asarray(values, dtype=np.float64)) for one, values in scores.items()}
    blocks: dict[str, list[Floats]] = {one: [] for one in scores}
    done = 0
    for counts in drawn.counts():
        for one, measure in measures.items():
            blocks[one].append(measure(counts))
        done += len(counts)
        if progress is not None:
            progress(done, drawn.resamples)
    return {one: np.concatenate(found) for one, found in blocks.items()}


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
    draws = _drawn(scores, measured, drawn)
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
        specimens=drawn.n_specimens(),
    )
