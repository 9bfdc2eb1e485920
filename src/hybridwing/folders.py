"""Folders of results that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import fnmatch
import logging
import os
import platform
import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import RunError, WriteError, first_few

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: What file managers leave in every folder; nothing is lost with it.
_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")

_log = logging.getLogger(__name__)


def check_new_folder(out: Path, *, overwrite: bool = False, mark: str, contents: Sequence[str]) -> None:
    """Refuse a folder that `new_folder` would refuse, before long work; arguments and errors are the same."""
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
    partial = target.with_name(f".{target.name}.{platform.node()}-{os.getpid()}-{secrets.token_hex(4)}.partial")
    made: list[Path] = []
    try:
        _remove_abandoned(target)
        made += [parent for parent in partial.parents if not parent.exists()]
        partial.mkdir(parents=True)
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


def _told(error: OSError, partial: Path, out: Path) -> str:
    """The file by the name that it was to have, and the reason."""
    path = error.path if isinstance(error, WriteError) else Path(os.fsdecode(error.filename or out))
    if path.is_relative_to(partial):
        path = out / path.relative_to(partial)
    reason = error.reason if isinstance(error, WriteError) else error.strerror or error
    return f"{path}: {reason}"


def _remove_abandoned(target: Path) -> None:
    """Remove what killed processes of this machine left of a folder of this name."""
    import psutil

    ours = re.compile(rf"\.{re.escape(f'{target.name}.{platform.node()}')}-(\d+)-[0-9a-f]{{8}}\.(?:partial|former)")
    for folder in sorted(target.parent.iterdir()) if target.parent.is_dir() else ():
        found = ours.fullmatch(folder.name)
        if not found or folder.is_symlink() or not folder.is_dir() or psutil.pid_exists(int(found[1])):
            continue
        if folder.suffix == ".former" and not target.exists():
            _log.warning("%s is what was to be replaced by a run that was killed; rename it to keep it", folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            _log.warning("removed %s, which a run that was killed had left", folder)


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
