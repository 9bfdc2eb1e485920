"""Result tables for people, written as the ending of the file says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hybridwing.csv_files import csv_text, escaped
from hybridwing.errors import HybridwingError, MissingExtraError
from hybridwing.files import write_text, written_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Cells = Sequence[Sequence[Any]]

_MOST_ROWS = 1_048_575  # of a sheet, below its header


def write_results(path: Path, columns: Sequence[str], rows: Cells) -> None:
    """Write a table of results; whole or not at all.

    Parameters
    ----------
    path : Path
        ``.csv`` opens in Excel with its accents, because a byte-order mark stands first where there is any letter
        beyond ASCII, and no cell runs as a formula (see `hybridwing.csv_files`). In ``.xlsx`` texts are texts, never
        formulas. In ``.parquet`` a column of numbers has a number's type. An existing file is replaced.
    columns : sequence of str
    rows : sequence of sequences
        Texts, numbers and truth values; None, NaN and ``""`` are empty.

    Raises
    ------
    HybridwingError
        If the ending is none of these, or a sheet cannot hold so many rows.
    MissingExtraError
        If ``.xlsx`` is asked for and openpyxl is not installed.
    WriteError
        If the file cannot be written.
    """
    if path.suffix.lower() not in _WRITERS:
        *most, last = _WRITERS
        raise HybridwingError(f"{path}: a table is written as {', '.join(most)} or {last}; end its name so")
    path.parent.mkdir(parents=True, exist_ok=True)
    _WRITERS[path.suffix.lower()](path, columns, [[_plain(cell) for cell in row] for row in rows])


def _plain(cell: Any) -> Any:
    """A cell as Python has it: None where it is empty, and NumPy's numbers as plain ones."""
    value = cell.item() if hasattr(cell, "item") else cell
    empty = value is None or type(value).__name__ in ("NAType", "NaTType") or value == ""
    return None if empty or (isinstance(value, float) and math.isnan(value)) else value


def _write_csv(path: Path, columns: Sequence[str], rows: Cells) -> None:
    text = csv_text(columns, rows)
    write_text(path, text if text.isascii() else f"\ufeff{text}")


def _write_excel(path: Path, columns: Sequence[str], rows: Cells) -> None:
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
    except ImportError as error:
        raise MissingExtraError("openpyxl", "excel", f"writing {path}") from error
    if len(rows) > _MOST_ROWS:
        raise HybridwingError(f"{path}: a sheet holds {_MOST_ROWS:,} rows, not {len(rows):,}; write .csv or .parquet")
    book = Workbook(write_only=True)
    sheet = book.create_sheet("results")
    sheet.freeze_panes = "A2"
    for row in [columns, *rows]:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value=escaped(value) if isinstance(value, str) else value)
            if isinstance(value, str):
                cell.data_type = "s"  # what begins with = too
            cells.append(cell)
        sheet.append(cells)
    with written_whole(path) as partial, partial.open("wb") as file:
        book.save(file)


def _write_parquet(path: Path, columns: Sequence[str], rows: Cells) -> None:
    import pandas as pd

    frame = pd.DataFrame([list(row) for row in rows], columns=list(columns), dtype=object).convert_dtypes()
    mixed = [name for name, dtype in frame.dtypes.items() if str(dtype) == "object"]
    with written_whole(path) as partial:
        frame.astype(dict.fromkeys(mixed, "string")).to_parquet(partial, index=False)


_WRITERS: dict[str, Callable[[Path, Sequence[str], Cells], None]] = {
    ".csv": _write_csv,
    ".xlsx": _write_excel,
    ".parquet": _write_parquet,
}
