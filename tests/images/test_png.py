"""PNG: long texts and profiles are no damage, and are never unpacked whole."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from hybridwing.errors import ImageError
from hybridwing.images.decode import ReadOptions, read_rgb
from hybridwing.images.png import MOST_TEXT, without_long_texts

if TYPE_CHECKING:
    from pathlib import Path

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 16, 3), dtype=np.uint8))


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def png(*chunks: bytes, picture: Image.Image = PICTURE, after: bool = False) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    content = out.getvalue()
    place = len(content) - 12 if after else 33
    return content[:place] + b"".join(chunks) + content[place:]


def read(folder: Path, content: bytes, **options: bool) -> np.ndarray:
    path = folder / "x.png"
    path.write_bytes(content)
    return np.asarray(read_rgb(path, options=ReadOptions(**options)))


LONG = 3 * MOST_TEXT
PACKED = zlib.compress(bytes(LONG))
BOMB = zlib.compress(bytes(60_000_000))
CHUNKS = {
    "text": chunk(b"tEXt", b"Comment\0" + b"a" * LONG),
    "packed text": chunk(b"zTXt", b"Comment\0\0" + PACKED),
    "international text": chunk(b"iTXt", b"Comment\0\0\0\0\0" + b"a" * LONG),
    "packed international text": chunk(b"iTXt", b"Comment\0\1\0en\0Kommentar\0" + PACKED),
    "profile": chunk(b"iCCP", b"sRGB\0\0" + PACKED),
    "bomb": chunk(b"zTXt", b"Comment\0\0" + BOMB),
    "many": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(900_000))) * 100,
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", CHUNKS)
def test_long_texts_and_profiles_are_no_damage(tmp_path, name, after):
    if name == "profile" and after:
        pytest.skip("stands before the pixels")
    assert np.array_equal(read(tmp_path, png(CHUNKS[name], after=after)), np.asarray(PICTURE))


def test_short_ones_stay(tmp_path):
    content = png(chunk(b"tEXt", b"Author\0somebody"), chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 99)))
    assert without_long_texts(content) is content
    assert without_long_texts(b"no PNG") == b"no PNG"


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP"])
@pytest.mark.parametrize("body", [b"", b"\0", b"a\0\0garbage", b"a\0\1\0"])
def test_damaged_ones_do_not_cost_the_picture(tmp_path, kind, body):
    assert np.array_equal(read(tmp_path, png(chunk(kind, body))), np.asarray(PICTURE))


@pytest.mark.parametrize("bits", [12, 14])
@pytest.mark.parametrize("colour", [False, True])
def test_fewer_bits_than_sixteen_are_told(tmp_path, bits, colour):
    import imagecodecs

    values = np.linspace(0, 2**bits - 1, 24 * 16).reshape(24, 16).astype(np.uint16)
    content = imagecodecs.png_encode(np.stack([values] * 3, -1) if colour else values)
    with pytest.raises(ImageError, match="they hold fewer bits than the file says"):
        read(tmp_path, content)
    assert read(tmp_path, content, allow_damaged=True).shape == (24, 16, 3)


def test_what_is_left_of_one_cut_short(tmp_path):
    large = Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 200, 3), dtype=np.uint8))
    content = png(picture=large)
    with pytest.raises(ImageError, match="damaged or cut short"):
        read(tmp_path, content[: len(content) // 2])
    left = read(tmp_path, content[: len(content) // 2], allow_damaged=True)
    assert np.array_equal(left[:100], np.asarray(large)[:100])
