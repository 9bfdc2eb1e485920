from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hybridwing.backbones.settings import assumption, read_preprocess
from hybridwing.errors import BackboneError
from hybridwing.runtime.preprocess import Preprocess, to_input

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}

CUT = {"do_center_crop": True, "crop_size": {"height": 224, "width": 224}}

#: Settings as well-known models publish them, and what they mean: resize, size, short side before the cut, filter.
KNOWN = {
    "MobileNetV2": (
        {"size": {"shortest_edge": 256}, **CUT},
        ("shortest", 224, 256, "bilinear"),
    ),
    "DINOv2": (
        {"size": {"shortest_edge": 256}, **CUT, "resample": 3},
        ("shortest", 224, 256, "bicubic"),
    ),
    "DINOv3": ({"size": {"height": 224, "width": 224}, "resample": 2}, ("squash", 224, 224, "bilinear")),
    "ViT": ({"size": {"height": 384, "width": 384}}, ("squash", 384, 384, "bilinear")),
    "ViT, old": ({"size": 224, "resample": 2}, ("squash", 224, 224, "bilinear")),
    "CLIP": (
        {"size": {"shortest_edge": 224}, **CUT, "resample": 3},
        ("shortest", 224, 224, "bicubic"),
    ),
    "CLIP, old": (
        {"size": 224, "do_center_crop": True, "crop_size": 224, "resample": 3},
        ("shortest", 224, 224, "bicubic"),
    ),
    "ConvNeXt": ({"size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": 3}, ("shortest", 224, 256, "bicubic")),
    "ConvNeXt, old": ({"size": 224, "crop_pct": 0.875, "resample": 3}, ("shortest", 224, 256, "bicubic")),
    "ConvNeXt, large": (
        {"size": {"shortest_edge": 384}, "crop_pct": 0.875, "resample": 3},
        ("squash", 384, 384, "bicubic"),
    ),
    "PoolFormer": (
        {"size": {"shortest_edge": 224}, "crop_pct": 0.9, **CUT},
        ("shortest", 224, 248, "bilinear"),
    ),
    "DeiT": (
        {"size": {"height": 256, "width": 256}, **CUT},
        ("shortest", 224, 256, "bilinear"),
    ),
    "cut to a short side": (
        {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"shortest_edge": 224}},
        ("shortest", 224, 256, "bilinear"),
    ),
    "a cut larger than the resize": (
        {"size": {"shortest_edge": 200}, **CUT, "resample": 3},
        ("shortest", 224, 200, "bicubic"),
    ),
    "a cut larger than the resize, odd": (
        {"size": {"shortest_edge": 197}, **CUT, "resample": 3},
        ("shortest", 224, 197, "bicubic"),
    ),
    "without a size": ({}, ("squash", 224, 224, "bilinear")),
    "cut to its size": ({"size": {"shortest_edge": 240}, "do_center_crop": True}, ("shortest", 240, 240, "bilinear")),
    "not cut": ({"size": {"shortest_edge": 240}, "do_center_crop": False}, ("shortest", 240, 240, "bilinear")),
}


LARGER = [name for name in KNOWN if name.startswith("a cut larger")]


def described(folder: Any, values: Any, name: str = "preprocessor_config.json") -> Preprocess:
    (folder / name).write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    return read_preprocess(folder)


