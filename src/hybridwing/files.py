"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; the file gets its own name when all went well, and else is removed.

    Raises
    ------
    OSError
        If the file cannot be renamed.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        # With something else in the place of the folder there is nothing to remove, and no error that tells more.
        with suppress(OSError):
            partial.unlink(missing_ok=True)
