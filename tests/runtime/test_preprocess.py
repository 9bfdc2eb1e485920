from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hybridwing.runtime import preprocess as module
from hybridwing.runtime.preprocess import FILTERS, Preprocess, resized, to_input
from hybridwing.runtime.views import VERSION, VIEWS

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZES = [(640, 480), (481, 640), (224, 224), (257, 255), (100, 300), (31, 17), (1, 1), (225, 1000), (3000, 700)]


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8))


def reference(picture: Image.Image, prep: Preprocess) -> np.ndarray:
    """Restated from torchvision's documentation: resize the short side, the long one in proportion; cut the centre."""
    width, height = picture.size
    method = Image.Resampling[prep.interpolation.upper()]
    if prep.resize == "squash":
        scaled = picture.resize((prep.size, prep.size), method)
    elif width <= height:
        scaled = picture.resize((prep.resize_to, int(prep.resize_to * height / width)), method)
    else:
        scaled = picture.resize((int(prep.resize_to * width / height), prep.resize_to), method)
    left = int(round((scaled.width - prep.size) / 2.0))  # noqa: RUF046 - as torchvision writes it
    top = int(round((scaled.height - prep.size) / 2.0))  # noqa: RUF046
    pixels = np.asarray(scaled)[top : top + prep.size, left : left + prep.size].astype(np.float64) / 255
    return np.moveaxis((pixels - prep.mean) / prep.std, 2, 0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize(
    "settings",
    [
        {"resize": "squash", "size": 64},
        {"resize": "shortest", "size": 64, "resize_to": 64},
        {"resize": "shortest", "size": 64, "resize_to": 73},
        {"resize": "shortest", "size": 63, "resize_to": 74},
    ],
    ids=["squash", "shortest", "cut", "odd-cut"],
)
def test_input_agrees_with_a_restatement(settings, interpolation, size):
    prep = Preprocess(**settings, interpolation=interpolation, mean=MEAN, std=STD)
    value = to_input(noise(*size), prep)
    assert value.dtype == np.float32
    assert value.shape == (3, prep.size, prep.size)
    assert value.flags.c_contiguous
    np.testing.assert_allclose(value, reference(noise(*size), prep), rtol=0, atol=2e-6)


@pytest.mark.parametrize(("side", "offset"), [(224, 16), (223, 16), (225, 16), (221, 18)])
def test_the_cut_rounds_halves_to_even_as_torchvision_does(side, offset):
    columns = np.broadcast_to(np.arange(256, dtype=np.uint8), (256, 256))
    picture = Image.fromarray(np.stack([columns] * 3, axis=-1))
    cut = np.asarray(resized(picture, Preprocess(size=side, resize="shortest", resize_to=256)))
    assert cut[0, 0, 0] == offset
    assert cut[0, -1, 0] == offset + side - 1


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (20_000, 2)])
def test_a_long_strip_does_not_fill_the_memory(size):
    prep = Preprocess(size=224, resize="shortest", resize_to=256)
    assert to_input(Image.new("RGB", size, (255, 0, 0)), prep).mean(axis=(1, 2)).tolist() == [1.0, 0.0, 0.0]


def test_of_a_strip_the_middle_is_seen():
    strip = Image.new("RGB", (3300, 100), (0, 0, 0))
    strip.paste((255, 255, 255), (1600, 0, 1700, 100))
    value = to_input(strip, Preprocess(size=64, resize="shortest", resize_to=64, interpolation="nearest"))
    assert value.mean() > 0.98


def test_none_leaves_the_picture_to_the_backbone():
    picture = noise(40, 30)
    prep = Preprocess(size=16, resize="none")
    assert resized(picture, prep) is picture
    assert to_input(picture, prep).shape == (3, 30, 40)


@pytest.mark.parametrize(
    ("prep", "pixels"),
    [
        (Preprocess(size=224), 448),
        (Preprocess(size=224, resize_to=999), 448),
        (Preprocess(size=224, resize="shortest", resize_to=256), 512),
        (Preprocess(size=256, resize="none", view="specimen"), 512),
        (Preprocess(size=224, view="specimen"), 672),
        (Preprocess(size=224, view="forewings"), 756),
        (Preprocess(size=224, resize="shortest", resize_to=256, view="hindwings"), 864),
    ],
)
def test_decoding_keeps_enough_pixels_for_the_view(prep, pixels):
    assert prep.short_side == pixels


