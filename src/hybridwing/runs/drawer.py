"""The photographs that a run is asked about, embedded, with what a table says of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.catalogue.schema import Catalogue
from hybridwing.catalogue.text_table import is_table
from hybridwing.embeddings.embed import embed_photographs, photographs
from hybridwing.embeddings.foreign import read_embeddings
from hybridwing.embeddings.selection import as_embeddings, require_same_backbone, select
from hybridwing.embeddings.table import EmbeddingTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hybridwing.backbones.compute import Compute
    from hybridwing.embeddings.embed import Source
    from hybridwing.runs.saved_run import SavedRun

_EMBEDDINGS = (".parquet", ".json")


@dataclass(frozen=True, eq=False)
class Drawer:
    """Photographs with their embeddings."""

    embeddings: EmbeddingTable  # Its failures are the photographs that could not be embedded
    paths: Mapping[str, Path]  # Of each key
    left_out: tuple[Path, ...] = ()  # Files in searched folders whose names do not end as photographs' do
    catalogue: Catalogue | None = None  # The table that lists them

    @property
    def embedded(self) -> Catalogue | None:
        """What the table says of the photographs that have an embedding, in their order."""
        return self._listed(self.embeddings.uuids)

    def rows(self, order: Sequence[str]) -> Catalogue | None:
        """What the table says of photographs, and after them of those that could not be embedded."""
        return self._listed([*order, *(failure.uuid for failure in self.embeddings.failures)])

    def _listed(self, uuids: Sequence[str]) -> Catalogue | None:
        if self.catalogue is None:
            return None
        place = {str(uuid): row for row, uuid in enumerate(self.catalogue.uuids)}
        return self.catalogue.select([place[uuid] for uuid in uuids])


def look_into(
    run: SavedRun,
    source: Source | EmbeddingTable,
    images: Path | str | EmbeddingTable | None,
    compute: Compute,
    progress: Callable[[int, int], None] | None,
) -> Drawer:
    """Embed photographs by a run's backbone, or take the embeddings that are given.

    The arguments are those of `hybridwing.runs.predict.predict`. Raises HybridwingError if there are no
    photographs, none could be embedded, or embeddings are of another backbone.
    """
    if isinstance(source, (str, Path)) and Path(source).suffix.lower() in _EMBEDDINGS:
        source = read_embeddings(source)
    if is_table(source):
        source = read_catalogue(source)
    if isinstance(images, (str, Path)) and Path(images).suffix.lower() in _EMBEDDINGS:
        images = as_embeddings(images)
    catalogue = source if isinstance(source, Catalogue) else None
    given = images if isinstance(images, EmbeddingTable) else source
    if isinstance(given, EmbeddingTable):
        require_same_backbone(given.backbone, run.manifest.backbone, f"the run {run.folder}")
        table = given if catalogue is None else select(given, catalogue)
        return Drawer(table, {uuid: Path(uuid) for uuid in table.uuids}, (), catalogue)
    loaded = run.load_backbone(compute=compute)
    found = photographs([source] if isinstance(source, (str, Path)) else source, images)  # type: ignore[arg-type]
    table = embed_photographs(found, loaded, compute, progress=progress)
    return Drawer(table, dict(found.items), found.left_out, found.catalogue)
