"""Take a specimen apart: the axis that divides left from right, and the line that divides forewings from hindwings.

Works for specimens with their wings on the body, for wings laid apart, and for silhouettes of pattern elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Rotations tried for the axis of symmetry, in degrees.
_ANGLES = np.arange(-24.0, 24.1, 4.0)
#: Parts in `WingMap.parts`, left and right as one sees them in the picture.
LEFT_FOREWING, RIGHT_FOREWING, LEFT_HINDWING, RIGHT_HINDWING = 1, 2, 3, 4
#: Trunk and antennae.
BODY = 5
#: Where the line between forewing and hindwing meets the body, as a share of its length from the head; read off
#: simulated specimens (0.25, standard deviation 0.04).
_WING_BASE = 0.25
#: Half the width of the trunk as a share of the specimen's.
_TRUNK = 0.022
#: A piece with this share of its pixels in one part is given to it whole.
_MAJORITY = 0.8


@dataclass(frozen=True, eq=False)
class WingMap:
    """The wings of an upright specimen."""

    # Shape (height, width): 0 where there is no specimen, else one of `LEFT_FOREWING`, `RIGHT_FOREWING`,
    # `LEFT_HINDWING`, `RIGHT_HINDWING` and `BODY`. The turned working copy: as large as is needed to
    # lose no corner, its centre where that of the working copy was
    parts: NDArray[np.uint8]
    angle: float  # Degrees by which the working copy was turned (counter-clockwise) to set the specimen upright
    column: float  # Column of the axis of symmetry in `parts`, in pixels
    symmetry: float  # Share of the specimen that its mirror image covers, in [0, 1]
    attached: bool  # Whether the wings are on the body

    def plausible(self, view: str) -> float:
        """How much a view of this looks like wings, in [0, 1]: symmetric, and for a pair of wings alike and not tiny.

        The limits were read off simulated photographs, see ``benchmarks/views.py``.
        """
        found = _ramp(self.symmetry, 0.15, 0.6)
        if view not in ("forewings", "hindwings"):
            return found
        area = np.bincount(self.parts.ravel(), minlength=BODY + 1)
        first = LEFT_FOREWING if view == "forewings" else LEFT_HINDWING
        smaller, larger = sorted(int(count) for count in area[first : first + 2])
        share = (smaller + larger) / max(1, int(area[LEFT_FOREWING:BODY].sum()))
        return found * _ramp(smaller / max(larger, 1), 0.1, 0.7) * _ramp(share, 0.05, 0.25)


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, straight between."""
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def map_wings(mask: NDArray[np.bool_], turn: float = 0.0) -> WingMap:
    """Turn a specimen's mask upright and divide it into four wings and the body.

    `turn` brings the head up but for a tilt, see `.orientation.find_direction`.
    """
    about = turned(mask.astype(np.float32), turn) > 0.5
    tilt, column, symmetry = symmetry_axis(about)
    angle = turn + tilt
    upright = turned(mask.astype(np.float32), angle) > 0.5
    column += (upright.shape[1] - about.shape[1]) / 2.0
    last = upright.shape[1] - 1.0
    column = min(max(column, min(1.0, last)), last)
    trunk = _trunk(upright, column)
    notches = [(wing_split(upright, column), 0.0)] * 2 if trunk is None else find_notches(upright, column)
    fore = _above(upright.shape, column, notches, trunk)
    right = np.broadcast_to(np.arange(upright.shape[1]) >= round(column), upright.shape)
    parts = _voted(upright, np.where(fore, LEFT_FOREWING, LEFT_HINDWING).astype(np.uint8) + right)
    if trunk is not None:
        parts[_body(upright, column, trunk)] = BODY
    return WingMap(parts, angle, column, symmetry, trunk is not None)


