from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.simulate.genetics import (
    LOCI,
    Aristaless,
    Cortex,
    Generation,
    Genotype,
    Optix,
    Ro,
    WntA,
    cross,
    express,
    meiosis,
    pure,
)
from hybridwing.simulate.taxa import TAXA

genotypes = st.builds(
    Genotype,
    *(st.tuples(st.sampled_from(kind), st.sampled_from(kind)) for kind in (Optix, WntA, Cortex, Aristaless, Ro)),
)
taxa = st.sampled_from(sorted(TAXA))


def bred(first: str, second: str, generation: Generation, count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return [cross(TAXA[first].genotype, TAXA[second].genotype, generation, rng) for _ in range(count)]


def test_codes_are_the_alphabetical_order_of_species_a():
    ours = [taxon for taxon in TAXA.values() if taxon.species == "A"]
    assert [taxon.code for taxon in ours] == list(range(14))
    assert [taxon.name for taxon in ours] == sorted(taxon.name for taxon in ours)
    assert {taxon.name for taxon in TAXA.values() if taxon.code is None} == {"malleti", "plesseni"}


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        ("hydara", "broad_band red_scales"),
        ("demophoon", "broad_band red_scales bar"),
        ("cyrbia", "broad_band red_scales margin"),
        ("chestertonii", "bar"),
        ("phyllis", "broad_band red_scales bar line"),
        ("notabilis", "split_band red_scales white_scales"),
        ("lativitta", "compact_band yellow_scales dennis rays"),
        ("amalfreda", "compact_band yellow_scales dennis"),
        ("dignus", "broad_band red_scales toothed_edge"),
    ],
)
def test_subspecies_show_their_elements(name, elements):
    assert " ".join(express(TAXA[name].genotype).elements()) == elements


@pytest.mark.parametrize(("mimic", "model"), [("malleti", "lativitta"), ("plesseni", "notabilis")])
def test_co_mimics_show_the_same(mimic, model):
    assert express(TAXA[mimic].genotype) == express(TAXA[model].genotype)


@given(genotypes)
def test_what_shows_does_not_depend_on_which_parent_gave_an_allele(genotype):
    swapped = Genotype(*((second, first) for first, second in genotype))
    assert express(swapped) == express(genotype)


@given(genotypes)
def test_modules_of_optix_add_up_and_every_other_locus_shows_its_dominant_allele(genotype):
    shown = express(genotype)
    modules = genotype.optix[0].value | genotype.optix[1].value
    assert shown.dennis == ("dennis" in modules)
    assert shown.rays == ("ray" in modules)
    assert shown.band.value == next(shape.value for shape in WntA if shape in genotype.wnta)
    assert shown.band_red == ("band" in modules and shown.band is not WntA.MELANIC)
    if Cortex.PLAIN in genotype.cortex:
        assert (shown.bar, shown.line, shown.margin) == (False, False, False)
    if shown.light is not None:
        assert (shown.light is Aristaless.WHITE) == (Aristaless.WHITE in genotype.aristaless)
    if shown.edge is not None:
        assert (shown.edge is Ro.ROUND) == (Ro.ROUND in genotype.ro)


def test_red_hides_the_light_scales_except_in_a_split_band():
    red = TAXA["hydara"].genotype
    split = TAXA["notabilis"].genotype
    assert express(red).light is None
    assert express(red) == express(red._replace(aristaless=(Aristaless.WHITE, Aristaless.WHITE)))
    assert express(split).light is Aristaless.WHITE
    assert express(split).edge is None


def test_f1_of_the_signal_cross_shows_both_parents_elements():
    (first,) = bred("notabilis", "lativitta", Generation.F1, 1)
    assert first.genotype.optix == (Optix.BAND, Optix.DENNIS_RAY)
    shown = express(first.genotype)
    assert shown.rays
    assert shown.dennis
    assert shown.band_red
    assert shown.band is WntA.SPLIT


@pytest.mark.parametrize(
    ("generation", "ratios"),
    [
        (Generation.F2, {"band/band": 0.25, "band/dennis_ray": 0.5, "dennis_ray/dennis_ray": 0.25}),
        (Generation.BC_FIRST, {"band/band": 0.5, "band/dennis_ray": 0.5}),
        (Generation.BC_SECOND, {"band/dennis_ray": 0.5, "dennis_ray/dennis_ray": 0.5}),
        (Generation.F1, {"band/dennis_ray": 1.0}),
        (Generation.PURE, {"band/band": 1.0}),
    ],
)
def test_genotypes_come_in_mendelian_ratios(generation, ratios):
    count = 3000
    spelled = [animal.genotype.spelled("optix") for animal in bred("notabilis", "lativitta", generation, count)]
    assert set(spelled) == set(ratios)
    for genotype, ratio in ratios.items():
        tolerance = 4 * np.sqrt(ratio * (1 - ratio) / count) + 1e-12
        assert abs(spelled.count(genotype) / count - ratio) <= tolerance


def test_loci_assort_independently():
    animals = bred("notabilis", "lativitta", Generation.BC_SECOND, 3000)
    pairs = [(a.genotype.optix[0] is Optix.BAND, a.genotype.wnta[0] is WntA.SPLIT) for a in animals]
    for both in product((True, False), repeat=2):
        assert abs(pairs.count(both) / len(pairs) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 3000)


def test_a_recessive_bar_comes_back_in_a_quarter_of_the_f2():
    animals = bred("hydara", "demophoon", Generation.F2, 3000)
    shown = [express(animal.genotype).bar for animal in animals]
    assert abs(np.mean(shown) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 3000)


@pytest.mark.parametrize(
    ("generation", "mean"),
    [
        (Generation.PURE, 0.0),
        (Generation.F1, 0.5),
        (Generation.F2, 0.5),
        (Generation.BC_FIRST, 0.25),
        (Generation.BC_SECOND, 0.75),
    ],
)
def test_hybrid_index_is_the_share_of_the_second_parent(generation, mean):
    indices = [animal.hybrid_index for animal in bred("notabilis", "lativitta", generation, 400)]
    assert np.mean(indices) == pytest.approx(mean, abs=0.02)
    if generation in (Generation.PURE, Generation.F1):
        assert np.ptp(indices) == 0
    else:
        assert np.ptp(indices) > 0.1


@given(taxa, st.integers(0, 2**32 - 1))
def test_a_pure_individual_breeds_true(name, seed):
    parent = pure(TAXA[name].genotype, second=True)
    gamete = meiosis(parent, np.random.default_rng(seed))
    assert gamete == parent.maternal
    assert parent.hybrid_index == parent.background_index == 1.0


def test_every_subspecies_is_homozygous():
    assert all(first is second for taxon in TAXA.values() for first, second in taxon.genotype)


def test_loci_are_those_of_the_genotype():
    assert LOCI == ("optix", "wnta", "cortex", "aristaless", "ro")
