"""Read tables of embeddings: ours, and those of pybioclip, emb-explorer, pandas and others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.provenance import KEY
from hybridwing.embeddings.store import columns_of, metadata_in, read_parquet, read_table
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import EmbeddingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bytes of a JSON file of embeddings that is read at most: 200,000 images with 768 numbers each.
_MOST_BYTES = 4_000_000_000


def read_embeddings(path: Path | str) -> EmbeddingTable:
    """Read a table of embeddings.

    Parameters
    ----------
    path : Path or str
        A parquet file with the columns ``uuid`` and ``emb`` (lists of any numbers), or the JSON file that
        ``bioclip embed`` writes.

    Returns
    -------
    EmbeddingTable
        Of a table that does not say which backbone made it, ``backbone.can_embed`` is false: detectors learn from it
        and rank embeddings like it, and cannot embed photographs.

    Raises
    ------
    EmbeddingError
        If the file is missing or damaged, lacks a column, or its vectors differ in length or are not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> pd.DataFrame({"uuid": ["a", "b"], "emb": [[0.1, 0.2], [0.3, 0.4]]}).to_parquet("other.parquet")
    >>> read_embeddings("other.parquet").backbone.can_embed
    False
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        uuids, vectors = _from_json(path)
        return _table(path, uuids, vectors)
    content = read_parquet(path)
    if KEY in (content.schema.metadata or {}):
        return read_table(path)
    try:
        uuids, vectors = columns_of(content)
    except (EmbeddingError, ValueError, TypeError) as error:
        raise EmbeddingError(f"{path} cannot be read as a table of embeddings: {error}") from error
    return replace(_table(path, uuids, vectors), metadata=metadata_in(content))


def _table(path: Path, uuids: tuple[str, ...], vectors: NDArray[np.float32]) -> EmbeddingTable:
    if not len(uuids):
        raise EmbeddingError(f"{path} holds no embeddings")
    try:
        return EmbeddingTable(uuids, vectors, BackboneSpec.elsewhere(vectors.shape[1]))
    except EmbeddingError as error:
        raise EmbeddingError(f"{path} cannot be read as a table of embeddings: {error}") from error


def _from_json(path: Path) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """What ``bioclip embed`` writes: ``{"model": …, "embeddings": {FILE: [numbers], …}}``."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise EmbeddingError(f"{path} is larger than {_MOST_BYTES} bytes; write it as a parquet file")
        values = json.loads(path.read_text(encoding="utf-8"))
        found = values["embeddings"]
        vectors = np.array([np.asarray(one, dtype=np.float32).reshape(-1) for one in found.values()], dtype=np.float32)
        if vectors.ndim != 2:
            raise ValueError("there are no vectors of one length in it")
        return tuple(str(key) for key in found), vectors
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EmbeddingError(f"{path} is not what `bioclip embed` writes: {error}") from error
