"""From a catalogue to the files wanted: which rows, which addresses, which places."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import urlsplit

import numpy as np

from hybridwing.catalogue.cells import path_problem
from hybridwing.catalogue.strata import sample_fraction
from hybridwing.download.errors import DownloadError, RefusedError
from hybridwing.download.folder import RESERVED
from hybridwing.download.urls import on_base, plain_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from hybridwing.catalogue.schema import Catalogue

By = Literal["hybrid_stat", "subspecies", "record", "group", "side", "split"]

CHALLENGE_LICENCE = "CC-BY-4.0"
"""Licence of the challenge's Zenodo records, as the pages of Imageomics/HDR-anomaly-challenge state it."""

#: Windows takes none of these in a name, and what follows a colon for a stream hidden in the file before it.
_NOT_IN_FILE_NAMES = frozenset('<>:"|?*') if os.name == "nt" else frozenset()
_NOT_IN_FOLDER_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')


@dataclass(frozen=True)
class Wanted:
    """One file to fetch."""

    path: str  # POSIX path in the folder
    row: int  # Line of the catalogue's file
    source: str  # Where the catalogue says it is; what the manifest records. Empty if it does not say
    address: str  # Where it is asked for: `source`, or its place on a mirror
    md5: str  # Empty if unknown
    licence: str  # Empty if unknown
    problem: str = ""  # Why it cannot be asked for at all; mostly empty


@dataclass(frozen=True)
class Sample:
    """Which photographs of a catalogue to fetch.

    The same share of every class (subspecies or cross) is drawn, as the challenge sample's notebook draws it.

    Parameters
    ----------
    fraction : float in (0, 1], optional
        This share of every class, at least one image of each.
    limit : int, at least 1, optional
        This number of images; fewer than there are classes if need be.
    seed : int, at least 0
        The same seed draws the same.

    Raises
    ------
    DownloadError
        If both are given, or one is out of range.

    Examples
    --------
    >>> Sample(fraction=0.15)
    Sample(fraction=0.15, limit=None, seed=42)
    """

    fraction: float | None = None
    limit: int | None = None
    seed: int = 42

    def __post_init__(self) -> None:
        if self.fraction is not None and self.limit is not None:
            raise DownloadError("Give a fraction or a limit, not both (--fraction or --limit).")
        if self.limit is not None and self.limit < 1:
            raise DownloadError(f"The number of images to fetch (--limit) must be at least 1; got {self.limit}.")
        if self.seed < 0:
            raise DownloadError(f"The seed (--seed) must not be negative; got {self.seed}.")

    def rows(self, catalogue: Catalogue) -> npt.NDArray[np.intp]:
        """Positions of the rows to fetch, ascending."""
        if self.fraction is not None:
            return sample_fraction(catalogue, self.fraction, seed=self.seed)
        if self.limit is None or self.limit >= len(catalogue):
            return np.arange(len(catalogue), dtype=np.intp)
        rows = sample_fraction(catalogue, self.limit / len(catalogue), seed=self.seed)
        return np.sort(np.random.default_rng(self.seed).permutation(rows)[: self.limit])


def plan(catalogue: Catalogue, *, by: str | None, base: str | None) -> list[Wanted]:
    """Files of a catalogue, one a row.

    Values of the column `by` become sub-folders, and `base` is the address of a mirror, from
    `hybridwing.download.urls.checked_base`. Raises DownloadError if `by` is no column for sub-folders.
    """
    table = catalogue.table
    columns = (table[name].fillna("") for name in ("filename", "file_url", "md5"))
    files = []
    for folder, row, filename, url, md5 in zip(_folders(catalogue, by), table["row"], *columns, strict=True):
        path = f"{folder}/{filename}" if folder else str(filename)
        source = address = ""
        try:
            source = plain_address(str(url)) if url else ""
            problem = _name_problem(path) if source or base else "the catalogue has no address for it"
            address = source if base is None else on_base(base, source, str(filename))
        except RefusedError as error:
            problem = error.reason
        known = catalogue.form != "custom" and urlsplit(source or address).hostname == "zenodo.org"
        terms = CHALLENGE_LICENCE if known else ""
        files.append(Wanted(path, int(row), source or address, address, str(md5), terms, problem))
    return _without_clashes(files)


def _name_problem(path: str) -> str:
    if problem := path_problem(path):
        return f"its name {problem}"
    if _NOT_IN_FILE_NAMES & set(path):
        return "its name holds a character that this system does not allow"
    if path.split("/")[0].casefold() in RESERVED:
        return f"its name is kept for the download's own files ({path.split('/')[0]})"
    return ""


def _without_clashes(files: Sequence[Wanted]) -> list[Wanted]:
    """Mark files whose names would clash on a disk that ignores case or normalises accents."""
    owners: dict[str, str] = {}
    folders: dict[str, str] = {}
    checked = []
    for wanted in files:
        key = unicodedata.normalize("NFC", wanted.path).casefold()
        above = [str(parent) for parent in PurePosixPath(key).parents][:-1]
        other = owners.get(key) or folders.get(key) or next((owners[place] for place in above if place in owners), "")
        if wanted.problem:
            checked.append(wanted)
        elif other:
            reason = f"its name clashes with {other} (case and folders counted); rename one, or fetch into sub-folders"
            checked.append(replace(wanted, problem=reason))
        else:
            owners[key] = wanted.path
            folders.update((place, wanted.path) for place in above)
            checked.append(wanted)
    return checked


def _folders(catalogue: Catalogue, by: str | None) -> list[str]:
    """Sub-folder of each row; empty for none."""
    if by is None:
        return [""] * len(catalogue)
    if by not in get_args(By):
        raise DownloadError(f"Unknown column for sub-folders {by!r} (by, --by); use one of {', '.join(get_args(By))}.")
    if by == "subspecies":
        values = [str(value) for value in catalogue.classes]
    elif by == "hybrid_stat":
        known = catalogue.table["hybrid"].map({True: "hybrid", False: "non-hybrid"})
        values = known.astype("string").fillna("unlabelled").tolist()
    else:
        values = catalogue.table[by].fillna("").tolist()
    return [folder_name(value) for value in values]


def folder_name(value: str) -> str:
    """Name of the sub-folder for a value: one part of a path, whatever the value.

    Examples
    --------
    >>> folder_name("notabilis x lativitta"), folder_name("../../etc"), folder_name("")
    ('notabilis x lativitta', '_.._etc', 'unknown')
    """
    name = _NOT_IN_FOLDER_NAMES.sub("_", value).strip(" .")
    return name[:100].rstrip(" .") or "unknown"
