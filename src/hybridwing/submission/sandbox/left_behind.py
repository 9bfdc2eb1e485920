"""Read what an untrusted program left behind. No link is followed, no pipe is waited for, and every size is bounded."""

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


class LeftBehindError(SubmissionError):
    """A file that a program left is missing, no regular file, or larger than it may be."""


def read_file(folder: Path, name: str, most_bytes: int) -> bytes:
    """Read a file that a program left in a folder, after its end.

    The program could write to the folder, and cannot have exchanged the folder itself, which is a mount in bubblewrap.
    Raises LeftBehindError if the file is missing, a link, a pipe, a device, a folder, or has more than `most_bytes`.
    """
    try:
        handle = os.open(folder / name, _FILE)
    except FileNotFoundError:
        raise LeftBehindError(f"there is no {name}") from None
    except (OSError, ValueError) as error:
        raise LeftBehindError(f"{name} is no file that can be read ({type(error).__name__})") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode) or (folder / name).is_symlink():
            raise LeftBehindError(f"{name} is no regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(most_bytes + 1)
    finally:
        os.close(handle)
    if len(data) > most_bytes:
        raise LeftBehindError(f"{name} is larger than {most_bytes:,} bytes")
    return data


def read_lines(folder: Path, name: str, *, most_lines: int, longest_line: int) -> bytes:
    """Read a text file that a program left, whole and as it is, if its lines are few and short enough.

    Raises LeftBehindError as `read_file`, or if it has too many lines or too long a one; the line itself is not
    shown.
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


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Make a folder, with its links resolved, and remove it at the end with all that was left in it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    try:
        yield folder
    finally:
        with suppress(OSError):  # what cannot be removed must not take the result away
            remove_folder(folder)


def remove_folder(folder: Path) -> None:
    """Remove a folder of any depth and with any permissions that a program wrote in. No link is followed.

    Folders within folders are first moved up beside each other: a path of 3,000 of them is too long to name.
    """
    if os.name == "nt":
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
