"""Intervals of recalls and of the challenge score, and of differences between detectors, by resampling specimens.

Every image of a resample counts as often as its specimen was drawn, so the scores are sorted once and all resamples are
measured together: 2,000 resamples of the challenge's 2,350 images take about a second for a detector.
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Indices = npt.NDArray[np.intp]

RESAMPLES = 2000
DETECTION_MEASURES = ("hybrid_recall", "prc_auc", "roc_auc")
"""What is resampled for any labelled table; names as in ``DetectionMetrics``."""

_CELLS = 1 << 20
"""Counts held at once, resamples times images: 8 MB."""


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


@dataclass(frozen=True, eq=False)
class Resampling:
    """A stratified bootstrap over specimens as numbers of draws.

    Attributes
    ----------
    member : ndarray of shape (n,), intp
        The specimen of each image; specimens are numbered stratum by stratum.
    sizes : tuple of int
        Specimens of each stratum.
    resamples : int
    seed : int
    """

    member: Indices
    sizes: tuple[int, ...]
    resamples: int
    seed: int

    def counts(self) -> Iterator[Floats]:
        """How often each image is drawn, a block of resamples at a time.

        Yields
        ------
        ndarray of shape (b, n), float64
            Whole numbers; the blocks add up to all resamples, and do so in the same way every time.
        """
        rng = np.random.default_rng(self.seed)
        at_once = max(1, _CELLS // max(len(self.member), 1))
        for begin in range(0, self.resamples, at_once):
            rows = min(at_once, self.resamples - begin)
            yield np.concatenate([_draws(rng, rows, size) for size in self.sizes], axis=1)[:, self.member]


def resampling(
    strata: npt.ArrayLike, specimens: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 42
) -> Resampling:
    """Prepare a bootstrap that draws whole specimens within strata.

    Images of one specimen are no independent observations, so they are drawn together (Davison & Hinkley 1997,
    *Bootstrap Methods and their Application*, section 3.8); strata keep the number of specimens they have.

    Parameters
    ----------
    strata : array-like of shape (n,)
        What to keep the numbers of, such as ``"minor hybrid"``.
    specimens : array-like of shape (n,)
        The photographed individual of each image. One that is in two strata is drawn in each on its own.
    resamples : int, default 2000
        At least 1.
    seed : int, default 42

    Raises
    ------
    ScoringError
        If the arrays do not fit, or `resamples` is out of range.
    """
    kinds, names = np.asarray(strata).astype(str), np.asarray(specimens).astype(str)
    if kinds.ndim != 1 or kinds.shape != names.shape or not kinds.size:
        raise ScoringError(
            "Strata and specimens must be one-dimensional, of one length and not empty; "
            f"got shapes {kinds.shape} and {names.shape}."
        )
    if resamples < 1:
        raise ScoringError(f"The number of resamples must be at least 1; got {resamples}.")
    member = np.empty(len(kinds), dtype=np.intp)
    sizes: list[int] = []
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        found, place = np.unique(names[rows], return_inverse=True)
        member[rows] = place + sum(sizes)
        sizes.append(len(found))
    return Resampling(member, tuple(sizes), resamples, seed)


def _draws(rng: np.random.Generator, resamples: int, size: int) -> Floats:
    """How often each of `size` specimens is among `size` draws with replacement, shape (resamples, size)."""
    picks = rng.integers(0, size, (resamples, size)) + size * np.arange(resamples)[:, None]
    return np.bincount(picks.ravel(), minlength=resamples * size).reshape(resamples, size).astype(np.float64)


class Ladder:
    """Scores sorted once, for measures of many resamples of their images.

    Parameters
    ----------
    scores : ndarray of shape (n,), float64
        Finite; higher = more likely hybrid.
    labels : ndarray of shape (n,), bool
        True for a hybrid.
    """

    def __init__(self, scores: Floats, labels: Flags) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        self._last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        self._labels = labels

    def above(self, counts: Floats, which: Flags) -> Floats:
        """Weight of some images at or above each distinct score, from the highest down, shape (b, k)."""
        sums: Floats = np.cumsum((counts * which)[:, self._order], axis=1)[:, self._last]
        return sums

    def rungs(self, counts: Floats, tnr: float) -> Indices:
        """How many distinct scores lie above the threshold at a true-negative rate, shape (b,).

        The threshold is the official one: the lowest score of the resample at which the rate is reached. It is always
        the score of a non-hybrid that was drawn.
        """
        others = self.above(counts, ~self._labels)
        total = others[:, -1:]
        higher = np.concatenate([np.zeros_like(total), others[:, :-1]], axis=1)
        reached = (total - higher) / total >= tnr
        return np.asarray(reached.sum(axis=1) - 1, dtype=np.intp)

    def share_above(self, counts: Floats, rungs: Indices, which: Flags) -> Floats:
        """Share of some images that score above the threshold, shape (b,); 0 where none was drawn."""
        found = np.concatenate([np.zeros((len(counts), 1)), self.above(counts, which)], axis=1)
        whole = found[:, -1]
        return np.asarray(found[np.arange(len(counts)), rungs] / np.where(whole > 0, whole, 1.0))

    def average_precision(self, counts: Floats) -> Floats:
        """Area under the precision-recall curve as a step function, shape (b,)."""
        hits, alarms = self.above(counts, self._labels), self.above(counts, ~self._labels)
        called, total = hits + alarms, hits[:, -1]
        precision = hits / np.where(called > 0, called, 1.0)
        steps = np.diff(hits, axis=1, prepend=0.0)
        return np.asarray((steps * precision).sum(axis=1) / np.where(total > 0, total, 1.0))

    def roc_area(self, counts: Floats) -> Floats:
        """Area under the ROC curve, shape (b,); 0 where one of the classes was not drawn."""
        hits, alarms = self.above(counts, self._labels), self.above(counts, ~self._labels)
        middle = hits - np.diff(hits, axis=1, prepend=0.0) / 2
        area = (np.diff(alarms, axis=1, prepend=0.0) * middle).sum(axis=1)
        whole = hits[:, -1] * alarms[:, -1]
        return np.asarray(area / np.where(whole > 0, whole, 1.0))


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
