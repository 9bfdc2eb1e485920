"""Which way a specimen lies: the mirror axis of its outline, and where along it the head is.

A spread butterfly is its own mirror image, wider than it is high, and its forewings reach further from the axis and
higher than its hindwings. So every axis of the outline is a candidate, with either end up; each is scored by how well
the outline and the colours agree with their mirror image, by its proportions, and by how much higher its far parts lie
than its near ones. The scores become probabilities by a conditional logit (McFadden 1974); whether the likeliest is a
whole specimen at all, rather than half of one, a single wing or a pattern without an outline, is a logistic regression.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .wings import box_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Degrees that the search for an upright specimen's axis covers on either side, see `.wings.symmetry_axis`.
TILT = 24.0
#: Below this confidence it is not decided which way a specimen lies.
LEAST_DIRECTION = 0.6
#: Side, in pixels, of the square on which axes are tried; the specimen's diagonal.
_SIDE = 64
#: Degrees between the axes that are tried.
_STEP = 7.5
#: Grey levels by which colours must vary to say anything.
_FLAT = 8.0
#: Axes that are followed up: the most symmetric ones.
_MOST_AXES = 3
#: Of the evidence for a direction, see `candidates`; fitted, as the next, to some hundred simulated specimens and
#: to photographs of real ones, at random angles, whole and with wings taken away. The program that fitted them is not
#: kept; ``benchmarks/orientation.py`` measures what they give.
_WEIGHTS = np.array([5.6, 5.4, 3.2, 4.1, -14.5, 6.1, 3.0])
#: Of a constant and the first five kinds of evidence for a whole specimen.
_WHOLE = np.array([-33.9, 5.8, 5.4, 13.6, -13.1, 67.3])
#: What fills less of its box than e to this power is a pattern rather than wings.
_EMPTY = -1.3
#: Least correlation of the colours with their mirror image: most silhouettes, of one colour, do not reach it.
_LEAST_ALIKE = 0.22
#: Least share of the outline that its mirror image covers, unless the colours agree with theirs this well. The pattern
#: of one half, which lies like a pair of wings when it is turned by a quarter, reaches neither.
_LEAST_OVERLAP, _WELL_ALIKE = 0.74, 0.6


@dataclass(frozen=True)
class Direction:
    """Which way a specimen lies."""

    # Degrees, in [-180, 180), by which the picture must be turned counter-clockwise to bring the head up, to within the
    # tilt of `TILT`. 0 for a specimen that is no further from upright than that, and where `confidence` is below
    # `LEAST_DIRECTION`; a multiple of 90 for one that is about so far from it.
    turn: float
    # In [0, 1]: the probability of that direction against all others, times that of a whole specimen.
    confidence: float


def find_direction(rgb: NDArray[np.float32], mask: NDArray[np.bool_]) -> Direction:
    """Tell which way a specimen lies, from a working copy of shape (height, width, 3) in [0, 1] and its pixels there.

    Examples
    --------
    >>> import numpy as np
    >>> nothing = np.zeros((64, 64), bool)
    >>> find_direction(np.zeros((64, 64, 3), np.float32), nothing)
    Direction(turn=0.0, confidence=0.0)
    """
    turns, evidence = candidates(rgb, mask)
    if not len(turns):
        return Direction(0.0, 0.0)
    scores = evidence @ _WEIGHTS
    likely = np.exp(scores - scores.max())
    best = int(likely.argmax())
    whole = 1.0 / (1.0 + np.exp(-(_WHOLE[0] + float(evidence[best, :5] @ _WHOLE[1:]))))
    overlap, alike, _, filled = evidence[best, :4]
    if alike < _LEAST_ALIKE or filled < _EMPTY or (overlap < _LEAST_OVERLAP and alike < _WELL_ALIKE):
        whole = 0.0
    confidence = float(likely[best] / likely.sum() * whole)
    return Direction(_turn(turns[best]) if confidence >= LEAST_DIRECTION else 0.0, confidence)


def _turn(angle: float) -> float:
    """The turn to make: a quarter, half or three quarters where the rest is a tilt like any other."""
    quarter = 90.0 * round(angle / 90.0)
    turn = quarter if abs(angle - quarter) <= TILT else angle
    return float((turn + 180.0) % 360.0 - 180.0)


def candidates(rgb: NDArray[np.float32], mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions in which a specimen may lie, and the evidence for each; none for an empty mask.

    A direction is the degrees by which to turn counter-clockwise, in [-180, 180). The evidence, of shape (n, 7), is the
    overlap with the mirror image, in [0, 1]; the correlation of the colours with it; the logarithm of width by height
    and of the share of that box that is filled; how far from level, how much higher and how steeply so the far parts
    lie.
    """
    squares = _squared(rgb, mask)
    if not squares:
        return np.zeros(0), np.zeros((0, len(_WEIGHTS)))
    square, colours = squares[0], squares[1:]
    angles = np.arange(-90.0, 90.0, _STEP)
    planes = np.stack([np.asarray(square.rotate(float(a), Image.Resampling.BILINEAR), np.float32) for a in angles])
    spectrum = np.fft.rfft(planes, n=2 * _SIDE, axis=2)
    overlap = np.fft.irfft((spectrum * spectrum).sum(axis=1), n=2 * _SIDE, axis=1)
    columns = overlap.argmax(axis=1)
    values = overlap.max(axis=1) / (planes**2).sum(axis=(1, 2))
    # Half a turn further the axes begin again.
    peaks = np.flatnonzero((values >= np.roll(values, 1)) & (values > np.roll(values, -1)))
    followed = peaks[np.argsort(-values[peaks], kind="stable")][:_MOST_AXES]
    evidence = []
    for one in followed:
        turned = [np.asarray(c.rotate(float(angles[one]), Image.Resampling.BILINEAR), np.float32) for c in colours]
        alike = _alike(planes[one], np.stack(turned), int(columns[one]))
        evidence.append([float(values[one]), alike, *_shape(planes[one], columns[one] / 2 + 0.5)])
    # With the other end up all is the same but for what tells the ends apart.
    over = np.array([1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0])
    turns = np.concatenate([angles[followed], angles[followed] + 180.0])
    rows = np.array(evidence).reshape(-1, len(over))
    return (turns + 180.0) % 360.0 - 180.0, np.concatenate([rows, rows * over])


