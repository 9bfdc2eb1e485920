"""What doubtful labels, mixed sides and unreadable images mean."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hybridwing.audit.findings import EvidenceTable, Finding
from hybridwing.audit.overlap import contradicted_specimens
from hybridwing.audit.wording import count, listed
from hybridwing.catalogue.describe import TINY
from hybridwing.catalogue.metadata import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.audit.class_outliers import ClassOutlier
    from hybridwing.audit.fingerprints import Unreadable
    from hybridwing.audit.tables import AuditedTable

_MOST_OUTLIERS = 25
_MIXED = 0.01  # from one image in a hundred on, the other side is more than a slip


def side_findings(tables: Sequence[AuditedTable]) -> list[Finding]:
    """Uppersides and undersides in one table; none where no table says which is which."""
    rows: list[tuple[str | int, ...]] = []
    largest, mixed, named = 0.0, Counter[str](), tables[0].name
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
    if largest == 0:
        return [
            Finding("labels", "clear", "one side",
                    f"All images show one side: {listed(sorted({str(row[1]) for row in rows}))}.",
                    "No table mixes uppersides with undersides.", "Nothing to do.", (evidence,))
        ]  # fmt: skip
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
    """Tiny classes, unlabelled images and specimens that stand under several classes."""
    findings = []
    train = tables[0]
    sizes = Counter(name for name, hybrid in zip(train.classes, train.hybrid, strict=True) if hybrid is not None)
    tiny = sorted((number, name) for name, number in sizes.items() if number < TINY)
    if tiny:
        findings.append(_tiny(train, tiny, tables[1:]))
    contradicted = contradicted_specimens(list(tables))
    if contradicted:
        rows = tuple((specimen, ", ".join(names)) for specimen, names in contradicted.items())
        findings.append(
            Finding(
                "labels",
                "serious",
                "specimen under several classes",
                f"{count(len(contradicted), 'specimen stands', 'specimens stand')} under more than one class.",
                "One individual has one class: at least one of its labels is wrong, or two individuals share a number.",
                "Check these against the collection's register and correct the table.",
                (EvidenceTable("Specimens and their classes.", ("specimen", "classes"), rows[:200]),),
            )
        )
    unlabelled = sum(hybrid is None for hybrid in train.hybrid)
    if unlabelled:
        findings.append(
            Finding(
                "labels",
                "note",
                "images without a label",
                f"{count(unlabelled, 'image')} of {train.name} without a label.",
                "They take no part in what is said here of hybrids and non-hybrids.",
                "Label them, or leave them out of training.",
            )
        )
    return findings


def outlier_findings(outliers: Sequence[ClassOutlier], asked: int) -> list[Finding]:
    """Images that look more like another class than like their own."""
    if not outliers:
        return [
            Finding(
                "labels",
                "clear",
                "every image like its class",
                f"None of {count(asked, 'image')} is nearer to another class and without a neighbour of its own.",
                "The embeddings give no reason to doubt a label.",
                "Nothing to do.",
            )
        ]
    rows = tuple(
        (s.uuid, s.class_name, s.looks_like, f"{s.excess:.2f}", s.record,
         "; ".join(f"{uuid} ({name}, {cosine:.2f})" for uuid, name, cosine in s.neighbours[:3]))
        for s in outliers[:_MOST_OUTLIERS]
    )  # fmt: skip
    return [
        Finding(
            "labels",
            "caution" if len(outliers) >= 0.02 * asked else "note",
            "images unlike their class",
            f"Of {asked:,} images {count(len(outliers), 'is', 'are')} nearer to another class than to their own, "
            "with no image of their own class among the nearest.",
            "Some will be mislabelled, some the other side of the wing or a damaged specimen, and some are true: "
            "hybrids that look like a parent, and classes that mimic each other. The backbone decides what “look” "
            "means.",
            "Look at the first of them with their neighbours. Correct wrong labels, drop what shows no wing, and "
            "keep the rest: they are what the detector is for.",
            (
                EvidenceTable(
                    f"The {min(len(outliers), _MOST_OUTLIERS)} that stand out most, each with the class and "
                    "cosine of its neighbours.",
                    ("image", "class", "looks like", "excess cosine", "record", "nearest images"),
                    rows,
                ),
            ),
        )
    ]


def unreadable_findings(unreadable: Sequence[Unreadable], asked: int) -> list[Finding]:
    """Images that are missing or damaged."""
    if not unreadable:
        return []
    missing = sum(one.missing for one in unreadable)
    return [
        Finding(
            "labels",
            "caution",
            "images not readable",
            f"{count(len(unreadable), 'image')} of {asked:,} could not be read: {missing:,} missing, "
            f"{len(unreadable) - missing:,} damaged.",
            "They take no part in the search for copies, and will be missing from training.",
            "Fetch them again (hybridwing download fetches only what is missing or wrong), or drop their rows.",
            (
                EvidenceTable(
                    "Images that could not be read.",
                    ("image", "why"),
                    tuple((one.uuid, one.reason) for one in unreadable[:200]),
                ),
            ),
        )
    ]


def _tiny(train: AuditedTable, tiny: Sequence[tuple[int, str]], references: Sequence[AuditedTable]) -> Finding:
    others = [Counter(table.classes) for table in references]
    return Finding(
        "labels",
        "caution",
        "tiny classes",
        f"{count(len(tiny), 'class has', 'classes have')} fewer than {TINY} images in {train.name}: "
        f"{listed([f'{name} ({number})' for number, name in tiny])}.",
        "A model cannot learn how such a class varies, so an unusual one of them looks like a hybrid; a random "
        "split may leave none to test on.",
        "Split stratified by class (hybridwing train --split stratified), merge the class with one it cannot be "
        "told from, or drop it and say so.",
        (
            EvidenceTable(
                f"Classes of fewer than {TINY} images.",
                ("class", f"images in {train.name}", *(f"in {table.name}" for table in references)),
                tuple((name, number, *(other[name] for other in others)) for number, name in tiny),
            ),
        ),
    )
