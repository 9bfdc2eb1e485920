"""The tables an audit compares, and the groups of each that are scored together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.describe import statuses
from hybridwing.catalogue.metadata import metadata_columns
from hybridwing.catalogue.names import named
from hybridwing.evaluation.challenge_score import TITLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from hybridwing.catalogue.schema import Catalogue

GROUP_NAMES = {group: f"{title} hybrids" for group, title in TITLES.items()}


@dataclass(frozen=True, eq=False)
class AuditedTable:
    """A catalogue made ready for comparison."""

    name: str  # How the page calls it: the file's name, numbered where two tables share it
    catalogue: Catalogue  # With names in the place of subspecies codes where they can be inferred

    def __len__(self) -> int:
        return len(self.catalogue)

    @cached_property
    def columns(self) -> dict[str, list[str]]:
        """Metadata, see `hybridwing.catalogue.metadata.metadata_columns`."""
        return metadata_columns(self.catalogue)

    @cached_property
    def hybrid(self) -> list[bool | None]:
        """Whether each image is of a hybrid, length n; None for an unlabelled one."""
        return statuses(self.catalogue)

    @cached_property
    def classes(self) -> list[str]:
        """Class of each image, length n."""
        return [str(name).replace(" x ", " × ") for name in self.catalogue.classes]

    @cached_property
    def uuids(self) -> list[str]:
        """Key of each image, length n."""
        return [str(uuid) for uuid in self.catalogue.uuids]


@dataclass(frozen=True, eq=False)
class Group:
    """Hybrids that a number is stated for, with the non-hybrids it is measured against."""

    table: AuditedTable
    name: str  # ``"signal hybrids"``, ``"non-signal hybrids"``, ``"mimic hybrids"`` or ``"hybrids"``
    # Rows of the table. As in the challenge's score, signal and non-signal hybrids share the non-hybrids of *H. erato*
    hybrids: npt.NDArray[np.intp]
    non_hybrids: npt.NDArray[np.intp]


def audited_tables(catalogue: Catalogue, references: Sequence[Catalogue]) -> list[AuditedTable]:
    """The catalogue first, then what it is compared with."""
    tables: list[AuditedTable] = []
    for one in (catalogue, *references):
        taken = {table.name for table in tables}
        name, number = one.source.name, 2
        while name in taken:
            name, number = f"{one.source.name} ({number})", number + 1
        tables.append(AuditedTable(name, named(one)))
    return tables


def groups_of(table: AuditedTable) -> list[Group]:
    """Groups of a table that have hybrids and non-hybrids.

    The challenge's three where the table says which image belongs to which; all images otherwise.
    """
    indicator = table.catalogue.groups
    hybrid = np.array([value is True for value in table.hybrid], dtype=np.bool_)
    other = np.array([value is False for value in table.hybrid], dtype=np.bool_)
    mimic = np.asarray(indicator == "mimic", dtype=np.bool_)
    found = []
    for key, name in GROUP_NAMES.items():
        pool = mimic if key == "mimic" else ~mimic
        found.append(Group(table, name, np.flatnonzero(hybrid & (indicator == key)), np.flatnonzero(other & pool)))
    if not any(value is not None for value in indicator):
        found = [Group(table, "hybrids", np.flatnonzero(hybrid), np.flatnonzero(other))]
    return [group for group in found if len(group.hybrids) and len(group.non_hybrids)]
