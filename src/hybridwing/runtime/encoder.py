"""Embed with a vision model kept in a folder of Hugging Face layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

#: Weight tensors that an encoder may lack without harm: heads and poolers that its embedding does not come from.
_OPTIONAL = ("pooler.", "classifier.", "head.", "logit_scale")


class EncoderError(ValueError):
    """A model folder does not hold a usable vision model."""


class Encoder:
    """A vision model and the output that serves as its embedding.

    Parameters
    ----------
    folder : Path
        Holds ``config.json`` and ``model.safetensors`` (or its sharded form).
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``, or any name that torch knows.

    Attributes
    ----------
    feature : {"pooled", "cls+patches"}
        For a convolutional model the average over places; for a transformer the CLS token joined with the mean of the
        patch tokens, as the challenge's sample takes it for DINOv2.
    dimension : int
        Length of an embedding.

    Raises
    ------
    EncoderError
        If the folder's model cannot be loaded, is no vision model, or lacks weights.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        import torch

        self._device = torch.device(pick_device(device))
        self._model = _load(folder).to(self._device).eval()
        self._skip = 1 + int(getattr(self._model.config, "num_register_tokens", 0) or 0)
        side = _input_side(self._model.config)
        probe, self.feature = self._embed(torch.zeros(1, 3, side, side, device=self._device))
        self.dimension = int(probe.shape[1])
        self.architecture = type(self._model).__name__

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed prepared inputs.

        Parameters
        ----------
        batch : sequence of n arrays of shape (3, height, width), float32

        Returns
        -------
        ndarray of shape (n, dimension), float32
        """
        import torch

        stacked = torch.from_numpy(np.stack(batch)).to(self._device)
        embedded, _ = self._embed(stacked)
        return np.ascontiguousarray(embedded.float().cpu().numpy())

    def _embed(self, pixels: Any) -> tuple[Any, str]:
        """Embeddings and the name of the output they come from."""
        import torch

        with torch.inference_mode():
            output = self._model(pixel_values=pixels)
        hidden = output.last_hidden_state
        if hidden.ndim == 4:
            pooled = getattr(output, "pooler_output", None)
            pooled = hidden.mean(dim=(2, 3)) if pooled is None else pooled
            return pooled.flatten(1), "pooled"
        return torch.cat([hidden[:, 0], hidden[:, self._skip :].mean(dim=1)], dim=1), "cls+patches"


def pick_device(device: str) -> str:
    """Best device that is there, for ``"auto"``; anything else is passed on."""
    if device != "auto":
        return device
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _input_side(config: Any) -> int:
    """Side of the square that the model was made for, in pixels; 224 where it does not say."""
    side = getattr(config, "image_size", 224)
    return int(side[0] if isinstance(side, (list, tuple)) else side or 224)


def _load(folder: Path) -> Any:
    """Load the model, from safetensors only and without running any code that the folder holds."""
    from transformers import AutoModel
    from transformers.utils import logging as transformers_logging

    _quiet(transformers_logging)
    try:
        model, report = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except Exception as error:  # transformers raises dozens of kinds for a bad folder
        first = str(error).strip().splitlines()
        raise EncoderError(f"{first[0] if first else type(error).__name__}") from error
    model = getattr(model, "vision_model", model)
    absent = sorted(k for k in report["missing_keys"] if not any(part in k for part in _OPTIONAL))
    if absent:
        raise EncoderError(
            f"the weights lack {len(absent)} of the model's tensors, the first being {absent[0]}: "
            "the file belongs to another architecture"
        )
    if "pixel_values" not in model.forward.__code__.co_varnames:
        raise EncoderError(f"{type(model).__name__} does not take pictures; a vision model is needed")
    return model


def _quiet(transformers_logging: Any) -> None:
    """The library prints nothing: no bar while weights load, no advice."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
