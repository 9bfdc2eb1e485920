"""Read what an untrusted program left behind: no link is followed, nothing is waited for, and everything is bounded."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_DIRECTORY", 0)
#: Entries and depth of a folder that are looked at.
_MOST_ENTRIES, _DEEPEST = 20_000, 50
#: Whether a file can be opened below an open folder: everywhere but on Windows.
_BELOW = os.open in os.supports_dir_fd


class LeftBehindError(SubmissionError):
    """A file that a program left is missing, no regular file, or larger than it may be."""


def read_file(folder: Path, name: str, most_bytes: int) -> bytes:
    """Read a file that a program left in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Its parents are trusted; itself and what is in it are not.
    name : str
        Of the file in it.
    most_bytes : int

    Raises
    ------
    LeftBehindError
        If it is missing, a link, a pipe, a device, a folder, or has more bytes.
    """
    try:
        with _opened(folder) as above:
            handle = os.open(name if _BELOW else folder / name, _FILE, dir_fd=above)
    except FileNotFoundError:
        raise LeftBehindError(f"there is no {name}") from None
    except (OSError, ValueError) as error:
        raise LeftBehindError(f"{name} is no file that can be read ({type(error).__name__})") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode) or (not _BELOW and (folder / name).is_symlink()):
            raise LeftBehindError(f"{name} is no regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(most_bytes + 1)
    finally:
        os.close(handle)
    if len(data) > most_bytes:
        raise LeftBehindError(f"{name} is larger than {most_bytes:,} bytes")
    return data


def read_lines(folder: Path, name: str, *, most_lines: int, longest_line: int) -> bytes:
    """Read a text file that a program left, if its lines are few and short enough.

    Returns
    -------
    bytes
        The whole file as it is.

    Raises
    ------
    LeftBehindError
        As :func:`read_file`, or if it has too many lines or too long a one; the line itself is not shown.
    """
    data = read_file(folder, name, most_lines * (longest_line + 1))
    count = data.count(b"\n") + (not data.endswith(b"\n"))
    if count > most_lines:
        raise LeftBehindError(f"{name} has {count:,} lines, and at most {most_lines:,} are read")
    for number, line in enumerate(data.split(b"\n"), start=1):
        if len(line) > longest_line:
            raise LeftBehindError(
                f"line {number:,} of {name} has {len(line):,} bytes: at most {longest_line:,} are read"
            )
    return data


def list_files(folder: Path) -> dict[str, tuple[int, int]]:
    """Sizes in bytes and times of change of what lies below a folder, by name; at most 20,000 entries, 50 folders deep.

    A folder that is a link by now, or cannot be opened, has no files.
    """
    found: dict[str, tuple[int, int]] = {}
    _list_into(found, folder, "", None, _DEEPEST)
    return found


def _list_into(found: dict[str, tuple[int, int]], folder: Path, within: str, above: int | None, depth: int) -> None:
    try:
        with _opened(folder, above) as handle, os.scandir(handle if _BELOW else folder) as entries:
            for entry in entries:
                if len(found) >= _MOST_ENTRIES:
                    return
                state = entry.stat(follow_symlinks=False)
                # A name may hold bytes that are no text.
                name = within + os.fsencode(entry.name).decode(errors="backslashreplace")
                if not stat.S_ISDIR(state.st_mode):
                    found[name] = (state.st_size, state.st_mtime_ns)
                elif depth:
                    inner = Path(entry.name) if _BELOW else folder / entry.name
                    _list_into(found, inner, f"{name}/", handle, depth - 1)
    except OSError:
        return


@contextmanager
def _opened(folder: Path, above: int | None = None) -> Iterator[int | None]:
    """A folder as a file descriptor, below which nothing can be exchanged for a link; None on Windows."""
    if not _BELOW:
        yield None
        return
    handle = os.open(folder, _FOLDER, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A new folder, with its links resolved, that is removed at the end whatever was left in it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    try:
        yield folder
    finally:
        with suppress(OSError):  # what cannot be removed must not take the result away
            remove_folder(folder)


def remove_folder(folder: Path) -> None:
    """Remove a folder that a program wrote in, however deep its folders and whatever their permissions; follow no link.

    Folders within folders are first moved up beside each other: a path of 3,000 of them is too long to name.
    """
    if not _BELOW:
        shutil.rmtree(folder, ignore_errors=True)
        return
    top = os.open(folder, _FOLDER)
    try:
        waiting = [""]
        number = 0
        for name in waiting:  # grows while it is walked
            if name:
                os.chmod(name, stat.S_IRWXU, dir_fd=top)
            handle = os.open(name or ".", _FOLDER, dir_fd=top)
            try:
                for entry in list(os.scandir(handle)):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.name, dir_fd=handle)
                        continue
                    os.chmod(entry.name, stat.S_IRWXU, dir_fd=handle)
                    number += 1
                    waiting.append(f"{number}-{os.urandom(8).hex()}")
                    os.rename(entry.name, waiting[-1], src_dir_fd=handle, dst_dir_fd=top)
            finally:
                os.close(handle)
        for name in waiting[1:]:
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    folder.rmdir()
