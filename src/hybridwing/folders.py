"""Folders of results that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import fnmatch
import logging
import os
import re
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import RunError, WriteError, first_few

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: What file managers leave in every folder; nothing is lost with it.
_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")

#: Seconds that a process may take from making a folder to locking it.
_TO_LOCK = 1.0

_log = logging.getLogger(__name__)


def check_new_folder(out: Path, *, overwrite: bool = False, mark: str, contents: Sequence[str]) -> None:
    """Refuse a folder that :func:`new_folder` would refuse, for those who want to know before a long work.

    Parameters
    ----------
    out, overwrite, mark, contents
        See :func:`new_folder`.

    Raises
    ------
    RunError
        If `out` exists and may not be replaced.
    """
    try:
        if not out.exists():
            return
        found = sorted(p.name for p in out.iterdir()) if out.is_dir() else None
        holds_cwd = Path.cwd().is_relative_to(out.resolve())
    except OSError as error:
        raise RunError(f"cannot write {out}: {error.strerror or error}") from error
    if holds_cwd:
        raise RunError(f"{out} is the folder you are in, or one above it; give the new folder a name of its own")
    if found is not None and not found:
        return
    if not overwrite:
        raise RunError(f"{out} exists already; choose another name or say --overwrite")
    if found is None or mark not in found:
        raise RunError(f"{out} holds no {mark}, so it is not replaced; choose another name")
    foreign = [name for name in found if not any(fnmatch.fnmatchcase(name, own) for own in (*contents, *_LITTER))]
    if foreign:
        raise RunError(f"{out} also holds {first_few(foreign)}, so it is not replaced; choose another name")


@contextlib.contextmanager
def new_folder(out: Path, *, overwrite: bool = False, mark: str, contents: Sequence[str]) -> Iterator[Path]:
    """Fill a folder under a temporary name and give it its own when all went well; otherwise leave nothing behind.

    What killed processes left of a folder of the same name is removed first, with a warning in the log.

    Parameters
    ----------
    out : Path
        Final name; it may exist if it is empty.
    overwrite : bool
        Replace what stands there, and only once the new one is whole.
    mark : str
        File by which a folder is known to be of the kind that may be replaced; anything else is left alone.
    contents : sequence of str
        Names, with wildcards, of all that such a folder holds; one that holds more is left alone too.

    Raises
    ------
    RunError
        If `out` exists and may not be replaced, or cannot be written. It names the file that cannot be.
    """
    check_new_folder(out, overwrite=overwrite, mark=mark, contents=contents)
    target = out.resolve()
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    made: list[Path] = []
    lock = None
    try:
        _remove_abandoned(target)
        made += [parent for parent in partial.parents if not parent.exists()]
        partial.mkdir(parents=True)
        lock = _lock(partial)
        yield partial
        _put_in_place(partial, target)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        if isinstance(error, OSError):
            raise RunError(f"cannot write {_told(error, partial, out)}") from error
        raise
    finally:
        if lock is not None:
            os.close(lock)


def _told(error: OSError, partial: Path, out: Path) -> str:
    """The file by the name that it was to have, and the reason."""
    path = error.path if isinstance(error, WriteError) else Path(os.fsdecode(error.filename or out))
    if path.is_relative_to(partial):
        path = out / path.relative_to(partial)
    reason = error.reason if isinstance(error, WriteError) else error.strerror or error
    return f"{path}: {reason}"


def _lock(folder: Path) -> int | None:
    """Lock a folder as one that a living process fills.

    Returns
    -------
    int or None
        A descriptor that holds the lock until it is closed or this process dies. None if another process holds the
        lock, or this system or disk has none; then nothing is taken for abandoned.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_abandoned(target: Path) -> None:
    """Remove what killed processes left of a folder of this name: the temporary folders that nobody has locked."""
    name = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.(partial|former)")
    if not target.parent.is_dir():
        return
    for folder in sorted(path for path in target.parent.iterdir() if name.fullmatch(path.name)):
        if folder.is_symlink() or not folder.is_dir() or _is_new(folder):
            continue
        if folder.suffix == ".former" and not target.exists():
            _log.warning("%s is what was to be replaced by a run that was killed; rename it to keep it", folder)
        elif (descriptor := _lock(folder)) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)
            _log.warning("removed %s, which a run that was killed had left", folder)


def _is_new(folder: Path) -> bool:
    """Whether another process may just have made it and not locked it yet."""
    return not any(folder.iterdir()) and time.time() - folder.stat().st_mtime < _TO_LOCK


def _put_in_place(partial: Path, target: Path) -> None:
    """Rename; what stood there is removed last, so that there is no moment at which a failure loses both."""
    if not target.exists():
        partial.rename(target)
        return
    former = partial.with_suffix(".former")
    target.rename(former)
    try:
        partial.rename(target)
    except BaseException:
        former.rename(target)
        raise
    shutil.rmtree(former, ignore_errors=True)
