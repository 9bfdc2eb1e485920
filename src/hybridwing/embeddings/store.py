"""Embedding tables as parquet files that pandas, DuckDB and other tools open as they are.

Two columns, ``uuid`` (string) and ``emb`` (fixed-size list of float32); everything else is in the file's metadata under
the key ``hybridwing``, as JSON.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridwing import __version__
from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.table import EmbeddingTable, Failure
from hybridwing.errors import EmbeddingError

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 1
_METADATA_KEY = b"hybridwing"


def write_table(table: EmbeddingTable, path: Path) -> None:
    """Write a table; the file appears under its name only when it is whole.

    Raises
    ------
    EmbeddingError
        If the file cannot be written.
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
    columns = [
        pa.array(table.uuids, type=pa.string()),
        pa.FixedSizeListArray.from_arrays(flat, table.backbone.dimension),
    ]
    schema = pa.schema(
        [("uuid", pa.string()), ("emb", pa.list_(pa.float32(), table.backbone.dimension))],
        metadata={_METADATA_KEY: json.dumps(provenance, sort_keys=True).encode()},
    )
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), partial, compression="zstd")
        partial.replace(path)
    except OSError as error:
        raise EmbeddingError(f"cannot write {path}: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def read_table(path: Path) -> EmbeddingTable:
    """Read what :func:`write_table` wrote.

    Raises
    ------
    EmbeddingError
        If the file is missing, is no parquet file, or was written by something else.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise EmbeddingError(f"no embedding table at {path}; make one with: hybridwing embed … --out {path}")
    try:
        content = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise EmbeddingError(f"{path} is not a readable parquet file: {str(error).splitlines()[0]}") from error
    provenance = _provenance(path, (content.schema.metadata or {}).get(_METADATA_KEY))
    backbone = BackboneSpec.from_dict(provenance["backbone"])
    if content.column_names != ["uuid", "emb"] or not pa.types.is_fixed_size_list(content.schema.field("emb").type):
        raise EmbeddingError(f"{path} should have the columns uuid (string) and emb (fixed-size list of float32)")
    joined = content.column("emb").combine_chunks()
    flat = joined.flatten() if isinstance(joined, pa.Array) else pa.array([], pa.float32())
    vectors = np.asarray(flat, dtype=np.float32).reshape(len(content), -1 if len(content) else backbone.dimension)
    return EmbeddingTable(
        uuids=tuple(content.column("uuid").to_pylist()),
        vectors=vectors,
        backbone=backbone,
        failures=tuple(Failure(**failure) for failure in provenance["failures"]),
    )


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
