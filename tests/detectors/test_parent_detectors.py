"""Detectors that reason about parents find crosses nobody has shown them, and cope with what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from hybridwing.detectors.base import DetectorInputError, Metadata
from hybridwing.detectors.groups import group
from hybridwing.detectors.parent_model import parent_arrays, shrunk_whitener
from hybridwing.detectors.registry import detector_for_run, detector_names, make_detector
from hybridwing.runtime.parents import block_distances, predictive, unit_blocks, whitened

BLOCKS = (4, 4, 4)
NAMES = tuple("abcde")


@dataclass(frozen=True)
class Zoo:
    """Five subspecies and one known cross, a x b; and test specimens with crosses of the others."""

    X: np.ndarray
    y: np.ndarray
    subspecies: list[str | None]
    parents: list[tuple[str, str] | None]
    pure: np.ndarray
    swapped: np.ndarray
    blended: np.ndarray


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    rng = np.random.default_rng(3)
    means = 4 + rng.normal(size=(5, 12)) * 2

    def animals(centre: np.ndarray, n: int) -> np.ndarray:
        return centre + 0.4 * rng.normal(size=(n, 12))

    X = np.concatenate([animals(mean, 60) for mean in means] + [animals((means[0] + means[1]) / 2, 20)])
    y = np.repeat([0, 1], [300, 20])
    swapped = [np.concatenate([means[i][:4], means[j][4:]]) for i in range(2, 5) for j in range(2, 5) if i != j]
    blended = [(means[i] + means[j]) / 2 for i in range(2, 5) for j in range(i)]
    return Zoo(
        X,
        y,
        [NAMES[row // 60] if row < 300 else None for row in range(320)],
        [("a", "b") if label else None for label in y],
        np.concatenate([animals(mean, 40) for mean in means]),
        np.concatenate([animals(centre, 10) for centre in swapped]),
        np.concatenate([animals(centre, 10) for centre in blended]),
    )


@pytest.mark.parametrize(("name", "share"), [("mahalanobis", 0.9), ("ridge", 0.7)])
def test_unseen_crosses_are_found(zoo: Zoo, name: str, share: float) -> None:
    fitted = detector_for_run(name, seed=0, blocks=BLOCKS)
    fitted.fit(zoo.X, zoo.y, subspecies=zoo.subspecies, parents=zoo.parents)
    limit = np.quantile(fitted.decision_function(zoo.pure), 0.95)
    assert (fitted.decision_function(zoo.swapped) > limit).mean() > share
    assert (fitted.decision_function(zoo.blended) > limit).mean() > share


def test_the_sample_does_not_find_them(zoo: Zoo) -> None:
    fitted = make_detector("svm").fit(zoo.X, zoo.y)
    limit = np.quantile(fitted.decision_function(zoo.pure), 0.95)
    assert (fitted.decision_function(zoo.swapped) > limit).mean() < 0.6


@pytest.mark.parametrize("name", ["gap", "soft-parents"])
def test_known_and_unclear_specimens_score_high(zoo: Zoo, name: str) -> None:
    fitted = make_detector(name).fit(zoo.X, zoo.y, subspecies=zoo.subspecies, parents=zoo.parents)
    scores = fitted.decision_function(zoo.X)
    assert ((scores >= 0) & (scores <= 1 + 1e-9)).all()
    assert scores[zoo.y == 1].mean() > scores[zoo.y == 0].mean() + 0.2


@pytest.mark.parametrize("name", detector_names()[4:])
def test_classes_of_one_and_parents_without_specimens(zoo: Zoo, name: str) -> None:
    X = np.concatenate([zoo.X, zoo.pure[:1] + 9])
    subspecies = [*zoo.subspecies, "one of its kind"]
    parents = [("nobody", "b") if label else None for label in zoo.y] + [None]
    y = np.append(zoo.y, 0)
    fitted = detector_for_run(name, seed=0, blocks=BLOCKS)
    fitted.fit(X, y, subspecies=subspecies, parents=parents)
    assert np.isfinite(fitted.decision_function(zoo.pure)).all()


def test_a_class_of_one_draws_no_others_to_it(zoo: Zoo) -> None:
    """The predictive density makes up for a mean that fits its one specimen perfectly."""
    X = np.concatenate([zoo.X, zoo.X[:1]])
    groups = group(np.append(zoo.y, 0), Metadata([*zoo.subspecies, "single"], [*zoo.parents, None]))
    arrays = parent_arrays(X, groups, np.array([0]))
    slices = [slice(0, 12)]
    white = whitened(unit_blocks(zoo.X[1:60], slices), arrays["centre"], arrays["whitener"].astype(float), slices)
    distances = block_distances(white, arrays["means"], slices).sum(axis=2)
    fits = predictive(distances, 1 / arrays["counts"], 12)
    single = groups.subspecies.index("single")
    assert (np.argmin(fits, axis=1) == single).mean() < 0.1


def test_whitening_gives_unit_variance_and_no_variance_does_no_harm() -> None:
    rng = np.random.default_rng(1)
    residuals = rng.normal(size=(5000, 4)) @ rng.normal(size=(4, 4))
    square = shrunk_whitener(residuals, [slice(0, 4)], 4999)
    np.testing.assert_allclose(np.cov(residuals @ square, rowvar=False), np.eye(4), atol=0.15)
    np.testing.assert_array_equal(shrunk_whitener(np.zeros((0, 3)), [slice(0, 3)], 1), np.eye(3))


@pytest.mark.parametrize("name", ["soft-parents", "gap"])
def test_strength_of_regularisation_out_of_range(zoo: Zoo, name: str) -> None:
    with pytest.raises(DetectorInputError, match="C must be greater than 0"):
        make_detector(name).set_params(C=0.0).fit(zoo.X, zoo.y)
