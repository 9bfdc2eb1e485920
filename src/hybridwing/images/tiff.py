"""Read a TIFF with tifffile. A kind that is not read is refused by its name, and never read wrongly.

Pillow reads several kinds of TIFF wrongly and without a word: 16 bits in separate planes or with white as zero, 32-bit
unsigned samples, 12 bits, and the first page whatever it shows.
"""

from __future__ import annotations

import io
import logging
import math
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from PIL import Image

from hybridwing.errors import ImageError
from hybridwing.images.jpeg import check_jpeg
from hybridwing.images.kinds import RAW
from hybridwing.runtime.decode import ORIENTATION_TAG, scaled_to_8_bits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from tifffile import TiffPage

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

#: A page that is no reduced one counts as a picture of its own from this share of the largest one's pixels. A level of
#: a pyramid has a quarter of the next.
_FULL_SIZE = 0.5
#: Pages that are looked at.
_MOST_PAGES = 2000
#: A photograph uses more than the lower quarter of its samples' range; else its samples have fewer bits than it says.
_LEAST_BRIGHT = 1 / 4
#: Photometric interpretations that are refused, by their number (TIFF 6.0; libtiff's tiff.h).
_REFUSED_COLOURS = {4: "a mask", 9: "ICC L*a*b* colours", 10: "ITU L*a*b* colours", 32844: "LogL", 32845: "LogLuv"}
_RAW_COLOURS = (32803, 34892)  # a colour filter array, linear raw
_DNG_VERSION, _MAXIMUM, _INK_SET, _REFERENCE_BLACK_WHITE, _SUBSAMPLING = 50706, 281, 332, 532, 530
_JPEG = (6, 7, 33007, 34892)
_REMEDY = "export it as a JPEG, or as a TIFF of 8 or 16 bits in RGB"


def is_tiff(content: bytes) -> bool:
    """Whether a file begins as a TIFF or a BigTIFF does."""
    return content.startswith(SIGNATURES)


def read_tiff(content: bytes, check_size: Callable[[int, int], None], *, allow_damaged: bool = False) -> Image.Image:
    """The photograph of a TIFF, in one of Pillow's modes with 8 bits a sample, not yet turned.

    Of several pages the largest is taken; thumbnails, reduced pages and masks do not count. The orientation stands in
    the picture's EXIF. `check_size` is called with width and height before any pixel is decoded, and raises to refuse.
    With `allow_damaged`, what is left is taken where data are missing, and samples as they are where their depth is in
    doubt.

    Raises ImageError if the file is a camera raw file, holds several pictures, or is of a kind that is not read, and
    OSError, ValueError and others as tifffile and imagecodecs raise them for damaged data.
    """
    import tifffile

    # It tells of odd tags on standard error, without the name of the file.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    if content[8:10] == b"CR":
        raise ImageError("open", RAW)
    with tifffile.TiffFile(io.BytesIO(content), _multifile=False) as file:
        page = _photograph(list(_pages(file.pages)))
        if (stack := (file.imagej_metadata or {}).get("images", 1)) > 1 and len(file.pages) == 1:
            _refuse_several(stack)
        check_size(page.imagewidth, page.imagelength)
        if not allow_damaged:
            _check_whole(page, content)
        picture = _picture(page, allow_damaged)
        tag = page.tags.get(ORIENTATION_TAG)
        picture.getexif()[ORIENTATION_TAG] = 1 if tag is None else tag.value
        return picture


def _pages(pages: Any) -> Iterator[TiffPage]:
    """All pages, each followed by those below it."""
    for page in islice(pages, _MOST_PAGES):
        yield page
        if page.pages:
            yield from _pages(page.pages)


def _photograph(pages: list[TiffPage]) -> TiffPage:
    """The page that shows the photograph; refuse a raw file, and several photographs."""
    if any(page.photometric in _RAW_COLOURS or _DNG_VERSION in page.tags for page in pages):
        raise ImageError("open", RAW)
    shown = [page for page in pages if not page.subfiletype & 0b100 and page.imagewidth and page.imagelength]
    full = [page for page in shown if not page.is_reduced] or shown
    if not full:
        raise ValueError("there is no picture in this TIFF")
    sizes = [page.imagewidth * page.imagelength for page in full]
    alike = sum(size >= _FULL_SIZE * max(sizes) for size in sizes)
    if alike > 1:
        _refuse_several(alike)
    return full[sizes.index(max(sizes))]


