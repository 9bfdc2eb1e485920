"""Which records each class comes from, and which of them were hardly trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.audit.findings import EvidenceTable, Finding, listed
from hybridwing.catalogue.metadata import UNKNOWN
from hybridwing.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.audit.tables import AuditedTable

FEW = 30
"""With fewer training images of a record than this, its backgrounds are hardly learned."""


@dataclass(frozen=True)
class ClassSource:
    """The images of one class that one table has from one record."""

    table: str
    class_name: str
    record: str
    images: int  # Of the class: from this record, and from all records
    class_images: int
    hybrid: bool | None  # Status of these images; None where they are unlabelled
    trained_on: int  # Images of the record in the audited catalogue: of any class, and of this class
    trained_on_class: int

    @property
    def only_record(self) -> bool:
        """Whether all images of the class in the table come from this record."""
        return self.images == self.class_images and self.record != UNKNOWN


def class_sources(train: AuditedTable, table: AuditedTable) -> list[ClassSource]:
    """Records of every class of a table, the largest share first."""
    trained_on = Counter(train.columns["record"])
    of_class = Counter(zip(train.columns["record"], train.classes, strict=True))
    per_class: dict[tuple[str, bool | None], Counter[str]] = defaultdict(Counter)
    for name, hybrid, record in zip(table.classes, table.hybrid, table.columns["record"], strict=True):
        per_class[name, hybrid][record] += 1
    found = [
        ClassSource(table.name, name, record, n, records.total(), hybrid, trained_on[record], of_class[record, name])
        for (name, hybrid), records in per_class.items()
        for record, n in records.items()
    ]
    return sorted(found, key=lambda source: (-source.images, source.class_name, source.record))


def source_findings(sources: Sequence[ClassSource], train: str) -> list[Finding]:
    """Classes of one record, and classes whose records were hardly trained on."""
    findings = []
    for table in dict.fromkeys(source.table for source in sources):
        own = [source for source in sources if source.table == table]
        single = [source for source in own if source.only_record]
        if single:
            findings.append(_single_record(own, single, table))
        unseen = [source for source in own if source.trained_on < FEW and source.images > 1]
        if table != train and unseen:
            findings.append(_hardly_trained(unseen, table, train))
    return findings


def _single_record(own: Sequence[ClassSource], single: Sequence[ClassSource], table: str) -> Finding:
    classes = len({(source.class_name, source.hybrid) for source in own})
    hybrids = [source.class_name for source in single if source.hybrid]
    return Finding(
        "confounding",
        "caution",
        "class from one record",
        f"{len(single)} of {counted(classes, 'class', 'classes')} in {table} come from one record only "
        f"({counted(sum(source.images for source in single), 'image')}).",
        "For these classes nobody can tell what is the butterfly and what is the photographer's bench."
        + (f" Hybrids among them: {listed(hybrids)}." if hybrids else ""),
        "Do not quote a number for such a class alone. Look for images of it in another record, or mask the "
        "background and check that the model still tells it apart.",
        (
            EvidenceTable(
                f"Classes of {table} with a single record.",
                ("class", "record", "images", "images of the record in training"),
                tuple((s.class_name, s.record, s.images, s.trained_on) for s in single),
            ),
        ),
    )


def _hardly_trained(unseen: Sequence[ClassSource], table: str, train: str) -> Finding:
    top = unseen[0]
    whole = f"All {top.images:,}" if top.only_record else f"{top.images:,} of {top.class_images:,}"
    return Finding(
        "confounding",
        "serious" if top.images >= FEW else "caution",
        "record hardly trained on",
        f"{whole} {top.class_name} in {table} come from record {top.record}, which has "
        f"{counted(top.trained_on, 'image')} in {train}.",
        f"{counted(sum(s.images for s in unseen), 'image')} of {table} are from records with fewer than {FEW} images "
        f"in {train}. Their backgrounds are new to the model. Where they are non-hybrids, a threshold set on held-out "
        "training images raises false alarms on them, and a threshold set on them hides how the model does elsewhere.",
        "Hold whole records out in validation (hybridwing train --split record) to see this before the test does, "
        "and state the true-negative rate record by record.",
        (
            EvidenceTable(
                f"Classes of {table} by record, where {train} has fewer than {FEW} images of the record.",
                ("class", "record", "images", "of all of the class", "of the record in training", "of them this class"),
                tuple(
                    (s.class_name, s.record, s.images, s.class_images, s.trained_on, s.trained_on_class) for s in unseen
                ),
            ),
        ),
    )
