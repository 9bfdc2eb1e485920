"""Made crosses lie between the groups they are made of, and keep what is a specimen's own."""

from __future__ import annotations

import numpy as np

from hybridwing.detectors.base import Metadata
from hybridwing.detectors.groups import group
from hybridwing.detectors.synthetic_crosses import shifted_crosses

SLICES = [slice(0, 2), slice(2, 3)]


def test_pairs_and_known_crosses_take_turns() -> None:
    X = np.array([[0.0, 0.0, 0.0], [8.0, 8.0, 8.0], [100.0, 100.0, 100.0]])
    groups = group(np.array([0, 0, 1]), Metadata(["a", "b", None], [None, None, ("a", "b")]))
    made = shifted_crosses(X, groups, SLICES, 200, seed=1)
    assert made.shape == (200, 3)
    known, pairs = made[::2], made[1::2]
    # Half of the way from either parent to the cross, or more.
    assert (known >= 50).all()
    assert (known <= 100).all()
    assert set(np.unique(pairs)) <= {0.0, 2.0, 4.0, 6.0, 8.0}
    assert not (np.ptp(pairs, axis=1) == 0)[np.isin(pairs[:, 0], (0.0, 8.0))].any()
    assert (np.ptp(pairs, axis=1) > 0).any()
    np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1])


def test_a_specimen_keeps_its_own() -> None:
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(50, 3)), 10 + rng.normal(size=(50, 3))])
    y = np.zeros(100, dtype=np.int64)
    y[-1] = 1
    groups = group(y, Metadata(["a"] * 50 + ["b"] * 50, None))
    made = shifted_crosses(X, groups, [slice(0, 3)], 400, seed=2)
    assert 4 < made.mean() < 6
    mid = made[np.abs(made - 5).max(axis=1) < 2.4]
    assert mid.std() > 0.5


def test_nothing_to_cross() -> None:
    groups = group(np.array([0, 0, 1]), Metadata())
    assert shifted_crosses(np.ones((3, 3)), groups, SLICES, 10, seed=0).shape == (0, 3)


def test_one_subspecies_and_a_cross_of_it() -> None:
    X = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [8.0, 8.0, 8.0]])
    groups = group(np.array([0, 0, 1]), Metadata(["a", "a", None], [None, None, ("a", "gone")]))
    made = shifted_crosses(X, groups, SLICES, 20, seed=0)
    assert (made >= 4).all()
    assert (made <= 8).all()


def test_the_seed_decides() -> None:
    X = np.random.default_rng(0).normal(size=(9, 3))
    groups = group(np.array([0] * 8 + [1]), Metadata([*"aabbccdd", None], None))
    first = shifted_crosses(X, groups, SLICES, 12, seed=4)
    np.testing.assert_array_equal(first, shifted_crosses(X, groups, SLICES, 12, seed=4))
    assert not np.array_equal(first, shifted_crosses(X, groups, SLICES, 12, seed=5))
