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
#: Parts in :attr:`WingMap.parts`, left and right as one sees them in the picture.
LEFT_FOREWING, RIGHT_FOREWING, LEFT_HINDWING, RIGHT_HINDWING = 1, 2, 3, 4


@dataclass(frozen=True, eq=False)
class WingMap:
    """The wings of an upright specimen.

    Attributes
    ----------
    parts : ndarray of shape (height, width), uint8
        0 where there is no specimen, else one of :data:`LEFT_FOREWING`, :data:`RIGHT_FOREWING`,
        :data:`LEFT_HINDWING` and :data:`RIGHT_HINDWING`; the body counts to the wings beside it. The turned working
        copy: as large as is needed to lose no corner, its centre where that of the working copy was.
    angle : float
        Degrees by which the working copy was turned (counter-clockwise) to set the specimen upright.
    column : float
        Column of the axis of symmetry in `parts`, in pixels.
    symmetry : float
        Share of the specimen that its mirror image covers, in [0, 1].
    """

    parts: NDArray[np.uint8]
    angle: float
    column: float
    symmetry: float


def map_wings(mask: NDArray[np.bool_]) -> WingMap:
    """Turn a specimen's mask upright and divide it into four wings."""
    angle, column, symmetry = symmetry_axis(mask)
    upright = turned(mask.astype(np.float32), angle) > 0.5
    column += (upright.shape[1] - mask.shape[1]) / 2.0
    row, axis = round(wing_split(upright, column)), round(min(max(column, 1.0), upright.shape[1] - 1.0))
    parts = upright.astype(np.uint8)
    parts[row:] *= LEFT_HINDWING
    parts[:, axis:] += upright[:, axis:]
    return WingMap(parts, angle, column, symmetry)


def turned(plane: NDArray[np.float32], angle: float) -> NDArray[np.float32]:
    """Rotate a plane about its centre, counter-clockwise by degrees, onto one that holds all of it; zero around it."""
    if angle == 0.0:
        return plane
    picture = Image.fromarray(plane.astype(np.float32)).rotate(angle, Image.Resampling.BILINEAR, expand=True)
    return np.asarray(picture, dtype=np.float32)


def symmetry_axis(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Axis of mirror symmetry of a mask.

    Every rotation in a small range is tried; for each, the overlap of the mask with its mirror image at every axis
    position is one circular convolution along the rows.

    Returns
    -------
    angle : float
        Degrees by which the picture must be turned (counter-clockwise, as Pillow does) to make the axis vertical.
    column : float
        Column of the axis in the turned picture, in pixels of the mask.
    overlap : float
        Share of the mask that its mirror image covers, in [0, 1].
    """
    height, width = mask.shape
    small = max(1, round(max(height, width) / 96))
    picture = Image.fromarray(mask[::small, ::small].astype(np.uint8) * 255)
    best = (0.0, width / 2.0, 0.0)
    total = max(1.0, float(np.asarray(picture).sum()) / 255.0)
    for angle in _ANGLES:
        turned = np.asarray(picture.rotate(float(angle), Image.Resampling.NEAREST), np.float32) / 255.0
        spectrum = np.fft.rfft(turned, n=2 * turned.shape[1], axis=1)
        overlap = np.fft.irfft((spectrum * spectrum).sum(axis=0), n=2 * turned.shape[1]) / total
        where = int(overlap.argmax())
        # A slight price on turning keeps near-ties upright.
        value = float(overlap[where]) - 0.0015 * abs(float(angle))
        if value > best[2]:
            best = (float(angle), (where / 2.0 + 0.5) * small, value)
    return best


def wing_split(mask: NDArray[np.bool_], column: float) -> float:
    """Row that divides forewings (above) from hindwings (below) in an upright specimen.

    The outline's reach away from the axis has its narrowest place, the notch, where the forewing's lower corner meets
    the hindwing; between wings laid apart, and between pattern elements, the reach falls to zero.

    Returns
    -------
    float
        Row in pixels, in the middle half of the specimen's height; the middle of the picture where the specimen has
        fewer than eight rows.
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
