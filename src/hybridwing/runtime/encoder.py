"""Embed with a vision model kept in a folder of Hugging Face layout."""

from __future__ import annotations

import math
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
    side : int
        Side of the square pictures that will be embedded, in pixels.

    Attributes
    ----------
    feature : {"pooled", "cls+patches"}
        For a convolutional model, and for a transformer without a CLS token (Swin, SigLIP), the average over places;
        for a transformer with one, the CLS token joined with the mean of the patch tokens, as the challenge's sample
        takes it for DINOv2. Register and distillation tokens do not count.
    dimension : int
        Length of an embedding.
    architecture : str
        Class of the model.

    Raises
    ------
    EncoderError
        If the folder's model cannot be loaded, is no vision model, lacks weights or does not take pictures of that
        side, or if the device is not there.
    """

    def __init__(self, folder: Path, device: str = "auto", side: int = 224) -> None:
        import torch

        model = _load(folder)
        self.architecture = type(model).__name__
        try:
            self._device = torch.device(pick_device(device))
            self._model = model.to(self._device).eval()
        except (RuntimeError, AssertionError) as error:
            raise EncoderError(f"the device {device!r} cannot be used: {_first_line(error)}") from error
        self._side = side
        try:
            probe, self.feature = self._embed(torch.zeros(1, 3, side, side, device=self._device))
        except Exception as error:  # each architecture checks its input in its own way
            raise EncoderError(
                f"{self.architecture} does not embed pictures of {side} × {side} pixels: {_first_line(error)}"
            ) from error
        self.dimension = int(probe.shape[1])

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed prepared inputs.

        Parameters
        ----------
        batch : sequence of n arrays of shape (3, side, side), float32

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
        special = _special_tokens(hidden.shape[1], self._side, getattr(self._model.config, "patch_size", None))
        if special == 0:
            return hidden.mean(dim=1), "pooled"
        return torch.cat([hidden[:, 0], hidden[:, special:].mean(dim=1)], dim=1), "cls+patches"


def pick_device(device: str) -> str:
    """Best device that is there, for ``"auto"``; anything else is passed on."""
    if device != "auto":
        return device
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _special_tokens(tokens: int, side: int, patch: Any) -> int:
    """Tokens that stand before those of the patches: CLS, registers, distillation; 0 where there is no CLS token.

    Counted rather than looked up by architecture: what is left of a model's tokens when its grid of patches is taken
    away. Where the grid is not known, or shrinks from layer to layer, it is a square.
    """
    if isinstance(patch, int) and patch > 0 and tokens >= (side // patch) ** 2:
        return tokens - (side // patch) ** 2
    for special in (0, 1):
        if math.isqrt(tokens - special) ** 2 == tokens - special:
            return special
    raise EncoderError(f"cannot tell which of its {tokens} tokens are patches")


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
            ignore_mismatched_sizes=True,  # reported below, where transformers would only point at its log
            output_loading_info=True,
        )
    except Exception as error:  # transformers raises dozens of kinds for a bad folder
        raise EncoderError(_first_line(error)) from error
    model = getattr(model, "vision_model", model)
    # Kept by its first entry alone: what follows the name differs between versions of transformers.
    misfits = sorted(entry[0] if isinstance(entry, tuple) else str(entry) for entry in report["mismatched_keys"])
    if misfits:
        raise EncoderError(
            f"{len(misfits)} tensors have other sizes than config.json says, the first being {misfits[0]}: "
            "the weights belong to another model"
        )
    absent = sorted(k for k in report["missing_keys"] if not any(part in k for part in _OPTIONAL))
    if absent:
        raise EncoderError(
            f"the weights lack {len(absent)} of the model's tensors, the first being {absent[0]}: "
            "the weights belong to another model"
        )
    # Not read off forward's arguments: transformers 5 wraps it.
    if model.main_input_name != "pixel_values":
        raise EncoderError(f"{type(model).__name__} does not take pictures; a vision model is needed")
    # Weights kept in half precision are computed with in full, as inputs come.
    return model.float()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _quiet(transformers_logging: Any) -> None:
    """The library prints nothing: no bar while weights load, no advice."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
