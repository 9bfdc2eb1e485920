"""Read a sheet of any Excel or LibreOffice workbook as rows of text."""

from __future__ import annotations

import datetime
import io
import warnings
import zipfile
from typing import TYPE_CHECKING

from hybridwing.errors import CatalogueError, MissingExtraError, first_few, remedy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

    Row = tuple[int, tuple[str, ...]]

MOST_ROWS = 1_048_576  # of a sheet, in Excel and in LibreOffice
MOST_COLUMNS = 2_000
MOST_CELLS = 20_000_000
LARGEST_UNPACKED = 256 * 2**20  # bytes of XML; a sheet of a million rows has about 100 MiB

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def read_sheet(path: Path, data: bytes, sheet: str | None = None) -> tuple[list[Row], str]:
    """Rows of a sheet that are not empty, with their number, and a sentence on which sheet was read and which were not.

    `data` are the bytes of an ``.xlsx``, ``.xlsm`` or ``.ods`` file. A formula counts by the value that was saved with
    it. By default the first sheet that is not empty is read.

    Raises CatalogueError if it is no such workbook, is too large, or has no such sheet, and MissingExtraError if the
    packages of the extra ``excel`` are not installed.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            names = set(archive.namelist())
        if unpacked > LARGEST_UNPACKED:
            raise CatalogueError(
                f"{path}: unpacks to {unpacked / 2**20:.0f} MiB, more than the {LARGEST_UNPACKED // 2**20} MiB "
                "a workbook may have; save the sheet as 'CSV UTF-8'."
            )
        if "xl/workbook.xml" in names:
            sheets = _excel_sheets(data)
        elif "content.xml" in names:
            sheets = _opendocument_sheets(data)
        else:
            raise CatalogueError(f"{path}: is a zip archive and no workbook; give the table itself.")
        return _chosen(path, sheets, sheet)
    except ImportError as error:
        raise MissingExtraError(error.name or "openpyxl", "excel", f"reading {path}") from error
    except (CatalogueError, MemoryError):
        raise
    except Exception as error:  # what a damaged workbook raises is anything
        raise CatalogueError(f"{path}: is damaged or no workbook: {error or type(error).__name__}.") from error


def _chosen(path: Path, sheets: Iterator[tuple[str, Iterator[Row]]], wanted: str | None) -> tuple[list[Row], str]:
    found: list[Row] = []
    name, names = "", []
    for title, rows in sheets:
        names.append(title)
        if not found and (wanted is None or title.casefold() == wanted.strip().casefold()):
            name, found = title, _bounded(path, title, rows)
    if wanted is not None and not name:
        raise CatalogueError(f"{path}: has no sheet {wanted!r}; its sheets are {first_few(names, 30)}.")
    others = [title for title in names if title != name]
    if not others or wanted is not None:
        return found, f"sheet {name!r} was read"
    choose = remedy("sheet=...", "--sheet NAME")
    return found, f"sheet {name!r} was read, not {first_few(others)} ({choose})"


def _bounded(path: Path, title: str, rows: Iterator[Row]) -> list[Row]:
    """Rows that are not empty, without the empty cells at their ends."""
    kept: list[Row] = []
    cells = 0
    for number, row in rows:
        width = filled_cells(row)
        cells += width
        limits = {"columns": (width, MOST_COLUMNS), "cells": (cells, MOST_CELLS), "rows": (len(kept), MOST_ROWS - 1)}
        if over := [f"over {most:,} {what}" for what, (count, most) in limits.items() if count > most]:
            raise CatalogueError(f"{path}: sheet {title!r} has {over[0]}, by row {number}; is it the right file?")
        if width:
            kept.append((number, row[:width]))
    return kept


def filled_cells(row: tuple[str, ...]) -> int:
    """Number of cells up to the last one that is not empty."""
    return max((place for place, cell in enumerate(row, start=1) if cell), default=0)


def _excel_sheets(data: bytes) -> Iterator[tuple[str, Iterator[Row]]]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts that openpyxl does not read, such as drop-down lists
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what the file says of its size need not be so
            rows = sheet.iter_rows(max_row=MOST_ROWS, values_only=True)
            yield sheet.title, ((number, tuple(map(_text, row))) for number, row in enumerate(rows, start=1))


def _text(value: object) -> str:
    """A cell's value as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _opendocument_sheets(data: bytes) -> Iterator[tuple[str, Iterator[Row]]]:
    from defusedxml.ElementTree import iterparse

    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open("content.xml") as content:
        events = iterparse(content, events=("start", "end"), forbid_dtd=True)
        for event, element in events:
            if event == "start" and element.tag == f"{_TABLE}table":
                yield element.get(f"{_TABLE}name", ""), _opendocument_rows(events)


def _opendocument_rows(events: Iterator[tuple[str, Element]]) -> Iterator[Row]:
    """The rows up to the end of the table that was begun."""
    number = 1
    for event, element in events:
        if event == "end" and element.tag == f"{_TABLE}table":
            return
        if event == "end" and element.tag == f"{_TABLE}table-row":
            repeated = int(element.get(f"{_TABLE}number-rows-repeated", 1))
            row = _opendocument_row(element)
            for place in range(number, number + repeated if row else number):
                yield place, row
            number += repeated
            element.clear()


def _opendocument_row(element: Element) -> tuple[str, ...]:
    cells: list[str] = []
    gap = 0
    for cell in element:
        if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        repeated = int(cell.get(f"{_TABLE}number-columns-repeated", 1))
        text = _opendocument_text(cell)
        if not text:
            gap += repeated
        elif len(cells) + gap + repeated > MOST_COLUMNS:
            return (*cells, *[""] * (MOST_COLUMNS - len(cells)), text)
        else:
            cells += [""] * gap + [text] * repeated
            gap = 0
    return tuple(cells)


def _opendocument_text(cell: Element) -> str:
    kind = cell.get(f"{_OFFICE}value-type", "")
    if kind in ("float", "currency"):
        return _text(float(cell.get(f"{_OFFICE}value", "nan")))
    if kind == "date":
        return cell.get(f"{_OFFICE}date-value", "").removesuffix("T00:00:00")
    return "\n".join(_spelled(paragraph) for paragraph in cell.findall(f"{_TEXT}p")).strip()


def _spelled(element: Element) -> str:
    """Text of a paragraph; a run of blanks is an element of its own."""
    text = element.text or ""
    for child in element:
        if child.tag == f"{_TEXT}s":
            text += " "
        elif not child.tag.startswith(_OFFICE):  # a comment
            text += _spelled(child)
        text += child.tail or ""
    return text
