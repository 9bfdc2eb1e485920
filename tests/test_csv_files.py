"""CSV files that spreadsheets show and do not obey, and that are read back as they were."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hybridwing.csv_files import read_cell, read_rows, write_cell, write_rows
from hybridwing.errors import HybridwingError

ODD = st.text(st.sampled_from("\\\\x1bu2028=+-@'\t\r\n \u2028\ud8004a0fＡ１＝.5e,\""), max_size=14)
TEXT = st.text() | ODD


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_rows_are_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "table.csv"
    write_rows(path, ("=a", "b"), rows)
    with path.open(newline="", encoding="utf-8") as file:
        assert [tuple(row.values()) for row in read_rows(file)] == rows


@given(TEXT)
@example("=\\x3d")
@example("'\t=")
def test_a_cell_is_read_back_and_is_neither_formula_nor_control(text):
    cell = write_cell(text)
    assert read_cell(cell) == text
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in cell)
    first = unicodedata.normalize("NFKC", cell.strip())[:1]
    assert first not in set("=+-@") or re.fullmatch(r"[+-][0-9.]+(e[+-]?[0-9]+)?", cell, re.IGNORECASE)


@pytest.mark.parametrize("blank", ["", " ", "\t", "\r", "\n", "\r\n", "\N{NO-BREAK SPACE}", "\ufeff", "\x1b", "\0"])
@pytest.mark.parametrize("sign", "=+-@＝＋－＠")
def test_formulas_get_an_apostrophe(blank, sign):
    assert write_cell(f"{blank}{sign}cmd|calc!A0.jpg").startswith("'")


@pytest.mark.parametrize("number", ["-0.5", "+3", "-1e-17", "-.5", "+1.", "-1E+05"])
def test_numbers_stay_numbers(number):
    assert write_cell(number) == number


@pytest.mark.parametrize(
    "text", ["a.jpg", "a=b.jpg", "notabilis x lativitta", "", "'", "'quoted'", "C:\\photos\\a.jpg"]
)
def test_plain_texts_stay_as_they_are(text):
    assert write_cell(text) == read_cell(text) == text


def test_control_characters_do_not_reach_the_file(tmp_path):
    reason = "503 \x1b[31mBusy\x9b0m\r\nX: y\x00\u202e"
    write_rows(tmp_path / "t.csv", ("reason",), [(reason,)])
    expected = "reason\n503 \\x1b[31mBusy\\x9b0m\\x0d\\x0aX: y\\x00\\u202e\n"
    assert (tmp_path / "t.csv").read_bytes() == expected.encode()


def test_bytes_of_a_file_name_that_are_no_text(tmp_path):
    write_rows(tmp_path / "t.csv", ("path",), [("caf\udce9.jpg",)])
    assert (tmp_path / "t.csv").read_text() == "path\ncaf\\udce9.jpg\n"


def test_lines_end_alike_everywhere(tmp_path):
    write_rows(tmp_path / "t.csv", ("a", "b"), [("x", -0.1), ("y", 1e-17)])
    assert (tmp_path / "t.csv").read_bytes() == b"a,b\nx,-0.1\ny,1e-17\n"


def test_a_table_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(HybridwingError, match=r"^cannot write .*t\.csv: "):
        write_rows(tmp_path / "t.csv", ("a",), [])
