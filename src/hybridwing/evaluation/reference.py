"""Reading reference tables: which images are hybrids, and of which group of the challenge."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.text_table import SEPARATORS, separator_of
from hybridwing.errors import ScoringError, first_few
from hybridwing.evaluation.arrow_table import is_unique, read_arrow, text_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt
    import pyarrow as pa

REFERENCE_COLUMNS = ("filename", "hybrid_stat", "ssp_indicator")


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference table's columns that scoring needs.

    Attributes
    ----------
    filenames : pyarrow.ChunkedArray of string, length n
        Unique file names.
    labels : ndarray of shape (n,), int8
        1 for a hybrid, 0 for a non-hybrid.
    groups : ndarray of shape (n,), str
        The ``ssp_indicator``.
    """

    filenames: pa.ChunkedArray
    labels: npt.NDArray[np.int8]
    groups: npt.NDArray[np.str_]


def read_reference(path: Path) -> Reference:
    """Read the columns of a reference table that scoring needs.

    Parameters
    ----------
    path : Path
        CSV file, separated by commas, semicolons or tabs, with a header and the columns ``filename``,
        ``hybrid_stat`` (0 or 1, or 0.0 or 1.0) and ``ssp_indicator``.

    Raises
    ------
    ScoringError
        If the file cannot be read, a column is missing or there twice, a label is neither 0 nor 1, an indicator
        is unknown, or a file is listed twice. Rows are counted as lines of the file; the header is line 1.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    data = text_bytes(path)
    separator = _checked_separator(path, data)
    try:
        table = read_arrow(data, None, list(REFERENCE_COLUMNS), separator)
    except (pa.ArrowInvalid, ValueError) as error:
        problem = _ragged_rows(data, separator) or f"{error}."
        raise ScoringError(f"{path}: cannot be read as a CSV table: {problem}") from error
    if not len(table):
        raise ScoringError(f"{path}: the reference table has a header but no rows.")
    names = table["filename"]
    for column, rule, allowed in (
        ("hybrid_stat", "must be 0 or 1", ["0", "1", "0.0", "1.0"]),
        ("ssp_indicator", "must be major, minor or mimic", ["major", "minor", "mimic"]),
    ):
        good = pc.is_in(table[column], value_set=pa.array(allowed)).to_numpy()
        _require(path, column, rule, table[column], good, data, separator)
    _require(path, "filename", "must be given", names, pc.not_equal(names, "").to_numpy(), data, separator)
    if not is_unique(names):
        first = ~names.to_pandas().duplicated().to_numpy()
        _require(path, "filename", "must be listed once", names, first, data, separator)
    indicator = table["ssp_indicator"].combine_chunks().dictionary_encode()
    groups = np.asarray(indicator.dictionary.to_pylist(), dtype=np.str_)[indicator.indices.to_numpy()]
    labels = pc.is_in(table["hybrid_stat"], value_set=pa.array(["1", "1.0"])).to_numpy()
    return Reference(names, labels.astype(np.int8), groups)


def _checked_separator(path: Path, data: bytes) -> str:
    """What separates the columns of a reference table, whose header is as it should be."""
    beginning = data[:100_000].decode("utf-8-sig", errors="replace")
    separator = separator_of(beginning)
    header = next(fields for fields in csv.reader(io.StringIO(beginning), delimiter=separator) if fields)
    missing = [name for name in REFERENCE_COLUMNS if name not in header]
    if missing:
        raise ScoringError(
            f"{path}: a reference table needs the columns {', '.join(REFERENCE_COLUMNS)}; "
            f"{' and '.join(missing)} not found among {', '.join(header)} (separated by {SEPARATORS[separator]})."
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise ScoringError(f"{path}: more than one column is called {first_few(twice)}; rename or delete one.")
    return separator


def _require(
    path: Path,
    column: str,
    rule: str,
    cells: pa.ChunkedArray,
    good: npt.NDArray[np.bool_],
    data: bytes,
    separator: str,
) -> None:
    if not good.all():
        wrong = np.flatnonzero(~good).tolist()
        lines = [line for line, _ in _rows_by_line(data, separator)][1:]
        faults = [f"row {lines[row]}: {cells[row].as_py()!r}" for row in wrong]
        raise ScoringError(f"{path}: {column} {rule}: {first_few(faults)}.")


def _ragged_rows(data: bytes, separator: str) -> str:
    """Say which rows have more or fewer columns than the header; empty if none has."""
    try:
        (_, header), *rows = _rows_by_line(data, separator)
    except csv.Error as error:
        return f"{error}; look for a quotation mark too many."
    ragged = [f"row {line} ({len(fields)})" for line, fields in rows if len(fields) != len(header)]
    return f"the header has {len(header)} columns, but not all rows have: {first_few(ragged)}." if ragged else ""


def _rows_by_line(data: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV file, the header first, with the line on which each begins; line 1 is the first."""
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=separator, strict=True)
    begins = 1
    for fields in reader:
        if fields:
            yield begins, fields
        begins = reader.line_num + 1
