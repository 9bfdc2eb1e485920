"""Embedding tables as parquet files that pandas, DuckDB and other tools open as they are.

The columns ``uuid`` (string) and ``emb`` (fixed-size list of float32) come first, then what the catalogue says of each
image; the provenance is in the file's metadata under the key ``hybridwing``, as JSON.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.embeddings.metadata import aligned
from hybridwing.embeddings.provenance import Provenance, provenance_of, schema_of
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import EmbeddingError, first_few
from hybridwing.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

    from hybridwing.embeddings.provenance import Part


def write_table(table: EmbeddingTable, path: Path, part: Part | None = None) -> None:
    """Write a table; the file appears under its name only when it is whole.

    Raises EmbeddingError if the file cannot be written, or an image's key is no valid text.
    """
    import pyarrow as pa

    about = Provenance(table.backbone, table.precision, table.runtime, table.failures, table.fallbacks, part)
    beside = _besides(table.metadata)
    schema = schema_of(about, None if beside is None else beside.schema)
    flat = pa.array(np.ascontiguousarray(table.vectors).reshape(-1), type=pa.float32())
    try:
        keys = pa.array(table.uuids, type=pa.string())
    except (UnicodeEncodeError, pa.ArrowException) as error:
        raise EmbeddingError(f"cannot write {path}: an image's key is no valid text: {error}") from error
    columns = [keys, pa.FixedSizeListArray.from_arrays(flat, table.backbone.dimension)]
    with _writing(path, schema) as writer:
        writer.write_table(pa.Table.from_arrays([*columns, *(beside.columns if beside else ())], schema=schema))


def _besides(metadata: pd.DataFrame | None) -> pa.Table | None:
    """Metadata as columns of an Arrow table; columns that a parquet file cannot hold become text."""
    import pyarrow as pa

    if metadata is None:
        return None
    columns = {}
    for name in metadata.columns:
        if str(name) in ("uuid", "emb"):
            continue
        try:
            columns[str(name)] = pa.array(metadata[name], from_pandas=True)
        except pa.ArrowException:
            columns[str(name)] = pa.array(metadata[name].astype("string"), from_pandas=True)
    return pa.table(columns) if columns else None


def join_tables(
    paths: Sequence[Path], out: Path, part: Part | None = None, metadata: pd.DataFrame | None = None
) -> Provenance:
    """Write the rows of several tables into one, a file at a time, so that memory does not grow with their number.

    The files are of one backbone and precision, in the order of the rows; at least one. Every row group stays as it is,
    so pieces of pieces give the same file as the pieces themselves. `part` is written into the file. `metadata`,
    indexed by key, stands beside the embeddings; by default what the pieces have. The file appears under its name only
    when it is whole.

    Raises EmbeddingError if a file cannot be read or is of another backbone or precision, an image stands in two of
    them, or `out` cannot be written.
    """
    pieces = [read_provenance(path) for path in paths]
    first = pieces[0]
    for path, piece in zip(paths, pieces, strict=True):
        if piece.kind != first.kind:
            raise EmbeddingError(
                f"{path} was made by {piece.backbone.name} ({piece.precision}, {piece.runtime}) and {paths[0]} by "
                f"{first.backbone.name} ({first.precision}, {first.runtime}), with other weights, preprocessing or "
                "precision; join tables of one kind"
            )
    joined = Provenance(
        first.backbone,
        first.precision,
        first.runtime,
        tuple(failure for piece in pieces for failure in piece.failures),
        tuple(fallback for piece in pieces for fallback in piece.fallbacks),
        part,
        sum(piece.rows for piece in pieces),
    )
    beside = _besides(metadata)
    schema, seen = schema_of(joined, _besides_of(paths) if beside is None else beside.schema), set[str]()
    with _writing(out, schema) as writer:
        for path in paths:
            for rows in _groups(path):
                uuids = rows.column("uuid").to_pylist()
                _refuse_repeated(uuids, seen, path)
                if len(rows):
                    own = _besides(aligned(metadata, uuids)) if beside is not None else rows
                    writer.write_table(_with_columns(rows, own, schema))
    return joined


def _besides_of(paths: Sequence[Path]) -> pa.Schema:
    """The columns beside the embeddings that any of the pieces has."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found: dict[str, pa.Field] = {}
    for path in paths:
        for one in pq.read_schema(path):
            if one.name not in ("uuid", "emb"):
                found.setdefault(one.name, one)
    return pa.schema(list(found.values()))


