"""Load the image encoder of a model in open_clip's layout, as the BioCLIP family is published, without open_clip.

The layout is ``open_clip_config.json`` beside ``open_clip_model.safetensors``. Its image encoder (the ``visual.``
tensors) is transformers' ``CLIPVisionModelWithProjection`` under other names: the attention's joint input projection is
split in three, the output projection transposed. The embedding is the projected class token, as open_clip's
``encode_image`` gives it without normalisation (open_clip, ``model.py`` and ``transformer.py``: ``VisionTransformer``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .errors import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "open_clip_config.json"
#: Names that the weights go by; the second is what the hub's own conversion calls them.
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")

_PREFIX = "visual."
#: Settings of open_clip's vision tower that the mapping holds for, with the values it has to find them at.
_PLAIN: dict[str, tuple[Any, ...]] = {
    "timm_model_name": (None,),
    "attentional_pool": (None, False),
    "attn_pooler_queries": (None, 256),
    "no_ln_pre": (None, False),
    "pos_embed_type": (None, "learnable"),
    "final_ln_after_pool": (None, False),
    "pool_type": (None, "tok"),
    "output_tokens": (None, False),
    "act_kwargs": (None, {}),
    "norm_kwargs": (None, {}),
    "ls_init_value": (None,),
    "qk_norm": (None, False),
    "scaled_cosine_attn": (None, False),
    "input_patchnorm": (None, False),
    "global_average_pool": (None, False),
}
#: A layer's tensors: open_clip's names and transformers'.
_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


def read_config(folder: Path) -> dict[str, Any]:
    """Read ``open_clip_config.json``; its parts ``model_cfg`` and ``preprocess_cfg`` are dicts.

    Raises EncoderError if it cannot be read, or is something else.
    """
    try:
        values = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        model, vision = values["model_cfg"], values["model_cfg"]["vision_cfg"]
        preprocess = values.setdefault("preprocess_cfg", {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EncoderError(f"{CONFIG} does not describe a model: {type(error).__name__}: {error}") from error
    if not all(isinstance(part, dict) for part in (model, vision, preprocess)):
        raise EncoderError(f"{CONFIG} does not describe a model: a part is missing")
    return dict(values)


def load_open_clip(folder: Path) -> Any:
    """Load the image encoder as a transformers ``CLIPVisionModelWithProjection``, on the processor and in fp32.

    Raises EncoderError if the model is no plain vision transformer, or its weights are not those the configuration
    describes.
    """
    import torch
    import transformers

    library: Any = transformers
    config = read_config(folder)["model_cfg"]
    path = next((folder / name for name in WEIGHTS if (folder / name).is_file()), folder / WEIGHTS[0])
    tensors = _visual_tensors(path)
    sizes = _sizes(tensors)
    unseen = {
        "num_attention_heads": _heads(config, sizes),
        "hidden_act": "quick_gelu" if config.get("quick_gelu") else "gelu",
        "layer_norm_eps": 1e-5,
        "attention_dropout": 0.0,
    }
    with torch.device("meta"):  # the weights take the place of memory that would be filled for nothing
        model = library.CLIPVisionModelWithProjection(library.CLIPVisionConfig(**sizes, **unseen))
    state = {name: tensor.to(torch.float32) for name, tensor in _renamed(tensors, sizes).items()}
    _put(model, state)
    return model.eval()


def _put(model: Any, state: dict[str, Any]) -> None:
    """Give a model without memory its weights; both must have the same names and shapes."""
    import torch

    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    for name, shape in wanted.items():
        if name not in state:
            raise EncoderError(f"the weights lack {name}: they belong to another model")
        if tuple(state[name].shape) != shape:
            raise EncoderError(f"{name} has shape {tuple(state[name].shape)} instead of {shape}: another model's")
    surplus = sorted(set(state) - set(wanted))
    if surplus:
        raise EncoderError(f"the image encoder has tensors that are not known, the first being {surplus[0]}")
    model.load_state_dict(state, assign=True, strict=True)
    embeddings = model.vision_model.embeddings
    # A buffer that is never saved, and so was left without memory.
    embeddings.register_buffer("position_ids", torch.arange(embeddings.num_positions).expand((1, -1)), persistent=False)


def _visual_tensors(path: Path) -> dict[str, Any]:
    """Tensors of the image encoder; the text encoder's are not read."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise EncoderError(f"no weights: {' or '.join(WEIGHTS)} is missing")
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(_PREFIX)]  # noqa: SIM118 - no dict
            tensors = {name[len(_PREFIX) :]: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise EncoderError(f"{path.name} is damaged or no safetensors file: {error}") from error
    if not tensors:
        raise EncoderError(f"{path.name} holds no image encoder (no tensor is called {_PREFIX}…)")
    return tensors


def _sizes(tensors: dict[str, Any]) -> dict[str, int]:
    """Sizes as the tensors show them, so that no configuration can ask for more than the file holds."""
    try:
        width, channels, patch, patch_down = tensors["conv1.weight"].shape
        positions, _ = tensors["positional_embedding"].shape
        _, dimension = tensors["proj"].shape
        hidden = tensors["transformer.resblocks.0.mlp.c_fc.weight"].shape[0]
    except KeyError as error:
        raise EncoderError(f"the image encoder is no plain vision transformer: it has no {error}") from error
    except ValueError as error:
        raise EncoderError(f"the image encoder has tensors of unexpected dimensions: {error}") from error
    layers = len({name.split(".")[2] for name in tensors if name.startswith("transformer.resblocks.")})
    grid = round((positions - 1) ** 0.5)
    if channels != 3 or patch != patch_down or grid * grid != positions - 1:
        raise EncoderError("the image encoder does not take square RGB pictures in square patches")
    return {
        "hidden_size": width,
        "intermediate_size": hidden,
        "num_hidden_layers": layers,
        "patch_size": patch,
        "image_size": grid * patch,
        "projection_dim": dimension,
    }


def _heads(config: dict[str, Any], sizes: dict[str, int]) -> int:
    """Number of attention heads, which no tensor shows, once the configuration is held against the tensors."""
    vision = config["vision_cfg"]
    for name, allowed in _PLAIN.items():
        if vision.get(name) not in allowed:
            raise EncoderError(f"{CONFIG} sets {name} to {vision[name]!r}, which is not offered")
    width = sizes["hidden_size"]
    said = {
        "layers": (vision.get("layers"), sizes["num_hidden_layers"]),
        "width": (vision.get("width"), width),
        "patch_size": (vision.get("patch_size"), sizes["patch_size"]),
        "image_size": (vision.get("image_size"), sizes["image_size"]),
        "embed_dim": (config.get("embed_dim"), sizes["projection_dim"]),
    }
    # open_clip's own values where a configuration leaves one out (CLIPVisionCfg).
    usual = {"layers": 12, "width": 768, "patch_size": 16, "image_size": 224}
    for name, (stated, held) in said.items():
        if (usual.get(name) if stated is None else stated) != held:
            raise EncoderError(f"{CONFIG} says {name} {stated!r} and the weights have {held}: another model's")
    head = vision.get("head_width", 64)
    if type(head) is not int or head < 1 or width % head:
        raise EncoderError(f"{CONFIG} says head_width {head!r}, which does not divide the width {width}")
    return int(width // head)


def _renamed(tensors: dict[str, Any], sizes: dict[str, int]) -> dict[str, Any]:
    """The tensors by transformers' names."""
    tower = "vision_model."
    plain = {
        "class_embedding": f"{tower}embeddings.class_embedding",
        "positional_embedding": f"{tower}embeddings.position_embedding.weight",
        "conv1.weight": f"{tower}embeddings.patch_embedding.weight",
        "ln_pre.weight": f"{tower}pre_layrnorm.weight",
        "ln_pre.bias": f"{tower}pre_layrnorm.bias",
        "ln_post.weight": f"{tower}post_layernorm.weight",
        "ln_post.bias": f"{tower}post_layernorm.bias",
    }
    state: dict[str, Any] = {}
    for name, tensor in tensors.items():
        if name == "proj":
            state["visual_projection.weight"] = tensor.T.contiguous()
        elif name.startswith("transformer.resblocks."):
            _, _, number, rest = name.split(".", 3)
            layer = f"{tower}encoder.layers.{number}."
            if rest in ("attn.in_proj_weight", "attn.in_proj_bias"):
                if tensor.shape[0] != 3 * sizes["hidden_size"]:
                    raise EncoderError(f"{name} has {tensor.shape[0]} rows: another model's")
                for part, piece in zip("qkv", tensor.chunk(3), strict=True):
                    state[f"{layer}self_attn.{part}_proj.{rest.rsplit('_', 1)[1]}"] = piece.contiguous()
            else:
                module, _, kind = rest.rpartition(".")
                state[f"{layer}{_LAYER.get(module, module)}.{kind}"] = tensor
        else:
            state[plain.get(name, name)] = tensor
    return state