def box_of(mask: NDArray[np.bool_], least: int = 1) -> tuple[slice, slice] | None:
    """Rows and columns of the box around a mask; None where fewer than `least` rows or columns hold any of it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if min(len(rows), len(columns)) < least:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def turned(plane: NDArray[np.float32], angle: float) -> NDArray[np.float32]:
    """Rotate a plane about its centre, counter-clockwise by degrees, onto one that holds all of it; zero around it."""
    if angle == 0.0:
        return plane
    picture = Image.fromarray(plane).rotate(angle, Image.Resampling.BILINEAR, expand=True)
    return np.asarray(picture, dtype=np.float32)


def symmetry_axis(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Axis of mirror symmetry of a mask.

    Every rotation in a small range is tried; for each, the overlap of the mask with its mirror image at every axis
    position is one circular convolution along the rows.

    Returns the degrees by which the picture must be turned (counter-clockwise, as Pillow does) to make the axis
    vertical, the column of the axis in the turned picture, in pixels of the mask, and the share of the mask that its
    mirror image covers, in [0, 1].
    """
    height, width = mask.shape
    small = max(1, round(max(height, width) / 96))
    picture = Image.fromarray(mask[::small, ::small].astype(np.uint8) * 255)
    best = (0.0, width / 2.0, 0.0)
    total = max(1.0, float(np.asarray(picture).sum()) / 255.0)
    for angle in _ANGLES:
        rotated = np.asarray(picture.rotate(float(angle), Image.Resampling.NEAREST), np.float32) / 255.0
        spectrum = np.fft.rfft(rotated, n=2 * rotated.shape[1], axis=1)
        overlap = np.fft.irfft((spectrum * spectrum).sum(axis=0), n=2 * rotated.shape[1]) / total
        where = int(overlap.argmax())
        # A slight price on turning keeps near-ties upright.
        value = float(overlap[where]) - 0.0015 * abs(float(angle))
        if value > best[2]:
            best = (float(angle), (where / 2.0 + 0.5) * small, value)
    return best


def wing_split(mask: NDArray[np.bool_], column: float) -> float:
    """Row that divides forewings (above) from hindwings (below) where wings or pattern elements lie apart.

    There the outline's reach away from the axis, and the specimen's mass, have their narrowest place. It is looked for
    in the middle half of the specimen's height; of a specimen of fewer than eight rows the picture's middle is taken.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) < 8:
        return float(mask.shape[0]) / 2
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    offsets = np.abs(np.arange(mask.shape[1]) + 0.5 - column)
    reach = np.where(mask, offsets, 0.0).max(axis=1)[top:bottom]
    mass = mask.sum(axis=1)[top:bottom].astype(float)
    width = max(3, (bottom - top) // 24)
    window = np.ones(width) / width
    profile = np.convolve(reach / max(reach.max(), 1.0) + 0.5 * mass / max(mass.max(), 1.0), window, mode="same")
    low, high = round(0.25 * (bottom - top)), round(0.75 * (bottom - top))
    middle = profile[low:high]
    # Where the gap is wide every row in it is as good: take its middle.
    best = np.flatnonzero(middle <= middle.min() + 0.02)
    return float(top + low + np.median(best) + 0.5)


def find_notches(upright: NDArray[np.bool_], column: float) -> list[tuple[float, float]]:
    """Find where forewing and hindwing meet in the outline of an upright specimen: two notches, left and right.

    A straight edge laid over the outline below the forewing's tip is touched by forewing and hindwing; where the
    outline falls back furthest from it lies the notch. Of each the row is told, and how far from the axis it lies, in
    pixels, at least 0.
    """
    rows = np.flatnonzero(upright.any(axis=1))
    middle = float(upright.shape[0]) / 2
    if len(rows) < 8:
        return [(middle, 0.0)] * 2
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    offsets = np.arange(upright.shape[1]) + 0.5 - column
    reaches = [np.where(upright[top:bottom], np.maximum(sign * offsets, 0.0), 0.0).max(axis=1) for sign in (-1.0, 1.0)]
    both = (reaches[0] + reaches[1]) / 2
    depth = _fallback(both)
    # Where the gap is wide every row in it is as good: take its middle.
    low = np.flatnonzero(depth >= 0.97 * depth.max()) if depth.max() > 0 else np.array([len(depth) // 2])
    row = int(np.median(low))
    near = max(2, round(0.08 * len(depth)))
    begin, end = max(0, row - near), min(len(depth), row + near + 1)
    found = []
    for reach in reaches:
        own = _fallback(reach)[begin:end]
        # A torn side has no notch of its own there.
        clear = float(own.max()) > 0.4 * float(depth.max()) > 0
        here = begin + float(np.median(np.flatnonzero(own >= 0.97 * own.max()))) if clear else float(row)
        found.append((top + here + 0.5, float(reach[int(here)])))
    return found


def _fallback(reach: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far each row's reach falls back from a straight edge, below the row that reaches furthest; 0 above it."""
    furthest = int(reach.argmax())
    last = int(np.flatnonzero(reach >= 0.25 * reach.max())[-1])  # below lies the abdomen
    depth = np.zeros(len(reach))
    corners = [furthest]
    for row in range(furthest + 1, last + 1):  # the upper hull, from left to right (Andrew 1979, IPL 9(5), 216-219)
        while len(corners) > 1 and _turns_up(corners[-2], corners[-1], row, reach):
            corners.pop()
        corners.append(row)
    depth[furthest : last + 1] = np.interp(np.arange(furthest, last + 1), corners, reach[corners])
    depth[furthest : last + 1] -= reach[furthest : last + 1]
    return depth


