from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.catalogue import text_table
from hybridwing.catalogue.cells import specimen_of
from hybridwing.catalogue.columns import ColumnNames
from hybridwing.catalogue.faults import CatalogueFaults
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.catalogue.schema import COLUMNS
from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from pathlib import Path

TRAINING = (
    "CAMID,file_url,hybrid_stat,split,zenodo_link,md5,subspecies,parent_subspecies_1,parent_subspecies_2,filename\n"
)
REFERENCE = "CAMID,file_url,hybrid_stat,X,subspecies_ref,filename,ssp_indicator\n"
URL = "https://zenodo.org/record/12/files"
GOOD = f"C1,{URL}/C1_d.JPG,non-hybrid,train,https://zenodo.org/record/12,{'0a' * 16},8.0,,,C1.jpg\n"


def row_of(catalogue, row: int) -> dict[str, object]:
    values = catalogue.table.astype(object).where(catalogue.table.notna(), None)
    return values.iloc[row].to_dict()


def test_training_form(write) -> None:
    path = write(
        TRAINING
        + f"C7,{URL}/C7_v_whitestandard.JPG,hybrid,train,https://zenodo.org/records/13,{'0A' * 16},,9.0,8.0,C7.jpg\n"
    )
    found = read_catalogue(path)
    assert found.form == "training"
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {name: str(dtype) for name, dtype in found.table.dtypes.items()} == dict(COLUMNS)
    assert row_of(found, 0) == {
        "uuid": "C7.jpg",
        "filename": "C7.jpg",
        "specimen": "C7",
        "hybrid": True,
        "species": None,
        "subspecies": None,
        "parent_1": "8",
        "parent_2": "9",
        "cross": "8 x 9",
        "pedigree": "8 x 9",
        "record": "13",
        "side": "ventral",
        "group": None,
        "file_url": f"{URL}/C7_v_whitestandard.JPG",
        "md5": "0a" * 16,
        "split": "train",
        "row": 2,
    }


def test_a_data_frame_is_read_as_its_file_is(write) -> None:
    hybrid = GOOD.replace("C1", "C2").replace("non-hybrid", "hybrid").replace("8.0,,", ",9.0,8.0")
    path = write(TRAINING + GOOD + hybrid)
    frame = pd.read_csv(path)
    found = read_catalogue(frame)
    pd.testing.assert_frame_equal(found.table, read_catalogue(path).table)
    assert (found.form, found.source.name) == ("training", "DataFrame")
    pd.testing.assert_frame_equal(read_catalogue(frame.set_index("filename")).table, found.table)
    with pytest.raises(CatalogueFaults, match=r"DataFrame: 1 fault; .*\n  row 3: column 'md5'"):
        read_catalogue(frame.assign(md5=[None, "x"]))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"Photo": ["a;b.jpg", "c;d.jpg"], "hybrid": [1.0, None]}),  # and no separator is guessed
        pd.DataFrame({"Photo": ["a;b.jpg", "c;d.jpg"], "hybrid": [True, None]}),
        pd.DataFrame({"hybrid": pd.Categorical(["yes", None])}, index=pd.Index(["a;b.jpg", "c;d.jpg"], name="Photo")),
    ],
)
def test_cells_of_a_data_frame_are_of_any_type(frame: pd.DataFrame) -> None:
    found = read_catalogue(frame).table
    assert found["filename"].tolist() == ["a;b.jpg", "c;d.jpg"]
    assert found["hybrid"].iloc[0]
    assert found["hybrid"].isna().tolist() == [False, True]


@pytest.mark.parametrize("empty", [pd.DataFrame(), pd.DataFrame({"Photo": []}), pd.DataFrame({"Photo": [None]})])
def test_an_empty_data_frame(empty: pd.DataFrame) -> None:
    with pytest.raises(CatalogueError, match=r"^DataFrame: "):
        read_catalogue(empty)


