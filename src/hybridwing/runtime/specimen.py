"""Find the specimen in a photograph, without weights.

A background model is read off the picture's frame; what differs from it is cut into components; rulers, cards and
labels (straight-edged, small or on the frame) are set aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    #: Label, pixels, box, mask within the box, and share of each edge of the picture that it lies on.
    _Component = tuple[int, int, tuple[slice, slice], NDArray[np.bool_], list[float]]

#: Long side, in pixels, of the working copy that is segmented.
WORKING_SIDE = 256
#: A component smaller than this share of the picture is dust, noise or a stroke of handwriting.
_SMALLEST = 0.0006
#: What touches an edge of the picture and reaches less than this share of it inwards lies along the edge.
_STRIP = 0.16
#: What touches an edge of the picture beside a specimen must be this large, as a share of its largest piece: rather a
#: wing cut off by the edge than what is left of a ruler.
_ON_EDGE = 0.4
#: A component that touches several edges of the picture and covers less than this share of it is no tight specimen.
_TIGHT = 0.12
#: A piece smaller than this share of the larger pieces of a drawer is no specimen.
_LIKE = 0.35
#: A component that fills this share of its tightest box is a card, a label or a ruler, not a wing.
_CARD_FILL = 0.86
#: Pixels that touch at a corner are neighbours.
_EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True, eq=False)
class Specimen:
    """Where the specimen is in a working copy of the picture."""

    mask: NDArray[np.bool_]  # The specimen's pixels, shape (height, width)
    # In [0, 1]; 0 when nothing was found (the mask then covers the whole picture). It falls below 1 for a specimen that
    # covers less than 4 % of the picture, for one that differs from the background beside it by little more than either
    # varies, and where much else stands out that is no ruler, card or label; 0.1 for one that covers more than 90 %,
    # which is rather a background taken for a specimen
    confidence: float
    # Where two or more pieces of the picture are of about the size of the specimen's largest: the pixels of each. They
    # are wings laid apart or several specimens
    pieces: tuple[NDArray[np.bool_], ...] = ()


@dataclass(frozen=True)
class Box:
    """The box around a specimen in a picture of several, in pixels; `bottom` and `right` lie outside."""

    top: int
    bottom: int
    left: int
    right: int
    on_edge: bool  # Whether the specimen touches the picture's edge


def working_copy(image: Image.Image) -> NDArray[np.float32]:
    """Shrink an RGB picture to `WORKING_SIDE` pixels on its long side; float32 in [0, 1]."""
    width, height = image.size
    scale = WORKING_SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = image.resize(size, Image.Resampling.BOX, reducing_gap=3.0)
    return np.asarray(small, dtype=np.float32) / np.float32(255.0)


def background_distance(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour distance of each pixel of a picture in [0, 1] from the background: Euclidean in RGB, 0 is background.

    The background is a plane in each channel (so light that falls off to one side stays background), fitted to the
    frame of the picture by iterated least squares that drops what does not fit: rulers and cards touch the frame too.
    """
    height, width = rgb.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    rows, columns = rows / max(height - 1, 1) - 0.5, columns / max(width - 1, 1) - 0.5
    border = max(2, round(0.04 * min(height, width)))
    frame = np.ones((height, width), bool)
    frame[border:-border, border:-border] = False
    basis = np.stack([np.ones_like(rows), rows, columns], axis=-1)
    samples, design = rgb[frame], basis[frame]
    centre = np.median(samples, axis=0)
    keep = np.abs(samples - centre).max(axis=1) < 0.22
    for _ in range(4):
        if keep.sum() < 12:
            break
        plane, *_rest = np.linalg.lstsq(design[keep], samples[keep], rcond=None)
        residual = np.linalg.norm(samples - design @ plane, axis=1)
        keep = residual <= max(0.04, 2.5 * float(np.median(residual[keep])))
    else:
        centre = basis @ plane
    apart = (rgb - centre).astype(np.float32)
    return np.asarray(np.sqrt(np.einsum("ijk,ijk->ij", apart, apart)))


def otsu(values: NDArray[np.float32]) -> float:
    """Threshold that divides `values` best into two groups (Otsu 1979, IEEE Trans. SMC 9(1), 62-66).

    Values that are all the same, up to their last digits, are no two groups: the threshold is then that value.
    """
    bins = 128
    highest = values.max()
    if highest - values.min() <= 2 * bins * np.spacing(highest):
        return float(highest)
    counts, edges = np.histogram(values, bins=bins)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts).astype(np.float64)
    above = below[-1] - below
    moment = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (moment / below - (moment[-1] - moment) / above) ** 2
    return float(edges[1 + int(np.nanargmax(between[:-1]))])


