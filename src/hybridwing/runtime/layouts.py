"""Which arrays each form of saved detector holds, and what their values may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SOFTMAX = {"mean": "d", "scale": "d", "coef": "c d", "intercept": "c"}

LAYOUTS: Mapping[str, Mapping[str, str]] = {
    "svm": {"mean": "d", "scale": "d", "vectors": "m d", "weights": "m", "intercept": "", "gamma": ""},
    "sgd": {"coef": "e d", "intercept": "e", "slope": "e", "offset": "e"},
    "knn": {"vectors": "m d", "labels": "m", "n_neighbors": ""},
    "gaussian": {"vectors": "m d", "residual": "m", "whitener": "m m", "amplitude": "", "length_scale": ""},
    "soft-parents": {**_SOFTMAX, "crossed": "c"},
    "gap": {**_SOFTMAX, "crossed": "c"},
    "mahalanobis": {"starts": "b", "centre": "d", "whitener": "d w", "means": "p d", "counts": "p"},
    "ridge": {
        "starts": "b",
        "centre": "d",
        "scale": "d",
        "projection": "d q",
        "vectors": "m v",
        "rest": "m",
        "weights": "m c",
        "crossed": "c",
    },
    "linear": {"coef": "d", "intercept": ""},
}
"""Arrays and shapes of each form: ``d`` is ``n_features``, equal letters are equal lengths."""


SCORE_MAP_LAYOUT: Mapping[str, str] = {
    "map_knots": "k",
    "map_levels": "k",
    "map_scales": "2",
    "heldout_nonhybrid": "h",
    "fallback": "",
}
"""Arrays a calibrated detector has besides those of its form, which use other letters than these."""

_POSITIVE = frozenset({"scale", "gamma", "amplitude", "length_scale", "map_scales", "counts"})
_FRACTIONS = frozenset({"labels", "crossed", "map_levels", "heldout_nonhybrid", "fallback"})
_RISING = frozenset({"map_knots", "map_levels", "starts"})


def value_fault(name: str, array: NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int64]) -> str:
    """What is wrong with the values of an array of that name; empty when nothing is."""
    if not np.isfinite(array).all():
        return "holds NaN or infinite values"
    if name in _POSITIVE and not (array > 0).all():
        return "must be greater than 0"
    if name in _FRACTIONS and not ((array >= 0) & (array <= 1)).all():
        return "must be within [0, 1]"
    if name in _RISING and not (array[1:] > array[:-1]).all():
        return "must rise strictly"
    return ""


def form_fault(form: str, arrays: Mapping[str, NDArray[np.generic]]) -> str:
    """What is wrong between arrays of a form that have the right shapes each; empty when nothing is."""
    if form == "knn" and not 1 <= int(arrays["n_neighbors"]) <= len(arrays["vectors"]):
        return f"'n_neighbors' must be within 1 and the {len(arrays['vectors'])} vectors there are"
    if "starts" in arrays:
        ends = [*arrays["starts"].tolist()[1:], len(arrays["centre"])]
        widths = [end - start for start, end in zip(arrays["starts"].tolist(), ends, strict=True)]
        if arrays["starts"][0] != 0 or min(widths) < 1:
            return "'starts' does not divide the embedding into blocks"
        if form == "mahalanobis" and max(widths) > arrays["whitener"].shape[1]:
            return "the blocks of 'starts' do not fit 'whitener'"
        if form == "ridge" and arrays["vectors"].shape[1] != len(widths) * arrays["projection"].shape[1]:
            return "'vectors' does not fit the blocks of 'starts' and 'projection'"
    if form in ("gap", "soft-parents", "ridge") and np.asarray(arrays["crossed"]).all():
        return "'crossed' leaves no subspecies"
    return ""
