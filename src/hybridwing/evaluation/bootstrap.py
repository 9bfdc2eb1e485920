"""Intervals of recalls and of the challenge score, and of differences between detectors, by resampling specimens.

2,000 resamples of the challenge's 2,350 images take about a second for a detector.
"""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.evaluation.challenge_score import GROUPS, TRUE_NEGATIVE_RATE, challenge_scores, unmeasured
from hybridwing.evaluation.direction import reversed_rankings
from hybridwing.evaluation.intervals import (
    LEVEL,
    MINIMUM_SPECIMENS,
    Estimate,
    Interval,
    difference_interval,
    measure_interval,
    percentile_interval,
)
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.evaluation.resampling import RESAMPLES, RankedScores, Resampling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Measuring = Callable[[Floats], Floats]
    """Counts of shape (b, n) to measures of shape (b, k)."""

DETECTION_MEASURES = ("hybrid_recall", "prc_auc", "roc_auc")
"""What is resampled for any labelled table; names as in ``DetectionMetrics``."""
MEASURE_TITLES = {
    "challenge_score": "challenge score",
    "A_score_major_recall": "signal recall",
    "A_score_minor_recall": "non-signal recall",
    "mimic_recall": "mimic recall",
    "A_PRC_AUC": "PRC AUC",
    "A_PRC_AUC_major": "signal PRC AUC",
    "A_PRC_AUC_minor": "non-signal PRC AUC",
    "mimic_PRC_AUC": "mimic PRC AUC",
    "hybrid_recall": "recall",
    "prc_auc": "PRC AUC",
    "roc_auc": "ROC AUC",
}
"""Measures by their names in files, as people read them."""
_RECALLS = {"A_score_major_recall": "major", "A_score_minor_recall": "minor", "mimic_recall": "mimic"}
_HEADLINES = ("challenge_score", "hybrid_recall")


@dataclass(frozen=True)
class Uncertainty:
    """How far measures can be trusted."""

    # By detector, then by measure. A measure that the table cannot give, for want of hybrids or of non-hybrids, is
    # absent.
    measures: dict[str, dict[str, Estimate]]
    # Of two detectors, the measure of the first less that of the second on the same resamples: what makes a draw of
    # specimens easy or hard for both drops out. A difference that rests on fewer than
    # `hybridwing.evaluation.intervals.MINIMUM_SPECIMENS` hybrids or non-hybrids is absent.
    differences: dict[tuple[str, str], dict[str, Estimate]]
    resamples: int
    level: float  # Of the intervals
    specimens: int  # Specimens that were resampled
    notes: tuple[str, ...] = ()  # A sentence on each thing that is absent, and on each ranking that is upside down
    # Share of the resamples in which the first detector's challenge score (or recall) is higher than the second's, ties
    # counting half; absent where the difference is
    ahead: dict[tuple[str, str], float] = field(default_factory=dict)