@pytest.mark.parametrize(
    ("name", "parents", "pedigree"),
    [
        ("notabilis x lativitta", ["lativitta", "notabilis"], "lativitta x notabilis"),
        (
            "(lativitta x notabilis) x lativitta",
            ["lativitta", "notabilis"],
            "(lativitta x notabilis) x lativitta",
        ),
        ("(latRo x notabilis) x notabilis", ["latRo", "notabilis"], "(latRo x notabilis) x notabilis"),
    ],
)
def test_reference_form(write, name: str, parents: list[str], pedigree: str) -> None:
    content = (
        REFERENCE + f"C1,{URL}/C1 dorsal.jpeg,1,4,{name},4_C1.png,minor\nC2,{URL}/C2_D.JPG,0,5,cyrbia,5_C2.png,minor\n"
    )
    found = read_catalogue(write(content))
    assert found.form == "reference"
    assert found.parents.tolist() == [parents, [None, None]]
    assert found.parent_pairs == [tuple(parents), None]
    assert found.table["pedigree"][0] == pedigree
    assert found.table["cross"][0] == " x ".join(parents)
    assert found.subspecies.tolist() == [None, "cyrbia"]
    assert found.classes.tolist() == [" x ".join(parents), "cyrbia"]
    assert found.groups.tolist() == ["minor", "minor"]
    assert found.table["side"].tolist() == ["dorsal", "dorsal"]
    assert found.labels.tolist() == [1, 0]
    assert found.labels.dtype == np.int8


def test_custom_form_reads_what_is_named(write) -> None:
    content = (
        "Photo;Status;Taxon;Mother;Father;Batch;Side\n"
        "./a//1.jpg;YES;;emma;zea;box 1;V\n"
        "a/2.jpg; no ;zea;;;box 1;dorsal\n"
        "b/1.jpg;;zea x emma;;;;\n"
        "b/2_d.jpg;True;zea x emma;emma;;;\n"
        "b/2_v_whitestandard.jpg;1;(zea × emma) × emma;emma;zea;;\n"
    )
    names = ColumnNames("Photo", "Status", None, "Taxon", "Mother", "Father", "Batch", "Side")
    found = read_catalogue(write(content), columns=names)
    assert found.form == "custom"
    assert found.uuids.tolist() == [
        "a/1.jpg",
        "a/2.jpg",
        "b/1.jpg",
        "b/2_d.jpg",
        "b/2_v_whitestandard.jpg",
    ]
    assert found.specimens.tolist() == ["a/1", "a/2", "b/1", "b/2", "b/2"]
    assert found.table["hybrid"].astype(object).tolist()[:2] == [True, False]
    assert found.parent_pairs == [("emma", "zea"), None, *[("emma", "zea")] * 3]
    assert found.table["pedigree"][4] == "(emma x zea) x emma"
    assert found.subspecies.tolist() == [None, "zea", None, None, None]
    assert found.classes.tolist() == ["emma x zea", "zea", *["emma x zea"] * 3]
    assert found.records.tolist() == ["box 1", "box 1", None, None, None]
    assert found.table["side"].astype(object).where(found.table["side"].notna(), None).tolist()[:3] == [
        "ventral",
        "dorsal",
        None,
    ]
    remedy = r"1 of 5 images have no label: b/1.jpg.*ColumnNames\(label=.*--column label="
    with pytest.raises(CatalogueError, match=remedy):
        _ = found.labels


def test_hybrid_values(write) -> None:
    table = "file\tkind\na.jpg\tf1\nb.jpg\tpure\nc.jpg\tBC\nd.jpg\thybrid\ne.jpg\t0\nf.jpg\tNone\n"
    names = ColumnNames("file", "kind", hybrid_values=("F1", " bc "), non_hybrid_values=("Pure", "none"))
    assert read_catalogue(write(table), columns=names).labels.tolist() == [1, 0, 1, 1, 0, 0]
    swapped = ColumnNames(label="label", hybrid_values=("0",), non_hybrid_values=("1",))
    assert read_catalogue(write("filename,label\na.jpg,0\nb.jpg,1\n"), columns=swapped).labels.tolist() == [1, 0]


