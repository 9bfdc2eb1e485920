from __future__ import annotations

import dataclasses
import json
import re

import pytest

from hybridwing.backbones.entries import (
    BackboneEntry,
    backbone_entries,
    backbone_names,
    describe_entry,
    find_entry,
    near_names,
)
from hybridwing.errors import BackboneError
from hybridwing.runtime.preprocess import Preprocess

HUB = [entry for entry in backbone_entries() if entry.repository]


def names(*patterns: str) -> list[str]:
    return [entry.name for entry in backbone_entries(patterns)]


def test_the_backbones_of_the_mission_are_there():
    assert {"pattern", "bioclip", "bioclip-2", "bioclip-2.5", "dinov2-base", "dinov3-base"} <= set(backbone_names())
    assert {"hf:REPO[@REVISION]", "local:FOLDER", "timm:NAME"} <= set(backbone_names())
    assert len(set(backbone_names())) == len(backbone_names())


@pytest.mark.parametrize("entry", HUB, ids=lambda entry: entry.name)
def test_what_comes_from_the_hub_is_pinned_and_described(entry):
    assert re.fullmatch(r"[0-9a-f]{40}", entry.revision)
    assert entry.licence
    assert entry.layout in ("transformers", "open_clip")
    assert entry.weights in ("safetensors", "pickle")
    assert entry.parameters > 10_000_000
    assert entry.preprocess.view == "whole"
    assert entry.patches[0] * (14 if entry.patches[0] == 16 else 16) == entry.preprocess.size
    assert entry.gated == entry.name.startswith("dinov3-")
    assert ("not OSI-approved" in entry.licence) == entry.gated
    assert find_entry(entry.name) is entry


def test_values_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        backbone_entries()[0].name = "x"


def test_an_entry_survives_json():
    for entry in backbone_entries():
        values = json.loads(json.dumps(entry.to_dict()))
        values["features"] = tuple(values["features"])
        values["patches"] = values["patches"] and tuple(values["patches"])
        values["preprocess"] = values["preprocess"] and Preprocess.from_dict(values["preprocess"])
        assert BackboneEntry(**values) == entry


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["pattern"], ["pattern"]),
        (["bioclip*"], ["bioclip", "bioclip-2", "bioclip-2.5"]),
        (["BioCLIP"], ["bioclip"]),
        (["dinov2-[sb]*"], ["dinov2-small", "dinov2-base"]),
        (["dinov?-large", "bioclip"], ["bioclip", "dinov2-large", "dinov3-large"]),
        (["hf:*"], ["hf:REPO[@REVISION]"]),
        (["hf:REPO[@REVISION]"], ["hf:REPO[@REVISION]"]),
        (["local:folder"], ["local:FOLDER"]),
    ],
)
def test_wildcards(patterns, found):
    assert names(*patterns) == found


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (
            "bioclip2",
            "no backbone fits 'bioclip2'; did you mean bioclip-2 or bioclip? there are: pattern, best,",
        ),
        ("dinov2-hug*", "did you mean dinov2-"),
        ("zzz", "no backbone fits 'zzz'; there are: pattern"),
        ("", "no backbone fits ''; there are:"),
    ],
)
def test_a_pattern_that_fits_nothing_is_answered_with_near_names(pattern, said):
    with pytest.raises(BackboneError) as caught:
        backbone_entries(["pattern", pattern])
    assert said in str(caught.value)


def test_forms_are_not_entries_to_load():
    assert find_entry("local:FOLDER") is None
    assert find_entry("no-such") is None
    assert all(name.startswith("dinov2-") for name in near_names("dinov2"))
    assert near_names("") == []


def test_descriptions_tell_what_matters():
    said = "\n".join(describe_entry(find_entry("bioclip")))
    for part in (
        "512 numbers (projected",
        "86 M parameters, 14 × 14",
        "short side to 224",
        "MIT",
        "a pickle; safetensors of the newest",
    ):
        assert part in said
    said = "\n".join(describe_entry(find_entry("dinov3-large")))
    assert "squashed to 224 × 224, bilinear" in said
    assert "not OSI-approved" in said
    assert describe_entry(find_entry("pattern"))[1:] == ["embedding: 862 numbers (wings)"]


@pytest.mark.slow
@pytest.mark.parametrize("entry", HUB, ids=lambda entry: entry.name)
def test_sizes_are_those_of_the_architecture(entry):
    """Built without memory for the weights, from the shapes that the families publish."""
    torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    patch = entry.preprocess.size // entry.patches[0]
    heads = {384: 6, 768: 12, 1024: 16, 1280: 20, 1536: 24, 4096: 32}
    shape = {"image_size": entry.preprocess.size, "patch_size": patch}
    with torch.device("meta"):
        if entry.layout == "open_clip":
            width, layers = {512: (768, 12), 768: (1024, 24), 1024: (1280, 32)}[entry.dimension]
            config = transformers.CLIPVisionConfig(
                hidden_size=width, num_hidden_layers=layers, num_attention_heads=16 if width > 768 else 12,
                intermediate_size=4 * width, projection_dim=entry.dimension, **shape,
            )  # fmt: skip
            model = transformers.CLIPVisionModelWithProjection(config)
        elif entry.name.startswith("dinov2"):
            width = entry.dimension // 2
            layers = {384: 12, 768: 12, 1024: 24, 1536: 40}[width]
            config = transformers.Dinov2Config(
                hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads[width],
                use_swiglu_ffn=width == 1536, image_size=518, patch_size=patch,
            )  # fmt: skip
            model = transformers.Dinov2Model(config)
        else:
            if not hasattr(transformers, "DINOv3ViTModel"):
                pytest.skip("this release of transformers has no DINOv3")
            width = entry.dimension // 2
            layers = {384: 12, 768: 12, 1024: 24, 1280: 32, 4096: 40}[width]
            config = transformers.DINOv3ViTConfig(
                hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads[width],
                intermediate_size={1280: 5120, 4096: 8192}.get(width, 4 * width),
                use_gated_mlp="plus" in entry.name or entry.name.endswith("7b"), num_register_tokens=4, **shape,
            )  # fmt: skip
            model = transformers.DINOv3ViTModel(config)
    counted = sum(parameter.numel() for parameter in model.parameters())
    # Biases that one model of the family lacks are all that may differ.
    assert abs(counted - entry.parameters) / counted < 1e-4
