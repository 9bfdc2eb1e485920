"""Small CLIP models in open_clip's layout with random weights, and their forward pass restated in plain torch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

SIDE, PATCH, WIDTH, LAYERS, HEAD, DIMENSION = 32, 8, 32, 2, 8, 12
CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": DIMENSION,
        "vision_cfg": {
            "image_size": SIDE,
            "layers": LAYERS,
            "width": WIDTH,
            "patch_size": PATCH,
            "head_width": HEAD,
        },
        "text_cfg": {"context_length": 7, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.48, 0.45, 0.40], "std": [0.26, 0.27, 0.28]},
}


def tensors(seed: int = 0, **sizes: int) -> dict[str, Any]:
    """Weights by open_clip's names, the image encoder's and one of the text encoder's."""
    import torch

    size = {"side": SIDE, "patch": PATCH, "width": WIDTH, "layers": LAYERS, "dimension": DIMENSION, **sizes}
    width, generator = size["width"], torch.Generator().manual_seed(seed)

    def random(*shape: int, scale: float = 0.0) -> Any:
        return torch.randn(*shape, generator=generator) * (scale or shape[-1] ** -0.5)

    def norm(name: str) -> dict[str, Any]:
        return {f"{name}.weight": 1 + random(width, scale=0.1), f"{name}.bias": random(width, scale=0.1)}

    found = {
        "visual.class_embedding": random(width),
        "visual.positional_embedding": random((size["side"] // size["patch"]) ** 2 + 1, width),
        "visual.proj": random(width, size["dimension"], scale=width**-0.5),
        "visual.conv1.weight": random(width, 3, size["patch"], size["patch"], scale=0.1),
        **norm("visual.ln_pre"),
        **norm("visual.ln_post"),
        "text_projection": random(16, size["dimension"]),
        "logit_scale": random(1)[0],
    }
    for number in range(size["layers"]):
        layer = f"visual.transformer.resblocks.{number}."
        found |= {
            **norm(f"{layer}ln_1"),
            **norm(f"{layer}ln_2"),
            f"{layer}attn.in_proj_weight": random(3 * width, width),
            f"{layer}attn.in_proj_bias": random(3 * width, scale=0.1),
            f"{layer}attn.out_proj.weight": random(width, width),
            f"{layer}attn.out_proj.bias": random(width, scale=0.1),
            f"{layer}mlp.c_fc.weight": random(4 * width, width),
            f"{layer}mlp.c_fc.bias": random(4 * width, scale=0.1),
            f"{layer}mlp.c_proj.weight": random(width, 4 * width),
            f"{layer}mlp.c_proj.bias": random(width, scale=0.1),
        }
    return found


def write(folder: Path, weights: dict[str, Any] | None = None, config: Any = None) -> Path:
    """A folder in open_clip's layout."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors() if weights is None else weights, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps(CONFIG if config is None else config), encoding="utf-8")
    return folder


def changed(part: str, **values: Any) -> dict[str, Any]:
    """The configuration with some values of ``model_cfg``, ``vision_cfg`` or ``preprocess_cfg`` changed."""
    copy: dict[str, Any] = json.loads(json.dumps(CONFIG))
    (copy["model_cfg"]["vision_cfg"] if part == "vision_cfg" else copy[part]).update(values)
    return copy


def encode_image(weights: dict[str, Any], batch: np.ndarray, *, head: int = HEAD, quick: bool = False) -> np.ndarray:
    """CLIP's image encoder, written down from the paper's architecture with tensor products alone, in float64.

    Radford et al. 2021 (ICML), section 2.4: a vision transformer with a layer norm before the transformer and after it,
    on the class token, and a linear projection. QuickGELU is x · sigmoid(1.702 x).
    """
    import torch

    w = {name.removeprefix("visual."): tensor.double() for name, tensor in weights.items()}

    def norm(x: Any, name: str) -> Any:
        centred = x - x.mean(-1, keepdim=True)
        return (
            centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]
        )

    pixels = torch.from_numpy(batch).double()
    n, _, side, _ = pixels.shape
    width, _, patch, _ = w["conv1.weight"].shape
    grid = side // patch
    # Each patch as one long vector, in the order of the convolution's weights.
    cells = pixels.reshape(n, 3, grid, patch, grid, patch).permute(0, 2, 4, 1, 3, 5).reshape(n, grid * grid, -1)
    places = cells @ w["conv1.weight"].reshape(width, -1).T
    x = torch.cat([w["class_embedding"].expand(n, 1, width), places], dim=1) + w["positional_embedding"]
    x = norm(x, "ln_pre")
    for number in range(len({name.split(".")[2] for name in w if name.startswith("transformer.")})):
        layer = f"transformer.resblocks.{number}."
        y = norm(x, f"{layer}ln_1") @ w[f"{layer}attn.in_proj_weight"].T + w[f"{layer}attn.in_proj_bias"]
        heads = width // head
        q, k, v = (part.reshape(n, -1, heads, head).transpose(1, 2) for part in y.split(width, dim=-1))
        mixed = torch.softmax(q @ k.transpose(2, 3) / head**0.5, dim=-1) @ v
        mixed = mixed.transpose(1, 2).reshape(n, -1, width)
        x = x + mixed @ w[f"{layer}attn.out_proj.weight"].T + w[f"{layer}attn.out_proj.bias"]
        y = norm(x, f"{layer}ln_2") @ w[f"{layer}mlp.c_fc.weight"].T + w[f"{layer}mlp.c_fc.bias"]
        y = y * torch.sigmoid(1.702 * y) if quick else y * 0.5 * (1 + torch.erf(y / 2**0.5))
        x = x + y @ w[f"{layer}mlp.c_proj.weight"].T + w[f"{layer}mlp.c_proj.bias"]
    result: np.ndarray = (norm(x[:, 0], "ln_post") @ w["proj"]).numpy()
    return result
