"""Which column is taken for what."""

from __future__ import annotations

import re

import pytest

from hybridwing.catalogue.columns import ColumnNames
from hybridwing.catalogue.describe import describe
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.errors import CatalogueError


def taken(catalogue) -> dict[str, str]:
    return {choice.theirs: choice.ours for choice in catalogue.reading.columns if choice.taken}


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (
            "Photo,Catalog No.,Taxon,Hybrid?,Sex,Locality",
            "a.jpg,17,Heliconius erato ssp. venus,no,male,Puyo",
            {"Photo": "filename", "Catalog No.": "specimen", "Taxon": "taxon", "Hybrid?": "label"},
        ),
        (
            "FileName,CAMID,Taxonomic_Name,View",
            "a.jpg,CAM1,Heliconius erato,dorsal",
            {"FileName": "filename", "CAMID": "specimen", "Taxonomic_Name": "taxon", "View": "side"},
        ),
        (
            "catalogNumber,scientificName,associatedMedia,recordedBy,eventDate",
            "17,Heliconius erato venus,a.jpg,PAS,2017-01-30",
            {"catalogNumber": "specimen", "scientificName": "taxon", "associatedMedia": "filename"},
        ),
        (
            "catalogNumber,scientificName,associatedMedia",
            "17,Heliconius erato venus,https://x.org/a.jpg",
            {"catalogNumber": "specimen", "scientificName": "taxon", "associatedMedia": "filename"},
        ),
        ("Was,Wo,Wie", "a.jpg,Heliconius erato venus,ventral", {"Was": "filename", "Wo": "taxon", "Wie": "side"}),
        ("Bild,Species", "a.jpg,Heliconius erato venus", {"Bild": "filename", "Species": "taxon"}),
        (
            "Photo,Genus,Species,Subspecies",
            "a.jpg,Heliconius,erato,venus",
            {"Photo": "filename", "Genus": "genus", "Species": "species", "Subspecies": "subspecies"},
        ),
    ],
)
def test_columns_are_guessed(write, header: str, row: str, expected: dict[str, str]) -> None:
    found = read_catalogue(write(f"{header}\n{row}\n"))
    assert taken(found) == expected
    assert found.uuids.tolist() == ["a.jpg"]
    assert all(choice.reason for choice in found.reading.columns)


def test_what_a_ranking_guessed_is_no_truth(write) -> None:
    header = "rank,path,score,verdict,name,parent_1,parent_2,parent_probability,hybrid_index"
    row = "1,a.jpg,0.9,hybrid,cyrbia x venus,cyrbia,venus,0.7,0.5"
    assert taken(read_catalogue(write(f"{header}\n{row}\n"))) == {"path": "filename"}
    found = read_catalogue(write(f"{header},Taxon\n{row},Heliconius erato hydara\n"))
    assert taken(found) == {"path": "filename", "Taxon": "taxon"}
    named = read_catalogue(write(f"{header}\n{row}\n"), columns=ColumnNames(parent_1="parent_1", parent_2="parent_2"))
    assert named.classes.tolist() == ["cyrbia x venus"]


def test_other_columns_are_kept(write) -> None:
    table = "Photo,Sex,Locality,Date,\na.jpg,male,Puyo,n/a,x\n,female,Napo,1,y\nb.jpg,-,Tena,2,z\n"
    extra = read_catalogue(write(table)).select([1, 0]).extra
    assert list(extra.columns) == ["Sex", "Locality", "Date", "column 5"]
    assert extra.fillna("?").to_numpy().tolist() == [["?", "Tena", "2", "z"], ["male", "Puyo", "?", "x"]]


def test_all_that_is_unclear_is_asked_at_once(write) -> None:
    path = write("Photo,Image,Scientific name,Determination\na.jpg,b.jpg,Heliconius erato a,Heliconius erato b\n")
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(path)
    told = str(caught.value)
    assert re.search(
        r"filename: 'Photo' \(a.jpg\) or 'Image' \(b.jpg\); for taxon: 'Scientific name'.* or 'Determination'", told
    )
    assert "--column filename='Photo' --column taxon='Scientific name'" in told
    found = read_catalogue(path, columns=ColumnNames(filename="Image", taxon="Determination"))
    assert (found.uuids.tolist(), found.subspecies.tolist()) == (["b.jpg"], ["b"])


def test_a_name_is_not_believed_against_the_cells(write) -> None:
    found = read_catalogue(write("filename,label,Taxon\na.jpg,damaged,Heliconius erato a\nb.jpg,dorsal,a x b\n"))
    rejected = [choice for choice in found.reading.columns if not choice.taken]
    assert [(choice.theirs, choice.reason) for choice in rejected] == [("label", "'damaged', 'dorsal' are no labels")]
    assert found.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "images", "hybrids", "unlabelled", "species"),
    [("heliconius_collection.csv", 500, 0, 0, 500), ("wing_segmentation.csv", 394, 9, 79, 394)],
)
def test_real_tables_need_no_flags(shared, name, images, hybrids, unlabelled, species) -> None:
    found = read_catalogue(shared / "tables" / name)
    counts = describe(found)
    assert (counts.images, counts.hybrids, counts.unlabelled) == (images, hybrids, unlabelled)
    assert int(found.table["species"].notna().sum()) == species
    assert found.table["record"].notna().all()
    assert {name for name, _ in found.reading.names if name.certainty == "uncertain"} == set()
    if name.startswith("wing"):
        assert found.table["cross"].value_counts().to_dict() == {
            "lativitta x notabilis": 7,
            "latRo x notabilis": 1,
            "malleti x plesseni": 1,
        }
    else:
        assert {"Locality", "Sex", "Date", "Collected_by"} <= set(found.extra.columns)
