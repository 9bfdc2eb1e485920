"""What is in a file: its checksums, and whether it is a whole image."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from hybridwing.errors import ImageError
from hybridwing.images.decode import read_rgb

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = 2**20
#: A JPEG is decoded at an eighth of its size to be checked: all its data are read, few of its pixels computed.
_CHECKED_SIDE = 64


class Checksums(NamedTuple):
    """Size in bytes, and checksums in lower-case hexadecimal. MD5 tells damage, not malice."""

    bytes: int
    md5: str
    sha256: str


def checksums(path: Path) -> Checksums:
    """Read a file once and compute its checksums."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            md5.update(piece)
            sha256.update(piece)
            size += len(piece)
    return Checksums(size, md5.hexdigest(), sha256.hexdigest())


def image_error(path: Path) -> ImageError | None:
    """Say why a file is not a whole image, or None."""
    try:
        read_rgb(path, short_side=_CHECKED_SIDE)
    except ImageError as error:
        return error
    return None
