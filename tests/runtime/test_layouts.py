"""Arrays of a saved detector that do not fit each other are refused."""

from __future__ import annotations

import numpy as np
import pytest

from hybridwing.runtime.layouts import form_fault, value_fault


def divided(**changes: object) -> dict[str, np.ndarray]:
    """Two blocks, of two and of three columns."""
    arrays = {
        "starts": [0, 2],
        "centre": [0.0] * 5,
        "whitener": np.eye(5, 3),
        "projection": np.eye(5, 3),
        "vectors": np.zeros((4, 6)),
        "crossed": [0, 0, 1],
        **changes,
    }
    return {name: np.asarray(value) for name, value in arrays.items()}


@pytest.mark.parametrize("form", ["mahalanobis", "ridge"])
def test_sound_ones(form: str) -> None:
    assert form_fault(form, divided()) == ""
    assert form_fault("gap", {"crossed": np.array([0, 1])}) == ""


@pytest.mark.parametrize("form", ["mahalanobis", "ridge"])
@pytest.mark.parametrize("starts", [[1, 2], [0, 5], [0, 7]])
def test_blocks_that_do_not_divide(form: str, starts: list[int]) -> None:
    assert "does not divide" in form_fault(form, divided(starts=starts))


def test_blocks_that_other_arrays_do_not_fit() -> None:
    assert "do not fit 'whitener'" in form_fault("mahalanobis", divided(starts=[0, 1]))
    assert "does not fit the blocks" in form_fault("ridge", divided(starts=[0]))


@pytest.mark.parametrize("form", ["gap", "ridge"])
def test_no_subspecies(form: str) -> None:
    assert "leaves no subspecies" in form_fault(form, divided(crossed=[1, 1]))


@pytest.mark.parametrize(
    ("name", "values", "fault"),
    [
        ("scale", [1.0, 0.0], "must be greater than 0"),
        ("counts", [0], "must be greater than 0"),
        ("crossed", [2], "must be within"),
        ("starts", [0, 0], "must rise strictly"),
        ("mean", [np.nan], "NaN"),
        ("mean", [-1.0], ""),
    ],
)
def test_values_by_name(name: str, values: list[float], fault: str) -> None:
    found = value_fault(name, np.array(values))
    assert fault in found
    assert bool(found) == bool(fault)
