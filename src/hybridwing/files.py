"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hybridwing.errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_STEM = 40  # of the temporary name, so that a name of 255 bytes can be written too


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to.

    The file gets its own name when the block ends without an error, and is removed otherwise. An existing file is
    replaced in one step.

    Raises
    ------
    WriteError
        If the file cannot be written (also an `OSError`). It names `path`, and not the temporary file.
    """
    partial = path.with_name(f".{path.name[:_LONGEST_STEM]}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    try:
        yield partial
        partial.replace(path)
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(path, error) from error
    finally:
        # Where a file stands in the place of the folder there is nothing to remove.
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    with written_whole(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    r"""Write a text file, whole or not at all: UTF-8, line ends as they stand in the text.

    Bytes of a file name that are not UTF-8 are written as ``\udcXX``, so that every reader opens the file.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))
