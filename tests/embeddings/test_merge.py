from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.embeddings.engine import embed_images
from hybridwing.embeddings.merge import merge_parts
from hybridwing.embeddings.provenance import Part
from hybridwing.embeddings.store import join_tables, read_table, write_table
from hybridwing.embeddings.table import EmbeddingTable, Fallback
from hybridwing.errors import EmbeddingError

from .conftest import MeanColour

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def parts(pictures: list[tuple[str, Path]], tmp_path: Path) -> list[Path]:
    """Three parts of one table."""
    paths = []
    for index, (first, last) in enumerate([(0, 3), (3, 6), (6, 10)]):
        path = tmp_path / f"{index}.parquet"
        write_table(embed_images(pictures[first:last], MeanColour()), path, Part(index, 3, "table"))
        paths.append(path)
    return paths


def rewrite(path: Path, part: Part | None, **changes: object) -> None:
    write_table(replace(read_table(path), **changes), path, part)


def test_parts_in_any_order(parts, pictures, tmp_path):
    head = merge_parts([parts[2], parts[0], parts[1]], tmp_path / "all.parquet")
    table = read_table(tmp_path / "all.parquet")
    whole = embed_images(pictures, MeanColour())
    assert head.rows == 9
    assert head.part is None
    assert table.uuids == whole.uuids
    assert table.vectors.tobytes() == whole.vectors.tobytes()
    assert table.failures == whole.failures


def test_no_parts(tmp_path):
    with pytest.raises(EmbeddingError, match="there are no parts to merge"):
        merge_parts([], tmp_path / "all.parquet")


def test_a_part_is_missing(parts, tmp_path):
    with pytest.raises(EmbeddingError, match=r"1 of 3 parts are missing: 2/3"):
        merge_parts([parts[0], parts[2]], tmp_path / "all.parquet")
    assert not (tmp_path / "all.parquet").exists()


def test_a_part_twice(parts, tmp_path):
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(parts[1].read_bytes())
    with pytest.raises(EmbeddingError, match=r"are both part 2 of 3; leave one out"):
        merge_parts([*parts, copy], tmp_path / "all.parquet")
    assert merge_parts([*parts, parts[1]], tmp_path / "all.parquet").rows == 9


@pytest.mark.parametrize("part", [Part(1, 3, "another"), Part(1, 4, "table")])
def test_a_part_of_another_table(parts, tmp_path, part):
    rewrite(parts[1], part)
    with pytest.raises(EmbeddingError, match=r"1\.parquet is a part of another table than .*0\.parquet"):
        merge_parts(parts, tmp_path / "all.parquet")


def test_a_whole_table(parts, tmp_path):
    rewrite(parts[1], None)
    with pytest.raises(EmbeddingError, match=r"1\.parquet is a whole table and no part of one; parts are made with"):
        merge_parts(parts, tmp_path / "all.parquet")


@pytest.mark.parametrize("changes", [{"backbone": MeanColour("v2").spec}, {"precision": "bf16"}, {"runtime": "torch"}])
def test_parts_of_two_kinds(parts, tmp_path, changes):
    rewrite(parts[1], Part(1, 3, "table"), **changes)
    with pytest.raises(EmbeddingError, match="with other weights, preprocessing or precision; join tables of one kind"):
        merge_parts(parts, tmp_path / "all.parquet")


def test_an_image_in_two_parts(parts, tmp_path):
    rewrite(parts[1], Part(1, 3, "table"), uuids=("u3", "u0", "u5"))
    with pytest.raises(EmbeddingError, match=r"1\.parquet holds images that stand in the table already: u0"):
        merge_parts(parts, tmp_path / "all.parquet")
    assert not (tmp_path / "all.parquet").exists()


def test_parts_without_a_single_embedding(tmp_path):
    empty = EmbeddingTable((), np.empty((0, 3), np.float32), MeanColour().spec)
    write_table(empty, tmp_path / "0.parquet", Part(0, 1, "x"))
    with pytest.raises(EmbeddingError, match="not one image could be embedded in any of the parts"):
        merge_parts([tmp_path / "0.parquet"], tmp_path / "all.parquet")


def test_a_part_that_is_damaged_inside(parts, tmp_path):
    content = bytearray(parts[1].read_bytes())
    content[40:46] = b"\xff" * 6
    parts[1].write_bytes(content)
    with pytest.raises(EmbeddingError, match=r"1\.parquet is damaged"):
        merge_parts(parts, tmp_path / "all.parquet")


def test_a_file_that_is_no_table(parts, tmp_path):
    parts[1].write_bytes(b"nothing")
    with pytest.raises(EmbeddingError, match="is not a readable parquet file"):
        merge_parts(parts, tmp_path / "all.parquet")
    with pytest.raises(EmbeddingError, match="no embedding table at"):
        merge_parts([tmp_path / "absent.parquet"], tmp_path / "all.parquet")


def test_joining_joined_tables_changes_no_byte(parts, tmp_path):
    join_tables(parts, tmp_path / "once.parquet")
    join_tables(parts[:2], tmp_path / "two.parquet")
    join_tables([tmp_path / "two.parquet", parts[2]], tmp_path / "twice.parquet")
    assert (tmp_path / "once.parquet").read_bytes() == (tmp_path / "twice.parquet").read_bytes()


def test_fallbacks_and_empty_parts_survive(tmp_path):
    spec = MeanColour().spec
    fallback = Fallback("b", "whole", 0.25)
    tables = [
        EmbeddingTable((), np.empty((0, 3), np.float32), spec, precision="bf16"),
        EmbeddingTable(("a", "b"), np.ones((2, 3), np.float32), spec, (), (fallback,), "bf16"),
    ]
    for index, table in enumerate(tables):
        write_table(table, tmp_path / f"{index}.parquet", Part(index, 2, "x"))
    merge_parts([tmp_path / "1.parquet", tmp_path / "0.parquet"], tmp_path / "all.parquet")
    joined = read_table(tmp_path / "all.parquet")
    assert joined.uuids == ("a", "b")
    assert joined.fallbacks == (fallback,)
    assert joined.precision == "bf16"
