"""Where weights are looked for, and what stands for what measured best."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.entries import BEST_FEATURE, BEST_NAMES, BEST_VIEWS, find_entry
from hybridwing.backbones.load import is_at_hand, load
from hybridwing.backbones.request import Backbone
from hybridwing.errors import BackboneError, on_the_command_line


@pytest.fixture
def weights(save, tmp_path):
    """A folder of weights with a small model that calls itself dinov2-small."""
    save("DINOv2", "weights/dinov2-small")
    return tmp_path / "weights"


def offline(**more) -> Compute:
    return Compute(device="cpu", offline=True, **more)


@pytest.mark.torch
def test_a_name_finds_its_folder(weights, monkeypatch):
    spec = load("dinov2-small", offline(weights=weights)).spec
    assert (spec.name, spec.source, spec.dimension) == ("dinov2-small", "", 32)
    assert load("dinov2-small", offline(weights=str(weights / "dinov2-small"))).spec == spec
    monkeypatch.setenv("HYBRIDWING_WEIGHTS", str(weights))
    assert load("dinov2-small", offline()).spec == spec
    # A run finds it again by its name, and holds it against the hash.
    assert load(Backbone.of(spec), offline()).spec == spec
    assert load(f"dinov2-small@{find_entry('dinov2-small').revision}", offline()).spec == spec


@pytest.mark.torch
@pytest.mark.parametrize("name", ["dinov2-base", f"dinov2-small@{'c0ffee' * 6}1234"])
def test_what_the_folder_does_not_hold_is_looked_for_on_the_hub(weights, tmp_path, monkeypatch, name):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(BackboneError, match=r"config\.json is not in the hub's cache"):
        load(name, offline(weights=weights))


@pytest.mark.torch
def test_with_neither_hub_nor_folder_both_ways_are_named(weights, tmp_path, monkeypatch):
    pytest.importorskip("huggingface_hub", reason="the extra 'torch' is not installed")
    monkeypatch.delenv("HYBRIDWING_WEIGHTS", raising=False)
    with on_the_command_line(), pytest.raises(BackboneError) as caught:
        load("dinov2-giant", offline())
    said = str(caught.value)
    assert "fetch it with: hf download facebook/dinov2-giant" in said
    assert said.endswith(
        "or put its files, got elsewhere, into a folder dinov2-giant, and name the folder that holds dinov2-giant with "
        "--weights or HYBRIDWING_WEIGHTS"
    )
    with pytest.raises(BackboneError, match=f"^{weights} has no folder dinov2-giant, and facebook/dinov2-giant at "):
        load("dinov2-giant", offline(weights=weights))


def test_a_folder_of_weights_that_is_not_there(tmp_path, monkeypatch):
    with (
        on_the_command_line(),
        pytest.raises(BackboneError, match=r"no folder of weights at .*absent, which --weights"),
    ):
        load("dinov2-small", Compute(weights=tmp_path / "absent"))
    monkeypatch.setenv("HYBRIDWING_WEIGHTS", str(tmp_path / "absent"))
    with pytest.raises(BackboneError, match=r"at .*absent, which HYBRIDWING_WEIGHTS names"):
        load("dinov2-small")


def test_what_measured_best_has_a_name_of_its_own():
    best = Backbone("best")
    assert best == Backbone(",".join(BEST_NAMES), BEST_VIEWS, feature=BEST_FEATURE)
    assert [one.name for one in best.singles] == ["pattern", *["dinov2-small"] * len(BEST_VIEWS)]
    with pytest.raises(BackboneError, match="'best' has views and a feature of its own; for others name pattern,dinov"):
        Backbone("best", feature="cls")
    with pytest.raises(BackboneError, match="'best' stands for pattern,dinov2-small, and beside others"):
        Backbone("best,bioclip")


@pytest.mark.torch
def test_whether_it_is_at_hand_is_found_out_without_torch(weights, tmp_path):
    assert is_at_hand("best", Compute(weights=weights))
    program = (
        "import sys\nfrom hybridwing.backbones.load import is_at_hand\n"
        "print(is_at_hand('best'), 'torch' in sys.modules)"
    )
    for folder, answer in ((weights, "True False"), (tmp_path, "False False")):
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"HYBRIDWING_WEIGHTS": str(folder), "HF_HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        )
        assert done.stdout.strip() == answer
