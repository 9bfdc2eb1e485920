"""Contributions add up to the score and point at what raised it; distances are told in quantiles."""

from __future__ import annotations

import numpy as np
import pytest

from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.detectors.fitting import fit_detector
from hybridwing.detectors.registry import make_detector
from hybridwing.explain.contributions import Contributions, contributions, groups_of
from hybridwing.explain.neighbours import NeighbourSearch
from hybridwing.runtime.pattern import DIMENSION
from hybridwing.runtime.scoring import calibrated_scores

GROUPS = groups_of(PatternBackbone().spec)
SHOWN = [n for n, group in enumerate(GROUPS) if group.name == "hindwing middle, colour"]


def specimens(rng: np.random.Generator, hybrids: int, others: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise; hybrids differ in the colours of the middle of the hindwing."""
    labels = np.repeat([1, 0], [hybrids, others]).astype(np.int8)
    vectors = rng.normal(0.3, 0.05, (len(labels), DIMENSION)).astype(np.float32)
    columns = np.concatenate([GROUPS[n].columns for n in SHOWN])
    vectors[np.ix_(labels == 1, columns)] += 0.3
    return vectors, labels


def fitted(rng: np.random.Generator, *, shuffled: bool = False):
    vectors, labels = specimens(rng, 25, 60)
    if shuffled:
        labels = rng.permutation(labels)
    half = rng.permutation(len(labels)) % 2 == 0
    detector = make_detector("svm")
    saved = fit_detector(detector, vectors[half], labels[half], vectors[~half], labels[~half])
    return saved, vectors[labels == 0][:8]


def explained(saved, vector, base) -> Contributions:
    low, high, values = contributions(saved, vector, base, GROUPS)
    return Contributions(low, "", high, GROUPS, values)


def test_every_column_is_in_one_group():
    columns = np.concatenate([group.columns for group in GROUPS])
    assert sorted(columns) == list(range(DIMENSION))


def test_they_add_up_point_at_the_cause_and_removing_them_lowers_the_score():
    rng = np.random.default_rng(0)
    saved, base = fitted(rng)
    new, _ = specimens(rng, 12, 0)
    lowered, pointed = [], []
    for vector in new:
        made = explained(saved, vector, base)
        assert made.score == pytest.approx(calibrated_scores(saved, vector[None])[0])
        assert made.base == pytest.approx(calibrated_scores(saved, base).mean())
        assert abs(made.values.sum() - (made.score - made.base)) < 1e-6
        assert made.map.sum() == pytest.approx(
            sum(v for g, v in zip(GROUPS, made.values, strict=True) if g.places.any())
        )
        pointed.append(int(made.values.argmax()) in SHOWN)
        scores = []
        for taken in (np.argsort(-made.values)[:10], rng.choice(len(GROUPS), 10, replace=False)):
            less = vector.copy()
            for number in taken:
                less[GROUPS[number].columns] = base[0, GROUPS[number].columns]
            scores.append(calibrated_scores(saved, less[None])[0])
        lowered.append(scores[0] < scores[1])
        assert next(iter(made.by_name())) == "hindwing middle, colour"
    assert np.mean(pointed) >= 0.7
    assert np.mean(lowered) >= 0.9


def test_a_model_of_shuffled_labels_gives_another_map():
    rng = np.random.default_rng(1)
    new, _ = specimens(rng, 6, 0)
    (saved, base), (wrong, other_base) = fitted(rng), fitted(rng, shuffled=True)
    alike = [
        np.corrcoef(explained(saved, one, base).map.ravel(), explained(wrong, one, other_base).map.ravel())[0, 1]
        for one in new
    ]
    assert abs(np.mean(alike)) < 0.3


def test_neighbours_are_the_nearest_of_a_class_and_never_the_image_itself():
    vectors = np.array([[0.0], [1.0], [2.0], [3.5], [10.0], [11.0]])
    search = NeighbourSearch(
        vectors, list("abcdef"), ["one"] * 4 + ["one x two"] * 2, [False] * 4 + [True] * 2, np.array([0.5])
    )
    near = search.nearest(vectors[0], "one")
    assert near is not None
    assert near.uuids == ("b", "c", "d")
    assert near.distances == (2.0, 4.0, 7.0)
    assert near.quantile == 0.0  # as near as the nearest of them
    far = search.nearest(np.array([9.0]), "one")
    assert far is not None
    assert (far.uuids, far.quantile) == (("d", "c", "b"), 1.0)
    hybrids = search.nearest_hybrids(np.array([9.0]))
    assert hybrids is not None
    assert (hybrids.name, hybrids.uuids, hybrids.quantile) == ("one x two", ("e", "f"), None)
    assert search.nearest(vectors[0], "three") is None
