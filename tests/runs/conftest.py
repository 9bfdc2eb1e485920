"""A small simulated collection with its embeddings and a run, plain pictures and a backbone that costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from hybridwing.backbones.base import BackboneSpec
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.runtime.preprocess import Prepared, Preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.runs.run import Run
    from hybridwing.simulate.collection import SimulatedCollection


@dataclass(frozen=True)
class Data:
    images: Path
    train: Catalogue
    test: Catalogue
    train_embeddings: EmbeddingTable
    test_embeddings: EmbeddingTable


@pytest.fixture(scope="session")
def data(small: tuple[SimulatedCollection, EmbeddingTable, EmbeddingTable]) -> Data:
    made, *embedded = small
    return Data(made.images, read_catalogue(made.train), read_catalogue(made.ref_test), *embedded)


@pytest.fixture(scope="session")
def trained(small_run: Run) -> Run:
    return small_run


def _small(image: Image.Image, side: int) -> Prepared:
    return Prepared(np.asarray(image.resize((side, side)), dtype=np.float32).ravel() / 255)


class StubBackbone:
    """An encoder that costs nothing: the picture, shrunk. `weights` stands for the digest of its weights."""

    prepare_in_processes = False
    precision = "fp32"
    runtime = "numpy"
    batch_size = 16

    def __init__(self, name: str = "stub", weights: str = "", preprocess: Preprocess | None = None) -> None:
        self.spec = BackboneSpec(name, "stub", "v1", weights, "pixels", 48, preprocess or Preprocess(size=8))
        self.prepare: Callable[[Image.Image], Prepared] = partial(_small, side=4)
        self.batches = 0
        self.images = 0

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        self.batches += 1
        self.images += len(batch)
        return np.stack(batch)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> StubBackbone:
    """Every backbone that training and scoring load is this one."""
    backbone = StubBackbone()
    monkeypatch.setattr("hybridwing.backbones.load.load", lambda *_: backbone)
    return backbone


@dataclass(frozen=True)
class Album:
    """A table of one's own with its photographs: plain colours, hybrids are redder."""

    table: Path
    images: Path
    names: tuple[str, ...]

    def read(self) -> Catalogue:
        from hybridwing.catalogue.columns import ColumnNames

        return read_catalogue(self.table, columns=ColumnNames(label="label", subspecies="subspecies"))

    def read_unlabelled(self) -> Catalogue:
        """The same without its labels."""
        path = self.table.with_name("unlabelled.csv")
        path.write_text("\n".join(["filename", *self.names]), encoding="utf-8")
        return read_catalogue(path)


@pytest.fixture
def album(tmp_path: Path) -> Album:
    rng = np.random.default_rng(5)
    folder = tmp_path / "photographs"
    folder.mkdir()
    names, lines = [], ["filename,label,subspecies"]
    for number in range(60):
        hybrid = number % 4 == 0
        colour = rng.integers(0, 120, 3) + np.array([110 * hybrid, 0, 0])
        names.append(f"{number:02d}.png")
        Image.new("RGB", (12, 9), tuple(int(c) for c in colour)).save(folder / names[-1])
        lines.append(f"{names[-1]},{'hybrid' if hybrid else 'non-hybrid'},{'' if hybrid else 'erato'}")
    table = tmp_path / "album.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Album(table, folder, tuple(names))


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Bytes of every file below a folder, hidden ones too."""

    def read(folder: Path) -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    return read