def challenge_uncertainty(
    scores: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    groups: npt.ArrayLike,
    specimens: npt.ArrayLike,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 42,
    progress: Callable[[int, int], None] | None = None,
) -> Uncertainty:
    """Every leaderboard measure of every detector with its interval, and differences of detectors.

    Specimens are resampled within group and label, and the thresholds are set anew on every resample.

    Parameters
    ----------
    scores : mapping of str to array-like of shape (n,)
        Hybrid scores by detector, at least one.
    labels : array-like of shape (n,)
        1 for a hybrid, 0 for a non-hybrid.
    groups : array-like of str, shape (n,)
        ``"major"``, ``"minor"`` or ``"mimic"``; each is there.
    specimens : array-like of shape (n,)
        The photographed individual of each image.
    pairs : sequence of (str, str), optional
        Detectors to compare; by default each two.
    resamples : int, default 2000
    seed : int, default 42
    progress : callable, optional
        Called with resamples done and all.

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
    drawn = Resampling(np.char.add(names, hybrid.astype(np.int8).astype(str)), specimens, resamples, seed)

    def rests_on(members: Flags, threshold_members: Flags) -> int:
        return min(drawn.n_specimens(hybrid & members), drawn.n_specimens(~hybrid & threshold_members))

    species_a = ~parts["mimic"]
    hybrids = {measure: drawn.n_specimens(hybrid & parts[group]) for measure, group in _RECALLS.items()}
    fewest = {
        "A_score_major_recall": rests_on(parts["major"], species_a),
        "A_score_minor_recall": rests_on(parts["minor"], species_a),
        "mimic_recall": rests_on(parts["mimic"], parts["mimic"]),
        "A_PRC_AUC": rests_on(species_a, species_a),
        "A_PRC_AUC_major": rests_on(parts["major"], parts["major"]),
        "A_PRC_AUC_minor": rests_on(parts["minor"], parts["minor"]),
        "mimic_PRC_AUC": rests_on(parts["mimic"], parts["mimic"]),
    }
    fewest["challenge_score"] = min(fewest[recall] for recall in _RECALLS)
    absent = unmeasured(labels, names)
    measuring = {
        one: _challenge_measures(np.asarray(values, dtype=np.float64), hybrid, parts) for one, values in scores.items()
    }
    return _uncertainty(
        whole,
        _draws(measuring, drawn, progress),
        {name: count for name, count in fewest.items() if name not in absent},
        hybrids,
        drawn,
        pairs,
        [*absent_notes(absent), *_reversed_notes(scores, labels, specimens, names, drawn)],
    )


def detection_uncertainty(
    scores: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    specimens: npt.ArrayLike,
    *,
    resamples: int = RESAMPLES,
    seed: int = 42,
) -> Uncertainty:
    """The measures of any labelled table with their intervals, and the differences of each two detectors.

    Arguments and errors are those of `challenge_uncertainty`, but specimens are resampled within label. Measures
    go by the names `DETECTION_MEASURES`; where the table lacks hybrids or non-hybrids, nothing is known and they
    are empty.
    """
    hybrid = np.asarray(labels) == 1
    metrics = {one: detection_metrics(values, labels, TRUE_NEGATIVE_RATE) for one, values in scores.items()}
    drawn = Resampling(hybrid, specimens, resamples, seed)
    if hybrid.all() or not hybrid.any():
        notes = tuple(absent_notes({"": "no non-hybrids" if hybrid.all() else "no hybrids"}))
        return Uncertainty({one: {} for one in scores}, {}, resamples, LEVEL, drawn.n_specimens(), notes)
    whole = {one: {name: getattr(found, name) for name in DETECTION_MEASURES} for one, found in metrics.items()}

    def measuring(values: Floats) -> Measuring:
        ranked = RankedScores(values, hybrid)
        return lambda counts: np.stack(
            [
                ranked.share_above(counts, ranked.above_threshold(counts, TRUE_NEGATIVE_RATE), hybrid),
                ranked.average_precision(counts),
                ranked.roc_area(counts),
            ],
            axis=1,
        )

    hybrids = drawn.n_specimens(hybrid)
    return _uncertainty(
        whole,
        _draws({one: measuring(np.asarray(values, dtype=np.float64)) for one, values in scores.items()}, drawn),
        dict.fromkeys(DETECTION_MEASURES, min(hybrids, drawn.n_specimens(~hybrid))),
        {"hybrid_recall": hybrids},
        drawn,
        None,
        _reversed_notes(scores, labels, specimens, None, drawn),
    )


def _challenge_measures(scores: Floats, hybrid: Flags, parts: Mapping[str, Flags]) -> Measuring:
    """Measure resamples: counts of shape (b, n) to the leaderboard's measures in their order, shape (b, 8)."""
    species_a = ~parts["mimic"]
    rows = {"A": species_a, **parts}
    ranked = {name: RankedScores(scores[chosen], hybrid[chosen]) for name, chosen in rows.items()}

    def measures(counts: Floats) -> Floats:
        counted = {name: counts[:, chosen] for name, chosen in rows.items()}
        precision = {name: one.average_precision(counted[name]) for name, one in ranked.items()}
        both, mimic = ranked["A"], ranked["mimic"]
        called = both.above_threshold(counted["A"], TRUE_NEGATIVE_RATE)
        major, minor = (
            both.share_above(counted["A"], called, (hybrid & parts[group])[species_a]) for group in ("major", "minor")
        )
        called = mimic.above_threshold(counted["mimic"], TRUE_NEGATIVE_RATE)
        mimics = mimic.share_above(counted["mimic"], called, hybrid[parts["mimic"]])
        recalls = np.stack([major, minor, mimics])
        found = (recalls > 0).all(axis=0)
        score = np.where(found, 3 / (1 / np.where(recalls > 0, recalls, 1.0)).sum(axis=0), 0.0)
        areas = (precision["A"], precision["major"], precision["minor"])
        return np.stack([major, minor, *areas, mimics, precision["mimic"], score], axis=1)

    return measures


