"""From a table to a catalogue: the challenge's two forms and a user's own."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.catalogue import cells
from hybridwing.catalogue.columns import OWN, ColumnNames, Layout, layout_of
from hybridwing.catalogue.crosses import cross_of, is_cross_name, parse_cross
from hybridwing.catalogue.faults import CatalogueFaults
from hybridwing.catalogue.identities import Identity, counted_names, read_identities, subspecies_of
from hybridwing.catalogue.schema import COLUMNS, Catalogue, Reading
from hybridwing.catalogue.taxon_words import TaxonName
from hybridwing.catalogue.text_table import DATA_FRAME, TextTable, is_data_frame, read_text_table
from hybridwing.catalogue.validation import find_faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    TableLike = Catalogue | pd.DataFrame | Path | str

__all__ = ["ColumnNames", "read_catalogue"]

_KEPT = ("taxon", "subspecies_2", "species", "genus")
"""Columns that are read and stay among the others too, since the table has nothing of their wording."""

_log = logging.getLogger(__name__)


def read_catalogue(
    table: pd.DataFrame | Path | str,
    *,
    columns: ColumnNames | Mapping[str, str] | None = None,
    sheet: str | None = None,
    strict: bool = False,
) -> Catalogue:
    r"""Read and check a table of specimens.

    Parameters
    ----------
    table : path or data frame
        CSV file, or an ``.xlsx`` or ``.ods`` workbook, see `read_text_table`. The challenge's training form
        (``butterfly_anomaly_train.csv``) and reference form (``ref_val.csv``) are recognised by their
        headers. A data frame is read as its CSV file would be; messages count rows as in that file.
    columns : ColumnNames or mapping, optional
        What the columns are called in a file of another form, where they are not guessed rightly.
        ``{"filename": "Photo", "label": "Status"}`` says it in short.
    sheet : str, optional
        Sheet of a workbook; by default the first that is not empty.
    strict : bool, default False
        Refuse rows of a user's own table that are unsure or partial (a label ``?``, a hybrid whose parents are not
        both known, a row without a photograph, a path of another machine), instead of reading what they say.

    Returns
    -------
    Catalogue
        Rows in the order of the file; `Catalogue.reading` says how they were read. Whether the image files exist is
        not asked here.

    Raises
    ------
    CatalogueFaults
        If cells are faulty; all of them are listed in its ``faults``.
    CatalogueError
        If the file cannot be read, is no table, lacks a column or has two that could be meant.

    Examples
    --------
    >>> text = "Photo;Taxon\na.jpg;H. erato venus x cyrbia\nb.jpg;H. erato venus\n"
    >>> _ = Path("drawer.csv").write_text(text)
    >>> table = read_catalogue("drawer.csv")
    >>> table.classes.tolist(), table.labels.tolist()
    (['cyrbia x venus', 'venus'], [1, 0])
    """
    table = table if is_data_frame(table) else Path(table)
    path = table if isinstance(table, Path) else DATA_FRAME
    if columns is not None and not isinstance(columns, ColumnNames):
        columns = ColumnNames.of(columns)
    text = read_text_table(table, sheet=sheet)
    layout = layout_of(path, text, columns)
    own = layout.form == "custom"
    if own:
        read = ", ".join(f"{name} as {ours}" for ours, name in layout.columns.items())
        _log.info("%s: columns read: %s", path, read)
    frame = _cells(text, layout)
    extra = _other_cells(text, layout)
    notes = list(text.notes)
    if own and not strict:
        frame, found = _completed(frame)
        extra = extra.loc[frame.index]
        notes += found
    identities = read_identities(frame, layout) if own else _official_identities(frame, layout)
    checked = _as_read(frame, identities, strict=strict) if own else frame
    faults = find_faults(checked, layout, strict=strict or not own)
    if faults:
        raise CatalogueFaults(path, faults)
    typed = _typed(frame, layout, identities)
    reading = _reading(layout, identities, len(text.cells) - len(frame)) if own else Reading()
    reading = replace(reading, notes=tuple(notes), sheet=sheet)
    return Catalogue(typed, layout.form, path, text.sha256, extra.reset_index(drop=True), reading)


def as_catalogue(table: TableLike) -> Catalogue:
    """A catalogue, read where a path or a data frame is given."""
    return table if isinstance(table, Catalogue) else read_catalogue(table)


def _cells(text: TextTable, layout: Layout) -> pd.DataFrame:
    """Cells under our names, as text, empty ones as ``""``; the index is the line of the file."""
    import pandas as pd

    frame = pd.DataFrame("", index=list(text.lines), columns=[*OWN, "group", "split"], dtype=object)
    for ours, theirs in layout.columns.items():
        column = text.header.index(theirs)
        said = layout.hybrid_values + layout.non_hybrid_values if ours == "label" else ()
        empty = cells.EMPTY - cells.folded_labels(said)
        frame[ours] = ["" if row[column].casefold() in empty else row[column] for row in text.cells]
    if layout.form == "training":
        for ours in ("subspecies", "parent_1", "parent_2"):
            frame[ours] = [cells.plain_code(code) for code in frame[ours]]
    return frame


def _other_cells(text: TextTable, layout: Layout) -> pd.DataFrame:
    """The file's other columns under their own names; a column without a name is called by its place."""
    import pandas as pd

    stored = {theirs for ours, theirs in layout.columns.items() if ours not in _KEPT}
    columns = {
        name or f"column {place + 1}": [
            None if row[place].casefold() in cells.EMPTY else row[place] for row in text.cells
        ]
        for place, name in enumerate(text.header)
        if name not in stored
    }
    return pd.DataFrame(columns, index=list(text.lines), dtype="string")


