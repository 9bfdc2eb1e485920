from __future__ import annotations

import numpy as np
import pytest

from hybridwing.simulate.anatomy import anatomy, curve
from hybridwing.simulate.drawing import BODY, ELEMENT_SHIFT
from hybridwing.simulate.genetics import express
from hybridwing.simulate.pattern import Element, pattern
from hybridwing.simulate.plan import Slot
from hybridwing.simulate.scenery import backdrop
from hybridwing.simulate.specimen import Rendered, mask_name, render
from hybridwing.simulate.strata import FIRST_RECORD, STRATA
from hybridwing.simulate.styles import record_style
from hybridwing.simulate.taxa import TAXA, Traits

BY_NAME = {stratum.name: stratum for stratum in STRATA}
RECORDS = range(FIRST_RECORD, FIRST_RECORD + 24)
SHOWN = {
    "hydara": {Element.RED_BAND},
    "cyrbia": {Element.RED_BAND, Element.WHITE_MARGIN},
    "chestertonii": {Element.YELLOW_BAR},
    "phyllis": {Element.RED_BAND, Element.YELLOW_BAR, Element.YELLOW_LINE},
    "notabilis": {Element.RED_BAND, Element.WHITE_BAND},
    "erato": {Element.YELLOW_BAND, Element.DENNIS, Element.RAY},
    "amalfreda": {Element.YELLOW_BAND, Element.DENNIS},
    "malleti": {Element.YELLOW_BAND, Element.DENNIS, Element.RAY},
    "plesseni": {Element.RED_BAND, Element.WHITE_BAND},
}


def shot(
    name: str, number: int = 0, *, record: int = FIRST_RECORD + 3, ventral: bool = False, size: int = 256
) -> Rendered:
    return render(Slot(number, BY_NAME[name], record, "train", False, ventral), 11, size)


def taken_apart(rendered: Rendered) -> tuple[np.ndarray, np.ndarray]:
    labels = np.asarray(rendered.mask)
    return labels & 7, labels >> ELEMENT_SHIFT


@pytest.mark.parametrize(("name", "elements"), SHOWN.items())
def test_the_mask_holds_four_wings_and_the_elements_of_the_phenotype(name, elements):
    for number in range(3):
        rendered = shot(name, number)
        parts, shown = taken_apart(rendered)
        assert {1, 2, 3, 4} <= set(np.unique(parts))
        assert (BODY in parts) == (not rendered.pose.detached)
        assert set(np.unique(shown)) - {0} == {int(element) for element in elements}
        assert rendered.picture.size == rendered.mask.size == (256, 192)


@pytest.mark.parametrize("name", SHOWN)
def test_pattern_differs_in_colour_from_the_ground_of_the_wing(name):
    rendered = shot(name, 4)
    picture = np.asarray(rendered.picture, float)
    parts, shown = taken_apart(rendered)
    ground = picture[(parts > 0) & (parts < BODY) & (shown == 0)].mean(axis=0)
    for element in SHOWN[name]:
        there = picture[shown == element].mean(axis=0)
        assert np.abs(there - ground).max() > 50


def test_the_specimen_stands_out_from_the_card():
    rendered = shot("hydara", 6, record=FIRST_RECORD + 5)
    picture = np.asarray(rendered.picture, float)
    parts, _ = taken_apart(rendered)
    assert picture[parts == 0].mean() - picture[parts > 0].mean() > 40


def test_left_and_right_mirror_each_other_about():
    parts, shown = taken_apart(shot("cyrbia", 2, size=512))
    for left, right in ((1, 2), (3, 4)):
        assert (parts == left).sum() == pytest.approx((parts == right).sum(), rel=0.25)
        assert np.nonzero(parts == left)[1].mean() < np.nonzero(parts == right)[1].mean()
    assert np.nonzero(parts == 1)[0].mean() < np.nonzero(parts == 3)[0].mean()
    band = shown == Element.RED_BAND
    assert (band & (parts == 1)).sum() == pytest.approx((band & (parts == 2)).sum(), rel=0.3)


