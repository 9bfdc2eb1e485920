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
_METADATA_KEY = b"hybridwing"


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


def schema_of(head: TableHead) -> pa.Schema:
    """Both columns, and everything else as metadata."""
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
        [("uuid", pa.string()), ("emb", pa.list_(pa.float32(), head.backbone.dimension))],
        metadata={_METADATA_KEY: json.dumps(provenance, sort_keys=True).encode()},
    )


def head_of(path: Path, schema: pa.Schema, rows: int) -> TableHead:
    """What a file's metadata say, held against its columns."""
    provenance = _provenance(path, (schema.metadata or {}).get(_METADATA_KEY))
    try:
        backbone = BackboneSpec.from_dict(provenance["backbone"])
        failures = tuple(_failure(values) for values in provenance["failures"])
        # The last four came later: a table without them was computed in full precision, and is whole.
        fallbacks = tuple(_fallback(values) for values in provenance.get("fallbacks", ()))
        part = provenance.get("part")
        _check_columns(schema, backbone.dimension)
        return TableHead(
            rows,
            backbone,
            _text(provenance.get("precision", "fp32")),
            _text(provenance.get("runtime", "")),
            failures,
            fallbacks,
            None if part is None else _part(part),
        )
    except (EmbeddingError, TypeError, ValueError) as error:
        raise EmbeddingError(f"{path} is damaged or not an embedding table: {error}") from error


def _check_columns(schema: pa.Schema, dimension: int) -> None:
    """Both columns, of the right types."""
    import pyarrow as pa

    wanted = pa.schema([("uuid", pa.string()), ("emb", pa.list_(pa.float32(), dimension))])
    if not schema.equals(wanted):
        found = ", ".join(f"{field.name} ({field.type})" for field in schema)
        raise EmbeddingError(
            f"it should have the columns uuid (string) and emb ({wanted.field('emb').type}); it has {found}"
        )


def _failure(values: dict[str, str]) -> Failure:
    """Read what ``asdict`` made of a failure."""
    failure = Failure(**values)
    if not all(isinstance(value, str) for value in values.values()):
        raise TypeError(f"a failure holds something else than text: {values!r}")
    return failure


def _fallback(values: dict[str, Any]) -> Fallback:
    """Read what ``asdict`` made of a fallback."""
    fallback = Fallback(**values)
    if not (isinstance(fallback.uuid, str) and isinstance(fallback.view, str)):
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


def _provenance(path: Path, stored: bytes | None) -> dict[str, Any]:
    """Metadata of the file, checked."""
    if stored is None:
        raise EmbeddingError(f"{path} was not written by hybridwing: it does not say which backbone made it")
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
