"""Results for people, as CSV, workbook and Parquet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.errors import HybridwingError
from hybridwing.result_files import write_results

COLUMNS = ("path", "score", "flag", "note")
ROWS = [["a.jpg", np.float64(0.5), True, "Baños"], ["=1+1", None, False, "\t=1"], ["\uff1dx", float("nan"), True, ""]]


def test_a_csv_has_a_mark_only_for_accents(tmp_path) -> None:
    write_results(tmp_path / "t.csv", COLUMNS, ROWS)
    write_results(tmp_path / "plain.csv", ("a",), [["b"], [1]])
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbfpath,score,flag,note\na.jpg,0.5,True,Ba")
    assert (tmp_path / "plain.csv").read_bytes() == b"a\nb\n1\n"
    assert [line.split(",")[0] for line in (tmp_path / "t.csv").read_text("utf-8-sig").splitlines()[2:]] == [
        "'=1+1", "'\uff1dx",
    ]  # fmt: skip


def test_a_workbook_holds_texts_and_numbers_and_no_formula(tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    write_results(tmp_path / "deep" / "t.xlsx", COLUMNS, ROWS)
    sheet = openpyxl.load_workbook(tmp_path / "deep" / "t.xlsx").active
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        list(COLUMNS), ["a.jpg", 0.5, True, "Baños"], ["=1+1", None, False, "\\x09=1"], ["\uff1dx", None, True, None],
    ]  # fmt: skip
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s", "n", "b"}


def test_parquet_keeps_types(tmp_path) -> None:
    write_results(
        tmp_path / "t.parquet",
        (*COLUMNS, "mixed"),
        [[*row, mixed] for row, mixed in zip(ROWS, [1, "x", ""], strict=True)],
    )
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert found["score"].isna().tolist() == [False, True, True]
    assert found["score"].dtype.kind == "f"
    assert found["mixed"].fillna("").tolist() == ["1", "x", ""]


@given(st.lists(st.tuples(st.text(), st.one_of(st.text(), st.floats(), st.booleans(), st.none())), max_size=5))
@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
def test_any_cells_are_written(tmp_path_factory, ending, rows) -> None:
    path = tmp_path_factory.mktemp("any") / f"t{ending}"
    write_results(path, ("a", "b"), rows)
    assert path.stat().st_size > 0


def test_another_ending_is_refused(tmp_path) -> None:
    with pytest.raises(HybridwingError, match=r"written as .csv, .xlsx or .parquet"):
        write_results(tmp_path / "t.ods", ("a",), [])
