"""How precisely a collection of this size can state anything, before a model is trained."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.evaluation.intervals import Interval, clopper_pearson_interval, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from hybridwing.audit.tables import AuditedTable, Group

RECALLS = (0.25, 0.5, 0.75, 0.9)
SCENARIOS = ((0.95, 0.5, 0.35), (0.95, 0.75, 0.6), (0.95, 0.9, 0.8))
"""Recalls of signal, non-signal and mimic hybrids for which the challenge score is simulated."""
SIMULATIONS = 2000
_TNR = 0.95


@dataclass(frozen=True)
class RecallPrecision:
    """Interval of a recall measured on a group.

    Attributes
    ----------
    table, group : str
    hybrids : int
        Number in the group.
    found : int
        Hybrids found, the whole number nearest to the recall asked for.
    recall : float
        ``found / hybrids``.
    wilson, clopper_pearson : Interval
        At 95 %.
    """

    table: str
    group: str
    hybrids: int
    found: int
    recall: float
    wilson: Interval
    clopper_pearson: Interval


@dataclass(frozen=True)
class ScorePrecision:
    """Interval of the challenge score for a system of given recalls.

    Attributes
    ----------
    table : str
    signal, non_signal, mimic : float
        Recalls the system would have on endless images of the same kind, at a true-negative rate of 95 %.
    median : float
        Of the scores of simulated test sets.
    interval : Interval
        That 95 % of them lie in.
    """

    table: str
    signal: float
    non_signal: float
    mimic: float
    median: float
    interval: Interval


def recall_precision(table: str, group: str, hybrids: int, recalls: Sequence[float] = RECALLS) -> list[RecallPrecision]:
    """Intervals of a recall at a few values of it."""
    found = []
    for recall in recalls:
        count = int(np.floor(hybrids * recall + 0.5))
        found.append(
            RecallPrecision(
                table,
                group,
                hybrids,
                count,
                count / hybrids,
                wilson_interval(count, hybrids),
                clopper_pearson_interval(count, hybrids),
            )
        )
    return found


def score_precision(table: AuditedTable, groups: Sequence[Group], *, seed: int) -> list[ScorePrecision]:
    """Simulate the challenge score on test sets of a table's size.

    Scores of non-hybrids are drawn from a standard normal, those of each kind of hybrid from one shifted so that its
    recall at the true 95 % point is the one asked for; the threshold is then set on the drawn non-hybrids as the
    challenge does, so the luck of the threshold is in the interval too.

    Parameters
    ----------
    table : AuditedTable
    groups : sequence of Group
        Its groups; without all three of the challenge's there is no score and the result is empty.
    seed : int
    """
    by_name = {group.name: group for group in groups}
    names = ("signal hybrids", "non-signal hybrids", "mimic hybrids")
    if not set(names) <= set(by_name):
        return []
    hybrids = [len(by_name[name].hybrids) for name in names]
    non_hybrids = [len(by_name[name].non_hybrids) for name in names]
    found = []
    for scenario in SCENARIOS:
        rng = np.random.default_rng(seed)
        erato, melpomene = _thresholds(rng, non_hybrids[0]), _thresholds(rng, non_hybrids[2])
        recalls = np.stack(
            [
                rng.binomial(n, _recall_at(threshold, recall)) / n
                for n, recall, threshold in zip(hybrids, scenario, (erato, erato, melpomene), strict=True)
            ]
        )
        zero = (recalls == 0).any(axis=0)
        scores = np.where(zero, 0.0, 3 / (1 / np.where(recalls == 0, 1.0, recalls)).sum(axis=0))
        low, median, high = np.quantile(scores, [0.025, 0.5, 0.975])
        found.append(ScorePrecision(table.name, *scenario, float(median), Interval(float(low), float(high))))
    return found


def _thresholds(rng: np.random.Generator, non_hybrids: int) -> npt.NDArray[np.float64]:
    """Thresholds that the challenge's rule sets on normal scores: the smallest with 95 % at or below."""
    place = int(np.ceil(_TNR * non_hybrids - 1e-9)) - 1
    return np.asarray(np.partition(rng.standard_normal((SIMULATIONS, non_hybrids)), place, axis=1)[:, place])


def _recall_at(threshold: npt.NDArray[np.float64], recall: float) -> npt.NDArray[np.float64]:
    """Chance that a hybrid exceeds a threshold, if it exceeds the true 95 % point with chance `recall`."""
    from scipy.special import ndtr

    shift = NormalDist().inv_cdf(_TNR) + NormalDist().inv_cdf(recall)
    return np.asarray(ndtr(shift - threshold))
