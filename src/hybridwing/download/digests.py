"""Checksums of a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = 2**20


@dataclass(frozen=True)
class Digests:
    """Checksums of a file.

    Attributes
    ----------
    bytes : int
    md5, sha256 : str
        Lower-case hexadecimal. MD5 is what the challenge's tables give; it tells damage, not malice.
    """

    bytes: int
    md5: str
    sha256: str


def digests_of(path: Path) -> Digests:
    """Read a file once and say what is in it.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            md5.update(piece)
            sha256.update(piece)
            size += len(piece)
    return Digests(size, md5.hexdigest(), sha256.hexdigest())
