"""What lies on the card beside the specimen: texture, ruler, colour card, hand-written label."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from hybridwing.simulate.styles import STYLE_SEED, RecordStyle, record_style

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

_PATCHES = (
    (52, 52, 52), (122, 122, 121), (200, 200, 200), (243, 243, 242), (175, 54, 60), (231, 199, 31),
    (70, 148, 73), (56, 61, 150), (187, 86, 149), (8, 133, 161), (214, 126, 44), (94, 60, 108),
)  # fmt: skip
"""Four greys and eight colours, close to the sRGB values of common colour charts."""


@lru_cache(maxsize=32)
def backdrop(record: int, size: tuple[int, int]) -> Image.Image:
    """Empty card of a record with its ruler and colour card, mode RGB; do not change it in place."""
    style = record_style(record)
    rng = np.random.default_rng((STYLE_SEED, record, *size))
    width, height = size
    coarse = max(1.0, style.backdrop.grain * width / 512)
    small = rng.standard_normal((max(2, int(height / coarse)), max(2, int(width / coarse)))).astype(np.float32)
    grain = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))
    cloud = np.asarray(Image.fromarray(small[:6, :8].copy()).resize(size, Image.Resampling.BICUBIC))
    tone = style.backdrop.strength * (grain + 0.9 * cloud)
    picture = np.asarray(style.backdrop.colour, np.float32) + tone[:, :, None]
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    big = image.resize((2 * width, 2 * height), Image.Resampling.NEAREST)
    _ruler(big, style)
    _card(big, style)
    return big.reduce(2)


def _ruler(image: Image.Image, style: RecordStyle) -> None:
    if style.ruler is None:
        return
    along = image.height if style.ruler == "left" else image.width
    thick = round(image.width * 0.05)
    strip = Image.new("RGB", (along, thick), (236, 233, 222))
    pen = ImageDraw.Draw(strip)
    millimetre = image.width / 110
    for tick in range(int(along / millimetre) + 1):
        x = tick * millimetre
        reach = 0.55 if tick % 10 == 0 else 0.42 if tick % 5 == 0 else 0.28
        pen.line((x, 0, x, thick * reach), fill=(35, 35, 38), width=max(1, round(image.width / 700)))
        if tick % 10 == 0:
            place = (x + millimetre * 0.5, thick * 0.5)
            pen.text(place, str(tick // 10), fill=(35, 35, 38), font_size=thick * 0.42)
    pen.line((0, 0, along, 0), fill=(120, 118, 110), width=2)
    if style.ruler == "bottom":
        image.paste(strip, (0, image.height - thick))
    elif style.ruler == "top":
        image.paste(strip.transpose(Image.Transpose.ROTATE_180), (0, 0))
    else:
        image.paste(strip.transpose(Image.Transpose.ROTATE_270), (0, 0))


def _card(image: Image.Image, style: RecordStyle) -> None:
    if style.card is None:
        return
    colours = _PATCHES if style.card == "colour" else tuple((v, v, v) for v in (245, 205, 165, 125, 85, 45))
    columns = 6 if style.card == "colour" else len(colours)
    side = image.width * 0.025
    rows = len(colours) // columns
    width, height = side * (columns + 0.4), side * (rows + 0.4)
    gap, beside = image.width * 0.018, image.width * 0.062
    left, upper = "left" in style.card_corner, "upper" in style.card_corner
    x_gap = beside if left and style.ruler == "left" else gap
    y_gap = beside if style.ruler == ("top" if upper else "bottom") else gap
    x0 = x_gap if left else image.width - width - x_gap
    y0 = y_gap if upper else image.height - height - y_gap
    pen = ImageDraw.Draw(image)
    pen.rectangle((x0, y0, x0 + width, y0 + height), fill=(28, 28, 30))
    for i, colour in enumerate(colours):
        x, y = x0 + side * (0.2 + i % columns), y0 + side * (0.2 + i // columns)
        pen.rectangle((x + 0.06 * side, y + 0.06 * side, x + 0.94 * side, y + 0.94 * side), fill=colour)


def label(image: Image.Image, style: RecordStyle, rng: np.random.Generator) -> None:
    """Lay a hand-written label on a photograph, in place: a slip of paper with a few lines of pen strokes."""
    width = round(image.width * rng.uniform(0.12, 0.15))
    height = round(width * 0.52)
    scale = 3
    slip = Image.new("RGBA", (width * scale, height * scale), (246, 243, 232, 255))
    pen = ImageDraw.Draw(slip)
    ink = ((30, 32, 60, 255), (25, 25, 25, 255), (60, 60, 64, 255))[int(rng.integers(3))]
    for row in range(3):
        y = height * scale * (0.24 + 0.26 * row)
        x = width * scale * 0.08
        for _ in range(int(rng.integers(2, 4))):
            steps = int(rng.integers(8, 20))
            xs = x + np.cumsum(rng.uniform(0.2, 1.0, steps)) * width * scale * 0.018
            ys = y + rng.normal(0, height * scale * 0.05, steps)
            keep = xs < width * scale * 0.94
            pen.line(
                list(zip(xs[keep].tolist(), ys[keep].tolist(), strict=True)),
                fill=ink,
                width=max(2, width // 30),
            )
            x = float(xs[-1]) + width * scale * 0.05
    turned = slip.resize((width, height), Image.Resampling.LANCZOS).rotate(
        float(np.clip(rng.normal(0, 4), -10, 10)), Image.Resampling.BICUBIC, expand=True
    )
    low = image.height * (0.03 if style.ruler != "bottom" else 0.09)
    right = style.card is not None and style.card_corner == "lower right"
    x = image.width * 0.075 if right else image.width * 0.97 - turned.width
    image.paste(turned, (round(x - 0.01 * image.width), round(image.height - low - turned.height)), turned)


@lru_cache(maxsize=32)
def light(record: int, size: tuple[int, int]) -> Floats:
    """Illumination of a record: exposure, slope, vignetting and white balance; shape (height, width, 3)."""
    style = record_style(record)
    x = np.linspace(-1, 1, size[0], dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    field = style.exposure * (1 + style.slope[0] * x + style.slope[1] * y)
    field = field * (1 - style.vignetting * (x * x + y * y) / 2)
    return np.asarray(field[:, :, None] * np.asarray(style.white_balance), np.float32)
