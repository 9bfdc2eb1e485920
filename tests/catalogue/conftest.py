"""Tables written for one test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hybridwing.catalogue.readers import ColumnNames, read_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def make(write: Callable[[str | bytes], Path]) -> Callable[..., Catalogue]:
    """A catalogue of (specimen, label, class, record) rows; a class with a cross sign is a hybrid's."""

    def make(rows: list[tuple[str, str, str, str]]) -> Catalogue:
        lines = [f"{number}.jpg,{','.join(row)}" for number, row in enumerate(rows)]
        path = write("\n".join(["filename,specimen,label,class,record", *lines]))
        names = ColumnNames(specimen="specimen", label="label", subspecies="class", record="record")
        return read_catalogue(path, columns=names)

    return make
