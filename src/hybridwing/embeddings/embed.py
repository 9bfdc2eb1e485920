"""Turn photographs into embeddings: one call from a catalogue, a folder or a list of files to a table."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.catalogue.schema import Catalogue
from hybridwing.catalogue.text_table import is_table
from hybridwing.embeddings.engine import embed_images
from hybridwing.embeddings.metadata import aligned, metadata_of
from hybridwing.errors import EmbeddingError, remedy
from hybridwing.images.find import find_images
from hybridwing.images.listed import ImageFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.backbones.request import Backbone
    from hybridwing.catalogue.readers import TableLike
    from hybridwing.embeddings.table import EmbeddingTable

    #: What is embedded: a catalogue or the table of one, a folder of photographs, or image files and folders.
    Source = TableLike | Iterable[Path | str]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Photographs:
    """Image files with their keys."""

    items: list[tuple[str, Path]]  # Key and file of each
    catalogue: Catalogue | None = None  # The table that lists them
    left_out: tuple[Path, ...] = ()  # Files in searched folders whose names do not end as photographs' do

    @property
    def metadata(self) -> pd.DataFrame | None:
        """What their catalogue says of them, indexed by key."""
        return None if self.catalogue is None else metadata_of(self.catalogue)


def photographs(source: Source, images: Path | str | None = None) -> Photographs:
    """Find the image files of a source, whose names in a catalogue are relative to `images`.

    The key of a photograph is its file name in a catalogue, its path below a single folder, and the path itself
    otherwise. Raises HybridwingError if there are no photographs, or a catalogue comes without a folder of images.
    """
    if is_table(source):
        source = read_catalogue(source)
    if isinstance(source, Catalogue):
        return _of_catalogue(source, images)
    if isinstance(source, (str, Path)):
        place = Path(source)
        if place.is_dir() and images is None:
            found = find_images([place])
            items = [(key_of(path.relative_to(place)), path) for path in found.images]
            return Photographs(items, None, found.left_out)
        source = [place]
    if images is not None:
        raise EmbeddingError(f"a folder of images ({images}) goes with a table that lists them; name the table first")
    found = find_images([Path(place) for place in source])  # type: ignore[arg-type]  # no data frame any more
    return Photographs([(key_of(path), path) for path in found.images], None, found.left_out)


def embed(
    source: Source,
    images: Path | str | None = None,
    backbone: Backbone | str = "pattern",
    *,
    out: Path | str | None = None,
    compute: Compute = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> EmbeddingTable:
    """Turn photographs into embeddings.

    Parameters
    ----------
    source : Catalogue, path, data frame, or iterable of paths
        A catalogue, or the table of one; a folder of photographs; or several image files and folders.
    images : Path or str, optional
        Folder that a catalogue's file names are relative to.
    backbone : Backbone or str
        Default `pattern`, which needs no weights.
    out : Path or str, optional
        Parquet file to write as well. The work can be interrupted then, and goes on where it was.
    compute : Compute
        Where and how.
    progress : callable, optional
        Called with the number of images done and of all.

    Returns
    -------
    EmbeddingTable
        A row an image that could be embedded; the others are its failures, each with the reason.

    Raises
    ------
    HybridwingError
        If there are no photographs, none could be embedded, or the backbone cannot be loaded.

    Examples
    --------
    >>> collection = hw.simulate_collection("collection", specimens=200)  # doctest: +SKIP
    >>> embeddings = embed(hw.read_catalogue(collection.train), collection.images, "pattern")
    >>> embeddings.vectors.shape[1]
    862
    """
    from hybridwing.backbones.load import load

    found, loaded = photographs(source, images), load(backbone, compute)
    if out is None:
        return embed_photographs(found, loaded, compute, progress=progress)
    from hybridwing.embeddings.job import embed_to_file
    from hybridwing.embeddings.store import read_table

    embed_to_file(found.items, loaded, Path(out), compute=compute, metadata=found.metadata, progress=progress)
    return read_table(Path(out))


def embed_photographs(
    found: Photographs,
    loaded: LoadedBackbone,
    compute: Compute = DEFAULT,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> EmbeddingTable:
    """Embed photographs with a loaded backbone, and add the columns of their catalogue.

    Raises EmbeddingError if not one could be embedded.
    """
    table = embed_images(found.items, loaded, compute, progress=progress)
    return replace(table, metadata=aligned(found.metadata, table.uuids))


def key_of(path: Path) -> str:
    r"""A path as a photograph's key: ``/`` between its parts, and bytes that are no text as ``\xff``."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _of_catalogue(catalogue: Catalogue, images: Path | str | None) -> Photographs:
    if images is None:
        raise EmbeddingError(
            f"name the folder of the photographs that {catalogue.source} lists with {remedy('images=', '--images')}"
        )
    folder = Path(images)
    if not folder.is_dir():
        raise EmbeddingError(f"no folder of images at {folder}; name it with {remedy('images=', '--images')}")
    listed, files = ImageFolder(folder), zip(catalogue.uuids, catalogue.table["filename"], strict=True)
    items = [(str(uuid), listed.locate(str(name))) for uuid, name in files]
    if listed.respelled:
        logger.warning("%s: %s", folder, listed.remark())
    return Photographs(items, catalogue)
