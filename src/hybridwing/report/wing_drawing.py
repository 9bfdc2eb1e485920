"""Pictures of an explanation: maps laid on the photograph's own wings, and what the wings of a class look like."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from hybridwing.errors import ImageError
from hybridwing.explain.wing_pictures import laid_on
from hybridwing.images.decode import read_rgb
from hybridwing.runtime.finding import find_wings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hybridwing.explain.wing_pictures import WingPicture

    Floats = NDArray[np.float64]

#: Sky blue and orange, then bluish green and reddish purple, of Okabe & Ito (2008, Color Universal Design).
FIRST, SECOND = (86, 180, 233), (230, 159, 0)
LOWERED, RAISED = (0, 158, 115), (204, 121, 167)
_WIDTH = 460
_MARGIN = 0.04
#: Pixels of the unit that `WingPicture.boxes` are given in, where wings are drawn by themselves.
_HEIGHT = 150
#: Background of wings that are drawn by themselves; seen on light pages and dark ones.
_GROUND = (238, 238, 236)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A specimen upright, cut to its outline."""

    photograph: Image.Image  # RGB
    # Shape (height, width): which wing a pixel belongs to, see `hybridwing.runtime.wings.WingMap.parts`
    parts: NDArray[np.uint8]

    def overlaid(self, values: Floats, low: tuple[int, int, int], high: tuple[int, int, int]) -> Image.Image:
        """Lay a map on the wings, the photograph in grey below.

        `values`, of shape (2, side, side) and in [-1, 1], are those of forewing and hindwing, seen as left wings; 0
        leaves the photograph as it is. `low` and `high` are the colours of -1 and 1.
        """
        value = laid_on(self.parts, values).clip(-1, 1)[..., None].astype(np.float64)
        grey = np.asarray(self.photograph.convert("L"), dtype=np.float64)[..., None] * 0.75 + 40
        laid = np.where(value < 0, np.array(low), np.array(high))
        # Light and dark of the photograph stay to be seen through the colour.
        laid = laid * (0.72 + 0.28 * grey / 255)
        opacity = 0.9 * np.abs(value)
        return Image.fromarray((grey * (1 - opacity) + laid * opacity).clip(0, 255).astype(np.uint8))


def draw_specimen(image: Image.Image) -> Drawn:
    """Set the specimen in a photograph upright and cut it out."""
    found = find_wings(image)
    height, width = found.copy.shape[:2]
    scale = _WIDTH / max(height, width) * 1.3
    picture = image.resize((round(width * scale), round(height * scale)), Image.Resampling.BOX, reducing_gap=3.0)
    edge = tuple(int(value) for value in np.median(np.asarray(picture)[:2].reshape(-1, 3), axis=0))
    picture = picture.rotate(found.wings.angle, Image.Resampling.BICUBIC, expand=True, fillcolor=edge)
    parts = Image.fromarray(found.wings.parts).resize(picture.size, Image.Resampling.NEAREST)
    rows, columns = (np.flatnonzero((np.asarray(parts) > 0).any(axis=axis)) for axis in (1, 0))
    room = _MARGIN * picture.width
    box = (
        max(0, round(columns[0] - room)),
        max(0, round(rows[0] - room)),
        min(picture.width, round(columns[-1] + 1 + room)),
        min(picture.height, round(rows[-1] + 1 + room)),
    )
    size = (_WIDTH, max(1, round(_WIDTH * (box[3] - box[1]) / (box[2] - box[0]))))
    cut = picture.crop(box).resize(size, Image.Resampling.BICUBIC)
    return Drawn(cut, np.asarray(parts.crop(box).resize(size, Image.Resampling.NEAREST)))


def draw_wings(picture: WingPicture) -> Image.Image:
    """Forewings above hindwings, laid apart: what a class looks like on average."""
    sized = []
    for colours, inside, box in zip(picture.colours, picture.inside, picture.boxes, strict=True):
        shape = [max(4, round(float(share) * _HEIGHT)) for share in box[::-1]]
        wing = Image.fromarray((colours.clip(0, 1) * 255).astype(np.uint8)).resize(shape, Image.Resampling.BICUBIC)
        mask = Image.fromarray((inside.clip(0, 1) * 255).astype(np.uint8)).resize(shape, Image.Resampling.BICUBIC)
        sized.append((wing, mask.point(lambda share: 255 * (share > 127))))
    width, gap = max(wing.width for wing, _ in sized), _HEIGHT // 40
    total = (2 * width + 3 * gap, sum(wing.height for wing, _ in sized) + 3 * gap)
    canvas = Image.new("RGB", total, _GROUND)
    top = gap
    for wing, mask in sized:
        canvas.paste(wing, (gap + width - wing.width, top), mask)
        mirrored = (one.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for one in (wing, mask))
        canvas.paste(next(mirrored), (width + 2 * gap, top), next(mirrored))
        top += wing.height + gap
    return canvas


def as_webp(picture: Image.Image, quality: int = 80) -> str:
    """A picture as a ``data:`` address."""
    target = io.BytesIO()
    picture.save(target, "WEBP", quality=quality)
    return "data:image/webp;base64," + base64.b64encode(target.getvalue()).decode("ascii")


def thumbnail(path: Path, side: int) -> str:
    """A small copy of a photograph as a ``data:`` address; empty where the photograph cannot be read."""
    try:
        picture = read_rgb(path, side)
    except ImageError:
        return ""
    picture.thumbnail((side, side))
    return as_webp(picture, 75)
