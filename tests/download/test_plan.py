from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.catalogue.readers import ColumnNames, read_catalogue
from hybridwing.download.errors import DownloadError
from hybridwing.download.plan import Sample, folder_name, plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.catalogue.schema import Catalogue


@pytest.mark.slow
def test_the_official_table_has_an_address_and_a_place_for_every_row(shared: Path) -> None:
    for name, spaces in (("butterfly_anomaly_train.csv", 0), ("ref_val.csv", 14), ("ref_test.csv", 26)):
        catalogue = read_catalogue(shared / "challenge" / name)
        files = plan(catalogue, by="hybrid_stat", base=None)
        assert len(files) == len(catalogue)
        assert not any(wanted.problem for wanted in files)
        assert {wanted.licence for wanted in files} == {"CC-BY-4.0"}
        assert {wanted.path.split("/")[0] for wanted in files} == {"hybrid", "non-hybrid"}
        assert sum("%20" in wanted.address for wanted in files) == spaces


def test_a_fraction_keeps_every_class(shared: Path) -> None:
    catalogue = read_catalogue(shared / "challenge" / "butterfly_anomaly_train.csv")
    rows = Sample(fraction=0.15).rows(catalogue)
    assert len(rows) == 312
    assert set(catalogue.classes[rows]) == set(catalogue.classes)
    assert Sample(fraction=0.15).rows(catalogue).tolist() == rows.tolist()
    limited = Sample(limit=100).rows(catalogue)
    assert len(limited) == len(set(limited.tolist())) == 100
    assert set(catalogue.classes[limited]) == set(catalogue.classes)
    assert len(Sample(limit=3).rows(catalogue)) == 3
    assert len(Sample(limit=99_999).rows(catalogue)) == len(catalogue)


@pytest.fixture
def custom(tmp_path: Path) -> Callable[[str], Catalogue]:
    def make(text: str) -> Catalogue:
        path = tmp_path / "own.csv"
        path.write_text(text, encoding="utf-8")
        columns = ColumnNames(label="status", subspecies="taxon", record="drawer", file_url="url")
        return read_catalogue(path, columns=columns)

    return make


def test_sub_folders(custom: Callable[[str], Catalogue]) -> None:
    catalogue = custom(
        "filename,status,taxon,drawer,url\na.jpg,hybrid,a x b,D/1,http://h/a\nb.jpg,no,a,..,http://h/b\nc.jpg,,,,http://h/c\n"
    )
    folders = {
        by: [wanted.path.rsplit("/", 1)[0] for wanted in plan(catalogue, by=by, base=None)]
        for by in ("hybrid_stat", "subspecies", "record", "side")
    }
    assert folders == {
        "hybrid_stat": ["hybrid", "non-hybrid", "unlabelled"],
        "subspecies": ["a x b", "a", "unlabelled"],
        "record": ["D_1", "unknown", "unknown"],
        "side": ["unknown"] * 3,
    }
    with pytest.raises(DownloadError, match="Unknown column for sub-folders 'md5'"):
        plan(catalogue, by="md5", base=None)


def test_files_that_cannot_be_asked_for(custom: Callable[[str], Catalogue], monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = custom(
        "filename,status,taxon,drawer,url\n"
        "a.jpg,no,a,,http://h/a\n"
        "A.JPG,no,a,,http://h/A\n"
        "caf\u00e9.jpg,no,a,,http://h/1\n"
        "cafe\u0301.jpg,no,a,,http://h/2\n"
        "a.jpg/b.jpg,no,a,,http://h/3\n"
        "deep/x.jpg,no,a,,http://h/4\n"
        "deep,no,a,,http://h/5\n"
        "Manifest.csv,no,a,,http://h/6\n"
        ".hybridwing-download/lock,no,a,,http://h/7\n"
        "n.jpg,no,a,,\n"
        "u.jpg,no,a,,http://u:p@h/8\n"
        "12:30.jpg,no,a,,http://h/9\n"
    )
    files = plan(catalogue, by=None, base=None)
    problems = {wanted.path: wanted.problem for wanted in files if wanted.problem}
    assert {path: problem.split(" with ")[0][:30] for path, problem in problems.items()} == {
        "A.JPG": "its name clashes",
        "cafe\u0301.jpg": "its name clashes",
        "a.jpg/b.jpg": "its name clashes",
        "deep": "its name clashes",
        "Manifest.csv": "its name is kept for the downl",
        ".hybridwing-download/lock": "its name is kept for the downl",
        "n.jpg": "the catalogue has no address f",
        "u.jpg": "its address holds a user name;",
    }
    mirrored = {wanted.path: wanted for wanted in plan(catalogue, by=None, base="http://m/x")}
    assert mirrored["n.jpg"].address == mirrored["n.jpg"].source == "http://m/x/n.jpg"
    assert (mirrored["a.jpg"].address, mirrored["a.jpg"].source) == ("http://m/x/a", "http://h/a")
    monkeypatch.setattr("hybridwing.download.plan._NOT_IN_FILE_NAMES", frozenset(":"))
    assert "does not allow" in plan(catalogue, by=None, base=None)[-1].problem


def test_the_licence_of_other_peoples_files_is_unknown(custom: Callable[[str], Catalogue]) -> None:
    catalogue = custom("filename,status,taxon,drawer,url\na.jpg,no,a,,https://zenodo.org/record/1/files/a.jpg\n")
    assert Counter(wanted.licence for wanted in plan(catalogue, by=None, base=None)) == {"": 1}


@given(st.text())
def test_any_value_is_one_part_of_a_path(value: str) -> None:
    name = folder_name(value)
    assert PurePosixPath(name).parts == (name,)
    assert name not in {".", ".."}
    assert len(name) <= 100
