"""Rows and specimens that two tables share, and records of bred broods that both draw from."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.catalogue.metadata import UNKNOWN
from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hybridwing.audit.tables import AuditedTable

BRED_RECORDS: Mapping[str, str] = {
    "1748277": "Cambridge butterfly wing collection - Patricio Salazar PhD wild and bred specimens batch 1",
    "2548678": "Cambridge butterfly wing collection - Patricio Salazar PhD wild and bred specimens batch 2",
    "2549524": "Cambridge butterfly wing collection - Chris Jiggins 2001/2 broods batch 1",
    "2550097": "Cambridge butterfly wing collection - Chris Jiggins 2001/2 broods batch 2",
    "2555086": "University of Helsinki butterfly collection - Anniina Mattila bred specimens",
    "4288311": "Sheffield butterfly wing collection - Patricio Salazar, Nicola Nadeau, Ikiam broods batch 1 and 2",
    "4291095": "Cambridge butterfly collection - GMK Broods Ikiam 2018",
}
"""Zenodo records whose title says that specimens were bred, with that title. From ``butterfly_anomaly.bib`` in
Imageomics/HDR-anomaly-challenge (MIT)."""

_ENTRY = re.compile(r"^@\w+\{", re.MULTILINE)
_TITLE = re.compile(r"^\s*title\s*=\s*[{\"]+(.*?)[}\"]+\s*,?\s*$", re.MULTILINE | re.IGNORECASE)
_RECORD = re.compile(r"zenodo\.(\d+)")
_BRED = re.compile(r"\b(bred|brood|broods|reared)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Overlap:
    """What two tables have in common.

    Attributes
    ----------
    first, second : str
        The tables.
    key : str
        What is the same: ``"file name"``, ``"address"``, ``"MD5"`` or ``"specimen"``.
    shared : tuple of str
        The values both have, sorted.
    first_total, second_total : int
        Distinct values of each.
    """

    first: str
    second: str
    key: str
    shared: tuple[str, ...]
    first_total: int
    second_total: int

    @property
    def inside(self) -> bool:
        """Whether one table is wholly inside the other."""
        return 0 < len(self.shared) == min(self.first_total, self.second_total)


@dataclass(frozen=True)
class BroodLeak:
    """A record of bred specimens that two tables draw from.

    Attributes
    ----------
    record, title : str
    first, second : str
        The tables; the same where one has many images of the record, which a random split divides.
    first_images, second_images : int
    """

    record: str
    title: str
    first: str
    second: str
    first_images: int
    second_images: int


def overlap(first: AuditedTable, second: AuditedTable) -> list[Overlap]:
    """Values of each key that two tables share; only keys that both have."""
    found = []
    for key, column in (("file name", "uuid"), ("address", "file_url"), ("MD5", "md5"), ("specimen", "specimen")):
        mine = set(first.catalogue.table[column].dropna())
        theirs = set(second.catalogue.table[column].dropna())
        if mine and theirs:
            shared = tuple(sorted(str(value) for value in mine & theirs))
            found.append(Overlap(first.name, second.name, key, shared, len(mine), len(theirs)))
    return found


def repeated_specimens(table: AuditedTable) -> dict[str, int]:
    """Specimens of which a table has several images, with their number, by name."""
    counts = Counter(str(specimen) for specimen in table.catalogue.specimens)
    return {specimen: images for specimen, images in sorted(counts.items()) if images > 1}


def contradicted_specimens(tables: list[AuditedTable]) -> dict[str, tuple[str, ...]]:
    """Specimens that stand under several classes, with those classes, by name."""
    classes: dict[str, set[str]] = defaultdict(set)
    for table in tables:
        for specimen, name, hybrid in zip(table.catalogue.specimens, table.classes, table.hybrid, strict=True):
            if hybrid is not None:
                classes[str(specimen)].add(name)
    return {specimen: tuple(sorted(names)) for specimen, names in sorted(classes.items()) if len(names) > 1}


def brood_leaks(first: AuditedTable, second: AuditedTable, broods: Mapping[str, str]) -> list[BroodLeak]:
    """Records of bred specimens that are in both tables, the most images first."""
    mine, theirs = Counter(first.columns["record"]), Counter(second.columns["record"])
    least = 2 if first is second else 1  # one image has no sibling to be divided from
    leaks = [
        BroodLeak(record, title, first.name, second.name, mine[record], theirs[record])
        for record, title in broods.items()
        if record != UNKNOWN and mine[record] >= least and theirs[record] >= least
    ]
    return sorted(leaks, key=lambda leak: (-min(leak.first_images, leak.second_images), leak.record))


def read_bred_records(path: Path) -> dict[str, str]:
    """Zenodo records of bred specimens in a BibTeX file: those whose title says bred, reared or brood.

    Parameters
    ----------
    path : Path
        One ``title`` and one Zenodo ``doi`` or ``url`` an entry, each on a line of its own.

    Returns
    -------
    dict of str to str
        Record to title, by record.

    Raises
    ------
    CatalogueError
        If the file cannot be read as text.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: cannot be read as a BibTeX file in UTF-8: {error}") from error
    found = {}
    for entry in _ENTRY.split(text)[1:]:
        title, record = _TITLE.search(entry), _RECORD.search(entry)
        if title and record and _BRED.search(title.group(1)):
            found[record.group(1)] = title.group(1)
    return dict(sorted(found.items()))
