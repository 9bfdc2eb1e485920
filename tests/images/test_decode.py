from __future__ import annotations

import io
import os
import re
import struct
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hybridwing.errors import ImageError
from hybridwing.images.decode import MAX_MEGAPIXELS, ReadOptions, read_rgb

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 16, 3), dtype=np.uint8))
RED = (254, 0, 0)


def encoded(kind: str, picture: Image.Image = PICTURE, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x011A] = 6, "maker", 72.0
    return exif


VALID = {
    "JPEG": encoded("JPEG", exif=turned()),
    "PNG": encoded("PNG", exif=turned()),
    "TIFF": encoded("TIFF"),
    "TIFF, packed": encoded("TIFF", compression="tiff_lzw"),
    "BMP": encoded("BMP"),
    "GIF": encoded("GIF"),
    "WebP": encoded("WEBP", exif=turned()),
    "JPEG 2000": encoded("JPEG2000"),
    "PPM": encoded("PPM"),
    "MPO": encoded("MPO", save_all=True, append_images=[PICTURE]),
    "palette": encoded("PNG", PICTURE.quantize(16), transparency=bytes(range(0, 160, 10))),
    "animated GIF": encoded("GIF", save_all=True, append_images=[PICTURE.rotate(90)]),
    "animated PNG": encoded("PNG", save_all=True, append_images=[PICTURE.rotate(90)]),
}


