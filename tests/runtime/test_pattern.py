from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps

from hybridwing.backbones.entries import backbone_entries
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.images.decode import read_rgb
from hybridwing.runtime.finding import find_wings
from hybridwing.runtime.pattern import DIMENSION, cut_wings, prepare
from hybridwing.runtime.specimen import find_specimen, working_copy
from hybridwing.simulate.plan import Slot
from hybridwing.simulate.specimen import Rendered, render
from hybridwing.simulate.strata import FIRST_RECORD, STRATA

if TYPE_CHECKING:
    from collections.abc import Callable

SUBSPECIES = ("hydara", "erato", "notabilis", "cyrbia", "phyllis", "malleti")
#: Entries of a pair of wings; the third from their end, the logarithm of height by width, has no bound.
WING = 4 * 4 * 8 + 3 * 6 * 6 + 3
CARD, CANVAS = (220, 220, 215), (512, 384)


@cache
def photographs() -> dict[tuple[str, int], Rendered]:
    strata = {stratum.name: stratum for stratum in STRATA}
    return {
        (name, number): render(Slot(number, strata[name], FIRST_RECORD + 3 + number, "train", False, False), 11, 384)
        for name in SUBSPECIES
        for number in range(3)
    }


def scene(
    rendered: Rendered,
    *,
    background: tuple[int, int, int] = CARD,
    scale: float = 0.9,
    shift: tuple[int, int] = (0, 0),
    beside: Callable[[ImageDraw.ImageDraw], None] | None = None,
) -> Image.Image:
    """Cut the specimen out of its photograph and lay it on a plain card."""
    size = (round(rendered.picture.width * scale), round(rendered.picture.height * scale))
    outline = Image.fromarray(((np.asarray(rendered.mask) & 7) > 0).astype(np.uint8) * 255)
    place = ((CANVAS[0] - size[0]) // 2 + shift[0], (CANVAS[1] - size[1]) // 2 + shift[1])
    canvas = Image.new("RGB", CANVAS, background)
    canvas.paste(rendered.picture.resize(size, 3), place, outline.resize(size, 3))
    if beside is not None:
        beside(ImageDraw.Draw(canvas))
    return canvas


def ruler(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((10, 360, 500, 380), fill=(240, 235, 200))
    for x in range(10, 500, 8):
        draw.line((x, 360, x, 370), fill=(0, 0, 0))


def colour_card(draw: ImageDraw.ImageDraw) -> None:
    patches = ((200, 30, 30), (30, 160, 60), (30, 60, 190), (230, 200, 30), (20, 20, 20), (250, 250, 250))
    for number, colour in enumerate(patches):
        draw.rectangle((8 + number * 22, 6, 30 + number * 22, 30), fill=colour)


def label(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((420, 10, 500, 50), fill=(255, 255, 250), outline=(60, 60, 60))
    draw.text((425, 20), "CAM041234", fill=(0, 0, 0))


@cache
def plain() -> dict[tuple[str, int], np.ndarray]:
    return {key: prepare(scene(rendered)).value for key, rendered in photographs().items()}


def between_subspecies() -> float:
    """Median distance between specimens of different subspecies."""
    return float(np.median([np.linalg.norm(plain()[a] - plain()[b]) for a in plain() for b in plain() if a[0] < b[0]]))


def change(altered: Callable[[Rendered], Image.Image]) -> np.ndarray:
    """How far each specimen's descriptor moves, in distances between subspecies."""
    moved = [np.linalg.norm(plain()[key] - prepare(altered(rendered)).value) for key, rendered in photographs().items()]
    return np.array(moved) / between_subspecies()


# When this was written the medians were 0.26 (shifted), 0.43 and 0.31 (smaller, larger), 0.20 to 0.40 (backgrounds),
# 0 (things beside the specimen) and 0.24 (mirrored) of the median distance between subspecies.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"shift": (30, -12)}, 0.4),
        ({"scale": 0.6}, 0.55),
        ({"scale": 1.05}, 0.45),
        ({"background": (120, 160, 210)}, 0.45),
        ({"background": (255, 255, 255)}, 0.45),
        ({"background": (140, 140, 140)}, 0.55),
        ({"beside": ruler}, 0.05),
        ({"beside": colour_card}, 0.05),
        ({"beside": label}, 0.05),
    ],
    ids=["shifted", "smaller", "larger", "blue", "white", "grey", "ruler", "colour-card", "label"],
)
def test_what_is_not_the_specimen_matters_little(options, most):
    moved = change(lambda rendered: scene(rendered, **options))
    assert np.median(moved) < most
    assert moved.max() < most + 0.2


@pytest.mark.slow
def test_a_mirrored_picture_is_described_nearly_alike():
    moved = change(lambda rendered: ImageOps.mirror(scene(rendered)))
    assert np.median(moved) < 0.35
    assert moved.max() < 0.5


@pytest.mark.slow
def test_half_the_light_matters_little():
    moved = change(lambda rendered: scene(rendered).point(lambda value: value // 2))
    assert np.median(moved) < 0.45


def test_descriptors_of_simulated_photographs():
    table = np.stack(list(plain().values()))
    assert 2 * WING + 2 * (4 * 4 * 8 + 8 * 8) == DIMENSION
    assert table.dtype == np.float32
    assert table.shape[1] == DIMENSION
    assert np.abs(table).max() <= 1.5
    assert table.std(axis=0).max() > 0.05


def test_subspecies_are_nearer_to_themselves_than_to_others_on_average():
    same = [np.linalg.norm(plain()[a] - plain()[b]) for a in plain() for b in plain() if a[0] == b[0] and a[1] < b[1]]
    assert np.mean(same) < between_subspecies()


def test_the_same_picture_gives_the_same_bytes():
    picture = scene(photographs()["erato", 0])
    assert prepare(picture).value.tobytes() == prepare(picture.copy()).value.tobytes()


def test_wings_are_cut_from_an_upright_specimen():
    wings = cut_wings(find_wings(scene(photographs()["hydara", 0])))
    for pair in (wings.forewings, wings.hindwings):
        assert all(wing is not None and wing.min() >= 0 and wing.max() <= 1 for wing in pair)
    assert wings.joined is not None
    assert wings.folded is not None
    assert wings.confidence == 1.0


def test_wings_apart_are_laid_together(specimen):
    near, far = (cut_wings(find_wings(specimen(scale=0.8, apart=apart))) for apart in (12.0, 34.0))
    assert near.joined is not None
    assert far.joined is not None
    assert near.folded is not None
    assert far.folded is not None
    np.testing.assert_allclose(near.joined.shape, far.joined.shape, atol=2)
    assert far.folded.shape[0] > near.folded.shape[0] + 8
    rows, columns = np.minimum(near.joined.shape[:2], far.joined.shape[:2])
    assert np.abs(near.joined[:rows, -columns:] - far.joined[:rows, -columns:]).mean() < 0.03


def test_a_torn_wing_does_not_count():
    picture = scene(photographs()["erato", 0])
    torn = picture.copy()
    mask = find_specimen(working_copy(picture)).mask
    columns = np.flatnonzero(mask.any(axis=0)) * CANVAS[0] // mask.shape[1]
    torn.paste(CARD, (0, 0, int(columns[0] + 0.2 * np.ptp(columns)), CANVAS[1]))
    assert np.linalg.norm(prepare(torn).value - prepare(picture).value) < between_subspecies()


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (20, 20), (400, 300), (1, 5000), (5000, 1)])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (90, 120, 30)])
def test_a_blank_picture_has_a_finite_descriptor(size, colour):
    picture = Image.new("RGB", size, colour)
    described = prepare(picture).value
    assert described.shape == (DIMENSION,)
    assert np.isfinite(described).all()
    assert cut_wings(find_wings(picture)).confidence == 0.0


