"""A trained run, and photographs that it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

import hybridwing as hw

if TYPE_CHECKING:
    from pathlib import Path


class Trained(NamedTuple):
    run: Path
    photographs: list[Path]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    made = hw.simulate_collection(folder / "collection", specimens=180, size=96, seed=5, workers=1)
    embeddings = hw.embed(hw.read_catalogue(made.train), made.images, "pattern")
    run = hw.train(made.train, embeddings, folder / "run", detectors=["svm"], split_method="folds")
    test = hw.read_catalogue(made.ref_test)
    return Trained(run.folder, [made.images / str(name) for name in test.table["filename"]])