def _squared(rgb: NDArray[np.float32], mask: NDArray[np.bool_]) -> list[Image.Image]:
    """The specimen in the middle of a small square that holds it at any angle: its mask and its three channels."""
    box = box_of(mask, 8)
    if box is None:
        return []
    inside = mask[box]
    scale = _SIDE / np.hypot(*inside.shape)
    size = max(1, round(inside.shape[1] * scale)), max(1, round(inside.shape[0] * scale))
    squares = []
    for plane in (inside, *np.moveaxis(rgb[box] * inside[..., None], 2, 0)):
        square = Image.new("L", (_SIDE, _SIDE))
        small = Image.fromarray((255 * plane).astype(np.uint8)).resize(size, Image.Resampling.BOX)
        square.paste(small, ((_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2))
        squares.append(square)
    return squares


def _alike(plane: NDArray[np.float32], colours: NDArray[np.float32], across: int) -> float:
    """How well the colours agree with their mirror image where both lie in the specimen: a correlation.

    The pixel in column x is mirrored onto the one in column `across` - x. 0 where the specimen has one colour.
    """
    there = across - np.arange(_SIDE)
    within = (there >= 0) & (there < _SIDE)
    one, other = colours[:, :, within], colours[:, :, there[within]]
    both = (plane[:, within] > 200) & (plane[:, there[within]] > 200)
    if both.sum() < 16:
        return 0.0
    one, other = one[:, both], other[:, both]
    one, other = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    return float((one * other).sum() / max(float((one**2).sum()), _FLAT**2 * one.size))


def _shape(plane: NDArray[np.float32], column: float) -> list[float]:
    """Proportions, and how much higher the far parts lie, of one axis with its upper end up; see `candidates`."""
    share = plane / np.float32(plane.sum())
    across = np.abs(np.arange(_SIDE) + 0.5 - column)
    down = np.arange(_SIDE) + 0.5
    down = down - float(share.sum(axis=1) @ down)
    by_column = share.sum(axis=0)
    far = across**4
    # In units of the side of a square of the specimen's area.
    side = float(np.sqrt(plane.sum() / 255.0))
    height = float(down @ share @ far) / float(by_column @ far) / side
    apart = across - float(by_column @ across)
    slope = float(down @ share @ apart) / max(float(by_column @ apart**2), 1e-6)
    seen = plane > 127
    wide, high = (max(1, int(np.ptp(np.flatnonzero(seen.any(axis=axis)))) + 1) if seen.any() else 1 for axis in (0, 1))
    filled = np.log(side**2 / (wide * high))
    return [float(np.log(wide / high)), float(filled), abs(height), -height, -slope]
