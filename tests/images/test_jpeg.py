"""JPEGs by simplejpeg: the very pixels that Pillow gives in a submission, and damage told."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hybridwing.errors import ImageError
from hybridwing.images.decode import ReadOptions, read_rgb
from hybridwing.runtime.decode import draft, to_rgb

if TYPE_CHECKING:
    from pathlib import Path


def photograph(width: int, height: int, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    return Image.fromarray(np.clip(smooth + rng.normal(0, 5, smooth.shape), 0, 255).astype(np.uint8))


def encoded(picture: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", **options)
    return out.getvalue()


def in_a_submission(content: bytes, short_side: int = 0) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        draft(image, short_side)
        return np.asarray(to_rgb(image))


def read(folder: Path, content: bytes, short_side: int = 0, **options: Any) -> np.ndarray:
    path = folder / "x.jpg"
    path.write_bytes(content)
    return np.asarray(read_rgb(path, short_side, options=ReadOptions(**options)))


@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    mode=st.sampled_from(["RGB", "L", "CMYK"]),
    subsampling=st.sampled_from([0, 1, 2]),
    progressive=st.booleans(),
    quality=st.integers(5, 100),
    orientation=st.integers(1, 8),
    short_side=st.sampled_from([0, 1, 7, 30, 64, 120]),
    restart=st.sampled_from([0, 3]),
)
def test_the_pixels_are_those_of_a_submission(
    tmp_path, size, mode, subsampling, progressive, quality, orientation, short_side, restart
):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(
        photograph(*size).convert(mode), quality=quality, progressive=progressive, exif=exif,
        restart_marker_blocks=restart, **({} if mode == "L" else {"subsampling": subsampling}),
    )  # fmt: skip
    assert np.array_equal(read(tmp_path, content, short_side), in_a_submission(content, short_side))


@pytest.mark.slow
@pytest.mark.parametrize("short_side", [0, 448, 900])
def test_so_are_those_of_a_large_photograph(tmp_path, short_side):
    content = encoded(photograph(3000, 1997), quality=92)
    assert np.array_equal(read(tmp_path, content, short_side), in_a_submission(content, short_side))


def test_colours_that_are_stored_as_rgb(tmp_path):
    content = encoded(photograph(64, 48), keep_rgb=True)
    assert np.array_equal(read(tmp_path, content), in_a_submission(content))


WHOLE = encoded(photograph(160, 120), quality=85)
SCAN = WHOLE.index(b"\xff\xda") + 14


@given(
    start=st.floats(0.05, 0.8),
    length=st.integers(60, 600),
    how=st.sampled_from(["zeroed", "cut short"]),
    short_side=st.sampled_from([0, 30]),
)
def test_bytes_of_a_scan_that_are_lost_are_found(tmp_path, start, length, how, short_side):
    content = bytearray(WHOLE)
    first = SCAN + int(start * (len(content) - SCAN))
    length = min(length, len(content) - first - 2)
    if how == "zeroed":
        content[first : first + length] = bytes(length)
    else:
        del content[first:]
    with pytest.raises(ImageError, match="damaged or cut short: "):
        read(tmp_path, bytes(content), short_side)
    assert read(tmp_path, bytes(content), short_side, allow_damaged=True).shape[2] == 3


def test_zero_bytes_of_a_blank_picture_are_no_damage(tmp_path):
    content = encoded(Image.new("L", (800, 600), 200), optimize=True)
    assert bytes(24) in content
    assert np.ptp(read(tmp_path, content)) == 0
    assert read(tmp_path, encoded(Image.new("RGB", (800, 600), "white")) + bytes(500)).shape == (600, 800, 3)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_what_is_left_of_a_file_cut_short(tmp_path, share):
    content = WHOLE[: int(len(WHOLE) * share)]
    with pytest.raises(ImageError, match="damaged or cut short"):
        read(tmp_path, content)
    left, whole = read(tmp_path, content, allow_damaged=True), read(tmp_path, WHOLE)
    assert left.shape == whole.shape
    rows = int(120 * share) // 16 * 16 - 32
    assert np.array_equal(left[:rows], whole[:rows])


def test_a_strange_revision_of_the_header_is_no_damage(tmp_path):
    place = WHOLE.index(b"JFIF\0") + 5
    content = WHOLE[:place] + b"\x07" + WHOLE[place + 1 :]
    assert np.array_equal(read(tmp_path, content), read(tmp_path, WHOLE))


def test_the_case_with_zeros_in_its_scan(shared):
    folder = shared / "cases" / "images"
    with pytest.raises(ImageError, match="damaged or cut short"):
        read_rgb(folder / "zero_filled_half.jpg")
    assert read_rgb(folder / "whole.jpg").size == (160, 120)
