"""Folders in Hugging Face's layout that lie, or that want more than to be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.local import LocalBackbone
from hybridwing.backbones.request import Backbone
from hybridwing.errors import BackboneError

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
pytest.importorskip("transformers", reason="the extra 'torch' is not installed")


def refusal(folder: Path) -> str:
    with pytest.raises(BackboneError) as caught:
        LocalBackbone(folder, Backbone("local:x"), Compute(device="cpu")).spec  # noqa: B018 - loads the model
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def configured(folder: Path, **values: Any) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}), encoding="utf-8")
    return folder


@pytest.mark.parametrize("model_type", ["vit", "of-its-own"])
def test_code_of_a_folder_is_never_run(save, tmp_path, model_type):
    folder = configured(
        save("ViT"),
        model_type=model_type,
        auto_map={"AutoConfig": "evil.Config", "AutoModel": "evil.Model"},
    )
    ran = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w')\nfrom transformers import ViTModel as Model\n")
    if model_type == "vit":  # a known architecture is built from the library's own code
        assert LocalBackbone(folder, Backbone("local:x"), Compute(device="cpu")).spec.revision == "ViTModel"
    else:
        assert "asks for code of its own to be run, which is never done" in refusal(folder)
    assert not ran.exists()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"num_hidden_layers": 10**9}, "config.json says num_hidden_layers 1000000000, which no model has"),
        ({"hidden_size": 2**31}, "says hidden_size 2147483648"),
        ({"image_size": [32, 10**12]}, "says image_size 1000000000000"),
        ({"nested": {"depths": [2, 10**6]}}, "says depths 1000000"),
        ({"hidden_size": 100_000, "intermediate_size": 100_000}, "config.json describes a model of "),
        ({"image_size": 100_000}, "config.json describes a model of "),
        ({"num_hidden_layers": 90, "hidden_size": 1024}, "config.json describes a model of "),
        ({"id2label": [0] * (2**20 + 1)}, "config.json lists 1048577 values as id2label"),
    ],
)
def test_sizes_that_are_declared_and_not_there(save, values, said):
    assert said in refusal(configured(save("ViT"), **values))


def test_numbers_that_are_only_large(save):
    folder = configured(save("ViT"), pad_token_id=10**7, label2id={"a": 1}, use_cache=True)
    assert LocalBackbone(folder, Backbone("local:x"), Compute(device="cpu")).spec.dimension == 32


def test_weights_of_huge_declared_size(save):
    folder = save("ViT")
    header = json.dumps({"a": {"dtype": "F32", "shape": [10**9, 10**6], "data_offsets": [0, 4 * 10**15]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 64)
    assert "model.safetensors is damaged or no safetensors file" in refusal(folder)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ("{", "model.safetensors.index.json does not say which files hold the weights"),
        ("[]", "does not say which files"),
        ('{"weight_map": []}', "does not say which files"),
        ('{"weight_map": {"a": ["x"]}}', "does not say which files"),
        ('{"weight_map": {"a": 3}}', "names 3, which is no safetensors file beside it"),
        ('{"weight_map": {"a": "../x.safetensors"}}', "names '../x.safetensors'"),
        ('{"weight_map": {"a": "x.bin"}}', "names 'x.bin'"),
        ('{"weight_map": {"a": "absent.safetensors"}}', "absent.safetensors is damaged or no safetensors file"),
    ],
)
def test_an_index_that_leads_astray(save, index, said):
    folder = save("ViT")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(index)
    assert said in refusal(folder)


def test_links_that_lead_nowhere(save, tmp_path):
    folder = save("ViT")
    weights = folder / "model.safetensors"
    weights.unlink()
    weights.symlink_to(tmp_path / "nowhere")
    assert "holds no weights" in refusal(folder)
    weights.unlink()
    weights.symlink_to(weights)
    assert "holds no weights" in refusal(folder)
    weights.unlink()
    weights.symlink_to("/dev/zero")
    assert "holds no weights" in refusal(folder)


def test_a_deeply_nested_configuration(save):
    folder = save("ViT")
    (folder / "config.json").write_text("[" * 100_000 + "]" * 100_000)
    assert "cannot be used" in refusal(folder)
