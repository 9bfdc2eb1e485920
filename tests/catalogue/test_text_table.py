"""Separators, cells that spreadsheets spoil, and tables of our own that are read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.catalogue.columns import ColumnNames
from hybridwing.catalogue.faults import CatalogueFaults
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.catalogue.text_table import read_text_table, separator_of
from hybridwing.csv_files import write_rows
from hybridwing.errors import CatalogueError, on_the_command_line


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("Photo;Status;Locality (country, region, site)\na.jpg;hybrid;x\nb.jpg;non-hybrid;y\n", ";"),
        ("photo\tplace, region, site; and who\na.jpg\tx\nb.jpg\ty\n", "\t"),
        ("photo,place; region; site; land\na.jpg,x\nb.jpg,y\n", ","),
        ("file;score\na.jpg;0,5\nb.jpg;0,25\nc.jpg;1\n", ";"),
        ('photo;note\na.jpg;"one, two, three"\nb.jpg;"one, two, three"\n', ";"),
        ('photo;note\na.jpg;"two\nlines, and; marks"\nb.jpg;x\n', ";"),
        ("My moths, 2024\nphoto;label;place\na.jpg;1;x\nb.jpg;0;y\n", ";"),
        ("photo,label\na.jpg,1\nb.jpg\nc.jpg,0\n", ","),
        ("photo\na;b.jpg\nc.jpg\nd.jpg\ne.jpg\n", ","),
        ("filename\na.jpg\n", ","),
        ("", ","),
    ],
)
def test_the_separator_is_the_one_by_which_the_rows_agree(text, separator):
    assert separator_of(text) == separator


@given(
    st.sampled_from(",;\t"),
    st.lists(
        st.lists(st.text(st.sampled_from('ab,;\t" \n'), max_size=6), min_size=3, max_size=3), min_size=4, max_size=8
    ),
)
def test_a_table_that_csv_wrote_is_cut_as_it_was(separator, rows):
    import csv
    import io

    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([["one", "two", "three"], *rows])
    assert separator_of(text.getvalue()) == separator


@pytest.mark.parametrize(("mark", "word"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs")])
def test_messages_name_the_separator(tmp_path, mark, word):
    path = tmp_path / "t.csv"
    for text in ("photo|label|x\na.jpg|1|2\nb.jpg|1|2|3\nc.jpg|1|2\n", "where|label\na|1\nb|1\n"):
        path.write_text(text.replace("|", mark))
        with pytest.raises(CatalogueError, match=f"taken to be separated by {word}"):
            read_catalogue(path)


ERRORS = ["#N/A", "#n/a", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#Div/0!"]
OPTIONAL = ("label", "specimen", "subspecies", "parent_1", "parent_2", "record", "side", "file_url", "md5")


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("column", OPTIONAL)
def test_a_formula_that_failed_is_an_empty_cell(tmp_path, error, column):
    path = tmp_path / "t.csv"
    path.write_text(f"filename,{column}\na.jpg,{error}\nb.jpg,\n")
    table = read_catalogue(path).table.drop(columns=["uuid", "filename", "row"])
    table["specimen"] = table["specimen"].where(table["specimen"] != "b", "a")
    assert table.iloc[0].equals(table.iloc[1])


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("column", [*OPTIONAL, "filename"])
def test_a_formula_that_failed_is_no_part_of_a_value(tmp_path, error, column):
    path = tmp_path / "t.csv"
    cells = {"filename": "a.jpg", "label": "hybrid", column: f"{error} x erato"}
    path.write_text("\n".join(",".join(row) for row in (cells, cells.values())))
    with pytest.raises(CatalogueFaults) as caught:
        read_catalogue(path)
    assert {(fault.row, fault.column) for fault in caught.value.faults} >= {(2, column)}


@pytest.mark.parametrize("error", ERRORS)
def test_a_formula_that_failed_is_no_file_name(tmp_path, error):
    path = tmp_path / "t.csv"
    path.write_text(f"filename\na.jpg\n{error}\n")
    with pytest.raises(CatalogueFaults, match=r"row 3: column 'filename': '' is missing"):
        read_catalogue(path, strict=True)
    assert read_catalogue(path).reading.without_photograph == 1


@pytest.mark.parametrize("name", ["#7.jpg", "photo #N.jpg", "a#NAME.jpg", "na.jpg"])
def test_a_number_sign_is_no_error(tmp_path, name):
    (tmp_path / "t.csv").write_text(f"filename\n{name}\n")
    assert read_catalogue(tmp_path / "t.csv").uuids.tolist() == [name]


def test_tables_of_people(shared):
    folder = shared / "cases" / "tables"
    names = ColumnNames(filename="Photo", label="Status")
    read = read_catalogue(folder / "semicolons_commas_in_header.csv", columns=names)
    assert (read.uuids.tolist(), read.labels.tolist()) == (["a.jpg", "b.jpg"], [1, 0])
    with pytest.raises(CatalogueFaults) as caught:
        read_catalogue(folder / "excel_errors.csv")
    assert [(fault.row, fault.column) for fault in caught.value.faults] == [(5, "subspecies")]


def test_the_side_goes_by_the_name_that_collections_give_it(tmp_path):
    (tmp_path / "t.csv").write_text("filename,View\na.jpg,Dorsal\nb.jpg,ventral\nc.jpg,\n")
    assert read_catalogue(tmp_path / "t.csv").table["side"].fillna("").tolist() == ["dorsal", "ventral", ""]
    named = ColumnNames(side="View")
    assert read_catalogue(tmp_path / "t.csv", columns=named).table["side"].notna().sum() == 2


@given(st.lists(st.tuples(st.text(), st.text()).map(lambda row: tuple(cell.strip() for cell in row)), min_size=1))
def test_our_own_tables_are_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("own") / "t.csv"
    write_rows(path, ("a", "b"), [("x", "y"), *rows])
    kept = [row for row in rows if any(row)]
    assert list(read_text_table(path).cells) == [("x", "y"), *kept]


def test_one_mistake_is_one_line_and_long_values_are_cut(tmp_path):
    path = tmp_path / "t.csv"
    taxa = [f"Heliconius {'erato' * 1000}{number}" for number in range(12)]
    path.write_text("filename,label\n" + "".join(f"{n}.jpg,{name}\n" for n, name in enumerate(taxa)))
    with on_the_command_line(), pytest.raises(CatalogueFaults) as caught:
        read_catalogue(path)
    told = str(caught.value)
    assert len(told.splitlines()) == 2
    assert len(told) < 1000
    assert "ColumnNames" not in told
    assert "--column label=..." in told


def test_messages_for_python_and_for_the_command_line(tmp_path):
    (tmp_path / "t.csv").write_text("where,label\na,1\n")
    with pytest.raises(CatalogueError, match=r"columns=ColumnNames\(filename=\.\.\.\) in Python, --column filename"):
        read_catalogue(tmp_path / "t.csv")
    with on_the_command_line(), pytest.raises(CatalogueError) as caught:
        read_catalogue(tmp_path / "t.csv")
    assert "Python" not in str(caught.value)


def test_a_table_of_one_kind_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("filename,label\na.jpg,0\nb.jpg,no\n")
    with pytest.raises(CatalogueError, match="all 2 images are non-hybrids; a detector learns from hybrids and"):
        read_catalogue(tmp_path / "t.csv").check_both_kinds()
