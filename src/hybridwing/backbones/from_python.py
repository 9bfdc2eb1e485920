"""Backbones that are given as Python objects: a ``torch.nn.Module``, or any callable on a batch of pictures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.entries import IMAGENET_MEAN, IMAGENET_STD
from hybridwing.errors import BackboneError
from hybridwing.runtime.preprocess import Prepared, Preprocess, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from hybridwing.backbones.compute import Compute


@dataclass(frozen=True, eq=False)
class PythonNetwork:
    """A model as it was given."""

    call: Callable[[Any], Any]  # A batch of shape (n, 3, size, size), float32, to embeddings of shape (n, d)
    preprocess: Preprocess | None
    version: str  # Which model it is, where there are no weights to tell


class PythonBackbone:
    """A callable as a backbone.

    Of `compute` only the device is used, and only for a ``torch.nn.Module``. Raises BackboneError if the callable does
    not return an embedding for each picture.
    """

    precision = "fp32"
    batch_size = 16  # for want of knowing what the model needs
    prepare_in_processes = False

    def __init__(self, name: str, network: PythonNetwork, compute: Compute) -> None:
        self._call = network.call
        self._preprocess = network.preprocess or Preprocess(mean=IMAGENET_MEAN, std=IMAGENET_STD)
        self._name, self._version, self._compute = name, network.version, compute
        self._is_module = any(
            f"{kind.__module__}.{kind.__name__}" == "torch.nn.modules.module.Module" for kind in type(self._call).mro()
        )
        self.runtime = "torch" if self._is_module else "python"

    @cached_property
    def _device(self) -> str:
        from hybridwing.runtime.device import pick_device

        return str(pick_device(self._compute.device))

    @cached_property
    def spec(self) -> BackboneSpec:
        """What it is; calls the model once to learn the embedding dimension."""
        side = self._preprocess.size
        return BackboneSpec(
            name=self._name,
            family="python",
            revision=self._version,
            weights_sha256=self._digest(),
            feature="returned",
            dimension=int(self.forward([np.zeros((3, side, side), dtype=np.float32)]).shape[1]),
            preprocess=self._preprocess,
        )

    @property
    def prepare(self) -> Callable[[Image.Image], Prepared]:
        """Cut, resize and normalise."""
        return partial(prepare, prep=self._preprocess)

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed a batch."""
        stacked = np.stack(batch)
        try:
            made = np.asarray(self._forward_module(stacked) if self._is_module else self._call(stacked))
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # whatever the model raises
            raise BackboneError(f"the model {self._name} failed on a batch {stacked.shape}: {error}") from error
        if made.ndim != 2 or len(made) != len(stacked) or not made.shape[1]:
            raise BackboneError(
                f"the model {self._name} must return an array of shape ({len(stacked)}, d) for {len(stacked)} "
                f"pictures; it returned {made.shape}"
            )
        return np.ascontiguousarray(made, dtype=np.float32)

    def _forward_module(self, stacked: NDArray[np.float32]) -> Any:
        import torch

        module: Any = self._call
        with torch.inference_mode():
            return module.to(self._device).eval()(torch.from_numpy(stacked).to(self._device)).float().cpu().numpy()

    def _digest(self) -> str:
        """SHA-256 of a module's weights; empty for other callables."""
        if not self._is_module:
            return ""
        total, module = hashlib.sha256(), self._call
        for name, values in sorted(module.state_dict().items()):  # type: ignore[attr-defined]
            total.update(f"{name} {tuple(values.shape)} {values.dtype}".encode())
            total.update(values.detach().cpu().contiguous().float().numpy().tobytes())
        return total.hexdigest()
