"""Labels, parents and species of a user's own rows."""

from __future__ import annotations

import pytest

from hybridwing.catalogue.faults import CatalogueFaults
from hybridwing.catalogue.readers import read_catalogue


def test_unsure_and_partial_rows_do_not_stop_the_rest(write) -> None:
    table = (
        "Photo,Hybrid?,Taxon\na.jpg,yes,notabilis x lativitta\nb.jpg,no,lativitta\nc.jpg,?,lativitta\n"
        "d.jpg,maybe,notabilis\ne.jpg,,lativitta\nf.jpg,yes,hybrid\ng.jpg,yes,notabilis\nh.jpg,yes,\n,no,lativitta\n"
        "i.jpg,Hybrid?,a x b\n"
    )
    found = read_catalogue(write(table))
    assert found.table["hybrid"].astype(object).where(found.table["hybrid"].notna(), None).tolist() == [
        True, False, None, None, None, True, True, True, None,
    ]  # fmt: skip
    assert found.parents[6].tolist() == ["notabilis", None]
    reading = found.reading
    assert (reading.unsure, reading.unlabelled, reading.without_photograph) == (3, 4, 1)
    assert (reading.unknown_parents, reading.one_parent) == (2, 1)
    assert found.labelled().labels.tolist() == [1, 0, 1, 1, 1]
    with pytest.raises(CatalogueFaults) as caught:
        read_catalogue(write(table), strict=True)
    assert {fault.row for fault in caught.value.faults} == {4, 5, 8, 10, 11}


def test_names_label_where_no_column_does(write) -> None:
    table = (
        "Photo,Taxon\na.jpg,Heliconius erato ssp. notabilis x lativitta\nb.jpg,Heliconius erato notabilis\n"
        "c.jpg,Heliconius erato\nd.jpg,Heliconius erato cf. notabilis\ne.jpg,H. e. hybrid\nf.jpg,H. erato venus\n"
    )
    found = read_catalogue(write(table))
    assert found.classes.tolist() == [
        "lativitta x notabilis", "notabilis", "unlabelled", "notabilis", "hybrid", "venus",
    ]  # fmt: skip
    assert found.labelled().labels.tolist() == [1, 0, 1, 0]
    assert set(found.species) == {"Heliconius erato"}


def test_a_column_that_marks_hybrids_alone_leaves_the_rest_to_their_names(write) -> None:
    found = read_catalogue(write("Photo,Hybrid?,Taxon\na.jpg,yes,a x b\nb.jpg,,a\nc.jpg,,Heliconius erato\n"))
    assert found.table["hybrid"].fillna(value=False).tolist() == [True, False, False]
    assert found.table["hybrid"].isna().tolist() == [False, False, True]


def test_two_columns_of_subspecies(write) -> None:
    table = "Photo,Species,Subspecies,Subspecies 2\na.jpg,erato,venus,cyrbia\nb.jpg,erato,venus,\n"
    found = read_catalogue(write(table))
    assert (found.parent_pairs, found.species.tolist()) == ([("cyrbia", "venus"), None], ["erato", "erato"])


def test_species_are_kept_apart(write) -> None:
    table = (
        "Photo,Taxon\na.jpg,Heliconius erato amaryllis\nb.jpg,Heliconius melpomene amaryllis\n"
        "c.jpg,Heliconius erato (amaryllis x venus)\nd.jpg,Heliconius erato venus\ne.jpg,Heliconius melpomene rosina\n"
        "f.jpg,Heliconius erato x Heliconius melpomene\n"
    )
    found = read_catalogue(write(table))
    assert found.classes.tolist() == [
        "erato amaryllis", "melpomene amaryllis", "erato amaryllis x venus", "venus", "rosina",
        "Heliconius erato x Heliconius melpomene",
    ]  # fmt: skip
    assert found.possible_pairs() == [
        ("Heliconius erato", "Heliconius melpomene"), ("erato amaryllis", "venus"), ("melpomene amaryllis", "rosina"),
    ]  # fmt: skip


def test_a_parent_that_is_a_cross_itself_makes_a_back_cross(write) -> None:
    table = (
        "Photo,Taxon,Parent 1,Parent 2\na.jpg,Heliconius erato venus,,\nb.jpg,Heliconius melpomene venus,,\n"
        "c.jpg,Heliconius erato,F1 venus × hydara,hydara\nd.jpg,,venus x hydara,(hydara x venus)\n"
        "e.jpg,hydara x venus,hydara x venus,\nf.jpg,,venus x hydara,\ng.jpg,,venus x cyrbia,hydara\n"
    )
    found = read_catalogue(write(table))
    assert found.table["pedigree"].fillna("").tolist()[2:] == [
        "(erato venus x hydara) x hydara", "(hydara x venus) x (hydara x venus)", "hydara x venus", "", "",
    ]  # fmt: skip
    assert found.table["hybrid"].tolist()[2:] == [True] * 5
    assert found.parents[6].tolist() == ["hydara", None]  # and a cross that has neither
    with pytest.raises(CatalogueFaults, match=r"row 8: .*'Parent 2': 'hydara' makes a cross of 3 subspecies"):
        read_catalogue(write(table), strict=True)


def test_paths_of_other_machines(write) -> None:
    table = 'Photo\n"C:\\drawer 1\\a.jpg"\nbox\\b.jpg\n/fs/ess/c.jpg\nhttps://x.org/f/d%20e.jpg?download=1\n'
    found = read_catalogue(write(table))
    assert found.uuids.tolist() == ["a.jpg", "box/b.jpg", "c.jpg", "d e.jpg"]
    assert found.table["file_url"].fillna("").tolist()[3] == "https://x.org/f/d%20e.jpg?download=1"
    assert any("4 file names are taken from paths" in note for note in found.reading.notes)


@pytest.mark.parametrize("row", ["no,a x b", "no,hybrid", "yes,#REF! x a"])
def test_contradictions_stay_faults(write, row: str) -> None:
    with pytest.raises(CatalogueFaults):
        read_catalogue(write(f"Photo,label,Taxon\na.jpg,{row}\n"))
