"""Wing outlines and veins of the two species, in wing coordinates.

Wing coordinates are those of a right wing of a set specimen: the base at the origin, x away from the body, y
towards the head; the unit is the length of the forewing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Points = npt.NDArray[np.float64]
    Line = tuple[tuple[float, float], ...]


def curve(points: tuple[tuple[float, float], ...] | Points, *, closed: bool, per_span: int = 8) -> Points:
    """Catmull-Rom spline through at least two control points of shape (n, 2).

    `per_span` points for each span, shape (m, 2).
    """
    p = np.asarray(points, dtype=np.float64)
    p = np.vstack([p[-1:], p, p[:2]] if closed else [2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = (np.arange(per_span) / per_span)[None, :, None]
    a, b, c, d = (p[i : len(p) - 3 + i, None, :] for i in range(4))
    spans = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    dense = spans.reshape(-1, 2)
    return dense if closed else np.vstack([dense, p[-2]])


@dataclass(frozen=True)
class Wing:
    """One wing."""

    outline: Points  # shape (n, 2), closed
    veins: tuple[Points, ...]  # each of shape (m, 2), open
    # Shape (k, 2, 2): where every space between neighbouring veins, from front to hind, begins and meets the margin.
    spaces: Points


@dataclass(frozen=True)
class Anatomy:
    """Both wings of one side of one species."""

    fore: Wing
    hind: Wing


_FORE_OUTLINE = (
    (0.0, 0.022), (0.06, 0.05), (0.16, 0.092), (0.30, 0.145), (0.48, 0.208), (0.66, 0.262), (0.80, 0.292),
    (0.90, 0.297), (0.965, 0.277), (0.997, 0.232), (0.995, 0.175), (0.968, 0.108), (0.925, 0.035),
    (0.878, -0.035), (0.828, -0.105), (0.775, -0.168), (0.715, -0.213), (0.64, -0.23), (0.54, -0.217),
    (0.42, -0.18), (0.30, -0.135), (0.18, -0.086), (0.08, -0.043), (0.0, -0.02),
)  # fmt: skip
_FORE_CELL = (
    ((0.0, 0.005), (0.12, 0.055), (0.27, 0.098), (0.42, 0.128), (0.485, 0.135)),
    ((0.0, -0.002), (0.12, 0.01), (0.27, 0.006), (0.39, -0.015), (0.44, -0.02)),
    ((0.485, 0.135), (0.492, 0.085), (0.472, 0.03), (0.44, -0.02)),
)
_FORE_BRANCHES = (
    ((0.36, 0.117), (0.52, 0.185), (0.68, 0.255)),
    ((0.45, 0.132), (0.62, 0.20), (0.80, 0.28)),
    ((0.485, 0.135), (0.70, 0.205), (0.90, 0.27), (0.965, 0.272)),
    ((0.485, 0.135), (0.70, 0.19), (0.90, 0.222), (0.99, 0.20)),
    ((0.49, 0.10), (0.70, 0.125), (0.88, 0.125), (0.968, 0.108)),
    ((0.485, 0.06), (0.66, 0.055), (0.82, 0.04), (0.92, 0.025)),
    ((0.455, 0.0), (0.62, -0.022), (0.76, -0.05), (0.868, -0.05)),
    ((0.425, -0.02), (0.58, -0.072), (0.70, -0.11), (0.805, -0.135)),
    ((0.29, 0.003), (0.45, -0.082), (0.60, -0.15), (0.725, -0.207)),
    ((0.0, -0.01), (0.20, -0.06), (0.42, -0.145), (0.60, -0.205)),
)
_HIND_OUTLINE = (
    (0.0, 0.04), (0.05, 0.092), (0.15, 0.122), (0.27, 0.126), (0.40, 0.105), (0.52, 0.062), (0.61, 0.0),
    (0.662, -0.075), (0.672, -0.16), (0.645, -0.245), (0.59, -0.32), (0.515, -0.378), (0.43, -0.415),
    (0.335, -0.43), (0.245, -0.415), (0.17, -0.36), (0.115, -0.28), (0.07, -0.19), (0.03, -0.10),
    (0.0, -0.04),
)  # fmt: skip
_HIND_CELL = (
    ((0.0, 0.0), (0.10, 0.025), (0.22, 0.015), (0.325, -0.04)),
    ((0.0, -0.005), (0.08, -0.055), (0.18, -0.115), (0.275, -0.14)),
    ((0.325, -0.04), (0.335, -0.085), (0.315, -0.12), (0.275, -0.14)),
)
_HIND_BRANCHES = (
    ((0.06, 0.022), (0.22, 0.065), (0.42, 0.06), (0.56, 0.035)),
    ((0.20, 0.02), (0.38, 0.01), (0.53, -0.02), (0.63, -0.03)),
    ((0.325, -0.04), (0.46, -0.065), (0.58, -0.095), (0.672, -0.12)),
    ((0.335, -0.085), (0.46, -0.125), (0.57, -0.17), (0.652, -0.215)),
    ((0.315, -0.12), (0.42, -0.19), (0.52, -0.25), (0.597, -0.305)),
    ((0.275, -0.14), (0.36, -0.23), (0.44, -0.31), (0.505, -0.375)),
    ((0.19, -0.118), (0.26, -0.22), (0.33, -0.33), (0.39, -0.425)),
    ((0.01, -0.02), (0.10, -0.14), (0.18, -0.27), (0.27, -0.42)),
    ((0.01, -0.03), (0.06, -0.12), (0.11, -0.21), (0.15, -0.31)),
)


@lru_cache(maxsize=2)
def anatomy(species: str) -> Anatomy:
    """Wings of species ``"A"`` or ``"B"``.

    Those of B are broader, with a longer cell and a rounder hindwing, so that co-mimics share the pattern and
    not the coordinates. How much is an assumption, chosen to be visible side by side.
    """
    fore = _wing(_FORE_OUTLINE, _FORE_CELL, _FORE_BRANCHES)
    hind = _wing(_HIND_OUTLINE, _HIND_CELL, _HIND_BRANCHES)
    if species == "A":
        return Anatomy(fore, hind)
    return Anatomy(_mapped(fore, _broader_fore), _mapped(hind, _rounder_hind))


def _wing(outline: tuple[tuple[float, float], ...], cell: tuple[Line, ...], branches: tuple[Line, ...]) -> Wing:
    spaces = [[np.add(a[0], b[0]) / 2, np.add(a[-1], b[-1]) / 2] for a, b in pairwise(branches)]
    lines = tuple(curve(line, closed=False, per_span=5) for line in cell + branches)
    return Wing(curve(outline, closed=True), lines, np.asarray(spaces))


def _mapped(wing: Wing, change: Callable[[Points], Points]) -> Wing:
    return Wing(change(wing.outline), tuple(change(vein) for vein in wing.veins), change(wing.spaces))


def _broader_fore(points: Points) -> Points:
    x, y = points[..., 0], points[..., 1]
    bulge = np.sin(np.pi * np.clip(x, 0, 1))
    return np.stack([x + 0.035 * bulge * (1 - x), 1.09 * y - 0.018 * bulge], axis=-1)


def _rounder_hind(points: Points) -> Points:
    x, y = points[..., 0], points[..., 1]
    return np.stack([0.97 * x + 0.05 * x * (0.45 + y), 1.08 * y - 0.03 * x], axis=-1)
