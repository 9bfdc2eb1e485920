"""A backbone that costs nothing, and pictures for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from hybridwing.backbones.base import BackboneSpec
from hybridwing.runtime.preprocess import Prepared, Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class MeanColour:
    """A backbone whose embedding is the mean colour; a red picture it takes for NaN."""

    prepare_in_processes = False
    precision = "fp32"
    runtime = "numpy"
    batch_size = 16

    def __init__(self, revision: str = "v1", preprocess: Preprocess | None = None) -> None:
        self.batches: list[int] = []
        self.spec = BackboneSpec("mean", "test", revision, "", "mean", 3, preprocess or Preprocess(size=8))

    @property
    def seen(self) -> int:
        """Images that were embedded, not looked up."""
        return sum(self.batches)

    @staticmethod
    def prepare(image: Image.Image) -> Prepared:
        return Prepared(np.asarray(image, np.float32).mean(axis=(0, 1)))

    def forward(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        self.batches.append(len(batch))
        values = np.stack(batch)
        values[values[:, 0] > 250] = np.nan
        return values


def paint(path: Path, number: int) -> Path:
    """Write a picture of its own."""
    pixels = np.random.default_rng(number).integers(0, 200, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> list[tuple[str, Path]]:
    """Ten pictures, the last but one damaged."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    made = [(f"u{number}", paint(folder / f"{number}.png", number)) for number in range(10)]
    made[8][1].write_bytes(made[8][1].read_bytes()[:200])
    return made
