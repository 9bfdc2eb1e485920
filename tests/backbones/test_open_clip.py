"""CLIP models in open_clip's layout, as the BioCLIP family is published."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import clip_models
import numpy as np
import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.load import load
from hybridwing.backbones.local import LocalBackbone
from hybridwing.backbones.request import Backbone
from hybridwing.errors import BackboneError

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
files = pytest.importorskip("safetensors.torch")


def local(folder: Path, **options: Any) -> LocalBackbone:
    return LocalBackbone(folder, Backbone(f"local:{folder}", **options), Compute(device="cpu"))


def inputs(count: int, side: int = clip_models.SIDE) -> list[np.ndarray]:
    return list(np.random.default_rng(1).normal(size=(count, 3, side, side)).astype(np.float32))


def refusal(folder: Path) -> str:
    with pytest.raises(BackboneError) as caught:
        local(folder).spec  # noqa: B018 - loads the model
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("quick", [False, True])
def test_embeddings_are_those_of_a_plain_restatement(tmp_path, quick):
    weights = clip_models.tensors()
    folder = clip_models.write(tmp_path / "clip", weights, clip_models.changed("model_cfg", quick_gelu=quick))
    backbone = local(folder)
    batch = inputs(3)
    expected = clip_models.encode_image(weights, np.stack(batch), quick=quick)
    other = clip_models.encode_image(weights, np.stack(batch), quick=not quick)
    found = backbone.forward(batch)
    assert (backbone.spec.feature, backbone.spec.dimension) == ("projected", clip_models.DIMENSION)
    np.testing.assert_allclose(found, expected, atol=5e-6)
    assert np.abs(found - other).max() > 1e-3
    assert np.abs(expected).mean() > 0.1


def test_without_a_head_width_there_are_heads_of_64(tmp_path):
    weights = clip_models.tensors(width=128)
    config = clip_models.changed("vision_cfg", width=128)
    del config["model_cfg"]["vision_cfg"]["head_width"]
    folder, batch = clip_models.write(tmp_path / "clip", weights, config), inputs(2)
    expected = clip_models.encode_image(weights, np.stack(batch), head=64)
    np.testing.assert_allclose(local(folder).forward(batch), expected, atol=5e-6)


def test_weights_in_half_precision_compute_in_full(tmp_path):
    half = {name: tensor.half() for name, tensor in clip_models.tensors().items()}
    folder, batch = clip_models.write(tmp_path / "clip", half), inputs(2)
    np.testing.assert_allclose(local(folder).forward(batch), clip_models.encode_image(half, np.stack(batch)), atol=5e-6)


def test_other_features_on_request(tmp_path):
    folder = clip_models.write(tmp_path / "clip")
    width = clip_models.WIDTH
    lengths = {f: local(folder, feature=f).spec.dimension for f in ("projected", "cls", "pooled", "cls+patches")}
    assert lengths == {"projected": clip_models.DIMENSION, "cls": width, "pooled": width, "cls+patches": 2 * width}


def test_the_sample_s_bioclip_embeddings_have_length_1(tmp_path):
    folder, batch = clip_models.write(tmp_path / "clip"), inputs(3)
    plain = local(folder).forward(batch)
    unit = local(folder, feature="projected-unit")
    assert unit.spec.feature == "projected-unit"
    np.testing.assert_allclose(unit.forward(batch), plain / np.linalg.norm(plain, axis=1, keepdims=True), atol=1e-6)


def test_what_is_told_of_it(tmp_path):
    folder = clip_models.write(tmp_path / "clip")
    spec = load(f"local:{folder}", Compute(device="cpu")).spec
    assert (spec.family, spec.revision, spec.source) == ("open_clip", "CLIPVisionModel", "")
    prep = spec.preprocess
    assert (prep.resize, prep.size, prep.resize_to, prep.interpolation) == ("shortest", 32, 32, "bicubic")
    assert (prep.mean, prep.std) == ((0.48, 0.45, 0.40), (0.26, 0.27, 0.28))
    sample = load(Backbone(f"local:{folder}", preprocess="sample"), Compute(device="cpu")).spec.preprocess
    assert (sample.resize, sample.interpolation, sample.mean) == ("squash", "bilinear", prep.mean)
    shutil.copytree(folder, tmp_path / "moved")
    assert local(tmp_path / "moved").spec.key == spec.key
    clip_models.write(tmp_path / "moved", clip_models.tensors(seed=1))
    assert local(tmp_path / "moved").spec.key != spec.key


def test_the_preprocessing_of_open_clip_where_nothing_is_said(tmp_path):
    """As the first BioCLIP's configuration, which names a file where others have a mean."""
    config = clip_models.changed("preprocess_cfg")
    config["preprocess_cfg"] = {"hf_hub": "imageomics/bioclip/open_clip_pytorch_model.bin"}
    prep = local(clip_models.write(tmp_path / "clip", config=config)).spec.preprocess
    assert prep.mean == (0.48145466, 0.4578275, 0.40821073)
    assert prep.std == (0.26862954, 0.26130258, 0.27577711)
    assert (prep.resize, prep.interpolation) == ("shortest", "bicubic")
    del config["preprocess_cfg"]
    assert local(clip_models.write(tmp_path / "clip", config=config)).spec.preprocess == prep


