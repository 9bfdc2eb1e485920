"""Find the image files in folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.errors import HybridwingError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Endings by which a file in a folder is taken for a photograph (a file named outright is always taken).
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2", ".ppm"})


def find_images(places: Iterable[Path]) -> list[Path]:
    """Image files among files and folders.

    Parameters
    ----------
    places : iterable of Path
        Files are taken as they are; folders are searched with all they hold, hidden files left out.

    Returns
    -------
    list of Path
        Sorted within each folder, without duplicates, in the order of `places`.

    Raises
    ------
    HybridwingError
        If a place does not exist or nothing was found.
    """
    found: dict[Path, None] = {}
    for place in places:
        if place.is_file():
            found.setdefault(place)
        elif place.is_dir():
            inside = (p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            found.update(dict.fromkeys(sorted(p for p in inside if not _hidden(p, place))))
        else:
            raise HybridwingError(f"{place}: no such file or folder; name an image or a folder of images")
    if not found:
        raise HybridwingError(
            f"no images found in {', '.join(map(str, places)) or 'nothing'}; "
            f"looked for names ending in {', '.join(sorted(SUFFIXES))}"
        )
    return list(found)


def _hidden(path: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(below).parts)
