from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hybridwing.runtime.specimen import find_specimen, working_copy
from hybridwing.runtime.wings import (
    BODY,
    LEFT_FOREWING,
    LEFT_HINDWING,
    RIGHT_FOREWING,
    RIGHT_HINDWING,
    find_notches,
    map_wings,
    symmetry_axis,
    wing_split,
)


def wings(angle: float = 0.0, offset: int = 0) -> np.ndarray:
    """Two pairs of wings with a notch between them, mirrored about column 128 + offset."""
    scene = Image.new("L", (256, 192), 0)
    draw = ImageDraw.Draw(scene)
    for side in (-1, 1):
        middle = 128 + offset
        draw.polygon([(middle, 100), (middle + side * 90, 40), (middle + side * 80, 85), (middle, 105)], fill=255)
        draw.polygon([(middle, 100), (middle + side * 60, 110), (middle + side * 40, 160), (middle, 150)], fill=255)
    return np.asarray(scene.rotate(angle)) > 127


@pytest.mark.parametrize("angle", [-20.0, -8.0, 0.0, 12.0])
@pytest.mark.parametrize("offset", [0, 25])
def test_the_axis_of_symmetry_is_found(angle, offset):
    turn, column, share = symmetry_axis(wings(angle, offset))
    assert turn == pytest.approx(-angle, abs=4)
    assert share > 0.85
    if angle == 0:
        assert column == pytest.approx(128 + offset, abs=3)


def test_the_notch_divides_forewings_from_hindwings():
    assert wing_split(wings(), 128.0) == pytest.approx(100, abs=8)


def test_wings_laid_apart_are_divided_in_the_gap():
    mask = np.zeros((192, 256), bool)
    mask[20:80, 30:110] = mask[20:80, 146:226] = True
    mask[110:170, 50:110] = mask[110:170, 146:206] = True
    assert wing_split(mask, 128.0) == pytest.approx(95, abs=4)


@pytest.mark.parametrize("shape", [(1, 1), (4, 9), (9, 4), (200, 1)])
def test_masks_too_small_to_divide(shape):
    for mask in (np.zeros(shape, bool), np.ones(shape, bool)):
        angle, column, share = symmetry_axis(mask)
        assert -24 <= angle <= 24
        assert 0 <= column <= max(shape[1], 2)
        assert 0 <= share <= 1.0001
        assert 0 <= wing_split(mask, column) <= shape[0]


def parts_of(picture: Image.Image) -> np.ndarray:
    return map_wings(find_specimen(working_copy(picture)).mask).parts


@pytest.mark.parametrize("angle", [0.0, 12.0, -16.0])
@pytest.mark.parametrize("apart", [0.0, 22.0], ids=["on the body", "apart"])
def test_a_specimen_is_divided_into_its_wings(specimen, angle, apart):
    wings = map_wings(find_specimen(working_copy(specimen(scale=0.85, angle=angle, apart=apart))).mask)
    truth = np.asarray(specimen(scale=0.85, apart=apart).resize((256, 192), Image.Resampling.BOX)).astype(int)
    assert wings.attached == (apart == 0)
    assert wings.angle == pytest.approx(-angle, abs=4)
    sizes = np.bincount(wings.parts.ravel(), minlength=BODY + 1)
    fore, hind = (truth[..., 0] > truth[..., 2] + 60).sum(), (truth[..., 2] > truth[..., 0] + 40).sum()
    assert sizes[LEFT_FOREWING] + sizes[RIGHT_FOREWING] == pytest.approx(fore, rel=0.12)
    assert sizes[LEFT_HINDWING] + sizes[RIGHT_HINDWING] == pytest.approx(hind, rel=0.2)
    assert sizes[LEFT_FOREWING] == pytest.approx(sizes[RIGHT_FOREWING], rel=0.1)
    assert (sizes[BODY] > 0) == (apart == 0)
    assert wings.plausible("specimen") > 0.9
    assert wings.plausible("forewings") > 0.9
    assert wings.plausible("hindwings") > 0.9


def test_notches_are_found_left_and_right():
    notches = find_notches(wings(), 128.0)
    assert len(notches) == 2
    for row, offset in notches:
        assert row == pytest.approx(104, abs=8)
        assert 0 < offset < 60


def test_a_missing_wing_makes_its_pair_implausible(specimen):
    picture = specimen(scale=0.85, apart=22.0)
    ImageDraw.Draw(picture).rectangle((0, 0, 230, 190), fill=(222, 222, 216))
    cut = map_wings(find_specimen(working_copy(picture)).mask)
    assert cut.plausible("forewings") < 0.3
    assert cut.plausible("hindwings") > 0.8


def test_thin_antennae_count_to_the_body(specimen):
    picture = specimen()
    draw = ImageDraw.Draw(picture)
    for side in (-1, 1):
        draw.line((256, 160, 256 + side * 50, 70), fill=(20, 20, 20), width=3)
    parts = parts_of(picture)
    assert (parts[30:50, 100:156] == BODY).sum() > 0.8 * (parts[30:50, 100:156] > 0).sum() > 0


@pytest.mark.parametrize("shape", [(1, 1), (4, 9), (9, 4), (200, 1), (1, 200), (20, 20)])
def test_any_mask_is_divided(shape):
    for mask in (np.zeros(shape, bool), np.ones(shape, bool), np.eye(*shape, dtype=bool)):
        cut = map_wings(mask)
        assert cut.parts.dtype == np.uint8
        assert cut.parts.max() <= BODY
        for view in ("specimen", "forewings", "hindwings"):
            assert 0.0 <= cut.plausible(view) <= 1.0