def test_undersides_have_basal_spots_and_are_paler():
    over, under = shot("hydara", 8), shot("hydara", 8, ventral=True)
    assert Element.BASAL_SPOT in taken_apart(under)[1]
    assert Element.BASAL_SPOT not in taken_apart(over)[1]

    def ground(rendered: Rendered) -> float:
        parts, shown = taken_apart(rendered)
        return float(np.asarray(rendered.picture, float)[(parts > 0) & (parts < BODY) & (shown == 0)].mean())

    assert ground(under) > ground(over) + 8


def test_iridescent_wings_are_blue():
    rendered = shot("cyrbia", 3)
    parts, shown = taken_apart(rendered)
    red, _, blue = np.asarray(rendered.picture, float)[(parts > 0) & (parts < BODY) & (shown == 0)].mean(axis=0)
    assert blue > red + 8


def test_a_record_looks_alike_and_records_differ():
    cards = {record: np.asarray(backdrop(record, (128, 96)), float).mean(axis=(0, 1)) for record in RECORDS}
    spread = np.ptp(np.array(list(cards.values())), axis=0)
    assert spread.max() > 60
    styles = [record_style(record) for record in RECORDS]
    assert {style.ruler for style in styles} == {None, "bottom", "left", "top"}
    assert {style.card for style in styles} == {None, "colour", "grey"}
    assert len({style.backdrop.name for style in styles}) == 5


@pytest.mark.parametrize("record", RECORDS)
def test_every_record_can_be_photographed(record):
    rendered = shot("lativitta", 1, record=record, size=96)
    assert rendered.picture.mode == "RGB"
    assert np.asarray(rendered.picture).std() > 10


def test_specimens_vary_and_a_slot_is_always_the_same():
    assert shot("hydara", 1).picture.tobytes() == shot("hydara", 1).picture.tobytes()
    areas = [float((taken_apart(shot("hydara", n))[1] == Element.RED_BAND).sum()) for n in range(12)]
    assert np.std(areas) / np.mean(areas) > 0.08


def test_wings_of_the_species_differ_in_shape_but_not_in_kind():
    erato, melpomene = anatomy("A"), anatomy("B")
    assert len(erato.fore.veins) == len(melpomene.fore.veins)
    assert np.abs(erato.fore.outline - melpomene.fore.outline).max() > 0.02
    assert np.abs(erato.hind.outline - melpomene.hind.outline).max() > 0.02


@pytest.mark.parametrize("name", sorted(TAXA))
@pytest.mark.parametrize("extreme", [-3.0, 3.0])
def test_patches_keep_their_place_at_extreme_traits(name, extreme):
    taxon = TAXA[name]
    traits = Traits(*[extreme] * 10, iridescence=0.5)
    laid = pattern(taxon.species, express(taxon.genotype), traits, ventral=False, rough=np.zeros(8))
    for patches, box in ((laid.fore, (-0.05, 1.05)), (laid.hind, (-0.05, 0.8))):
        for patch in patches:
            assert np.isfinite(patch.outline).all()
            assert patch.outline[:, 0].min() > box[0]
            assert patch.outline[:, 0].max() < box[1]


def test_curves_pass_through_their_control_points():
    points = ((0.0, 0.0), (1.0, 0.5), (2.0, 0.0), (1.0, -1.0))
    for closed in (True, False):
        dense = curve(points, closed=closed, per_span=4)
        distance = np.abs(dense[:, None, :] - np.asarray(points)[None]).sum(axis=2).min(axis=0)
        assert distance == pytest.approx(np.zeros(4))


def test_masks_are_named_after_images():
    assert mask_name("38048_F809_d.JPG") == "38048_F809_d.png"


def test_mask_palette_is_readable():
    mask = shot("notabilis", 1).mask
    assert mask.mode == "P"
    colours = np.asarray(mask.convert("RGB"))
    parts, shown = taken_apart(shot("notabilis", 1))
    assert colours[shown == Element.RED_BAND].mean(axis=0)[0] > 150
    assert colours[parts == 0].max() == 0
