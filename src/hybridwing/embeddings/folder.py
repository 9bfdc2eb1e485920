"""Photographs of a folder that no catalogue lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.images.find import find_images

if TYPE_CHECKING:
    from pathlib import Path


def items_in(folder: Path) -> tuple[list[tuple[str, Path]], tuple[Path, ...]]:
    """Key and file of every photograph in a folder, and the files that are none.

    Parameters
    ----------
    folder : Path
        Searched with all it holds. A photograph's key is its path below this folder, with ``/`` between its parts.

    Raises
    ------
    HybridwingError
        If there is no such folder, or no photograph in it.
    """
    found = find_images([folder])
    return [(key_of(path.relative_to(folder)), path) for path in found.images], found.left_out


def key_of(path: Path) -> str:
    r"""A path as a photograph's key: ``/`` between its parts, and bytes that are no text as ``\xff``."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
