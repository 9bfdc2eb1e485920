"""How precisely a collection of this size can state anything, before a model is trained."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.audit.findings import EvidenceTable, Finding, Severity, interval_text
from hybridwing.audit.tables import GROUP_NAMES, AuditedTable, groups_of
from hybridwing.errors import counted
from hybridwing.evaluation.challenge_score import TRUE_NEGATIVE_RATE
from hybridwing.evaluation.intervals import Interval, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from hybridwing.audit.tables import Group

RECALLS = (0.25, 0.5, 0.75, 0.9)
SCENARIOS = ((0.95, 0.5, 0.35), (0.95, 0.75, 0.6), (0.95, 0.9, 0.8))
"""Recalls of signal, non-signal and mimic hybrids for which the challenge score is simulated."""
SIMULATIONS = 2000
_USUAL_TEST_PART = 0.2
_SHOWN = RECALLS.index(0.75)


@dataclass(frozen=True)
class RecallPrecision:
    """Interval of a recall measured on a group."""

    table: str
    group: str
    hybrids: int  # Hybrids in the group, and those found: the whole number nearest to the recall asked for
    found: int
    recall: float  # ``found / hybrids``
    wilson: Interval  # At 95 %


@dataclass(frozen=True)
class ScorePrecision:
    """Interval of the challenge score for a system of given recalls."""

    table: str
    signal: float  # Recalls the system would have on endless images of the same kind, at a true-negative rate of 95 %
    non_signal: float
    mimic: float
    median: float  # Of the scores of simulated test sets
    interval: Interval  # That 95 % of them lie in


def measure_power(tables: Sequence[AuditedTable], *, seed: int) -> tuple[list[RecallPrecision], list[ScorePrecision]]:
    """Intervals on every group of every reference, and on what a reference adds to one inside it.

    Without references, on a fifth of the catalogue's hybrids: what a random split tests on.
    """
    train, references = tables[0], list(tables[1:])
    if not references:
        hybrids = int(np.floor(sum(label is True for label in train.hybrid) * _USUAL_TEST_PART + 0.5))
        return (recall_precision(f"a fifth of {train.name}", "hybrids", hybrids) if hybrids else []), []
    measured = [(table, groups_of(table)) for table in [*references, *remainders(references)]]
    recalls = [
        one
        for table, groups in measured
        for group in groups
        for one in recall_precision(table.name, group.name, len(group.hybrids))
    ]
    return recalls, [one for table, groups in measured for one in score_precision(table, groups, seed=seed)]


def remainders(tables: Sequence[AuditedTable]) -> list[AuditedTable]:
    """For every table that is inside another, the rows of the other that are not in it."""
    found = []
    for inner in tables:
        for outer in tables:
            mine, theirs = set(inner.uuids), set(outer.uuids)
            if mine and mine < theirs:
                rest = outer.catalogue.select(np.array([uuid not in mine for uuid in outer.uuids]))
                found.append(AuditedTable(f"{outer.name} without {inner.name}", rest))
    return found


def recall_precision(table: str, group: str, hybrids: int) -> list[RecallPrecision]:
    """Intervals of a recall at the values of `RECALLS`."""
    counts = [int(np.floor(hybrids * recall + 0.5)) for recall in RECALLS]
    return [RecallPrecision(table, group, hybrids, n, n / hybrids, wilson_interval(n, hybrids)) for n in counts]


def score_precision(table: AuditedTable, groups: Sequence[Group], *, seed: int) -> list[ScorePrecision]:
    """Simulate the challenge score on test sets of a table's size.

    Nothing where the table lacks one of the challenge's three groups. Scores of non-hybrids are drawn from a standard
    normal, those of each kind of hybrid from one shifted so that its recall at the true 95 % point is the one asked
    for. The threshold is then set on the drawn non-hybrids as the challenge does, so the luck of the threshold is in
    the interval too.
    """
    by_name = {group.name: group for group in groups}
    if not set(GROUP_NAMES.values()) <= set(by_name):
        return []
    hybrids = [len(by_name[name].hybrids) for name in GROUP_NAMES.values()]
    non_hybrids = [len(by_name[name].non_hybrids) for name in GROUP_NAMES.values()]
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
    place = int(np.ceil(TRUE_NEGATIVE_RATE * non_hybrids - 1e-9)) - 1
    return np.asarray(np.partition(rng.standard_normal((SIMULATIONS, non_hybrids)), place, axis=1)[:, place])


def _recall_at(threshold: npt.NDArray[np.float64], recall: float) -> npt.NDArray[np.float64]:
    """Chance that a hybrid exceeds a threshold, if it exceeds the true 95 % point with chance `recall`."""
    from scipy.special import ndtr

    shift = NormalDist().inv_cdf(TRUE_NEGATIVE_RATE) + NormalDist().inv_cdf(recall)
    return np.asarray(ndtr(shift - threshold))


def power_findings(recalls: Sequence[RecallPrecision], scores: Sequence[ScorePrecision]) -> list[Finding]:
    """How wide the intervals are, the smallest group first."""
    return [*([_recalls(recalls)] if recalls else []), *([_scores(scores)] if scores else [])]


def _recalls(recalls: Sequence[RecallPrecision]) -> Finding:
    groups: dict[tuple[int, str, str], list[RecallPrecision]] = {}
    for one in recalls:
        groups.setdefault((one.hybrids, one.group, one.table), []).append(one)
    ordered = [groups[key] for key in sorted(groups)]
    shown = ordered[0][_SHOWN]
    same = [own[_SHOWN] for own in ordered if own[0].group == shown.group and own[0].table != shown.table]
    beside = ""
    if same:
        largest = next(one for one in same if one.hybrids == same[-1].hybrids)
        beside = (
            f"; with {largest.hybrids} in {largest.table}, {largest.found} found (recall {largest.recall:.2f}) means "
            f"{largest.wilson.low:.2f} to {largest.wilson.high:.2f}"
        )
    return Finding(
        "power",
        _severity(shown.wilson.width),
        "interval of recall",
        f"With {counted(shown.hybrids, shown.group.removesuffix('s'), shown.group)} in {shown.table}, {shown.found} "
        f"found (recall {shown.recall:.2f}) means anything from {shown.wilson.low:.2f} to {shown.wilson.high:.2f}"
        f"{beside}.",
        "Two systems whose intervals overlap this much cannot be ranked by these images, and a single specimen "
        f"moves the recall by {1 / shown.hybrids:.3f}. Siblings and repeated specimens make the true uncertainty "
        "larger.",
        "Give the interval with every number, compare systems image by image on the same test, and do not choose "
        "between methods on a group this small; choose on held-out crosses and records of the training table.",
        (
            EvidenceTable(
                "95 % intervals (Wilson) if about a share of the hybrids is found; before the colon the number found.",
                ("measured on", "hybrids", *(f"recall {recall}" for recall in RECALLS)),
                tuple(
                    (
                        f"{own[0].group}, {own[0].table}",
                        own[0].hybrids,
                        *(f"{one.found}: {interval_text(one.wilson)}" for one in own),
                    )
                    for own in ordered
                ),
            ),
        ),
    )


def _scores(scores: Sequence[ScorePrecision]) -> Finding:
    widest = max(scores, key=lambda one: one.interval.width)
    rows = tuple(
        (s.table, str(s.signal), str(s.non_signal), str(s.mimic), f"{s.median:.3f}", interval_text(s.interval))
        for s in scores
    )
    return Finding(
        "power",
        _severity(widest.interval.width),
        "interval of the challenge score",
        f"A system with recalls of {widest.signal}, {widest.non_signal} and {widest.mimic} scores anything from "
        f"{widest.interval.low:.2f} to {widest.interval.high:.2f} on {widest.table}, by luck of the draw alone.",
        "The challenge score is a harmonic mean, so the group with the fewest hybrids decides its error, and the "
        "threshold itself is set on a sample of non-hybrids.",
        "Take differences smaller than half of the interval for noise. State the three recalls beside the score.",
        (
            EvidenceTable(
                f"{SIMULATIONS:,} simulated test sets of the same sizes; normal scores, threshold set as the "
                "challenge does.",
                ("table", "signal recall", "non-signal recall", "mimic recall", "median score", "95 % of scores"),
                rows,
            ),
        ),
    )


def _severity(width: float) -> Severity:
    return "serious" if width >= 0.4 else "caution" if width >= 0.15 else "note"
