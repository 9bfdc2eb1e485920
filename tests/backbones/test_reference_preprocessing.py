"""Inputs are those of each family's own preprocessing, to within 1/255 a pixel, on photographs of odd sizes too."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from hybridwing.backbones.entries import backbone_entries, find_entry
from hybridwing.runtime.preprocess import Preprocess, to_input
from hybridwing.simulate.plan import Slot
from hybridwing.simulate.specimen import render
from hybridwing.simulate.strata import FIRST_RECORD, STRATA

if TYPE_CHECKING:
    from hybridwing.backbones.entries import BackboneEntry

#: Width and height; portraits and landscapes, even and odd, near the input's size and far from it.
SIZES = [(512, 384), (517, 389), (391, 640), (301, 227), (224, 224), (225, 1001), (1003, 749), (257, 255), (150, 97)]
HUB = [entry for entry in backbone_entries() if entry.repository]
#: One of those that are preprocessed alike.
FAMILIES = [find_entry(name) for name in ("bioclip", "dinov2-small", "dinov3-small")]


@lru_cache(maxsize=1)
def original() -> Image.Image:
    return render(Slot(0, STRATA[0], FIRST_RECORD + 3, "train", False, False), 11, 640).picture


def photograph(size: tuple[int, int]) -> Image.Image:
    return original().resize(size, Image.Resampling.LANCZOS)


def to_pixels(value: np.ndarray, prep: Preprocess) -> np.ndarray:
    """Undo the normalisation: values in [0, 1]."""
    return value.transpose(1, 2, 0) * np.asarray(prep.std) + np.asarray(prep.mean)


def preprocessing(name: str) -> Preprocess:
    entry = find_entry(name)
    assert entry is not None
    assert entry.preprocess is not None
    return entry.preprocess


def cut_like_torchvision(picture: Image.Image, side: int) -> Image.Image:
    """torchvision's ``CenterCrop`` of a PIL image (``functional.center_crop``), written down anew."""
    left = int(round((picture.width - side) / 2.0))  # noqa: RUF046 - as torchvision writes it
    top = int(round((picture.height - side) / 2.0))  # noqa: RUF046
    return picture.crop((left, top, left + side, top + side))


def shortest(picture: Image.Image, short: int) -> Image.Image:
    """torchvision's ``Resize(short)`` of a PIL image: the long side is cut to a whole number."""
    width, height = picture.size
    size = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    return picture.resize(size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "short"), [("bioclip-2", 224), ("dinov2-base", 256)])
def test_as_open_clip_and_dinov2_prepare_pictures(name, short, size):
    """Both resize the short side with Pillow's bicubic filter and cut the centre, by torchvision."""
    prep = preprocessing(name)
    expected = np.asarray(cut_like_torchvision(shortest(photograph(size), short), 224), np.float64) / 255
    found = to_pixels(to_input(photograph(size), prep), prep)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_as_dinov3_prepares_pictures(size):
    """Its processor scales to [0, 1] first and resizes in floating point, bilinear with antialias."""
    torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    prep = preprocessing("dinov3-base")
    pixels = torch.from_numpy(np.asarray(photograph(size), np.float32) / 255).permute(2, 0, 1)[None]
    expected = torch.nn.functional.interpolate(
        pixels, (224, 224), mode="bilinear", align_corners=False, antialias=True
    )[0]
    found = to_pixels(to_input(photograph(size), prep), prep)
    assert np.abs(found - expected.permute(1, 2, 0).numpy()).max() <= 1 / 255


def cut_of_transformers(entry: BackboneEntry, size: tuple[int, int]) -> bool:
    """Whether transformers cuts elsewhere: it rounds half a pixel down, torchvision to the even one."""
    prep = entry.preprocess
    assert prep is not None
    long = int(prep.resize_to * max(size) / min(size))
    return prep.resize == "shortest" and (long - prep.size) % 4 == 3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("entry", FAMILIES, ids=lambda entry: entry.name)
def test_as_transformers_own_processors(entry, size):
    transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    prep = entry.preprocess
    squashed = prep.resize == "squash"
    kind = "ViT" if squashed else "CLIP" if entry.layout == "open_clip" else "Bit"
    name = f"{kind}ImageProcessorPil"
    if not hasattr(transformers, name):
        pytest.skip(f"this release of transformers has no {name}")
    square = {"height": 224, "width": 224}
    processor = getattr(transformers, name)(
        size=square if squashed else {"shortest_edge": prep.resize_to},
        resample={"bilinear": 2, "bicubic": 3}[prep.interpolation],
        image_mean=list(prep.mean),
        image_std=list(prep.std),
        **({} if squashed else {"do_center_crop": True, "crop_size": square}),
    )
    expected = to_pixels(processor(photograph(size), return_tensors="np")["pixel_values"][0], prep)
    found = to_pixels(to_input(photograph(size), prep), prep)
    if not cut_of_transformers(entry, size):
        assert np.abs(found - expected).max() <= 1 / 255
        return
    # One pixel off along the long side, and equal when that is allowed for.
    moved = (found[:, :-1], expected[:, 1:]) if size[0] > size[1] else (found[:-1], expected[1:])
    assert np.abs(found - expected).max() > 1 / 255
    assert np.abs(moved[0] - moved[1]).max() <= 1 / 255


def test_every_family_is_tested():
    assert {entry.preprocess for entry in FAMILIES} == {entry.preprocess for entry in HUB}


def test_some_of_the_sizes_are_those_where_transformers_differs():
    off = {entry.name: [size for size in SIZES if cut_of_transformers(entry, size)] for entry in FAMILIES}
    assert off == {
        "bioclip": [(1003, 749)], "dinov2-small": [(391, 640), (301, 227), (150, 97)], "dinov3-small": [],
    }  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_as_torchvision_itself(size):
    transforms = pytest.importorskip("torchvision.transforms", reason="torchvision is not installed")
    for name, short in (("bioclip-2", 224), ("dinov2-base", 256)):
        prep = preprocessing(name)
        bicubic = transforms.InterpolationMode.BICUBIC
        steps = (
            transforms.Resize(short, bicubic, antialias=True), transforms.CenterCrop(224), transforms.ToTensor(),
            transforms.Normalize(prep.mean, prep.std),
        )  # fmt: skip
        expected = transforms.Compose(steps)(photograph(size)).numpy()
        np.testing.assert_allclose(to_input(photograph(size), prep), expected, rtol=0, atol=2e-6)
