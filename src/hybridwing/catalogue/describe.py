"""Count the images of a catalogue by class, record and other metadata."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from hybridwing.catalogue.metadata import UNKNOWN, metadata_columns
from hybridwing.catalogue.names import named
from hybridwing.catalogue.readers import as_catalogue
from hybridwing.catalogue.schema import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hybridwing.catalogue.readers import TableLike
    from hybridwing.catalogue.schema import Catalogue

TINY = 10
"""A class of fewer images is tiny: a fifth of it, the usual part to test on, is at most one image."""


@dataclass(frozen=True)
class StatusCount:
    """Images that have one value in common, by hybrid status."""

    name: str  # The value: a class, record, side, file type or group; ``"not known"`` where the table does not say
    # Numbers of images, by status
    hybrids: int
    non_hybrids: int
    unlabelled: int

    @property
    def images(self) -> int:
        """Number of images in all."""
        return self.hybrids + self.non_hybrids + self.unlabelled


@dataclass(frozen=True)
class CatalogueDescription:
    """What a catalogue holds.

    Attributes
    ----------
    source : str
        Name of the file, without its folder.
    form : str
        Form of the file.
    sha256 : str
        SHA-256 of its bytes.
    images, specimens, hybrids, non_hybrids, unlabelled : int
        Numbers in all.
    classes : tuple of StatusCount
        Subspecies and crosses. In the training form with the name inferred for the code (see
        `hybridwing.catalogue.names`), such as ``"lativitta (8)"``.
    records, sides, file_types, groups : tuple of StatusCount
        Most frequent first, then by name.
    names_inferred : bool
        Whether the names beside the codes are inferred and not from the table.
    reading : Reading
        How a user's own table was read.
    """

    source: str
    form: str
    sha256: str
    images: int
    specimens: int
    hybrids: int
    non_hybrids: int
    unlabelled: int
    classes: tuple[StatusCount, ...]
    records: tuple[StatusCount, ...]
    sides: tuple[StatusCount, ...]
    file_types: tuple[StatusCount, ...]
    groups: tuple[StatusCount, ...]
    names_inferred: bool
    reading: Reading = field(default_factory=Reading)

    @property
    def tiny(self) -> tuple[StatusCount, ...]:
        """Classes of fewer than `TINY` images."""
        return tuple(count for count in self.classes if count.images < TINY)

    def to_json(self) -> str:
        """All counts as JSON text, the tiny classes by name."""
        return json.dumps({**asdict(self), "tiny": [count.name for count in self.tiny]}, indent=2, ensure_ascii=False)


def describe(catalogue: TableLike) -> CatalogueDescription:
    """Count the images of a catalogue by class, record, side, file type and group.

    Parameters
    ----------
    catalogue : Catalogue, path or data frame
        Of any form and any size, labelled or not.

    Examples
    --------
    >>> found = describe(collection.train)
    >>> found.images == found.hybrids + found.non_hybrids
    True
    """
    catalogue = as_catalogue(catalogue)
    status = ["unlabelled" if value is None else "hybrid" if value else "non-hybrid" for value in statuses(catalogue)]
    columns = metadata_columns(catalogue)
    codes, names = catalogue.classes, named(catalogue).classes
    classes = [name if name == code else f"{name} ({code})" for name, code in zip(names, codes, strict=True)]
    totals = Counter(status)
    return CatalogueDescription(
        source=catalogue.source.name,
        form=catalogue.form,
        sha256=catalogue.sha256,
        images=len(catalogue),
        specimens=len(set(catalogue.specimens)),
        hybrids=totals["hybrid"],
        non_hybrids=totals["non-hybrid"],
        unlabelled=totals["unlabelled"],
        classes=_counts([name.replace(" x ", " × ") for name in classes], status),
        records=_counts(columns["record"], status),
        sides=_counts(columns["side"], status),
        file_types=_counts(columns["file type"], status),
        groups=_counts([str(group) if group else UNKNOWN for group in catalogue.groups], status),
        names_inferred=any(names != codes),
        reading=catalogue.reading,
    )


def statuses(catalogue: Catalogue) -> list[bool | None]:
    """Whether each image is of a hybrid; None for an unlabelled one."""
    hybrid = catalogue.table["hybrid"]
    return [None if missing else bool(value) for value, missing in zip(hybrid, hybrid.isna(), strict=True)]


def _counts(values: Sequence[str], status: Iterable[str]) -> tuple[StatusCount, ...]:
    both = Counter(zip(values, status, strict=True))
    counts = [
        StatusCount(value, both[value, "hybrid"], both[value, "non-hybrid"], both[value, "unlabelled"])
        for value in set(values)
    ]
    return tuple(sorted(counts, key=lambda count: (-count.images, count.name)))
