"""Turn whatever Pillow can open into 8-bit RGB pixels, the same way at training and at serving.

Photographs arrive as greyscale, palette, CMYK, 16-bit, with transparency or with an EXIF rotation; a backbone wants
upright 8-bit RGB. This is the one place where that is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Formats that are opened. Pillow knows more, among them some that start other programs (EPS) or fetch files.
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM")
#: Modes whose samples are wider than 8 bits; Pillow's own ``convert`` clips these instead of scaling them.
_WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")

#: 16-bit samples as 8-bit ones.
_SIXTEEN_BITS = np.rint(np.arange(65536) / 257).astype(np.uint8)
#: Floats whose maximum lies between 1 and this have no range that is known.
_LEAST_WHITE = 16
#: Rows that are laid over white at once.
_STRIP = 512

ORIENTATION_TAG = 0x0112
#: What makes a picture upright, by its EXIF orientation (EXIF 2.32, table 8).
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def draft(image: Image.Image, short_side: int) -> None:
    """Ask a JPEG decoder for the smallest scale whose short side still holds `short_side` pixels, in place.

    Does nothing for other formats, for images already decoded and for images already small. libjpeg shrinks by 1/2,
    1/4 or 1/8 while decoding, which costs a fraction of a full decode.
    """
    if image.format not in ("JPEG", "MPO") or short_side <= 0:
        return
    # Pillow picks the largest of 1, 2, 4, 8 that keeps both sides, and so the short one, at or above the asked size.
    image.draft("RGB", (short_side, short_side))


def to_rgb(image: Image.Image) -> Image.Image:
    """Upright 8-bit RGB copy of a picture of any mode, opened lazily or already decoded.

    Of an animation the current (first) frame is taken. EXIF orientation is applied, a damaged EXIF block ignored;
    transparency is laid over white, as a specimen on paper; samples wider than 8 bits are scaled: 16-bit by 1/257,
    others as `scaled_to_8_bits` does. Raises OSError, SyntaxError or ValueError, as Pillow does, for data that
    cannot be decoded, and ValueError for TIFFs that Pillow would decode wrongly.
    """
    _refuse_misread(image)
    image.load()  # decode first: a truncated file must fail here and not half-way through a conversion
    flat = as_rgb(image)
    return flat.copy() if flat is image else flat


def as_rgb(image: Image.Image) -> Image.Image:
    """Upright 8-bit RGB picture of a decoded one, as `to_rgb`; `image` itself where it is that already."""
    source_format = image.format  # lost when the picture is turned
    image = _upright(image)
    if image.mode in _WIDE_MODES:
        return _from_wide(image, source_format)
    if (image.mode != "LAB" and "A" in image.getbands()) or "transparency" in image.info:
        return _over_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _refuse_misread(image: Image.Image) -> None:
    """Refuse a TIFF of a kind that Pillow decodes to another picture, without a word."""
    tags = getattr(image, "tag_v2", None)
    if image.format != "TIFF" or tags is None:
        return
    bits, kind = max(tags.get(258, (1,))), max(tags.get(339, (1,)))
    if tags.get(254, 0) & 1:
        raise ValueError("the first page of this TIFF is a reduced copy of the picture")
    planes = tags.get(277, 1) > 1 and tags.get(284, 1) == 2
    turned = kind == 3 and tags.prefix == b"MM" and tags.get(259, 1) != 1  # floats whose bytes are swapped twice
    if bits > 8 and (planes or turned or tags.get(262) == 0 or bits not in (16, 32, 64) or (bits == 32 and kind == 1)):
        raise ValueError(f"a TIFF of {bits} bits in this arrangement is not read; make it one of 8 bits in RGB")


def _upright(image: Image.Image) -> Image.Image:
    """Turn or mirror the picture as its EXIF orientation asks for; one that cannot be read asks for nothing."""
    try:
        turn = _TURNS.get(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # Pillow's EXIF parser raises many kinds; the pixels are sound all the same
        return image
    return image if turn is None else image.transpose(turn)


def _over_white(image: Image.Image) -> Image.Image:
    """Lay a picture with transparency over white, a strip at a time to spare memory."""
    width, height = image.size
    flat = Image.new("RGB", image.size)
    for top in range(0, height, _STRIP):
        strip = image.crop((0, top, width, min(top + _STRIP, height))).convert("RGBA")
        paper = Image.new("RGBA", strip.size, (255, 255, 255, 255))
        flat.paste(Image.alpha_composite(paper, strip).convert("RGB"), (0, top))
    return flat


def _from_wide(image: Image.Image, source_format: str | None) -> Image.Image:
    """Greyscale of more than 8 bits, scaled to 8; some formats fix the depth."""
    values = np.asarray(image)
    # Some releases of Pillow widen 16-bit PNG and PPM to "I": how dark the picture is must not decide its depth.
    if image.mode.startswith("I;16") or (image.mode == "I" and source_format in ("PNG", "PPM")):
        return Image.fromarray(_SIXTEEN_BITS[values]).convert("RGB")
    return Image.fromarray(scaled_to_8_bits(values)).convert("RGB")


def scaled_to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale floats, or integers of 32 bits, of which only their own range says what white is.

    Floats in [0, 1] are scaled by 255; what lies in [0, 255] is taken for 8-bit, what lies in [0, 65535] for 16-bit;
    the rest is scaled from its own minimum and maximum. NaN and infinity count as 0. Raises ValueError for floats
    somewhat above 1: they are of none of these ranges, and would come out nearly black.
    """
    floats = values.dtype.kind == "f"
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if floats and low >= 0 and 1 < high < _LEAST_WHITE:
        raise ValueError(f"floating-point samples up to {high:.4g}, of which nothing says what white is")
    if low < 0 or high > 65535:
        scaled = (values - low) / ((high - low) or 1.0) * 255.0
    elif high > 255:
        scaled = values / 257.0
    else:
        scaled = values * 255.0 if floats and high <= 1 else values
    return np.rint(scaled).astype(np.uint8)
