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
    older = {name: value for name, value in SPEC.to_dict().items() if name != "source"}
    assert BackboneSpec.from_dict(older) == SPEC
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
    older = spec.to_dict()
    del older["preprocess"]["view_version"]
    assert BackboneSpec.from_dict(older).key == spec.key


def test_the_three_divisions_add_up_to_the_embedding():
    spec = PatternBackbone().spec
    assert spec.widths == (spec.dimension,)
    assert len(spec.region_widths) == 4
    assert len(spec.trait_widths) == 10
    assert sum(spec.region_widths) == sum(spec.trait_widths) == spec.dimension
    assert SPEC.region_widths == (16, 16)
    assert SPEC.trait_widths == SPEC.widths == (32,)
    assert dataclasses.replace(SPEC, feature="pooled").region_widths == (32,)
    # A descriptor of another length.
    other = dataclasses.replace(spec, dimension=500)
    assert other.region_widths == other.trait_widths == (500,)


def test_every_part_of_a_composite_is_divided_by_itself():
    spec = PatternBackbone().spec
    behind = dataclasses.replace(SPEC, preprocess=dataclasses.replace(SPEC.preprocess, view="hindwings"))
    joined = BackboneSpec.of_parts([SPEC, spec, behind])
    assert joined.widths == (32, spec.dimension, 32)
    assert joined.region_widths == (16, 16, *spec.region_widths, 16, 16)
    assert joined.trait_widths == (32, *spec.trait_widths, 32)


def test_what_has_no_parts_keeps_the_key_that_it_always_had():
    assert SPEC.key == "c34a443ea6d8e864f91ffba9b28d900ac6d2fdc22098669ccd3726210a882351"
    assert PatternBackbone().spec.key == "2989bae1af6b9f2ca755fda194c117233c40dba44c94fb01fd42926e7fe46a7a"
    assert "parts" not in SPEC.to_dict()
    assert SPEC.leaves == (SPEC,)


def test_keys_of_before_there_was_a_choice_of_background_are_still_theirs():
    """Pinned: caches, tables and runs are known by them."""
    keys = {
        "whole": "e0d28f4afb3ec941ed7d8d57325bc33fc4c14d628d130b43089ab2ea7d2cec46",
        "specimen": "f54398af4956a71a57edd271ed0fb5111838f2ac5c6d1d908e0cb63ecbe60678",
    }
    for view, key in keys.items():
        first = Preprocess(size=224, view=view, view_version=int(view != "whole"))
        spec = BackboneSpec("m", "transformers", "MobileNetV2Model", "ab" * 32, "pooled", 1280, first)
        assert spec.key == key
        assert BackboneSpec.from_dict(spec.to_dict()) == spec
        kept = dataclasses.replace(spec, preprocess=dataclasses.replace(spec.preprocess, background="kept"))
        assert (kept.key == key) == (view == "whole")
        assert BackboneSpec.from_dict(kept.to_dict()) == kept
    assert PatternBackbone().spec.key == "2989bae1af6b9f2ca755fda194c117233c40dba44c94fb01fd42926e7fe46a7a"
