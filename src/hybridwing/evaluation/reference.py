"""Reading reference tables: which images are hybrids, and of which group of the challenge."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.text_table import SEPARATORS, separator_of
from hybridwing.errors import ScoringError, first_few

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

REFERENCE_COLUMNS = ("filename", "hybrid_stat", "ssp_indicator")
SPECIMEN = "CAMID"
_GROUPS = frozenset({"major", "minor", "mimic"})
_LABELS = {"0": 0, "0.0": 0, "1": 1, "1.0": 1}


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference table's columns that scoring needs.

    Attributes
    ----------
    filenames : ndarray of shape (n,), object
        Unique file names.
    labels : ndarray of shape (n,), int8
        1 for a hybrid, 0 for a non-hybrid.
    groups : ndarray of shape (n,), str
        The ``ssp_indicator``.
    specimens : ndarray of shape (n,), str
        The ``CAMID``; the file name where the table has none.
    """

    filenames: npt.NDArray[np.object_]
    labels: npt.NDArray[np.int8]
    groups: npt.NDArray[np.str_]
    specimens: npt.NDArray[np.str_]


def read_reference(path: Path) -> Reference:
    """Read the columns of a reference table that scoring needs.

    Parameters
    ----------
    path : Path
        CSV file, separated by commas, semicolons or tabs, with a header and the columns ``filename``,
        ``hybrid_stat`` (0 or 1, or 0.0 or 1.0) and ``ssp_indicator``; ``CAMID`` is read where it is.

    Raises
    ------
    ScoringError
        If the file cannot be read, a column is missing or there twice, a label is neither 0 nor 1, an indicator
        is unknown, or a file is listed twice. Rows are counted as lines of the file; the header is line 1.
    """
    text = read_text(path)
    separator = separator_of(text[:100_000])
    try:
        (_, header), *rows = _rows_by_line(text, separator)
    except csv.Error as error:
        raise ScoringError(
            f"{path}: cannot be read as a CSV table: {error}; look for a quotation mark too many."
        ) from error
    _check_header(path, header, separator)
    if not rows:
        raise ScoringError(f"{path}: the reference table has a header but no rows.")
    ragged = [f"row {line} ({len(cells)})" for line, cells in rows if len(cells) != len(header)]
    if ragged:
        raise ScoringError(
            f"{path}: cannot be read as a CSV table: the header has {len(header)} columns, but not all rows have: "
            f"{first_few(ragged)}."
        )
    lines = [line for line, _ in rows]
    names, stats, groups = ([cells[header.index(name)] for _, cells in rows] for name in REFERENCE_COLUMNS)
    first = {name: row for row, name in reversed(list(enumerate(names)))}
    for column, rule, cells, wrong in (
        ("hybrid_stat", "must be 0 or 1", stats, [s not in _LABELS for s in stats]),
        ("ssp_indicator", "must be major, minor or mimic", groups, [g not in _GROUPS for g in groups]),
        ("filename", "must be given", names, [not name for name in names]),
        ("filename", "must be listed once", names, [first[name] != row for row, name in enumerate(names)]),
    ):
        faults = [f"row {lines[row]}: {cells[row]!r}" for row, bad in enumerate(wrong) if bad]
        if faults:
            raise ScoringError(f"{path}: {column} {rule}: {first_few(faults)}.")
    place = header.index(SPECIMEN) if SPECIMEN in header else header.index("filename")
    return Reference(
        np.array(names, dtype=object),
        np.array([_LABELS[stat] for stat in stats], dtype=np.int8),
        np.array(groups, dtype=np.str_),
        np.array([cells[place] or name for (_, cells), name in zip(rows, names, strict=True)], dtype=np.str_),
    )


def read_text(path: Path) -> str:
    """Text of a file that has something in it, without a byte-order mark.

    Raises
    ------
    ScoringError
        If it cannot be read, is empty, or is no UTF-8 text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScoringError(f"{path}: cannot be read: {error.strerror or error}.") from error
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise ScoringError(f"{path}: the file is empty.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ScoringError(
            f"{path}: not a UTF-8 text file (byte {error.start}); save it as CSV with the encoding UTF-8."
        ) from error
    if "\0" in text:
        raise ScoringError(f"{path}: not a text file: it holds a NUL byte at position {data.index(0)}.")
    return text.removeprefix("\ufeff")


def _check_header(path: Path, header: Sequence[str], separator: str) -> None:
    missing = [name for name in REFERENCE_COLUMNS if name not in header]
    if missing:
        raise ScoringError(
            f"{path}: a reference table needs the columns {', '.join(REFERENCE_COLUMNS)}; "
            f"{' and '.join(missing)} not found among {', '.join(header)} (separated by {SEPARATORS[separator]})."
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise ScoringError(f"{path}: more than one column is called {first_few(twice)}; rename or delete one.")


def _rows_by_line(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV file, the header first, with the line on which each begins; line 1 is the first."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    for fields in reader:
        if fields:
            yield begins, fields
        begins = reader.line_num + 1
