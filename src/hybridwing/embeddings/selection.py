"""The embeddings of a catalogue's images, found in a table that may hold more and may name them otherwise."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hybridwing.embeddings.foreign import read_embeddings
from hybridwing.embeddings.metadata import aligned, metadata_of
from hybridwing.embeddings.table import EmbeddingTable, Failure
from hybridwing.errors import EmbeddingError, first_few

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.catalogue.schema import Catalogue


def as_embeddings(embeddings: EmbeddingTable | Path | str) -> EmbeddingTable:
    """A table, read where a path is given."""
    return read_embeddings(embeddings) if isinstance(embeddings, (str, Path)) else embeddings


def select(embeddings: EmbeddingTable, catalogue: Catalogue) -> EmbeddingTable:
    """The catalogue's images of a table, in the catalogue's order and under its keys: same images, same bytes.

    Parameters
    ----------
    embeddings : EmbeddingTable
        Made from these images, and maybe more. A table made elsewhere may name them by file name without folder, by
        file name without ending, or by specimen, as long as each name means one image.
    catalogue : Catalogue

    Returns
    -------
    EmbeddingTable
        Rows, failures and fallbacks of the catalogue's images, with its metadata. An image that a table made elsewhere
        lacks is a failure.

    Raises
    ------
    EmbeddingError
        If images are missing from a table of ours, or not one is in a table made elsewhere.
    """
    uuids = [str(uuid) for uuid in catalogue.uuids]
    keys = dict(zip(uuids, uuids, strict=True)) if embeddings.backbone.can_embed else _keys(embeddings, catalogue)
    missing = [uuid for uuid in uuids if uuid not in keys]
    rows = embeddings.rows_of([keys[uuid] for uuid in uuids if uuid in keys])
    found = [(uuid, row) for uuid, row in zip((u for u in uuids if u in keys), rows, strict=True) if row >= 0]
    failed = {failure.uuid: failure for failure in embeddings.failures}
    fallen = {fallback.uuid: fallback for fallback in embeddings.fallbacks}
    absent = {uuid: Failure(uuid, uuid, "table", "the table of embeddings does not hold it") for uuid in missing}
    return EmbeddingTable(
        tuple(uuid for uuid, _ in found),
        embeddings.vectors[[row for _, row in found]],
        embeddings.backbone,
        tuple(absent.get(uuid) or failed[uuid] for uuid in uuids if uuid in absent or uuid in failed),
        tuple(fallen[uuid] for uuid in uuids if uuid in fallen),
        embeddings.precision,
        embeddings.runtime,
        aligned(metadata_of(catalogue), [uuid for uuid, _ in found]),
    )


def _keys(embeddings: EmbeddingTable, catalogue: Catalogue) -> dict[str, str]:
    """Key in a table made elsewhere of each of the catalogue's images that is in it."""
    names = [str(uuid) for uuid in catalogue.uuids]
    readings: tuple[tuple[list[str], list[str]], ...] = (
        (names, [*embeddings.uuids]),
        ([_file_name(name) for name in names], [_file_name(key) for key in embeddings.uuids]),
        ([_stem(name) for name in names], [_stem(key) for key in embeddings.uuids]),
        ([str(specimen) for specimen in catalogue.specimens], [*embeddings.uuids]),
    )
    for ours, theirs in readings:
        matched = _matched(names, ours, embeddings.uuids, theirs)
        if matched:
            return matched
    raise EmbeddingError(
        f"not one image of {catalogue.source} is in the table of embeddings: it has the keys "
        f"{first_few(embeddings.uuids)}, and the catalogue the files {first_few(names)}; give the table the "
        "catalogue's file names as 'uuid'"
    )


def _matched(names: Sequence[str], ours: Sequence[str], keys: Sequence[str], theirs: Sequence[str]) -> dict[str, str]:
    """Images and keys that are read alike, where the reading means one of each."""
    of_ours, of_theirs = defaultdict(list), defaultdict(list)
    for name, reading in zip(names, ours, strict=True):
        of_ours[reading].append(name)
    for key, reading in zip(keys, theirs, strict=True):
        of_theirs[reading].append(key)
    return {
        found[0]: of_theirs[reading][0]
        for reading, found in of_ours.items()
        if len(found) == 1 and len(of_theirs.get(reading, ())) == 1
    }


def _file_name(key: str) -> str:
    return key.replace("\\", "/").rpartition("/")[2]


def _stem(key: str) -> str:
    return PurePosixPath(_file_name(key)).stem
