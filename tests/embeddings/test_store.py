from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hybridwing import __version__
from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.provenance import FORMAT_VERSION
from hybridwing.embeddings.store import read_table, write_table
from hybridwing.embeddings.table import EmbeddingTable, Failure
from hybridwing.errors import EmbeddingError
from hybridwing.runtime.preprocess import Preprocess

if TYPE_CHECKING:
    from pathlib import Path

FAILURES = (
    Failure("z1", "/photographs/z 1.jpg", "decode", "damaged or cut short: image file is truncated"),
    Failure("z2", "/photographs/žlutý\\udc80.jpg", "open", "no such file"),
)


def spec(dimension: int) -> BackboneSpec:
    preprocess = Preprocess(mean=(0.1, 0.2, 0.3), interpolation="bicubic")
    return BackboneSpec("local:/models/x", "transformers", "ViTModel", "ab" * 32, "cls+patches", dimension, preprocess)


def table_of(count: int, dimension: int = 5) -> EmbeddingTable:
    vectors = np.random.default_rng(0).normal(size=(count, dimension)).astype(np.float32)
    return EmbeddingTable(tuple(f"CAM{n:06d}" for n in range(count)), vectors, spec(dimension), FAILURES)


def written(path: Path, count: int = 7) -> Path:
    write_table(table_of(count), path)
    return path


def same(left: EmbeddingTable, right: EmbeddingTable) -> bool:
    return (
        left.uuids == right.uuids
        and left.vectors.dtype == right.vectors.dtype
        and left.vectors.tobytes() == right.vectors.tobytes()
        and left.vectors.shape == right.vectors.shape
        and left.backbone == right.backbone
        and left.backbone.key == right.backbone.key
        and left.failures == right.failures
    )


@pytest.mark.parametrize("count", [0, 1, 7, 5000])
def test_tables_survive(tmp_path, count):
    path = written(tmp_path / "deep" / "er" / "x.parquet", count)
    assert same(read_table(path), table_of(count))
    assert [p.name for p in path.parent.iterdir()] == ["x.parquet"]


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(data=st.data(), uuids=st.lists(names, unique=True, max_size=8), dimension=st.integers(1, 9))
def test_any_table_survives(tmp_path, data, uuids, dimension):
    finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
    vectors = data.draw(arrays(np.float32, (len(uuids), dimension), elements=finite))
    failures = data.draw(st.lists(st.builds(Failure, st.text(), st.text(), st.text(), st.text()), max_size=3))
    table = EmbeddingTable(tuple(uuids), vectors, spec(dimension), tuple(failures))
    write_table(table, tmp_path / "x.parquet")
    assert same(read_table(tmp_path / "x.parquet"), table)


def test_tables_open_in_pandas_as_they_are(tmp_path):
    frame = pd.read_parquet(written(tmp_path / "x.parquet"))
    assert list(frame.columns) == ["uuid", "emb"]
    np.testing.assert_array_equal(np.stack(list(frame["emb"])), table_of(7).vectors)
    assert frame["emb"].iloc[0].dtype == np.float32


def test_the_schema_is_that_of_other_tools(tmp_path):
    schema = pq.read_schema(written(tmp_path / "x.parquet"))
    assert schema.names == ["uuid", "emb"]
    assert schema.field("uuid").type == pa.string()
    assert schema.field("emb").type == pa.list_(pa.float32(), 5)
    provenance = json.loads(schema.metadata[b"hybridwing"])
    assert provenance["format_version"] == FORMAT_VERSION
    assert provenance["package_version"] == __version__
    assert provenance["view"] == "whole"


def test_one_table_one_file(tmp_path):
    first, second = written(tmp_path / "a.parquet"), written(tmp_path / "b.parquet")
    assert first.read_bytes() == second.read_bytes()


def test_a_table_is_replaced_as_a_whole(tmp_path):
    path = written(tmp_path / "x.parquet", 9)
    written(path, 3)
    assert len(read_table(path)) == 3


def refusal(path: Path) -> str:
    with pytest.raises(EmbeddingError) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_table_that_is_not_there(tmp_path):
    assert "no embedding table at" in refusal(tmp_path / "x.parquet")
    assert "hybridwing embed" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"hello", b"PAR1" + bytes(200) + b"PAR1"])
