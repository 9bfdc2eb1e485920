"""Backbones and views side by side: each part is what it would be alone, and a network is loaded once."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hybridwing.backbones.base import MOST_PARTS, BackboneSpec
from hybridwing.backbones.composite import CompositeBackbone
from hybridwing.backbones.compute import Compute
from hybridwing.backbones.load import load
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.backbones.request import Backbone
from hybridwing.embeddings.cache import EmbeddingCache
from hybridwing.embeddings.engine import embed_images
from hybridwing.embeddings.job import embed_to_file
from hybridwing.embeddings.store import read_table
from hybridwing.errors import BackboneError, EmbeddingError
from hybridwing.runtime import encoder
from hybridwing.runtime.preprocess import Preprocess

pytestmark = pytest.mark.torch
WING = ((3, 10), (60, -20), (70, -12), (50, 25), (3, 20))
SIDES = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}


@pytest.fixture
def models(save):
    """Two small models: a transformer, and a convolutional network of larger pictures."""
    large = {**SIDES, "size": {"shortest_edge": 40}, "crop_size": 36, "do_center_crop": True}
    return f"local:{save('ViT', 'vit')}", f"local:{save('ResNet', 'resnet', large)}"


@pytest.fixture
def pictures(tmp_path):
    """Specimens of plain colours, and one picture of nothing."""
    rng, items = np.random.default_rng(3), []
    for number in range(5):
        picture = Image.new("RGB", (200, 150), (225, 225, 220))
        if number < 4:
            draw = ImageDraw.Draw(picture)
            for base in (40, 80):
                colour = tuple(int(c) for c in rng.integers(0, 150, 3))
                for side in (-1, 1):
                    draw.polygon([(100 + side * x, base + y) for x, y in WING], fill=colour)
        picture.save(tmp_path / f"{number}.png")
        items.append((str(number), tmp_path / f"{number}.png"))
    return items


@pytest.fixture
def loaded(monkeypatch):
    """Folders that networks were loaded from, in order."""
    seen = []
    load = encoder.load_model
    monkeypatch.setattr(
        encoder, "load_model", lambda folder, *rest, **more: seen.append(folder) or load(folder, *rest, **more)
    )
    return seen


def test_columns_are_those_of_the_parts_alone(models, pictures, loaded):
    vit, resnet = models
    backbone = load(Backbone(f"{vit},pattern,{resnet}", view="specimen,whole"))
    assert isinstance(backbone, CompositeBackbone)
    assert len(loaded) == 2
    table = embed_images(pictures, backbone, compute=Compute(workers=2, batch_size=2))
    singles = [(vit, "specimen"), (vit, "whole"), ("pattern", "whole"), (resnet, "specimen"), (resnet, "whole")]
    alone = [load(Backbone(name, view=view)) for name, view in singles]
    assert [part.spec for part in backbone.parts] == [single.spec for single in alone]
    vectors = [embed_images(pictures, single, compute=Compute(workers=1, batch_size=2)).vectors for single in alone]
    # A network takes all its views in one batch, which moves the last digits.
    np.testing.assert_allclose(table.vectors, np.concatenate(vectors, axis=1), rtol=1e-4, atol=1e-5)
    assert table.backbone.region_widths == tuple(width for single in alone for width in single.spec.region_widths)
    assert sum(table.backbone.region_widths) == table.backbone.dimension == table.vectors.shape[1]
    assert table.backbone.widths == tuple(single.spec.dimension for single in alone)
    assert (table.precision, table.runtime) == ("fp32", "torch")
    # The picture of nothing lacks its view; it is told once.
    assert [(one.uuid, one.confidence) for one in table.fallbacks if one.view == "whole"] == [("4", 0.0)]


def test_it_is_worked_like_its_parts(models):
    vit, _ = models
    mixed, views = load(f"pattern,{vit}"), load(Backbone(vit, view="forewings,hindwings"))
    assert (mixed.prepare_in_processes, views.prepare_in_processes) == (True, False)
    assert views.batch_size == views.parts[0].batch_size // 2
    assert mixed.batch_size == min(part.batch_size for part in mixed.parts)
    assert pickle.loads(pickle.dumps(mixed.prepare))(Image.new("RGB", (40, 30))).view == "whole"
    assert mixed.spec.views == "whole"
    assert views.spec.views == "forewings,hindwings"


def test_a_network_takes_all_its_views_in_one_forward_pass(models, monkeypatch):
    vit, resnet = models
    backbone, sizes = load(Backbone(f"{vit},pattern,{resnet}", view="specimen,whole,forewings")), []
    forward = encoder.Encoder.forward
    monkeypatch.setattr(
        encoder.Encoder, "forward", lambda self, batch: sizes.append(len(batch)) or forward(self, batch)
    )
    prepared = backbone.prepare(Image.new("RGB", (60, 40), (9, 90, 200))).value
    backbone.forward([prepared, prepared])
    assert sizes == [6, 6]


def test_the_picture_is_decoded_for_the_most_demanding_part(models):
    vit, resnet = models
    spec = load(Backbone(f"{vit},{resnet}", view="whole,hindwings")).spec
    # It is asked for in steps of two pixels.
    assert 0 <= spec.preprocess.short_side - max(part.preprocess.short_side for part in spec.parts) <= 1
    assert spec.preprocess.view == "hindwings"
    huge = replace(spec.parts[0], preprocess=Preprocess(4096, "shortest", 8192, view="forewings"))
    assert BackboneSpec.of_parts([spec.parts[1], huge]).preprocess.short_side == 8192


def test_the_key_tells_views_and_order_apart_and_not_places(models, tmp_path):
    vit, _ = models
    one, other, turned = (
        load(Backbone(vit, view=view)).spec for view in ("whole,specimen", "whole,forewings", "specimen,whole")
    )
    assert len({one.key, other.key, turned.key}) == 3
    elsewhere = BackboneSpec.of_parts([replace(part, name="local:/there", source="a@b") for part in one.parts])
    assert elsewhere.key == one.key


def test_a_composite_is_found_again_where_it_was_and_where_it_went(models, tmp_path):
    vit, resnet = models
    spec = load(Backbone(f"pattern,{vit},{resnet}", view="specimen,forewings", feature="default")).spec
    assert load(Backbone.of(spec)).spec == spec
    (tmp_path / "vit").rename(tmp_path / "moved, far")
    moved = f"pattern,local:{tmp_path / 'moved, far'},{resnet}"
    again = load(Backbone.of(spec, moved))
    assert again.spec.key == spec.key
    assert again.spec.name == moved
    with pytest.raises(BackboneError, match="no folder"):
        load(Backbone.of(spec))
    with pytest.raises(BackboneError, match="name all 3 in this order"):
        load(Backbone.of(spec, "pattern"))


def test_a_table_keeps_the_parts_and_the_cache_knows_them(models, pictures, tmp_path):
    vit, _ = models
    backbone = load(Backbone(f"pattern,{vit}", view="specimen,forewings"))
    cache = EmbeddingCache(tmp_path / "cache")
    first = embed_to_file(pictures, backbone, tmp_path / "a.parquet", compute=Compute(workers=1, cache=cache.folder))
    again = embed_to_file(pictures, backbone, tmp_path / "b.parquet", compute=Compute(workers=1, cache=cache.folder))
    assert (first.cached, again.cached) == (0, 5)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    table = read_table(tmp_path / "a.parquet")
    assert table.backbone == backbone.spec
    assert first.fallbacks == sum(one.view == "whole" for one in table.fallbacks) >= 1


def test_the_samples_resize_is_for_those_with_weights(models):
    vit, _ = models
    spec = load(Backbone(f"pattern,{vit}", view="specimen", preprocess="sample")).spec
    assert spec.parts[0] == PatternBackbone().spec
    assert spec.parts[1] == load(Backbone(vit, view="specimen", preprocess="sample")).spec
    assert load(Backbone.of(spec)).spec == spec


def test_a_feature_is_for_those_with_weights(models):
    vit, _ = models
    spec = load(Backbone(f"pattern,{vit}", view="specimen,whole", feature="cls")).spec
    assert [part.feature for part in spec.parts] == ["wings", "cls", "cls"]


class TestErrors:
    def test_the_same_model_under_two_names(self, models, save):
        vit, _ = models
        twin = f"local:{save('ViT', 'twin')}"
        with pytest.raises(BackboneError, match=r"vit and local:.*twin are the same model, and its view whole would"):
            load(f"{vit},{twin}")

    def test_a_comma_is_explained(self, models, tmp_path):
        vit, _ = models
        with pytest.raises(BackboneError) as caught:
            load(f"{vit},old")
        assert "no backbone is called 'old'; " in str(caught.value)
        assert f"was read as '{vit}', 'old')" in str(caught.value)
        with pytest.raises(
            BackboneError, match=r"no folder .*absent; .*a comma divides names, unless there is a folder"
        ):
            load(f"local:{tmp_path / 'absent,folder'}")

    def test_all_names_are_looked_at_before_a_model_is_loaded(self, models, loaded):
        with pytest.raises(BackboneError, match="no backbone is called"):
            load(Backbone(f"{models[0]},patern", view="whole,specimen"))
        assert loaded == []

    def test_without_commas_nothing_is_explained(self):
        with pytest.raises(BackboneError) as caught:
            load(Backbone("patern", view="whole,specimen"))
        assert "comma" not in str(caught.value)

    def test_one_part(self):
        with pytest.raises(BackboneError, match="a composite has 2 to 64 parts"):
            CompositeBackbone([PatternBackbone()])

    def test_a_composite_of_composites(self, models):
        pair = load(f"pattern,{models[0]}")
        with pytest.raises(BackboneError, match="cannot be a composite itself"):
            CompositeBackbone([pair, PatternBackbone()])

    def test_a_view_that_does_not_exist(self, models):
        with pytest.raises(BackboneError, match="view must be one of"):
            load(Backbone.join(models[0], Backbone(models[0], view="legs")))


def test_without_weights_what_there_is_tells():
    other = PatternBackbone()
    spec = replace(other.spec, revision="v2")

    class Other(PatternBackbone):
        precision = "bf16"

        @property
        def spec(self):
            return spec

    made = CompositeBackbone([other, Other()])
    assert made.precision == "fp32+bf16"
    assert made.runtime == "numpy"


class TestDescription:
    @pytest.fixture
    def values(self):
        network = BackboneSpec("local:/a", "transformers", "ViT", "ab" * 32, "cls", 8, Preprocess(view="forewings"))
        return BackboneSpec.of_parts([PatternBackbone().spec, network]).to_dict()

    def test_it_survives_json(self, values):
        spec = BackboneSpec.from_dict(json.loads(json.dumps(values)))
        assert spec.to_dict() == values
        assert spec.name == "pattern,local:/a"
        assert (spec.views, spec.preprocess.view) == ("forewings", "specimen")
        assert values["parts"][0]["parts"] == []

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"dimension": 9}, "its dimension is 9, and its 2 parts have 870"),
            ({"family": "transformers"}, "the family 'transformers' has 2 parts"),
            ({"parts": []}, "the family 'composite' has 0 parts"),
            ({"parts": "ab"}, "its parts are str, and no list"),
            ({"parts": {"a": 1}}, "its parts are dict, and no list"),
            ({"parts": [1, 2]}, "a part is int"),
            ({"parts": [{}, {}]}, "of a part, the description of the backbone cannot be read: 'parts'"),
            ({"parts": [PatternBackbone().spec.to_dict()]}, "a composite has 2 to 64 parts"),
            ({"parts": [PatternBackbone().spec.to_dict()] * 100_000}, f"it has 100000 parts, and {MOST_PARTS} are"),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, values, change, message):
        with pytest.raises(EmbeddingError) as caught:
            BackboneSpec.from_dict({**values, **change})
        assert message in str(caught.value)

    def test_however_deep_it_goes(self, values):
        deep = values
        for _ in range(100_000):
            deep = {**values, "parts": [deep, deep]}
        with pytest.raises(EmbeddingError, match="a part has parts itself"):
            BackboneSpec.from_dict(deep)
        # Taken apart by hand: Python would do it with a recursion.
        while isinstance(deep, dict) and deep.get("parts"):
            deep = deep.pop("parts")[0]