def test_preprocessing_as_the_configuration_says(tmp_path):
    said = {"resize_mode": "squash", "interpolation": "bilinear", "size": [32, 32]}
    config = clip_models.changed("preprocess_cfg", **said)
    prep = local(clip_models.write(tmp_path / "clip", config=config)).spec.preprocess
    assert (prep.resize, prep.interpolation, prep.size) == ("squash", "bilinear", 32)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"resize_mode": "longest"}, "resize_mode 'longest' is not offered"),
        ({"size": [32, 48]}, "only square inputs are offered"),
        ({"size": "large"}, "only square inputs are offered"),
        ({"mean": [0.5]}, "mean must hold three finite numbers"),
        ({"interpolation": "random"}, "interpolation must be one of"),
    ],
)
def test_preprocessing_that_cannot_be_carried_out(tmp_path, values, said):
    folder = clip_models.write(tmp_path / "clip", config=clip_models.changed("preprocess_cfg", **values))
    assert said in refusal(folder)


@pytest.mark.parametrize(
    ("part", "values", "said"),
    [
        ("vision_cfg", {"layers": 3}, "open_clip_config.json says layers 3 and the weights have 2"),
        ("vision_cfg", {"layers": 10**9}, "says layers 1000000000 and the weights have 2"),
        ("vision_cfg", {"width": 64}, "says width 64 and the weights have 32"),
        ("vision_cfg", {"patch_size": 16}, "says patch_size 16"),
        ("vision_cfg", {"image_size": 2**40}, "size must be a whole number of pixels"),
        ("vision_cfg", {"image_size": 64}, "says image_size 64 and the weights have 32"),
        ("model_cfg", {"embed_dim": 512}, "says embed_dim 512 and the weights have 12"),
        ("vision_cfg", {"head_width": 5}, "head_width 5, which does not divide"),
        ("vision_cfg", {"head_width": 0}, "head_width 0"),
        ("vision_cfg", {"timm_model_name": "resnet50"}, "sets timm_model_name to 'resnet50', which is not offered"),
        ("vision_cfg", {"attentional_pool": True}, "sets attentional_pool to True"),
        ("vision_cfg", {"pool_type": "avg"}, "sets pool_type to 'avg'"),
        ("vision_cfg", {"act_kwargs": {"approximate": "tanh"}}, "sets act_kwargs"),
    ],
)
def test_a_configuration_that_lies_or_asks_for_more(tmp_path, part, values, said):
    assert said in refusal(clip_models.write(tmp_path / "clip", config=clip_models.changed(part, **values)))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"model_cfg": 1}', '{"model_cfg": {"vision_cfg": []}}'])
def test_a_configuration_that_is_none(tmp_path, content):
    folder = clip_models.write(tmp_path / "clip")
    (folder / "open_clip_config.json").write_text(content)
    assert "open_clip_config.json does not describe a model" in refusal(folder)