def png_declaring(width: int, height: int) -> bytes:
    """A small PNG whose header claims a large picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def put(folder: Path, content: bytes, name: str = "x.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def failure(path: Path) -> ImageError:
    with pytest.raises(ImageError) as caught:
        read_rgb(path)
    assert caught.value.reason.isprintable()
    assert str(caught.value) == f"{caught.value.stage}: {caught.value.reason}"
    assert "\n" not in caught.value.reason
    return caught.value


@pytest.mark.parametrize("kind", VALID)
def test_every_format_is_read_whatever_its_name_ends_with(tmp_path, kind):
    picture = read_rgb(put(tmp_path, VALID[kind], "x.dat"))
    assert picture.mode == "RGB"
    assert sorted(picture.size) == [16, 24]


@pytest.mark.parametrize("share", [0.3, 0.7, 0.9])
@pytest.mark.parametrize("kind", [k for k in VALID if "animated" not in k and k != "MPO"])
def test_a_file_cut_short_is_found(tmp_path, kind, share):
    found = failure(put(tmp_path, VALID[kind][: int(len(VALID[kind]) * share)]))
    assert found.stage in {"open", "decode"}
    if found.stage == "decode":
        assert found.reason.startswith("damaged or cut short: ")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photograph_cut_short_says_so(tmp_path, kind):
    large = encoded(kind, Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 400, 3), dtype=np.uint8)))
    found = failure(put(tmp_path, large[: len(large) * 2 // 3]))
    assert found.stage == "decode"
    assert re.search("truncated|Premature end", found.reason)


@pytest.mark.parametrize("cut", [1, 2, 4, 8, 20])
def test_a_file_of_a_few_bytes_is_not_an_image(tmp_path, cut):
    for content in VALID.values():
        assert failure(put(tmp_path, content[:cut])).stage in {"open", "decode"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty (0 bytes)"),
        (b"\x01\x02\x03\xfe\xff", "not an image in a known format (begins with b'\\x01\\x02\\x03\\xfe\\xff')"),
        (encoded("EPS"), "a PostScript drawing"),
        (encoded("PDF"), "a PDF document"),
        (encoded("ICO"), "an icon"),
    ],
    ids=["empty", "unknown", "eps", "pdf", "ico"],
)
def test_what_is_no_photograph_is_refused(tmp_path, content, reason):
    found = failure(put(tmp_path, content))
    assert found.stage == "open"
    assert reason in found.reason


def test_folders_absent_files_and_devices(tmp_path):
    assert failure(tmp_path).reason == "is a folder"
    assert failure(tmp_path / "absent.jpg").reason == "no such file"
    assert failure(put(tmp_path, b"x") / "below.jpg").reason == "no such file"
    assert failure(Path("x\0y.jpg")).reason == "no such file"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        assert failure(tmp_path / "pipe.jpg").reason == "is not a regular file"


@pytest.mark.parametrize("where", ["pathlib.Path.read_bytes", "pathlib.Path.is_file"])
def test_no_permission(tmp_path, monkeypatch, where):
    path = put(tmp_path, VALID["PNG"])

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(where, refuse)
    found = failure(path)
    monkeypatch.undo()
    assert (found.stage, found.reason) == ("open", "no permission to read it")


@pytest.mark.parametrize("pillows_limit", [100, 89_478_485, None])
def test_too_many_pixels_are_refused_by_the_header_with_the_flag_that_allows_them(tmp_path, monkeypatch, pillows_limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillows_limit)
    found = failure(put(tmp_path, png_declaring(60_000, 60_000)))
    assert found.stage == "open"
    assert found.reason == (
        f"declares 60000 × 60000 pixels, more than {MAX_MEGAPIXELS:g} million; make it smaller, or allow it with "
        "--max-megapixels 3600"
    )
    assert pillows_limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_the_limit_on_pixels_holds_for_every_reader_and_can_be_raised(tmp_path, kind):
    path = put(tmp_path, encoded(kind, Image.new("RGB", (1100, 1000), RED)))
    with pytest.raises(ImageError, match="declares 1100 × 1000 pixels"):
        read_rgb(path, options=ReadOptions(max_megapixels=1))
    assert read_rgb(path, options=ReadOptions(max_megapixels=1.1)).size == (1100, 1000)


@pytest.mark.parametrize("action", ["always", "error"])
def test_between_pillows_two_limits_a_picture_is_read_without_a_warning(tmp_path, monkeypatch, action):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)  # 384 pixels: more than it warns of, less than it refuses
    path = put(tmp_path, VALID["PNG"])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter(action)
        assert sorted(read_rgb(path).size) == [16, 24]
    assert seen == []


@pytest.mark.parametrize("action", ["always", "error"])
def test_damaged_exif_raises_no_warning(tmp_path, action):
    path = put(tmp_path, encoded("JPEG", Image.new("RGB", (16, 8), RED), exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter(action)
        assert read_rgb(path).size == (16, 8)
    assert seen == []


def test_threads_that_decode_leave_the_filters_of_warnings_as_they_were(tmp_path):
    exif = b"Exif\0\0II*\0\xff\xff\xff\xff"
    paths = [put(tmp_path, encoded("JPEG", exif=exif), f"{n}.jpg") for n in range(8)]
    paths += [put(tmp_path, b"text", f"{n}.txt") for n in range(8)]
    before = list(warnings.filters)
    together = threading.Barrier(4)

    def read_all(_: int) -> int:
        together.wait(timeout=60)
        read = 0
        for path in paths * 4:
            try:
                read_rgb(path)
                read += 1
            except ImageError:
                pass
        return read

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read_all, range(4))) == [32] * 4
    assert list(warnings.filters) == before


def test_bytes_after_the_end_of_a_jpeg_do_not_matter(tmp_path):
    plain = read_rgb(put(tmp_path, VALID["JPEG"]))
    assert read_rgb(put(tmp_path, VALID["JPEG"] + b"\0garbage" * 500)).tobytes() == plain.tobytes()


def test_the_short_side_is_passed_on(tmp_path):
    path = put(tmp_path, encoded("JPEG", Image.new("RGB", (640, 480), RED)))
    assert read_rgb(path, 100).size == (160, 120)
    assert read_rgb(path).size == (640, 480)


def test_a_decoded_picture_does_not_keep_its_file_open(tmp_path):
    path = put(tmp_path, VALID["animated GIF"])
    picture = read_rgb(path)
    path.unlink()
    assert picture.resize((4, 4)).size == (4, 4)


def read_or_refuse(path: Path, short_side: int) -> None:
    try:
        picture = read_rgb(path, short_side)
    except ImageError as error:
        stage, complete = error.stage, bool(error.reason)
    else:
        stage, complete = (
            "decode",
            picture.mode == "RGB" and len(picture.tobytes()) == 3 * picture.width * picture.height,
        )
    assert complete
    assert stage in {"open", "decode"}


beginnings = st.sampled_from([b"", *(content[:12] for content in VALID.values()), b"II*\0", b"MM\0*", b"P6 9 9 255\n"])


@given(beginning=beginnings, rest=st.binary(max_size=300))
def test_no_bytes_raise_anything_but_an_image_error(tmp_path, beginning, rest):
    read_or_refuse(put(tmp_path, beginning + rest), 0)


@given(
    kind=st.sampled_from(sorted(VALID)),
    changes=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=12),
    cut=st.none() | st.integers(0, 3000),
    short_side=st.sampled_from([0, 4]),
)
def test_no_damage_raises_anything_but_an_image_error(tmp_path, kind, changes, cut, short_side):
    content = bytearray(VALID[kind])
    for place, value in changes:
        content[place % len(content)] = value
    read_or_refuse(put(tmp_path, bytes(content[:cut])), short_side)
