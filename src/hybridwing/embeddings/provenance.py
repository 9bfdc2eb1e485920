"""What an embedding file says about its rows: backbone, failures, fallbacks; JSON under one key of its metadata."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated

from pydantic import PlainValidator, TypeAdapter, ValidationError

from hybridwing import __version__
from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.table import Failure, Fallback  # noqa: TC001 - pydantic reads the annotations
from hybridwing.errors import EmbeddingError, what_is_wrong

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

FORMAT_VERSION = 1
#: Under which the provenance stands among the metadata of a parquet file.
KEY = b"hybridwing"


@dataclass(frozen=True)
class Part:
    """Which piece of a larger table a file holds."""

    index: int  # Piece number, from 0, and number of pieces
    of: int
    # Of what the pieces were cut from (for a part of a table) or of what this piece was made from (for a shard).
    digest: str

    def __post_init__(self) -> None:
        """Refuse an index that is not below the number of parts."""
        if not 0 <= self.index < self.of:
            raise ValueError(f"there is no part {self.index} of {self.of}")


@dataclass(frozen=True)
class Provenance:
    """All that a file says about its rows, without the rows."""

    backbone: Annotated[BackboneSpec, PlainValidator(BackboneSpec.from_dict)]
    precision: str
    runtime: str
    failures: tuple[Failure, ...]
    fallbacks: tuple[Fallback, ...]
    part: Part | None = None  # None for a whole table
    rows: int = 0

    @property
    def kind(self) -> tuple[str, str, str]:
        """What tables must share to be joined: backbone, precision and runtime."""
        return self.backbone.key, self.precision, self.runtime


@dataclass(frozen=True)
class _Versioned:
    format_version: int


_VERSION, _PROVENANCE = TypeAdapter(_Versioned), TypeAdapter(Provenance)


def schema_of(provenance: Provenance, besides: pa.Schema | None = None) -> pa.Schema:
    """The columns ``uuid`` and ``emb`` and those that stand beside them, with the provenance as metadata."""
    import pyarrow as pa

    stored = {
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
        "backbone": provenance.backbone.to_dict(),
        "view": provenance.backbone.views,
        "precision": provenance.precision,
        "runtime": provenance.runtime,
        "failures": [asdict(failure) for failure in provenance.failures],
        "fallbacks": [asdict(fallback) for fallback in provenance.fallbacks],
        "part": None if provenance.part is None else asdict(provenance.part),
    }
    return pa.schema(
        [("uuid", pa.string()), ("emb", pa.list_(pa.float32(), provenance.backbone.dimension)), *(besides or ())],
        metadata={KEY: json.dumps(stored, sort_keys=True).encode()},
    )


def provenance_of(path: Path, schema: pa.Schema, rows: int) -> Provenance:
    """What the metadata of a file say.

    Raises EmbeddingError if there are none of ours, they are damaged, or a newer version wrote them.
    """
    stored = (schema.metadata or {}).get(KEY)
    if stored is None:
        raise EmbeddingError(f"{path} was not written by hybridwing: it does not say which backbone made it")
    try:
        version = _VERSION.validate_json(stored, strict=True).format_version
        if version <= FORMAT_VERSION:
            return replace(_PROVENANCE.validate_json(stored, strict=True), rows=rows)
    except (ValidationError, EmbeddingError) as error:
        raise EmbeddingError(f"{path}: its provenance cannot be read: {what_is_wrong(error)}") from error
    raise EmbeddingError(f"{path} has format {version}, made by a newer hybridwing; upgrade this one")
