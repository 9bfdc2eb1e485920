"""Measures of held-out scores with intervals: for each unit held out and on average, beside the record alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.evaluation.challenge_score import TRUE_NEGATIVE_RATE
from hybridwing.evaluation.intervals import MINIMUM_SPECIMENS, Estimate, difference_interval, measure_interval
from hybridwing.evaluation.resampling import RESAMPLES, RankedScores, Resampling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.validation.held_out import HeldOutScores

    Floats = npt.NDArray[np.float64]

MEASURES = ("recall", "false_alarms", "roc_auc")


@dataclass(frozen=True, eq=False)
class _Resampled:
    """A measure of one unit."""

    value: float  # On all images
    draws: Floats  # Shape (resamples,): on each resample
    # What it rests on: the hybrids of a recall, the non-hybrids of false alarms, the rarer class of an area
    specimens: int


#: The row that brings the units together.
MEAN = "mean"


@dataclass(frozen=True)
class ProtocolRow:
    """One scorer on one thing held out."""

    scorer: str  # A detector, or ``"record only"``
    unit: str  # A cross, a subspecies, a record, ``"all"``, or `MEAN` of the units
    # Images asked about, and those the threshold rests on
    hybrids: int
    non_hybrids: int
    reference: int
    # Share of the hybrids above the threshold at which 95 % of the reference stay below; None without hybrids
    recall: Estimate | None
    # Share of the non-hybrids asked about above that threshold: 0.05 is what the threshold promises for known ones.
    # None without such.
    false_alarms: Estimate | None
    # Of the hybrids asked about against the reference and the non-hybrids asked about; None without hybrids
    roc_auc: Estimate | None
    # ``"made crosses"`` where such stood in for hybrids; ``"constant"`` where all images asked about score alike, so
    # that the scorer tells nothing; why there is no score where there is none. Otherwise empty.
    note: str


@dataclass(frozen=True)
class ProtocolDifference:
    """Two scorers on the same resamples, on average over the units that both have."""

    first: str
    second: str
    measure: str  # One of "recall", "false_alarms", "roc_auc"
    difference: Estimate  # First less second


@dataclass(frozen=True)
class ProtocolReport:
    """What a protocol measured."""

    # By scorer, its units and then their mean. Nothing is left out: what has no value says why.
    rows: tuple[ProtocolRow, ...]
    # Those that rest on fewer than `hybridwing.evaluation.intervals.MINIMUM_SPECIMENS` specimens are absent
    differences: tuple[ProtocolDifference, ...]
    resamples: int


def protocol_report(
    catalogue: Catalogue, scored: Sequence[HeldOutScores], *, resamples: int = RESAMPLES, seed: int = 42
) -> ProtocolReport:
    """Measure the held-out scores of one protocol's folds on a labelled catalogue.

    Specimens are resampled within what is asked and the reference; the models stay as they are, so the intervals know
    nothing of how a model would have changed with other training specimens. Where no resample can differ the interval
    is that of `hybridwing.evaluation.intervals.measure_interval`. For the mean of two or more units these are
    resampled as well.
    """
    rows: list[ProtocolRow] = []
    found: dict[str, dict[str, dict[str, _Resampled]]] = {}
    for one in scored:
        units = list(dict.fromkeys(one.units.tolist()))
        measured = {unit: _unit(catalogue, one, unit, resamples, seed) for unit in units}
        found[one.scorer] = {unit: draws for unit, (_, draws) in measured.items()}
        own = [row for row, _ in measured.values()]
        rows += [*own, _mean_row(one.scorer, own, found[one.scorer], seed)]
    return ProtocolReport(tuple(rows), tuple(_differences(found, seed)), resamples)


def _unit(
    catalogue: Catalogue, scored: HeldOutScores, unit: str, resamples: int, seed: int
) -> tuple[ProtocolRow, dict[str, _Resampled]]:
    here = scored.units == unit
    rows, asked, levels = scored.rows[here], scored.asked[here], scored.levels[here]
    hybrid = asked & (catalogue.labels[rows] == 1)
    other = asked & ~hybrid
    note = dict(scored.notes).get(unit, "")
    found: dict[str, _Resampled] = {}
    if np.isnan(levels).any():
        note = note or "not applicable"
    else:
        if asked.sum() > 1 and np.ptp(levels[asked]) == 0:
            note = f"{note}, constant".removeprefix(", ")
        strata = np.where(hybrid, "hybrid", np.where(other, "non-hybrid", "reference"))
        drawn = Resampling(strata, catalogue.specimens[rows], resamples, seed)
        whole = _measured(levels, hybrid, other, np.ones((1, len(rows))))
        draws = [_measured(levels, hybrid, other, counts) for counts in drawn.counts()]
        specimens = catalogue.specimens[rows].astype(str)
        hybrids, others = len(np.unique(specimens[hybrid])), len(np.unique(specimens[other]))
        rests_on = {
            "recall": hybrids,
            "false_alarms": others,
            "roc_auc": min(hybrids, len(np.unique(specimens[~hybrid]))),
        }
        found = {
            name: _Resampled(float(whole[name][0]), np.concatenate([d[name] for d in draws]), rests_on[name])
            for name in whole
        }
    recall, false_alarms, roc_auc = (_mean([found[name]], seed)[0] if name in found else None for name in MEASURES)
    counts = int(hybrid.sum()), int(other.sum()), int((~asked).sum())
    return ProtocolRow(scored.scorer, unit, *counts, recall, false_alarms, roc_auc, note), found


def _measured(
    levels: Floats, hybrid: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], counts: Floats
) -> dict[str, Floats]:
    threshold = RankedScores(levels, hybrid | other)  # what is asked about has no say in the threshold
    rungs = threshold.above_threshold(counts, TRUE_NEGATIVE_RATE)
    found = {}
    if hybrid.any():
        found["recall"] = threshold.share_above(counts, rungs, hybrid)
        found["roc_auc"] = RankedScores(levels, hybrid).roc_area(counts)
    if other.any():
        found["false_alarms"] = threshold.share_above(counts, rungs, other)
    return found


def _mean(measured: Sequence[_Resampled], seed: int) -> tuple[Estimate, Floats]:
    """Mean over units, and on each resample. Two or more are resampled too, so that it holds for others like them."""
    value, draws = float(np.mean([one.value for one in measured])), np.stack([one.draws for one in measured])
    if len(measured) > 1:
        picks = np.random.default_rng(seed).integers(0, len(measured), draws.shape)
        draws = np.take_along_axis(draws, picks, axis=0)
    means = draws.mean(axis=0)
    return Estimate(value, measure_interval(value, means, sum(one.specimens for one in measured))), means


def _mean_row(
    scorer: str, units: Sequence[ProtocolRow], draws: Mapping[str, Mapping[str, _Resampled]], seed: int
) -> ProtocolRow:
    having = {name: [found[name] for found in draws.values() if name in found] for name in MEASURES}
    missing = sum(not found for found in draws.values())
    note = f"{missing} of {len(units)} not applicable" if missing else ""
    if len(units) == 1:
        return replace(units[0], unit=MEAN, note=note or units[0].note)
    recall, false_alarms, roc_auc = (_mean(having[name], seed)[0] if having[name] else None for name in MEASURES)
    return ProtocolRow(
        scorer,
        MEAN,
        sum(row.hybrids for row in units),
        sum(row.non_hybrids for row in units),
        sum(row.reference for row in units),
        recall,
        false_alarms,
        roc_auc,
        note,
    )


def _differences(
    found: Mapping[str, Mapping[str, Mapping[str, _Resampled]]], seed: int
) -> Iterator[ProtocolDifference]:
    for a, b in itertools.combinations(found, 2):
        for name in MEASURES:
            units = [unit for unit in found[a] if name in found[a][unit] and name in found[b][unit]]
            if not units or sum(found[a][unit][name].specimens for unit in units) < MINIMUM_SPECIMENS:
                continue
            # The same seed picks the same units, so the draws are of the same resamples.
            (first, ours), (second, theirs) = (_mean([found[one][u][name] for u in units], seed) for one in (a, b))
            interval = difference_interval(first, second, ours - theirs)
            yield ProtocolDifference(a, b, name, Estimate(first.value - second.value, interval))
