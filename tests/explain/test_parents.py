"""Parents of made hybrids are found where they can be told apart, and the index lies where it was put."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hybridwing.array_file import read_arrays, write_arrays
from hybridwing.detectors.mahalanobis import MahalanobisDetector
from hybridwing.errors import RunError
from hybridwing.explain.parent_fitting import fit_parent_model
from hybridwing.explain.parents import ParentModel, _mixed_interval, read_parents
from hybridwing.runtime.pattern import DIMENSION, TRAITS

NAMES = ("ada", "bea", "cleo", "dora", "eve")
WIDTHS = (12, 12, 12)
COLUMNS = (slice(0, 12), slice(12, 24), slice(24, 36))


class Brood:
    """Subspecies that differ in every block, far enough that tempered probabilities are sharp."""

    def __init__(self, seed=0, apart=8.0):
        self.rng = np.random.default_rng(seed)
        self.means = {name: self.rng.normal(size=sum(WIDTHS)) * apart for name in NAMES}

    def pure(self, name, n):
        return (self.means[name] + self.rng.normal(size=(n, sum(WIDTHS)))).astype(np.float32)

    def cross(self, first, second, shares, n=1):
        weights = np.repeat(shares, WIDTHS)
        middle = (1 - weights) * self.means[first] + weights * self.means[second]
        return (middle + self.rng.normal(size=(n, sum(WIDTHS)))).astype(np.float32)

    def model(self, each=30) -> ParentModel:
        vectors = np.vstack([self.pure(name, each) for name in NAMES])
        model = fit_parent_model(vectors, [name for name in NAMES for _ in range(each)], COLUMNS)
        assert model is not None
        return model


@pytest.fixture(scope="module")
def brood() -> Brood:
    return Brood()


@pytest.fixture(scope="module")
def model(brood) -> ParentModel:
    return brood.model()


def test_pure_specimens_have_one_parent_and_no_share_of_another(brood, model):
    for name in NAMES:
        for found in model.parentage(brood.pure(name, 10)):
            assert found.parents == (name,)
            assert found.hybrid_index == found.interval.low == 0
            assert found.probability > 0.5


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (0, 1, 0), (1, 0.5, 0)])
def test_hybrids_of_pairs_that_were_never_seen_have_both_parents(brood, model, shares):
    right = 0
    pairs = list(itertools.combinations(NAMES, 2))
    for first, second in pairs:
        (found,) = model.parentage(brood.cross(first, second, shares))
        right += found.parents == (first, second)
        assert found.two_parents > 0.5
    assert right >= 0.8 * len(pairs)


def test_the_index_follows_the_share_and_its_interval_holds_it(brood, model):
    shown = []
    for shares in ((0, 0.5, 0.5), (0.5, 0.5, 0.5), (0.5, 0.5, 1)):
        (found,) = model.parentage(brood.cross("ada", "eve", shares))
        assert found.interval.low <= np.mean(shares) <= found.interval.high
        shown.append(found.hybrid_index)
    assert shown == sorted(shown)
    (order,) = model.parentage(brood.cross("eve", "ada", (0, 0.5, 0.5)))
    assert order.parents == ("ada", "eve"), "a cross has no order: parents are sorted and the index is of the second"
    assert order.hybrid_index > 0.5


def test_probabilities_add_up(brood, model):
    vectors = np.vstack([brood.pure("ada", 3), brood.cross("ada", "bea", (0.5,) * 3, 3)])
    single, double = model.log_likelihoods(vectors)
    assert single.shape == (6, 5)
    assert double.shape == (6, 10)
    for found in model.parentage(vectors):
        assert 0 <= found.probability <= 1
        assert 0 <= found.two_parents <= 1
        assert 0 <= found.interval.low <= found.interval.high <= 1


def test_scale_does_not_count_and_an_empty_picture_does_no_harm(brood, model):
    vectors = brood.pure("cleo", 4)
    assert [f.parents for f in model.parentage(3 * vectors)] == [f.parents for f in model.parentage(vectors)]
    (nothing,) = model.parentage(np.zeros((1, sum(WIDTHS)), np.float32))
    assert np.isfinite(nothing.probability)
    assert model.parentage(np.empty((0, sum(WIDTHS)), np.float32)) == ()


def test_a_subspecies_of_one_image_is_believed_less():
    brood = Brood(seed=3, apart=1.0)
    vectors = np.vstack([brood.pure("ada", 40), brood.pure("bea", 40), brood.pure("cleo", 1)])
    model = fit_parent_model(vectors, ["ada"] * 40 + ["bea"] * 40 + ["cleo"], COLUMNS)
    assert model is not None
    assert model.counts.tolist() == [40, 40, 1]
    assert len(model.parentage(brood.pure("cleo", 2))) == 2


def test_it_is_read_as_it_was_written(brood, model, tmp_path):
    model.write(tmp_path / "p.npz")
    again = read_parents(tmp_path / "p.npz", sum(WIDTHS))
    assert again is not None
    vectors = brood.cross("ada", "bea", (0.5,) * 3, 4)
    assert again.parentage(vectors) == model.parentage(vectors)
    assert read_parents(tmp_path / "absent.npz", 3) is None
    with pytest.raises(RunError, match="not of embeddings of 5 values"):
        read_parents(tmp_path / "p.npz", 5)
    header, arrays = read_arrays(tmp_path / "p.npz", "parents")
    for lost in ("counts", "means_1"):
        write_arrays(tmp_path / "q.npz", "parents", header, {name: a for name, a in arrays.items() if name != lost})
        with pytest.raises(RunError, match="does not hold what it should"):
            read_parents(tmp_path / "q.npz", sum(WIDTHS))
    write_arrays(tmp_path / "r.npz", "parents", {**header, "names": ["ada"]}, arrays)
    with pytest.raises(RunError, match="not of embeddings"):
        read_parents(tmp_path / "r.npz", sum(WIDTHS))


def test_where_nothing_can_be_said_there_is_no_model():
    vectors = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    assert fit_parent_model(vectors, ["ada"] * 5 + [None]) is None
    assert fit_parent_model(vectors[:2], ["ada", "bea"]) is None
    assert fit_parent_model(np.ones((6, 4), np.float32), ["ada", "bea"] * 3) is None


def test_columns_that_belong_to_no_trait_change_nothing(brood):
    vectors = np.vstack([brood.pure(name, 30) for name in NAMES])
    names = [name for name in NAMES for _ in range(30)]
    beside = np.hstack([np.full((len(vectors), 5), np.nan, np.float32), vectors])
    wider = fit_parent_model(beside, names, [slice(one.start + 5, one.stop + 5) for one in COLUMNS])
    alone = fit_parent_model(vectors, names, COLUMNS)
    assert wider is not None
    assert alone is not None
    assert wider.parentage(beside) == alone.parentage(vectors)


def test_the_traits_of_the_pattern_backbone_add_up():
    assert sum(TRAITS) == DIMENSION


def test_the_interval_of_an_index_that_may_be_none():
    sure = _mixed_interval(0.99, 0.5, 0.1)
    assert (sure.low, sure.high) == (0, 0)
    open_ = _mixed_interval(0.5, 0.5, 0.1)
    assert open_.low == 0
    assert 0.5 < open_.high < 0.8
    two = _mixed_interval(0.0, 0.5, 0.1)
    assert (two.low, two.high) == pytest.approx((0.304, 0.696), abs=1e-3)


def test_the_projection_keeps_the_mahalanobis_distances_of_the_detectors_model(brood):
    vectors = np.vstack([brood.pure(name, 30) for name in NAMES])
    names = [name for name in NAMES for _ in range(30)]
    model = fit_parent_model(vectors, names, COLUMNS)
    detector = MahalanobisDetector(WIDTHS).fit(
        np.vstack([vectors, brood.cross("ada", "bea", (0.5,) * 3, 1)]),
        [0] * len(names) + [1],
        subspecies=[*names, None],
    )
    starts = np.cumsum([0, *WIDTHS])
    for number, trait in enumerate(model.traits):
        white = detector.arrays_["means"][:, starts[number] : starts[number + 1]]
        for one, other in itertools.combinations(range(len(NAMES)), 2):
            apart = np.linalg.norm(trait.means[one] - trait.means[other])
            assert apart == pytest.approx(np.linalg.norm(white[one] - white[other]), rel=1e-5)


def test_within_subspecies_the_projection_has_unit_variance(model):
    brood = Brood()
    for trait in model.traits:
        variances = [trait.project(brood.pure(name, 300).astype(np.float64)).var(axis=0).mean() for name in NAMES]
        assert np.mean(variances) == pytest.approx(1, rel=0.25)


def test_a_trait_without_variance_is_left_out():
    rng = np.random.default_rng(0)
    names = ["ada", "bea"] * 20
    flat = np.repeat(np.float32([[1, 2, 3]]), 40, axis=0)
    vectors = np.hstack([flat, rng.normal(size=(40, 4)).astype(np.float32) + np.tile([[0], [3]], (20, 4))])
    model = fit_parent_model(vectors.astype(np.float32), names, (slice(0, 3), slice(3, 7)))
    assert [trait.start for trait in model.traits] == [3]
    assert fit_parent_model(flat, names) is None
