"""Which records each class comes from, and which were hardly trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.catalogue.metadata import UNKNOWN

if TYPE_CHECKING:
    from hybridwing.audit.tables import AuditedTable

FEW = 30
"""Fewer training images than this of a record are few to learn its backgrounds from."""


@dataclass(frozen=True)
class ClassSource:
    """Images of one class that one record gave one table.

    Attributes
    ----------
    table, class_name, record : str
    images : int
        Of this class from this record.
    class_images : int
        Of this class from all records.
    hybrid : bool or None
        Status of the class's images here; None where they are unlabelled.
    trained_on : int
        Images of the record, whatever their class, in the audited catalogue.
    trained_on_class : int
        Those of them that are of this class.
    """

    table: str
    class_name: str
    record: str
    images: int
    class_images: int
    hybrid: bool | None
    trained_on: int
    trained_on_class: int

    @property
    def only_record(self) -> bool:
        """Whether all images of the class in the table come from this record."""
        return self.images == self.class_images and self.record != UNKNOWN


def class_sources(train: AuditedTable, table: AuditedTable) -> list[ClassSource]:
    """Records of every class of a table, the largest share first."""
    trained_on = Counter(train.columns["record"])
    trained_on_class = Counter(zip(train.columns["record"], train.classes, strict=True))
    per_class: dict[tuple[str, bool | None], Counter[str]] = defaultdict(Counter)
    for name, hybrid, record in zip(table.classes, table.hybrid, table.columns["record"], strict=True):
        per_class[name, hybrid][record] += 1
    found = [
        ClassSource(
            table.name, name, record, images, records.total(), hybrid, trained_on[record],
            trained_on_class[record, name],
        )
        for (name, hybrid), records in per_class.items()
        for record, images in records.items()
    ]  # fmt: skip
    return sorted(found, key=lambda source: (-source.images, source.class_name, source.record))
