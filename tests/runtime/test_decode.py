from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from hybridwing.runtime.decode import draft, to_rgb

if TYPE_CHECKING:
    from pathlib import Path

RAMP = np.linspace(0, 65535, 48 * 32).reshape(32, 48).astype(np.uint16)
RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def open_rgb(path: str, short_side: int = 0) -> Image.Image:
    with Image.open(path) as image:
        draft(image, short_side)
        return to_rgb(image)


def reopened(picture: Image.Image, path: Path, **options: Any) -> np.ndarray:
    """Write a picture, decode it, return its pixels as integers."""
    picture.save(path, **options)
    decoded = open_rgb(str(path))
    assert decoded.mode == "RGB"
    return np.asarray(decoded).astype(int)


def photograph(width: int, height: int) -> Image.Image:
    """A smooth picture with noise, as JPEG likes it."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = np.stack(
        [rows * 200 / height, columns * 200 / width, 120 + 60 * np.sin(rows / 40 + columns / 60)], axis=-1
    )
    noise = np.random.default_rng(0).normal(0, 2, planes.shape)
    return Image.fromarray(np.clip(planes + noise + 20, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.ppm"])
@pytest.mark.parametrize("darkening", [1, 300])
def test_sixteen_bits_become_eight_however_dark_the_picture(tmp_path, name, darkening):
    values = RAMP // darkening
    grey = reopened(Image.fromarray(values), tmp_path / name)
    assert np.array_equal(grey, np.repeat(np.rint(values / 257)[..., None], 3, axis=2))


def test_sixteen_bits_that_an_older_pillow_widens_to_32_keep_their_depth():
    widened = Image.fromarray((RAMP // 300).astype(np.int32))
    widened.format = "PNG"
    assert np.asarray(to_rgb(widened)).max() == 1


def test_sixteen_bits_of_jpeg_2000(tmp_path):
    grey = reopened(Image.fromarray(RAMP), tmp_path / "x.jp2")
    assert np.abs(grey[..., 0] - RAMP / 257).max() <= 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (RAMP / 65535, RAMP / 257),
        (RAMP / 257, RAMP / 257),
        (RAMP.astype(float), RAMP / 257),
        (RAMP * 1e6, RAMP / 257),
        (RAMP / 65535 - 0.5, RAMP / 257),
        (np.full((4, 4), -5.0), np.zeros((4, 4))),
        (np.full((4, 4), 1e9), np.zeros((4, 4))),
        (np.zeros((4, 4)), np.zeros((4, 4))),
        (np.array([[np.nan, np.inf], [-np.inf, 255.0]]), np.array([[0, 0], [0, 255]])),
    ],
    ids=["unit", "8-bit", "16-bit", "huge", "signed", "constant-negative", "constant-huge", "zero", "not-finite"],
)
def test_floats_are_scaled_by_their_range(tmp_path, values, expected):
    grey = reopened(Image.fromarray(values.astype(np.float32)), tmp_path / "x.tif")
    assert np.abs(grey - expected[..., None]).max() <= 0.51


def test_32_bit_integers_of_8_bit_range_stay(tmp_path):
    values = (RAMP // 257).astype(np.int32)
    assert np.array_equal(reopened(Image.fromarray(values), tmp_path / "x.tif")[..., 1], values)


@pytest.mark.parametrize(
    ("mode", "colour", "name", "expected"),
    [
        ("RGB", (10, 20, 30), "x.png", (10, 20, 30)),
        ("RGB", (10, 20, 30), "x.bmp", (10, 20, 30)),
        ("RGBA", (10, 20, 30, 255), "x.png", (10, 20, 30)),
        ("RGBA", (255, 0, 0, 0), "x.png", WHITE),
        ("RGBA", (0, 0, 0, 51), "x.png", (204, 204, 204)),
        ("RGBA", (0, 0, 0, 51), "x.tif", (204, 204, 204)),
        ("RGBA", (0, 0, 0, 51), "x.webp", (204, 204, 204)),
        ("LA", (0, 51), "x.png", (204, 204, 204)),
        ("L", 77, "x.png", (77, 77, 77)),
        ("L", 77, "x.jpg", (77, 77, 77)),
        ("1", 1, "x.png", WHITE),
        ("1", 0, "x.tif", BLACK),
        ("CMYK", (0, 255, 255, 0), "x.jpg", RED),
        ("CMYK", (0, 255, 255, 0), "x.tif", RED),
        ("CMYK", (0, 0, 0, 255), "x.jpg", BLACK),
        ("YCbCr", (76, 85, 255), "x.tif", (254, 0, 0)),
        ("LAB", (128, 128, 128), "x.tif", (119, 119, 119)),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, mode, colour, name, expected):
    pixels = reopened(Image.new(mode, (9, 7), colour), tmp_path / name)
    assert pixels.shape == (7, 9, 3)
    assert np.abs(pixels - expected).max() <= 2


def test_palettes_with_and_without_transparency(tmp_path):
    picture = Image.new("P", (3, 1))
    picture.putpalette([*RED, *GREEN, *BLUE])
    picture.putdata([0, 1, 2])
    assert reopened(picture, tmp_path / "plain.png").tolist() == [[list(RED), list(GREEN), list(BLUE)]]
    assert reopened(picture, tmp_path / "one.png", transparency=1).tolist() == [[list(RED), list(WHITE), list(BLUE)]]
    shades = reopened(picture, tmp_path / "many.png", transparency=bytes([255, 0, 51]))
    assert shades.tolist() == [[list(RED), list(WHITE), [204, 204, 255]]]
    assert reopened(picture, tmp_path / "one.gif", transparency=1).tolist() == [[list(RED), list(WHITE), list(BLUE)]]


def test_a_transparent_colour_is_laid_over_white(tmp_path):
    picture = Image.fromarray(np.array([[RED, GREEN]], np.uint8))
    assert reopened(picture, tmp_path / "x.png", transparency=GREEN).tolist() == [[list(RED), list(WHITE)]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif", "x.webp"])
def test_every_orientation_is_turned_upright(tmp_path, orientation, name):
    upright = Image.new("RGB", (64, 32), WHITE)
    upright.paste(BLACK, (0, 0, 16, 16))  # a mark in the upper left corner tells all eight apart
    upright.paste(RED, (48, 0, 64, 16))
    turns = Image.Transpose
    # How the sensor saw it: the inverse of what the tag asks for (EXIF 2.32, table 8).
    seen = {
        1: None, 2: turns.FLIP_LEFT_RIGHT, 3: turns.ROTATE_180, 4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE, 6: turns.ROTATE_90, 7: turns.TRANSVERSE, 8: turns.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = upright if seen is None else upright.transpose(seen)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if name == "x.jpg" else {"lossless": True} if name == "x.webp" else {}
    pixels = reopened(stored, tmp_path / name, exif=exif, **options)
    assert np.abs(pixels - np.asarray(upright).astype(int)).mean() < 4


@pytest.mark.parametrize("depth", ["I;16", "F"])
def test_wide_pictures_are_turned_too(tmp_path, depth):
    values = RAMP if depth == "I;16" else (RAMP / 257).astype(np.float32)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(values)
    pixels = reopened(picture, tmp_path / ("x.png" if depth == "I;16" else "x.tif"), exif=exif)
    assert np.abs(pixels[..., 0] - np.rot90(RAMP / 257, -1)).max() <= 0.51


@pytest.mark.filterwarnings("ignore:.*EXIF.*", "ignore:Tag data")
@pytest.mark.parametrize(
    "block",
    [
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0\0\0\0\0",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x03\0\0\0ab\0\0\0\0\0\0",
        b"Exif\0\0II*\0\x08\0\0\0\xff\0\x12\x01\x02\0\xff\0\0\0\x09\0\0\0",
    ],
)
def test_a_damaged_exif_block_does_not_cost_the_picture(tmp_path, block):
    assert np.abs(reopened(Image.new("RGB", (16, 8), RED), tmp_path / "x.jpg", exif=block) - RED).max() <= 2


def test_an_exif_parser_that_fails_is_no_reason_to_lose_the_pixels(monkeypatch):
    picture = Image.new("RGB", (4, 2), GREEN)

    def fail() -> None:
        raise TypeError("not what it should be")

    monkeypatch.setattr(picture, "getexif", fail)
    assert to_rgb(picture).size == (4, 2)


@pytest.mark.parametrize("name", ["x.gif", "x.webp", "x.png", "x.tif"])
def test_of_an_animation_the_first_frame_counts(tmp_path, name):
    frames = [Image.new("RGB", (16, 8), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if name == "x.webp" else {}
    pixels = reopened(frames[0], tmp_path / name, save_all=True, append_images=frames[1:], **options)
    assert pixels.shape == (8, 16, 3)
    assert np.abs(pixels - RED).max() <= 1


def test_of_a_multi_picture_jpeg_the_first_counts(tmp_path):
    path = tmp_path / "x.jpg"
    Image.new("RGB", (800, 640), RED).save(
        path, format="MPO", save_all=True, append_images=[Image.new("RGB", (80, 64), BLUE)]
    )
    full, shrunk = open_rgb(str(path)), open_rgb(str(path), short_side=100)
    assert full.size == (800, 640)
    assert shrunk.size == (200, 160)
    assert np.abs(np.asarray(shrunk).astype(int) - RED).max() <= 2


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_odd_sizes(tmp_path, size):
    for name in ("x.png", "x.jpg", "x.tif"):
        assert open_rgb(str(written(Image.new("RGB", size, RED), tmp_path / name)), 224).size == size


def written(picture: Image.Image, path: Path) -> Path:
    picture.save(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("size", [(640, 480), (641, 479), (1793, 1788), (448, 900), (1000, 3584), (2000, 447)])
@pytest.mark.parametrize("short_side", [56, 224, 447, 448])
def test_a_draft_keeps_the_short_side_and_the_picture(tmp_path, size, short_side):
    path = written(photograph(*size), tmp_path / "x.jpg")
    full, shrunk = open_rgb(str(path)), open_rgb(str(path), short_side)
    assert min(shrunk.size) >= min(short_side, *size)
    assert shrunk.size[0] / shrunk.size[1] == pytest.approx(size[0] / size[1], rel=0.03)
    # A backbone's input has half the pixels that decoding keeps: there the two must look alike.
    share = short_side / 2 / min(size)
    asked = (round(size[0] * share), round(size[1] * share))
    difference = np.subtract(*(np.asarray(p.resize(asked, Image.Resampling.BOX)).astype(int) for p in (full, shrunk)))
    # Half-sized chroma blurs steep places, and a last block that is not full shifts them by a fraction of a pixel.
    assert np.quantile(np.abs(difference), 0.98) <= (5 if short_side > 56 else 10)
    assert np.abs(difference).mean() < (1 if short_side > 56 else 2)


@pytest.mark.slow
def test_a_draft_saves_work_where_it_can(tmp_path):
    path = written(photograph(1792, 1792), tmp_path / "x.jpg")
    assert open_rgb(str(path), 448).size == (448, 448)
    assert open_rgb(str(path), 449).size == (896, 896)


@pytest.mark.parametrize("short_side", [0, -5])
def test_no_draft_is_asked_for(tmp_path, short_side):
    path = written(photograph(640, 480), tmp_path / "x.jpg")
    assert open_rgb(str(path), short_side).size == (640, 480)


def test_a_draft_of_what_is_no_jpeg_or_is_decoded_already_changes_nothing(tmp_path):
    for name in ("x.png", "x.jpg"):
        with Image.open(written(photograph(640, 480), tmp_path / name)) as image:
            image.load()
            draft(image, 64)
            assert image.size == (640, 480)
    picture = photograph(640, 480)
    draft(picture, 64)
    assert picture.size == (640, 480)


def test_a_draft_of_a_turned_photograph(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph(640, 480).save(tmp_path / "x.jpg", exif=exif)
    assert open_rgb(str(tmp_path / "x.jpg"), 100).size == (120, 160)


def test_grey_and_cmyk_photographs_can_be_drafted(tmp_path):
    for mode in ("L", "CMYK"):
        photograph(640, 480).convert(mode).save(tmp_path / "x.jpg")
        assert open_rgb(str(tmp_path / "x.jpg"), 100).size == (160, 120)


def test_the_given_picture_is_left_alone():
    picture = photograph(20, 10)
    before = picture.tobytes()
    copy = to_rgb(picture)
    copy.paste(BLACK, (0, 0, 20, 10))
    assert picture.tobytes() == before


def test_a_picture_that_is_cut_short_is_refused(tmp_path):
    path = written(photograph(640, 480), tmp_path / "x.jpg")
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(OSError, match="truncated"):
        open_rgb(str(cut))
