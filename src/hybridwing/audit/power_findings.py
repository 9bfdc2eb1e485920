"""What the number of hybrids means for every number stated on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.audit.findings import EvidenceTable, Finding, Severity
from hybridwing.audit.power import RECALLS, SIMULATIONS, recall_precision, score_precision
from hybridwing.audit.tables import AuditedTable, groups_of
from hybridwing.audit.wording import count, interval_text
from hybridwing.catalogue.describe import statuses
from hybridwing.catalogue.metadata import metadata_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.audit.power import RecallPrecision, ScorePrecision

_USUAL_TEST_PART = 0.2
_SHOWN = 0.75


def measure_power(tables: Sequence[AuditedTable], *, seed: int) -> tuple[list[RecallPrecision], list[ScorePrecision]]:
    """Intervals on every group of every reference, and on what a reference adds to one inside it.

    Without references, on a fifth of the catalogue's hybrids: what a random split tests on.
    """
    train, references = tables[0], list(tables[1:])
    if not references:
        hybrids = int(np.floor(sum(label is True for label in train.hybrid) * _USUAL_TEST_PART + 0.5))
        return (recall_precision(f"a fifth of {train.name}", "hybrids", hybrids) if hybrids else []), []
    measured = [*references, *remainders(references)]
    recalls = [
        one
        for table in measured
        for group in groups_of(table)
        for one in recall_precision(table.name, group.name, len(group.hybrids))
    ]
    scores = [one for table in measured for one in score_precision(table, groups_of(table), seed=seed)]
    return recalls, scores


def remainders(tables: Sequence[AuditedTable]) -> list[AuditedTable]:
    """For every table that is inside another, the rows of the other that are not in it."""
    found = []
    for inner in tables:
        for outer in tables:
            mine, theirs = set(inner.uuids), set(outer.uuids)
            if mine and mine < theirs:
                rest = outer.catalogue.select(np.array([uuid not in mine for uuid in outer.uuids]))
                name = f"{outer.name} without {inner.name}"
                found.append(AuditedTable(name, rest, metadata_columns(rest), tuple(statuses(rest))))
    return found


def power_findings(recalls: Sequence[RecallPrecision], scores: Sequence[ScorePrecision]) -> list[Finding]:
    """How wide the intervals are, the smallest group first."""
    findings = []
    if recalls:
        findings.append(_recalls(recalls))
    if scores:
        findings.append(_scores(scores))
    return findings


def _recalls(recalls: Sequence[RecallPrecision]) -> Finding:
    groups = sorted({(one.hybrids, one.group, one.table) for one in recalls}, key=lambda item: (item[0], item[1:]))
    smallest = groups[0]
    of_smallest = [one for one in recalls if (one.hybrids, one.group, one.table) == smallest]
    shown = of_smallest[RECALLS.index(_SHOWN)]
    same = [one for one in recalls if one.group == shown.group and one.table != shown.table]
    largest = max((one.hybrids for one in same), default=0)
    others = [one for one in same if one.hybrids == largest][RECALLS.index(_SHOWN) : RECALLS.index(_SHOWN) + 1]
    rows: list[tuple[str | int, ...]] = []
    for hybrids, group, table in groups:
        own = [one for one in recalls if (one.hybrids, one.group, one.table) == (hybrids, group, table)]
        rows.append((f"{group}, {table}", hybrids, *(f"{one.found}: {interval_text(one.wilson)}" for one in own)))
    exact = tuple(
        (
            f"{one.group}, {one.table}",
            f"{one.found} of {one.hybrids}",
            interval_text(one.wilson),
            interval_text(one.clopper_pearson),
        )
        for one in of_smallest
    )  # fmt: skip
    return Finding(
        "power",
        _severity(shown.wilson.width),
        "interval of recall",
        f"With {count(shown.hybrids, shown.group.removesuffix('s'), shown.group)} in {shown.table}, {shown.found} "
        f"found (recall {shown.recall:.2f}) means anything from {shown.wilson.low:.2f} to {shown.wilson.high:.2f}"
        + (f"; with {others[0].hybrids} in {others[0].table}, {others[0].found} found (recall {others[0].recall:.2f}) "
           f"means {others[0].wilson.low:.2f} to {others[0].wilson.high:.2f}" if others else "")
        + ".",
        "Two systems whose intervals overlap this much cannot be ranked by these images, and a single specimen "
        f"moves the recall by {1 / shown.hybrids:.3f}. Siblings and repeated specimens make the true uncertainty "
        "larger.",
        "Give the interval with every number, compare systems image by image on the same test, and do not choose "
        "between methods on a group this small; choose on held-out crosses and records of the training table.",
        (
            EvidenceTable(
                "95 % intervals (Wilson) if about a share of the hybrids is found; before the colon the number found.",
                ("measured on", "hybrids", *(f"recall {recall}" for recall in RECALLS)),
                tuple(rows),
            ),
            EvidenceTable(
                "The smallest group again, with the exact interval, which is never too narrow.",
                ("measured on", "found", "Wilson", "Clopper–Pearson"),
                exact,
            ),
        ),
    )  # fmt: skip


def _scores(scores: Sequence[ScorePrecision]) -> Finding:
    widest = max(scores, key=lambda one: one.interval.width)
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
                tuple(
                    (
                        s.table,
                        *(str(recall) for recall in (s.signal, s.non_signal, s.mimic)),
                        f"{s.median:.3f}",
                        interval_text(s.interval),
                    )
                    for s in scores
                ),
            ),
        ),
    )  # fmt: skip


def _severity(width: float) -> Severity:
    return "serious" if width >= 0.4 else "caution" if width >= 0.15 else "note"
