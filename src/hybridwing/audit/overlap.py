"""Rows and specimens that two tables share, repeated specimens, and records of bred siblings that both draw from."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.audit.findings import MOST_ROWS, EvidenceTable, Finding, clear, listed
from hybridwing.errors import CatalogueError, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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

_KEYS = (("file name", "uuid"), ("address", "file_url"), ("MD5", "md5"), ("specimen", "specimen"))
_ENTRY = re.compile(r"^\s*@\w+\s*\{", re.MULTILINE)
_TITLE = re.compile(r"^\s*title\s*=\s*[{\"]+(.*?)[}\"]+\s*,?\s*$", re.MULTILINE | re.IGNORECASE)
_RECORD = re.compile(r"zenodo\.(\d+)")
_BRED = re.compile(r"\b(bred|brood|broods|reared)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Overlap:
    """What two tables have in common."""

    key: str  # What is the same: ``"file name"``, ``"address"``, ``"MD5"`` or ``"specimen"``
    shared: tuple[str, ...]  # The values both have, sorted
    first: int  # Distinct values of each
    second: int


def overlap(first: AuditedTable, second: AuditedTable) -> list[Overlap]:
    """Values of each key that two tables share; only keys that both have."""
    found = []
    for key, column in _KEYS:
        mine, theirs = (set(table.catalogue.table[column].dropna()) for table in (first, second))
        if mine and theirs:
            found.append(Overlap(key, tuple(sorted(map(str, mine & theirs))), len(mine), len(theirs)))
    return found


def overlap_findings(tables: Sequence[AuditedTable]) -> list[Finding]:
    """Rows and specimens that two tables share, pair by pair."""
    findings, clean = [], []
    for at, first in enumerate(tables):
        for second in tables[at + 1 :]:
            overlaps = overlap(first, second)
            if any(one.shared for one in overlaps):
                findings.append(_shared(first.name, second.name, overlaps, with_training=at == 0))
            else:
                clean.append((first.name, second.name, ", ".join(one.key for one in overlaps)))
    if clean:
        findings.append(
            clear(
                "leaks",
                "tables apart",
                f"No row and no specimen is in two of these tables: {'; '.join(f'{a} with {b}' for a, b, _ in clean)}.",
                "By their names, no individual of one table is in the other.",
                (EvidenceTable("Tables compared.", ("table", "table", "what was compared"), tuple(clean)),),
            )
        )
    return findings


def _shared(first: str, second: str, overlaps: Sequence[Overlap], *, with_training: bool) -> Finding:
    # Shared rows say more than shared specimens, so they come first.
    most = max(overlaps, key=lambda one: (bool(one.shared) and one.key != "specimen", len(one.shared)))
    small, large = (first, second) if most.first <= most.second else (second, first)
    fewer = min(most.first, most.second)
    what = "specimen" if most.key == "specimen" else "row"
    if len(most.shared) == fewer:
        headline = f"All {counted(fewer, what)} of {small} are inside {large}."
    else:
        headline = f"{counted(len(most.shared), what)} of {first} can be found in {second} too."
    if with_training:
        meaning = "A result on the second table is partly a result on what was trained on."
        remedy = "Drop the shared rows from the training table, or from the test."
    else:
        meaning = (
            f"They are not two independent tests: a method chosen on {small} has seen these rows when it is tested on "
            f"{large}, and its result there is too good."
        )
        remedy = (
            f"State results on the rows of {large} that are not in {small}, and choose methods on held-out training "
            "data only."
        )
    table = EvidenceTable(
        f"What {first} and {second} share.",
        ("compared by", "shared", f"of {first}", f"of {second}", "such as"),
        tuple((o.key, len(o.shared), o.first, o.second, listed(o.shared, 3) if o.shared else "–") for o in overlaps),
    )
    return Finding(
        "leaks", "serious" if with_training else "caution", "tables overlap", headline, meaning, remedy, (table,)
    )


def specimen_finding(train: AuditedTable) -> Finding:
    """Specimens of which the catalogue has several images."""
    counts = Counter(str(specimen) for specimen in train.catalogue.specimens)
    repeated = tuple((specimen, images) for specimen, images in sorted(counts.items()) if images > 1)
    if not repeated:
        return clear(
            "leaks",
            "specimens photographed once",
            f"Every specimen of {train.name} is in it once.",
            "A random split does not put one individual on both sides.",
        )
    images = sum(number for _, number in repeated)
    return Finding(
        "leaks",
        "serious" if images >= 0.1 * len(train) else "caution",
        "specimens photographed several times",
        f"{counted(len(repeated), 'specimen')} of {train.name} have several images, {images:,} in all.",
        "A random split puts images of one individual on both sides; the model is then asked to recognise it, "
        "which is easier than recognising a hybrid.",
        "Split by specimen (hybridwing train --split specimen).",
        (EvidenceTable("Specimens with several images.", ("specimen", "images"), repeated[:MOST_ROWS]),),
    )


def brood_findings(tables: Sequence[AuditedTable], broods: Mapping[str, str]) -> list[Finding]:
    """Records of bred specimens that are divided between tables, or that a split of the catalogue would divide."""
    train = tables[0]
    images = Counter(train.columns["record"])
    across = [
        (record, title, images[record], table.name, there[record])
        for table in tables[1:]
        for there in [Counter(table.columns["record"])]
        for record, title in sorted(broods.items(), key=lambda item: (-min(images[item[0]], there[item[0]]), item[0]))
        if images[record] and there[record]
    ]
    # One image has no sibling that a split could divide it from.
    within = [(record, title, images[record]) for record, title in broods.items() if images[record] > 1]
    within.sort(key=lambda row: (-row[2], row[0]))
    caption, findings = "Records whose title says that specimens were bred.", []
    if across:
        record, _, here, other, there = across[0]
        findings.append(
            Finding(
                "leaks",
                "caution",
                "siblings on both sides",
                f"Record {record} holds bred specimens and is divided: {counted(here, 'image')} in {train.name}, "
                f"{there:,} in {other}.",
                "Siblings on both sides share more than their class: a nearest neighbour in training may be a brother "
                "of the tested butterfly, so the result is better than it will be on wild ones.",
                "State results without these records, or weigh them as the few families they are; hold whole records "
                "out when you choose a method (hybridwing train --split record).",
                (
                    EvidenceTable(
                        caption,
                        ("record", "title", "images in training", "other table", "images there"),
                        tuple(across),
                    ),
                ),
            )
        )
    if within:
        findings.append(
            Finding(
                "leaks",
                "caution",
                "siblings within the catalogue",
                f"{counted(sum(row[2] for row in within), 'image')} of {train.name} are from "
                f"{counted(len(within), 'record')} of bred specimens.",
                "Bred specimens come in families. A random split tests on brothers and sisters of what it trained "
                "on, and the result is better than it will be on wild ones. The table does not say who is whose "
                "sibling.",
                "Split by record (hybridwing train --split record), or drop the bred records from the test part.",
                (EvidenceTable(caption, ("record", "title", "images"), tuple(within)),),
            )
        )
    if not findings:
        findings.append(
            Finding(
                "leaks",
                "clear",
                "no known broods",
                "No record is known to hold bred siblings.",
                f"They were compared with a list of {counted(len(broods), 'record')} of bred specimens; others may "
                "hold some.",
                "If you know of bred records, name them (broods={record: title}).",
            )
        )
    return findings


def read_bred_records(path: Path) -> dict[str, str]:
    """Zenodo records in a BibTeX file whose title says bred, reared or brood, with that title, by record.

    An entry has one ``title`` and one Zenodo ``doi`` or ``url``, each on a line of its own. Raises CatalogueError if
    the file cannot be read as text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: cannot be read as a BibTeX file in UTF-8: {error}") from error
    found = {}
    for entry in _ENTRY.split(text)[1:]:
        title, record = _TITLE.search(entry), _RECORD.search(entry)
        if title and record and _BRED.search(title.group(1)):
            found[record.group(1)] = title.group(1)
    return dict(sorted(found.items()))