def test_a_file_that_is_no_table(tmp_path, content):
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    assert "is not a readable parquet file" in refusal(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_table_cut_short(tmp_path, share):
    path = written(tmp_path / "x.parquet")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert "is not a readable parquet file" in refusal(path)


def test_damage_to_the_vectors_is_found(tmp_path):
    path = written(tmp_path / "x.parquet", 500)
    whole = path.read_bytes()
    for place in range(600, len(whole) - 3000, 311):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        assert "is not a readable parquet file" in refusal(path)


@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=6))
def test_no_damage_raises_anything_but_an_embedding_error(tmp_path, changes):
    content = bytearray(written(tmp_path / "whole.parquet").read_bytes())
    for place, change in changes:
        content[place % len(content)] ^= change
    path = tmp_path / "x.parquet"
    path.write_bytes(bytes(content))
    try:
        found = len(read_table(path))
    except EmbeddingError:
        found = 7
    assert found == 7


def rewritten(path: Path, change: dict[str, Any] | None, columns: dict[str, Any] | None = None) -> Path:
    """Write a table's file again with other provenance (None takes a key away) and other columns."""
    content = pq.read_table(written(path))
    if columns is not None:
        content = pa.table(columns).replace_schema_metadata(content.schema.metadata)
    provenance = {**json.loads(content.schema.metadata[b"hybridwing"]), **(change or {})}
    kept = {key: value for key, value in provenance.items() if value is not None}
    pq.write_table(content.replace_schema_metadata({b"hybridwing": json.dumps(kept).encode()}), path)
    return path


def test_a_table_of_somebody_elses(tmp_path):
    path = tmp_path / "x.parquet"
    pd.DataFrame({"uuid": ["a"], "emb": [[0.0, 1.0]]}).to_parquet(path)
    assert "was not written by hybridwing" in refusal(path)


def test_a_table_from_a_newer_version(tmp_path):
    said = refusal(rewritten(tmp_path / "x.parquet", {"format_version": FORMAT_VERSION + 1}))
    assert f"has format {FORMAT_VERSION + 1}, made by a newer hybridwing; upgrade this one" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format_version": None}, "provenance cannot be read: 'format_version': Field required"),
        ({"format_version": "new"}, "provenance cannot be read"),
        ({"backbone": None}, "'backbone': Field required"),
        ({"failures": None}, "'failures': Field required"),
        ({"backbone": {}}, "the description of the backbone cannot be read"),
        ({"backbone": "pattern"}, "the description of the backbone cannot be read"),
        ({"backbone": {**spec(5).to_dict(), "dimension": 6}}, "embeddings of dimension 5, and says that it has 6"),
        ({"failures": [{"uuid": "a"}]}, "'failures.0.path': Field required"),
        (
            {"failures": [{"uuid": 1, "path": "", "stage": "", "reason": ""}]},
            "'failures.0.uuid': Input should be a valid string",
        ),
        ({"failures": ["text"]}, "'failures.0': Input should be"),
        ({"failures": 3}, "'failures': Input should be a valid array"),
    ],
)
def test_a_table_whose_provenance_is_wrong(tmp_path, change, said):
    assert said in refusal(rewritten(tmp_path / "x.parquet", change))


def test_a_table_whose_provenance_is_no_json(tmp_path):
    path = written(tmp_path / "x.parquet")
    for stored in (b"{", b"\xff", b"[]", b"3"):
        pq.write_table(pq.read_table(path).replace_schema_metadata({b"hybridwing": stored}), path)
        assert "provenance cannot be read" in refusal(path)


def lists(values: list[Any], kind: pa.DataType, size: int = 5) -> pa.Array:
    return pa.array(values, type=pa.list_(kind, size))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"uuid": ["a"]}, "it has no column 'emb', only uuid"),
        ({"uuid": ["a"], "emb": [0.5]}, "its column 'emb' holds double, and not lists of numbers"),
        ({"uuid": ["a"], "emb": [["x"]]}, "its column 'emb' holds list"),
        ({"uuid": ["a", "b"], "emb": [[0.0] * 5, [0.0] * 4]}, "row 2 has 4 numbers, and the first 5"),
        (
            {"uuid": ["a"], "emb": lists([[0.0] * 4], pa.float32(), 4)},
            "of dimension 4, and says that it has 5",
        ),
        ({"uuid": ["a", "a"], "emb": lists([[0.0] * 5] * 2, pa.float32())}, "stands twice in the embedding table: a"),
        (
            {"uuid": ["a", None], "emb": lists([[0.0] * 5] * 2, pa.float32())},
            "it has empty cells: 'uuid' is empty in row 2",
        ),
        (
            {"uuid": ["a", "b"], "emb": lists([[0.0] * 5, [None] * 2 + [0.0] * 3], pa.float32())},
            "it has empty cells: 'emb' has NaN or empty numbers in row 2 (b)",
        ),
        ({"uuid": ["a"], "emb": lists([[0.0] * 4 + [float("inf")]], pa.float32())}, "NaN or infinity: a"),
    ],
)
def test_a_table_whose_columns_are_wrong(tmp_path, columns, said):
    assert said in refusal(rewritten(tmp_path / "x.parquet", None, columns))


