"""Embedding tables as parquet files that pandas, DuckDB and other tools open as they are.

Two columns, ``uuid`` (string) and ``emb`` (fixed-size list of float32); everything else is in the file's metadata under
the key ``hybridwing``, as JSON.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.embeddings.head import TableHead, head_of, schema_of
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import EmbeddingError, first_few
from hybridwing.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

    from hybridwing.embeddings.head import Part


def write_table(table: EmbeddingTable, path: Path, part: Part | None = None) -> None:
    """Write a table; the file appears under its name only when it is whole.

    Raises
    ------
    EmbeddingError
        If the file cannot be written, or an image's key is no valid text.
    """
    import pyarrow as pa

    head = TableHead(len(table), table.backbone, table.precision, table.runtime, table.failures, table.fallbacks, part)
    schema = schema_of(head)
    flat = pa.array(np.ascontiguousarray(table.vectors).reshape(-1), type=pa.float32())
    try:
        keys = pa.array(table.uuids, type=pa.string())
    except (UnicodeEncodeError, pa.ArrowException) as error:
        raise EmbeddingError(f"cannot write {path}: an image's key is no valid text: {error}") from error
    columns = [keys, pa.FixedSizeListArray.from_arrays(flat, table.backbone.dimension)]
    with _writing(path, schema) as writer:
        writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def join_tables(paths: Sequence[Path], out: Path, part: Part | None = None) -> TableHead:
    """Write the rows of several tables into one, a file at a time, so that memory does not grow with their number.

    Every row group stays as it is, so pieces of pieces give the same file as the pieces themselves.

    Parameters
    ----------
    paths : sequence of Path
        Files of one backbone and precision, in the order of the rows; at least one.
    out : Path
        Appears under its name only when it is whole.
    part : Part, optional
        Written into the file.

    Raises
    ------
    EmbeddingError
        If a file cannot be read or is of another backbone or precision, an image stands in two of them, or `out` cannot
        be written.
    """
    heads = [read_head(path) for path in paths]
    first = heads[0]
    for path, head in zip(paths, heads, strict=True):
        if kind_of(head) != kind_of(first):
            raise EmbeddingError(
                f"{path} was made by {head.backbone.name} ({head.precision}, {head.runtime}) and {paths[0]} by "
                f"{first.backbone.name} ({first.precision}, {first.runtime}), with other weights, preprocessing or "
                "precision; join tables of one kind"
            )
    joined = TableHead(
        sum(head.rows for head in heads),
        first.backbone,
        first.precision,
        first.runtime,
        tuple(failure for head in heads for failure in head.failures),
        tuple(fallback for head in heads for fallback in head.fallbacks),
        part,
    )
    schema, seen = schema_of(joined), set[str]()
    with _writing(out, schema) as writer:
        for path in paths:
            for rows in _groups(path):
                _refuse_repeated(rows.column("uuid").to_pylist(), seen, path)
                if len(rows):
                    writer.write_table(rows.replace_schema_metadata(schema.metadata))
    return joined


def kind_of(head: TableHead) -> tuple[str, str, str]:
    """What tables must share to be joined."""
    return head.backbone.key, head.precision, head.runtime


def read_head(path: Path) -> TableHead:
    """Read all but the rows of what :func:`write_table` or :func:`join_tables` wrote.

    Raises
    ------
    EmbeddingError
        As :func:`read_table`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    _refuse_absent(path)
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise EmbeddingError(f"{path} is not a readable parquet file: {error}".splitlines()[0]) from error
    return head_of(path, schema, rows)


def _groups(path: Path) -> Iterator[pa.Table]:
    """Rows of a file, a group at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise EmbeddingError(f"{path} is damaged: {error}".splitlines()[0]) from error


def _refuse_absent(path: Path) -> None:
    if not path.is_file():
        raise EmbeddingError(f"no embedding table at {path}; make one with: hybridwing embed … --out {path}")


def _refuse_repeated(uuids: list[str], seen: set[str], path: Path) -> None:
    """An image in two pieces; `seen` grows by those of this one."""
    twice = [uuid for uuid, count in Counter(uuids).items() if count > 1 or uuid in seen]
    if twice:
        raise EmbeddingError(f"{path} holds images that stand in the table already: {first_few(twice)}")
    seen.update(uuids)


@contextmanager
def _writing(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Yield a writer whose file gets its name at the end."""
    import pyarrow.parquet as pq

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            written_whole(path) as partial,
            pq.ParquetWriter(partial, schema, compression="zstd", write_page_checksum=True) as writer,
        ):
            yield writer
    except OSError as error:
        raise EmbeddingError(f"cannot write {path}: {error}") from error


def read_table(path: Path) -> EmbeddingTable:
    """Read what :func:`write_table` wrote.

    Raises
    ------
    EmbeddingError
        If the file is missing or damaged, is no parquet file, or was written by something else or by a newer version.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    _refuse_absent(path)
    try:
        content = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise EmbeddingError(f"{path} is not a readable parquet file: {error}".splitlines()[0]) from error
    head = head_of(path, content.schema, len(content))
    dimension = head.backbone.dimension
    try:
        if any(content.column(name).null_count for name in content.column_names):
            raise EmbeddingError("it has empty cells")
        # Row by row through a flat view: to_numpy would make an object array of arrays.
        flat = pa.concat_arrays(content.column("emb").chunks or [pa.array([], content.field("emb").type)]).flatten()
        vectors = np.asarray(flat, dtype=np.float32).reshape(len(content), dimension)
        uuids = tuple(content.column("uuid").to_pylist())
        return EmbeddingTable(
            uuids, vectors, head.backbone, head.failures, head.fallbacks, head.precision, head.runtime
        )
    except (EmbeddingError, TypeError, ValueError) as error:
        raise EmbeddingError(f"{path} is damaged or not an embedding table: {error}") from error
