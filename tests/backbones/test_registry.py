from __future__ import annotations

import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.entries import backbone_entries
from hybridwing.backbones.load import load
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.backbones.request import Backbone
from hybridwing.errors import BackboneError


def test_what_is_listed_can_be_named():
    assert all(entry.summary for entry in backbone_entries())
    assert isinstance(load("pattern", Compute(device="cuda")), PatternBackbone)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("patern", "no backbone is called 'patern'; did you mean pattern? there are: pattern, best, bioclip,"),
        ("Pattern", "did you mean pattern?"),
        ("local:", "did you mean local:FOLDER?"),
        ("resnet50", "no backbone is called 'resnet50'; there are: pattern, best, bioclip,"),
        ("", "no backbone is called ''; there are:"),
        ("bioclip2", "did you mean bioclip-2 or bioclip?"),
        ("dinov2-hug", "did you mean dinov2-"),
        ("hub:facebook/dinov2-base", "did you mean dinov2-base?"),
    ],
)
def test_an_unknown_name_is_answered_with_a_near_one(name, said):
    with pytest.raises(BackboneError) as caught:
        load(name)
    assert said in str(caught.value)


def test_a_folder_named_without_its_prefix(tmp_path):
    with pytest.raises(BackboneError) as caught:
        load(str(tmp_path))
    assert f"did you mean local:{tmp_path}? " in str(caught.value)


def test_preprocessings():
    with pytest.raises(BackboneError, match="preprocess must be one of default, sample; got 'timm'"):
        load(Backbone("pattern", preprocess="timm"))
    with pytest.raises(BackboneError, match="--preprocess sample is for backbones with weights"):
        load(Backbone("pattern", preprocess="sample"))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BackboneError, match=r"no folder .*absent; looked for config\.json and model\.safetensors or"):
        load(f"local:{tmp_path / 'absent'}")


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with pytest.raises(BackboneError) as caught:
        load("local:~/models")
    assert str(tmp_path / "models") in str(caught.value)


def test_the_descriptor_masks_the_background():
    assert load(Backbone("pattern", background="masked")).spec == load("pattern").spec
    with pytest.raises(BackboneError, match="the pattern backbone masks the background; it has no background 'kept'"):
        load(Backbone("pattern", background="kept"))
