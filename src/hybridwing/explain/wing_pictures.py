"""Both pairs of wings of a specimen as small pictures in one frame, so that places can be compared between specimens.

The wings are found as for `pattern` (`hybridwing.runtime.finding`). Each is cut to its own box and shrunk to a
square grid of places; left and mirrored right are averaged, and colours are relative to the light of the photograph.
All are seen as left wings: the body lies to the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from hybridwing.backbones.base import BackboneSpec
from hybridwing.runtime.finding import find_wings
from hybridwing.runtime.pattern import TRAITS
from hybridwing.runtime.preprocess import Prepared, Preprocess
from hybridwing.runtime.wings import LEFT_FOREWING, LEFT_HINDWING, RIGHT_FOREWING, RIGHT_HINDWING, box_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybridwing.runtime.finding import Found

    Pixels = NDArray[np.float32]

SIDE = 24
"""Places along a side of a wing's box."""
_GRID = 2 * SIDE * SIDE
DIMENSION = 4 * _GRID + 4
"""Numbers that hold a `WingPicture`."""
_SIDES = ((LEFT_FOREWING, RIGHT_FOREWING), (LEFT_HINDWING, RIGHT_HINDWING))
#: A wing of fewer rows or columns than this is not seen.
_LEAST = 3
#: Of a pair, a wing with less than this share of the other's area is torn and does not count (as in `pattern`).
_TORN = 0.35


@dataclass(frozen=True, eq=False)
class WingPicture:
    """Forewings and hindwings of one specimen, or the mean of several."""

    # Shape (2, SIDE, SIDE, 3); in [0, 1]: red, green and blue of each place of forewing and hindwing, relative to the
    # light of the photograph
    colours: Pixels
    # Shape (2, SIDE, SIDE); in [0, 1]: share of each place that is wing; all 0 for wings that are not to be seen
    inside: Pixels
    boxes: Pixels  # Shape (2, 2): height and width of the wings, as shares of the root of the area of the four boxes

    def as_vector(self) -> Pixels:
        """The picture as one vector of shape (DIMENSION,)."""
        return np.concatenate([self.colours.ravel(), self.inside.ravel(), self.boxes.ravel()])

    @classmethod
    def from_vector(cls, vector: Pixels) -> WingPicture:
        """The picture of a vector that `as_vector` gave."""
        colours, inside, boxes = np.split(vector, [3 * _GRID, 4 * _GRID])
        return cls(colours.reshape(2, SIDE, SIDE, 3), inside.reshape(2, SIDE, SIDE), boxes.reshape(2, 2))


def upright_of(found: Found) -> tuple[Pixels, float]:
    """The specimen upright on black, shape (height, width, 3), and the light of the photograph."""
    upright = found.upright()
    seen = upright[found.wings.parts > 0]
    return upright, max(float(np.quantile(seen.max(axis=1), 0.98)) if len(seen) else 1.0, 0.05)


def picture_of(found: Found) -> WingPicture:
    """The wings that were found in a photograph."""
    parts = found.wings.parts
    upright, light = upright_of(found)
    colours = np.zeros((2, SIDE, SIDE, 3), np.float32)
    inside = np.zeros((2, SIDE, SIDE), np.float32)
    boxes = np.zeros((2, 2), np.float32)
    for pair, sides in enumerate(_SIDES):
        cut = [shrunk for number in sides if (shrunk := _shrunk(upright / light, parts == number, number))]
        largest = max((area for *_, area in cut), default=0)
        whole = [(colour, share, shape) for colour, share, shape, area in cut if area >= _TORN * largest]
        if whole:
            weight = sum(share for _, share, _ in whole)
            colours[pair] = sum(colour for colour, _, _ in whole) / np.maximum(weight, 1e-6)[..., None]
            inside[pair] = weight / len(whole)
            boxes[pair] = np.mean([shape for *_, shape in whole], axis=0)
    size = np.sqrt(2 * boxes.prod(axis=1).sum())
    return WingPicture(colours.clip(0, 1), inside, boxes / max(float(size), 1.0))


