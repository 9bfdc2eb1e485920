"""A DINOv2's patch tokens place by place: means over a 4 × 4 grid of the specimen and of its forewings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.runtime.preprocess import Preprocess, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from hybridwing.runtime.finding import Found

VIEWS = ("specimen", "forewings")
CELLS = 4
_PATCH = 14


def inputs(image: Image.Image, found: Found, side: int) -> np.ndarray:
    """Both views, shape (2, 3, side, side), float32."""
    settings = {"size": side, "resize": "shortest", "resize_to": side, "interpolation": "bicubic"}
    normal = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    return np.stack([prepare(image, Preprocess(**settings, **normal, view=view), found).value for view in VIEWS])


class Places:
    """The model of a local folder, on the processor in bfloat16."""

    def __init__(self, weights: Path) -> None:
        import torch
        from transformers import Dinov2Model

        self.torch = torch
        self.model = Dinov2Model.from_pretrained(weights).eval()

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """From inputs of shape (n, 2, 3, side, side); shape (n, 2 · 16 · d), float32."""
        n, along = len(batch), batch.shape[-1] // _PATCH // CELLS
        with self.torch.inference_mode(), self.torch.autocast("cpu", self.torch.bfloat16):
            hidden = self.model(self.torch.from_numpy(batch.reshape(-1, *batch.shape[2:]))).last_hidden_state
        cells = hidden[:, 1:].float().reshape(2 * n, CELLS, along, CELLS, along, -1).mean(dim=(2, 4))
        return cells.reshape(n, -1).numpy()
