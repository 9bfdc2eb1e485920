"""What overlaps, siblings and copies mean for whoever trains or tests on the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.audit.findings import EvidenceTable, Finding
from hybridwing.audit.overlap import brood_leaks, overlap, repeated_specimens
from hybridwing.audit.wording import count, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybridwing.audit.duplicates import DuplicateGroup
    from hybridwing.audit.overlap import BroodLeak, Overlap
    from hybridwing.audit.tables import AuditedTable

_MOST_ROWS = 200
_ROW_KEYS = ("file name", "address", "MD5")


def overlap_findings(tables: Sequence[AuditedTable]) -> list[Finding]:
    """Rows and specimens that two tables share, pair by pair."""
    findings, clean = [], []
    for at, first in enumerate(tables):
        for second in tables[at + 1 :]:
            overlaps = overlap(first, second)
            if any(one.shared for one in overlaps):
                findings.append(_shared(overlaps, with_training=at == 0))
            else:
                clean.append((first.name, second.name, ", ".join(one.key for one in overlaps)))
    if clean:
        findings.append(
            Finding(
                "leaks",
                "clear",
                "tables apart",
                f"No row and no specimen is in two of these tables: {'; '.join(f'{a} with {b}' for a, b, _ in clean)}.",
                "What is learned on one is not tested on the same individuals of the other, as far as their names "
                "tell.",
                "Nothing to do.",
                (
                    EvidenceTable(
                        "Tables compared, and by what.", ("table", "table", "what was compared"), tuple(clean)
                    ),
                ),
            )
        )
    return findings


def specimen_findings(train: AuditedTable) -> list[Finding]:
    """Specimens of which the catalogue has several images."""
    repeated = repeated_specimens(train)
    if not repeated:
        return [
            Finding(
                "leaks",
                "clear",
                "specimens photographed once",
                f"Every specimen of {train.name} is in it once.",
                "A random split does not put one individual on both sides.",
                "Nothing to do.",
            )
        ]
    images = sum(repeated.values())
    return [
        Finding(
            "leaks",
            "serious" if images >= 0.1 * len(train) else "caution",
            "specimens photographed several times",
            f"{count(len(repeated), 'specimen')} of {train.name} have several images, {images:,} in all.",
            "A random split puts images of one individual on both sides; the model is then asked to recognise it, "
            "which is easier than recognising a hybrid.",
            "Split by specimen (hybridwing train --split specimen).",
            (
                EvidenceTable(
                    "Specimens with several images.", ("specimen", "images"), tuple(repeated.items())[:_MOST_ROWS]
                ),
            ),
        )
    ]


def brood_findings(tables: Sequence[AuditedTable], broods: Mapping[str, str]) -> list[Finding]:
    """Records of bred specimens that are divided between tables, or that a split of the catalogue would divide."""
    train = tables[0]
    across = [leak for table in tables[1:] for leak in brood_leaks(train, table, broods)]
    within = brood_leaks(train, train, broods)
    findings = []
    if across:
        findings.append(_broods_across(across, train.name))
    if within:
        images = sum(leak.first_images for leak in within)
        findings.append(
            Finding(
                "leaks",
                "caution",
                "siblings within the catalogue",
                f"{count(images, 'image')} of {train.name} are from {count(len(within), 'record')} of bred specimens.",
                "Bred specimens come in families. A random split tests on brothers and sisters of what it trained "
                "on, and the result is better than it will be on wild ones. The table does not say who is whose "
                "sibling.",
                "Split by record (hybridwing train --split record), or drop the bred records from the test part.",
                (_brood_table(within, ("record", "title", "images"), within=True),),
            )
        )
    if not findings:
        findings.append(
            Finding(
                "leaks",
                "clear",
                "no known broods",
                "No record is known to hold bred siblings.",
                f"Compared with a list of {count(len(broods), 'record')} of bred specimens; other records may hold "
                "some.",
                "If you know of bred records, name them (broods={record: title}).",
            )
        )
    return findings


def duplicate_findings(groups: Sequence[DuplicateGroup], places: Mapping[str, str], read: int) -> list[Finding]:
    """Photographs that are there twice; `places` names the table and class of each."""
    if not groups:
        return [
            Finding(
                "leaks",
                "clear",
                "no copies among the images",
                f"No two of {count(read, 'image')} are the same file, the same pixels or visibly the same picture.",
                "Copies that were cropped or turned are not found this way.",
                "Nothing to do.",
            )
        ]
    divided = [group for group in groups if len({places[uuid] for uuid in group.uuids}) > 1]
    extra = sum(len(group.uuids) - 1 for group in groups)
    rows = tuple(
        (_LIKENESS[group.likeness], uuid, places[uuid], number)
        for number, group in enumerate(groups, start=1)
        for uuid in group.uuids
    )
    return [
        Finding(
            "leaks",
            "serious" if divided else "caution",
            "copies among the images",
            f"{count(extra, 'image')} of {read:,} repeat another; "
            + (
                f"{count(len(divided), 'group')} of copies are in two tables or classes."
                if divided
                else "none across tables or classes."
            ),
            "A copy in training and test is a question with the answer beside it; a copy under two classes is a "
            "wrong label for one of them.",
            "Look at each group, keep one image of it (drop the others from the table), and correct the label where "
            "they contradict each other.",
            (EvidenceTable("Groups of copies.", ("the same", "image", "table and class", "group"), rows[:_MOST_ROWS]),),
        )
    ]


def copy_findings(pairs: Sequence[tuple[str, str, float]], places: Mapping[str, str], least: float) -> list[Finding]:
    """Images whose embeddings all but agree."""
    if not pairs:
        return [
            Finding(
                "leaks",
                "clear",
                "no copies among the embeddings",
                f"No two embeddings have a cosine of {least} or more.",
                "Nothing looks so alike to the backbone that it would be taken for one photograph.",
                "Nothing to do.",
            )
        ]
    divided = sum(places[a] != places[b] for a, b, _ in pairs)
    rows = tuple((a, places[a], b, places[b], f"{cosine:.4f}") for a, b, cosine in pairs[:_MOST_ROWS])
    return [
        Finding(
            "leaks",
            "serious" if divided else "caution",
            "copies among the embeddings",
            f"To the backbone {count(len(pairs), 'pair')} of images cannot be told apart (cosine {least} or more), "
            f"{divided:,} of them in two tables or classes.",
            "They may be copies, two photographs of one specimen, or pictures in which the backbone sees nothing.",
            "Look at each pair; keep one of two copies, and give photographs of one specimen one specimen number.",
            (EvidenceTable("Pairs, the closest first.", ("image", "in", "image", "in", "cosine"), rows),),
        )
    ]


_LIKENESS = {"bytes": "file", "pixels": "pixels", "picture": "picture"}


def _shared(overlaps: Sequence[Overlap], *, with_training: bool) -> Finding:
    rows = [one for one in overlaps if one.key in _ROW_KEYS]
    most = max(rows or overlaps, key=lambda one: len(one.shared))
    if not most.shared:
        most = max(overlaps, key=lambda one: len(one.shared))
    small, large, total = (
        (most.first, most.second, most.first_total)
        if most.first_total <= most.second_total
        else (most.second, most.first, most.second_total)
    )
    what = "specimen" if most.key == "specimen" else "row"
    headline = (
        f"All {count(total, what)} of {small} are inside {large}."
        if most.inside
        else f"{count(len(most.shared), what)} of {most.first} can be found in {most.second} too."
    )
    meaning = (
        "A result on the second table is partly a result on what was trained on."
        if with_training
        else f"They are not two independent tests: a method chosen on {small} has seen these rows when it is tested on "
        f"{large}, and its result there is too good."
    )
    remedy = (
        "Drop the shared rows from the training table, or from the test."
        if with_training
        else f"State results on the rows of {large} that are not in {small}, and choose methods on held-out training "
        "data only."
    )
    table = EvidenceTable(
        f"What {most.first} and {most.second} share.",
        ("compared by", "shared", f"of {most.first}", f"of {most.second}", "such as"),
        tuple(
            (o.key, len(o.shared), o.first_total, o.second_total, listed(o.shared, 3) if o.shared else "–")
            for o in overlaps
        ),
    )
    return Finding(
        "leaks", "serious" if with_training else "caution", "tables overlap", headline, meaning, remedy, (table,)
    )


def _broods_across(leaks: Sequence[BroodLeak], train: str) -> Finding:
    top = leaks[0]
    return Finding(
        "leaks",
        "caution",
        "siblings on both sides",
        f"Record {top.record} holds bred specimens and is divided: {count(top.first_images, 'image')} in {train}, "
        f"{top.second_images:,} in {top.second}.",
        "Siblings on both sides share more than their class: a nearest neighbour in training may be a brother of "
        "the tested butterfly, so the result is better than it will be on wild ones.",
        "State results without these records, or weigh them as the few families they are; hold whole records out "
        "when you choose a method (hybridwing train --split record).",
        (_brood_table(leaks, ("record", "title", "images in training", "other table", "images there"), within=False),),
    )


def _brood_table(leaks: Sequence[BroodLeak], columns: tuple[str, ...], *, within: bool) -> EvidenceTable:
    rows: tuple[tuple[str | int, ...], ...] = tuple(
        (leak.record, leak.title, leak.first_images, *(() if within else (leak.second, leak.second_images)))
        for leak in leaks
    )
    return EvidenceTable("Records whose title says that specimens were bred.", columns, rows)
