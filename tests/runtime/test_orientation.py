"""Which way a specimen lies, and what is done about it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hybridwing.runtime import pattern
from hybridwing.runtime.finding import find_wings
from hybridwing.runtime.orientation import LEAST_DIRECTION, find_direction
from hybridwing.runtime.views import cut_view
from hybridwing.runtime.wings import LEFT_FOREWING, map_wings

CARD = (222, 222, 216)


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_specimen_turned_by_quarters_is_described_as_the_upright_one(specimen, angle):
    upright = specimen(scale=0.9)
    one, other = (pattern.prepare(picture) for picture in (upright, upright.rotate(angle, expand=True)))
    assert not one.doubt
    assert not other.doubt
    assert np.abs(one.value - other.value).mean() < 0.01


@pytest.mark.parametrize("angle", [37, 75, 118, 160, 205, 251, 299, 333])
def test_a_specimen_lying_anyhow_is_turned_upright(specimen, angle):
    found = find_wings(specimen(scale=0.7, angle=angle))
    assert found.direction.confidence >= LEAST_DIRECTION
    assert abs((found.wings.angle + angle + 180) % 360 - 180) <= 6


@pytest.mark.parametrize("angle", [-20, 0, 20])
def test_a_tilt_is_left_to_the_axis(specimen, angle):
    assert find_wings(specimen(scale=0.8, angle=angle)).direction.turn == 0.0


def test_views_show_the_same_whichever_way_it_lies(specimen):
    upright = specimen(scale=0.9)
    cuts = [cut_view(picture, "forewings", side=64) for picture in (upright, upright.rotate(180))]
    one, other = (np.asarray(cut.image.resize((32, 32)), np.float32) for cut in cuts)
    assert np.abs(one - other).mean() < 4


def test_half_a_specimen_has_no_direction(specimen):
    found = find_wings(specimen(scale=0.9))
    assert found.wings.angle == 0.0
    for fore in (LEFT_FOREWING, LEFT_FOREWING + 1):
        part = (found.wings.parts == fore) | (found.wings.parts == fore + 2)
        assert find_direction(found.copy, part).confidence < LEAST_DIRECTION


def test_what_has_no_direction_is_left_as_it_lies_and_in_doubt():
    picture = Image.new("RGB", (300, 300), CARD)
    rows, columns = np.mgrid[0:300, 0:300]
    pixels = np.asarray(picture).copy()
    pixels[np.hypot(rows - 150, columns - 150) < 80] = (90, 40, 30)
    found = find_wings(Image.fromarray(pixels))
    assert found.direction.turn == 0.0
    assert found.doubt.startswith("which way the specimen lies cannot be told (confidence 0.")
    assert pattern.prepare(Image.fromarray(pixels)).doubt == found.doubt


@pytest.mark.parametrize("quarters", range(4))
def test_the_pattern_of_one_half_is_no_pair_of_wings_turned_by_a_quarter(quarters):
    picture = Image.new("RGB", (384, 384))
    draw = ImageDraw.Draw(picture)
    forewing = [(175, 86), (265, 30), (227, 126), (149, 149)]
    hindwing = [(146, 211), (260, 180), (236, 345), (181, 294)]
    for shape in (forewing, hindwing):
        middle = np.mean(shape, axis=0)
        draw.polygon(shape, fill=(255, 255, 255))
        draw.polygon([tuple((middle + point) / 2) for point in np.array(shape)], fill=(220, 60, 30))
    found = find_wings(picture.rotate(90 * quarters))
    assert found.direction.turn == 0.0
    assert "cannot be told" in found.doubt


def test_several_specimens_are_said_and_wings_laid_apart_are_one(specimen):
    picture = Image.new("RGB", (1024, 768), CARD)
    for place in ((0, 0), (512, 0), (0, 384), (512, 384)):
        picture.paste(specimen(scale=0.9), place)
    found = find_wings(picture)
    assert found.specimens == 4
    assert found.doubt.startswith("the picture seems to show 4 specimens or more")
    assert find_wings(specimen(scale=0.8, apart=25.0)).specimens == 1


def test_a_turn_changes_nothing_but_where_up_is(specimen):
    mask = find_wings(specimen(scale=0.9)).specimen.mask
    upright, turned = map_wings(mask), map_wings(np.rot90(mask), turn=-90.0)
    assert turned.angle - upright.angle == -90.0
    assert (upright.parts != turned.parts).mean() < 0.01
