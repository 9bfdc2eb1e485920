from __future__ import annotations

import importlib.util
import json
import pickle
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.compute import Compute
from hybridwing.backbones.load import load
from hybridwing.backbones.local import LocalBackbone
from hybridwing.backbones.request import Backbone
from hybridwing.embeddings.engine import embed_images
from hybridwing.errors import BackboneError, MissingExtraError
from hybridwing.images.decode import read_rgb
from hybridwing.runtime.preprocess import Preprocess

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")

#: Architecture, feature, dimension, tokens before those of the patches.
MODELS = [
    ("MobileNetV2", "pooled", 1280, None),
    ("ConvNeXt", "pooled", 8, None),
    ("ResNet", "pooled", 8, None),
    ("Swin", "pooled", 16, 0),
    ("SigLIP vision", "pooled", 16, 0),
    ("ViT", "cls+patches", 32, 1),
    ("ViT for classification", "cls+patches", 32, 1),
    ("DeiT", "cls+patches", 32, 2),
    ("DINOv2", "cls+patches", 32, 1),
    ("DINOv2 with registers", "cls+patches", 32, 5),
    ("CLIP", "cls+patches", 32, 1),
    ("CLIP vision", "cls+patches", 32, 1),
]


def local(folder: Path, **options: Any) -> LocalBackbone:
    return LocalBackbone(
        folder,
        Backbone(f"local:{folder}", **options),
        Compute(device="cpu"),
    )


def inputs(count: int, side: int = 32) -> list[np.ndarray]:
    return list(np.random.default_rng(1).normal(size=(count, 3, side, side)).astype(np.float32))


def direct(folder: Path, batch: list[np.ndarray], special: int | None) -> np.ndarray:
    """What transformers itself makes of prepared inputs."""
    model = transformers.AutoModel.from_pretrained(folder).float().eval()
    model = getattr(model, "vision_model", model)
    with torch.no_grad():
        output = model(torch.from_numpy(np.stack(batch)))
    if special is None:
        return output.pooler_output.flatten(1).numpy()
    tokens = output.last_hidden_state.numpy()
    mean = tokens[:, special:].mean(axis=1)
    return mean if special == 0 else np.concatenate([tokens[:, 0], mean], axis=1)


@pytest.mark.parametrize(("architecture", "feature", "dimension", "special"), MODELS, ids=[m[0] for m in MODELS])
def test_embeddings_are_those_of_a_direct_computation(save, architecture, feature, dimension, special):
    folder = save(architecture)
    backbone = local(folder)
    assert (backbone.spec.feature, backbone.spec.dimension) == (feature, dimension)
    batch = inputs(3)
    embedded = backbone.forward(batch)
    assert embedded.dtype == np.float32
    assert embedded.shape == (3, dimension)
    np.testing.assert_allclose(embedded, direct(folder, batch, special), atol=1e-5)
    np.testing.assert_allclose(backbone.forward(batch[1:2]), embedded[1:2], atol=1e-4)
    assert np.ptp(embedded, axis=0).max() > 1e-4


def test_registers_do_not_count(save):
    folder = save("DINOv2 with registers")
    batch = inputs(1)
    with_registers = direct(folder, batch, 1)
    assert np.abs(local(folder).forward(batch) - with_registers).max() > 1e-3


def test_models_in_half_precision_compute_in_full(save, tmp_path):
    folder = save("ViT")
    half = transformers.AutoModel.from_pretrained(folder).half()
    half.save_pretrained(tmp_path / "half")
    shutil.copy(folder / "preprocessor_config.json", tmp_path / "half")
    batch = inputs(2)
    np.testing.assert_allclose(local(tmp_path / "half").forward(batch), local(folder).forward(batch), atol=2e-2)


def test_sharded_weights(save):
    folder = save("ViT")
    model = transformers.AutoModel.from_pretrained(folder)
    whole = local(folder).forward(inputs(1))
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="5KB")
    assert (folder / "model.safetensors.index.json").is_file()
    np.testing.assert_array_equal(local(folder).forward(inputs(1)), whole)
    next(folder.glob("model-00002-*.safetensors")).unlink()
    with pytest.raises(BackboneError, match=r"the model in .* cannot be used: "):
        local(folder).spec  # noqa: B018 - loads the model


def test_the_description_names_what_made_an_embedding(save):
    spec = local(save("DINOv2")).spec
    assert (spec.family, spec.revision) == ("transformers", "Dinov2Model")
    assert spec.preprocess == Preprocess(
        size=32, resize="squash", resize_to=32, interpolation="bicubic", mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4)
    )
    assert len(spec.weights_sha256) == 64