def _refuse_several(count: int) -> NoReturn:
    raise ImageError("decode", f"a TIFF that holds {count} pictures: export each as a file of its own")


def _refuse(what: str) -> NoReturn:
    raise ImageError("decode", f"a TIFF with {what}, which is not read: {_REMEDY}")


def _check_whole(page: TiffPage, content: bytes) -> None:
    """Refuse a page of which something is missing, or damaged in a way that the decoder would not tell."""
    places, counts = page.dataoffsets, page.databytecounts
    if len(places) < math.prod(page.chunked) or 0 in counts:
        raise ValueError("parts of the picture are missing")
    if any(place + count > len(content) for place, count in zip(places, counts, strict=False)):
        raise ValueError("truncated: the picture goes on after the end of the file")
    pixels = page.imagewidth * page.imagelength * page.samplesperpixel
    if page.compression == 1 and isinstance(page.bitspersample, int) and 8 * sum(counts) < pixels * page.bitspersample:
        raise ValueError("truncated: fewer bytes than pixels")
    if page.compression == 7 and page.bitspersample == 8:
        tables = (page.jpegtables or b"")[:-2]
        for place, count in zip(places, counts, strict=False):
            check_jpeg(tables + content[place : place + count][2 if tables else 0 :])


def _picture(page: TiffPage, allow_damaged: bool) -> Image.Image:
    """Decode a page to one of Pillow's modes."""
    colours = int(page.photometric)
    if colours in _REFUSED_COLOURS:
        _refuse(_REFUSED_COLOURS[colours])
    if page.axes not in ("YX", "YXS", "SYX"):
        _refuse(f"a stack of pictures in one page (axes {page.axes})")
    if not isinstance(page.bitspersample, int):
        _refuse("samples of different depths")
    if page.dtype is None:
        _refuse(f"{page.bitspersample}-bit samples of format {page.sampleformat}")
    extras = tuple(int(extra) for extra in page.extrasamples)
    own = page.samplesperpixel - len(extras)
    try:
        samples = page.asarray(maxworkers=1)
    except ValueError as error:
        if any(word in str(error) for word in ("not supported", "requires", "not implemented", "COMPRESSION")):
            _refuse(str(error).splitlines()[0])
        raise
    samples = (
        samples[..., None] if page.axes == "YX" else np.moveaxis(samples, 0, -1) if page.axes == "SYX" else samples
    )
    if colours == 3:
        return _of_palette(page, samples, own)
    values = _eight_bits(page, samples, allow_damaged)
    if colours in (0, 1):
        if own != 1:
            _refuse(f"{own} channels of grey")
        return _with_alpha(values, 1, extras)
    if colours == 2:
        if own == 4 and not extras:  # as Pillow takes it
            return _with_alpha(values, 3, (2,))
        if own != 3:
            _refuse(f"{own} colours")
        return _with_alpha(values, 3, extras)
    if colours == 5:
        if own != 4 or page.tags.valueof(_INK_SET, 1) != 1:
            _refuse("inks other than cyan, magenta, yellow and black")
        return _image("CMYK", values[..., :4])
    if colours == 6:
        return _of_ycbcr(page, values)
    if colours == 8:
        if own != 3 or page.bitspersample != 8:
            _refuse(f"L*a*b* colours of {page.bitspersample} bits")
        return _image("LAB", values[..., :3])
    _refuse(f"colours of kind {colours}")


