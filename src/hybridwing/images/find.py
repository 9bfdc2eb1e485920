"""Find the image files in folders."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.catalogue.text_table import is_table
from hybridwing.errors import HybridwingError, first_few
from hybridwing.images.kinds import is_raw_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Endings by which a file in a folder is taken for a photograph (a file named outright is always taken).
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2", ".ppm"}
)


@dataclass(frozen=True)
class FoundImages:
    """What a search came to."""

    # Sorted within each folder, in the order of the places, each file once however it was named. In searched folders
    # whatever has a photograph's name and is no folder is among them, even a link that leads nowhere or a pipe: reading
    # it tells what is wrong with it.
    images: tuple[Path, ...]
    # What else lies in searched folders: its name does not end as photographs' do; hidden files not counted
    left_out: tuple[Path, ...]


def find_images(places: Iterable[Path]) -> FoundImages:
    """Image files among files and folders.

    Files are taken as they are; folders are searched with all they hold, linked folders too, hidden ones left out.
    Raises HybridwingError if a place does not exist or is a table, a folder cannot be read, or nothing was found.
    """
    places = list(places)
    images: dict[Path, Path] = {}
    left_out: dict[Path, Path] = {}
    unreadable: list[OSError] = []
    for place in places:
        if place.is_file():
            if is_table(place) or place.suffix.lower() == ".parquet":
                raise HybridwingError(
                    f"{place} is a table and not a photograph; give it alone, or name the folder of the photographs"
                )
            images.setdefault(_identity(place), place)
        elif place.is_dir():
            new: dict[Path, Path] = {}
            for path in files_below(place, unreadable):
                (new if path.suffix.lower() in SUFFIXES else left_out).setdefault(_identity(path), path)
            for identity, path in sorted(new.items(), key=lambda item: item[1]):
                images.setdefault(identity, path)
        else:
            raise HybridwingError(f"{place}: no such file or folder; name an image or a folder of images")
    if unreadable:
        # Going on without would pass for a whole collection.
        told = first_few([f"{error.filename} ({error.strerror})" for error in unreadable])
        raise HybridwingError(
            f"folders that cannot be read: {told}; make them readable, or name the folders beside them instead"
        )
    if not images:
        raw = sum(is_raw_name(path.name) for path in left_out.values())
        raise HybridwingError(
            f"no images found in {', '.join(map(str, places)) or 'nothing'}; "
            f"looked for names ending in {', '.join(sorted(SUFFIXES))}"
            + (f"; of {raw} camera raw files there, export JPEGs or TIFFs" if raw else "")
        )
    # A file that was also named outright was looked at.
    return FoundImages(tuple(images.values()), tuple(p for real, p in left_out.items() if real not in images))


def files_below(top: Path, unreadable: list[OSError]) -> Iterator[Path]:
    """All files that are not hidden. Linked folders come after the others, and no folder is searched twice.

    A file that can also be reached through a link so keeps its name in the folder itself, and a link to a folder above
    does not lead round in a circle.
    """
    waiting, searched = [top], set()
    while waiting:
        for name, folders, files in os.walk(waiting.pop(0), onerror=unreadable.append):
            folder, real = Path(name), os.path.realpath(name)
            if real in searched:
                folders.clear()
                continue
            searched.add(real)
            folders[:] = sorted(below for below in folders if not below.startswith("."))
            # The walk does not follow links itself.
            waiting.extend(folder / below for below in folders if (folder / below).is_symlink())
            yield from (folder / file for file in sorted(files) if not file.startswith("."))


def _identity(path: Path) -> Path:
    """The path that all names of one file lead to; a link that leads nowhere stays itself."""
    real = Path(os.path.realpath(path))  # which, other than Path.resolve, comes back from links that turn in a circle
    try:
        return real if real.exists() else path.parent.resolve() / path.name
    except OSError:  # in a folder that may be listed and no more
        return real