@pytest.mark.slow
@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    seed=st.integers(0, 99),
    share=st.floats(0, 1),
)
def test_any_picture_has_a_finite_descriptor(width, height, seed, share):
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    pixels[: round(height * share), : round(width * rng.random())] = rng.integers(0, 256, 3)
    spots = rng.random((height, width)) < share / 10
    pixels[spots] = rng.integers(0, 256, 3)
    described = prepare(Image.fromarray(pixels)).value
    assert described.dtype == np.float32
    assert described.shape == (DIMENSION,)
    assert np.isfinite(described).all()
    assert np.abs(np.delete(described, [WING - 3, 2 * WING - 3])).max() <= 1.0001


@pytest.mark.slow
def test_silhouettes_are_described(shared):
    paths = sorted((shared / "silhouettes" / "images").glob("*.png"))[::60]
    table = np.stack([prepare(read_rgb(path, 512)).value for path in paths])
    assert len(table) >= 30
    assert np.isfinite(table).all()
    distances = np.linalg.norm(table[:, None] - table[None], axis=2)
    assert (distances[~np.eye(len(table), dtype=bool)] > 0.2).all()


def test_working_copies_have_a_fixed_long_side():
    assert working_copy(Image.new("RGB", (4000, 3000))).shape == (192, 256, 3)
    assert working_copy(Image.new("RGB", (30, 40))).shape == (256, 192, 3)
    assert working_copy(Image.new("RGB", (1, 5000))).shape == (256, 1, 3)


def test_the_backbone_says_what_it_is():
    backbone = PatternBackbone()
    assert backbone.spec.dimension == DIMENSION
    assert backbone.spec.feature == "wings"
    assert backbone.spec.key == PatternBackbone().spec.key
    assert backbone_entries()[0].dimension == DIMENSION
    batch = [backbone.prepare(scene(photographs()["erato", n])).value for n in range(2)]
    assert np.array_equal(backbone.forward(batch), np.stack(batch))
    assert backbone.forward(batch).dtype == np.float32
