"""What an embedding file says about its rows: schema, provenance, failures; JSON under one key of the metadata."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from hybridwing import __version__
from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.table import Failure, Fallback
from hybridwing.errors import EmbeddingError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

FORMAT_VERSION = 1
#: Under which the provenance stands among the metadata of a parquet file.
KEY = b"hybridwing"


@dataclass(frozen=True)
class Part:
    """Which piece of a larger table a file holds.

    Attributes
    ----------
    index, of : int
        Piece number, from 0, and number of pieces.
    digest : str
        Of what the pieces were cut from (for a part of a table) or of what this piece was made from (for a shard).
    """

    index: int
    of: int
    digest: str


@dataclass(frozen=True)
class TableHead:
    """All that a file says about its rows, without the rows.

    Attributes
    ----------
    rows : int
    backbone : BackboneSpec
    precision, runtime : str
    failures : tuple of Failure
    fallbacks : tuple of Fallback
    part : Part or None
        None for a whole table.
    """

    rows: int
    backbone: BackboneSpec
    precision: str
    runtime: str
    failures: tuple[Failure, ...]
    fallbacks: tuple[Fallback, ...]
    part: Part | None


def schema_of(head: TableHead, besides: pa.Schema | None = None) -> pa.Schema:
    """The columns ``uuid`` and ``emb`` and those that stand beside them, with the provenance as metadata."""
    import pyarrow as pa

    provenance = {
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
        "backbone": head.backbone.to_dict(),
        "view": head.backbone.views,
        "precision": head.precision,
        "runtime": head.runtime,
        "failures": [asdict(failure) for failure in head.failures],
        "fallbacks": [asdict(fallback) for fallback in head.fallbacks],
        "part": None if head.part is None else asdict(head.part),
    }
    return pa.schema(
        [("uuid", pa.string()), ("emb", pa.list_(pa.float32(), head.backbone.dimension)), *(besides or ())],
        metadata={KEY: json.dumps(provenance, sort_keys=True).encode()},
    )


def head_of(path: Path, schema: pa.Schema, rows: int) -> TableHead:
    """What the metadata of a file say, which has them under :data:`KEY`."""
    provenance = _provenance(path, (schema.metadata or {})[KEY])
    try:
        part = provenance.get("part")
        return TableHead(
            rows,
            BackboneSpec.from_dict(provenance["backbone"]),
            _text(provenance["precision"]),
            _text(provenance["runtime"]),
            tuple(_failure(values) for values in provenance["failures"]),
            tuple(_fallback(values) for values in provenance["fallbacks"]),
            None if part is None else _part(part),
        )
    except (EmbeddingError, KeyError, TypeError, ValueError) as error:
        raise EmbeddingError(f"{path} is damaged or not an embedding table: {error!s}") from error


def _failure(values: dict[str, str]) -> Failure:
    """Read what ``asdict`` made of a failure."""
    failure = Failure(**values)
    if not all(isinstance(value, str) for value in values.values()):
        raise TypeError(f"a failure holds something else than text: {values!r}")
    return failure


def _fallback(values: dict[str, Any]) -> Fallback:
    """Read what ``asdict`` made of a fallback."""
    fallback = Fallback(**values)
    if not all(isinstance(value, str) for value in (fallback.uuid, fallback.view, fallback.doubt)):
        raise TypeError(f"a fallback holds something else than text: {values!r}")
    return replace(fallback, confidence=float(fallback.confidence))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} stands where a text should")
    return value


def _part(values: dict[str, Any]) -> Part:
    """Read what ``asdict`` made of a part."""
    part = Part(**values)
    if type(part.index) is not int or type(part.of) is not int or not 0 <= part.index < part.of:
        raise ValueError(f"it says to be part {part.index!r} of {part.of!r}")
    return part


def _provenance(path: Path, stored: bytes) -> dict[str, Any]:
    """Metadata of the file, checked."""
    try:
        provenance: dict[str, Any] = json.loads(stored)
        version, known = int(provenance["format_version"]), {"backbone", "failures"} <= set(provenance)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EmbeddingError(f"{path}: its provenance cannot be read: {error}") from error
    if version > FORMAT_VERSION:
        raise EmbeddingError(f"{path} has format {version}, made by a newer hybridwing; upgrade this one")
    if not known:
        raise EmbeddingError(f"{path}: its provenance is incomplete; embed the images again")
    return provenance
