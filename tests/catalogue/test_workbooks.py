"""Workbooks, encodings and rows as spreadsheets leave them."""

from __future__ import annotations

import datetime
import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.catalogue import workbooks
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.catalogue.text_table import read_text_table
from hybridwing.errors import CatalogueError

openpyxl = pytest.importorskip("openpyxl")

ROWS = [
    ["Drawer 12, opened in May"],
    ["Photo", "Taxon", "Catalog No.", "Date", None],
    ["a.jpg", "Heliconius erato ssp. notabilis × lativitta", 17, datetime.datetime(2017, 1, 30), None],
    [None, None, None, None, None],
    ["b.jpg", "Heliconius erato ssp. venus", 18.5, "#N/A", "Baños"],
]


@pytest.fixture
def book(tmp_path):
    made = openpyxl.Workbook()
    made.active.title = "Notes"
    sheet = made.create_sheet("Beetles")
    for row in ROWS:
        sheet.append(row)
    made.create_sheet("Other").append(["Photo"])
    made.save(tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


OPEN = """<?xml version="1.0"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>{}</office:spreadsheet>
</office:body></office:document-content>"""


def ods(path, sheets: str):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", sheets if sheets.startswith("<?xml") else OPEN.format(sheets))
    return path


def row(*cells: str, attributes: str = "") -> str:
    made = "".join(
        cell if cell.startswith("<") else f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>"
        for cell in cells
    )
    return f"<table:table-row {attributes}>{made}</table:table-row>"


def test_excel_workbook(book) -> None:
    found = read_catalogue(book)
    assert (found.uuids.tolist(), found.table["row"].tolist(), found.labels.tolist()) == (
        ["a.jpg", "b.jpg"],
        [3, 5],
        [1, 0],
    )
    assert found.specimens.tolist() == ["17", "18.5"]
    assert found.extra["Date"].fillna("").tolist() == ["2017-01-30", ""]
    assert found.extra["column 5"].fillna("").tolist() == ["", "Baños"]
    assert found.reading.notes[0].startswith("sheet 'Beetles' was read, not Notes, Other")
    with pytest.raises(CatalogueError, match="has no sheet 'Moths'; its sheets are Notes, Beetles, Other"):
        read_catalogue(book, sheet="Moths")
    with pytest.raises(CatalogueError, match="a header but no rows"):
        read_catalogue(book, sheet="other")


def test_opendocument_workbook(tmp_path) -> None:
    number = '<table:table-cell office:value-type="float" office:value="17"><text:p>17,00</text:p></table:table-cell>'
    date = '<table:table-cell office:value-type="date" office:date-value="2017-01-30"/>'
    gap = '<table:table-cell table:number-columns-repeated="3"/>'
    spaced = "<table:table-cell><text:p>Puyo<text:s/><text:span>road</text:span></text:p></table:table-cell>"
    end = '<table:table-cell table:number-columns-repeated="16000"/>'
    sheet = (
        '<table:table table:name="Beetles">'
        + row("Photo", "No", "Date", gap, "Place", end)
        + row(attributes='table:number-rows-repeated="3"')
        + row("a.jpg", number, date, gap, spaced, end)
        + row(end, attributes='table:number-rows-repeated="1048570"')
        + "</table:table>"
    )
    found = read_text_table(ods(tmp_path / "t.ods", '<table:table table:name="x"/>' + sheet))
    assert (found.header[:3], found.header[6], found.lines) == (("Photo", "No", "Date"), "Place", (5,))
    assert found.cells == (("a.jpg", "17", "2017-01-30", "", "", "", "Puyo road"),)


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        (
            row("a", '<table:table-cell table:number-columns-repeated="1000000"><text:p>x</text:p></table:table-cell>'),
            "over 2,000 columns",
        ),
        (row(*"abcdefgh" * 4, attributes='table:number-rows-repeated="1048576"'), "over 20,000,000 cells"),
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "is damaged or no workbook"),
        ("<table:table", "is damaged or no workbook"),
    ],
)  # fmt: skip
def test_hostile_workbooks_are_bounded(tmp_path, monkeypatch, sheets: str, message: str) -> None:
    monkeypatch.setattr(workbooks, "MOST_CELLS", 20_000 if "cells" in message else 10**9)
    message = message.replace("20,000,000", "20,000")
    content = (
        sheets
        if sheets.startswith(("<?xml", "<table:table "))
        else f'<table:table table:name="t">{sheets}</table:table>'
    )
    with pytest.raises(CatalogueError, match=message):
        read_text_table(ods(tmp_path / "t.ods", content))


@pytest.mark.slow
@pytest.mark.parametrize("place", ['r="1000000000000"', 'r="XFD1"'])
def test_a_cell_far_away_costs_nothing(tmp_path, book, place: str) -> None:
    far = f'<row {place}><c t="n"><v>1</v></c></row>' if "X" not in place else f"<row><c {place}><v>1</v></c></row>"
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
        f'<sheetData><row r="1"><c r="A1"><v>1</v></c></row>{far}</sheetData></worksheet>'
    )
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(tmp_path / "far.xlsx", "w") as new:
        for member in old.namelist():
            new.writestr(member, sheet if "sheet1" in member else old.read(member))
    with pytest.raises(CatalogueError, match=r"over 2,000 columns|a header but no rows"):
        read_text_table(tmp_path / "far.xlsx", sheet="Notes")


def test_a_zip_bomb_and_other_archives(tmp_path, monkeypatch, book) -> None:
    monkeypatch.setattr(workbooks, "LARGEST_UNPACKED", 1000)
    with pytest.raises(CatalogueError, match=r"unpacks to .* MiB, more than"):
        read_text_table(book)
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("a.jpg", "x")
    with pytest.raises(CatalogueError, match="is a zip archive and no workbook"):
        read_text_table(tmp_path / "t.zip")


@given(st.binary(max_size=60), st.integers(0, 4000))
def test_a_damaged_workbook_is_refused(tmp_path_factory, noise: bytes, at: int) -> None:
    made = openpyxl.Workbook()
    made.active.append(["Photo"])
    made.active.append(["a.jpg"])
    file = io.BytesIO()
    made.save(file)
    path = tmp_path_factory.mktemp("damaged") / "t.xlsx"
    path.write_bytes(file.getvalue()[:at] + noise + file.getvalue()[at + len(noise) :])
    with suppress(CatalogueError):
        read_text_table(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_encodings_and_separators(tmp_path, encoding: str, mark: str) -> None:
    text = "Photo|Locality|||\r\né.jpg|Baños||\r\n|||\r\nb.jpg|-||\r\n".replace("|", mark)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    found = read_catalogue(tmp_path / "t.csv")
    assert (found.uuids.tolist(), list(found.extra.columns)) == (["é.jpg", "b.jpg"], ["Locality"])
    assert found.extra["Locality"].fillna("none").tolist() == ["Baños", "none"]
    assert ("Windows-1252" in " ".join(found.reading.notes)) is (encoding == "cp1252")
    with pytest.raises(CatalogueError, match="is no workbook, so it has no sheet"):
        read_catalogue(tmp_path / "t.csv", sheet="x")
