"""Turn whatever Pillow can open into 8-bit RGB pixels, the same way at training and at serving.

Photographs arrive as greyscale, palette, CMYK, 16-bit, with transparency or with an EXIF rotation; a backbone wants
upright 8-bit RGB. This is the one place where that is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable

#: Modes whose samples are wider than 8 bits; Pillow's own ``convert`` clips these instead of scaling them.
_WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


#: Formats that are opened. Pillow knows more, among them some that start other programs (EPS) or fetch files.
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM")


def draft(image: Image.Image, short_side: int) -> None:
    """Ask a JPEG decoder for the smallest scale whose short side still holds `short_side` pixels, in place.

    Does nothing for other formats, for images already decoded and for images already small. libjpeg shrinks by 1/2,
    1/4 or 1/8 while decoding, which costs a fraction of a full decode.
    """
    if getattr(image, "format", None) not in ("JPEG", "MPO") or short_side <= 0:
        return
    width, height = image.size
    shrink = min(width, height) / short_side
    if shrink >= 2:
        # Pillow picks the largest of 1, 2, 4, 8 that keeps both sides at or above the asked size.
        image.draft("RGB", (int(width / shrink), int(height / shrink)))


def to_rgb(image: Image.Image) -> Image.Image:
    """Upright 8-bit RGB copy of `image`.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode, opened lazily or already decoded. Of an animation the current (first) frame is taken.

    Returns
    -------
    PIL.Image.Image
        Mode ``"RGB"``. EXIF orientation is applied; transparency is laid over white, as a specimen on paper; samples
        wider than 8 bits are scaled: 16-bit by 1/257, wider ones from their own minimum and maximum.

    Raises
    ------
    OSError, SyntaxError, ValueError
        Whatever Pillow raises for data that cannot be decoded.
    """
    image.load()  # decode first: a truncated file must fail here and not half-way through a conversion
    image = ImageOps.exif_transpose(image)
    if image.mode in _WIDE_MODES:
        return _from_wide(image)
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_wide(image: Image.Image) -> Image.Image:
    """Greyscale of more than 8 bits, scaled to 8."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16") or (low >= 0 and 255 < high <= 65535):
        scaled = values / 257.0
    elif low >= 0 and high <= 255:
        scaled = values
    else:
        scaled = (values - low) * (255.0 / (high - low))
    return Image.fromarray(np.rint(scaled).astype(np.uint8)).convert("RGB")


def open_rgb(source: str, short_side: int = 0, check: Callable[[Image.Image], None] | None = None) -> Image.Image:
    """Open a file in one of :data:`FORMATS` and decode it to upright RGB.

    Parameters
    ----------
    source : str
        Path of an image file.
    short_side : int
        Pixels the short side must keep; a JPEG is decoded at the smallest scale that does. 0 decodes in full.
    check : callable, optional
        Called with the opened but not yet decoded image; raises to refuse it.
    """
    with Image.open(source, formats=FORMATS) as image:
        if check is not None:
            check(image)
        draft(image, short_side)
        return to_rgb(image)