def find_specimen(rgb: NDArray[np.float32]) -> Specimen:
    """Segment the specimen in a working copy; with confidence 0 where nothing stands out from the background."""
    from scipy import ndimage

    distance, standing_out = _standing_out(rgb)
    labels, _ = ndimage.label(standing_out, structure=_EIGHT)
    chosen, cards, large = _sorted_out(labels)
    if not chosen:
        return Specimen(mask=np.ones(labels.shape, bool), confidence=0.0)
    mask = np.isin(labels, chosen)
    unexplained = float((standing_out & ~mask & ~np.isin(labels, cards)).sum()) / float(mask.sum())
    # Pale scales may be no different from a pale card: what the wing encloses is wing.
    mask = np.asarray(ndimage.binary_fill_holes(mask), dtype=bool)
    pieces = tuple(labels == index for index in large) if len(large) > 1 else ()
    return Specimen(mask, _confidence(distance, mask, unexplained), pieces)


def _standing_out(rgb: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Distance of each pixel from the background, and whether it stands out; in a tiny picture none does."""
    if min(rgb.shape[:2]) < 16:
        return np.zeros(rgb.shape[:2], np.float32), np.zeros(rgb.shape[:2], bool)
    distance = background_distance(rgb)
    return distance, distance > min(max(otsu(distance), 0.06), 0.30)


def find_specimens(rgb: NDArray[np.float32]) -> list[Box]:
    """Find all specimens with their wings on the body in a picture of one or several, from above to below.

    Pieces that stand out from the background are specimens unless they are rulers, cards, labels, or much smaller than
    the others. The picture is of shape (height, width, 3), in [0, 1].
    """
    from scipy import ndimage

    _, standing_out = _standing_out(rgb)
    # Pale bands and the gaps between set wings must not take a specimen apart.
    reach = max(1, max(rgb.shape[:2]) // 512)
    standing_out = ndimage.binary_closing(np.pad(standing_out, reach), iterations=reach)[reach:-reach, reach:-reach]
    labels, _ = ndimage.label(standing_out, structure=_EIGHT)
    pieces = []
    for _, area, (rows, columns), part, touched in _components(labels):
        if min(part.shape) >= 12 and max(touched) < 0.6 and not _is_card(part, touched, labels.shape):
            pieces.append((area, Box(rows.start, rows.stop, columns.start, columns.stop, max(touched) > 0)))
    if not pieces:
        return []
    typical = float(np.median(sorted(size for size, _ in pieces)[-max(1, len(pieces) // 2) :]))
    return [box for size, box in pieces if size >= _LIKE * typical]


def _confidence(distance: NDArray[np.float32], mask: NDArray[np.bool_], unexplained: float) -> float:
    """How surely a mask is the specimen, see `Specimen`; the limits were read off ``benchmarks/views.py``."""
    from scipy import ndimage

    share = float(mask.mean())
    if share >= 0.9:
        return 0.1
    size = float(np.clip(share / 0.04, 0.1, 1.0))
    # Beside the specimen, but not in its blurred rim, lies background.
    grown = ndimage.binary_dilation(mask, structure=_EIGHT, iterations=2)
    beside = ndimage.binary_dilation(grown, structure=_EIGHT, iterations=4) & ~grown
    if not beside.any():
        return 0.1
    inside, outside = distance[mask], distance[beside]
    apart = float(inside.mean() - outside.mean()) / max(float(inside.std() + outside.std()), 1e-6)
    return size * float(np.clip((apart - 0.6) / 1.2, 0.0, 1.0)) / (1.0 + max(0.0, unexplained - 0.5))


@dataclass(frozen=True)
class _Piece:
    """A component that may belong to a specimen; its centre as shares of the picture's height and width."""

    index: int
    area: int
    centre: tuple[float, float]
    box: tuple[slice, slice]
    on_edge: bool


def _components(labels: NDArray[np.integer]) -> Iterator[_Component]:
    """All components but specks."""
    from scipy import ndimage

    height, width = labels.shape
    area = np.bincount(labels.ravel())
    for index, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        if area[index] >= _SMALLEST * height * width:
            part = labels[rows, columns] == index
            yield index, int(area[index]), (rows, columns), part, _touched(part, (rows, columns), labels.shape)


def _sorted_out(labels: NDArray[np.integer]) -> tuple[list[int], list[int], list[int]]:
    """Labels of the components that are the specimen, of rulers, cards and labels, and of all large components."""
    from scipy import ndimage

    height, width = labels.shape
    pieces: list[_Piece] = []
    cards: list[int] = []
    for index, area, box, part, touched in _components(labels):
        row, column = ndimage.center_of_mass(part)
        centre = ((row + box[0].start) / height, (column + box[1].start) / width)
        if _is_card(part, touched, labels.shape):
            cards.append(index)
        elif _may_be_specimen(part, centre, touched, labels.shape):
            pieces.append(_Piece(index, area, centre, box, max(touched) > 0))
    if not pieces:
        return [], cards, []
    # The heart of the specimen is the largest component near the middle; the rest must lie within its reach.
    heart = max(pieces, key=lambda p: p.area * (1.2 - np.hypot(p.centre[0] - 0.5, p.centre[1] - 0.5)))
    big = [piece.box for piece in pieces if piece.area >= 0.2 * heart.area and (not piece.on_edge or piece is heart)]
    chosen = [
        piece.index
        for piece in pieces
        if piece.area >= (_ON_EDGE if piece.on_edge else 0.012) * heart.area and _near(piece.box, big)
    ]
    return chosen, cards, [piece.index for piece in pieces if piece.area >= _LIKE * heart.area]


def _is_card(part: NDArray[np.bool_], touched: list[float], shape: tuple[int, ...]) -> bool:
    """Whether a component is straight-edged or long and thin, or keeps to the picture's edge."""
    along, across = max(part.shape), min(part.shape)
    if _box_fill(part) > _CARD_FILL or (along > 0.4 * max(shape) and across < 0.16 * along):
        # A picture cut tight around the specimen leaves a large box too.
        return max(touched) > 0 or float(part.sum()) <= 0.25 * shape[0] * shape[1]
    return _is_strip(touched, part.shape, shape)


def _may_be_specimen(
    part: NDArray[np.bool_], centre: tuple[float, float], touched: list[float], shape: tuple[int, ...]
) -> bool:
    """Whether a component lies where a wing, a specimen or a pattern element may lie."""
    edges = sum(share > 0 for share in touched)
    if edges < 2 and (edges == 0 or max(part.shape) <= 0.85 * max(shape)):
        return True
    # A specimen may fill a picture that was cut to it; a ruler, a frame or a shadow runs along the picture's edge.
    middle = max(abs(centre[0] - 0.5), abs(centre[1] - 0.5)) < 0.2
    return middle and max(touched) < 0.6 and float(part.sum()) > _TIGHT * shape[0] * shape[1]


def _is_strip(touched: list[float], size: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a component on the picture's edge keeps to it, as what is left of a ruler does."""
    rows, columns = size
    lies_along_rows = max(touched[:2]) > 0 and rows < _STRIP * shape[0] and columns > 1.5 * rows
    lies_along_columns = max(touched[2:]) > 0 and columns < _STRIP * shape[1] and rows > 1.5 * columns
    return lies_along_rows or lies_along_columns


def _touched(part: NDArray[np.bool_], box: tuple[slice, slice], shape: tuple[int, ...]) -> list[float]:
    """Share of each of the picture's four edges that a component lies on."""
    height, width = shape
    rows, columns = box
    near = 2  # pixels from the edge that count as on it
    return [
        float(part[: max(0, near - rows.start)].any(axis=0).sum()) / width,
        float(part[max(0, height - near - rows.start) :].any(axis=0).sum()) / width,
        float(part[:, : max(0, near - columns.start)].any(axis=1).sum()) / height,
        float(part[:, max(0, width - near - columns.start) :].any(axis=1).sum()) / height,
    ]


def _near(box: tuple[slice, slice], big: list[tuple[slice, slice]]) -> bool:
    """Whether a component's box lies within the reach of the large components (wings lie within a wing's length)."""
    top, bottom = min(b[0].start for b in big), max(b[0].stop for b in big)
    left, right = min(b[1].start for b in big), max(b[1].stop for b in big)
    reach_rows, reach_columns = 0.35 * (bottom - top), 0.35 * (right - left)
    row, column = (box[0].start + box[0].stop) / 2, (box[1].start + box[1].stop) / 2
    inside = top - reach_rows <= row <= bottom + reach_rows and left - reach_columns <= column <= right + reach_columns
    return bool(inside)


def _box_fill(part: NDArray[np.bool_]) -> float:
    """Share of its tightest box, over rotations, that a component fills with its gaps closed; 1 for any rectangle."""
    from scipy import ndimage

    closed = np.pad(part, 4)
    if part.size < 6000:  # patches of a colour card may have the background's colour; wings are larger
        closed = ndimage.binary_closing(closed, structure=_EIGHT, iterations=3)
    closed = np.asarray(ndimage.binary_fill_holes(closed), dtype=bool)
    lines = np.flatnonzero(closed.any(axis=1))
    first, last = closed[lines].argmax(axis=1), closed.shape[1] - 1 - closed[lines, ::-1].argmax(axis=1)
    rows, columns = np.concatenate([lines, lines]), np.concatenate([first, last])
    angles = np.deg2rad(np.arange(0.0, 90.0, 2.5))[:, None]
    along = rows * np.cos(angles) + columns * np.sin(angles)
    across = columns * np.cos(angles) - rows * np.sin(angles)
    boxes = (np.ptp(along, axis=1) + 1) * (np.ptp(across, axis=1) + 1)
    return float(closed.sum() / min(float(boxes.min()), float(part.size)))
