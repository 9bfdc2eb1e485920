from __future__ import annotations

from typing import TYPE_CHECKING

import clip_models
import numpy as np
import pytest

from hybridwing.backbones import convert as module
from hybridwing.backbones.compute import Compute
from hybridwing.backbones.convert import convert, main
from hybridwing.backbones.local import LocalBackbone
from hybridwing.backbones.request import Backbone
from hybridwing.errors import BackboneError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
pytest.importorskip("transformers", reason="the extra 'torch' is not installed")


def embedded(folder: Path) -> np.ndarray:
    picture = np.random.default_rng(1).normal(size=(3, 32, 32)).astype(np.float32)
    return LocalBackbone(folder, Backbone("x"), Compute(device="cpu")).forward([picture])


@pytest.fixture
def pickled(tmp_path: Path) -> Path:
    folder = clip_models.write(tmp_path / "clip")
    (folder / "open_clip_model.safetensors").unlink()
    torch.save(clip_models.tensors(), folder / "open_clip_pytorch_model.bin")
    return folder


def test_a_converted_model_is_the_same_model(pickled, tmp_path, capsys):
    assert main([str(pickled)]) == 0
    assert capsys.readouterr().out == f"{pickled / 'open_clip_model.safetensors'}\n"
    np.testing.assert_array_equal(embedded(pickled), embedded(clip_models.write(tmp_path / "other")))
    assert sorted(path.name for path in pickled.iterdir()) == [
        "open_clip_config.json", "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
    ]  # fmt: skip


def test_a_model_of_hugging_face(save):
    folder = save("ViT")
    expected = embedded(folder)
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    convert(folder)
    np.testing.assert_array_equal(embedded(folder), expected)


def test_a_checkpoint_of_parallel_training(pickled, tmp_path):
    tensors = clip_models.tensors()
    shared = {f"module.{name}": tensor for name, tensor in tensors.items()}
    # Two names for one memory, which safetensors does not store.
    shared["module.text_projection"] = tensors["visual.proj"][:16]
    torch.save({"epoch": 3, "state_dict": shared, "name": "x"}, pickled / "open_clip_pytorch_model.bin")
    convert(pickled)
    np.testing.assert_array_equal(embedded(pickled), embedded(clip_models.write(tmp_path / "other")))


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (open, (str(self.path), "w"))


def test_code_in_a_pickle_is_not_run(pickled, tmp_path, capsys):
    torch.save({"a": Bomb(tmp_path / "ran")}, pickled / "open_clip_pytorch_model.bin")
    assert main([str(pickled)]) == 2
    assert "cannot be read as tensors alone" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()
    assert not (pickled / "open_clip_model.safetensors").exists()


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {}, torch.zeros(3)])
def test_a_pickle_of_something_else(pickled, content):
    torch.save(content, pickled / "open_clip_pytorch_model.bin")
    with pytest.raises(BackboneError, match="holds no tensors by name"):
        convert(pickled)


def test_nothing_to_convert(tmp_path):
    with pytest.raises(BackboneError, match=r"holds none of open_clip_pytorch_model\.bin, pytorch_model\.bin"):
        convert(tmp_path)


def test_of_two_pickles_the_one_whose_configuration_is_there(save, pickled):
    folder = save("ViT")
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"not looked at")
    (folder / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(2)}, folder / "pytorch_model.bin")
    assert convert(folder).name == "model.safetensors"
    torch.save({"a": torch.zeros(2)}, pickled / "pytorch_model.bin")
    assert convert(pickled).name == "open_clip_model.safetensors"


def test_a_pickle_without_its_configuration(tmp_path):
    torch.save({"a": torch.zeros(2)}, tmp_path / "pytorch_model.bin")
    assert convert(tmp_path).name == "model.safetensors"


def test_nothing_is_overwritten(pickled):
    (pickled / "open_clip_model.safetensors").write_bytes(b"mine")
    with pytest.raises(BackboneError, match="is there already"):
        convert(pickled)
    assert (pickled / "open_clip_model.safetensors").read_bytes() == b"mine"


def test_torch_may_be_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(module.sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match="converting a pickle needs the package 'torch'"):
        convert(tmp_path)
