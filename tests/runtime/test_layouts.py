"""Saved detectors of the kinds that have blocks and base detectors: what does not fit together is refused."""

from __future__ import annotations

import numpy as np
import pytest

from hybridwing.runtime.layouts import form_fault, value_fault


def parents(**changes: object) -> dict[str, np.ndarray]:
    arrays = {"starts": [0, 2], "centre": [0.0] * 5, "whitener": np.eye(5, 3), "crossed": [0, 0, 1], **changes}
    return {name: np.asarray(value) for name, value in arrays.items()}


def test_sound_ones() -> None:
    assert form_fault("parent-mixture", parents()) == ""
    assert form_fault("gap", {"crossed": np.array([0, 1])}) == ""


@pytest.mark.parametrize("starts", [[1, 2], [0, 1], [0, 5], [0, 7]])
def test_blocks_that_do_not_divide(starts: list[int]) -> None:
    assert "does not divide" in form_fault("relative-mahalanobis", parents(starts=starts))


@pytest.mark.parametrize("crossed", [[1, 1], [0]])
def test_nothing_to_compare(crossed: list[int]) -> None:
    assert "'crossed' leaves no parent" in form_fault("parent-mixture", parents(crossed=crossed))


def test_no_subspecies() -> None:
    assert "leaves no subspecies" in form_fault("gap", {"crossed": np.array([1, 1])})


def test_heads_are_checked_as_they_are_alone() -> None:
    arrays = {f"parent_mixture__{name}": array for name, array in parents(starts=[1, 2]).items()}
    assert "parent-mixture: 'starts'" in form_fault("fusion", {"fusion_weights": np.ones(5), **arrays})
    assert "one entry for each" in form_fault("fusion", {"fusion_weights": np.ones(2), **arrays})


@pytest.mark.parametrize(
    ("name", "values", "fault"),
    [
        ("svm__scale", [1.0, 0.0], "must be greater than 0"),
        ("parent_mixture__counts", [0], "must be greater than 0"),
        ("parent_mixture__crossed", [2], "must be within"),
        ("relative_mahalanobis__starts", [0, 0], "must rise strictly"),
        ("svm__mean", [np.nan], "NaN"),
        ("svm__mean", [-1.0], ""),
    ],
)
def test_values_by_the_name_behind_the_prefix(name: str, values: list[float], fault: str) -> None:
    found = value_fault(name, np.array(values))
    assert fault in found
    assert bool(found) == bool(fault)