def _draws(
    measuring: Mapping[str, Measuring], drawn: Resampling, progress: Callable[[int, int], None] | None = None
) -> dict[str, Floats]:
    """What each detector's scores come to on every resample."""
    blocks: dict[str, list[Floats]] = {one: [] for one in measuring}
    done = 0
    for counts in drawn.counts():
        for one, measures in measuring.items():
            blocks[one].append(measures(counts))
        done += len(counts)
        if progress is not None:
            progress(done, drawn.resamples)
    return {one: np.concatenate(found) for one, found in blocks.items()}


def _uncertainty(
    whole: Mapping[str, Mapping[str, float]],
    draws: Mapping[str, Floats],
    fewest: Mapping[str, int],
    hybrids: Mapping[str, int],
    drawn: Resampling,
    pairs: Sequence[tuple[str, str]] | None,
    notes: Sequence[str],
) -> Uncertainty:
    """Intervals of measures and differences.

    `fewest` has the measures that the table can give, with the specimens of the rarer class they rest on; `hybrids`
    has the recalls, which are shares of these specimens.
    """
    places = {name: place for place, name in enumerate(next(iter(whole.values())))}
    measures: dict[str, dict[str, Estimate]] = {}
    for one, values in whole.items():
        measures[one] = {
            name: Estimate(
                float(values[name]),
                measure_interval(float(values[name]), draws[one][:, places[name]], hybrids.get(name, fewest[name])),
            )
            for name in places
            if name in fewest and name != "challenge_score"
        }
        if "challenge_score" in fewest:
            recalls = [measures[one][recall] for recall in _RECALLS]
            sampled = draws[one][:, places["challenge_score"]]
            interval = _challenge_interval(recalls, sampled, fewest["challenge_score"])
            measures[one]["challenge_score"] = Estimate(float(values["challenge_score"]), interval)
    differences: dict[tuple[str, str], dict[str, Estimate]] = {}
    ahead = {}
    compared = list(itertools.combinations(whole, 2)) if pairs is None else pairs
    for a, b in compared:
        apart = draws[a] - draws[b]
        differences[a, b] = {
            name: Estimate(
                float(whole[a][name] - whole[b][name]),
                difference_interval(measures[a][name], measures[b][name], apart[:, place]),
            )
            for name, place in places.items()
            if fewest.get(name, 0) >= MINIMUM_SPECIMENS
        }
        for name in differences[a, b].keys() & _HEADLINES:
            sampled = apart[:, places[name]]
            ahead[a, b] = float((sampled > 0).mean() + 0.5 * (sampled == 0).mean())
    few = [name for name in places if fewest.get(name, MINIMUM_SPECIMENS) < MINIMUM_SPECIMENS]
    if compared and few:
        notes = [*notes, _few_note(few, fewest)]
    return Uncertainty(measures, differences, drawn.resamples, LEVEL, drawn.n_specimens(), tuple(notes), ahead)


def _challenge_interval(recalls: Sequence[Estimate], draws: Floats, fewest: int) -> Interval:
    """Interval of the harmonic mean of recalls, widened to that of their ends where resampling says little."""
    found = percentile_interval(draws)
    if fewest >= MINIMUM_SPECIMENS and found.width > 0:
        return found
    ends = [
        statistics.harmonic_mean(
            [getattr(one.interval, end) if one.value in (0.0, 1.0) else one.value for one in recalls]
        )
        for end in ("low", "high")
    ]
    return Interval(min(found.low, ends[0]), max(found.high, ends[1]))


def absent_notes(absent: Mapping[str, str]) -> list[str]:
    """One sentence on measures that are shown as a dash; `absent` is what `unmeasured` found."""
    lacking = sorted(set(absent.values()))
    return [f"–: not measured, since the table has {' and '.join(lacking)}"] if lacking else []


def _few_note(few: Sequence[str], fewest: Mapping[str, int]) -> str:
    least = min(fewest[name] for name in few)
    titles = ", ".join(MEASURE_TITLES[name] for name in few)
    return (
        f"no difference is claimed in {titles}: it would rest on as few as {least} "
        f"specimen{'s' if least != 1 else ''}, and that takes {MINIMUM_SPECIMENS} hybrids and {MINIMUM_SPECIMENS} "
        "non-hybrids"
    )


def _reversed_notes(
    scores: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    specimens: npt.ArrayLike,
    groups: npt.ArrayLike | None,
    drawn: Resampling,
) -> list[str]:
    return [
        ranking.sentence(name)
        for name, values in scores.items()
        for ranking in reversed_rankings(values, labels, specimens, groups, resamples=drawn.resamples, seed=drawn.seed)
    ]
