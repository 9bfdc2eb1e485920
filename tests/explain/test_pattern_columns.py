"""The descriptor's columns are read as they were written: rows, edges, wings, and the redness of the ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.explain.pattern_columns import UNKNOWN, is_pattern, paleness, turned_over
from hybridwing.explain.typicality import LEAST_TURN
from hybridwing.explain.typicality_fitting import Images, fit_typicality
from hybridwing.runtime.orientation import Direction
from hybridwing.runtime.pattern import DIMENSION, REGIONS, TRAITS, prepare
from hybridwing.runtime.preprocess import Preprocess
from hybridwing.simulate.plan import plan
from hybridwing.simulate.specimen import render
from hybridwing.simulate.styles import record_style


@pytest.fixture(autouse=True)
def as_they_lie(monkeypatch):
    """`pattern` describes a specimen as it lies in the picture, and does not turn it upright."""
    monkeypatch.setattr("hybridwing.runtime.finding.find_direction", lambda *_: Direction(0.0, 1.0))


@pytest.fixture(scope="module")
def slots():
    # Of one pattern, so that a few images suffice to know it.
    return [slot for slot in plan(1400, 5) if slot.stratum.parents[0] == "notabilis" and not slot.stratum.hybrid][:40]


@pytest.fixture(scope="module")
def pictures(slots):
    return [render(replace(slot, ventral=False), 5, 192).picture for slot in slots]


@pytest.fixture(scope="module")
def vectors(pictures):
    return np.array([prepare(picture).value for picture in pictures], dtype=np.float64)


def table(vectors):
    names = tuple(map(str, range(len(vectors))))
    return EmbeddingTable(names, vectors.astype(np.float32), PatternBackbone().spec)


def part(vectors, place):
    ends = np.cumsum((0, *TRAITS))
    return vectors[:, ends[place] : ends[place + 1]]


def test_turned_over_is_what_the_picture_turned_over_gives():
    # Wings laid apart are cut in the same places, whichever way they lie.
    apart = [slot for slot in plan(1400, 5) if record_style(slot.record).detached == 1 and not slot.ventral][:6]
    pictures = [render(slot, 5, 320).picture for slot in apart]
    lying = np.array([prepare(picture).value for picture in pictures], dtype=np.float64)
    over = np.array([prepare(picture.rotate(180)).value for picture in pictures], dtype=np.float64)
    predicted = turned_over(lying)
    error, apart = (np.linalg.norm(over - found, axis=1) for found in (predicted, lying))
    assert (error < 0.5 * apart).all()
    for place in range(len(TRAITS)):
        off, was = (np.linalg.norm(part(found, place) - part(over, place), axis=1) for found in (predicted, lying))
        assert (off < was).all(), place


@pytest.mark.slow
def test_turning_over_twice_changes_nothing(vectors):
    assert np.array_equal(turned_over(turned_over(vectors)), vectors)


def test_specimens_upside_down_are_told_from_upright_ones(pictures, vectors):
    train, held_out, asked = vectors[:15], vectors[15:25], vectors[25:].astype(np.float32)
    whole = [Images(part.astype(np.float32), np.zeros(len(part), bool)) for part in (train, held_out)]
    known = fit_typicality(*whole, regions=REGIONS, is_pattern=True, fallbacks=0, doubts=0)
    over = np.array([prepare(picture.rotate(180)).value for picture in pictures[25:]])
    assert (
        known.turn(asked, known.distance(asked)).max() < 1 < LEAST_TURN < known.turn(over, known.distance(over)).min()
    )
    reasons = known.reasons(table(over))
    assert all(reason.startswith("more like the training images when turned over") for reason in reasons)
    assert not any("turned over" in reason for reason in known.reasons(table(asked)))


@pytest.mark.slow
def test_the_ground_of_undersides_is_paler(slots, vectors):
    known = vectors[:20]
    under = np.array(
        [prepare(render(replace(slot, ventral=True), 5, 192).picture).value for slot in slots[20:]], dtype=np.float64
    )
    above, below = (
        paleness(asked, np.broadcast_to(known, (len(asked), *known.shape))) for asked in (vectors[20:], under)
    )
    assert np.median(below) > 0.04 > np.median(above)
    assert (below[:, None] > above[None, :]).mean() > 0.95
    upper = Images(known.astype(np.float32), np.zeros(len(known), bool))
    model = replace(
        fit_typicality(upper, upper, regions=REGIONS, is_pattern=False, fallbacks=0, doubts=0),
        distances=np.full(20, 9.0),
        paleness=np.full(20, above.max()),
    )
    reasons = model.reasons(table(np.vstack([vectors[20:], under])))
    assert not any(reasons[:20])
    assert sum(reason.startswith("looks like an underside or faded: ") for reason in reasons[20:]) >= 12


def test_paleness_of_one_pair_of_wings_alone_is_none():
    ground = np.zeros((1, DIMENSION))
    for place in (1, 4):
        part(ground, place)[:, :36] = 0.2
    like = np.repeat(ground[:, None], 3, axis=1)
    pale = ground.copy()
    part(pale, 1)[:, :36] += 0.1
    assert paleness(pale, like) == pytest.approx(0)
    part(pale, 4)[:, :36] += 0.06
    assert paleness(pale, like) == pytest.approx(0.06)
    # Blue that lightens a wing is no red.
    blue = ground.copy()
    for place in (1, 4):
        part(blue, place)[:, :36] += 0.1
        part(blue, place)[:, 72:] -= 0.3
    assert paleness(blue, like) == pytest.approx(0)


def test_where_like_images_show_no_ground_nothing_is_said():
    none = np.zeros((2, DIMENSION))
    assert paleness(none, np.repeat(none[:, None], 3, axis=1)).tolist() == [UNKNOWN, UNKNOWN]
    fore = none.copy()
    part(fore, 1)[:, :36] = 0.2
    assert paleness(fore + 0.0, np.repeat(fore[:, None], 3, axis=1)).tolist() == [0.0, 0.0]


def test_only_the_descriptor_alone_is_read_so():
    assert is_pattern(PatternBackbone().spec)
    assert not is_pattern(BackboneSpec("p", "pattern", "v9", "", "f", DIMENSION + 1, Preprocess(size=8)))
    assert not is_pattern(BackboneSpec("p", "timm", "v9", "", "f", DIMENSION, Preprocess(size=8)))
