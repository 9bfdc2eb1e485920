"""What a table says of an image besides its class: the columns that may give the class away."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import numpy.typing as npt
    import pandas as pd

    from hybridwing.catalogue.schema import Catalogue

UNKNOWN = "not known"
_PSEUDO_IMAGES = 1.0  # keeps a value of one image from having the rate 0 or 1

_OWN = ("specimen", "label", "subspecies", "parent_1", "parent_2", "record", "side")


def own_columns(catalogue: Catalogue, taken: Collection[str] = ()) -> pd.DataFrame:
    """What a table's owner wrote of each image, by the table's own names.

    Specimen, label, subspecies, parents, record and side where the table has them, as they were read; then its other
    columns as they are. Paths, addresses and digests of the photographs are left out. A column that is called as one of
    `taken` has `` (table)`` after its name.
    """
    official = {name: name for name in _OWN} | {"label": "hybrid_stat"}
    theirs = {c.ours: c.theirs for c in catalogue.reading.columns if c.taken} or official
    labels = catalogue.table["hybrid"].map({True: "hybrid", False: "non-hybrid"}).astype("string")
    frame = catalogue.table.assign(label=labels)[[name for name in _OWN if name in theirs]]
    frame = frame.loc[:, frame.notna().any()].rename(columns=theirs)
    frame = frame.join(catalogue.extra[[name for name in catalogue.extra if name not in frame]])
    return frame.rename(columns=lambda name: f"{name} (table)" if name in taken else name)


def source_names(catalogue: Catalogue) -> list[str]:
    """File name under which each image was published, length n.

    The last part of its address, or where it has none, of its file name: the challenge's tables rename the files, and
    differently in training and reference, so only the address can be compared between them.
    """
    pairs = zip(catalogue.table["file_url"].fillna(""), catalogue.table["filename"], strict=True)
    return [unquote(posixpath.basename(url.split("?")[0])) or posixpath.basename(name) for url, name in pairs]


def file_type_of(name: str) -> str:
    """Ending of a file name as it is spelled, without the dot: ``"JPG"`` and ``"jpg"`` are of different cameras."""
    return posixpath.splitext(name)[1].lstrip(".") or UNKNOWN


def pattern_of(name: str) -> str:
    """A name with every run of digits as ``#``: what the people and programs that named the files had in common.

    Examples
    --------
    >>> pattern_of("CAM017821_v_whitestandard.JPG"), pattern_of("19N1234")
    ('CAM#_v_whitestandard.JPG', '#N#')
    """
    return re.sub(r"\d+", "#", name)


def metadata_columns(catalogue: Catalogue) -> dict[str, list[str]]:
    """Each metadata column in words, with its value for every image, as text; `UNKNOWN` where the table does not say.

    Record, side, file type, pattern of the published file name, pattern of the specimen's number, and whether the file
    name says that a white standard is in the picture.
    """
    names = source_names(catalogue)
    return {
        "record": [str(record) if record else UNKNOWN for record in catalogue.records],
        "side": [str(side) if side else UNKNOWN for side in catalogue.table["side"].fillna("")],
        "file type": [file_type_of(name) for name in names],
        "file-name pattern": [pattern_of(name) for name in names],
        "specimen-number pattern": [pattern_of(str(specimen)) for specimen in catalogue.specimens],
        "white standard": ["yes" if "whitestandard" in name.lower() else "no" for name in names],
    }


def hybrid_rates(
    values: Iterable[object], hybrid: Iterable[object], asked: Iterable[object]
) -> npt.NDArray[np.float64]:
    """Hybrid rate of each value that is asked about, by labelled images, shrunk a little towards the overall rate.

    `values` and `hybrid` have an entry for each image: the value of a metadata column, and whether it is of a hybrid,
    None where it is unlabelled. A value that no labelled image has gets the overall rate.
    """
    known = [(value, label) for value, label in zip(values, hybrid, strict=True) if label is not None]
    images = Counter(value for value, _ in known)
    hybrids = Counter(value for value, label in known if label)
    overall = hybrids.total() / max(len(known), 1)
    return np.array([(hybrids[v] + _PSEUDO_IMAGES * overall) / (images[v] + _PSEUDO_IMAGES) for v in asked])
