"""TIFFs: each of many kinds is read as the picture it was written from, or refused by name; never as another."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hybridwing.errors import ImageError
from hybridwing.images.decode import ReadOptions, read_rgb
from hybridwing.runtime.decode import FORMATS, to_rgb

if TYPE_CHECKING:
    from pathlib import Path

HEIGHT, WIDTH = 37, 53
_rows, _columns = np.mgrid[0:HEIGHT, 0:WIDTH]
GREY = np.clip(20 + 4 * _rows + _columns, 0, 255).astype(np.uint8)
GREY[3:9, 5:20] = 255
COLOUR = np.stack([GREY, np.roll(GREY, 7, 1), 255 - GREY], axis=-1)


def written(data: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    options.setdefault("metadata", None)
    with tifffile.TiffWriter(
        out, byteorder=options.pop("byteorder", "<"), bigtiff=options.pop("bigtiff", False)
    ) as writer:
        writer.write(data, **options)
    return out.getvalue()


def read(folder: Path, content: bytes, **options: Any) -> np.ndarray:
    path = folder / "x.tif"
    path.write_bytes(content)
    return np.asarray(read_rgb(path, options=ReadOptions(**options)))


def refused(folder: Path, content: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        read(folder, content)
    return caught.value.reason


def in_a_submission(content: bytes) -> np.ndarray | None:
    """What Pillow makes of it in a submission; None where that refuses."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return np.asarray(to_rgb(image))
    except (OSError, ValueError, SyntaxError, UserWarning):  # it warns of big-endian BigTIFFs
        return None


def rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=-1)


DEPTHS = ["uint8", "uint16", "uint32", "float16", "float32", "float64"]
COMPRESSIONS = [None, "lzw", "zlib", "adobe_deflate", "packbits", "zstd", "lzma"]


