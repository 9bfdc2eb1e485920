"""Cutting a picture of several specimens apart."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hybridwing.errors import HybridwingError
from hybridwing.images.drawer import TABLE, cut_drawers, places_of

CARD = (226, 224, 216)


def butterfly(draw, x, y, scale=1.0):
    for side in (-1, 1):
        for shape, colour in (
            (((0, -8), (75, -48), (82, -40), (58, 4), (0, 6)), (150, 30, 20)),
            (((0, 6), (58, 4), (60, 25), (40, 50), (8, 42)), (30, 30, 110)),
        ):
            draw.polygon([(x + side * scale * a, y + scale * b) for a, b in shape], fill=colour)
    draw.rectangle((x - 3 * scale, y - 18 * scale, x + 3 * scale, y + 40 * scale), fill=(40, 30, 25))


@pytest.fixture
def drawer():
    """Three specimens above and two below, with a ruler, labels and a colour card."""
    picture = Image.new("RGB", (720, 420), CARD)
    draw = ImageDraw.Draw(picture)
    for x, y in ((120, 110), (360, 120), (600, 105), (120, 290), (360, 285)):
        butterfly(draw, x, y)
        draw.rectangle((x - 30, y + 62, x + 30, y + 80), fill=(255, 255, 255), outline=(60, 60, 60))
        draw.line((x - 24, y + 70, x + 20, y + 70), fill=(20, 20, 20))
    draw.rectangle((30, 396, 690, 416), fill=(240, 236, 200), outline=(60, 60, 60))
    draw.rectangle((560, 250, 640, 330), fill=(30, 90, 160))
    return picture


def test_specimens_are_found_in_reading_order_and_cards_are_none(drawer):
    places = places_of(drawer)
    assert [(place.row, place.column) for place in places] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
    for place, (x, y) in zip(places, ((120, 110), (360, 120), (600, 105), (120, 290), (360, 285)), strict=True):
        assert np.allclose((place.left, place.top, place.right, place.bottom), (x - 82, y - 48, x + 83, y + 51), atol=4)
        assert not place.on_edge


def test_places_are_pixels_of_the_picture_itself(drawer):
    large = places_of(drawer.resize((2160, 1260)))
    for one, other in zip(places_of(drawer), large, strict=True):
        assert np.allclose((3 * one.left, 3 * one.bottom), (other.left, other.bottom), atol=9)


def test_one_on_the_edge_says_so(drawer):
    on_edge = [place.on_edge for place in places_of(drawer.crop((60, 0, 720, 420)))]
    assert on_edge == [True, False, False, True, False]


def test_a_picture_a_specimen_is_written_with_a_table(drawer, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        drawer.save(tmp_path / folder / "drawer.png")
    made = cut_drawers([tmp_path / "a" / "drawer.png", tmp_path / "b" / "drawer.png"], tmp_path / "out")
    with (tmp_path / "out" / TABLE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [len(one.files) for one in made] == [5, 5]
    assert len({row["filename"] for row in rows}) == 10
    first = rows[0]
    with Image.open(tmp_path / "out" / first["filename"]) as written:
        rim = round(0.06 * (int(first["right"]) - int(first["left"])))
        box = [int(first["left"]) - rim, int(first["top"]) - rim, int(first["right"]) + rim, int(first["bottom"]) + rim]
        assert np.array_equal(np.asarray(written), np.asarray(drawer.crop(box)))


def test_a_picture_without_specimens_is_named(tmp_path):
    Image.new("RGB", (200, 200), CARD).save(tmp_path / "empty.png")
    with pytest.raises(HybridwingError, match=r"empty\.png: no specimen was found"):
        cut_drawers([tmp_path / "empty.png"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