def _with_columns(rows: pa.Table, beside: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows of a piece with the columns of the joined table; empty where the piece lacks one."""
    import pyarrow as pa

    columns = []
    for one in schema:
        source = rows if one.name in ("uuid", "emb") else beside
        there = one.name in source.column_names
        columns.append(source.column(one.name).cast(one.type) if there else pa.nulls(len(rows), one.type))
    return pa.Table.from_arrays(columns, schema=schema)


def read_provenance(path: Path) -> Provenance:
    """Read what a table of ours says about its rows, without the rows.

    Raises EmbeddingError as `read_table`.
    """
    import pyarrow.parquet as pq

    with _reading(path), pq.ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    return provenance_of(path, schema, rows)


def _groups(path: Path) -> Iterator[pa.Table]:
    """Rows of a file, a group at a time."""
    import pyarrow.parquet as pq

    with _reading(path, "is damaged"), pq.ParquetFile(path, page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)


@contextmanager
def _reading(path: Path, otherwise: str = "is not a readable parquet file") -> Iterator[None]:
    """Say in our words that a parquet file is absent, or cannot be read within the block."""
    import pyarrow as pa

    if not path.is_file():
        raise EmbeddingError(f"no embedding table at {path}; make one with: hybridwing embed … --out {path}")
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise EmbeddingError(f"{path} {otherwise}: {error}".splitlines()[0]) from error


def _refuse_repeated(uuids: list[str], seen: set[str], path: Path) -> None:
    """Refuse an image that stands in two pieces; `seen` grows by the images of this piece."""
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
    """Read what `write_table` wrote; `hybridwing.embeddings.foreign.read_embeddings` reads others' too.

    Raises EmbeddingError if the file is missing or damaged, is no parquet file, or was written by something else or by
    a newer version.
    """
    content = read_parquet(path)
    about = provenance_of(path, content.schema, len(content))
    try:
        uuids, vectors = columns_of(content)
        if vectors.shape[1] != about.backbone.dimension:
            raise EmbeddingError(
                f"it holds embeddings of dimension {vectors.shape[1]}, and says that it has {about.backbone.dimension}"
            )
        return EmbeddingTable(
            uuids,
            vectors,
            about.backbone,
            about.failures,
            about.fallbacks,
            about.precision,
            about.runtime,
            metadata_in(content),
        )
    except (EmbeddingError, TypeError, ValueError) as error:
        raise EmbeddingError(f"{path} is damaged or not an embedding table: {error}") from error


def read_metadata(path: Path) -> pd.DataFrame | None:
    """Read the columns beside the embeddings of a file; None if there are none.

    Raises EmbeddingError as `read_table`.
    """
    import pyarrow.parquet as pq

    read_provenance(path)
    names = [name for name in pq.read_schema(path).names if name not in ("uuid", "emb")]
    return metadata_in(read_parquet(path, names))


def read_parquet(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Everything in a parquet file, or some of its columns.

    Raises EmbeddingError if it is missing, damaged or no parquet file.
    """
    import pyarrow.parquet as pq

    with _reading(path):
        return pq.read_table(path, columns=columns, page_checksum_verification=True)


def columns_of(content: pa.Table) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Keys, and vectors of shape (n, d), of a table with the columns ``uuid`` and ``emb``.

    Raises EmbeddingError if a column is absent or of another kind, a cell is empty, or the vectors differ in length.
    """
    import pyarrow as pa

    absent = [name for name in ("uuid", "emb") if name not in content.column_names]
    if absent:
        raise EmbeddingError(
            f"it has no column {' or '.join(map(repr, absent))}, only {first_few(content.column_names)}: call the "
            "images' keys 'uuid' and their vectors 'emb'"
        )
    uuid, emb = content.column("uuid").combine_chunks(), content.column("emb").combine_chunks()
    kind = emb.type
    nested = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not nested or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise EmbeddingError(f"its column 'emb' holds {kind}, and not lists of numbers")
    _refuse_empty(uuid, emb)
    if pa.types.is_fixed_size_list(kind):
        width = kind.list_size
    else:
        lengths = np.asarray(emb.value_lengths())
        width = int(lengths[0]) if len(lengths) else 1
        odd = np.flatnonzero(lengths != width)
        if len(odd):
            raise EmbeddingError(
                f"its vectors differ in length: row {odd[0] + 1} has {lengths[odd[0]]} numbers, and the first {width}"
            )
    with np.errstate(over="ignore"):
        vectors = np.asarray(emb.flatten()).astype(np.float32, copy=False).reshape(len(content), width)
    return tuple(str(key) for key in uuid.to_pylist()), vectors


def _refuse_empty(uuid: pa.Array, emb: pa.Array) -> None:
    """Raise EmbeddingError that names the first rows without a key, without a vector, or with a gap in it."""
    import pyarrow.compute as pc

    if not (uuid.null_count or emb.null_count or emb.flatten().null_count):
        return
    keyless, empty = (column.is_null().to_numpy(zero_copy_only=False) for column in (uuid, emb))
    filled = emb.drop_null()
    gaps = filled.flatten().is_null().to_numpy(zero_copy_only=False)
    holed = np.flatnonzero(~empty)[np.unique(np.asarray(pc.list_parent_indices(filled))[gaps])]
    said = []
    # pandas writes NaN within a list as an empty number, so that the two are the same here.
    for what, rows in (
        ("'uuid' is empty", np.flatnonzero(keyless)),
        ("'emb' is empty", np.flatnonzero(empty)),
        ("'emb' has NaN or empty numbers", holed),
    ):
        named = [f"row {row + 1}" if keyless[row] else f"row {row + 1} ({uuid[row].as_py()})" for row in rows.tolist()]
        if named:
            said.append(f"{what} in {first_few(named)}")
    raise EmbeddingError(f"it has empty cells: {'; '.join(said)}")


def metadata_in(content: pa.Table) -> pd.DataFrame | None:
    """The columns beside keys and vectors; None where there are none."""
    others = [name for name in content.column_names if name not in ("uuid", "emb")]
    return content.select(others).to_pandas() if others else None
