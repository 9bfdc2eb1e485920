"""The `pattern` backbone: a registered colour-and-shape descriptor of the wings, without weights.

The specimen is found, turned upright and divided into forewings and hindwings (`.specimen`). Each wing is cut to
its own box, so that where a wing lies and how far it is opened does not count; left and right are mirrored onto each
other and averaged. A wing is then described by the directions of its pattern's edges, cell by cell (histograms of
oriented gradients, Dalal & Triggs 2005, CVPR, as square roots, i.e. compared by the Hellinger kernel as in Arandjelović
& Zisserman 2012, CVPR), by the lightness and colour of each place relative to the light of the photograph, and by its
proportions. Forewing and hindwing laid together, whether they lay on the body or apart, add how the elements lie to
each other; so does, with less weight, the specimen as it lies, folded along its axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .finding import Found, find_wings
from .preprocess import Prepared
from .wings import LEFT_FOREWING, box_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Raise when the descriptor changes: it is part of the cache key and of every saved model.
VERSION = 1

_EDGE_SIDE = 32  # pixels a side of a wing's box when edges are measured
_CELLS = 4  # cells a side for edges
_ORIENTATIONS = 8  # unsigned directions
_COLOUR_CELLS = 6  # cells a side for colour
_LAYOUT_CELLS = 8  # cells a side for the lightness of the whole specimen

_EDGES = _CELLS * _CELLS * _ORIENTATIONS
_COLOURS = 3 * _COLOUR_CELLS * _COLOUR_CELLS
_SHAPE = 3  # aspect, filling, size
_LIGHTNESS = _LAYOUT_CELLS * _LAYOUT_CELLS
_WING = _EDGES + _COLOURS + _SHAPE
_LAYOUT = _EDGES + _LIGHTNESS

#: How much the specimen as it lies counts: it tells real hybrids a little better, and how the wings were laid out too.
_FOLDED_WEIGHT = np.float32(0.7)

#: Length of the descriptor: forewings, hindwings, both together and as they lie.
DIMENSION = 2 * _WING + 2 * _LAYOUT
#: Widths of these four regions, in their order.
REGIONS = (_WING, _WING, _LAYOUT, _LAYOUT)

#: Widths of the traits: edges, colours and proportions of the forewings, then of the hindwings; edges and lightness of
#: both laid together, then as they lie.
TRAITS = (_EDGES, _COLOURS, _SHAPE) * 2 + (_EDGES, _LIGHTNESS) * 2


@dataclass(frozen=True, eq=False)
class Wings:
    """The four wings of an upright specimen, background masked to black.

    Pictures are of shape (height, width, 3), in [0, 1]; None stands where nothing is to be seen.
    """

    # Left and right, the right one mirrored
    forewings: tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]
    hindwings: tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]
    # Forewing laid against hindwing, inner sides flush: the mean of the left and the mirrored right pair
    joined: NDArray[np.float32] | None
    # The left half of the specimen as it lies averaged with the mirrored right half
    folded: NDArray[np.float32] | None
    confidence: float  # How surely the specimen was found, in [0, 1]


def cut_wings(found: Found) -> Wings:
    """Turn the specimen that was found upright and cut out its wings."""
    wings = found.wings
    picture = found.upright() * (wings.parts > 0)[..., None]
    four = [_boxed(picture, wings.parts == LEFT_FOREWING + place, mirror=place % 2 == 1) for place in range(4)]
    return Wings(
        forewings=(four[0], four[1]),
        hindwings=(four[2], four[3]),
        joined=_joined([(four[0], four[2]), (four[1], four[3])]),
        folded=_folded(picture, wings.parts > 0, round(wings.column)),
        confidence=found.specimen.confidence * wings.plausible("specimen"),
    )


def prepare(image: Image.Image, found: Found | None = None) -> Prepared:
    """Descriptor of one RGB picture, of shape (DIMENSION,), with how surely the specimen was found.

    For each pair of wings 4 × 4 cells of 8 edge directions in [0, 1]; 6 × 6 cells of lightness in [0, 1] and of two
    colour differences in [-1, 1] (red against green; their mean against blue); the logarithm of height by width, the
    share of the box that is lighter than 0.3 of the light, and the wing's share of the specimen's size. Then forewing
    and hindwing laid together: 4 × 4 cells of 8 edge directions and 8 × 8 cells of lightness; then the same of the
    specimen as it lies, at 0.7 of its strength. Zeros for what is not to be seen.

    `found` is what was found in the picture before, where others look at it too.
    """
    found = found or find_wings(image)
    wings = cut_wings(found)
    pairs = np.stack([_pair(wings.forewings), _pair(wings.hindwings)])
    pairs[:, -1] /= max(float(np.hypot(*pairs[:, -1])), 1.0)
    layouts = [_layout(wings.joined), _FOLDED_WEIGHT * _layout(wings.folded)]
    descriptor = np.concatenate([pairs.ravel(), *layouts]).astype(np.float32)
    view = "specimen" if wings.confidence > 0 else "whole"
    return Prepared(descriptor, view, wings.confidence, found.doubt)


def _boxed(picture: NDArray[np.float32], inside: NDArray[np.bool_], *, mirror: bool) -> NDArray[np.float32] | None:
    """The box around one wing, black around it."""
    box = box_of(inside)
    if box is None or inside.sum() < 16:
        return None
    wing = picture[box] * inside[box][..., None]
    if min(wing.shape[:2]) < 3:
        return None
    return np.ascontiguousarray(wing[:, ::-1] if mirror else wing)


def _joined(
    sides: Sequence[tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]],
) -> NDArray[np.float32] | None:
    """Forewing above hindwing, inner sides flush: so it makes no difference how far apart they lay.

    `sides` are the forewing and the hindwing of both sides of the specimen, as left wings.
    """
    pairs = []
    for side in sides:
        seen = [wing for wing in side if wing is not None]
        if seen:
            width = max(wing.shape[1] for wing in seen)
            pairs.append(np.vstack([np.pad(wing, ((0, 0), (width - wing.shape[1], 0), (0, 0))) for wing in seen]))
    if not pairs:
        return None
    height, width = max(pair.shape[0] for pair in pairs), max(pair.shape[1] for pair in pairs)
    return np.asarray(np.mean([_stretched(pair, width, height) for pair in pairs], axis=0, dtype=np.float32))


def _stretched(picture: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Resize each channel of a picture."""
    planes = [Image.fromarray(np.ascontiguousarray(picture[..., channel])) for channel in range(3)]
    sized = [np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR)) for plane in planes]
    return np.stack(sized, axis=-1)