def _eight_bits(page: TiffPage, samples: NDArray[Any], allow_damaged: bool) -> NDArray[np.uint8]:
    """Samples scaled to 8 bits by the range that they have."""
    bits, white_is_zero = int(page.bitspersample), int(page.photometric) == 0
    if samples.dtype.kind == "b":
        samples, bits = samples.astype(np.uint8), 1
    if samples.dtype.kind in "if":
        if white_is_zero:
            _refuse("white as zero in signed or floating-point samples")
        if samples.dtype.kind == "i" and bits < 16:
            _refuse(f"signed samples of {bits} bits")
        if int(page.photometric) in (5, 6, 8):
            _refuse("signed or floating-point samples in these colours")
        return scaled_to_8_bits(samples)
    if samples.dtype.kind != "u" or bits > 32:
        _refuse(f"samples of {bits} bits of format {page.sampleformat}")
    full = 2**bits - 1
    if bits > 8:
        full = _maximum(page, int(samples.max()), full, allow_damaged)
    if white_is_zero:
        samples = full - np.minimum(samples, samples.dtype.type(full))
    if full == 255:
        scaled = samples
    elif full == 65535 and page.samplesperpixel > 1:
        scaled = samples >> 8  # as Pillow reads 16 bits in colour
    elif full <= 65535:
        table = np.rint(np.arange(full + 1) * (255 / full)).astype(np.uint8)
        scaled = table[np.minimum(samples, samples.dtype.type(full))]
    else:
        scaled = np.rint(samples * (255 / full))
    eight: NDArray[np.uint8] = scaled.astype(np.uint8, copy=False)
    return eight


def _maximum(page: TiffPage, highest: int, full: int, allow_damaged: bool) -> int:
    """The sample that is white: the file's stated maximum if that is 2^n - 1, else the largest that fits its bits."""
    stated = page.tags.valueof(_MAXIMUM)
    stated = set(stated) if isinstance(stated, tuple) else {stated}
    if (
        len(stated) == 1
        and isinstance(white := stated.pop(), int)
        and white >= max(highest, 1)
        and white & (white + 1) == 0
    ):
        return min(white, full)
    if full > 65535 and highest <= 65535:  # 8 or 16 bits that were widened
        full = 255 if highest <= 255 else 65535
    if full > 255 and 0 < highest < full * _LEAST_BRIGHT and not allow_damaged:
        raise ImageError(
            "decode",
            f"a TIFF of {page.bitspersample} bits whose brightest sample is {highest} of {full}: it holds fewer bits "
            f"than it says, or is nearly black; {_REMEDY}, or take it as it is with --allow-damaged",
        )
    return full


def _of_palette(page: TiffPage, samples: NDArray[Any], own: int) -> Image.Image:
    colours = page.colormap
    if colours is None or own != 1 or samples.dtype.kind not in "bu" or samples.max() >= colours.shape[1]:
        _refuse("a palette that does not fit its samples")
    # As libtiff does: some programs write palettes of 8 bits.
    table = (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8).T
    return _image("RGB", table[samples[..., 0].astype(np.intp)])


def _of_ycbcr(page: TiffPage, values: NDArray[np.uint8]) -> Image.Image:
    if int(page.compression) in _JPEG:
        return _image("RGB", values[..., :3])  # turned into RGB by the JPEG decoder
    plain = int(page.compression) in (1, 5, 8, 32773, 32946)
    if not plain or page.bitspersample != 8 or page.tags.valueof(_SUBSAMPLING, (1, 1)) != (1, 1):
        _refuse("YCbCr colours of a kind other than JPEG's")
    reference = page.tags.valueof(_REFERENCE_BLACK_WHITE)
    if reference is not None and tuple(reference[0::2]) not in ((0, 255, 128, 255, 128, 255), (0, 128, 128)):
        _refuse("YCbCr colours with a reference black or white of their own")
    return _image("YCbCr", values[..., :3])


def _with_alpha(values: NDArray[np.uint8], own: int, extras: tuple[int, ...]) -> Image.Image:
    """Grey or RGB, with the first transparency among the further samples."""
    place = next((own + place for place, kind in enumerate(extras) if kind in (1, 2)), None)
    if place is None:
        return _image("L" if own == 1 else "RGB", values[..., :own])
    colours = values[..., [*(range(own) if own == 3 else (0, 0, 0)), place]]
    return _image("RGBA", colours, "RGBa" if extras[place - own] == 1 else "RGBA")


def _image(mode: str, values: NDArray[np.uint8], raw: str | None = None) -> Image.Image:
    pixels = np.ascontiguousarray(values[..., 0] if mode == "L" else values)
    return Image.frombuffer(mode, (pixels.shape[1], pixels.shape[0]), pixels, "raw", raw or mode, 0, 1)
