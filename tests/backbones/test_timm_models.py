from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import hub_server
import numpy as np
import pytest
from PIL import Image

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.load import load
from hybridwing.backbones.request import Backbone, name_again
from hybridwing.errors import BackboneError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("torch", reason="the extra 'torch' is not installed")

#: A model that timm keeps for tests, with its weights.
NAME = "test_vit.r160_in1k"


def test_timm_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtraError, match=r"a backbone of timm needs .* pip install 'hybridwing\[timm\]'"):
        load(f"timm:{NAME}")


@pytest.fixture
def timm() -> Any:
    return pytest.importorskip("timm", reason="timm is not installed", exc_type=ImportError)


@pytest.fixture
def hub(timm, tmp_path) -> Iterator[hub_server.Hub]:
    with hub_server.serving() as server, server.in_place_of_the_hub(tmp_path / "cache"):
        yield server


@pytest.fixture
def published(timm, hub, tmp_path) -> Any:
    """The network whose weights the hub holds."""
    from safetensors.torch import save_file

    network = timm.create_model(NAME, pretrained=False).eval()
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    content = (tmp_path / "model.safetensors").read_bytes()
    hub.repositories[f"timm/{NAME}"] = hub_server.Repository({"config.json": b"{}", "model.safetensors": content})
    return network


def test_embeddings_are_those_of_timm_itself(timm, published):
    import torch

    backbone = load(f"timm:{NAME}", Compute(device="cpu"))
    spec = backbone.spec
    assert (spec.family, spec.feature, spec.source) == ("timm", "pooled", f"timm/{NAME}@{'a' * 40}")
    batch = np.random.default_rng(0).normal(size=(3, 3, spec.preprocess.size, spec.preprocess.size)).astype(np.float32)
    published.reset_classifier(0)
    with torch.no_grad():
        expected = published(torch.from_numpy(batch)).numpy()
    assert spec.dimension == expected.shape[1]
    np.testing.assert_allclose(backbone.forward(list(batch)), expected, atol=1e-5)
    assert (backbone.precision, backbone.batch_size) == ("fp32", 32)


def test_a_commit_can_be_named(timm, published, hub):
    spec = load(f"timm:{NAME}", Compute(device="cpu")).spec
    hub.repositories[f"timm/{NAME}"].commits = ("a" * 40, "b" * 40)
    assert load(name_again(spec), Compute(device="cpu")).spec.source == spec.source
    assert load(f"timm:{NAME}", Compute(device="cpu")).spec.source == f"timm/{NAME}@{'b' * 40}"


@pytest.mark.parametrize("size", [(400, 300), (517, 389), (160, 160)])
def test_inputs_are_those_of_timm_itself(timm, published, size):
    backbone = load(f"timm:{NAME}", Compute(device="cpu"))
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (*size[::-1], 3), dtype=np.uint8))
    steps = timm.data.create_transform(**timm.data.resolve_model_data_config(published))
    np.testing.assert_allclose(backbone.prepare(picture).value, steps(picture).numpy(), atol=1e-5)


def test_models_that_are_not_there(timm, hub):
    with pytest.raises(BackboneError, match="timm has no model 'no_such_model' with weights on the hub"):
        load("timm:no_such_model")
    with pytest.raises(BackboneError, match="the hub has no repository timm/"):
        load(f"timm:{NAME}")


def test_weights_that_do_not_serve(timm, published, hub):
    hub.repositories[f"timm/{NAME}"].files["model.safetensors"] = b"broken"
    with pytest.raises(BackboneError, match=f"timm cannot load {NAME}"):
        load(f"timm:{NAME}", Compute(device="cpu")).spec  # noqa: B018 - loads the model


def test_features_it_lacks(timm, published):
    with pytest.raises(BackboneError, match="has no feature 'cls'"):
        load(Backbone(f"timm:{NAME}", feature="cls"), Compute(device="cpu")).spec  # noqa: B018 - loads the model
