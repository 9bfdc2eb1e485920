"""Specimens that the tests of all detectors share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Specimens:
    """Embeddings and labels, some to learn from and some held out."""

    X: np.ndarray
    y: np.ndarray
    X_heldout: np.ndarray
    y_heldout: np.ndarray


def split(X: np.ndarray, y: np.ndarray) -> Specimens:
    heldout = np.arange(len(y)) % 4 == 3
    return Specimens(X[~heldout], y[~heldout], X[heldout], y[heldout])


@pytest.fixture(scope="session")
def random_specimens() -> Specimens:
    rng = np.random.default_rng(7)
    y = (rng.random(240) < 0.25).astype(np.int64)
    X = rng.normal(size=(240, 12)) + 0.8 * y[:, None]
    return split(X.astype(np.float32), y)


@pytest.fixture(params=["random", "bioclip", "dinov2_large"])
def specimens(request: pytest.FixtureRequest, random_specimens: Specimens) -> Specimens:
    """Random embeddings always, the two real sets where they are present."""
    if request.param == "random":
        return random_specimens
    shared: Path = request.getfixturevalue("shared")
    table = pd.read_parquet(shared / "embeddings" / f"{request.param}_train_subset.parquet")
    return split(np.stack(table["emb"].to_numpy()).astype(np.float32), table["hybrid"].to_numpy().astype(np.int64))
