"""Rankings that are upside down: scores by which non-hybrids come first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.evaluation.challenge_score import GROUPS, TITLES, challenge_scores
from hybridwing.evaluation.intervals import MINIMUM_SPECIMENS, Estimate, measure_interval
from hybridwing.evaluation.metrics import checked_scores, roc_auc
from hybridwing.evaluation.resampling import RESAMPLES, RankedScores, Resampling

if TYPE_CHECKING:
    import numpy.typing as npt

_CELLS = 100_000_000
"""Resamples times images; of a table that is too large for this fewer resamples are drawn."""
_FEWEST_RESAMPLES = 200


@dataclass(frozen=True)
class ReversedRanking:
    """Scores that rank non-hybrids before hybrids, and not by chance."""

    group: str  # Among which images; empty for all
    roc_auc: Estimate  # Its interval lies below 0.5
    turned: str  # What ``1 - score`` gives

    def sentence(self, name: str = "") -> str:
        """The finding in words, with the name of the detector or system where there are several."""
        area, interval = self.roc_auc.value, self.roc_auc.interval
        scores = f"the scores of {name}" if name else "these scores"
        title = TITLES.get(self.group)
        where = f" among the {title} images" if title else ""
        return (
            f"{scores} rank non-hybrids first{where} "
            f"(ROC AUC {area:.2f}, {interval.low:.2f} to {interval.high:.2f}); 1 − score gives {self.turned}"
        )


def reversed_rankings(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    specimens: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 42,
) -> tuple[ReversedRanking, ...]:
    """Find whether hybrids score lower than non-hybrids, among all images and in each group of the challenge.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Finite hybrid scores; higher = more likely hybrid.
    labels : array-like of shape (n,)
        1 for a hybrid, 0 for a non-hybrid.
    specimens : array-like of shape (n,)
    groups : array-like of str, shape (n,), optional
        ``"major"``, ``"minor"`` or ``"mimic"``; without them all images are one group.
    resamples, seed
        Of the bootstrap over specimens, within label. It runs only where the ROC area is below 0.5.

    Returns
    -------
    tuple of ReversedRanking
        All images first; empty where nothing is upside down, or where it rests on fewer than
        `hybridwing.evaluation.intervals.MINIMUM_SPECIMENS` hybrids or non-hybrids.

    Raises
    ------
    ScoringError
        If scores and labels do not fit.

    Examples
    --------
    >>> scores = np.arange(20) / 20
    >>> (found,) = reversed_rankings(scores, scores < 0.5, np.arange(20))
    >>> found.sentence()
    'these scores rank non-hybrids first (ROC AUC 0.00, 0.00 to 0.28); 1 − score gives ROC AUC 1.00'
    """
    values, hybrid = checked_scores(scores, labels)
    individuals = np.asarray(specimens).astype(str)
    members = {"": np.ones(len(values), dtype=np.bool_)}
    if groups is not None:
        names = np.asarray(groups).astype(str)
        members |= {group: names == group for group in GROUPS}
    found = []
    for group, rows in members.items():
        area = roc_auc(values[rows], hybrid[rows])
        if not area < 0.5:  # also where one of the classes is absent
            continue
        fewer = max(_FEWEST_RESAMPLES, _CELLS // int(rows.sum()))
        drawn = Resampling(hybrid[rows], individuals[rows], min(resamples, fewer), seed)
        rarer = min(drawn.n_specimens(hybrid[rows]), drawn.n_specimens(~hybrid[rows]))
        if rarer < MINIMUM_SPECIMENS:
            continue
        ranked = RankedScores(values[rows], hybrid[rows])
        draws = np.concatenate([ranked.roc_area(counts) for counts in drawn.counts()])
        interval = measure_interval(area, draws, rarer)
        if interval.high < 0.5:
            turned = f"ROC AUC {1 - area:.2f}"
            if groups is not None and not group:
                turned = f"a challenge score of {challenge_scores(1 - values, labels, groups).challenge_score:.3f}"
            found.append(ReversedRanking(group, Estimate(area, interval), turned))
    return tuple(found)
