"""Show how a table was read and what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.cli.show import note, say, show_rows
from hybridwing.errors import first_few

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.catalogue.describe import CatalogueDescription
    from hybridwing.catalogue.reading import Reading
    from hybridwing.images.listed import ListedFiles

_MOST = 20  # rows of a list of files
_LABELS = {True: "hybrid", False: "non-hybrid", None: "–"}


def show_description(description: CatalogueDescription) -> None:
    """Columns, names, and images of every class and record."""
    source = description.source
    show_reading(source, description.reading)
    for title, counts in (("class", description.classes), ("record", description.records)):
        rows = [(c.name, *map(str, (c.images, c.hybrids, c.non_hybrids, c.unlabelled))) for c in counts]
        header = (title, "images", "hybrids", "non-hybrids", "unlabelled")
        show_rows(f"{source}: {description.images} images", header, rows, numeric=header[1:])
    if description.names_inferred:
        say("\nnames beside codes are inferred: the subspecies in alphabetical order")


def show_reading(source: str, reading: Reading) -> None:
    """Which column was taken for what, and what every name was read as; nothing for the challenge's forms."""
    for remark in reading.notes:
        note(remark)
    if not reading.columns:
        return
    rows = [(c.theirs, c.ours if c.taken else f"not {c.ours}", c.reason) for c in reading.columns]
    show_rows(f"{source}: columns", ("column", "taken for", "why"), rows)
    names = [
        (
            name.raw, str(images), _LABELS[name.label], name.binomial, name.subspecies or " + ".join(name.parents),
            name.pedigree, name.certainty, name.reason,
        )
        for name, images in reading.names
    ]  # fmt: skip
    header = ("name", "images", "label", "species", "subspecies or parents", "pedigree", "certainty", "reason")
    if names:
        show_rows(f"{source}: names", header, names, numeric=["images"])
    counts = {
        "unsure rows, which are not learned from": reading.unsure,
        "rows without a label, which are ranked and not learned from": reading.unlabelled,
        "hybrids of unknown parents": reading.unknown_parents,
        "hybrids of which one parent is known": reading.one_parent,
        "rows that name no photograph, which are left out": reading.without_photograph,
    }
    say("")
    for what, count in counts.items():
        if count:
            say(f"{count} {what}")


def show_listed(folder: Path, listed: ListedFiles) -> None:
    """Which file names of the table are in the folder, and which are there by another spelling."""
    asked = listed.found + len(listed.ambiguous) + len(listed.missing)
    say(f"\n{folder}: {listed.found} of {asked} photographs found")
    if listed.respelled:
        show_rows("found by another spelling", ("table", "file"), list(listed.respelled.items())[:_MOST])
    if listed.ambiguous:
        several = [(name, first_few(files, 5)) for name, files in listed.ambiguous.items()]
        show_rows("may be any of several: give folder and ending in the table", ("table", "files"), several[:_MOST])
    if listed.missing:
        note(f"not found: {first_few(listed.missing, 10)}")
