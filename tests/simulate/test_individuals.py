from __future__ import annotations

import numpy as np
import pytest

from hybridwing.simulate.genetics import Generation, express
from hybridwing.simulate.individuals import individual, pose
from hybridwing.simulate.strata import STRATA, Stratum
from hybridwing.simulate.taxa import TAXA


def drawn(stratum: Stratum, count: int):
    rng = np.random.default_rng(1)
    return [individual(stratum, rng) for _ in range(count)]


def only(parents: tuple[str, str], generation: Generation) -> Stratum:
    return Stratum(parents, "minor", 0, (), generations=((generation, 1.0),))


@pytest.mark.parametrize("stratum", STRATA, ids=lambda stratum: stratum.name)
def test_looks_like_parent_is_the_phenotype_of_one_of_the_parents(stratum):
    for animal in drawn(stratum, 60):
        parents = [express(TAXA[name].genotype) for name in stratum.parents]
        assert animal.looks_like_parent == (express(animal.diploid.genotype) in parents)
        assert animal.species == TAXA[stratum.parents[0]].species
        assert stratum.hybrid or animal.looks_like_parent


@pytest.mark.parametrize(
    ("parents", "generation"),
    [
        (("hydara", "petiverana"), Generation.F1),
        (("hydara", "petiverana"), Generation.BC_FIRST),
    ],
)
def test_recessive_alleles_hide(parents, generation):
    animals = drawn(only(parents, generation), 40)
    assert all(animal.looks_like_parent for animal in animals)
    assert all(0 < animal.diploid.hybrid_index < 1 for animal in animals)


@pytest.mark.parametrize("parents", [("notabilis", "lativitta"), ("plesseni", "malleti"), ("hydara", "erato")])
def test_f1_of_unlike_parents_never_look_like_one(parents):
    assert not any(animal.looks_like_parent for animal in drawn(only(parents, Generation.F1), 20))


def test_some_but_not_most_signal_hybrids_look_like_a_parent():
    (signal,) = (s for s in STRATA if s.name == "notabilis x lativitta")
    share = np.mean([animal.looks_like_parent for animal in drawn(signal, 500)])
    assert 0.05 < share < 0.5


def test_generations_come_in_their_shares():
    (signal,) = (s for s in STRATA if s.name == "notabilis x lativitta")
    found = [animal.generation for animal in drawn(signal, 2000)]
    for generation, share in signal.generations:
        assert found.count(generation) / 2000 == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 2000))
    assert sum(share for _, share in signal.generations) == pytest.approx(1)


def test_traits_lie_between_the_parents():
    def mean(stratum: Stratum) -> float:
        return float(np.mean([animal.traits.redness for animal in drawn(stratum, 600)]))

    low, high = TAXA["lativitta"].traits.redness, TAXA["notabilis"].traits.redness
    crossed = only(("notabilis", "lativitta"), Generation.F1)
    assert mean(crossed) == pytest.approx((low + high) / 2, abs=0.15)


def test_only_iridescent_subspecies_shine():
    by_name = {stratum.name: stratum for stratum in STRATA}
    assert all(animal.traits.iridescence == 0 for animal in drawn(by_name["hydara"], 20))
    shining = [animal.traits.iridescence for animal in drawn(by_name["cyrbia"], 50)]
    assert min(shining) > 0.5
    assert max(shining) <= 1


def test_poses_keep_the_specimen_in_the_picture():
    rng = np.random.default_rng(0)
    for _ in range(200):
        lies = pose(detached=False, ventral=False, zoom=1.0, middle=0.48, rng=rng)
        assert 0.4 < lies.centre[0] < 0.6
        assert 0.4 < lies.centre[1] < 0.56
        assert 2 * lies.span < 0.8