CHANGES: dict[str, Any] = {
    "size": 240,
    "resize": "shortest",
    "resize_to": 300,
    "interpolation": "bicubic",
    "mean": (0.5, 0.0, 0.0),
    "std": (1.0, 1.0, 0.5),
    "view": "hindwings",
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_survives_json(field):
    changed = dataclasses.replace(Preprocess(), **{field: CHANGES[field]})
    assert changed != Preprocess()
    assert Preprocess.from_dict(json.loads(json.dumps(changed.to_dict()))) == changed


@pytest.mark.parametrize("view", VIEWS[1:])
def test_views_are_told_apart_by_the_version_that_cut_them(monkeypatch, view):
    now = Preprocess(view=view)
    assert now.view_version == VERSION
    monkeypatch.setattr(module, "VERSION", VERSION + 1)
    later = dataclasses.replace(Preprocess(), view=view)
    assert later.view_version == VERSION + 1
    assert later != now
    assert Preprocess.from_dict(json.loads(json.dumps(now.to_dict()))) == now


def test_the_whole_picture_has_no_version(monkeypatch):
    whole = Preprocess()
    assert whole.view_version == 0
    monkeypatch.setattr(module, "VERSION", VERSION + 1)
    assert Preprocess() == whole
    assert dataclasses.replace(Preprocess(view="specimen"), view="whole") == whole
    assert Preprocess(view="specimen").as_sample() == whole


@pytest.mark.parametrize(
    ("view", "version", "said"),
    [
        ("specimen", -1, "view_version must be a whole number from 0; got -1"),
        ("specimen", True, "view_version must be a whole number from 0; got True"),
        ("specimen", "1", "view_version must be a whole number from 0; got '1'"),
        ("specimen", 0, "view_version 0 is not that of the view 'specimen'"),
        ("whole", 1, "view_version 1 is not that of the view 'whole'"),
    ],
)
def test_versions_that_cannot_be(view, version, said):
    with pytest.raises(ValueError, match=said):
        Preprocess.from_dict({**Preprocess().to_dict(), "view": view, "view_version": version})


def test_equal_settings_are_equal_however_they_were_written():
    written = Preprocess(mean=[0, 0, 0], std=np.ones(3, np.float32))  # type: ignore[arg-type]
    assert written == Preprocess()
    assert json.dumps(written.to_dict()) == json.dumps(Preprocess().to_dict())
    assert hash(written) == hash(Preprocess())
    assert all(type(value) is float for value in (*written.mean, *written.std))


@given(
    size=st.integers(8, 4096),
    extra=st.integers(0, 4096),
    resize=st.sampled_from(["squash", "shortest"]),
    interpolation=st.sampled_from(sorted(FILTERS)),
    mean=st.tuples(*[st.floats(-10, 10)] * 3),
    std=st.tuples(*[st.floats(1e-3, 10)] * 3),
)
def test_settings_survive_json(size, extra, resize, interpolation, mean, std):
    prep = Preprocess(size, resize, size + extra, interpolation, mean=mean, std=std)
    again = Preprocess.from_dict(json.loads(json.dumps(prep.to_dict())))
    assert again == prep


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("size", 7, r"size must be .* in \[8, 4096\]; got 7"),
        ("size", 4097, "got 4097"),
        ("size", 224.0, r"got 224\.0"),
        ("size", "224", "got '224'"),
        ("size", True, "got True"),
        ("size", None, "got None"),
        ("resize_to", 7, r"resize_to must be .* in \[8, 8192\]"),
        ("resize_to", 8193, "got 8193"),
        ("resize", "crop", "resize must be one of squash, shortest, none; got 'crop'"),
        ("resize", None, "got None"),
        ("interpolation", "area", "interpolation must be one of nearest, box"),
        ("interpolation", ["box"], "interpolation must be one of"),
        ("view", "antennae", "view must be one of whole, specimen, forewings, hindwings; got 'antennae'"),
        ("antialias", False, "antialias must be true"),
        ("antialias", "yes", "antialias must be true"),
        ("mean", (0.0, 0.0), "mean must hold three finite numbers"),
        ("mean", 0.5, "mean must hold three finite numbers"),
        ("mean", ("a", "b", "c"), "mean must hold three finite numbers"),
        ("mean", (0.0, 0.0, float("nan")), "mean must hold three finite numbers"),
        ("std", (1.0, 1.0, float("inf")), "std must hold three finite numbers"),
        ("std", (1.0, 0.0, 1.0), "std must be positive"),
        ("std", (1.0, -1.0, 1.0), "std must be positive"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(field, value, said):
    with pytest.raises(ValueError, match=said):
        Preprocess(**{field: value})
    with pytest.raises(ValueError, match=said):
        Preprocess.from_dict({**Preprocess().to_dict(), field: value})


def test_around_a_cut_that_is_larger_than_the_picture_there_is_black():
    prep = Preprocess(size=224, resize="shortest", resize_to=200)
    made = np.asarray(resized(Image.new("RGB", (400, 300), "white"), prep))
    assert made.shape == (224, 224, 3)
    assert (made[12:212] == 255).all()
    assert made.sum() == 200 * 224 * 3 * 255
    assert prep.short_side == 400


def test_unknown_and_missing_settings_are_refused():
    with pytest.raises(ValueError, match="unknown preprocessing settings: gamma, sharpness"):
        Preprocess.from_dict({**Preprocess().to_dict(), "sharpness": 1, "gamma": 2})
    values = Preprocess().to_dict()
    del values["mean"], values["size"]
    with pytest.raises(ValueError, match="missing preprocessing settings: mean, size"):
        Preprocess.from_dict(values)


def test_the_samples_resize_keeps_the_normalisation():
    own = Preprocess(size=240, resize="shortest", resize_to=256, interpolation="bicubic", mean=MEAN, std=STD)
    sample = own.as_sample()
    assert (sample.size, sample.resize, sample.interpolation) == (240, "squash", "bilinear")
    assert (sample.mean, sample.std) == (MEAN, STD)
    assert Preprocess(size=64, resize="none", view="specimen").as_sample().view == "whole"


def test_a_view_is_masked_or_keeps_its_background():
    masked, kept = Preprocess(view="specimen"), Preprocess(view="specimen", background="kept")
    assert masked.background == "masked"
    assert masked == Preprocess(view="specimen", background="masked") != kept
    assert Preprocess().background == ""
    assert kept.to_dict() == {**masked.to_dict(), "background": "kept"}
    for prep in (masked, kept, Preprocess()):
        assert Preprocess.from_dict(json.loads(json.dumps(prep.to_dict()))) == prep


def test_the_whole_picture_keeps_its_background():
    assert Preprocess(background="kept") == Preprocess()
    assert dataclasses.replace(Preprocess(background="kept"), view="specimen").background == "masked"
    assert Preprocess(view="specimen", background="kept").as_sample() == Preprocess(view="specimen").as_sample()
    assert dataclasses.replace(Preprocess(view="specimen"), view="whole") == Preprocess()
    with pytest.raises(ValueError, match="background must be one of masked, kept; got 'blurred'"):
        Preprocess(view="specimen", background="blurred")