def test_labels_that_nobody_explained_are_faults(write) -> None:
    names = ColumnNames("file", "kind", hybrid_values=("F1",))
    remedy = r"(?s)'pure' is not a label.*ColumnNames\(hybrid_values=.*--hybrid-value or --non-hybrid-value"
    with pytest.raises(CatalogueFaults, match=remedy) as caught:
        read_catalogue(write("file,kind\na.jpg,F1\nb.jpg,pure\nc.jpg,pure\n"), columns=names)
    assert [fault.row for fault in caught.value.faults] == [3, 4]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("filename,label", None),
        ("Filename,LABEL", None),
        ("filename,Label", ColumnNames()),
        ("Photo,label", ColumnNames("Photo")),
        ("Photo,hybrid_stat", ColumnNames("Photo")),
        ("filename,Status", ColumnNames(label="Status")),
    ],
)
def test_columns_that_go_by_our_names_count_by_themselves(write, header: str, names: ColumnNames | None) -> None:
    found = read_catalogue(write(f"{header}\na.jpg,hybrid\nb.jpg,no\n"), columns=names)
    assert found.form == "custom"
    assert found.labels.tolist() == [1, 0]


def test_every_column_of_ours_is_found_unless_overridden(write) -> None:
    header = "camid,Subspecies,Parent_1,parent_2,Record,VIEW,file_URL,MD5,filename,label,Status\n"
    path = write(header + f"C1,,a,b,box,d,{URL}/1.jpg,{'0a' * 16},1.jpg,no,yes\n")
    row = row_of(read_catalogue(path, columns=ColumnNames(label="Status")), 0)
    assert (row["specimen"], row["hybrid"], row["cross"], row["record"]) == ("C1", True, "a x b", "box")
    assert (row["side"], row["file_url"], row["md5"]) == ("dorsal", f"{URL}/1.jpg", "0a" * 16)
    taken = ColumnNames(subspecies="label")
    assert read_catalogue(write("filename,label\na.jpg,zea\n"), columns=taken).subspecies.tolist() == ["zea"]


def test_a_column_of_two_readings_is_refused(write) -> None:
    with pytest.raises(
        CatalogueError, match=r"could be meant for label: 'Label' \(1\) or 'LABEL' \(0\).*--column label="
    ):
        read_catalogue(write("filename,Label,LABEL\na.jpg,1,0\n"))
    exact = read_catalogue(write("filename,label,LABEL,hybrid_stat\na.jpg,1,0,0\n"), columns=ColumnNames())
    assert exact.labels.tolist() == [1]


@pytest.mark.parametrize(
    ("name", "specimen"),
    [
        ("dr1/1.jpg", "dr1/1"),
        ("CAM1_D.JPG", "CAM1"),
        ("x/CAM1_v_whitestandard.JPG", "x/CAM1"),
        ("CAM1_whitestandard.jpg", "CAM1"),
        ("CS3728 dorsal.jpeg", "CS3728"),
        ("plate-d.jpg", "plate-d"),
        ("a/_d.jpg", "a/_d"),
        ("wood.jpg", "wood"),
    ],
)
def test_specimens_by_default(name: str, specimen: str) -> None:
    assert specimen_of(name) == specimen


def test_excels_separator_line_is_skipped(write) -> None:
    for first in ("sep=;", '"SEP=;"', "sep=;;;", "sep=|"):
        mark = "|" if "|" in first else ";"
        table = f"\ufeff{first}\r\nfilename,x;label\r\na.jpg;1\r\n".replace(";label", f"{mark}label")
        found = read_catalogue(
            write(table.replace("a.jpg;", f"a.jpg{mark}")), columns=ColumnNames("filename,x", "label")
        )
        assert (found.labels.tolist(), found.table["row"].tolist()) == ([1], [3])
    with pytest.raises(CatalogueError, match="empty but for the line that names its separator"):
        read_catalogue(write("sep=,\n\n"))


@pytest.mark.parametrize(
    "table",
    [
        "Butterflies of 2023\n\nPhoto;Status;Taxon\na.jpg;1;x\n",
        "Butterflies, 2023\n\nPhoto,Status,Taxon,Drawer\na.jpg,1,x,1\n",
        "Butterflies of 2023,,\n,,\nPhoto,Status,Taxon\na.jpg,1,x\n",
    ],
)
def test_a_title_above_the_header_is_recognised(write, table: str) -> None:
    found = read_catalogue(write(table), columns=ColumnNames("Photo"))
    assert (found.uuids.tolist(), found.table["row"].tolist(), found.labels.tolist()) == (["a.jpg"], [4], [1])
    assert re.search(r"the header is line 3, below 'Butterflies.*2023'", found.reading.notes[0])