def altered(change: str) -> dict[str, Any]:
    weights = clip_models.tensors()
    layer = "visual.transformer.resblocks.1."
    match change:
        case "text alone":
            return {"text_projection": weights["text_projection"]}
        case "no projection":
            del weights["visual.proj"]
        case "a missing tensor":
            del weights[f"{layer}attn.out_proj.bias"]
        case "a surplus tensor":
            weights[f"{layer}ls_1.gamma"] = torch.ones(clip_models.WIDTH)
        case "another shape":
            weights[f"{layer}mlp.c_proj.weight"] = torch.zeros(3, 3)
        case "a short joint projection":
            weights[f"{layer}attn.in_proj_weight"] = torch.zeros(clip_models.WIDTH, clip_models.WIDTH)
        case "no grid":
            weights["visual.positional_embedding"] = torch.zeros(13, clip_models.WIDTH)
        case "four dimensions":
            weights["visual.proj"] = torch.zeros(1, 1, 1, 1)
    return weights


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("text alone", "holds no image encoder (no tensor is called visual.…)"),
        ("no projection", "no plain vision transformer: it has no 'proj'"),
        ("a missing tensor", "the weights lack vision_model.encoder.layers.1.self_attn.out_proj.bias"),
        ("a surplus tensor", "tensors that are not known, the first being vision_model.encoder.layers.1.ls_1.gamma"),
        ("another shape", "vision_model.encoder.layers.1.mlp.fc2.weight has shape (3, 3) instead of (32, 128)"),
        ("a short joint projection", "attn.in_proj_weight has 32 rows"),
        ("no grid", "does not take square RGB pictures in square patches"),
        ("four dimensions", "tensors of unexpected dimensions"),
    ],
)
def test_weights_that_are_another_models(tmp_path, change, said):
    assert said in refusal(clip_models.write(tmp_path / "clip", altered(change)))


def test_weights_cut_short_or_of_huge_declared_size(tmp_path):
    folder = clip_models.write(tmp_path / "clip")
    path = folder / "open_clip_model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert "open_clip_model.safetensors is damaged or no safetensors file" in refusal(folder)
    path.write_bytes(b"")
    assert "is damaged or no safetensors file" in refusal(folder)
    huge = {"visual.proj": {"dtype": "F32", "shape": [10**9, 10**6], "data_offsets": [0, 4 * 10**15]}}
    header = json.dumps(huge).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 64)
    assert "is damaged or no safetensors file" in refusal(folder)
    path.write_bytes((2**62).to_bytes(8, "little") + whole[8:])
    assert "is damaged or no safetensors file" in refusal(folder)


def test_a_pickle_is_refused_with_the_command_that_converts_it(tmp_path):
    folder = clip_models.write(tmp_path / "clip")
    (folder / "open_clip_model.safetensors").unlink()
    torch.save(clip_models.tensors(), folder / "open_clip_pytorch_model.bin")
    said = refusal(folder)
    assert "looked for open_clip_model.safetensors or open_clip_pytorch_model.safetensors" in said
    assert "open_clip_pytorch_model.bin is a pickle, which could run code when loaded and is refused" in said
    assert f"python -m hybridwing.backbones.convert {folder}" in said


def test_links_count_as_what_they_point_to(tmp_path):
    """The hub's cache is made of links."""
    folder, linked = clip_models.write(tmp_path / "clip"), tmp_path / "linked"
    linked.mkdir()
    for path in folder.iterdir():
        (linked / path.name).symlink_to(path)
    assert local(linked).spec.key == local(folder).spec.key
    (linked / "open_clip_model.safetensors").unlink()
    (linked / "open_clip_model.safetensors").symlink_to(tmp_path / "nowhere")
    assert "holds no weights" in refusal(linked)
    (linked / "open_clip_config.json").unlink()
    (linked / "open_clip_config.json").symlink_to(linked / "open_clip_config.json")
    assert "holds no config.json" in refusal(linked)


def test_a_folder_of_both_layouts_is_that_of_hugging_face(tmp_path, save):
    folder = save("ViT")
    clip_models.write(folder)
    assert local(folder).spec.family == "transformers"
    key = local(folder).spec.key
    (folder / "open_clip_model.safetensors").unlink()
    assert local(folder).spec.key == key
    clip_models.write(folder)
    other = LocalBackbone(folder, Backbone("x"), Compute(device="cpu"), layout="open_clip")
    assert other.spec.family == "open_clip"


def test_it_agrees_with_open_clip_itself(tmp_path):
    open_clip = pytest.importorskip("open_clip", reason="open_clip is not installed", exc_type=ImportError)
    for quick in (False, True):
        model_cfg = clip_models.changed("model_cfg", quick_gelu=quick)["model_cfg"]
        torch.manual_seed(3)
        vision, text = (
            open_clip.CLIPVisionCfg(**model_cfg["vision_cfg"]),
            open_clip.CLIPTextCfg(**model_cfg["text_cfg"]),
        )
        model = open_clip.CLIP(model_cfg["embed_dim"], vision, text, quick_gelu=quick).eval()
        state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        config = {**clip_models.CONFIG, "model_cfg": model_cfg}
        folder, batch = clip_models.write(tmp_path / str(quick), state, config), inputs(4)
        with torch.no_grad():
            expected = model.encode_image(torch.from_numpy(np.stack(batch)), normalize=False).numpy()
        np.testing.assert_allclose(local(folder).forward(batch), expected, atol=1e-5)
