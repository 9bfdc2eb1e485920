"""The default detector: memberships of subspecies and hybrids by kernel ridge regression."""

from __future__ import annotations

import numpy as np
import pytest

from hybridwing.detectors.base import DetectorInputError
from hybridwing.detectors.ridge import BETWEEN, RidgeDetector
from hybridwing.runtime.arrays import load_arrays, save_arrays
from hybridwing.runtime.ridge import kernel, projected
from hybridwing.runtime.scoring import raw_scores

MEANS = np.array([[6.0, 0, 0, 0, 0], [0, 6, 0, 0, 0], [0, 0, 6, 0, 0]])


def specimens(n: int = 120, hybrids: bool = True) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
    """Three subspecies, and known hybrids of the first two."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4 if hybrids else 3, n)
    centres = np.vstack([MEANS, (MEANS[0] + MEANS[1]) / 2])
    X = centres[kind] + rng.normal(scale=0.5, size=(n, 5))
    return X, (kind == 3).astype(np.int64), [None if place == 3 else "abc"[place] for place in kind]


def squared(X: np.ndarray) -> np.ndarray:
    """Squared distances between all, in units of the mean squared distance from the mean."""
    apart = X - X.mean(axis=0)
    return np.square(apart[:, None] - apart[None]).sum(axis=2) / np.square(apart).sum(axis=1).mean()


def test_the_kernel_is_gaussian_and_blocks_count_alike() -> None:
    X, y, subspecies = specimens()
    X[:, 2:] *= 50
    arrays = RidgeDetector((2, 3)).fit(X, y, subspecies=subspecies).arrays_
    expected = np.exp(-(squared(X[:, :2]) + squared(X[:, 2:])) / 4)
    np.testing.assert_allclose(kernel(arrays, *projected(arrays, X)), expected, atol=1e-5)


def test_what_the_components_leave_out_still_counts() -> None:
    X, y, subspecies = specimens()
    arrays = RidgeDetector(n_components=2).fit(X, y, subspecies=subspecies).arrays_
    vectors, rest = projected(arrays, X)
    apart = X - X.mean(axis=0)
    lengths = np.square(apart).sum(axis=1) / np.square(apart).sum(axis=1).mean()
    assert vectors.shape == (120, 2)
    np.testing.assert_allclose(np.square(vectors).sum(axis=1) + rest, lengths, atol=1e-6)
    least = np.linalg.svd(apart)[2][-1]
    assert kernel(arrays, *projected(arrays, X[:1] + 50 * least)).max() < 1e-9


def test_scores_of_the_left_out_are_those_of_a_regression_without_them() -> None:
    X, y, subspecies = specimens()
    detector = RidgeDetector().fit(X, y, subspecies=subspecies)
    arrays = detector.arrays_
    similar = kernel(arrays, *projected(arrays, X))
    codes = np.column_stack([np.array(subspecies) == name for name in "abc"] + [y == 1]).astype(float)
    for row in (0, 50, 119):
        others = np.delete(np.arange(120), row)
        coef = np.linalg.solve(similar[np.ix_(others, others)] + 0.2 * np.eye(119), codes[others])
        memberships = similar[row, others] @ coef
        expected = memberships[3] - 0.8 * memberships[:3].max()
        assert detector.left_out_scores_[row] == pytest.approx(expected, abs=1e-5)
    assert detector.threshold_ == np.quantile(detector.left_out_scores_[y == 0], 0.95)


def test_the_unlike_lie_between_non_hybrids_and_known_hybrids() -> None:
    X, y, subspecies = specimens()
    detector = RidgeDetector().fit(X, y, subspecies=subspecies)
    pure, known, unlike = detector.decision_function([MEANS[0], (MEANS[0] + MEANS[1]) / 2, np.full(5, 90.0)])
    assert unlike == pytest.approx(0, abs=1e-9)
    assert pure < -0.5 < 0.5 < known


@pytest.mark.parametrize("n_subspecies", [3, 1])
def test_without_known_hybrids_the_unlike_are_found(n_subspecies: int, tmp_path) -> None:
    X, y, subspecies = specimens(hybrids=False)
    names = subspecies if n_subspecies == 3 else None
    X = X if n_subspecies == 3 else X - np.array([MEANS["abc".index(str(name))] for name in subspecies])
    detector = RidgeDetector((2, 3)).fit(X, y, subspecies=names)
    assert detector.classes_.tolist() == [0, 1]
    asked = np.vstack([X, [(MEANS[1] + MEANS[2]) / 2], np.full((1, 5), 9.0)])
    scores = detector.decision_function(asked)
    assert (scores[-2:] > np.quantile(scores[:-2], 0.98)).all()
    save_arrays(tmp_path / "ridge.npz", detector.to_saved())
    np.testing.assert_allclose(raw_scores(load_arrays(tmp_path / "ridge.npz"), asked), scores, atol=1e-6)


def test_directions_that_vary_little_count_more_without_known_hybrids() -> None:
    rng = np.random.default_rng(1)
    spread = np.array([1.0, 1.0, 0.1])
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    X = rng.normal(size=(400, 3)) * spread @ turn
    detector = RidgeDetector().fit(X, np.zeros(400))
    broad, narrow = detector.decision_function(np.array([[1.0, 0, 0], [0, 0, 1.0]]) @ turn)
    assert narrow > broad + 0.3


def test_directions_in_which_subspecies_differ_count_more_without_known_hybrids() -> None:
    rng = np.random.default_rng(2)
    kind = rng.integers(0, 2, 1000)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    ends = np.array([[2.0, 0, 0, 0, 0], [-2.0, 0, 0, 0, 0]])
    X = (ends[kind] + rng.normal(size=(1000, 5))) @ turn
    arrays = RidgeDetector().fit(X, np.zeros(1000), subspecies=["ab"[place] for place in kind]).arrays_
    between, *others = np.square(turn @ arrays["projection"]).sum(axis=1)
    assert between / np.array(others) == pytest.approx(np.full(4, BETWEEN), rel=0.15)


@pytest.mark.parametrize(("params", "message"), [({"alpha": 0}, "alpha must"), ({"n_components": 0}, "n_components")])
def test_parameters_out_of_range(params: dict[str, float], message: str) -> None:
    X, y, _ = specimens()
    with pytest.raises(DetectorInputError, match=message):
        RidgeDetector(**params).fit(X, y)
