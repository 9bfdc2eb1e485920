"""Embedding tables as parquet files that pandas, DuckDB and other tools open as they are.

Two columns, ``uuid`` (string) and ``emb`` (fixed-size list of float32); everything else is in the file's metadata under
the key ``hybridwing``, as JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridwing import __version__
from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.table import EmbeddingTable, Failure
from hybridwing.errors import EmbeddingError
from hybridwing.files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

FORMAT_VERSION = 1
_METADATA_KEY = b"hybridwing"


def write_table(table: EmbeddingTable, path: Path) -> None:
    """Write a table; the file appears under its name only when it is whole.

    Raises
    ------
    EmbeddingError
        If the file cannot be written, or an image's key is no valid text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    provenance = {
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
        "backbone": table.backbone.to_dict(),
        "view": table.backbone.preprocess.view,
        "failures": [asdict(failure) for failure in table.failures],
    }
    flat = pa.array(np.ascontiguousarray(table.vectors).reshape(-1), type=pa.float32())
    try:
        keys = pa.array(table.uuids, type=pa.string())
    except (UnicodeEncodeError, pa.ArrowException) as error:
        raise EmbeddingError(f"cannot write {path}: an image's key is no valid text: {error}") from error
    columns = [keys, pa.FixedSizeListArray.from_arrays(flat, table.backbone.dimension)]
    schema = pa.schema(
        [("uuid", pa.string()), ("emb", pa.list_(pa.float32(), table.backbone.dimension))],
        metadata={_METADATA_KEY: json.dumps(provenance, sort_keys=True).encode()},
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = pa.Table.from_arrays(columns, schema=schema)
        with written_whole(path) as partial:
            pq.write_table(content, partial, compression="zstd", write_page_checksum=True)
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

    if not path.is_file():
        raise EmbeddingError(f"no embedding table at {path}; make one with: hybridwing embed … --out {path}")
    try:
        content = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise EmbeddingError(f"{path} is not a readable parquet file: {error}".splitlines()[0]) from error
    provenance = _provenance(path, (content.schema.metadata or {}).get(_METADATA_KEY))
    try:
        backbone = BackboneSpec.from_dict(provenance["backbone"])
        failures = tuple(_failure(values) for values in provenance["failures"])
        _check_columns(content, backbone.dimension)
        # Row by row through a flat view: to_numpy would make an object array of arrays.
        flat = pa.concat_arrays(content.column("emb").chunks or [pa.array([], content.field("emb").type)]).flatten()
        vectors = np.asarray(flat, dtype=np.float32).reshape(len(content), backbone.dimension)
        return EmbeddingTable(tuple(content.column("uuid").to_pylist()), vectors, backbone, failures)
    except (EmbeddingError, TypeError, ValueError) as error:
        raise EmbeddingError(f"{path} is damaged or not an embedding table: {error}") from error


def _check_columns(content: pa.Table, dimension: int) -> None:
    """Both columns, of the right types, without gaps."""
    import pyarrow as pa

    wanted = pa.schema([("uuid", pa.string()), ("emb", pa.list_(pa.float32(), dimension))])
    if not content.schema.equals(wanted):
        found = ", ".join(f"{field.name} ({field.type})" for field in content.schema)
        raise EmbeddingError(
            f"it should have the columns uuid (string) and emb ({wanted.field('emb').type}); it has {found}"
        )
    if any(content.column(name).null_count for name in content.column_names):
        raise EmbeddingError("it has empty cells")


def _failure(values: dict[str, str]) -> Failure:
    """Read what ``asdict`` made of a failure."""
    failure = Failure(**values)
    if not all(isinstance(value, str) for value in values.values()):
        raise TypeError(f"a failure holds something else than text: {values!r}")
    return failure


def _provenance(path: Path, stored: bytes | None) -> dict[str, Any]:
    """Metadata of the file, checked."""
    if stored is None:
        raise EmbeddingError(f"{path} was not written by hybridwing: it does not say which backbone made it")
    try:
        provenance: dict[str, Any] = json.loads(stored)
        version, known = int(provenance["format_version"]), {"backbone", "failures"} <= set(provenance)
    except (ValueError, KeyError, TypeError) as error:
        raise EmbeddingError(f"{path}: its provenance cannot be read: {error}") from error
    if version > FORMAT_VERSION:
        raise EmbeddingError(f"{path} has format {version}, made by a newer hybridwing; upgrade this one")
    if not known:
        raise EmbeddingError(f"{path}: its provenance is incomplete; embed the images again")
    return provenance
