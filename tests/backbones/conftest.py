"""Small vision models with random weights, in Hugging Face layout."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# Tests are imported by path, so there is no package to import this folder's own modules from.
for _name in ("clip_models", "hub_server"):
    _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
    if _name not in sys.modules and _spec is not None and _spec.loader is not None:
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])

SIDE = 32
TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": SIDE,
    "patch_size": 8,
}
PREPROCESSOR = {
    "do_resize": True,
    "size": {"height": SIDE, "width": SIDE},
    "resample": 3,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.3, 0.4],
}


def model_of(architecture: str) -> Any:
    """Make a small model with random weights."""
    transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    torch.manual_seed(7)
    small = {key: TINY[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "image_size")}
    makers: dict[str, Callable[[], Any]] = {
        "MobileNetV2": lambda: transformers.MobileNetV2Model(
            transformers.MobileNetV2Config(depth_multiplier=0.1, image_size=SIDE, initializer_range=0.25)
        ),
        "ConvNeXt": lambda: transformers.ConvNextModel(
            transformers.ConvNextConfig(hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], image_size=SIDE)
        ),
        "ResNet": lambda: transformers.ResNetModel(
            transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1])
        ),
        "ViT": lambda: transformers.ViTModel(transformers.ViTConfig(**TINY)),
        "ViT for classification": lambda: transformers.ViTForImageClassification(transformers.ViTConfig(**TINY)),
        "DeiT": lambda: transformers.DeiTModel(transformers.DeiTConfig(**TINY)),
        "DINOv2": lambda: transformers.Dinov2Model(transformers.Dinov2Config(**small, patch_size=8)),
        "DINOv2 with registers": lambda: transformers.Dinov2WithRegistersModel(
            transformers.Dinov2WithRegistersConfig(**small, patch_size=8, num_register_tokens=4)
        ),
        "CLIP vision": lambda: transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**TINY)),
        "CLIP": lambda: transformers.CLIPModel(
            transformers.CLIPConfig(
                text_config={
                    **{key: TINY[key] for key in ("hidden_size", "num_attention_heads", "intermediate_size")},
                    **{"num_hidden_layers": 1, "vocab_size": 64, "bos_token_id": 1, "eos_token_id": 2},
                },
                vision_config=TINY,
                projection_dim=8,
            )
        ),
        "CLIP with projection": lambda: transformers.CLIPVisionModelWithProjection(
            transformers.CLIPVisionConfig(**TINY, projection_dim=8)
        ),
        "SigLIP vision": lambda: transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**TINY)),
        "Swin": lambda: transformers.SwinModel(
            transformers.SwinConfig(embed_dim=8, depths=[1, 1], num_heads=[1, 1], window_size=4, image_size=SIDE)
        ),
        "BERT": lambda: transformers.BertModel(
            transformers.BertConfig(
                hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, vocab_size=64
            )
        ),
    }
    return makers[architecture]().eval()


@pytest.fixture
def quiet_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transformers announces on standard error what it writes."""
    transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    transformers.utils.logging.disable_progress_bar()


@pytest.fixture
def save(tmp_path: Path, quiet_transformers: None) -> Callable[..., Path]:
    """Write a small model to a folder, with a preprocessor_config.json unless told otherwise."""

    def write(architecture: str, name: str = "model", preprocessor: dict[str, Any] | None = PREPROCESSOR) -> Path:
        folder = tmp_path / name
        model_of(architecture).save_pretrained(folder)
        if preprocessor is not None:
            (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor), encoding="utf-8")
        return folder

    return write
