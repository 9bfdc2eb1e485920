r"""Every CSV file that the tool writes, so that a spreadsheet shows its cells and runs none as a formula.

A text that a spreadsheet would take for a formula gets an apostrophe before it: ``=1+1`` is written ``'=1+1``. A
control character is written as ``\xNN`` or ``\uNNNN``. Both can be undone: `read_cell` gives the value that
`write_rows` was given.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from hybridwing.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

# Blanks of every kind and control characters may stand before the sign; spreadsheets skip them. Full-width signs
# become plain ones in some of them.
_FORMULA = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212]")
_QUOTED_FORMULA = re.compile(rf"'+{_FORMULA.pattern}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

# Control characters, line and paragraph separators, marks that turn the direction of text, and the halves of
# characters by which Python spells bytes of a file name that are not UTF-8.
_CONTROL = "\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff"
_ESCAPE = r"x[0-9a-f]{2}|u[0-9a-f]{4}"
_TO_ESCAPE = re.compile(rf"(\\*)([{_CONTROL}])|(\\+)(?={_ESCAPE})")
_ESCAPED = re.compile(rf"(\\+)({_ESCAPE})")


def write_rows(path: Path, header: Sequence[str] | None, rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file: UTF-8, ``LF`` line ends, numbers in full precision; whole or not at all.

    Parameters
    ----------
    path : Path
        An existing file is replaced in one step.
    header : sequence of str or None
        Column names; None for a table without a header.
    rows : iterable of sequences
        Texts are changed as the module says; numbers, truth values and None are written as they are.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    write_text(path, csv_text(header, rows))


def csv_text(header: Sequence[str] | None, rows: Iterable[Sequence[object]]) -> str:
    """What `write_rows` writes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    if header is not None:
        writer.writerow([write_cell(name) for name in header])
    for row in rows:
        writer.writerow([write_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def read_rows(file: Iterable[str]) -> Iterator[dict[str, str]]:
    """Rows of a file that `write_rows` wrote, by column, with the values that it was given.

    Parameters
    ----------
    file : iterable of str
        The file, opened with ``newline=""``. Cells that a short row lacks are missing from its dictionary.

    Raises
    ------
    csv.Error
        If it is no CSV file.
    """
    for row in csv.DictReader(file):
        yield {read_cell(name): read_cell(cell) for name, cell in row.items() if name is not None and cell is not None}


def write_cell(cell: str) -> str:
    r"""A text as it is written into a CSV file.

    Examples
    --------
    >>> write_cell("=1+1"), write_cell("-0.5"), write_cell("\t@x"), write_cell("a.jpg")
    ("'=1+1", '-0.5', "'\\x09@x", 'a.jpg')
    """
    if (_FORMULA.match(cell) and not _NUMBER.fullmatch(cell)) or _QUOTED_FORMULA.match(cell):
        cell = f"'{cell}"
    return escaped(cell)


def escaped(cell: str) -> str:
    """A text with its control characters written out, for a file in which no text is taken for a formula."""
    return _TO_ESCAPE.sub(_escape, cell)


def read_cell(cell: str) -> str:
    r"""The text that `write_cell` was given.

    Examples
    --------
    >>> read_cell("'=1+1"), read_cell("'\\x09@x"), read_cell("a.jpg")
    ('=1+1', '\t@x', 'a.jpg')
    """
    cell = _ESCAPED.sub(_unescape, cell)
    return cell[1:] if _QUOTED_FORMULA.match(cell) else cell


def _escape(found: re.Match[str]) -> str:
    """Backslashes before an escape are doubled, so that an odd number of them says that it is one of ours."""
    slashes, control, literal = found.groups()
    if control is None:
        return str(literal) * 2
    code = ord(control)
    return str(slashes) * 2 + (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _unescape(found: re.Match[str]) -> str:
    slashes, escape = found.groups()
    half = "\\" * (len(slashes) // 2)
    return half + (chr(int(escape[1:], 16)) if len(slashes) % 2 else escape)
