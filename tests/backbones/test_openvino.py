from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.load import load
from hybridwing.backbones.request import Backbone
from hybridwing.errors import BackboneError, MissingExtraError

from .conftest import SIDE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.torch
needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="the extra 'openvino' is not installed"
)


def inputs(count: int, seed: int = 3) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).standard_normal((count, 3, SIDE, SIDE)).astype(np.float32))


@needs_openvino
@pytest.mark.parametrize(
    ("architecture", "feature"),
    [
        ("DINOv2 with registers", "default"),
        ("DINOv2 with registers", "patches-3x3"),
        ("ConvNeXt", "default"),
        ("CLIP vision", "default"),
    ],
)
def test_its_embeddings_are_those_of_torch(save: Callable[..., Path], architecture: str, feature: str) -> None:
    request = Backbone(f"local:{save(architecture)}", feature=feature)
    torchs, mine = load(request), load(request, Compute(runtime="openvino"))
    assert mine.spec == torchs.spec
    assert mine.precision == "fp32"
    assert mine.batch_size == torchs.batch_size
    for count in (1, 3):
        wanted, got = torchs.forward(inputs(count)), mine.forward(inputs(count))
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)


@needs_openvino
def test_an_embedding_does_not_depend_on_its_company(save):
    mine = load(f"local:{save('ViT')}", Compute(runtime="openvino"))
    three = mine.forward(inputs(3))
    np.testing.assert_allclose(mine.forward(inputs(3)[::-1])[::-1], three, atol=1e-6)


@needs_openvino
def test_real_weights(shared, tmp_path):
    name = f"local:{shared / 'weights' / 'mobilenet_v2_1.0_224'}"
    torchs, mine = load(name), load(name, Compute(runtime="openvino"))
    pictures = list(np.random.default_rng(0).uniform(-1, 1, (4, 3, 224, 224)).astype(np.float32))
    wanted, got = torchs.forward(pictures), mine.forward(pictures)
    cosine = (wanted * got).sum(1) / np.linalg.norm(wanted, axis=1) / np.linalg.norm(got, axis=1)
    assert cosine.min() > 0.9999


@needs_openvino
def test_another_model_than_torchs_is_refused(save, monkeypatch):
    from hybridwing.backbones.openvino import OpenVinoEncoder

    monkeypatch.setattr(OpenVinoEncoder, "forward", lambda self, batch: -np.ones((len(batch), self.dimension)))
    with pytest.raises(BackboneError, match=r"OpenVINO's embeddings by local:.* are not those of torch \(cosine"):
        _ = load(f"local:{save('ViT')}", Compute(runtime="openvino")).spec


@needs_openvino
def test_a_model_that_it_cannot_translate(save, monkeypatch):
    import openvino

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("No conversion rule found for operations: aten::odd\nand more")

    monkeypatch.setattr(openvino, "convert_model", fail)
    with pytest.raises(BackboneError, match=r"OpenVINO cannot run ViTModel \(local:.*\): No conversion .*odd$"):
        _ = load(f"local:{save('ViT')}", Compute(runtime="openvino")).spec


@needs_openvino
@pytest.mark.parametrize(("said", "kind"), [("Exception: std::bad_alloc", MemoryError), ("odd", RuntimeError)])
def test_no_memory_for_a_batch(save, monkeypatch, said, kind):
    mine = load(f"local:{save('ViT')}", Compute(runtime="openvino"))
    assert mine.forward(inputs(1)).shape == (1, mine.spec.dimension)

    def fail(*_: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(mine.network, "_compiled", fail)
    with pytest.raises(kind, match="a batch of 5 does not fit the memory" if kind is MemoryError else "odd"):
        mine.forward(inputs(5))


@needs_openvino
def test_devices_that_are_no_processor(save, monkeypatch):
    from hybridwing.backbones.openvino import OpenVinoEncoder

    class Elsewhere:
        device = "cuda"

    with pytest.raises(BackboneError, match="--runtime openvino is for processors, not for the device 'cuda'"):
        OpenVinoEncoder(Elsewhere(), "x")  # type: ignore[arg-type]


@pytest.fixture
def large(monkeypatch):
    """Every network counts as one that is worth translating."""
    monkeypatch.setattr("hybridwing.backbones.openvino._WORTH_IT", 0)


@needs_openvino
@pytest.mark.usefixtures("large")
def test_it_is_taken_by_itself_and_torch_where_it_fails(save, monkeypatch, caplog):
    from hybridwing.backbones.openvino import OpenVinoEncoder

    name = f"local:{save('ViT')}"
    assert load(name, Compute(device="cpu")).runtime == "openvino"
    assert load(name, Compute(device="cpu", runtime="torch")).runtime == "torch"
    assert not caplog.records
    monkeypatch.setattr(OpenVinoEncoder, "forward", lambda self, batch: -np.ones((len(batch), self.dimension)))
    assert load(name, Compute(device="cpu")).runtime == "torch"
    (line,) = caplog.messages
    assert line.startswith(f"OpenVINO's embeddings by {name} are not those of torch (cosine -")
    assert line.endswith("; torch computes instead")


@pytest.mark.usefixtures("large")
def test_without_it_torch_computes(save, monkeypatch, caplog):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "openvino" else real(name, *a))
    assert load(f"local:{save('ViT')}").runtime == "torch"
    assert not caplog.records


@needs_openvino
def test_a_small_network_is_not_translated(save):
    assert load(f"local:{save('ViT')}", Compute(device="cpu")).runtime == "torch"


def test_without_openvino(save, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "openvino" else real(name, *a))
    with pytest.raises(MissingExtraError, match=r"--runtime openvino needs .*hybridwing\[openvino\]"):
        _ = load(f"local:{save('ViT')}", Compute(runtime="openvino")).spec


def test_runtimes_that_there_are_not(monkeypatch):
    with pytest.raises(BackboneError, match="runtime must be one of auto, torch, openvino; got 'tflite'"):
        load("pattern", Compute(runtime="tflite"))
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(BackboneError, match="timm's models run in torch alone"):
        load("timm:vit_small_patch16_224", Compute(runtime="openvino"))


@needs_openvino
def test_nobody_is_told_that_it_is_used(save, tmp_path):
    # In a process of its own: the package that reports would have to be there before OpenVINO is imported.
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k):\n"
        "    print('asked for', a[0]); raise OSError\n"
        "socket.getaddrinfo = refuse\n"
        "from hybridwing.backbones.compute import Compute\n"
        "from hybridwing.backbones.load import load\n"
        f"load('local:{save('ViT')}', Compute(runtime='openvino')).spec\n"
        "print('done', sys.modules.get('openvino_telemetry'))\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "HOME")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env={**kept, "HOME": str(home)},
    )
    assert done.stdout.strip() == "done None"
    assert not (home / "intel").exists()
