"""Arrays beside a JSON header in one ``.npz``: what a run keeps besides its detectors. Never a pickle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import RunError
from hybridwing.files import written_whole
from hybridwing.runtime.arrays import read_archive, write_archive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hybridwing.runtime.arrays import Arrays

FORMAT_VERSION = 1


def write_arrays(path: Path, kind: str, header: Mapping[str, object], arrays: Arrays) -> None:
    """Write arrays and what they are; the same content gives the same bytes.

    Parameters
    ----------
    path : Path
        The ``.npz`` file; an existing one is replaced in one step.
    kind : str
        What the arrays are of; reading asks for it.
    header : mapping
        JSON values.
    arrays : mapping of str to ndarray
        float32, float64 or int64.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    text = json.dumps({**header, "kind": kind, "format_version": FORMAT_VERSION}, sort_keys=True, allow_nan=False)
    with written_whole(path) as partial, partial.open("wb") as stream:
        write_archive(stream, text.encode("utf-8"), arrays)


def read_arrays(path: Path, kind: str) -> tuple[dict[str, object], Arrays]:
    """Read what `write_arrays` wrote.

    Parameters
    ----------
    path : Path
        Not trusted: nothing is unpickled, see `hybridwing.runtime.arrays.read_archive`.
    kind : str
        What the arrays must be of.

    Raises
    ------
    RunError
        If the file is damaged, of another kind, or made by a newer version.
    """
    try:
        content, arrays = read_archive(path)
        header = json.loads(content.decode("utf-8"))
        stated, version = header["kind"], header["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = f"its header has no {error}" if isinstance(error, KeyError) else error
        raise RunError(f"{path} cannot be read: {problem}; train again") from error
    if stated != kind or type(version) is not int:
        raise RunError(f"{path} holds {stated!r} and not {kind!r}; train again")
    if version > FORMAT_VERSION:
        raise RunError(f"{path} has format {version}, made by a newer hybridwing; upgrade this one")
    for name, array in arrays.items():
        if array.dtype not in (np.float32, np.float64, np.int64) or not np.isfinite(array).all():
            raise RunError(f"{path}: array {name!r} is no array of finite numbers; train again")
    return header, arrays  # type: ignore[return-value]  # held to the three dtypes above