def test_what_was_assumed_is_part_of_the_description_and_not_of_the_key(save):
    assert local(save("MobileNetV2")).spec.assumed == ""
    spec = local(save("MobileNetV2", "bare", None)).spec
    assert spec.assumed.startswith("the backbone's folder has no preprocessor_config.json: pictures are squashed")
    assert BackboneSpec.from_dict(spec.to_dict()) == spec
    assert replace(spec, assumed="").key == spec.key


def test_the_key_is_that_of_the_content_wherever_it_lies(save, tmp_path):
    folder = save("ViT")
    key = local(folder).spec.key
    shutil.copytree(folder, tmp_path / "moved")
    assert local(tmp_path / "moved").spec.key == key
    assert local(tmp_path / "moved", preprocess="sample").spec.key != key

    config = json.loads((folder / "preprocessor_config.json").read_text())
    (tmp_path / "moved" / "preprocessor_config.json").write_text(json.dumps({**config, "resample": 2}))
    assert local(tmp_path / "moved").spec.key != key

    torch.manual_seed(8)
    transformers.ViTModel(transformers.ViTConfig.from_pretrained(folder)).save_pretrained(tmp_path / "other")
    shutil.copy(folder / "preprocessor_config.json", tmp_path / "other")
    assert local(tmp_path / "other").spec.key != key


def test_preparing_can_be_sent_to_another_process(save):
    prepare = local(save("ViT")).prepare
    picture = Image.new("RGB", (50, 40), (200, 100, 50))
    assert np.array_equal(pickle.loads(pickle.dumps(prepare))(picture).value, prepare(picture).value)
    assert prepare(picture).value.shape == (3, 32, 32)


def refusal(folder: Path) -> str:
    with pytest.raises(BackboneError) as caught:
        local(folder).spec  # noqa: B018 - loads the model
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_without_a_model_says_what_was_looked_for(tmp_path, save):
    assert "no folder" in refusal(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    assert "holds no config.json; looked for config.json and model.safetensors" in refusal(tmp_path / "empty")
    folder = save("ViT")
    (folder / "model.safetensors").rename(folder / "weights.safetensors")
    said = refusal(folder)
    assert "holds no weights; looked for config.json and model.safetensors or model.safetensors.index.json" in said
    assert "pickle" not in said


def test_pickled_weights_are_refused_with_a_way_out(save):
    folder = save("ViT")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    said = refusal(folder)
    assert "pytorch_model.bin is a pickle, which could run code" in said
    assert f"python -m hybridwing.backbones.convert {folder}" in said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"], "pytorch_model-00001-of-00002.bin"),
        (["model.ckpt"], "model.ckpt"),
        (["open_clip_pytorch_model.bin"], "open_clip_pytorch_model.bin"),
    ],
)
def test_pickles_that_cannot_be_converted_are_not_said_to_be(save, names, said):
    folder = save("ViT")
    (folder / "model.safetensors").unlink()
    for name in names:
        (folder / name).write_bytes(b"x")
    answer = refusal(folder)
    assert f"; {said} is a pickle, which could run code when loaded and is refused; hybridwing converts " in answer
    assert "python -m" not in answer
    assert "save it as safetensors" in answer


def test_of_several_pickles_the_weights_are_named(save):
    folder = save("ViT")
    (folder / "model.safetensors").unlink()
    for name in ("optimizer.bin", "pytorch_model.bin"):
        (folder / name).write_bytes(b"x")
    assert "; pytorch_model.bin is a pickle" in refusal(folder)


def test_weights_cut_short(save):
    folder = save("ViT")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "cannot be used" in refusal(folder)
    weights.write_bytes(b"")
    assert "cannot be used" in refusal(folder)


def test_a_model_of_texts(save):
    assert "BertModel does not take pictures; a vision model is needed" in refusal(save("BERT"))


def test_weights_of_another_architecture(save):
    folder, other = save("ViT"), save("ConvNeXt", "other")
    shutil.copy(other / "model.safetensors", folder / "model.safetensors")
    assert "tensors have other sizes than config.json says" in refusal(folder)


def test_weights_that_lack_a_tensor(save):
    files = pytest.importorskip("safetensors.torch")
    folder = save("DINOv2")
    tensors = files.load_file(folder / "model.safetensors")
    lacking = {name: tensor for name, tensor in tensors.items() if name != "layernorm.weight"}
    files.save_file(lacking, folder / "model.safetensors", metadata={"format": "pt"})
    said = refusal(folder)
    assert "the weights lack 1 of the model's tensors, the first being layernorm.weight" in said
    assert "the weights belong to another model" in said


