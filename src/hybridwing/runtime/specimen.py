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
    from numpy.typing import NDArray

#: Long side, in pixels, of the working copy that is segmented.
WORKING_SIDE = 256
#: A component smaller than this share of the picture is dust, noise or a stroke of handwriting.
_SMALLEST = 0.0006
#: A component that fills this share of its tightest box is a card, a label or a ruler, not a wing.
_CARD_FILL = 0.86


@dataclass(frozen=True, eq=False)
class Specimen:
    """Where the specimen is in a working copy of the picture.

    Attributes
    ----------
    mask : ndarray of shape (height, width), bool
        The specimen's pixels.
    confidence : float
        0 when nothing was found (the mask then covers the whole picture); otherwise from 0.1, for a specimen that
        covers 0.4 % of the picture or less, to 1, for one that covers 4 % or more; 0.1 also for one that covers more
        than 90 %, which is rather a background taken for a specimen.
    """

    mask: NDArray[np.bool_]
    confidence: float


def working_copy(image: Image.Image) -> NDArray[np.float32]:
    """Shrink an RGB picture to :data:`WORKING_SIDE` pixels on its long side; float32 in [0, 1]."""
    width, height = image.size
    scale = WORKING_SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = image.resize(size, Image.Resampling.BOX, reducing_gap=3.0)
    return np.asarray(small, dtype=np.float32) / np.float32(255.0)


def background_distance(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour distance of each pixel from the background.

    The background is a plane in each channel (so light that falls off to one side stays background), fitted to the
    frame of the picture by iterated least squares that drops what does not fit: rulers and cards touch the frame too.

    Parameters
    ----------
    rgb : ndarray of shape (height, width, 3), float32 in [0, 1]

    Returns
    -------
    ndarray of shape (height, width), float32
        Euclidean distance in RGB; 0 is background.
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
    distance: NDArray[np.float32] = np.linalg.norm(rgb - centre, axis=-1).astype(np.float32)
    return distance


def otsu(values: NDArray[np.float32], bins: int = 128) -> float:
    """Threshold that divides `values` best into two groups (Otsu 1979, IEEE Trans. SMC 9(1), 62-66).

    Values that are all the same are no two groups: the threshold is then that value.
    """
    if float(values.min()) == float(values.max()):
        return float(values.max())
    counts, edges = np.histogram(values, bins=bins)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts).astype(np.float64)
    above = below[-1] - below
    moment = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (moment / below - (moment[-1] - moment) / above) ** 2
    return float(edges[1 + int(np.nanargmax(between[:-1]))])


def find_specimen(rgb: NDArray[np.float32]) -> Specimen:
    """Segment the specimen.

    Parameters
    ----------
    rgb : ndarray of shape (height, width, 3), float32 in [0, 1]
        Working copy, long side about :data:`WORKING_SIDE` pixels.

    Returns
    -------
    Specimen
        With confidence 0 and a full mask where nothing stands out from the background.
    """
    from scipy import ndimage

    height, width = rgb.shape[:2]
    nothing = Specimen(mask=np.ones((height, width), bool), confidence=0.0)
    if min(height, width) < 16:
        return nothing
    distance = background_distance(rgb)
    if float(distance.max()) < 0.06:
        return nothing
    cut = min(max(otsu(distance), 0.06), 0.30)
    standing_out = distance > cut
    labels, count = ndimage.label(standing_out, structure=np.ones((3, 3), int))
    chosen = [index for index in _wing_like(labels, count) if index]
    if not chosen:
        return nothing
    mask = np.isin(labels, chosen)
    # Pale scales may be no different from a pale card: what the wing encloses is wing.
    mask = np.asarray(ndimage.binary_fill_holes(mask), dtype=bool)
    share = float(mask.mean())
    return Specimen(mask=mask, confidence=float(np.clip(share / 0.04, 0.1, 1.0)) if share < 0.9 else 0.1)


def _wing_like(labels: NDArray[np.integer], count: int) -> list[int]:
    """Labels of the components that may be wings or pattern elements, by size, shape and place."""
    from scipy import ndimage

    height, width = labels.shape
    area = np.bincount(labels.ravel(), minlength=count + 1)
    boxes: list[tuple[slice, slice]] = [(box[0], box[1]) for box in ndimage.find_objects(labels)]
    candidates: list[tuple[int, int, float, float]] = []
    for index, box in enumerate(boxes, start=1):
        if area[index] < _SMALLEST * height * width:
            continue
        rows, columns = box
        edges = (rows.start <= 1) + (rows.stop >= height - 1) + (columns.start <= 1) + (columns.stop >= width - 1)
        fill = _box_fill(np.asarray(ndimage.binary_fill_holes(labels[box] == index)))
        along = max(rows.stop - rows.start, columns.stop - columns.start)
        across = min(rows.stop - rows.start, columns.stop - columns.start)
        straight = fill > _CARD_FILL or (along > 0.4 * max(height, width) and across < 0.16 * along)
        if straight and edges == 0 and area[index] > 0.25 * height * width:
            straight = False  # a picture cut tight around the specimen
        if edges >= 1 and (straight or edges >= 2 or along > 0.85 * max(height, width)):
            continue
        if straight:
            continue
        row, column = ndimage.center_of_mass(labels[box] == index)
        candidates.append((index, int(area[index]), (row + rows.start) / height, (column + columns.start) / width))
    if not candidates:
        return []
    # The heart of the specimen is the largest component near the middle; the rest must lie within its reach.
    heart = max(candidates, key=lambda c: c[1] * (1.2 - np.hypot(c[2] - 0.5, c[3] - 0.5)))
    return [c[0] for c in candidates if c[1] >= 0.012 * heart[1] and _near(boxes[c[0] - 1], candidates, boxes, heart)]


def _near(
    box: tuple[slice, slice],
    candidates: list[tuple[int, int, float, float]],
    boxes: list[tuple[slice, slice]],
    heart: tuple[int, int, float, float],
) -> bool:
    """Whether a component's box lies within the reach of the large components (wings lie within a wing's length)."""
    big = [boxes[c[0] - 1] for c in candidates if c[1] >= 0.2 * heart[1]]
    top, bottom = min(b[0].start for b in big), max(b[0].stop for b in big)
    left, right = min(b[1].start for b in big), max(b[1].stop for b in big)
    reach_rows, reach_columns = 0.35 * (bottom - top), 0.35 * (right - left)
    row, column = (box[0].start + box[0].stop) / 2, (box[1].start + box[1].stop) / 2
    inside = top - reach_rows <= row <= bottom + reach_rows and left - reach_columns <= column <= right + reach_columns
    return bool(inside)


def _box_fill(part: NDArray[np.bool_]) -> float:
    """Share of its tightest box, over rotations, that a component fills; 1 for any rectangle."""
    rows, columns = np.nonzero(part)
    best = part.size
    for angle in np.deg2rad(np.arange(0.0, 90.0, 7.5)):
        along = rows * np.cos(angle) + columns * np.sin(angle)
        across = columns * np.cos(angle) - rows * np.sin(angle)
        best = min(best, (np.ptp(along) + 1) * (np.ptp(across) + 1))
    return float(len(rows) / best)
