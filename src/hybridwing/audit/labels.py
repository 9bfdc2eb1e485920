"""Mixed sides, tiny classes, contradicted specimens and unlabelled images."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from hybridwing.audit.findings import MOST_ROWS, EvidenceTable, Finding, clear, listed
from hybridwing.catalogue.describe import TINY
from hybridwing.catalogue.metadata import UNKNOWN
from hybridwing.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.audit.tables import AuditedTable

_MIXED = 0.01  # a smaller share of the other side is a slip


def side_findings(tables: Sequence[AuditedTable]) -> list[Finding]:
    """Uppersides and undersides in one table; none where no table says which is which."""
    rows: list[tuple[str | int, ...]] = []
    largest, mixed, named = 0.0, Counter[str](), ""
    for table in tables:
        sides = Counter(zip(table.columns["side"], table.hybrid, strict=True))
        for side in sorted(set(table.columns["side"])):
            rows.append((table.name, side, sides[side, True], sides[side, False], sides[side, None]))
        known = Counter(side for side in table.columns["side"] if side != UNKNOWN)
        if len(known) > 1 and (share := min(known.values()) / known.total()) > largest:
            largest, mixed, named = share, known, table.name
    if all(row[1] == UNKNOWN for row in rows):
        return []
    evidence = EvidenceTable("Images by side.", ("table", "side", "hybrids", "non-hybrids", "unlabelled"), tuple(rows))
    if not mixed:
        return [
            clear(
                "labels",
                "one side",
                f"All images show one side: {listed(sorted({str(row[1]) for row in rows}))}.",
                "No table mixes uppersides with undersides.",
                (evidence,),
            )
        ]
    shown = listed([f"{number:,} {side}" for side, number in mixed.most_common()])
    return [
        Finding(
            "labels",
            "caution" if largest >= _MIXED else "note",
            "sides mixed",
            f"Uppersides and undersides are mixed: {named} has {shown}.",
            "The underside carries another pattern than the upperside. A model sees a butterfly of another class in "
            "it, and a detector of the unusual sees a hybrid.",
            "Drop the rarer side, or judge each side by its own; count it apart in results.",
            (evidence,),
        )
    ]


def class_findings(tables: Sequence[AuditedTable]) -> list[Finding]:
    """Tiny classes, specimens that stand under several classes, and unlabelled images."""
    findings = []
    train, others = tables[0], [(table.name, Counter(table.classes)) for table in tables[1:]]
    sizes = Counter(name for name, hybrid in zip(train.classes, train.hybrid, strict=True) if hybrid is not None)
    tiny = sorted((number, name) for name, number in sizes.items() if number < TINY)
    if tiny:
        findings.append(
            Finding(
                "labels",
                "caution",
                "tiny classes",
                f"{counted(len(tiny), 'class has', 'classes have')} fewer than {TINY} images in {train.name}: "
                f"{listed([f'{name} ({number})' for number, name in tiny])}.",
                "A model cannot learn how such a class varies, so an unusual one of them looks like a hybrid; a "
                "random split may leave none to test on.",
                "Split stratified by class (hybridwing train --split stratified), merge the class with one it cannot "
                "be told from, or drop it and say so.",
                (
                    EvidenceTable(
                        f"Classes of fewer than {TINY} images.",
                        ("class", f"images in {train.name}", *(f"in {table}" for table, _ in others)),
                        tuple((name, number, *(sizes[name] for _, sizes in others)) for number, name in tiny),
                    ),
                ),
            )
        )
    contradicted = contradicted_specimens(tables)
    if contradicted:
        rows = tuple((specimen, ", ".join(names)) for specimen, names in contradicted.items())
        findings.append(
            Finding(
                "labels",
                "serious",
                "specimen under several classes",
                f"{counted(len(contradicted), 'specimen stands', 'specimens stand')} under more than one class.",
                "One individual has one class: at least one of its labels is wrong, or two individuals share a number.",
                "Check these against the collection's register and correct the table.",
                (EvidenceTable("Specimens and their classes.", ("specimen", "classes"), rows[:MOST_ROWS]),),
            )
        )
    unlabelled = sum(hybrid is None for hybrid in train.hybrid)
    if unlabelled:
        findings.append(
            Finding(
                "labels",
                "note",
                "images without a label",
                f"{counted(unlabelled, 'image')} of {train.name} without a label.",
                "They have no part in what is said here of hybrids and non-hybrids.",
                "Label them, or leave them out of training.",
            )
        )
    return findings


def contradicted_specimens(tables: Sequence[AuditedTable]) -> dict[str, tuple[str, ...]]:
    """Specimens that stand under several classes, with those classes, by name."""
    classes: dict[str, set[str]] = defaultdict(set)
    for table in tables:
        for specimen, name, hybrid in zip(table.catalogue.specimens, table.classes, table.hybrid, strict=True):
            if hybrid is not None:
                classes[str(specimen)].add(name)
    return {specimen: tuple(sorted(names)) for specimen, names in sorted(classes.items()) if len(names) > 1}
