"""Places are covered where they are, with what a pure specimen has there, and the contributions add up."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.from_python import PythonBackbone, PythonNetwork
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.detectors.fitting import fit_detector
from hybridwing.detectors.registry import make_detector
from hybridwing.explain.contributions import TOGETHER, cell, contributions_of_places
from hybridwing.explain.occlusion import cover, needs_covering
from hybridwing.explain.wing_pictures import WingPicture, picture_of
from hybridwing.images.decode import read_rgb
from hybridwing.runtime.finding import find_wings
from hybridwing.runtime.preprocess import Preprocess
from hybridwing.runtime.scoring import calibrated_scores

SIDE = 48


def pixels(view: str = "specimen") -> PythonBackbone:
    """An embedding that holds the view itself."""
    network = PythonNetwork(lambda batch: batch.reshape(len(batch), -1), Preprocess(size=SIDE, view=view), "1")
    return PythonBackbone("python:pixels", network, Compute())


def embedded(backbone: PythonBackbone, image: Image.Image) -> np.ndarray:
    return backbone.forward([backbone.prepare(image).value])[0]


def inverted(picture: WingPicture) -> WingPicture:
    return WingPicture(1 - picture.colours, picture.inside, picture.boxes)


@pytest.fixture(scope="module")
def photograph(small) -> Image.Image:
    collection = small[0]
    return read_rgb(sorted(collection.images.iterdir())[0])


@pytest.mark.parametrize("view", ["whole", "specimen", "forewings"])
@pytest.mark.parametrize("turn", [0, 35, 180])
def test_what_is_painted_lies_on_the_wing(photograph, view, turn):
    image = photograph.rotate(turn, Image.Resampling.BILINEAR, expand=True, fillcolor=photograph.getpixel((1, 1)))
    backbone, own = pixels(view), picture_of(find_wings(image))
    plain = embedded(backbone, image)
    same, other = cover(image, backbone, own), cover(image, backbone, inverted(own))
    assert same is not None
    assert other is not None
    # The specimen's own colours change next to nothing, and other ones much.
    changed = [np.abs(one.vectors - plain).sum() for one in (same, other)]
    assert changed[0] < 0.25 * changed[1]


def test_places_cover_the_wings_and_each_is_seen_where_it_lies(photograph):
    own = picture_of(find_wings(photograph))
    found = cover(photograph, pixels(), inverted(own))
    assert found is not None
    places = np.any([group.places for group in found.groups], axis=0)
    assert places[own.inside > 0.5].mean() > 0.95
    assert len(found.groups) == len(found.vectors)
    apart = np.abs(found.vectors - embedded(pixels(), photograph)).reshape(-1, 3, SIDE, SIDE).sum(axis=1)
    assert (apart.max(axis=(1, 2)) > 0.2).all()
    rows = (apart.sum(axis=2) @ np.arange(SIDE)) / apart.sum(axis=(1, 2))
    wings = np.array([group.places[1].any() for group in found.groups])
    assert rows[~wings].mean() + 3 < rows[wings].mean()  # forewings lie above hindwings
    # Left and right are covered alike.
    left, right = apart[:, :, : SIDE // 2].sum(axis=(1, 2)), apart[:, :, SIDE // 2 :].sum(axis=(1, 2))
    assert np.corrcoef(left, right)[0, 1] > 0.7


def test_places_are_covered_together_where_that_is_asked(photograph):
    backbone, white = pixels(), inverted(picture_of(find_wings(photograph)))
    plain, alone = embedded(backbone, photograph), cover(photograph, backbone, white, batch=3)
    assert alone is not None
    both = cover(photograph, backbone, white, together=[[0, 20]])
    assert both is not None
    assert len(both.vectors) == 1
    sum_of_both = (alone.vectors[0] - plain) + (alone.vectors[20] - plain)
    np.testing.assert_allclose(both.vectors[0] - plain, sum_of_both, atol=0.05)


def test_without_a_class_s_colours_a_place_takes_the_wing_s_own_mean(photograph):
    found = cover(photograph, pixels(), None)
    assert found is not None
    assert (np.abs(found.vectors - embedded(pixels(), photograph)).sum(axis=1) > 0).all()


def test_nothing_is_covered_where_there_is_no_specimen():
    assert cover(Image.new("RGB", (90, 60), (200, 200, 200)), pixels(), None) is None


def test_a_composite_is_covered_in_all_its_parts(photograph):
    from hybridwing.backbones.composite import CompositeBackbone

    assert not needs_covering(PatternBackbone().spec)
    both = CompositeBackbone([PatternBackbone(), pixels("forewings")])
    assert needs_covering(both.spec)
    plain = both.forward([both.prepare(photograph).value])[0]
    found = cover(photograph, both, inverted(picture_of(find_wings(photograph))))
    assert found is not None
    changed = np.abs(found.vectors - plain)
    edge = PatternBackbone().spec.dimension
    assert (changed[:, :edge].max(axis=1) > 0.01).all()
    hind = np.array([group.places[1].any() for group in found.groups])
    assert changed[~hind, edge:].sum() > 20 * changed[hind, edge:].sum()  # that view shows no hindwings


def test_contributions_of_places_add_up_and_point_at_what_was_learned():
    rng = np.random.default_rng(3)
    labels = np.repeat([1, 0], [30, 60]).astype(np.int8)
    vectors = rng.normal(0, 0.3, (90, 8)).astype(np.float32)
    vectors[labels == 1, 2] += 2
    half = np.arange(90) % 2 == 0
    saved = fit_detector(make_detector("svm"), vectors[half], labels[half], vectors[~half], labels[~half])
    hybrid, pure = vectors[1], vectors[labels == 0][:5]
    without = np.repeat(hybrid[None], 4, axis=0)
    without[np.arange(4), np.arange(4)] = 0  # a place for each of four columns
    groups = tuple(cell(0, number, 6, np.empty(0, np.int64)) for number in range(4))
    made = contributions_of_places(saved, hybrid, pure, groups, without, "erato")
    assert made.by_covering
    assert made.groups[-1].name == TOGETHER
    assert int(made.values[:-1].argmax()) == 2
    assert made.score == pytest.approx(calibrated_scores(saved, hybrid[None])[0])
    assert made.values.sum() == pytest.approx(made.score - made.base, abs=1e-6)
    assert made.base == pytest.approx(calibrated_scores(saved, pure).mean())