def laid_on(
    parts: NDArray[np.uint8], values: NDArray[np.floating], resampling: Image.Resampling = Image.Resampling.BILINEAR
) -> Pixels:
    """Lay a map of places on the four wings of an upright specimen; 0 beside the wings.

    `parts`, of shape (height, width) like the result, is a `hybridwing.runtime.wings.WingMap.parts`. `values`, of
    shape (2, side, side), are those of forewing and hindwing, seen as left wings.
    """
    laid = np.zeros(parts.shape, np.float32)
    for pair, sides in enumerate(_SIDES):
        for number in sides:
            box = box_of(parts == number, _LEAST)
            if box is not None:
                plane = values[pair].astype(np.float32)
                plane = np.ascontiguousarray(plane[:, ::-1] if number == sides[1] else plane)
                size = (box[1].stop - box[1].start, box[0].stop - box[0].start)
                sized = Image.fromarray(plane).resize(size, resampling)
                laid[box] = np.where(parts[box] == number, np.asarray(sized), laid[box])
    return laid


def _shrunk(
    upright: Pixels, wing: NDArray[np.bool_], number: int
) -> tuple[Pixels, Pixels, tuple[int, int], int] | None:
    """Colours times share, share, the box's shape, and area of one wing as a left one; None where it is too small."""
    box = box_of(wing, _LEAST)
    if box is None:
        return None
    inside = wing[box]
    mirror = slice(None, None, -1 if number in (RIGHT_FOREWING, RIGHT_HINDWING) else 1)
    planes = [*np.moveaxis(upright[box] * inside[..., None], -1, 0), inside.astype(np.float32)]
    small = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane[:, mirror])).resize((SIDE, SIDE), Image.Resampling.BOX))
        for plane in planes
    ]
    return np.stack(small[:3], axis=-1), small[3], inside.shape, int(inside.sum())


def _prepare(image: Image.Image) -> Prepared:
    return Prepared(picture_of(find_wings(image)).as_vector())


class WingCutter:
    """Cuts wings as a backbone embeds: in parallel, through the cache, with failures told."""

    spec = BackboneSpec("wings", "wing-pictures", "1", "", "places", DIMENSION, Preprocess(size=256, resize="none"))
    precision, runtime, batch_size = "fp32", "numpy", 64
    prepare = staticmethod(_prepare)
    prepare_in_processes = True

    def forward(self, batch: Sequence[Pixels]) -> Pixels:
        """Stack the pictures: the work was done in `prepare`."""
        return np.stack(batch)


def pictures_of_pattern(vectors: NDArray[np.floating]) -> Pixels:
    """Coarse wing pictures from the colours that `pattern` holds, where no photographs are at hand.

    The descriptors have shape (n, pattern.DIMENSION), the pictures (n, DIMENSION).
    """
    made = []
    for wing in range(2):
        edges, colours, shape = np.split(vectors, np.cumsum((0, *TRAITS)), axis=1)[3 * wing + 1 : 3 * wing + 4]
        light, redness, warmth = np.moveaxis(colours.reshape(len(vectors), 3, 6, 6), 1, 0)
        both = (3 * light + warmth) / 1.5  # red and green
        cells = np.stack([(both + redness) / 2, (both - redness) / 2, both / 2 - warmth], axis=-1).clip(0, 1)
        seen = (light > 0.02) & (edges.any(axis=1)[:, None, None])
        high = shape[:, 2] * np.exp(np.stack([shape[:, 0], -shape[:, 0]]) / 2)
        made.append([array.repeat(4, 1).repeat(4, 2).reshape(len(vectors), -1) for array in (cells, seen)] + [high.T])
    return np.hstack([np.hstack(pair) for pair in zip(*made, strict=True)]).astype(np.float32)
