"""Several inputs of one picture: the same as one by one, with a single look for the specimen."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
from PIL import Image

from hybridwing.runtime import composite, pattern
from hybridwing.runtime.composite import PartInput, joint_view, prepare_joined, prepare_parts
from hybridwing.runtime.preprocess import Preprocess, prepare

DESCRIPTOR = PartInput("pattern", Preprocess(size=256, resize="none", interpolation="box", view="specimen"))


def network(view: str, side: int = 32, resize: str = "squash") -> PartInput:
    return PartInput("transformers", Preprocess(side, resize, side + 4, view=view))


PARTS = (DESCRIPTOR, *(network(view, resize="shortest") for view in ("whole", "specimen", "forewings", "hindwings")))


def test_each_input_is_what_it_would_be_alone(specimen, lay_beside):
    picture = lay_beside(specimen(angle=7.0))
    together = prepare_parts(picture, PARTS)
    alone = [pattern.prepare(picture), *(prepare(picture, part.preprocess) for part in PARTS[1:])]
    for one, other, part in zip(together, alone, PARTS, strict=True):
        np.testing.assert_array_equal(one.value, other.value)
        assert (one.view, one.confidence) == (other.view, other.confidence)
        assert one.value.shape == part.shape


def test_the_specimen_is_looked_for_once_and_only_where_it_is_needed(specimen, monkeypatch):
    looked = []
    find = composite.find_wings
    monkeypatch.setattr(composite, "find_wings", lambda image: looked.append(image) or find(image))
    for module in ("views", "pattern"):
        monkeypatch.setattr(f"hybridwing.runtime.{module}.find_wings", lambda image: pytest.fail("looked again"))
    prepare_parts(specimen(), PARTS)
    assert len(looked) == 1
    prepare_parts(specimen(), (network("whole"), network("whole", 48)))
    assert len(looked) == 1


def test_all_inputs_lie_flat_in_one_array(specimen):
    made = prepare_joined(specimen(), PARTS)
    each = prepare_parts(specimen(), PARTS)
    assert made.value.dtype == np.float32
    np.testing.assert_array_equal(made.value, np.concatenate([one.value.ravel() for one in each]))
    assert (made.view, made.confidence) == ("specimen", min(one.confidence for one in each))


def test_a_view_that_lacks_is_told_with_its_confidence(specimen):
    blank = Image.new("RGB", (90, 60), (120, 130, 140))
    assert prepare_joined(blank, PARTS).view == "whole"
    assert prepare_joined(blank, PARTS).confidence == 0.0
    # Wings laid apart, and the right hindwing is not among them.
    pixels = np.asarray(specimen(apart=22.0, scale=0.9)).copy()
    blue = (pixels[..., 2] > 80) & (pixels[..., 0] < 60)
    blue[:, : pixels.shape[1] // 2] = False
    pixels[blue] = (222, 222, 216)
    torn = Image.fromarray(pixels)
    parts = (network("forewings"), network("hindwings"))
    fore, hind = prepare_parts(torn, parts)
    assert (fore.view, hind.view) == ("forewings", "whole")
    for order in (parts, parts[::-1]):
        made = prepare_joined(torn, order)
        assert (made.view, made.confidence) == ("whole", hind.confidence)


def test_the_whole_picture_is_sure():
    made = prepare_joined(Image.new("RGB", (40, 40)), (network("whole"), network("whole", 48)))
    assert (made.view, made.confidence) == ("whole", 1.0)


@pytest.mark.parametrize(
    ("parts", "view"),
    [
        ((network("whole"), network("hindwings"), network("forewings")), "hindwings"),
        ((network("whole"), DESCRIPTOR), "specimen"),
        ((network("whole"), network("whole", 48)), "whole"),
    ],
)
def test_the_view_that_stands_for_all(parts, view):
    assert joint_view(parts) == view


def test_it_goes_to_another_process(specimen):
    made = pickle.loads(pickle.dumps(partial(prepare_joined, parts=PARTS)))(specimen())
    np.testing.assert_array_equal(made.value, prepare_joined(specimen(), PARTS).value)
