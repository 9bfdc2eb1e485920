"""Find the image files in folders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.errors import HybridwingError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Endings by which a file in a folder is taken for a photograph (a file named outright is always taken).
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2", ".ppm"}
)


@dataclass(frozen=True)
class FoundImages:
    """What a search came to.

    Attributes
    ----------
    images : tuple of Path
        Sorted within each folder, in the order of the places, each file once however it was named.
    left_out : tuple of Path
        Files in searched folders whose names do not end as photographs' do; hidden files not counted.
    """

    images: tuple[Path, ...]
    left_out: tuple[Path, ...]


def find_images(places: Iterable[Path]) -> FoundImages:
    """Image files among files and folders.

    Parameters
    ----------
    places : iterable of Path
        Files are taken as they are; folders are searched with all they hold, hidden files left out.

    Raises
    ------
    HybridwingError
        If a place does not exist or nothing was found.
    """
    places = list(places)
    images: dict[Path, Path] = {}
    left_out: dict[Path, Path] = {}
    for place in places:
        if place.is_file():
            images.setdefault(place.resolve(), place)
        elif place.is_dir():
            for path in sorted(p for p in place.rglob("*") if p.is_file() and not _hidden(p, place)):
                (images if path.suffix.lower() in SUFFIXES else left_out).setdefault(path.resolve(), path)
        else:
            raise HybridwingError(f"{place}: no such file or folder; name an image or a folder of images")
    if not images:
        raise HybridwingError(
            f"no images found in {', '.join(map(str, places)) or 'nothing'}; "
            f"looked for names ending in {', '.join(sorted(SUFFIXES))}"
        )
    # A file that was also named outright was looked at.
    return FoundImages(tuple(images.values()), tuple(p for real, p in left_out.items() if real not in images))


def _hidden(path: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(below).parts)