def test_weights_may_lack_a_pooler_that_is_not_used(save):
    files = pytest.importorskip("safetensors.torch")
    folder = save("ViT")
    whole = local(folder).forward(inputs(1))
    tensors = files.load_file(folder / "model.safetensors")
    without = {name: tensor for name, tensor in tensors.items() if not name.startswith("pooler.")}
    assert len(without) < len(tensors)
    files.save_file(without, folder / "model.safetensors", metadata={"format": "pt"})
    np.testing.assert_array_equal(local(folder).forward(inputs(1)), whole)


def test_weights_of_another_size(save):
    folder = save("ViT")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 24, "intermediate_size": 48}))
    assert "tensors have other sizes than config.json says, the first being " in refusal(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model_type": "no-such-model"}', "{}"])
def test_a_config_that_is_none(save, content):
    folder = save("ViT")
    (folder / "config.json").write_text(content)
    assert "cannot be used" in refusal(folder)


def test_a_model_for_another_size_of_picture(save):
    said = refusal(save("ViT", preprocessor=None))
    assert "ViTModel does not embed pictures of 224 × 224 pixels" in said
    assert "no preprocessor_config.json: pictures are squashed to 224 × 224" in said


@pytest.mark.parametrize("device", ["no-such-device", "cuda:99", "meta:x"])
def test_a_device_that_is_not_there(save, device):
    backbone = LocalBackbone(
        save("ViT"),
        Backbone("local:x"),
        Compute(device=device),
    )
    with pytest.raises(BackboneError, match=f"the device '{device}' cannot be used"):
        backbone.spec  # noqa: B018 - loads the model


@pytest.mark.parametrize(("cuda", "mps", "device"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_the_best_device_is_picked(monkeypatch, cuda, mps, device):
    from hybridwing.runtime.encoder import pick_device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device("auto") == device
    assert pick_device("cpu") == "cpu"


@pytest.mark.parametrize(("tokens", "side", "patch", "special"), [
    (257, 224, 14, 1), (261, 224, 14, 5), (196, 224, 16, 0), (198, 224, 16, 2), (49, 224, 4, 0), (50, 224, None, 1),
])  # fmt: skip
def test_tokens_before_those_of_the_patches(tokens, side, patch, special):
    from hybridwing.runtime.encoder import _special_tokens

    assert _special_tokens(tokens, side, patch) == special


def test_tokens_that_cannot_be_told_apart():
    from hybridwing.runtime.encoder import EncoderError, _special_tokens

    with pytest.raises(EncoderError, match="which of its 55 tokens are patches"):
        _special_tokens(55, 224, None)


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_a_missing_extra_is_named(save, monkeypatch, package):
    folder = save("ViT")
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else found(name))
    with pytest.raises(MissingExtraError, match=rf"'{package}'.*pip install 'hybridwing\[torch\]'"):
        local(folder)


def test_good_pictures_are_unharmed_by_bad_ones(save, tmp_path):
    backbone = local(save("DINOv2"))
    for number in range(5):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"broken")
    items = [(str(number), tmp_path / f"{number}.png") for number in range(5)]
    table = embed_images(items, backbone, compute=Compute(batch_size=3, workers=2))
    assert table.uuids == ("0", "1", "3", "4")
    assert [failure.uuid for failure in table.failures] == ["2"]
    for item in items[:2]:
        alone = embed_images([item], backbone)
        np.testing.assert_allclose(alone.vectors[0], table.vectors[table.uuids.index(item[0])], atol=1e-5)


def test_the_real_one_agrees_with_a_direct_computation(shared):
    folder = shared / "weights" / "mobilenet_v2_1.0_224"
    backbone = load(Backbone(f"local:{folder}", preprocess="sample"), Compute(device="cpu"))
    assert (backbone.spec.feature, backbone.spec.dimension) == ("pooled", 1280)
    assert (backbone.spec.preprocess.resize, backbone.spec.preprocess.size) == ("squash", 224)
    paths = sorted((shared / "silhouettes" / "images").glob("*.png"))[::600]
    table = embed_images([(path.name, path) for path in paths], backbone)
    model = transformers.MobileNetV2Model.from_pretrained(folder).eval()
    for path, vector in zip(paths, table.vectors, strict=True):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR), np.float64) / 255
        pixels = (pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
        with torch.no_grad():
            expected = model(torch.from_numpy(pixels.transpose(2, 0, 1)[None]).float()).pooler_output[0].numpy()
        np.testing.assert_allclose(vector, expected, atol=1e-5, rtol=1e-5)
    own = load(f"local:{folder}", Compute(device="cpu"))
    assert own.spec.preprocess.resize_to == 256
    assert own.prepare(read_rgb(paths[0])).value.shape == (3, 224, 224)