@pytest.mark.parametrize(
    "columns",
    [
        {"emb": lists([[0.5] * 5], pa.float32()), "uuid": ["a"], "label": ["hybrid"]},
        {"uuid": ["a"], "emb": [[0.5] * 5]},
        {"uuid": ["a"], "emb": lists([[0.5] * 5], pa.float64())},
        {"uuid": ["a"], "emb": lists([[0.5] * 5], pa.float16())},
    ],
)
def test_a_table_whose_columns_another_program_changed(tmp_path, columns):
    """Order, further columns and the kind of list may change; the numbers may not."""
    table = read_table(rewritten(tmp_path / "x.parquet", None, columns))
    assert table.uuids == ("a",)
    assert np.array_equal(table.vectors, np.full((1, 5), 0.5, np.float32))


def test_a_table_with_an_empty_embedding(tmp_path):
    columns = {"uuid": ["a", "b"], "emb": lists([[0.0] * 5, None], pa.float32())}
    message = refusal(rewritten(tmp_path / "x.parquet", None, columns))
    # Older releases of pyarrow find it when they read the file.
    named = "it has empty cells: 'emb' is empty in row 2 (b)"
    assert named in message or "is not a readable parquet file: Expected all lists" in message


def test_many_row_groups_are_one_table(tmp_path):
    path = written(tmp_path / "x.parquet", 50)
    pq.write_table(pq.read_table(path), path, row_group_size=7)
    assert same(read_table(path), table_of(50))


def test_a_key_that_is_no_text_is_found_before_anything_is_written(tmp_path):
    table = EmbeddingTable(("a\udc80",), np.zeros((1, 5), np.float32), spec(5))
    with pytest.raises(EmbeddingError, match=r"x\.parquet: an image's key is no valid text"):
        write_table(table, tmp_path / "x.parquet")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.parquet").mkdir()
    for path in (tmp_path / "file" / "x.parquet", tmp_path / "folder.parquet", tmp_path / ("n" * 300)):
        with pytest.raises(EmbeddingError, match="cannot write"):
            write_table(table_of(2), path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.parquet"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_table(tmp_path, monkeypatch, error):
    path = written(tmp_path / "x.parquet")

    def fail(writer: pq.ParquetWriter, content: object) -> None:
        assert any(name.name.endswith(".partial") for name in tmp_path.iterdir())
        raise error

    monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
    expected = EmbeddingError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_table(table_of(9), path)
    monkeypatch.undo()
    assert same(read_table(path), table_of(7))
    assert [p.name for p in tmp_path.iterdir()] == ["x.parquet"]


@pytest.mark.slow
def test_a_killed_write_leaves_nothing_under_the_final_name(tmp_path):
    script = (
        "import os, sys, pathlib, numpy as np, pyarrow.parquet as pq\n"
        "from hybridwing.backbones.base import BackboneSpec\n"
        "from hybridwing.embeddings.store import write_table\n"
        "from hybridwing.embeddings.table import EmbeddingTable\n"
        "from hybridwing.runtime.preprocess import Preprocess\n"
        "real = pq.ParquetWriter.write_table\n"
        "def killed(*args, **options):\n"
        "    real(*args, **options)\n"
        "    os._exit(9)\n"
        "pq.ParquetWriter.write_table = killed\n"
        "spec = BackboneSpec('n', 'f', 'r', '', 'x', 2, Preprocess())\n"
        "write_table(EmbeddingTable(('a',), np.zeros((1, 2), np.float32), spec), pathlib.Path(sys.argv[1]))\n"
    )
    path = tmp_path / "x.parquet"
    done = subprocess.run([sys.executable, "-c", script, path], timeout=300, check=False, env={**os.environ})
    assert done.returncode == 9
    assert not path.exists()
    assert same(read_table(written(path)), table_of(7))
