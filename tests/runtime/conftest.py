"""Photographs of known geometry: wings of plain shapes on a card, with what lies beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable

CARD = (222, 222, 216)
FORE, HIND, BODY = (150, 30, 20), (30, 30, 110), (40, 30, 25)

#: Right wings of a specimen with its wings on the body, about its thorax; in pixels of a 512 × 384 picture.
_FOREWING = ((0, -8), (150, -95), (165, -80), (115, 8), (0, 12))
_HINDWING = ((0, 12), (115, 8), (120, 50), (80, 100), (15, 85))


def _specimen(
    *,
    size: tuple[int, int] = (512, 384),
    centre: tuple[float, float] = (256, 190),
    scale: float = 1.0,
    angle: float = 0.0,
    apart: float = 0.0,
    card: tuple[int, int, int] = CARD,
) -> Image.Image:
    """Lay a butterfly, red forewings and blue hindwings, on a card; turned counter-clockwise by degrees.

    With `apart` the wings lie so many pixels from where they belong, outwards and up or down, and there is no body.
    """
    wings = Image.new("RGB", size, card)
    draw = ImageDraw.Draw(wings)
    for shape, colour, up in ((_HINDWING, HIND, 1), (_FOREWING, FORE, -1)):
        for side in (-1, 1):
            points = [
                (centre[0] + side * (scale * x + apart), centre[1] + scale * y + up * 0.6 * apart) for x, y in shape
            ]
            draw.polygon(points, fill=colour)
    if not apart:
        x, y = centre
        draw.rectangle((x - 5 * scale, y - 35 * scale, x + 5 * scale, y + 80 * scale), fill=BODY)
    return wings.rotate(angle, Image.Resampling.BILINEAR, center=centre, fillcolor=card)


def _lay_beside(picture: Image.Image) -> Image.Image:
    """Add a ruler along the lower edge, a colour card in the upper left corner and a tilted label on the right."""
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    draw.rectangle((0, height - 22, width, height), fill=(240, 236, 205))
    for x in range(0, width, 8):
        draw.line((x, height - 22, x, height - 12), fill=(10, 10, 10))
    for number, colour in enumerate(((200, 30, 30), (30, 160, 60), (30, 60, 190), CARD, (20, 20, 20))):
        draw.rectangle((8 + number * 22, 6, 29 + number * 22, 26), fill=colour, outline=(20, 20, 20))
    draw.polygon([(440, 318), (500, 322), (498, 352), (438, 348)], fill=(255, 255, 255), outline=(60, 60, 60))
    return picture


@pytest.fixture(scope="session")
def specimen() -> Callable[..., Image.Image]:
    """Red forewings and blue hindwings on a card, see `_specimen`."""
    return _specimen


@pytest.fixture(scope="session")
def lay_beside() -> Callable[[Image.Image], Image.Image]:
    """Adds ruler, colour card and label, see `_lay_beside`."""
    return _lay_beside