@pytest.mark.parametrize("model", KNOWN)
def test_settings_of_well_known_models(tmp_path, model):
    values, (resize, size, resize_to, interpolation) = KNOWN[model]
    found = described(tmp_path, {**values, **IMAGENET})
    assert (found.resize, found.size, found.resize_to, found.interpolation) == (resize, size, resize_to, interpolation)
    assert (found.mean, found.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert found.view == "whole"


@pytest.mark.parametrize(
    ("number", "name"), list(enumerate(["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]))
)
def test_filters_go_by_pillows_numbers(tmp_path, number, name):
    assert described(tmp_path, {"resample": number, **HALF}).interpolation == name


def test_whole_numbers_and_floats_are_one_setting(tmp_path):
    whole = described(tmp_path, {"image_mean": [0, 0, 0], "image_std": [1, 1, 1]})
    assert whole.to_dict() == described(tmp_path, {"image_mean": [0.0] * 3, "image_std": [1.0] * 3}).to_dict()
    assert Preprocess.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


def test_without_normalisation(tmp_path):
    found = described(tmp_path, {"do_normalize": False})
    assert (found.mean, found.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_a_folder_without_settings_gets_those_of_imagenet_and_it_is_said(tmp_path):
    found = read_preprocess(tmp_path)
    said = assumption(tmp_path, found)
    assert "no preprocessor_config.json: pictures are squashed to 224 × 224, normalised with the means of" in said
    described(tmp_path, HALF)
    assert assumption(tmp_path, found) == ""
    assert (found.resize, found.size, found.mean, found.std) == (
        "squash", 224, tuple(IMAGENET["image_mean"]), tuple(IMAGENET["image_std"]),
    )  # fmt: skip


def test_settings_inside_those_of_a_processor(tmp_path):
    values = {"image_processor": {"size": {"height": 96, "width": 96}, **HALF}, "processor_class": "CLIPProcessor"}
    assert described(tmp_path, values, "processor_config.json").size == 96
    assert described(tmp_path, {"size": {"height": 64, "width": 64}, **HALF}).size == 64


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("{", "Expecting property name"),
        ("", "Expecting value"),
        ("[]", "get"),
        ("null", "get"),
        ({**HALF, "size": {"height": 224, "width": 256}}, "only square inputs are offered, not 224 × 256"),
        ({**HALF, "do_center_crop": True, "crop_size": {"height": 224, "width": 256}}, "only square inputs"),
        ({**HALF, "size": {"height": 200, "width": 200}, **CUT}, "a cut of 224 pixels from a square of 200"),
        ({**HALF, "size": {"longest_edge": 1024}}, "'height' is missing"),
        ({**HALF, "size": {"height": 4, "width": 4}}, "size must be a whole number"),
        ({**HALF, "size": [224, 224]}, "list"),
        ({**HALF, "resample": 9}, "9 is missing or unknown"),
        ({**HALF, "resample": None}, "NoneType"),
        ({}, "'image_mean' is missing"),
        ({"image_mean": [0.5, 0.5, 0.5]}, "'image_std' is missing"),
        ({**HALF, "image_std": [0, 1, 1]}, "std must be positive"),
        ({**HALF, "image_mean": [0.5]}, "mean must hold three finite numbers"),
        ({**HALF, "image_mean": 0.5}, "not iterable"),
        ({**HALF, "do_rescale": False}, "only RGB values scaled by 1/255"),
        ({**HALF, "rescale_factor": 1 / 127.5}, "only RGB values scaled by 1/255"),
        ({**HALF, "rescale_factor": 0}, "division by zero"),
    ],
)
def test_settings_that_cannot_be_carried_out(tmp_path, values, said):
    with pytest.raises(BackboneError) as caught:
        described(tmp_path, values)
    assert f"{tmp_path / 'preprocessor_config.json'} does not describe a preprocessing that can be" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("size", [(300, 200), (201, 333), (224, 224)])
@pytest.mark.parametrize("model", ["MobileNetV2", "DINOv2", "ViT", "CLIP", "ConvNeXt", "ConvNeXt, large", *LARGER])
def test_inputs_agree_with_transformers_own_processor(tmp_path, model, size):
    transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    names = {"MobileNetV2": "MobileNetV2", "DINOv2": "Bit", "ViT": "ViT", "CLIP": "CLIP"} | dict.fromkeys(
        LARGER, "CLIP"
    )
    name = f"{names.get(model, 'ConvNext')}ImageProcessorPil"
    if not hasattr(transformers, name):
        pytest.skip(f"this release of transformers has no {name}")
    values = {**KNOWN[model][0], **HALF}
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8))
    expected = getattr(transformers, name)(**values)(picture, return_tensors="np")["pixel_values"][0]
    found = to_input(picture, described(tmp_path, values))
    assert found.shape == expected.shape
    # Its cut rounds down where torchvision, which we follow, rounds to even: compare where there is no such half.
    if size != (201, 333) or KNOWN[model][1][0] == "squash" or model in LARGER:
        np.testing.assert_allclose(found, expected, atol=1e-5)
