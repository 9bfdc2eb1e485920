"""Which arrays each form of saved detector holds, and what their values may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FUSED: Mapping[str, str] = {
    "svm": "svm",
    "block-discriminant": "linear",
    "synthetic-hybrids": "svm",
    "parent-mixture": "parent-mixture",
    "mahalanobis": "mahalanobis",
}
"""The base detectors that ``fusion`` adds up, in the order of its weights, and the form of each."""

_PARENTS = {"starts": "b", "centre": "d", "whitener": "d w", "means": "p d", "counts": "p"}
_SVM = {"mean": "d", "scale": "d", "vectors": "m d", "weights": "m", "intercept": "", "gamma": ""}
_SOFTMAX = {"mean": "d", "scale": "d", "coef": "c d", "intercept": "c"}

_SINGLE: Mapping[str, Mapping[str, str]] = {
    "svm": _SVM,
    "sgd": {"coef": "e d", "intercept": "e", "slope": "e", "offset": "e"},
    "knn": {"vectors": "m d", "labels": "m", "n_neighbors": ""},
    "gaussian": {"vectors": "m d", "residual": "m", "whitener": "m m", "amplitude": "", "length_scale": ""},
    "soft-parents": {**_SOFTMAX, "crossed": "c"},
    "gap": {**_SOFTMAX, "crossed": "c"},
    "mahalanobis": _PARENTS,
    "relative-mahalanobis": {**_PARENTS, "rest_mean": "d", "rest_whitener": "d w"},
    "parent-mixture": {**_PARENTS, "crossed": "p"},
    "linear": {"coef": "d", "intercept": ""},
}


def array_prefix(kind: str) -> str:
    """What the arrays of one base detector of ``fusion`` have before their names, e.g. ``"parent_mixture__"``."""
    return f"{kind.replace('-', '_')}__"


def own_arrays(kind: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of one base detector of ``fusion``, under the names they have by themselves."""
    prefix = array_prefix(kind)
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _fused() -> dict[str, str]:
    layout = {"fusion_weights": "f", "fusion_centres": "f", "fusion_scales": "f"}
    for kind, form in FUSED.items():
        prefix = array_prefix(kind)
        for name, letters in _SINGLE[form].items():
            # "d" is one length for all base detectors, any other letter a length of one of them.
            own = (letter if letter == "d" else prefix + letter for letter in letters.split())
            layout[prefix + name] = " ".join(own)
    return layout


LAYOUTS: Mapping[str, Mapping[str, str]] = {**_SINGLE, "fusion": _fused()}
"""Arrays and shapes of each form: ``d`` is ``n_features``, equal letters are equal lengths."""


def layout_of(form: str, arrays: Mapping[str, Any]) -> dict[str, str]:
    """Arrays and shapes that a saved detector must have.

    They are those of :data:`LAYOUTS`, but a base detector of ``fusion`` whose weight is 0 may be left out.
    """
    layout = dict(LAYOUTS[form])
    weights = np.asarray(arrays.get("fusion_weights", ()))
    if form == "fusion" and weights.shape == (len(FUSED),):
        for kind, weight in zip(FUSED, weights, strict=True):
            if not weight and not own_arrays(kind, arrays):
                layout = {name: shape for name, shape in layout.items() if not name.startswith(array_prefix(kind))}
    return layout


SCORE_MAP_LAYOUT: Mapping[str, str] = {
    "map_knots": "k",
    "map_levels": "k",
    "map_scales": "2",
    "heldout_nonhybrid": "h",
    "fallback": "",
}
"""Arrays a calibrated detector has besides those of its form, which use other letters than these."""

_POSITIVE = frozenset({"scale", "gamma", "amplitude", "length_scale", "map_scales", "counts", "fusion_scales"})
_FRACTIONS = frozenset({"labels", "crossed", "map_levels", "heldout_nonhybrid", "fallback"})
_RISING = frozenset({"map_knots", "map_levels", "starts"})


def value_fault(name: str, array: NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int64]) -> str:
    """What is wrong with the values of an array of that name; empty when nothing is."""
    plain = name.rpartition("__")[2]
    if not np.isfinite(array).all():
        return "holds NaN or infinite values"
    if plain in _POSITIVE and not (array > 0).all():
        return "must be greater than 0"
    if plain in _FRACTIONS and not ((array >= 0) & (array <= 1)).all():
        return "must be within [0, 1]"
    if plain in _RISING and not (array[1:] > array[:-1]).all():
        return "must rise strictly"
    return ""


def form_fault(form: str, arrays: Mapping[str, NDArray[np.generic]]) -> str:
    """What is wrong between arrays of a form that have the right shapes each; empty when nothing is."""
    if form == "fusion":
        if len(arrays["fusion_weights"]) != len(FUSED):
            return f"'fusion_weights' must have one entry for each of {', '.join(FUSED)}"
        for kind, own in FUSED.items():
            single = own_arrays(kind, arrays)
            if single and (fault := form_fault(own, single)):
                return f"{kind}: {fault}"
    if form == "knn" and not 1 <= int(arrays["n_neighbors"]) <= len(arrays["vectors"]):
        return f"'n_neighbors' must be within 1 and the {len(arrays['vectors'])} vectors there are"
    if "starts" in arrays:
        ends = [*arrays["starts"].tolist()[1:], len(arrays["centre"])]
        widths = [end - start for start, end in zip(arrays["starts"].tolist(), ends, strict=True)]
        if arrays["starts"][0] != 0 or min(widths) < 1 or max(widths) > arrays["whitener"].shape[1]:
            return "'starts' does not divide the embedding into blocks that fit 'whitener'"
    if form == "parent-mixture":
        crossed = np.asarray(arrays["crossed"])
        if crossed.all() or (not crossed.any() and len(crossed) == 1):
            return "'crossed' leaves no parent, or no cross to compare it with"
    if form in ("gap", "soft-parents") and np.asarray(arrays["crossed"]).all():
        return "'crossed' leaves no subspecies"
    return ""
