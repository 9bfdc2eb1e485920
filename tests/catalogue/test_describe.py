"""Counts of a catalogue, and the words of its metadata."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hybridwing.catalogue.describe import StatusCount, describe
from hybridwing.catalogue.metadata import UNKNOWN, file_type_of, metadata_columns, pattern_of, source_names
from hybridwing.catalogue.readers import read_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue

TRAIN = """CAMID,file_url,hybrid_stat,split,zenodo_link,md5,subspecies,parent_subspecies_1,parent_subspecies_2,filename
A1,https://zenodo.org/record/11/files/A1_d.JPG,hybrid,train,https://zenodo.org/record/11,,,8.0,{second},a.jpg
A2,https://zenodo.org/record/11/files/A2_v_whitestandard.JPG,non-hybrid,train,https://zenodo.org/record/11,,8.0,,,b.jpg
"""


def test_the_training_table(shared: Path) -> None:
    found = describe(read_catalogue(shared / "challenge" / "butterfly_anomaly_train.csv"))
    assert (found.images, found.specimens, found.hybrids, found.non_hybrids, found.unlabelled) == (
        2082,
        2082,
        91,
        1991,
        0,
    )
    assert found.classes[0] == StatusCount("lativitta (8)", 0, 856, 0)
    assert StatusCount("lativitta × notabilis (8 × 9)", 91, 0, 0) in found.classes
    assert found.records[0].name == "4288311"
    assert StatusCount("3082688", 83, 267, 0) in found.records
    assert found.sides == (StatusCount("dorsal", 89, 1990, 0), StatusCount("ventral", 2, 1, 0))
    assert found.file_types == (StatusCount("JPG", 91, 1986, 0), StatusCount("jpg", 0, 5, 0))
    assert {count.name: count.images for count in found.tiny} == {
        "etylus (6)": 2, "petiverana (10)": 8, "reductimacula (12)": 2,
    }  # fmt: skip
    assert found.names_inferred


def test_the_test_table(shared: Path) -> None:
    found = describe(read_catalogue(shared / "challenge" / "ref_test.csv"))
    assert [(group.name, group.hybrids, group.non_hybrids) for group in found.groups] == [
        ("mimic", 248, 847), ("major", 365, 455), ("minor", 28, 407),
    ]  # fmt: skip
    assert not found.names_inferred


@pytest.mark.parametrize(("second", "inferred"), [("9.0", True), ("77.0", False)])
def test_codes_that_have_no_name_stay_codes(write: Callable[[str], Path], second: str, inferred: bool) -> None:
    found = describe(read_catalogue(write(TRAIN.format(second=second))))
    assert found.names_inferred is inferred
    cross = "lativitta × notabilis (8 × 9)" if inferred else "8 × 77"
    assert cross in {count.name for count in found.classes}


def test_json_has_everything(write: Callable[[str], Path]) -> None:
    found = describe(read_catalogue(write(TRAIN.format(second="9.0"))))
    data = json.loads(found.to_json())
    assert data["classes"][0] == {"name": "lativitta (8)", "hybrids": 0, "non_hybrids": 1, "unlabelled": 0}
    assert data["tiny"] == ["lativitta (8)", "lativitta × notabilis (8 × 9)"]
    assert data["source"] == "table.csv"


def test_unlabelled_images_are_counted(make: Callable[..., Catalogue]) -> None:
    found = describe(make([("s1", "", "a", "R1"), ("s2", "1", "a x b", ""), ("s2", "0", "a", "R1")]))
    assert (found.images, found.specimens, found.unlabelled) == (3, 2, 1)
    assert found.records == (StatusCount("R1", 0, 1, 1), StatusCount(UNKNOWN, 1, 0, 0))
    assert found.records[0].images == 2


def test_published_names_come_from_the_address(write: Callable[[str], Path]) -> None:
    catalogue = read_catalogue(write(TRAIN.format(second="9.0")))
    assert source_names(catalogue) == ["A1_d.JPG", "A2_v_whitestandard.JPG"]
    columns = metadata_columns(catalogue)
    assert columns["white standard"] == ["no", "yes"]
    assert columns["file-name pattern"] == ["A#_d.JPG", "A#_v_whitestandard.JPG"]
    assert columns["specimen-number pattern"] == ["A#", "A#"]


@pytest.mark.parametrize(
    ("name", "ending", "pattern"),
    [
        ("CAM017821_d.JPG", "JPG", "CAM#_d.JPG"),
        ("19N1234.jpeg", "jpeg", "#N#.jpeg"),
        ("plain", UNKNOWN, "plain"),
        ("", UNKNOWN, ""),
    ],
)
def test_file_types_and_patterns(name: str, ending: str, pattern: str) -> None:
    assert (file_type_of(name), pattern_of(name)) == (ending, pattern)
