"""Which embeddings serve: those of a catalogue's images, made by the backbone that is asked for."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hybridwing.backbones.request import Backbone
from hybridwing.embeddings.foreign import read_embeddings
from hybridwing.embeddings.metadata import aligned, metadata_of
from hybridwing.embeddings.table import EmbeddingTable, Failure
from hybridwing.errors import EmbeddingError, first_few

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.catalogue.schema import Catalogue


def as_embeddings(embeddings: EmbeddingTable | Path | str) -> EmbeddingTable:
    """A table, read where a path is given."""
    return read_embeddings(embeddings) if isinstance(embeddings, (str, Path)) else embeddings


def select(embeddings: EmbeddingTable, catalogue: Catalogue) -> EmbeddingTable:
    """The catalogue's images of a table, in the catalogue's order and under its keys: same images, same bytes.

    The table may hold more images. One made elsewhere may name them by file name without folder, by file name without
    ending, or by specimen, as long as each name means one image; an image that it lacks is a failure. Rows, failures
    and fallbacks are those of the catalogue's images, with its metadata.

    Raises EmbeddingError if images are missing from a table of ours, or not one is in a table made elsewhere.
    """
    uuids = [str(uuid) for uuid in catalogue.uuids]
    rows = _rows(embeddings, catalogue)
    found = [(uuid, row) for uuid, row in rows.items() if row >= 0]
    failed = {failure.uuid: failure for failure in embeddings.failures}
    for uuid in uuids:
        if uuid not in rows:
            failed[uuid] = Failure(uuid, uuid, "table", "the table of embeddings does not hold it")
    fallen = {fallback.uuid: fallback for fallback in embeddings.fallbacks}
    return EmbeddingTable(
        tuple(uuid for uuid, _ in found),
        embeddings.vectors[[row for _, row in found]],
        embeddings.backbone,
        tuple(failed[uuid] for uuid in uuids if uuid in failed),
        tuple(fallen[uuid] for uuid in uuids if uuid in fallen),
        embeddings.precision,
        embeddings.runtime,
        aligned(metadata_of(catalogue), [uuid for uuid, _ in found]),
    )


def select_with(embeddings: EmbeddingTable, catalogue: Catalogue, others: Sequence[Catalogue]) -> EmbeddingTable:
    """The catalogue's images of a table as `select` finds them, and after them the images of `others`.

    None of the others' images need be in the table. A row belongs to one image, of the first catalogue that has it.
    Failures, fallbacks and metadata are left out.

    Raises EmbeddingError where `select` does.
    """
    rows = {uuid: row for uuid, row in _rows(embeddings, catalogue).items() if row >= 0}
    place = {uuid: row for row, uuid in enumerate(embeddings.uuids)}
    for one in others:
        taken = set(rows.values())
        found = [(uuid, place[key]) for uuid, key in _keys(embeddings, one).items() if key in place]
        rows |= {uuid: row for uuid, row in found if uuid not in rows and row not in taken}
    return EmbeddingTable(tuple(rows), embeddings.vectors[list(rows.values())], embeddings.backbone)


def _rows(embeddings: EmbeddingTable, catalogue: Catalogue) -> dict[str, int]:
    """Row of each of the catalogue's images that a table has, in the catalogue's order; -1 for one that failed.

    Raises EmbeddingError as `select`.
    """
    keys = _keys(embeddings, catalogue)
    if not keys and not embeddings.backbone.can_embed:
        files = [str(uuid) for uuid in catalogue.uuids]
        raise EmbeddingError(
            f"not one image of {catalogue.source} is in the table of embeddings: it has the keys "
            f"{first_few(embeddings.uuids)}, and the catalogue the files {first_few(files)}; give the table the "
            "catalogue's file names as 'uuid'"
        )
    held = [uuid for uuid in map(str, catalogue.uuids) if uuid in keys]
    return dict(zip(held, embeddings.rows_of([keys[uuid] for uuid in held]).tolist(), strict=True))


def _keys(embeddings: EmbeddingTable, catalogue: Catalogue) -> dict[str, str]:
    """Key of each of the catalogue's images in a table: the image's own in ours, maybe another in one made elsewhere.

    An image that is not in a table made elsewhere has none.
    """
    names = [str(uuid) for uuid in catalogue.uuids]
    if embeddings.backbone.can_embed:
        return dict(zip(names, names, strict=True))
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
    return {}


def _matched(names: Sequence[str], ours: Sequence[str], keys: Sequence[str], theirs: Sequence[str]) -> dict[str, str]:
    """Pairs of image and key whose readings are equal and unique on both sides."""
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


def require_requested(made_by: BackboneSpec, request: Backbone) -> None:
    """Refuse embeddings that do not fit a request; no model is loaded.

    Raises EmbeddingError if names, views, preprocessing, background or a feature that is named differ.
    """

    def choices(one: Backbone) -> tuple[object, ...]:
        view = "whole" if one.cuts_itself and one.view == "specimen" else one.view
        background = None if view == "whole" else one.background or "masked"
        return str(one.name).partition("@")[0], view, background

    fits = False
    if made_by.can_embed:
        made = Backbone.of(made_by)
        wanted, found = request.singles, made.singles
        fits = [choices(one) for one in wanted] == [choices(one) for one in found] and all(
            one.feature in ("default", other.feature) and one.preprocess in ("default", other.preprocess)
            for one, other in zip(wanted, found, strict=True)
        )
    if not fits:
        raise EmbeddingError(
            f"the embeddings were made by {made_by}, and not as --backbone {request.name} --view "
            f"{','.join(request.views)} says: leave out --backbone, --view, --preprocess, --feature and "
            "--background, or leave out --embeddings"
        )


def require_same_backbone(made_by: BackboneSpec, wanted: BackboneSpec, whose: str) -> None:
    """Refuse embeddings whose weights, descriptor, preprocessing, view or feature differ from those that are `wanted`.

    `whose` says who needs them, for the message of the EmbeddingError, e.g. ``"the run my-run"``.
    """
    if made_by.key == wanted.key:
        return
    if made_by.dimension != wanted.dimension:
        difference = f"embeddings of dimension {made_by.dimension}, not {wanted.dimension}"
    elif not (made_by.can_embed and wanted.can_embed):
        difference = "and it is not known what made one of them"
    elif made_by.name == wanted.name and made_by.views == wanted.views and made_by.background == wanted.background:
        difference = "with other weights, preprocessing or feature"
    else:
        difference = "and their embeddings cannot be compared"
    raise EmbeddingError(
        f"the embeddings were made by {made_by}, and {whose} is of {wanted}: {difference}; embed the photographs with "
        "the same backbone, or leave --embeddings out"
    )
