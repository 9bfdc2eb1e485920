from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridwing.catalogue import text_table
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
        "subspecies": None,
        "parent_1": "8",
        "parent_2": "9",
        "cross": "8 x 9",
        "pedigree": "8 x 9",
        "record": "13",
        "view": "ventral",
        "group": None,
        "file_url": f"{URL}/C7_v_whitestandard.JPG",
        "md5": "0a" * 16,
        "split": "train",
        "row": 2,
    }


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
    assert found.table["view"].tolist() == ["dorsal", "dorsal"]
    assert found.labels.tolist() == [1, 0]
    assert found.labels.dtype == np.int8


def test_custom_form_reads_what_is_named(write) -> None:
    content = (
        "Photo;Status;Taxon;Mother;Father;Batch;Side\n"
        "./a//1.jpg;YES;;emma;zea;box 1;V\n"
        "a/2.jpg; no ;zea;;;box 1;dorsal\n"
        "b/1.jpg;;zea x emma;;;;\n"
        "b/2.jpg;True;zea;;;;\n"
        "b/3.jpg;1;;emma;;;\n"
    )
    names = ColumnNames("Photo", "Status", None, "Taxon", "Mother", "Father", "Batch", "Side")
    found = read_catalogue(write(content), columns=names)
    assert found.form == "custom"
    assert found.uuids.tolist() == ["a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg", "b/3.jpg"]
    assert found.specimens.tolist() == ["1", "2", "1", "2", "3"]
    assert found.table["hybrid"].astype(object).tolist()[:2] == [True, False]
    assert not found.has_labels
    assert found.parent_pairs == [("emma", "zea"), None, ("emma", "zea"), None, None]
    assert found.subspecies.tolist() == [None, "zea", None, None, None]
    assert found.classes.tolist() == ["emma x zea", "zea", "emma x zea", "hybrid", "hybrid"]
    assert found.records.tolist() == ["box 1", "box 1", None, None, None]
    assert found.table["view"].astype(object).where(found.table["view"].notna(), None).tolist()[:3] == [
        "ventral",
        "dorsal",
        None,
    ]
    with pytest.raises(CatalogueError, match=r"1 of 5 images have no label: b/1.jpg"):
        _ = found.labels


def test_hybrid_values(write) -> None:
    names = ColumnNames("file", "kind", hybrid_values=("F1", "BC"))
    found = read_catalogue(write("file\tkind\na.jpg\tf1\nb.jpg\tpure\nc.jpg\tBC\n"), columns=names)
    assert found.labels.tolist() == [1, 0, 1]
    assert found.has_labels


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
        (b"\xff\xfef\x00", "UTF-16 text"),
        (b"PK\x03\x04rest", "Excel workbook or a zip archive, not a CSV table; export or save"),
        (b"PAR1....", "Parquet"),
        (b"filename\na\x00.jpg\n", "line 2 holds a NUL byte"),
        (b"filename\na.jpg\nb\xe9.jpg\n", "line 3 is not UTF-8 .byte 0xe9.; save the table"),
        ("filename,x\n", "a header but no rows"),
        ("filename,filename\na,b\n", "more than one column is called filename"),
        ("filename,x\na.jpg,1\nb.jpg\nc.jpg,1,2\n", r"header has 2 columns.*line 3 \(1\), line 4 \(3\)"),
        ('filename,x\n"a.jpg,1\n', "row that begins on line 2 is not CSV: unexpected end of data"),
        (
            "Filename,x\na.jpg,1\n",
            r"lacks the column 'filename' \(did you mean 'Filename'\?\). Columns found: Filename, x",
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
    with pytest.raises(CatalogueError, match="must be named"):
        ColumnNames("")
    with pytest.raises(CatalogueError, match="label column must be named too"):
        ColumnNames(hybrid_values=("F1",))
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
    assert f"row 3, column {column}" in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "column", "problem"),
    [
        ("1,4,cyrbia,a.jpg,major", "subspecies_ref", "is not the name of a cross"),
        ("1,4,(a x b x a,a.jpg,major", "subspecies_ref", "bracket that is not closed"),
        ("1,4,(a x b) x c,a.jpg,major", "subspecies_ref", "names 3 subspecies"),
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
        ("yes,a x a,,,", "taxon", "names 1 subspecies"),
        ("maybe,a,,,", "status", "is not a label"),
        ("no,a,,,left", "side", "is not a view"),
    ],
)
def test_faults_of_a_users_own_form(write, cells: str, column: str, problem: str) -> None:
    names = ColumnNames(label="status", subspecies="taxon", parent_1="mother", parent_2="father", view="side")
    with pytest.raises(CatalogueFaults, match=problem) as caught:
        read_catalogue(write(f"filename,status,taxon,mother,father,side\na.jpg,{cells}\n"), columns=names)
    assert [fault.column for fault in caught.value.faults] == [column]


def test_all_faults_are_listed_at_once(write) -> None:
    lines = [f"x,{number}.jpg" for number in range(14)] + ["1,3.jpg", "1,./3.jpg", f"{'y' * 99},9.png"]
    with pytest.raises(CatalogueFaults) as caught:
        read_catalogue(write("\n".join(["label,filename", *lines])), columns=ColumnNames(label="label"))
    assert len(caught.value.faults) == 17
    message = str(caught.value).splitlines()
    assert len(message) == 12
    assert message[0].endswith("17 faults; correct the table and read it again:")
    assert message[1] == f"  row 2, column label: 'x' {caught.value.faults[0].problem}"
    assert message[-1] == "  and 7 more"
    assert str(caught.value.faults[-1]).count("y") < 62
    assert [fault.row for fault in caught.value.faults if fault.column == "filename"] == [16, 17]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: ("filename,x\n" + text).encode())))
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
    counts = (found := read_catalogue(shared / name)).counts()
    assert (found.form, counts.images, counts.hybrids, counts.unlabelled) == (form, images, hybrids, 0)
    assert dict(counts.views)["ventral"] == ventral
    assert sum(number for _, number in counts.records) == images
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
