"""Catalogues and collections to audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hybridwing.catalogue.readers import ColumnNames, read_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.simulate.collection import SimulatedCollection

COLUMNS = ("filename", "specimen", "label", "class", "record", "side")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Catalogue]:
    """A catalogue of rows as in `COLUMNS`; a class with a cross sign is a hybrid's."""

    def make(rows: list[tuple[str, ...]], name: str = "mine.csv") -> Catalogue:
        path = tmp_path / name
        path.write_text("\n".join([",".join(COLUMNS), *(",".join(row) for row in rows)]), encoding="utf-8")
        names = ColumnNames(specimen="specimen", label="label", subspecies="class", record="record", side="side")
        return read_catalogue(path, columns=names)

    return make


@pytest.fixture(scope="session")
def official(shared: Path) -> dict[str, Catalogue]:
    folder = shared / "challenge"
    names = {"train": "butterfly_anomaly_train.csv", "val": "ref_val.csv", "test": "ref_test.csv"}
    return {name: read_catalogue(folder / file) for name, file in names.items()}


@pytest.fixture(scope="session")
def collection(small: tuple[SimulatedCollection, EmbeddingTable, EmbeddingTable]) -> SimulatedCollection:
    return small[0]


@pytest.fixture(scope="session")
def embedded(small_embeddings: EmbeddingTable) -> EmbeddingTable:
    return small_embeddings
