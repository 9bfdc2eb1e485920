from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hybridwing.images.decode import read_rgb
from hybridwing.runtime.specimen import background_distance, find_specimen, otsu, working_copy
from hybridwing.simulate.drawing import BODY
from hybridwing.simulate.plan import Slot
from hybridwing.simulate.specimen import Rendered, render
from hybridwing.simulate.strata import FIRST_RECORD, STRATA


def photographs(count: int) -> list[Rendered]:
    """Specimens of every kind, from every record, some of them from below."""
    slots = [
        Slot(n, STRATA[n % len(STRATA)], FIRST_RECORD + n % 24, "train", False, n % 11 == 10) for n in range(count)
    ]
    return [render(slot, 7, 512) for slot in slots]


def truth(rendered: Rendered, shape: tuple[int, int]) -> np.ndarray:
    parts = np.asarray(rendered.mask) & 7
    large = Image.fromarray(((parts > 0) & (parts <= BODY)).astype(np.uint8) * 255)
    return np.asarray(large.resize(shape[::-1], Image.Resampling.BOX)) > 127


def overlap(found: np.ndarray, true: np.ndarray) -> float:
    return float((found & true).sum() / (found | true).sum())


@pytest.mark.slow
def test_specimens_are_found_in_simulated_photographs():
    overlaps, confidences = [], []
    for rendered in photographs(30):
        specimen = find_specimen(working_copy(rendered.picture))
        overlaps.append(overlap(specimen.mask, truth(rendered, specimen.mask.shape)))
        confidences.append(specimen.confidence)
    # Median 0.976, lowest 0.860 when this was written.
    assert np.median(overlaps) >= 0.95
    assert min(overlaps) >= 0.8
    assert min(confidences) > 0.5


@pytest.mark.slow
def test_pattern_elements_are_found_in_silhouettes(shared):
    paths = sorted((shared / "silhouettes" / "images").glob("*.png"))[::60]
    kept = []
    for path in paths:
        rgb = working_copy(read_rgb(path))
        elements = rgb.mean(axis=2) > 0.5
        specimen = find_specimen(rgb)
        if elements.any():
            kept.append((specimen.mask & elements).sum() / elements.sum())
    assert len(kept) >= 30
    assert min(kept) >= 0.95


