"""Embed the photographs that a catalogue lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.embeddings.engine import embed_images
from hybridwing.errors import EmbeddingError
from hybridwing.images.decode import DEFAULT_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.backbones.base import Backbone
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.cache import EmbeddingCache
    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.images.decode import ReadOptions


def embed_catalogue(
    catalogue: Catalogue,
    images: Path,
    backbone: Backbone,
    *,
    batch_size: int | None = None,
    workers: int | None = None,
    cache: EmbeddingCache | None = None,
    options: ReadOptions = DEFAULT_OPTIONS,
    progress: Callable[[int, int], None] | None = None,
) -> EmbeddingTable:
    """Embed every image of a catalogue.

    Parameters
    ----------
    catalogue : Catalogue
    images : Path
        Folder that its file names are relative to.
    backbone, batch_size, workers, cache, options, progress
        See :func:`hybridwing.embeddings.engine.embed_images`.

    Raises
    ------
    EmbeddingError
        If the folder does not exist or not one image could be embedded.
    """
    items = items_of(catalogue, images)
    return embed_images(
        items, backbone, batch_size=batch_size, workers=workers, cache=cache, options=options, progress=progress
    )


def items_of(catalogue: Catalogue, images: Path) -> list[tuple[str, Path]]:
    """Key and file of every image of a catalogue.

    Raises
    ------
    EmbeddingError
        If the folder does not exist.
    """
    if not images.is_dir():
        raise EmbeddingError(f"no folder of images at {images}; name it with --images")
    return [(str(u), images / str(f)) for u, f in zip(catalogue.uuids, catalogue.table["filename"], strict=True)]
