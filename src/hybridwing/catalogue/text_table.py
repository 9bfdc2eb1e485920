"""Read any table as text, with the line that each row came from."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import logging
import re
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.catalogue.column_names import is_known_name
from hybridwing.catalogue.workbooks import filled_cells, read_sheet
from hybridwing.csv_files import read_cell
from hybridwing.errors import CatalogueError, first_few

if TYPE_CHECKING:
    from typing import TypeGuard

    import pandas as pd
    from typing_extensions import TypeIs

    from hybridwing.catalogue.workbooks import Row

TABLE_ENDINGS = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods"})
"""Endings by which a file is taken for a table; those that cannot be read are refused with the reason."""

LARGEST_FILE = 512 * 2**20  # bytes; a hundred times the table of all specimens on Zenodo, and fits in memory

# Some files that people take for CSV, by how they begin.
_OTHER_FORMATS = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
)

DATA_FRAME = Path("DataFrame")
"""What a data frame is called where a table has a file's name."""

_SEPARATOR_LINE = re.compile(r"""\s*("?sep=([^"\r\n])"?)[ ,;\t]*(?=[\r\n]|\Z)""", re.IGNORECASE)
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""Separators that are recognised, in words."""
_ROWS_LOOKED_AT = 100_000  # characters by which a separator is chosen
_TITLES_LOOKED_AT = 20  # rows in which the header is looked for
_VALUE = re.compile(r"[\d.,/:-]+|.*\.(?:jpe?g|png|tiff?)", re.IGNORECASE)  # what no column is called
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f\x81\x8d\x8f\x90\x9d]")  # bytes that Windows-1252 text does not hold

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextTable:
    """Cells of a table."""

    header: tuple[str, ...]  # Column names, stripped, unique
    cells: tuple[tuple[str, ...], ...]  # One tuple a row, as long as the header; stripped
    lines: tuple[int, ...]  # Line of the file, or row of the sheet, on which each row begins; the first is 1
    sha256: str  # SHA-256 of the file's bytes (of a data frame as CSV), in lower-case hexadecimal
    hint: str = ""  # A sentence, after a blank, on the separator that was assumed; empty for a workbook
    notes: tuple[str, ...] = ()  # What was done to read it: encoding, sheet, lines above the header


def is_table(source: object) -> TypeGuard[pd.DataFrame | Path | str]:
    """Whether something is a table: a data frame, or a path that ends as tables do and is no folder.

    Examples
    --------
    >>> is_table("Specimens.XLSX"), is_table("photo.jpg")
    (True, False)
    """
    if not isinstance(source, (str, Path)):
        return is_data_frame(source)
    path = Path(source)
    return path.suffix.lower() in TABLE_ENDINGS and not path.is_dir()


def is_data_frame(table: object) -> TypeIs[pd.DataFrame]:
    """Whether a table is a pandas data frame."""
    pandas = sys.modules.get("pandas")  # not imported for paths
    return pandas is not None and isinstance(table, pandas.DataFrame)


def read_text_table(table: Path | pd.DataFrame, *, sheet: str | None = None) -> TextTable:
    """Read a table: CSV separated by commas, semicolons or tabs, or as its first line ``sep=`` says; or a workbook.

    Text is UTF-8, UTF-16 with its mark, or else Windows-1252. Of an ``.xlsx`` or ``.ods`` workbook `sheet` is read, by
    default the first that is not empty. Title lines above the header, and empty rows and columns, are left out. A data
    frame is read as pandas writes it to CSV, with its index where that has a name of its own. Raises CatalogueError if
    it is no such table, or has no header and at least one row.
    """
    separator = None
    if isinstance(table, Path):
        path, data = table, _read_bytes(table)
    else:
        path, data, separator = DATA_FRAME, _csv_of(table), ","
    notes: list[str] = []
    hint = ""
    if data.startswith(b"PK\x03\x04"):
        rows, said = read_sheet(path, data, sheet)
        notes.append(said)
    elif sheet is not None:
        raise CatalogueError(f"{path}: is no workbook, so it has no sheet {sheet!r}; leave the sheet out.")
    else:
        text, said = _decode(path, data)
        rows, hint = _parsed(path, text, separator)
        notes += [said] if said else []
    if not rows:
        raise CatalogueError(f"{path}: the file is empty: all its cells are.")
    if above := _titles(rows):
        titles = first_few([" ".join(filter(None, cells)) for _, cells in rows[:above]])
        notes.append(f"the header is line {rows[above][0]}, below {titles!r}")
    header, body = rows[above][1], rows[above + 1 :]
    filled = max(filled_cells(cells) for _, cells in [(0, header), *body])
    if not hint:  # a workbook has no rows that are too short, and may have columns without a name
        body = [(line, cells + ("",) * (filled - len(cells))) for line, cells in body]
        header += ("",) * (filled - len(header))
    width = min(filled, len(header))
    header = header[:width]
    body = [(line, cells if any(cells[width:]) else cells[:width]) for line, cells in body]
    if twice := sorted({name for name in header if name and header.count(name) > 1}):
        raise CatalogueError(f"{path}: more than one column is called {first_few(twice)}; rename or delete one.")
    if ragged := [f"line {line} ({len(cells)})" for line, cells in body if len(cells) != width]:
        raise CatalogueError(
            f"{path}: the header has {width} columns, but other rows have more or fewer: "
            f"{first_few(ragged)}. Quote cells that hold a separator, or correct these rows.{hint}"
        )
    if not body:
        raise CatalogueError(f"{path}: the table has a header but no rows.")
    cells = tuple(cells for _, cells in body)
    return TextTable(
        header, cells, tuple(line for line, _ in body), hashlib.sha256(data).hexdigest(), hint, tuple(notes)
    )


def _parsed(path: Path, text: str, separator: str | None) -> tuple[list[Row], str]:
    """Rows of a CSV text that are not empty, and a sentence on the separator that was assumed."""
    announced = None if separator else _SEPARATOR_LINE.match(text)
    if announced:  # Excel's; the line ends stay, so that lines are counted as in the file
        text = text[: announced.start(1)] + text[announced.end(1) :]
        if not text.strip():
            raise CatalogueError(f"{path}: the file is empty but for the line that names its separator.")
    delimiter = announced.group(2) if announced else separator or separator_of(text)
    assumed = f" Its columns were taken to be separated by {SEPARATORS.get(delimiter, repr(delimiter))}."
    if delimiter != ",":
        _log.info("%s: columns are separated by %r", path, delimiter)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    begins = 1
    try:
        for fields in reader:
            cells = tuple(read_cell(field.strip()).strip() for field in fields)
            if any(cells):
                rows.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise CatalogueError(
            f"{path}: the row that begins on line {begins} is not CSV: {error}. Look for a quotation mark too many."
            f"{assumed}"
        ) from error
    return rows, assumed


def _titles(rows: list[Row]) -> int:
    """Number of title rows above the header. They have at most half as many cells as the row that looks like a header.

    A header's names are different texts, and none is a file name or a number. A first row that has a name which this
    package knows is the header.
    """
    filled = [[cell for cell in cells if cell] for _, cells in rows[:_TITLES_LOOKED_AT]]
    widest = max(map(len, filled))
    for place, cells in enumerate(filled):
        if 2 * len(cells) > widest or is_known_name(cells):
            like_names = len(set(cells)) == len(cells) and not any(map(_VALUE.fullmatch, cells))
            return place if place == 0 or like_names else 0
    return 0


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise CatalogueError(f"{path}: is a folder; give the table itself.")
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


def _csv_of(frame: pd.DataFrame) -> bytes:
    named = not {None, *frame.columns}.issuperset(frame.index.names)
    return frame.to_csv(index=named, lineterminator="\n").encode(errors="replace")


def _decode(path: Path, data: bytes) -> tuple[str, str]:
    """The text, and a sentence on its encoding where that was guessed."""
    for magic, name in _OTHER_FORMATS:
        if data.startswith(magic):
            raise CatalogueError(f"{path}: is {name}, not a table; export or save it as 'CSV UTF-8' or .xlsx.")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise CatalogueError(f"{path}: is not a text file: line {line} holds a NUL byte.")
    said = ""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if encoding == "utf-16" or _NO_TEXT.search(data):
            raise CatalogueError(
                f"{path}: line {line} is not text (byte 0x{data[error.start]:02x}); save the table as 'CSV UTF-8'."
            ) from error
        text = data.decode("cp1252")
        said = f"read as Windows-1252: line {line} is not UTF-8"
    if not text.strip():
        raise CatalogueError(f"{path}: the file is empty.")
    return text, said


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
