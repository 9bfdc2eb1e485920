"""One file from its bytes to a backbone's input: damage that is allowed, and memory that runs out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.load import load
from hybridwing.embeddings import preparing
from hybridwing.embeddings.job import embed_to_file
from hybridwing.embeddings.preparing import prepare_file
from hybridwing.images import decode, jpeg
from hybridwing.images.decode import ReadOptions
from hybridwing.runtime.preprocess import Prepared

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)


def prepare(image: Image.Image) -> Prepared:
    return Prepared(np.asarray(image, np.float32))


@pytest.fixture
def photograph(tmp_path) -> Path:
    Image.fromarray(PIXELS).save(tmp_path / "x.jpg")
    return tmp_path / "x.jpg"


@pytest.fixture
def damaged(photograph) -> Path:
    photograph.write_bytes(photograph.read_bytes()[:-900])
    return photograph


def test_a_damaged_picture_is_a_failure_with_its_reason_and_the_way_out(damaged):
    made = prepare_file(damaged, prepare, 0)
    assert made.prepared is None
    assert made.stage == "decode"
    assert made.reason == "damaged or cut short: Premature end of JPEG file; --allow-damaged uses what is left"


def test_where_damage_is_allowed_it_is_used_told_and_kept_out_of_the_cache(damaged):
    made = prepare_file(damaged, prepare, 0, options=ReadOptions(allow_damaged=True))
    assert made.prepared is not None
    assert made.damage == "damaged or cut short: Premature end of JPEG file"
    assert made.content == b""


def test_a_sound_picture_is_the_same_and_cached_where_damage_is_allowed(photograph):
    strict, lenient = (prepare_file(photograph, prepare, 0, options=ReadOptions(flag)) for flag in (False, True))
    assert strict.prepared is not None
    assert lenient.prepared is not None
    assert np.array_equal(strict.prepared.value, lenient.prepared.value)
    assert strict.content == lenient.content != b""
    assert lenient.damage == ""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "PNG"),
        (OSError("out of memory error when reading image file"), "PNG"),
        (MemoryError("Unable to allocate 700. MiB for an array"), "TIFF"),
        (ValueError("Insufficient memory (case 4)"), "JPEG"),
    ],
)
def test_memory_that_runs_out_while_decoding_is_not_called_damage(tmp_path, monkeypatch, error, kind):
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, kind)
    path = tmp_path / "x"
    path.write_bytes(out.getvalue())

    def fail(*_: object, **__: object) -> None:
        raise error

    places = {"PNG": (decode, "to_rgb"), "TIFF": (decode, "read_tiff"), "JPEG": (jpeg.simplejpeg, "decode_jpeg")}
    monkeypatch.setattr(*places[kind], fail)
    made = prepare_file(path, prepare, 0)
    assert (made.prepared, made.stage) == (None, "decode")
    assert made.reason.startswith("not enough memory to decode it, which does not mean that it is damaged")
    assert "--workers" in made.reason


def test_memory_that_runs_out_while_preparing_is_called_so(photograph):
    def fail(_: Image.Image) -> Prepared:
        raise MemoryError

    made = prepare_file(photograph, fail, 0)
    assert (made.stage, made.reason) == ("preprocess", preparing.OUT_OF_MEMORY)


def test_too_many_pixels_name_the_flag(photograph):
    made = prepare_file(photograph, prepare, 0, options=ReadOptions(max_megapixels=0.001))
    assert (made.stage, "--max-megapixels 1" in made.reason) == ("open", True)


def test_a_job_counts_the_damaged_pictures_that_it_used(damaged, tmp_path):
    summary = embed_to_file(
        [("a", damaged)], load("pattern"), tmp_path / "e.parquet", compute=Compute(allow_damaged=True)
    )
    assert (summary.embedded, summary.damaged, summary.failures) == (1, 1, ())
