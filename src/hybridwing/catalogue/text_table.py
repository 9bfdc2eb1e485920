"""Reading a CSV file that may be anything: every cell as text, with the line it came from."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.csv_files import read_cell
from hybridwing.errors import CatalogueError, first_few

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_FILE = 512 * 2**20  # bytes; a hundred times the table of all specimens on Zenodo, and fits in memory

# Some files that people take for CSV, by how they begin.
_OTHER_FORMATS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)

_SEPARATOR_LINE = re.compile(r"""\s*("?sep=([^"\r\n])"?)[ ,;\t]*(?=[\r\n]|\Z)""", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|[\r\n]")
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""Separators that are recognised, in words."""
_ROWS_LOOKED_AT = 100_000  # characters by which a separator is chosen
_LOOKED_AT = 10_000  # characters in which a header is looked for; fewer than csv allows one cell

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextTable:
    """Cells of a CSV file.

    Attributes
    ----------
    header : tuple of str
        Column names, stripped, unique.
    cells : tuple of tuple of str
        One tuple a row, as long as the header; stripped.
    lines : tuple of int
        Line of the file on which each row begins; the header is line 1.
    sha256 : str
        SHA-256 of the file's bytes, in lower-case hexadecimal.
    hint : str
        Sentences, after a blank, on the separator that was assumed, and on another line that looks more like the header
        if there is one.
    """

    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    sha256: str
    hint: str = ""


def read_text_table(path: Path) -> TextTable:
    """Read a CSV file, separated by commas, semicolons or tabs, or as its first line ``sep=`` says.

    Parameters
    ----------
    path : Path
        The file: UTF-8, with or without byte-order mark; a header and at least one row.

    Raises
    ------
    CatalogueError
        If it is not such a file.
    """
    data = _read_bytes(path)
    text = _decode(path, data)
    announced = _SEPARATOR_LINE.match(text)
    if announced:  # Excel's; the line ends stay, so that lines are counted as in the file
        text = text[: announced.start(1)] + text[announced.end(1) :]
        if not text.strip():
            raise CatalogueError(f"{path}: the file is empty but for the line that names its separator.")
    delimiter = announced.group(2) if announced else separator_of(text)
    assumed = f" Its columns were taken to be separated by {SEPARATORS.get(delimiter, repr(delimiter))}."
    if delimiter != ",":
        _log.info("%s: columns are separated by %r", path, delimiter)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    begins = 1
    try:
        for fields in reader:
            cells_read = tuple(read_cell(field.strip()).strip() for field in fields)
            if any(cells_read):
                rows.append(cells_read)
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise CatalogueError(
            f"{path}: the row that begins on line {begins} is not CSV: {error}. Look for a quotation mark too many."
            f"{assumed}"
        ) from error
    if not rows:
        raise CatalogueError(f"{path}: the file is empty: all its cells are.")
    header, cells = rows[0], rows[1:]
    hint = assumed + _likely_header(rows[0], text)
    _check_header(path, header)
    ragged = [
        f"line {line} ({len(row)})" for row, line in zip(cells, lines[1:], strict=True) if len(row) != len(header)
    ]
    if ragged:
        raise CatalogueError(
            f"{path}: the header has {len(header)} columns, but other rows have more or fewer: "
            f"{first_few(ragged)}. Quote cells that hold a separator, or correct these rows.{hint}"
        )
    if not cells:
        raise CatalogueError(f"{path}: the table has a header but no rows.")
    return TextTable(header, tuple(cells), tuple(lines[1:]), hashlib.sha256(data).hexdigest(), hint)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise CatalogueError(f"{path}: is a folder; give the CSV file itself.")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise CatalogueError(
                f"{path}: has {size / 2**20:.0f} MiB, more than the {LARGEST_FILE // 2**20} MiB "
                "a table may have; is it the right file?"
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise CatalogueError(f"{path}: there is no such file.") from error
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    return data


def _decode(path: Path, data: bytes) -> str:
    for magic, name in _OTHER_FORMATS:
        if data.startswith(magic):
            raise CatalogueError(f"{path}: is {name}, not a CSV table; export or save it as 'CSV UTF-8'.")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise CatalogueError(f"{path}: is not a text file: line {line} holds a NUL byte.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CatalogueError(
            f"{path}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x}); save the table as 'CSV UTF-8'."
        ) from error
    if not text.strip():
        raise CatalogueError(f"{path}: the file is empty.")
    return text


def separator_of(text: str) -> str:
    r"""The separator by which the rows agree: the largest share of them has the same number of cells, two or more.

    Of separators alike in this the one that makes most columns; a comma where nothing separates anything.

    Examples
    --------
    >>> separator_of("photo;place (country, region)\\na.jpg;x\\nb.jpg;y\\n")
    ';'
    """
    return max(SEPARATORS, key=lambda mark: _agreement(text[:_ROWS_LOOKED_AT], mark))


def _agreement(text: str, separator: str) -> tuple[float, int]:
    """Share of the rows with the commonest number of cells, and that number."""
    lengths: Counter[int] = Counter()
    with suppress(csv.Error):  # a cell that is longer than csv allows: what was read till then decides
        for fields in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if len(fields) > 1 or "".join(fields).strip():
                lengths[len(fields)] += 1
    if len(text) == _ROWS_LOOKED_AT and lengths.total() > 1:
        lengths[len(fields)] -= 1  # the last row is cut
    columns, rows = max(lengths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return (rows / lengths.total(), columns) if columns > 1 else (0.0, 1)


def _likely_header(header: tuple[str, ...], text: str) -> str:
    """Say which line looks like the header where the first one looks like a title above it."""
    titles = sum(map(bool, header))
    number, widest = 0, [""]
    for line_number, line in enumerate(_LINE_END.split(text[:_LOOKED_AT])[1:], start=2):
        if line.strip():
            cells = next(csv.reader([line], delimiter=separator_of(line)))
            found = [cell.strip() for cell in cells if cell.strip()]
            if len(found) > len(widest):
                number, widest = line_number, found
    if len(widest) < 2 * titles:
        return ""
    return f" Line {number} looks like the header ({first_few(widest)}): if it is, delete the lines above it."


def _check_header(path: Path, header: tuple[str, ...]) -> None:
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise CatalogueError(f"{path}: more than one column is called {first_few(twice)}; rename or delete one.")