@pytest.mark.parametrize("colour", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("shape", [(192, 256), (256, 60), (1, 256), (256, 1), (15, 256), (16, 16), (1, 1)])
def test_nothing_is_found_in_a_blank_picture(colour, shape):
    specimen = find_specimen(np.full((*shape, 3), colour, np.float32))
    assert specimen.confidence == 0.0
    assert specimen.mask.shape == shape
    assert specimen.mask.dtype == bool
    assert specimen.mask.all()


def test_nothing_is_found_in_noise():
    rgb = np.random.default_rng(0).random((192, 256, 3), dtype=np.float32)
    assert find_specimen(rgb).confidence == 0.0


def test_cards_rulers_and_labels_alone_are_no_specimen():
    scene = Image.new("RGB", (256, 192), (225, 225, 220))
    draw = ImageDraw.Draw(scene)
    draw.rectangle((20, 20, 70, 45), fill=(30, 60, 160))
    draw.rectangle((10, 170, 245, 182), fill=(60, 50, 40))
    draw.rectangle((180, 30, 230, 60), fill=(90, 90, 90))
    assert find_specimen(working_copy(scene)).confidence == 0.0


def test_a_specimen_is_found_under_uneven_light():
    rendered = photographs(1)[0]
    rgb = working_copy(rendered.picture)
    light = np.linspace(0.75, 1.0, rgb.shape[1], dtype=np.float32)[None, :, None]
    specimen = find_specimen(rgb * light)
    assert overlap(specimen.mask, truth(rendered, specimen.mask.shape)) > 0.9


def test_a_picture_cut_tight_around_the_specimen_still_has_one():
    scene = Image.new("RGB", (240, 160), (230, 230, 230))
    ImageDraw.Draw(scene).rectangle((12, 12, 227, 147), fill=(40, 20, 20))
    specimen = find_specimen(working_copy(scene))
    assert specimen.confidence > 0
    assert 0.6 < specimen.mask.mean() < 0.9


def test_a_tiny_specimen_has_little_confidence():
    small = Image.new("RGB", (256, 192), (230, 230, 230))
    ImageDraw.Draw(small).polygon([(120, 90), (136, 90), (128, 100)], fill=(20, 20, 20))
    large = Image.new("RGB", (256, 192), (230, 230, 230))
    ImageDraw.Draw(large).polygon([(40, 40), (216, 40), (128, 150)], fill=(20, 20, 20))
    low, high = (find_specimen(working_copy(scene)).confidence for scene in (small, large))
    assert 0.1 <= low < 0.2
    assert high == 1.0


def test_the_background_is_a_plane_that_ignores_cards_on_the_frame():
    rows, columns = np.mgrid[0:96, 0:128].astype(np.float32)
    rgb = np.stack([0.5 + rows / 400, 0.6 + columns / 500, 0.7 - rows / 500], axis=-1)
    rgb[:20, :30] = (0.9, 0.1, 0.1)
    rgb[40:60, 50:80] -= 0.3
    distance = background_distance(rgb)
    assert distance.shape == (96, 128)
    assert distance.dtype == np.float32
    outside = np.ones((96, 128), bool)
    outside[:20, :30] = outside[40:60, 50:80] = False
    assert distance[outside].max() < 0.01
    np.testing.assert_allclose(distance[40:60, 50:80], 0.3 * np.sqrt(3), atol=0.01)
    assert distance[:20, :30].min() > 0.3


def test_a_frame_without_a_common_colour_falls_back_on_its_median():
    rgb = np.zeros((2, 3, 3), np.float32)
    rgb[:, 1] = 1.0
    assert np.isfinite(background_distance(rgb)).all()


def test_otsu_takes_values_that_differ_in_their_last_digits_for_one_group():
    values = np.full(4, 57.3, dtype=np.float32)
    values[0] = np.nextafter(values[0], np.float32(100))
    assert otsu(values) == values[0]


def test_otsu_divides_two_groups_and_accepts_one():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.2, 0.03, 4000), rng.normal(0.7, 0.05, 1000)]).astype(np.float32)

    def between(cut: float) -> float:
        low, high = values[values <= cut], values[values > cut]
        return len(low) * len(high) * float(low.mean() - high.mean()) ** 2

    best = max(between(cut) for cut in np.linspace(values.min(), values.max(), 1000)[:-1])
    assert between(otsu(values)) > 0.999 * best
    assert otsu(np.full((5, 5), 0.25, np.float32)) == 0.25
    assert otsu(np.array([0.0, 1.0], np.float32)) < 1.0


def test_a_tilted_label_is_no_wing(specimen):
    picture = specimen()
    alone = find_specimen(working_copy(picture)).mask
    for angle in range(0, 45, 4):
        slip = Image.new("RGBA", (60, 32), (255, 255, 250, 255)).rotate(angle, expand=True)
        beside = picture.copy()
        beside.paste(slip, (420, 300), slip)
        assert np.array_equal(find_specimen(working_copy(beside)).mask, alone)


def test_a_ruler_of_nearly_the_cards_colour_is_no_wing(specimen):
    picture = specimen()
    alone = find_specimen(working_copy(picture)).mask
    draw = ImageDraw.Draw(picture)
    rng = np.random.default_rng(2)
    for x in range(60, 400, 3):  # what is left of it: speckles that hang together along the edge
        draw.rectangle((x, 384 - int(rng.integers(8, 40)), x + 3, 384), fill=(190, 188, 180))
    assert overlap(find_specimen(working_copy(picture)).mask, alone) > 0.99


def test_confidence_falls_with_what_else_stands_out_and_with_contrast(specimen):
    picture = specimen(scale=0.6)
    certain = find_specimen(working_copy(picture)).confidence
    draw = ImageDraw.Draw(picture)
    for number in range(8):
        x = 4 + 64 * number
        draw.polygon([(x, 383), (x + 30, 250), (x + 60, 383)], fill=(60, 110, 60))
        draw.polygon([(x, 0), (x + 30, 60), (x + 60, 0)], fill=(60, 110, 60))
    crowded = find_specimen(working_copy(picture)).confidence
    pixels = working_copy(specimen(scale=0.6))
    noise = np.random.default_rng(0).standard_normal(pixels.shape).astype(np.float32)
    faint = find_specimen(np.clip(0.7 + 0.15 * (pixels - 0.7) + 0.06 * noise, 0, 1)).confidence
    assert certain > 0.95
    assert crowded < 0.6
    assert faint < 0.6


def test_the_same_picture_gives_the_same_mask():
    rgb = working_copy(photographs(1)[0].picture)
    assert np.array_equal(find_specimen(rgb).mask, find_specimen(rgb.copy()).mask)
