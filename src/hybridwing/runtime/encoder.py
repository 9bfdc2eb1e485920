"""Embed with a vision model kept in a folder of Hugging Face's or of open_clip's layout."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from .device import autocast, batch_for, is_out_of_memory, pick_device, pick_precision
from .errors import EncoderError
from .loading import LoadedModel, first_line, load_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

#: Outputs that may be asked for, beside ``"patches-NxN"`` with a number from 2 for N; see `Encoder`.
FEATURES = ("default", "cls+patches", "cls", "pooled", "projected", "projected-unit")

#: Those that need CLIP's last projection.
_PROJECTED = ("projected", "projected-unit")

#: What a picture needs in a forward pass, in units of the largest input and output of one of the model's layers: these
#: two live beside the residual and the workspace of the layer. On the safe side: 20 MB are reckoned for DINOv2-base,
#: and 12 MB a picture were seen on a processor, with batches of 8 to 32.
_LIVE_LAYERS = 3

_GRID = re.compile(r"patches-([2-9]|[1-9][0-9])x\1")


def cells_along(feature: str) -> int | None:
    """N of the feature ``"patches-NxN"``; None of any other.

    Examples
    --------
    >>> cells_along("patches-4x4"), cells_along("pooled")
    (4, None)
    """
    found = _GRID.fullmatch(feature)
    return int(found[1]) if found else None


class Encoder:
    """A vision model and the output that serves as its embedding.

    It is loaded from a folder that holds ``config.json`` and ``model.safetensors`` (or its sharded form), or
    ``open_clip_config.json`` and ``open_clip_model.safetensors``, which is the folder's layout; or it was loaded from
    elsewhere. The device is ``"auto"`` or any name that torch knows, the side that of the square pictures that will be
    embedded, in pixels; for the precision see `.device`.

    The feature says which output is the embedding. ``"cls"`` is the CLS token, ``"pooled"`` the average over places,
    ``"cls+patches"`` the CLS token joined with the average over places, ``"projected"`` CLIP's picture in the space it
    shares with texts, not normalised, and ``"projected-unit"`` the same at length 1, as the challenge's sample takes it
    for BioCLIP. ``"patches-4x4"`` (or another number, twice) divides the input into 4 × 4 cells and joins the averages
    over each, row by row from the top left: 16 times the model's width; a patch that lies in two cells counts in each
    by its area there. ``"default"`` is ``"projected"`` in open_clip's layout; for others ``"cls+patches"``, as the
    challenge's sample takes it for DINOv2; for a convolutional model, and for a transformer without a CLS token (Swin,
    SigLIP), ``"pooled"``. Register and distillation tokens never count.

    Raises EncoderError if the folder's model cannot be loaded, is no vision model, lacks weights, has no such feature
    or does not take pictures of that side, or if the device is not there or does not compute in that precision.
    """

    runtime = "torch"

    def __init__(
        self,
        source: Path | LoadedModel,
        device: str = "auto",
        side: int = 224,
        *,
        feature: str = "default",
        precision: str = "auto",
        layout: str = "transformers",
    ) -> None:
        import torch

        if feature not in FEATURES and cells_along(feature) is None:
            raise EncoderError(f"feature must be one of {', '.join(FEATURES)}, patches-4x4 …; got {feature!r}")
        if isinstance(source, LoadedModel):
            loaded = source
        else:
            loaded = load_model(source, layout, projected=feature in _PROJECTED)
        self.architecture = loaded.architecture
        try:
            self._device = torch.device(pick_device(device))
            self._model = loaded.model.to(self._device).eval()
            self._projection = None if loaded.projection is None else loaded.projection.to(self._device).eval()
            self.precision = pick_precision(precision, self._device)
        except (RuntimeError, AssertionError) as error:
            raise EncoderError(f"the device {device!r} cannot be used: {first_line(error)}") from error
        self.device, self.side = self._device.type, side
        #: How many numbers the model has learned.
        self.parameters = sum(values.numel() for values in self._model.parameters())
        self._probe("projected" if feature == "default" and loaded.layout == "open_clip" else feature)

    def _probe(self, wanted: str) -> None:
        """Embed an empty picture: learn the feature, its length, and what a picture needs."""
        import torch

        hooks, largest = [], [0]

        def note(_module: Any, inputs: Any, output: Any) -> None:
            largest[0] = max(largest[0], _bytes(inputs) + _bytes(output))

        for module in self._model.modules():
            if not any(True for _ in module.children()):
                hooks.append(module.register_forward_hook(note))
        try:
            probe, self.feature = self._embed(torch.zeros(1, 3, self.side, self.side, device=self._device), wanted)
        except EncoderError:
            raise
        except Exception as error:  # each architecture checks its input in its own way
            raise EncoderError(
                f"{self.architecture} does not embed pictures of {self.side} × {self.side} pixels: {first_line(error)}"
            ) from error
        finally:
            for hook in hooks:
                hook.remove()
        self.dimension = int(probe.shape[1])
        #: Pictures a forward pass that suit the model and the memory that is free now.
        self.batch_size = batch_for(_LIVE_LAYERS * largest[0] + 2 * 12 * self.side**2, self._device)

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed n prepared inputs of shape (3, side, side): shape (n, dimension).

        Raises MemoryError if the memory does not hold a batch of this size; a smaller one may do.
        """
        import torch

        try:
            stacked = torch.from_numpy(np.stack(batch)).to(self._device)
            embedded, _ = self._embed(stacked, self.feature)
            return np.ascontiguousarray(embedded.float().cpu().numpy())
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            reason = first_line(error)
        # Outside of the handler: the traceback holds on to the tensors that filled the memory.
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        raise MemoryError(f"a batch of {len(batch)} does not fit the memory of {self._device}: {reason}")

    def module(self) -> Any:
        """The way from pixels to embeddings as one ``torch.nn.Module``, for other programs to run."""
        import torch

        encoder = self

        class Module(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.model, self.projection = encoder._model, encoder._projection

            def forward(self, pixels: Any) -> Any:
                return encoder._feature_of(self.model(pixel_values=pixels), encoder.feature)[0]

        return Module().eval()

    def _embed(self, pixels: Any, wanted: str) -> tuple[Any, str]:
        """Embeddings and the name of the output they come from."""
        import torch

        with torch.inference_mode(), autocast(self.precision, self._device):
            return self._feature_of(self._model(pixel_values=pixels), wanted)

    def _feature_of(self, output: Any, wanted: str) -> tuple[Any, str]:
        """What of a model's output is the embedding, and its name."""
        import torch

        if wanted in _PROJECTED:
            if self._projection is None:
                raise EncoderError(f"{self.architecture} has no feature {wanted!r}: it is no CLIP model")
            # In full: of one small product the rounding would be felt, the speed not.
            with torch.autocast(self._device.type, enabled=False):
                embedded = self._projection(output.pooler_output.float())
            return (torch.nn.functional.normalize(embedded) if wanted == "projected-unit" else embedded), wanted
        hidden = output.last_hidden_state
        cells = cells_along(wanted)
        if cells is not None:
            return self._by_cell(hidden, cells), wanted
        if hidden.ndim == 4:
            pooled = getattr(output, "pooler_output", None)
            pooled = hidden.mean(dim=(2, 3), dtype=torch.float32) if pooled is None else pooled
            return pooled.flatten(1), self._only("pooled", wanted)
        special = self._special_tokens(hidden)
        if special == 0:
            return hidden.mean(dim=1, dtype=torch.float32), self._only("pooled", wanted)
        if wanted == "cls":
            return hidden[:, 0], wanted
        places = hidden[:, special:].mean(dim=1, dtype=torch.float32)
        if wanted == "pooled":
            return places, wanted
        return torch.cat([hidden[:, 0].float(), places], dim=1), "cls+patches"

    def _by_cell(self, hidden: Any, cells: int) -> Any:
        """Average the last hidden state over each cell of a grid laid over the picture."""
        import torch

        if hidden.ndim == 4:
            height, width = hidden.shape[2:]
            places = hidden.flatten(2).transpose(1, 2)
        else:
            places = hidden[:, self._special_tokens(hidden) :]
            height = width = math.isqrt(places.shape[1])
        if min(height, width) < cells:
            raise EncoderError(
                f"{self.architecture} has {height} × {width} places in a picture, too few for 'patches-{cells}x{cells}'"
            )
        shares = np.kron(_shares(height, cells), _shares(width, cells))
        with torch.autocast(self._device.type, enabled=False):
            return (torch.from_numpy(shares).to(places.device) @ places.float()).flatten(1)

    def _special_tokens(self, hidden: Any) -> int:
        return _special_tokens(hidden.shape[1], self.side, getattr(self._model.config, "patch_size", None))

    def _only(self, feature: str, wanted: str) -> str:
        """The one feature of a model without a CLS token."""
        if wanted not in ("default", feature):
            raise EncoderError(f"{self.architecture} has no feature {wanted!r}: it has no CLS token; use {feature!r}")
        return feature


def _bytes(values: Any) -> int:
    """Size of the tensors in what a layer takes or returns."""
    import torch

    if isinstance(values, torch.Tensor):
        return values.numel() * values.element_size()
    return sum(_bytes(value) for value in values) if isinstance(values, (tuple, list)) else 0


def _shares(places: int, cells: int) -> NDArray[np.float32]:
    """What each of a row of places counts in the average of each cell: by the length that lies in it; rows add to 1."""
    edges = np.arange(cells + 1) * places / cells
    low = np.maximum(edges[:-1, None], np.arange(places))
    high = np.minimum(edges[1:, None], np.arange(places) + 1)
    return np.asarray(np.clip(high - low, 0, None) * cells / places, np.float32)


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
