"""SHA-256 of files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in lower-case hexadecimal."""
    total = hashlib.sha256()
    feed_file(path, total.update)
    return total.hexdigest()


def feed_file(path: Path, update: Callable[[bytes], object]) -> None:
    """Hand over a file piece by piece, e.g. to a hash: weights may be larger than the memory."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            update(block)
