"""Show how a table was read and what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.cli.show import note, say, show_rows
from hybridwing.errors import counted, first_few

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.catalogue.describe import CatalogueDescription
    from hybridwing.catalogue.schema import Reading
    from hybridwing.catalogue.taxon_words import TaxonName
    from hybridwing.images.listed import ListedFiles

_MOST = 20  # rows of a list of files
_LABELS = {True: "hybrid", False: "non-hybrid", None: "–"}


def show_description(description: CatalogueDescription) -> None:
    """Show columns, names, and images of every class and record."""
    source = description.source
    show_reading(source, description.reading)
    for title, counts in (("class", description.classes), ("record", description.records)):
        rows = [(c.name, *map(str, (c.images, c.hybrids, c.non_hybrids, c.unlabelled))) for c in counts]
        header = (title, "images", "hybrids", "non-hybrids", "unlabelled")
        show_rows(f"{source}: {counted(description.images, 'image')}", header, rows, numeric=header[1:])
    if description.names_inferred:
        say("\nnames beside codes are inferred: the subspecies in alphabetical order")


def show_reading(source: str, reading: Reading) -> None:
    """Show how each column and name was read; nothing for the challenge's forms."""
    for remark in reading.notes:
        note(remark)
    if not reading.columns:
        return
    rows = [(c.theirs, c.ours if c.taken else f"not {c.ours}", c.reason) for c in reading.columns]
    show_rows(f"{source}: columns", ("column", "taken for", "why"), rows)
    names = [(name.raw, str(images), _LABELS[name.label], _read_as(name)) for name, images in reading.names]
    if names:
        show_rows(f"{source}: names", ("name", "images", "label", "read as"), names, numeric=["images", "label"])
    counts = {
        "unsure rows, which are not learned from": reading.unsure,
        "rows without a label (the unsure ones among them), which are ranked and not learned from": reading.unlabelled,
        "hybrids of unknown parents": reading.unknown_parents,
        "hybrids of which one parent is known": reading.one_parent,
        "rows that name no photograph, which are left out": reading.without_photograph,
    }
    say("")
    for what, count in counts.items():
        if count:
            say(f"{what}: {count}")


def _read_as(name: TaxonName) -> str:
    """The species in short, the subspecies or the cross, and the reason where these do not tell it.

    Examples
    --------
    >>> from hybridwing.catalogue.taxon_names import parse_taxon
    >>> _read_as(parse_taxon("Heliconius erato ssp. notabilis x lativitta")), _read_as(parse_taxon("H. erato"))
    ('H. erato lativitta x notabilis', 'H. erato: names a species but no subspecies')
    """
    genus = f"{name.genus[0]}." if name.genus else ""
    read = " ".join(filter(None, (genus, name.species, name.subspecies or name.pedigree)))
    plain = name.certainty == "certain" and (name.subspecies or name.pedigree) and not name.form
    return read if plain else f"{read}: {name.reason}" if read else name.reason


def show_listed(folder: Path, listed: ListedFiles) -> None:
    """Show which file names of the table are in the folder, and which are there in another folder or spelling."""
    asked = listed.found + len(listed.ambiguous) + len(listed.missing)
    say(f"\n{folder}: {listed.found} of {asked} photographs found")
    several = [(name, first_few(files, 5)) for name, files in listed.ambiguous.items()]
    for title, column, rows in (
        ("found in another folder", "file", list(listed.elsewhere.items())),
        ("found by another spelling", "file", list(listed.respelled.items())),
        ("may be any of several: give folder and ending in the table", "files", several),
    ):
        if rows:
            show_rows(title, ("table", column), rows[:_MOST], total=len(rows))
    if listed.missing:
        note(f"not found: {first_few(listed.missing, 10)}")
