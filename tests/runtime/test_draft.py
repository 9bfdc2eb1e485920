"""Decoding a JPEG at a fraction of its size, as large photographs are: what that does to inputs and embeddings."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from hybridwing.runtime.decode import draft, to_rgb
from hybridwing.runtime.preprocess import Preprocess, resized, to_input
from hybridwing.simulate.plan import Slot
from hybridwing.simulate.specimen import render
from hybridwing.simulate.strata import FIRST_RECORD, STRATA

if TYPE_CHECKING:
    from pathlib import Path

#: Just large enough that a quarter is what serves an input of 224 pixels, cut from 256.
SIZE = (3072, 2048)
COUNT = 3
PREPROCESSINGS = {
    "squashed, bilinear": Preprocess(),
    "cut, bicubic": Preprocess(resize="shortest", interpolation="bicubic"),
    "cut from 256, bilinear": Preprocess(resize="shortest", resize_to=256),
    "cut from 256, bicubic": Preprocess(resize="shortest", resize_to=256, interpolation="bicubic"),
}


def photograph(number: int) -> bytes:
    """A simulated photograph, enlarged, with the noise of a sensor on it (standard deviation 6 of 255)."""
    rng = np.random.default_rng(number)
    slot = Slot(number, STRATA[number], FIRST_RECORD + number, "train", False, False)
    picture = render(slot, 11, 768).picture.resize((SIZE[0], SIZE[0] * 3 // 4), Image.Resampling.BICUBIC)
    pixels = np.asarray(picture.crop((0, 128, SIZE[0], 128 + SIZE[1])), np.float32)
    pixels = pixels + 6 * rng.standard_normal(pixels.shape, dtype=np.float32)
    out = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(
        out, "JPEG", quality=92, subsampling=2 * (number % 2)
    )
    return out.getvalue()


@pytest.fixture(scope="module")
def photographs() -> list[bytes]:
    return [photograph(number) for number in range(COUNT)]


def decoded(content: bytes, short_side: int) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    draft(image, short_side)
    return to_rgb(image)


@pytest.fixture(scope="module")
def in_full(photographs: list[bytes]) -> list[Image.Image]:
    return [decoded(content, 0) for content in photographs]


@pytest.mark.slow
@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_no_pixel_of_the_input_is_far_off(photographs, in_full, name):
    prep = PREPROCESSINGS[name]
    for content, whole in zip(photographs, in_full, strict=True):
        small = decoded(content, prep.short_side)
        assert small.size == (SIZE[0] // 4, SIZE[1] // 4)
        off = np.asarray(resized(small, prep), int) - np.asarray(resized(whole, prep), int)
        assert np.abs(off).max() <= 6
        assert np.abs(off).mean() < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_the_embedding_stays(photographs, in_full, name, shared: Path):
    """With real weights; what is asked for is the cosine of the embedding of the draft to that of the whole."""
    pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    from hybridwing.runtime.encoder import Encoder

    encoder = Encoder(shared / "weights" / "mobilenet_v2_1.0_224", "cpu")
    prep = PREPROCESSINGS[name]
    whole = encoder.forward([to_input(picture, prep) for picture in in_full])
    small = encoder.forward([to_input(decoded(content, prep.short_side), prep) for content in photographs])

    def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)

    assert cosine(whole, small).min() > 0.999
    # Far nearer to its own than any two photographs are to each other.
    assert np.linalg.norm(whole - small, axis=1).max() < 0.2 * np.linalg.norm(whole[0] - whole[1])