def _folded(picture: NDArray[np.float32], mask: NDArray[np.bool_], axis: int) -> NDArray[np.float32] | None:
    """The specimen folded along its axis: the mean of its left half and its mirrored right half."""
    box = box_of(mask, 3)
    if box is None:
        return None
    rows, columns = box
    half = max(axis - columns.start, columns.stop - axis)
    padded = np.pad(picture[rows], ((0, 0), (half, half), (0, 0)))
    left, right = padded[:, axis : axis + half], padded[:, axis + half : axis + 2 * half]
    return np.ascontiguousarray((left + right[:, ::-1]) / 2)


def _pair(pair: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32]:
    """Mean descriptor of a left and a right wing; a torn one (much smaller than its twin) does not count."""
    seen = [wing for wing in pair if wing is not None]
    if not seen:
        return np.zeros(_WING, np.float32)
    areas = [int((_brightest(wing) > 0).sum()) for wing in seen]
    whole = [wing for wing, area in zip(seen, areas, strict=True) if area >= 0.35 * max(areas)]
    return np.asarray(np.mean([_wing(wing) for wing in whole], axis=0, dtype=np.float32))


def _wing(wing: NDArray[np.float32]) -> NDArray[np.float32]:
    """Descriptor of one wing."""
    # The brightest scales of the wing stand for the light of the photograph: exposure and lamp colour drop out.
    light = max(float(np.quantile(_brightest(wing), 0.98)), 0.05)
    grey = np.clip(_shrunk(wing.mean(axis=2), _EDGE_SIDE) / light, 0.0, 1.0)
    red, green, blue = (_shrunk(wing[..., channel], _COLOUR_CELLS) / light for channel in range(3))
    lightness = (red + green + blue) / 3.0
    places = np.clip(np.stack([lightness, red - green, 0.5 * (red + green) - blue]), -1.0, 1.0)
    height, width = wing.shape[:2]
    shape = (np.log(height / width), float((wing.mean(axis=2) > 0.3 * light).mean()), np.sqrt(height * width))
    return np.concatenate([np.sqrt(_edges(grey)).ravel(), places.ravel(), shape])


def _layout(specimen: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Descriptor of a whole specimen."""
    if specimen is None:
        return np.zeros(_LAYOUT, np.float32)
    light = max(float(np.quantile(_brightest(specimen), 0.98)), 0.05)
    grey = np.clip(specimen.mean(axis=2) / light, 0.0, 1.0)
    edges, places = _edges(_shrunk(grey, _EDGE_SIDE)), _shrunk(grey, _LAYOUT_CELLS)
    return np.concatenate([np.sqrt(edges).ravel(), places.ravel()])


def _brightest(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest channel of each pixel, several times faster than a maximum over so short an axis."""
    return np.asarray(np.maximum(np.maximum(picture[..., 0], picture[..., 1]), picture[..., 2]))


def _shrunk(plane: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Area average onto a square grid."""
    small = Image.fromarray(np.ascontiguousarray(plane)).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def _edges(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Histograms of edge directions, a cell's divided by its length, so that weak and strong contrast count alike.

    Their shape is (_CELLS, _CELLS, _ORIENTATIONS), their values in [0, 1].
    """
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(grey, 0.7)
    down, across = np.zeros_like(smooth), np.zeros_like(smooth)
    down[1:-1] = smooth[2:] - smooth[:-2]
    across[:, 1:-1] = smooth[:, 2:] - smooth[:, :-2]
    strength = np.hypot(down, across)
    position = (np.arctan2(down, across) % np.pi) / np.pi * _ORIENTATIONS - 0.5
    lower = np.floor(position)
    share = position - lower
    cell = _EDGE_SIDE // _CELLS
    place = np.arange(_EDGE_SIDE) // cell
    base = (place[:, None] * _CELLS + place[None, :]) * _ORIENTATIONS
    histogram = np.zeros(_EDGES)
    for offset, weight in ((0, 1.0 - share), (1, share)):
        bins = base + (lower.astype(int) + offset) % _ORIENTATIONS
        histogram += np.bincount(bins.ravel(), (strength * weight).ravel(), minlength=_EDGES)
    cells = histogram.reshape(_CELLS, _CELLS, _ORIENTATIONS) / cell**2
    # The constant keeps cells that hold nothing but noise near zero instead of blowing them up to full length.
    return np.asarray(cells / np.sqrt((cells**2).sum(axis=2, keepdims=True) + 0.01**2), np.float32)
