from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.errors import EmbeddingError
from hybridwing.runtime import preprocess
from hybridwing.runtime.preprocess import Preprocess

SPEC = BackboneSpec("local:/a", "transformers", "ViTModel", "ab" * 32, "cls+patches", 32, Preprocess(mean=(0, 0, 0)))


def test_a_description_survives_json():
    again = BackboneSpec.from_dict(json.loads(json.dumps(SPEC.to_dict())))
    assert again == SPEC
    assert again.key == SPEC.key


def test_the_key_holds_everything_but_the_name():
    assert dataclasses.replace(SPEC, name="local:/b").key == SPEC.key
    changes: dict[str, Any] = {
        "family": "pattern",
        "revision": "v2",
        "weights_sha256": "cd" * 32,
        "feature": "pooled",
        "dimension": 33,
        "preprocess": Preprocess(size=240),
    }
    keys = {dataclasses.replace(SPEC, **{field: value}).key for field, value in changes.items()}
    assert len(keys | {SPEC.key}) == len(changes) + 1


@pytest.mark.parametrize(
    "change",
    [
        {"preprocess": None},
        {"preprocess": {}},
        {"preprocess": {**Preprocess().to_dict(), "size": 1}},
        {"dimension": "32"},
        {"dimension": 0},
        {"dimension": True},
        {"name": None},
        {"feature": 3},
        {"colour": "red"},
    ],
)
def test_a_description_that_is_wrong_is_refused(change):
    with pytest.raises(EmbeddingError, match="the description of the backbone cannot be read: "):
        BackboneSpec.from_dict({**SPEC.to_dict(), **change})


@pytest.mark.parametrize(
    "field", [f.name for f in dataclasses.fields(BackboneSpec) if f.name not in ("source", "parts", "assumed")]
)
def test_a_description_that_is_incomplete_is_refused(field):
    values = SPEC.to_dict()
    del values[field]
    with pytest.raises(EmbeddingError, match=field):
        BackboneSpec.from_dict(values)


@pytest.mark.parametrize("values", [None, [], "text", 3])
def test_a_description_that_is_no_mapping_is_refused(values):
    with pytest.raises(EmbeddingError, match="cannot be read"):
        BackboneSpec.from_dict(values)


def test_where_it_was_fetched_from_is_told_but_does_not_count():
    fetched = dataclasses.replace(SPEC, source="facebook/dinov2-base@" + "0" * 40)
    assert fetched.key == SPEC.key
    assert BackboneSpec.from_dict(json.loads(json.dumps(fetched.to_dict()))) == fetched
    with pytest.raises(EmbeddingError, match="all else is text"):
        BackboneSpec.from_dict({**SPEC.to_dict(), "source": None})


def test_the_key_holds_the_version_of_the_views():
    def cut(view: str, version: int) -> str:
        return dataclasses.replace(SPEC, preprocess=Preprocess(view=view, view_version=version)).key

    assert len({cut("forewings", 1), cut("forewings", 2), cut("hindwings", 1)}) == 3
    assert cut("whole", 1) == cut("whole", 2)


def test_the_pattern_has_a_version_of_its_own(monkeypatch):
    spec = PatternBackbone().spec
    monkeypatch.setattr(preprocess, "VERSION", 7)
    assert PatternBackbone().spec.key == spec.key


def widths_of(spec):
    return tuple(trait.stop - trait.start for trait in spec.traits)


def test_the_three_divisions_add_up_to_the_embedding():
    spec = PatternBackbone().spec
    assert spec.widths == (spec.dimension,)
    assert len(spec.region_widths) == 4
    assert len(spec.traits) == 10
    assert sum(spec.region_widths) == sum(widths_of(spec)) == spec.dimension
    assert [trait.start for trait in spec.traits[1:]] == [trait.stop for trait in spec.traits[:-1]]
    assert SPEC.region_widths == (16, 16)
    assert widths_of(SPEC) == SPEC.widths == (32,)
    assert dataclasses.replace(SPEC, feature="pooled").region_widths == (32,)
    # A descriptor of another length.
    other = dataclasses.replace(spec, dimension=500)
    assert other.region_widths == widths_of(other) == (500,)


def test_every_part_of_a_composite_is_divided_by_itself():
    spec = PatternBackbone().spec
    behind = dataclasses.replace(SPEC, preprocess=dataclasses.replace(SPEC.preprocess, view="hindwings"))
    joined = BackboneSpec.of_parts([SPEC, spec, behind])
    assert joined.widths == (32, spec.dimension, 32)
    assert joined.region_widths == (16, 16, *spec.region_widths, 16, 16)


def test_parents_are_told_by_the_pattern_where_it_is_there_and_else_by_the_blocks():
    spec = PatternBackbone().spec
    moved = [slice(32 + trait.start, 32 + trait.stop) for trait in spec.traits]
    assert list(BackboneSpec.of_parts([SPEC, spec, spec]).traits[:10]) == moved
    assert len(BackboneSpec.of_parts([SPEC, spec, spec]).traits) == 20
    assert BackboneSpec.of_parts([SPEC, SPEC]).traits == (slice(0, 32), slice(32, 64))


@pytest.mark.parametrize("background", ["masked", "kept"])
def test_the_key_holds_the_background(background):
    spec = dataclasses.replace(SPEC, preprocess=Preprocess(view="specimen", background=background))
    other = dataclasses.replace(SPEC, preprocess=Preprocess(view="specimen", background="kept"))
    assert (spec.key == other.key) == (background == "kept")
    assert BackboneSpec.from_dict(spec.to_dict()) == spec