def _turns_up(first: int, second: int, third: int, reach: NDArray[np.floating]) -> bool:
    """Whether the second point lies on or under the line from the first to the third."""
    rise, run = reach[third] - reach[first], third - first
    return bool((reach[second] - reach[first]) * run <= rise * (second - first))


def _trunk(upright: NDArray[np.bool_], column: float) -> tuple[int, int] | None:
    """First and last row of the body along the axis; None for wings laid apart."""
    from scipy import ndimage

    labels, count = ndimage.label(upright, structure=np.ones((3, 3), int))
    middle = round(column)
    left = np.bincount(labels[:, :middle].ravel(), minlength=count + 1)[1:]
    right = np.bincount(labels[:, middle:].ravel(), minlength=count + 1)[1:]
    if not count or min(left.max(), right.max()) == 0:
        return None
    largest = int((left + right).argmax())
    if min(left[largest], right[largest]) < 0.25 * (left[largest] + right[largest]):
        return None
    # The abdomen is narrow, and the axis may be a pixel or two beside it.
    near = labels[:, max(0, middle - 3) : middle + 3] == largest + 1
    rows = np.flatnonzero(near.sum(axis=1) >= 3)
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else None


def _above(
    shape: tuple[int, ...], column: float, notches: list[tuple[float, float]], trunk: tuple[int, int] | None
) -> NDArray[np.bool_]:
    """Which pixels lie above the line from the forewing's base on the body to the notch."""
    offsets = np.arange(shape[1]) + 0.5 - column
    line = np.empty(shape[1])
    for side, (row, reach) in enumerate(notches):
        base = row
        if trunk is not None:
            base = trunk[0] + _WING_BASE * (trunk[1] - trunk[0])
            # Hind margins of set forewings run nearly straight across.
            base = min(max(base, row - 0.45 * reach), row + 0.3 * reach)
        along = np.clip(np.abs(offsets) / max(reach, 1.0), 0.0, 1.0)
        here = offsets < 0 if side == 0 else offsets >= 0
        line[here] = (base + (row - base) * along)[here]
    return np.asarray(np.arange(shape[0])[:, None] + 0.5 < line[None, :])


def _voted(upright: NDArray[np.bool_], parts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A piece that lies nearly all in one part belongs to it whole: wings laid apart, and pattern elements."""
    from scipy import ndimage

    labels, count = ndimage.label(upright, structure=np.ones((3, 3), int))
    votes = np.bincount((labels * 5 + parts).ravel(), minlength=5 * (count + 1)).reshape(count + 1, 5)
    winner, share = votes.argmax(axis=1), votes.max(axis=1) / np.maximum(votes.sum(axis=1), 1)
    chosen = np.where((share >= _MAJORITY)[labels], winner[labels], parts) * upright
    return np.asarray(chosen, dtype=np.uint8)


def _body(upright: NDArray[np.bool_], column: float, trunk: tuple[int, int]) -> NDArray[np.bool_]:
    """Trunk and antennae of a specimen with its wings on the body."""
    from scipy import ndimage

    across = np.flatnonzero(upright.any(axis=0))
    width = float(across[-1] + 1 - across[0])
    offsets = np.abs(np.arange(upright.shape[1]) + 0.5 - column)
    body = upright & (offsets < _TRUNK * width)[None, :]
    thin = upright & ~ndimage.binary_opening(upright, structure=np.ones((3, 3), bool))
    thin[trunk[0] :] = False
    return np.asarray(body | (thin & (offsets < 0.3 * width)[None, :]))
