"""Decode a JPEG, and say when its data are damaged: libjpeg warns of damage, and Pillow drops its warnings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import simplejpeg
from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageFile

#: By Pillow's mode, the colours that libjpeg is asked for.
_COLOURS = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
#: What libjpeg-turbo warns of, or stops at, when data are not what they should be (libjpeg's jerror.h).
_DAMAGE = re.compile(r"corrupt|premature|inconsistent|truncated|bogus|invalid (?!sos)|expect|marker", re.I)


#: Of drafts smaller than this the two may choose another scale.
_SMALLEST = 8
#: So many zero bytes in a scan are a whole block of equal coefficients, unless zero bits mean the end of a block.
_ZEROED = bytes(24)
_NEXT_MARKER = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")


class DamagedJpegError(ValueError):
    """The data of a JPEG are damaged, or end too early."""


def decode_jpeg(content: bytes, opened: ImageFile.ImageFile, *, allow_damaged: bool = False) -> Image.Image:
    """Decode a whole JPEG to the very pixels that Pillow gives, not turned.

    `opened` is the same file, opened by Pillow and not yet decoded; a draft was asked of it, or not. Mode and size are
    as it has them. Of the kinds that simplejpeg does not know (CMYK with subsampled colours) it is returned itself,
    decoded by Pillow. With `allow_damaged` the picture is decoded as far as the data go; otherwise DamagedJpegError is
    raised where libjpeg warns of them.
    """
    kind, _box, _offset, args = opened.tile[0]
    width, height = opened.size
    if kind != "jpeg" or opened.mode not in _COLOURS or max(width, height) < _SMALLEST:
        return opened
    # Set by Pillow where a draft was asked for: the scale, and a constant.
    draft_of = getattr(opened, "decoderconfig", ()) or (1, 0)
    if not allow_damaged and _has_zeroed_bytes(content):
        raise DamagedJpegError("bytes of the picture are zeroed")
    try:
        pixels = simplejpeg.decode_jpeg(
            content,
            _COLOURS[opened.mode],
            min_height=height,
            min_width=width,
            # Without it, libjpeg-turbo's finer steps (3/8, 5/8 …) would count too.
            min_factor=draft_of[0],
            strict=not allow_damaged,
        )
    except ValueError as error:
        detail = str(error).partition("(): ")[2] or str(error)
        _raise_if_damaged(detail, error)
        return opened
    if pixels.shape[:2] != (height, width):
        return opened
    return Image.frombuffer(opened.mode, (width, height), pixels, "raw", args[0], 0, 1)  # type: ignore[index]


def check_jpeg(content: bytes) -> None:
    """Decode a JPEG stream, as it stands in a TIFF. Raises DamagedJpegError if its data are not sound."""
    try:
        simplejpeg.decode_jpeg(content, "GRAY")
    except ValueError as error:
        _raise_if_damaged(str(error), error)


def _raise_if_damaged(detail: str, error: ValueError) -> None:
    if "memory" in detail.lower():
        raise MemoryError(detail) from error
    if _DAMAGE.search(detail):
        raise DamagedJpegError(detail) from error


def _has_zeroed_bytes(content: bytes) -> bool:
    """Whether part of a sequential JPEG's first scan was overwritten with zeros.

    After a short gap a decoder of Huffman codes often falls into step again, with the wrong colours: then libjpeg does
    not warn. Where the first component's code of zero bits is a coefficient, as in the tables that most cameras use
    (ITU T.81, K.3), no encoder writes such a run. Other tables, and progressive files, are not judged.
    """
    place, first_symbols, sequential = 2, dict[int, int](), False
    while content[place : place + 1] == b"\xff" and place + 4 <= len(content):
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        body, place = content[place + 4 : place + 2 + length], place + 2 + max(length, 2)
        if marker in (0xC0, 0xC1):
            sequential = True
        elif marker == 0xC4:  # tables: an identifier, 16 counts of codes by their length, the symbols
            while len(body) > 17:
                first_symbols[body[0]] = body[17]
                body = body[17 + sum(body[1:17]) :]
        elif marker == 0xDA:
            table = 0x10 | (body[2] & 15) if len(body) > 2 else 0
            if not sequential or first_symbols.get(table, 0) & 15 == 0:
                return False
            end = _NEXT_MARKER.search(content, place)
            return content.find(_ZEROED, place, len(content) if end is None else end.start()) >= 0
    return False