def test_only_file_names(write) -> None:
    found = read_catalogue(write("\ufefffilename,mass\r\n\r\na.jpg,3\r\n"))
    assert (found.form, len(found), found.table["row"][0]) == ("custom", 1, 3)
    assert found.classes.tolist() == ["unlabelled"]


def test_rows_are_lines_even_after_quoted_newlines(write) -> None:
    found = read_catalogue(write('filename,note\na.jpg,"two\nlines"\nb.jpg,x\n'))
    assert found.table["row"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\ufeff\n  \n", "the file is empty"),
        (';;\n"";\n', "the file is empty: all its cells are"),
        (b"\xff\xfef\x00", "a header but no rows"),
        (b"\xff\xfef\x00\n", "line 1 is not text"),
        (b"PK\x03\x04rest", "is damaged or no workbook"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook, not a table; export or save"),
        (b"PAR1....", "Parquet"),
        (b"filename\na\x00.jpg\n", "line 2 holds a NUL byte"),
        (b"filename\na.jpg\nb\x81.jpg\n", "line 3 is not text .byte 0x81.; save the table"),
        ("filename,x\n", "a header but no rows"),
        ("filename,filename\na,b\n", "more than one column is called filename"),
        ("filename,x\na.jpg,1\nb.jpg\nc.jpg,1,2\n", r"header has 2 columns.*line 3 \(1\), line 4 \(3\)"),
        ('filename,x\n"a.jpg,1\n', "row that begins on line 2 is not CSV: unexpected end of data"),
        (
            "Filenames,x\na,1\n",
            r"lacks the column 'filename' \(did you mean 'Filenames'\?\). Columns found: Filenames, x",
        ),
        ("hybrid_stat,filename\n1,a.jpg\n", "training form lacks the columns 'subspecies', 'parent_subspecies_1'"),
        ("ssp_indicator,file\nmajor,a.jpg\n", "a reference table lacks the columns 'filename'"),
    ],
)
def test_hostile_files(write, content: str | bytes, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        read_catalogue(write(content))


def test_files_that_are_none(tmp_path: Path, write, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CatalogueError, match="is a folder"):
        read_catalogue(tmp_path)
    with pytest.raises(CatalogueError, match="no such file"):
        read_catalogue(tmp_path / "none.csv")
    with pytest.raises(CatalogueError, match="cannot be read: File name too long"):
        read_catalogue(tmp_path / ("n" * 300))
    monkeypatch.setattr(text_table, "LARGEST_FILE", 4)
    with pytest.raises(CatalogueError, match="is it the right file"):
        read_catalogue(write("filename\na.jpg\n"))


def test_column_names_are_checked(write) -> None:
    with pytest.raises(CatalogueError, match="lacks the column ''"):
        read_catalogue(write("filename\na.jpg\n"), columns=ColumnNames(""))
    with pytest.raises(CatalogueError, match="cannot mean both hybrid and non-hybrid: f1"):
        ColumnNames(label="x", hybrid_values=("F1",), non_hybrid_values=(" f1",))
    with pytest.raises(CatalogueError, match=r"no column of labels is found among filename, x; name it: .*label="):
        read_catalogue(write("filename,x\na.jpg,1\n"), columns=ColumnNames(non_hybrid_values=("F1",)))
    with pytest.raises(CatalogueError, match=r"lacks the column 'state' .did you mean 'status'"):
        read_catalogue(write("filename,status\na.jpg,1\n"), columns=ColumnNames(label="state"))


@pytest.mark.parametrize(
    ("change", "column", "problem"),
    [
        (("non-hybrid", "hybird"), "hybrid_stat", "is not a label"),
        (("non-hybrid", ""), "hybrid_stat", "is missing: every row needs a label"),
        (("C1.jpg", ""), "filename", "is missing"),
        (("C1.jpg", "/etc/C1.jpg"), "filename", "absolute path"),
        (("C1.jpg", "C:/C1.jpg"), "filename", "absolute path"),
        (("C1.jpg", "a/../../C1.jpg"), "filename", "leads out"),
        (("C1.jpg", r"a\C1.jpg"), "filename", "backslash"),
        (("C1.jpg", "https://x.org/C1.jpg"), "filename", "is an address"),
        (("C1.jpg", "a/\x07.jpg"), "filename", "control character"),
        (("C1.jpg", "photos/"), "filename", "is a folder"),
        (("0a0a", "xyz"), "md5", "is not an MD5 digest"),
        (("https://zenodo.org/record/12/files", "ftp://x/y"), "file_url", "is not an http or https address"),
        ((",8.0,,,", ",,,,"), "subspecies", "a non-hybrid needs its subspecies"),
        ((",8.0,,,", ",8.0,9.0,,"), "parent_subspecies_1", "is the parent of a hybrid"),
        ((",8.0,,,", ",8.0,,9.0,"), "parent_subspecies_2", "is the parent of a hybrid"),
        (("non-hybrid", "hybrid"), "subspecies", "is one subspecies, but the row is a hybrid"),
        (
            ("non-hybrid,train,https://zenodo.org/record/12," + "0a" * 16 + ",8.0", "hybrid,train,,,"),
            "parent_subspecies_1",
            "needs both parents",
        ),
        (
            ("non-hybrid,train,https://zenodo.org/record/12," + "0a" * 16 + ",8.0,", "hybrid,train,,,,8.0"),
            "parent_subspecies_2",
            "needs both parents",
        ),
        (
            ("non-hybrid,train,https://zenodo.org/record/12," + "0a" * 16 + ",8.0,,", "hybrid,train,,,,8.0,8.0"),
            "parent_subspecies_2",
            "with itself",
        ),
    ],
)
def test_faults_of_the_training_form(write, change: tuple[str, str], column: str, problem: str) -> None:
    assert change[0] in GOOD
    content = TRAINING + GOOD.replace("C1.", "C0.") + GOOD.replace(*change)
    with pytest.raises(CatalogueFaults, match=problem) as caught:
        read_catalogue(write(content))
    assert [(fault.row, fault.column) for fault in caught.value.faults] == [(3, column)]
    assert f"row 3: column '{column}'" in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "column", "problem"),
    [
        ("1,4,cyrbia,a.jpg,major", "subspecies_ref", "is not the name of a cross"),
        ("1,4,(a x b x a,a.jpg,major", "subspecies_ref", "bracket that is not closed"),
        ("1,4,(a x b) x c,a.jpg,major", "subspecies_ref", "a cross of 3 subspecies"),
        ("0,4,a x b,a.jpg,major", "subspecies_ref", "is a cross, but the row is a non-hybrid"),
        ("0,4,,a.jpg,major", "subspecies_ref", "is missing"),
        ("0,4,a,a.jpg,Major", "ssp_indicator", "must be major, minor or mimic"),
        ("0,4,a,a.jpg,", "ssp_indicator", "must be major, minor or mimic"),
        ("2,4,a,a.jpg,major", "hybrid_stat", "is not a label"),
    ],
)
def test_faults_of_the_reference_form(write, cells: str, column: str, problem: str) -> None:
    with pytest.raises(CatalogueFaults, match=problem) as caught:
        read_catalogue(write(REFERENCE + f"C1,{URL}/C1_d.JPG,{cells}\n"))
    assert [fault.column for fault in caught.value.faults] == [column]


