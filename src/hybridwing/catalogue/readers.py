"""From a CSV file to a catalogue: the challenge's two forms and a user's own."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.catalogue import cells
from hybridwing.catalogue.columns import ColumnNames, Layout, layout_of
from hybridwing.catalogue.crosses import Cross, cross_of, is_cross_name, parse_cross
from hybridwing.catalogue.faults import CatalogueFaults
from hybridwing.catalogue.schema import COLUMNS, Catalogue
from hybridwing.catalogue.text_table import TextTable, read_text_table
from hybridwing.catalogue.validation import find_faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

__all__ = ["ColumnNames", "read_catalogue"]

_TEXT_COLUMNS = (
    "filename",
    "label",
    "specimen",
    "subspecies",
    "parent_1",
    "parent_2",
    "record",
    "side",
    "group",
    "file_url",
    "md5",
    "split",
)

_log = logging.getLogger(__name__)


def read_catalogue(path: Path | str, *, columns: ColumnNames | Mapping[str, str] | None = None) -> Catalogue:
    """Read and check a table of specimens.

    Parameters
    ----------
    path : Path or str
        CSV file, UTF-8, separated by commas, semicolons or tabs. The challenge's training form
        (``butterfly_anomaly_train.csv``) and reference form (``ref_val.csv``) are recognised by their
        headers.
    columns : ColumnNames or mapping, optional
        What the columns are called in a file of another form. Columns that go by our names (see `ColumnNames`)
        need not be named; others are not read. ``{"filename": "Photo", "label": "Status"}`` says it in short. Without
        it, such a file needs a column ``filename``.

    Returns
    -------
    Catalogue
        Rows in the order of the file. Whether the image files exist is not asked here.

    Raises
    ------
    CatalogueFaults
        If cells are faulty; all of them are listed in its ``faults``.
    CatalogueError
        If the file cannot be read, is no CSV table or lacks a column.

    Examples
    --------
    >>> collection = hw.simulate_collection("collection", specimens=200)  # doctest: +SKIP
    >>> table = read_catalogue(collection.train)
    >>> table.counts().images == len(table)
    True
    """
    path = Path(path)
    if columns is not None and not isinstance(columns, ColumnNames):
        columns = ColumnNames.of(columns)
    text = read_text_table(path)
    layout = layout_of(path, text.header, columns, hint=text.hint)
    if layout.form == "custom":
        _log.info("%s: columns read: %s", path, ", ".join(f"{name} as {ours}" for ours, name in layout.columns))
    frame = _cells(text, layout)
    faults = find_faults(frame, layout)
    if faults:
        raise CatalogueFaults(path, faults)
    return Catalogue(_typed(frame, layout), layout.form, path, text.sha256)


def as_catalogue(catalogue: Catalogue | Path | str) -> Catalogue:
    """A catalogue, read where a path is given."""
    return read_catalogue(catalogue) if isinstance(catalogue, (str, Path)) else catalogue


def _cells(text: TextTable, layout: Layout) -> pd.DataFrame:
    """Cells under our names, as text, empty ones as ``""``; the index is the line of the file."""
    import pandas as pd

    position = {name: number for number, name in enumerate(text.header)}
    names = dict(layout.columns)
    frame = pd.DataFrame("", index=list(text.lines), columns=list(_TEXT_COLUMNS), dtype=object)
    for ours in _TEXT_COLUMNS:
        if ours in names:
            column = position[names[ours]]
            said = layout.hybrid_values + layout.non_hybrid_values if ours == "label" else ()
            empty = cells.EMPTY - cells.folded_labels(said)
            frame[ours] = ["" if row[column].casefold() in empty else row[column] for row in text.cells]
    if layout.form == "training":
        for ours in ("subspecies", "parent_1", "parent_2"):
            frame[ours] = [cells.plain_code(code) for code in frame[ours]]
    return frame


def _typed(frame: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Give checked cells their meaning and their types."""
    import pandas as pd

    hybrid = [layout.hybrid_of(label) for label in frame["label"]]
    descent = zip(frame["subspecies"], frame["parent_1"], frame["parent_2"], strict=True)
    crosses = [None if known is False else _cross(*names) for known, names in zip(hybrid, descent, strict=True)]
    paths = [cells.plain_path(name) for name in frame["filename"]]
    columns: dict[str, Sequence[object]] = {
        "uuid": paths,
        "filename": paths,
        "specimen": [given or cells.specimen_of(name) for given, name in zip(frame["specimen"], paths, strict=True)],
        "hybrid": hybrid,
        "subspecies": [
            "" if known or is_cross_name(name) else name
            for known, name in zip(hybrid, frame["subspecies"], strict=True)
        ],
        "parent_1": [
            cross.parents[0] if cross else first or second
            for cross, first, second in zip(crosses, frame["parent_1"], frame["parent_2"], strict=True)
        ],
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


def _cross(name: str, first: str, second: str) -> Cross | None:
    if is_cross_name(name):  # before the parents, because it may be a back-cross
        return parse_cross(name)
    return cross_of(first, second) if first and second else None


def _records(frame: pd.DataFrame, layout: Layout) -> list[str]:
    if layout.form == "custom":
        return [str(record) for record in frame["record"]]
    pairs = zip(frame["record"], frame["file_url"], strict=True)
    return [cells.record_of(link) or cells.record_of(address) for link, address in pairs]


def _sides(frame: pd.DataFrame, layout: Layout) -> list[str]:
    if layout.form == "custom":
        return [cells.side_of(side) for side in frame["side"]]
    pairs = zip(frame["file_url"], frame["filename"], strict=True)
    return [cells.side_of(address) or cells.side_of(name) for address, name in pairs]
