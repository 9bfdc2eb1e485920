"""Features, precision, batch size and memory of a backbone with weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.load import load
from hybridwing.backbones.local import LocalBackbone
from hybridwing.backbones.request import Backbone
from hybridwing.errors import BackboneError

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")


def local(folder: Path, precision: str = "auto", **options: Any) -> LocalBackbone:
    return LocalBackbone(folder, Backbone("local:x", **options), Compute(device="cpu", precision=precision))


def inputs(count: int, side: int = 32) -> list[np.ndarray]:
    return list(np.random.default_rng(1).normal(size=(count, 3, side, side)).astype(np.float32))


@pytest.mark.parametrize(("architecture", "special"), [("DINOv2", 1), ("DINOv2 with registers", 5), ("DeiT", 2)])
def test_features_of_a_transformer(save, architecture, special):
    folder, batch = save(architecture), inputs(2)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        tokens = model(torch.from_numpy(np.stack(batch))).last_hidden_state.numpy()
    expected = {"cls": tokens[:, 0], "pooled": tokens[:, special:].mean(axis=1)}
    expected["cls+patches"] = np.concatenate([expected["cls"], expected["pooled"]], axis=1)
    keys = set()
    for feature, values in expected.items():
        backbone = local(folder, feature=feature)
        assert (backbone.spec.feature, backbone.spec.dimension) == (feature, values.shape[1])
        np.testing.assert_allclose(backbone.forward(batch), values, atol=1e-5)
        keys.add(backbone.spec.key)
    assert len(keys) == 3
    assert local(folder).spec == local(folder, feature="cls+patches").spec


@pytest.mark.parametrize(
    ("architecture", "special"), [("DINOv2", 1), ("DINOv2 with registers", 5), ("DeiT", 2), ("SigLIP vision", 0)]
)
def test_patches_are_averaged_by_cell(save, architecture, special):
    folder, batch = save(architecture), inputs(2)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    model = getattr(model, "vision_model", model)
    with torch.no_grad():
        tokens = model(torch.from_numpy(np.stack(batch))).last_hidden_state.numpy()
    places = tokens[:, special:].reshape(2, 4, 4, -1)
    expected = [places[:, r : r + 2, c : c + 2].mean(axis=(1, 2)) for r in (0, 2) for c in (0, 2)]
    backbone = local(folder, feature="patches-2x2")
    assert (backbone.spec.feature, backbone.spec.widths) == ("patches-2x2", (4 * places.shape[3],))
    np.testing.assert_allclose(backbone.forward(batch), np.concatenate(expected, axis=1), atol=1e-5)


def test_patches_that_lie_in_two_cells_count_by_area(save):
    folder, batch = save("DINOv2"), inputs(2)
    by_patch = local(folder, feature="patches-4x4").forward(batch).reshape(2, 4, 4, -1)
    # The first third of a row of four holds one patch and a third of the next.
    row = np.array([[3, 1, 0, 0], [0, 2, 2, 0], [0, 0, 1, 3]]) / 4
    expected = np.einsum("ih,jw,nhwd->nijd", row, row, by_patch)
    found = local(folder, feature="patches-3x3").forward(batch)
    np.testing.assert_allclose(found, expected.reshape(2, -1), atol=1e-5)


def test_cells_of_a_convolutional_model(save):
    folder, batch = save("ResNet"), inputs(2)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        hidden = model(torch.from_numpy(np.stack(batch))).last_hidden_state.numpy()
    backbone = local(folder, feature=f"patches-{hidden.shape[2]}x{hidden.shape[2]}")
    expected = hidden.transpose(0, 2, 3, 1).reshape(2, -1)
    np.testing.assert_allclose(backbone.forward(batch), expected, atol=1e-5)


@pytest.mark.parametrize("architecture", ["CLIP", "CLIP with projection"])
def test_the_projection_of_a_clip_model(save, architecture):
    folder, batch = save(architecture), inputs(2)
    whole = architecture == "CLIP"
    kind = transformers.CLIPModel if whole else transformers.CLIPVisionModelWithProjection
    model = kind.from_pretrained(folder).eval()
    with torch.no_grad():
        pooled = model.vision_model(torch.from_numpy(np.stack(batch))).pooler_output
        expected = model.visual_projection(pooled).numpy()
    backbone = local(folder, feature="projected")
    assert (backbone.spec.feature, backbone.spec.dimension) == ("projected", 8)
    np.testing.assert_allclose(backbone.forward(batch), expected, atol=1e-5)
    assert local(folder).spec.feature == "cls+patches"


@pytest.mark.parametrize(
    ("architecture", "feature", "said"),
    [
        ("ResNet", "cls", "ResNetModel has no feature 'cls': it has no CLS token; use 'pooled'"),
        ("Swin", "cls+patches", "it has no CLS token"),
        ("ViT", "projected", "ViTModel has no feature 'projected': it is no CLIP model"),
        ("CLIP vision", "projected", "the weights lack 1 of the model's tensors, the first being visual_projection"),
        ("ViT", "logits", "feature must be one of default, cls"),
        ("ViT", "patches-NxN", "feature must be one of default, cls"),
        ("ViT", "patches-2x3", "feature must be one of default, cls"),
        ("ViT", "patches-5x5", "ViTModel has 4 × 4 places in a picture, too few for 'patches-5x5'"),
    ],
)
def test_features_that_a_model_lacks(save, architecture, feature, said):
    with pytest.raises(BackboneError, match=said):
        local(save(architecture), feature=feature).spec  # noqa: B018 - loads the model


def test_bf16_computes_nearly_the_same(save):
    folder, batch = save("DINOv2"), inputs(4)
    full, half = local(folder), local(folder, precision="bf16")
    assert (full.precision, half.precision) == ("fp32", "bf16")
    exact, near = full.forward(batch), half.forward(batch)
    assert near.dtype == np.float32
    assert not np.array_equal(exact, near)
    cosine = (exact * near).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(near, axis=1)
    assert cosine.min() > 0.999
    # The weights are the same, and so is what the embedding is of: the number format is told beside it.
    assert full.spec == half.spec


@pytest.mark.parametrize(
    ("precision", "said"), [("fp16", "'cpu' does not compute in fp16"), ("int8", "precision must be one of auto")]
)
def test_precisions_that_the_device_lacks(save, precision, said):
    with pytest.raises(BackboneError, match=said):
        local(save("ViT"), precision=precision).spec  # noqa: B018 - loads the model


def test_the_batch_follows_the_memory(save, monkeypatch):
    from hybridwing.runtime import device

    folder = save("ViT")
    assert local(folder).batch_size == 32
    monkeypatch.setattr(device, "free_memory", lambda _: 1_000_000)
    assert 1 < local(folder).batch_size < 32
    monkeypatch.setattr(device, "free_memory", lambda _: 0)
    assert local(folder).batch_size == 1


def full_memory(*_: Any, **__: Any) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nand more")


def test_a_full_memory_is_a_memory_error(save, monkeypatch):
    backbone = local(save("ViT"))
    encoder = backbone._encoder
    monkeypatch.setattr(encoder, "_model", full_memory)
    with pytest.raises(MemoryError, match=r"a batch of 3 does not fit the memory of cpu: CUDA out of memory. Tried"):
        backbone.forward(inputs(3))
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    monkeypatch.setattr(encoder, "_device", torch.device("meta"))
    with pytest.raises(MemoryError):
        backbone.forward(inputs(1))
    assert emptied == []


def test_other_faults_of_the_forward_pass_stay_what_they_are(save, monkeypatch):
    backbone = local(save("ViT"))

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(backbone._encoder, "_model", broken)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        backbone.forward(inputs(1))


@pytest.mark.parametrize("view", ["specimen", "forewings"])
def test_views_of_a_photograph(save, view):
    """A picture without a specimen is shown whole; the description says what was asked for."""
    folder = save("ViT")
    backbone, picture = local(folder, view=view), Image.new("RGB", (90, 60), (200, 200, 200))
    assert backbone.spec.preprocess.view == view
    assert backbone.spec.key != local(folder).spec.key
    prepared = backbone.prepare(picture)
    assert (prepared.value.shape, prepared.view) == ((3, 32, 32), "whole")


def test_views_are_handed_on(save):
    assert local(save("ViT"), view="whole").spec.preprocess.view == "whole"
    with pytest.raises(BackboneError, match="view must be one of"):
        local(save("ViT"), view="antennae")


def test_the_background_is_handed_on(save):
    folder = save("ViT")
    masked, kept = (load(Backbone(f"local:{folder}", view="specimen", background=how)) for how in ("masked", "kept"))
    assert masked.spec == load(Backbone(f"local:{folder}", view="specimen")).spec
    assert kept.spec.preprocess.background == "kept"
    assert kept.spec.key != masked.spec.key
    picture = Image.new("RGB", (90, 60), (200, 210, 220))
    ImageDraw.Draw(picture).polygon([(45, 30), (15, 12), (20, 48), (45, 32), (70, 48), (75, 12)], fill=(40, 20, 10))
    shown = [backbone.prepare(picture) for backbone in (masked, kept)]
    assert [prepared.view for prepared in shown] == ["specimen", "specimen"]
    assert not np.array_equal(shown[0].value, shown[1].value)
    for background, message in (
        ("masked", "'whole' keeps its background; to mask it take --view specimen"),
        ("blurred", "must be one of masked, kept"),
    ):
        with pytest.raises(BackboneError, match=message):
            load(Backbone(f"local:{folder}", background=background))