@pytest.mark.parametrize(
    ("cells", "column", "problem"),
    [
        ("no,a x b,,,", "taxon", "is a cross, but"),
        ("no,a,b,,", "mother", "is the parent of a hybrid"),
        ("yes,,b,b,", "father", "with itself"),
        ("yes,a x a,,,", "taxon", "a cross of 1 subspecies"),
        ("yes,a,,,", "taxon", "is one subspecies, but the row is a hybrid; write its cross"),
        ("yes,a,a,b,", "taxon", "is one subspecies, but the row is a hybrid"),
        ("yes,a x b,a,c,", "taxon", "is a cross of other subspecies than the parents"),
        (",a x b,c,,", "taxon", "is a cross of other subspecies than the parents"),
        ("yes,a x b,a,a,", "father", "with itself"),
        ("yes,,,,", "mother", "is missing: a hybrid needs both parents, or its cross"),
        ("yes,,,a,", "mother", "is missing: a hybrid needs both parents"),
        ("yes,,a,,", "father", "is missing: a hybrid needs both parents"),
        ("maybe,a,,,", "status", "is not a label"),
        ("no,a,,,left", "side", "is not a side"),
    ],
)
def test_faults_of_a_users_own_form(write, cells: str, column: str, problem: str) -> None:
    names = ColumnNames(label="status", subspecies="taxon", parent_1="mother", parent_2="father", side="side")
    with pytest.raises(CatalogueFaults, match=problem) as caught:
        read_catalogue(write(f"filename,status,taxon,mother,father,side\na.jpg,{cells}\n"), columns=names, strict=True)
    assert [fault.column for fault in caught.value.faults] == [column]


