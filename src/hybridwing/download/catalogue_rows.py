"""The rows of a catalogue whose photographs are there, as a catalogue of its own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hybridwing.catalogue.text_table import DATA_FRAME, read_text_table
from hybridwing.csv_files import write_rows
from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue

_log = logging.getLogger(__name__)


def write_catalogue_rows(catalogue: Catalogue, paths: Mapping[int, str], target: Path) -> Path | None:
    """Write the rows of a catalogue's file that have photographs, with every column as it stands there.

    `paths` gives, for each line of the file that is kept, the path of the photograph, which becomes the file name.
    Returns `target`, or None where nothing was written: without rows, if the catalogue's file has changed, or if it was
    a data frame. What was there is removed then.
    """
    target.unlink(missing_ok=True)
    if not paths:
        return None
    try:
        if catalogue.source == DATA_FRAME:
            raise CatalogueError("the catalogue is a data frame; read it from a file to have its rows written")
        text = read_text_table(catalogue.source, sheet=catalogue.reading.sheet)
        if text.sha256 != catalogue.sha256:
            raise CatalogueError(f"{catalogue.source} changed since it was read")
    except CatalogueError as error:
        _log.warning("catalogue.csv is not written: %s", error)
        return None
    named = (choice.theirs for choice in catalogue.reading.columns if choice.taken and choice.ours == "filename")
    column = text.header.index(next(named, "filename"))
    rows = (
        [*cells[:column], paths[line], *cells[column + 1 :]]
        for line, cells in zip(text.lines, text.cells, strict=True)
        if line in paths
    )
    write_rows(target, text.header, rows)
    return target