def deep(picture: np.ndarray, depth: str) -> np.ndarray:
    """The same picture with other samples."""
    if depth.startswith("float"):
        return (picture / 255).astype(depth)
    full = int(np.iinfo(depth).max)
    return (picture.astype(np.uint64) * (full // 255)).astype(depth)


@given(
    depth=st.sampled_from(DEPTHS),
    colours=st.sampled_from(["minisblack", "miniswhite", "rgb"]),
    planar=st.sampled_from(["contig", "separate"]),
    compression=st.sampled_from(COMPRESSIONS),
    predictor=st.booleans(),
    tiled=st.booleans(),
    rows=st.sampled_from([None, 1, 8]),
    byteorder=st.sampled_from("<>"),
    bigtiff=st.booleans(),
    alpha=st.sampled_from([None, "unassalpha", "assocalpha", "unspecified"]),
    orientation=st.integers(1, 8),
)
def test_every_arrangement_of_samples_gives_the_picture_or_is_refused(
    tmp_path, depth, colours, planar, compression, predictor, tiled, rows, byteorder, bigtiff, alpha, orientation
):
    base = COLOUR if colours == "rgb" else GREY
    data = deep(base, depth)
    white = 1 if depth.startswith("float") else np.iinfo(depth).max
    if colours == "miniswhite":
        data = (white - data).astype(depth)
    extra: dict[str, Any] = {}
    if alpha and colours == "rgb":
        data = np.concatenate([data, np.full((HEIGHT, WIDTH, 1), white, depth)], axis=-1)
        extra["extrasamples"] = [alpha]
    if colours == "rgb":
        extra["planarconfig"] = planar
        if planar == "separate":
            data = np.ascontiguousarray(np.moveaxis(data, -1, 0))
    if compression in ("lzw", "zlib", "adobe_deflate", "zstd") and predictor:
        extra["predictor"] = True
    if tiled:
        extra["tile"] = (16, 32)
    elif rows:
        extra["rowsperstrip"] = rows
    content = written(
        data,
        photometric=colours,
        compression=compression,
        byteorder=byteorder,
        bigtiff=bigtiff,
        extratags=[(274, "H", 1, orientation, True)],
        **extra,
    )
    turned = Image.fromarray(base if colours == "rgb" else rgb(base))
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    expected = np.asarray(turned.transpose(turns[orientation]) if orientation in turns else turned)
    try:
        made = read(tmp_path, content)
    except ImageError as error:
        reason = error.reason
        made = None
    if made is None:
        assert (depth[:5], colours, "white as zero" in reason) == ("float", "miniswhite", True)
    else:
        # Half floats have 11 bits.
        assert np.abs(made.astype(int) - expected).max() <= (1 if depth == "float16" else 0)
    submission = in_a_submission(content)
    if submission is not None:
        assert np.array_equal(submission, expected)


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("compression", [None, "packbits", "lzw", "zlib"])
def test_few_bits_are_spread_over_all_of_the_range(tmp_path, bits, white_is_zero, compression):
    if bits > 1 and compression:
        pytest.skip("tifffile does not write it")
    full = 2**bits - 1
    values = (GREY.astype(int) * full // 255).astype(np.uint8)
    stored = full - values if white_is_zero else values
    if bits == 1:
        content = written(
            stored.astype(bool), photometric="miniswhite" if white_is_zero else "minisblack", compression=compression
        )
    else:
        content = written(
            stored,
            photometric="miniswhite" if white_is_zero else "minisblack",
            bitspersample=bits,
            compression=compression,
        )
    expected = rgb((values.astype(int) * 255 // full).astype(np.uint8))
    assert np.array_equal(read(tmp_path, content), expected)
    if (submission := in_a_submission(content)) is not None:
        assert np.array_equal(submission, expected)


@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_packed_bits_are_scaled_by_their_number(tmp_path, bits):
    full = 2**bits - 1
    values = np.rint(GREY / 255 * full).astype(np.uint16)
    content = written(values, photometric="minisblack", bitspersample=bits)
    assert np.array_equal(read(tmp_path, content), rgb(GREY))
    assert in_a_submission(content) is None


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("holder", ["uint16", "uint32"])
def test_fewer_bits_than_their_samples_hold_are_read_by_the_files_maximum_or_told(
    tmp_path, bits, white_is_zero, holder
):
    full = 2**bits - 1
    values = np.rint(GREY / 255 * full).astype(holder)
    stored = full - values if white_is_zero else values
    kind = "miniswhite" if white_is_zero else "minisblack"
    stated = written(stored, photometric=kind, extratags=[(281, "H", 1, full, True)])
    assert np.array_equal(read(tmp_path, stated), rgb(GREY))
    silent = written(stored, photometric=kind)
    if holder == "uint32" and bits == 8:
        assert np.array_equal(read(tmp_path, silent), rgb(GREY))
        return
    reason = refused(tmp_path, silent)
    assert "it holds fewer bits than it says, or is nearly black" in reason
    assert "--allow-damaged" in reason
    assert read(tmp_path, silent, allow_damaged=True).shape == (HEIGHT, WIDTH, 3)


def test_a_maximum_that_is_no_number_of_bits_is_not_believed(tmp_path):
    content = written(deep(GREY, "uint16"), photometric="minisblack", extratags=[(281, "H", 1, 65000, True)])
    assert np.array_equal(read(tmp_path, content), rgb(GREY))


@pytest.mark.parametrize("depth", ["uint8", "uint16"])
@pytest.mark.parametrize("transparency", ["unassalpha", "assocalpha", "unspecified"])
@pytest.mark.parametrize("grey", [False, True])
def test_transparency_is_laid_over_white(tmp_path, depth, transparency, grey):
    share = 0.4
    base = GREY[..., None] if grey else COLOUR
    colours = base * (share if transparency == "assocalpha" else 1)
    data = np.concatenate([np.rint(colours), np.full((HEIGHT, WIDTH, 1), round(255 * share))], axis=-1)
    content = written(
        deep(data.astype(np.uint8), depth), photometric="minisblack" if grey else "rgb", planarconfig="contig",
        extrasamples=[transparency],
    )  # fmt: skip
    expected = base if transparency == "unspecified" else base * share + 255 * (1 - share)
    made = read(tmp_path, content)
    assert np.abs(made - expected.astype(float)).max() <= 2
    submission = in_a_submission(content)
    if submission is not None:
        assert np.array_equal(submission, made)


@pytest.mark.parametrize("small", [False, True])
def test_palettes_of_16_bits_and_of_8(tmp_path, small):
    palette = np.stack([np.arange(256), np.arange(256)[::-1], np.roll(np.arange(256), 9)])
    content = written(GREY, photometric="palette", colormap=(palette * (1 if small else 257)).astype(np.uint16))
    assert np.array_equal(read(tmp_path, content), palette.T[GREY])
    if not small:
        assert np.array_equal(in_a_submission(content), palette.T[GREY])


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("CMYK", {}), ("CMYK", {"compression": "tiff_lzw"}), ("LAB", {}), ("RGB", {"compression": "jpeg"}),
        ("L", {"compression": "jpeg"}), ("YCbCr", {}), ("1", {"compression": "group4"}),
        ("1", {"compression": "group3"}),
        ("RGB", {"compression": "tiff_adobe_deflate"}), ("RGBA", {}), ("LA", {}), ("P", {}),
        ("PA", {}), ("I;16", {}), ("I", {}), ("F", {}),
    ],
)  # fmt: skip
def test_what_pillow_writes_is_read_as_pillow_reads_it(tmp_path, mode, options):
    picture = Image.fromarray(COLOUR)
    if mode == "I;16":
        picture = Image.fromarray(deep(GREY, "uint16"))
    elif mode in ("I", "F"):
        picture = Image.fromarray(GREY).convert(mode)
    elif mode == "LAB":
        picture = Image.frombytes("LAB", (WIDTH, HEIGHT), COLOUR.tobytes())
    else:
        picture = picture.convert(mode)
    out = io.BytesIO()
    try:
        picture.save(out, "TIFF", **options)
    except OSError:
        pytest.skip("Pillow does not write it")
    submission = in_a_submission(out.getvalue())
    try:
        made = read(tmp_path, out.getvalue())
    except ImageError as error:
        made, reason = None, error.reason
    assert "not read" in reason if made is None else np.array_equal(made, submission)


def pages(*given: tuple[np.ndarray, dict[str, Any]], **options: Any) -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, **options) as writer:
        for data, each in given:
            writer.write(data, photometric="rgb", metadata=None, **each)
    return out.getvalue()


SMALL = np.zeros((9, 13, 3), np.uint8)


@pytest.mark.parametrize("flagged", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_a_thumbnail_is_not_the_photograph(tmp_path, flagged, first):
    both = [(SMALL, {"subfiletype": 1} if flagged else {}), (COLOUR, {})]
    content = pages(*(both if first else both[::-1]))
    assert np.array_equal(read(tmp_path, content), COLOUR)


def test_the_levels_of_a_pyramid_and_masks_do_not_count(tmp_path):
    half = COLOUR[::2, ::2]
    assert np.array_equal(read(tmp_path, pages((COLOUR, {}), (half, {}), (half[::2, ::2], {}))), COLOUR)
    assert np.array_equal(read(tmp_path, pages((COLOUR, {"subifds": 1}), (half, {"subfiletype": 1}))), COLOUR)
    assert np.array_equal(read(tmp_path, pages((half, {"subifds": 1, "subfiletype": 1}), (COLOUR, {}))), COLOUR)


def test_several_pictures_in_one_file_are_counted_and_refused(tmp_path):
    content = pages((COLOUR, {}), (COLOUR[::-1], {}), (SMALL, {"subfiletype": 1}))
    assert refused(tmp_path, content) == "a TIFF that holds 2 pictures: export each as a file of its own"
    other = np.ascontiguousarray(COLOUR[:-3, :-4])
    assert "holds 2 pictures" in refused(tmp_path, pages((COLOUR, {}), (other, {})))
    out = io.BytesIO()
    tifffile.imwrite(out, np.stack([GREY, GREY[::-1], GREY]), imagej=True)
    assert "holds 3 pictures" in refused(tmp_path, out.getvalue())


@pytest.mark.parametrize(
    "content",
    [
        written(GREY, photometric="cfa"),
        written(COLOUR, photometric=34892, planarconfig="contig"),
        pages((SMALL, {"extratags": [(50706, "B", 4, (1, 4, 0, 0), True)]})),
        b"II*\0\x10\0\0\0CR\x02\0" + bytes(64),
    ],
    ids=["colour filter array", "linear raw", "DNG", "CR2"],
)
def test_camera_raw_files_are_named_whatever_they_are_called(tmp_path, content):
    assert "a camera raw file, which is not developed here: export it as a JPEG or TIFF" in refused(tmp_path, content)


def test_a_tiff_with_the_name_of_a_raw_file_is_one(tmp_path):
    path = tmp_path / "DSC_0001.NEF"
    path.write_bytes(written(SMALL, photometric="rgb"))
    with pytest.raises(ImageError, match="camera raw"):
        read_rgb(path)


def three_channels_of_grey() -> bytes:
    """An RGB TIFF whose photometric interpretation is changed."""
    content = bytearray(written(COLOUR, photometric="rgb"))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as file:
        content[file.pages[0].tags[262].valueoffset] = 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "feature"),
    [
        (written(COLOUR, photometric="icclab"), "ICC L"),
        (written(COLOUR, photometric="logluv"), "LogLuv"),
        (written(deep(COLOUR, "uint16"), photometric="cielab"), "bits"),
        (written(GREY.astype(np.int8), photometric="minisblack"), "signed samples"),
        (written(GREY.astype(np.uint64), photometric="minisblack"), "samples of 64 bits"),
        (written(GREY.astype(np.complex64), photometric="minisblack"), "samples of"),
        (three_channels_of_grey(), "3 channels of grey"),
        (written(np.stack([GREY] * 4, -1), photometric="separated", extratags=[(332, "H", 1, 2, True)]), "inks"),
        (written(GREY / np.float32(90), photometric="minisblack"), "nothing says what white is"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_named_with_the_remedy(tmp_path, content, feature):
    reason = refused(tmp_path, content)
    assert feature in reason


@pytest.mark.parametrize("compression", [None, "lzw", "packbits", "zlib", "jpeg"])
@pytest.mark.parametrize("tiled", [False, True])
def test_missing_and_shortened_parts_are_damage(tmp_path, compression, tiled):
    options: dict[str, Any] = {"tile": (16, 16)} if tiled else {"rowsperstrip": 8}
    content = bytearray(written(COLOUR, photometric="rgb", compression=compression, **options))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as file:
        counts = file.pages[0].tags[325 if tiled else 279]
        first, size = counts.valueoffset, 2 if counts.dtype == 3 else 4
        stored = counts.value[0]
    for left in (0, stored // 2):
        content[first : first + size] = left.to_bytes(size, "little")
        assert "damaged or cut short" in refused(tmp_path, bytes(content))


def test_nothing_is_printed_for_odd_or_damaged_files(tmp_path, capfd):
    content = bytearray(written(COLOUR, photometric="rgb", compression="lzw", extratags=[(65001, "s", 0, "odd", True)]))
    content[40:60] = bytes(20)
    path = tmp_path / "x.tif"
    path.write_bytes(bytes(content))
    with pytest.raises(ImageError):
        read_rgb(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "right"), [("planar16", "base"), ("white_is_zero16", "base_grey"), ("thumbnail_first", "base")]
)
def test_the_cases_that_came_out_wrong(shared, name, right):
    folder = shared / "cases" / "images"
    made = np.asarray(read_rgb(folder / f"{name}.tif"))
    assert np.array_equal(made, np.asarray(Image.open(folder / f"{right}.png").convert("RGB")))


def test_the_case_of_twelve_bits_in_sixteen_is_told(shared):
    with pytest.raises(ImageError, match="brightest sample is 3456 of 65535"):
        read_rgb(shared / "cases" / "images" / "twelve_bits_in_16.tif")