def test_hybrids_of_unknown_parents_where_no_column_has_them(write) -> None:
    assert read_catalogue(write("filename,label\na.jpg,yes\n")).classes.tolist() == ["hybrid"]


def test_faults_that_are_alike_share_a_line(write) -> None:
    lines = [f"{number}.jpg,{'pure' if number % 7 else 'F1'}" for number in range(500)]
    with pytest.raises(CatalogueFaults) as caught:
        read_catalogue(write("\n".join(["filename,Status", *lines])), columns=ColumnNames(label="Status"))
    assert len(caught.value.faults) == 500
    message = str(caught.value).splitlines()
    assert len(message) == 3
    assert message[1].startswith("  rows 2, 9, 16 and 69 more: column 'Status': 'F1' is not a label")
    assert message[2].startswith("  rows 3, 4, 5 and 425 more: column 'Status': 'pure' is not a label")


def test_all_faults_are_listed_at_once(write) -> None:
    lines = [f"x{number},{number}.jpg" for number in range(14)] + ["1,3.jpg", "1,./3.jpg", f"{'y' * 99},9.png"]
    with pytest.raises(CatalogueFaults) as caught:
        read_catalogue(write("\n".join(["label,filename", *lines])), columns=ColumnNames(label="label"))
    assert len(caught.value.faults) == 17
    message = str(caught.value).splitlines()
    assert message[0].endswith("17 faults; correct the table and read it again:")
    alike = f"'x0', 'x1', 'x2' and 12 more: each of them {caught.value.faults[0].problem}"
    assert message[1] == f"  rows 2, 3, 4 and 12 more: column 'label': {alike}"
    assert len(message) == 4
    assert str(caught.value.faults[-1]).count("y" * 58) == 0
    assert [fault.row for fault in caught.value.faults if fault.column == "filename"] == [16, 17]


@given(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(
            st.sampled_from(["filename,x\n", "sep=", "sep=;\n", "filename\n", "Title\nfilename,label\n"]),
            st.text(max_size=200),
        ).map(lambda parts: "".join(parts).encode()),
    )
)
def test_any_bytes_are_read_or_refused_politely(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    message = str(path)
    try:
        found = read_catalogue(path)
    except CatalogueError as error:
        message = str(error)
    else:
        assert found.table["uuid"].is_unique
        assert not any(name.startswith("/") or ".." in name.split("/") for name in found.uuids)
    assert str(path) in message


@pytest.mark.parametrize(
    ("name", "form", "images", "hybrids", "ventral"),
    [
        ("challenge/butterfly_anomaly_train.csv", "training", 2082, 91, 3),
        ("challenge/ref_val.csv", "reference", 1175, 332, 6),
        ("challenge/ref_test.csv", "reference", 2350, 641, 10),
        ("silhouettes/train.csv", "training", 1425, 80, 1),
        ("silhouettes/ref_val.csv", "reference", 856, 243, 6),
    ],
)
def test_official_tables(shared: Path, name: str, form: str, images: int, hybrids: int, ventral: int) -> None:
    found = read_catalogue(shared / name)
    assert (found.form, len(found), int(found.labels.sum())) == (form, images, hybrids)
    assert int((found.table["side"] == "ventral").sum()) == ventral
    assert found.table["record"].notna().all()
    assert found.table["row"].tolist() == list(range(2, images + 2))


def test_official_groups(shared: Path) -> None:
    table = read_catalogue(shared / "challenge" / "ref_test.csv").table
    counts = table.groupby(["group", "hybrid"]).size().to_dict()
    assert counts == {
        ("major", False): 455,
        ("major", True): 365,
        ("minor", False): 407,
        ("minor", True): 28,
        ("mimic", False): 847,
        ("mimic", True): 248,
    }
