"""Small copies of photographs, as WebP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.app.project import THUMBNAILS
from hybridwing.errors import ImageError
from hybridwing.files import written_whole
from hybridwing.images.decode import read_rgb

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SIDES = {"small": 320, "large": 1600}
"""Longest side in pixels: for the grid, and to look at one specimen."""


def thumbnail_path(project: Path, number: int, size: str) -> Path:
    """Where the copy of a specimen's photograph lies; `size` is one of `SIDES`."""
    return project / THUMBNAILS / f"{number}-{size}.webp"


def make_thumbnails(project: Path, photographs: Iterable[tuple[int, Path]]) -> None:
    """Make the copies that are missing; a photograph that cannot be read gets none."""
    for number, path in photographs:
        wanted = [size for size in SIDES if not thumbnail_path(project, number, size).exists()]
        if not wanted:
            continue
        try:
            picture = read_rgb(path, short_side=SIDES["large"])
        except ImageError:
            continue
        for size in sorted(wanted, key=lambda one: -SIDES[one]):
            picture.thumbnail((SIDES[size], SIDES[size]))
            with written_whole(thumbnail_path(project, number, size)) as partial:
                picture.save(partial, "WEBP", quality=80)
