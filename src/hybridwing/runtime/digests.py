"""Files held against the digests that a submission was built with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class ServingError(ValueError):
    """A submission's files cannot be read, or do not belong together."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in lower-case hexadecimal."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