def _completed(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Complete unsure and partial rows of a user's own table; also sentences on what was done with their paths."""
    notes = []
    if frame["filename"].any():
        frame = frame[frame["filename"] != ""]
    local = frame["filename"].map(cells.local_path)
    addresses = frame["filename"].map(lambda name: re.split(r"\s*[|;]\s*", name)[0] if "://" in name else "")
    changed = frame["filename"][local != frame["filename"]]
    if len(changed):
        notes.append(f"{len(changed)} file names are taken from paths and addresses, such as {changed.iloc[0]!r}")
    file_url = frame["file_url"].where(frame["file_url"] != "", addresses)
    return frame.assign(filename=local, file_url=file_url), notes


def _official_identities(frame: pd.DataFrame, layout: Layout) -> list[Identity]:
    """Identities of the rows in the challenge's forms."""
    found = []
    for label, name, *parents in zip(*(frame[c] for c in ("label", "subspecies", "parent_1", "parent_2")), strict=True):
        hybrid = layout.hybrid_of(label)
        cross = None
        with suppress(ValueError):  # its faults are listed after
            if hybrid is not False and is_cross_name(name):
                cross = parse_cross(name)  # before the parents, because it may be a back-cross
            elif hybrid is not False and all(parents):
                cross = cross_of(*parents)
        subspecies = "" if hybrid or is_cross_name(name) else name
        found.append(Identity(TaxonName(name), hybrid, subspecies, cross, "" if cross else parents[0] or parents[1]))
    return found


def _as_read(frame: pd.DataFrame, identities: Sequence[Identity], *, strict: bool) -> pd.DataFrame:
    """The cells to check: names as they were read, so that only what cannot be read is a fault."""
    rows = zip(identities, frame["subspecies"], frame["taxon"], strict=True)
    spelled = [_spelled(identity, given or taxon, strict=strict) for identity, given, taxon in rows]
    unsure = frame["label"].map(cells.is_unsure) & (not strict)
    return frame.assign(
        subspecies=spelled,
        label=frame["label"].mask(unsure, ""),
        **{column: frame[column].map(subspecies_of) for column in ("parent_1", "parent_2")},
    )


def _spelled(identity: Identity, cell: str, *, strict: bool) -> str:
    """A name as it was read; as it stands in the table if it cannot be read or contradicts the label."""
    name = identity.name
    unread = strict and is_cross_name(cell) and not name.pedigree
    if cells.spreadsheet_error(cell) or unread or (identity.hybrid is False and name.label):
        return cell
    return name.pedigree or name.subspecies


def _reading(layout: Layout, identities: Sequence[Identity], left_out: int) -> Reading:
    hybrids = [identity for identity in identities if identity.hybrid]
    return Reading(
        layout.choices,
        counted_names(identities),
        unsure=sum(identity.unsure for identity in identities),
        unlabelled=sum(identity.hybrid is None for identity in identities),
        unknown_parents=sum(not (identity.cross or identity.parent) for identity in hybrids),
        one_parent=sum(bool(identity.parent) for identity in hybrids),
        without_photograph=left_out,
    )


def _typed(frame: pd.DataFrame, layout: Layout, identities: Sequence[Identity]) -> pd.DataFrame:
    """Give checked cells their meaning and their types."""
    import pandas as pd

    crosses = [identity.cross for identity in identities]
    paths = [cells.plain_path(name) for name in frame["filename"]]
    columns: dict[str, Sequence[object]] = {
        "uuid": paths,
        "filename": paths,
        "specimen": [given or cells.specimen_of(name) for given, name in zip(frame["specimen"], paths, strict=True)],
        "hybrid": [identity.hybrid for identity in identities],
        "species": [identity.species for identity in identities],
        "subspecies": [identity.subspecies for identity in identities],
        "parent_1": [cross.parents[0] if cross else one.parent for cross, one in zip(crosses, identities, strict=True)],
        "parent_2": [cross.parents[1] if cross else "" for cross in crosses],
        "cross": [cross.name if cross else "" for cross in crosses],
        "pedigree": [cross.pedigree if cross else "" for cross in crosses],
        "record": _records(frame, layout),
        "side": _sides(frame, layout),
        "group": frame["group"].tolist(),
        "file_url": frame["file_url"].tolist(),
        "md5": [digest.lower() for digest in frame["md5"]],
        "split": frame["split"].tolist(),
        "row": frame.index.tolist(),
    }
    typed = {
        name: pd.Series([None if value == "" else value for value in columns[name]], dtype=dtype)
        for name, dtype in COLUMNS.items()
    }
    return pd.DataFrame(typed)


def _records(frame: pd.DataFrame, layout: Layout) -> list[str]:
    own = layout.form == "custom"  # whose records need not be addresses
    pairs = zip(frame["record"], frame["file_url"], strict=True)
    return [cells.record_of(record) or (record if own else "") or cells.record_of(url) for record, url in pairs]


def _sides(frame: pd.DataFrame, layout: Layout) -> list[str]:
    said = frame["side" if layout.form == "custom" else "file_url"]
    # A file that is called "d" or "v" alone is not one of a side.
    names = [name if len(cells.stem_of(name)) > 1 else "" for name in frame["filename"]]
    return [cells.side_of(cell) or cells.side_of(name) for cell, name in zip(said, names, strict=True)]
