"""Cut a picture of a drawer or a plate into its specimens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.csv_files import write_rows
from hybridwing.errors import HybridwingError
from hybridwing.folders import new_folder
from hybridwing.images.decode import DEFAULT_OPTIONS, read_rgb
from hybridwing.runtime.specimen import find_specimens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from PIL import Image

    from hybridwing.images.decode import ReadOptions
    from hybridwing.runtime.specimen import Box

TABLE = "specimens.csv"
COLUMNS = ("filename", "source", "row", "column", "left", "top", "right", "bottom", "on_edge")
#: Free rim around a specimen, as a share of its longer side.
_MARGIN = 0.06
#: Long side of the copy in which specimens are looked for, in pixels.
_SEARCHED = 1024


@dataclass(frozen=True)
class Place:
    """Where a specimen lies in a picture of several."""

    # Its place in reading order, from 1: rows from above, and in each row from the left
    row: int
    column: int
    # The box around it in pixels of the upright picture; `right` and `bottom` lie outside
    left: int
    top: int
    right: int
    bottom: int
    on_edge: bool  # Whether it lies on the picture's edge, so that a part of it may be missing


@dataclass(frozen=True)
class CutDrawer:
    """What a picture was cut into."""

    source: Path
    places: tuple[Place, ...]  # In reading order
    files: tuple[str, ...]  # Names of the pictures that were written, one a place


def places_of(image: Image.Image) -> tuple[Place, ...]:
    """Find the specimens in an RGB picture, in reading order; rulers, labels and colour cards are none.

    A specimen has its wings on the body: wings laid apart are not put together.
    """
    scale = max(1.0, max(image.size) / _SEARCHED)
    size = (max(1, round(image.width / scale)), max(1, round(image.height / scale)))
    small = image.resize(size, reducing_gap=3.0) if scale > 1 else image
    found = find_specimens(np.asarray(small, dtype=np.float32) / np.float32(255.0))
    factors = (image.height / size[1], image.width / size[0])
    places = []
    for row, boxes in enumerate(_rows(found), start=1):
        for column, box in enumerate(boxes, start=1):
            top, bottom = (round(factors[0] * edge) for edge in (box.top, box.bottom))
            left, right = (round(factors[1] * edge) for edge in (box.left, box.right))
            places.append(Place(row, column, left, top, right, bottom, box.on_edge))
    return tuple(places)


def _rows(boxes: Sequence[Box]) -> list[list[Box]]:
    """Boxes in reading order: one that lies more than half a height below the row's first begins a new row."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda one: one.top + one.bottom):
        middle = (box.top + box.bottom) / 2
        if rows:
            first = rows[-1][0]
            if middle - (first.top + first.bottom) / 2 <= 0.5 * (first.bottom - first.top):
                rows[-1].append(box)
                continue
        rows.append([box])
    return [sorted(row, key=lambda one: one.left) for row in rows]


def cut_drawers(
    pictures: Sequence[Path],
    out: Path,
    *,
    options: ReadOptions = DEFAULT_OPTIONS,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[CutDrawer, ...]:
    """Write one picture a specimen, as PNG, and a table of where each lay.

    `out` is a new folder, or with `overwrite` one that this wrote before. Its ``specimens.csv`` has the columns
    `filename`, `source`, `row`, `column`, `left`, `top`, `right`, `bottom` and `on_edge`, see `Place`; the box
    is the specimen's own, the picture has a rim around it. One picture is held in memory at a time; `progress` is
    called with the number of pictures done and of all.

    Raises HybridwingError if a picture cannot be read or shows no specimen, or the folder cannot be written.
    """
    cut: list[CutDrawer] = []
    used: set[str] = set()
    with new_folder(out, overwrite=overwrite, mark=TABLE, contents=[TABLE, "*.png"]) as folder:
        for done, path in enumerate(pictures, start=1):
            image = read_rgb(path, 0, options=options)
            places = places_of(image)
            if not places:
                raise HybridwingError(f"{path}: no specimen was found in it; its background must be plain")
            stem = _unused(path.stem, used)
            files = tuple(f"{stem}_r{place.row}c{place.column}.png" for place in places)
            for place, name in zip(places, files, strict=True):
                image.crop(_with_rim(place, image.size)).save(folder / name, compress_level=1)
            cut.append(CutDrawer(path, places, files))
            if progress is not None:
                progress(done, len(pictures))
        write_rows(
            folder / TABLE,
            COLUMNS,
            [
                (name, str(one.source), p.row, p.column, p.left, p.top, p.right, p.bottom, p.on_edge)
                for one in cut
                for p, name in zip(one.places, one.files, strict=True)
            ],
        )
    return tuple(cut)


def _unused(stem: str, used: set[str]) -> str:
    """A name that no picture of another folder has taken, also where case does not count."""
    name, number = stem, 2
    while name.casefold() in used:
        name, number = f"{stem}-{number}", number + 1
    used.add(name.casefold())
    return name


def _with_rim(place: Place, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box with a rim, as far as the picture reaches."""
    rim = round(_MARGIN * max(place.right - place.left, place.bottom - place.top))
    return (
        max(0, place.left - rim),
        max(0, place.top - rim),
        min(size[0], place.right + rim),
        min(size[1], place.bottom + rim),
    )
