"""Backbones that the workers of a cluster can import, and that misbehave."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.backbones.base import BackboneSpec
from hybridwing.errors import BackboneError
from hybridwing.runtime.preprocess import Prepared, Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL import Image


class Counting:
    """The mean colour; every worker that makes one leaves a file of its own in a folder."""

    prepare_in_processes = False
    precision = "fp32"
    runtime = "numpy"
    batch_size = 2
    spec = BackboneSpec("mean", "test", "v1", "", "mean", 3, Preprocess(size=8))

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / f"loaded-{os.getpid()}").touch()

    @staticmethod
    def prepare(image: Image.Image) -> Prepared:
        return Prepared(np.asarray(image, np.float32).mean(axis=(0, 1)))

    def forward(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack(batch)


class DyingOnce(Counting):
    """Takes its process with it, the first time."""

    def forward(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        mark = self.folder / "died"
        if not mark.exists():
            mark.touch()
            os._exit(1)
        return super().forward(batch)


class AlwaysDying(Counting):
    """Takes its process with it."""

    def forward(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        os._exit(1)


class Absent(Counting):
    """Cannot be loaded on the machines of the cluster."""

    def __init__(self, folder: Path) -> None:
        raise BackboneError("no folder /models/x here")
