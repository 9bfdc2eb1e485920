"""What names of taxa and of hybrids say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.catalogue.taxon_names import parse_taxon

EPITHETS = st.sampled_from(["notabilis", "lativitta", "demophoon", "xenoclea", "latRo", "hydara", "plesseni"])
SPECIES = "Heliconius erato"


@pytest.mark.parametrize(
    ("name", "species", "subspecies", "hybrid"),
    [
        ("Heliconius erato ssp. notabilis", SPECIES, "notabilis", False),
        ("Heliconius erato subsp. notabilis Salvin & Godman", SPECIES, "notabilis", False),
        ("Heliconius erato notabilis Salvin & Godman, 1868", SPECIES, "notabilis", False),
        ("Heliconius erato notabilis (Salvin & Godman)", SPECIES, "notabilis", False),
        ("Heliconius erato notabilis de Latour, 1798", SPECIES, "notabilis", False),
        ("Heliconius (Heliconius) erato notabilis", SPECIES, "notabilis", False),
        ("HELICONIUS ERATO NOTABILIS", SPECIES, "notabilis", False),
        ("heliconius erato notabilis", SPECIES, "notabilis", False),
        ("Heliconius_erato_notabilis", SPECIES, "notabilis", False),
        ("H. e. notabilis", "H. e.", "notabilis", False),
        ("H.e.notabilis", "H. e.", "notabilis", False),
        ("H erato notabilis", "H erato", "notabilis", False),
        ("erato notabilis", "erato", "notabilis", False),
        ("notabilis", "", "notabilis", False),
        ("latRo", "", "latRo", False),
        ("8", "", "8", False),
        ("Heliconius erato hydara f. amalfreda", SPECIES, "hydara", False),
        ("Heliconius erato (Linnaeus, 1758)", SPECIES, "", None),
        ("Heliconius erato", SPECIES, "", None),
        ("heliconius erato", SPECIES, "", None),
        ("Heliconius erato f. amalfreda", SPECIES, "", None),
        ("Heliconius sp.", "", "", None),
        ("Heliconius", "", "", None),
        ("unknown", "", "", None),
        ("", "", "", None),
        ("non-hybrid", "", "", False),
    ],
)
def test_names_without_a_cross(name: str, species: str, subspecies: str, hybrid: bool | None) -> None:
    found = parse_taxon(name)
    assert (found.binomial, found.subspecies, found.is_hybrid) == (species, subspecies, hybrid)
    assert (found.certainty, found.parents, found.raw) == ("certain", (), name)


@pytest.mark.parametrize(
    ("name", "species", "parents", "pedigree"),
    [
        ("Heliconius erato ssp. notabilis x lativitta", SPECIES, ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("Heliconius erato ssp. latRo x notabilis", SPECIES, ("latRo", "notabilis"), "latRo x notabilis"),
        ("Heliconius erato (demophoon x hydara)", SPECIES, ("demophoon", "hydara"), "demophoon x hydara"),
        ("HELICONIUS ERATO NOTABILIS X LATIVITTA", SPECIES, ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("Heliconius_erato_notabilis_x_lativitta", SPECIES, ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("Heliconius erato a Salvin, 1868 x b Ménétriés, 1857", SPECIES, ("a", "b"), "a x b"),
        ("(malleti x plesseni) x malleti", "", ("malleti", "plesseni"), "(malleti x plesseni) x malleti"),
        ("notabilis × lativitta", "", ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("F1 notabilis x lativitta", "", ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("notabilis-lativitta hybrid", "", ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("hybrid between notabilis and lativitta", "", ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("notabilis hybrid with lativitta", "", ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("notabilis * lativitta", "", ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("notabilisXlativitta", "", ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("Heliconius erato notabilis X H. e. lativitta", SPECIES, ("lativitta", "notabilis"), "lativitta x notabilis"),
        ("Heliconius erato x melpomene", "", (), ""),
        ("9 x 8", "", ("8", "9"), "8 x 9"),
        ("notabilis x ?", "", ("notabilis",), ""),
        ("unknown x notabilis", "", ("notabilis",), ""),
        ("notabilis x", "", ("notabilis",), ""),
        ("Heliconius erato ssp. x lativitta", SPECIES, ("lativitta",), ""),
        ("notabilis hybrid", "", ("notabilis",), ""),
        ("Heliconius erato hybrid", SPECIES, (), ""),
        ("hybrid", "", (), ""),
        ("a x b x c", "", (), ""),
    ],
)
def test_names_of_hybrids(name: str, species: str, parents: tuple[str, ...], pedigree: str) -> None:
    found = parse_taxon(name)
    assert (found.is_hybrid, found.certainty, found.subspecies) == (True, "certain", "")
    assert (found.binomial, found.parents, found.pedigree) == (species, parents, pedigree)


@pytest.mark.parametrize(
    "name", ["Heliconius erato x Heliconius melpomene", "Heliconius melpomene × H. erato", "H erato X H melpomene"]
)
def test_a_cross_between_species_names_them(name: str) -> None:
    found = parse_taxon(name)
    genus = found.parents[0].split()[0]
    assert (found.parents, found.binomial) == ((f"{genus} erato", f"{genus} melpomene"), "")
    assert found.reason == "is a cross of two species"


@pytest.mark.parametrize(
    "name",
    [
        "Heliconius erato cf. notabilis", "Heliconius cf. erato", "aff. notabilis", "notabilis?", "?", "hybrid?",
        "Heliconius erato ssp.nov.", "Heliconius erato ssp. nov.", "probably notabilis", "cf. notabilis x lativitta",
        "a x a", "a x (b", "notabilis ?x lativitta", "Heliconius erato notabilis/lativitta", "notabilis or lativitta",
    ],
)  # fmt: skip
def test_names_in_doubt_have_no_label(name: str) -> None:
    found = parse_taxon(name)
    assert (found.certainty, found.label) == ("uncertain", None)


@pytest.mark.parametrize(
    ("first", "second", "hybrid", "parents"),
    [
        ("notabilis", "lativitta", True, ("lativitta", "notabilis")),
        ("Heliconius erato ssp. notabilis", "Lativitta", True, ("lativitta", "notabilis")),
        ("notabilis", "", False, ()),
        ("notabilis", "notabilis", False, ()),
        ("", "lativitta", True, ("lativitta",)),
    ],
)
def test_two_columns(first: str, second: str, hybrid: bool, parents: tuple[str, ...]) -> None:
    found = parse_taxon(first, second)
    assert (found.is_hybrid, found.parents) == (hybrid, parents)


@given(st.one_of(st.text(max_size=250), st.text("x×X()? .,abcHe_cf.ssp'", max_size=60)))
def test_any_text_is_read_with_a_reason(name: str) -> None:
    found = parse_taxon(name)
    assert found.reason
    assert found.raw == name
    assert not (found.is_hybrid and found.subspecies)


@given(EPITHETS, EPITHETS, st.sampled_from(["x", "X", "×"]), st.booleans(), st.sampled_from(["", SPECIES + " ssp. "]))
def test_a_cross_has_no_order_and_no_spelling(a: str, b: str, sign: str, underscores: bool, before: str) -> None:
    name, swapped = f"{before}{a} {sign} {b}", parse_taxon(f"{b} x {a}")
    found = parse_taxon(name.replace(" ", "_") if underscores else name)
    assert (found.cross, found.is_hybrid) == (swapped.cross, swapped.is_hybrid)
    assert found.is_hybrid is (None if a == b else True)


@given(
    st.sampled_from(["Heliconius", "Danaus", "Papilio"]),
    st.sampled_from(["erato", "melpomene", "plexippus"]),
    st.sampled_from(["notabilis", "lativitta", ""]),
    st.sampled_from(["", " Linnaeus, 1758", " (Linnaeus, 1758)", " Salvin & Godman, 1868", " Fabricius"]),
)
def test_plain_names_are_read_as_gbif_reads_them(genus: str, species: str, subspecies: str, authors: str) -> None:
    nameparser = pytest.importorskip("nameparser")
    name = f"{' '.join(f'{genus} {species} {subspecies}'.split())}{authors}"
    theirs, ours = nameparser.parse(name), parse_taxon(name)
    assert (ours.genus, ours.species, ours.subspecies or None) == (
        theirs.genus, theirs.specific_epithet, theirs.infraspecific_epithet,
    )  # fmt: skip
