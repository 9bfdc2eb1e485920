"""What a table says of an image besides its class: the columns that may give the class away."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from hybridwing.catalogue.schema import Catalogue

UNKNOWN = "not known"
_WHITE_STANDARD = "whitestandard"


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
    """Each metadata column in words, with its value for every image, as text.

    Parameters
    ----------
    catalogue : Catalogue

    Returns
    -------
    dict of str to list of n str
        Record, side, file type, pattern of the published file name, pattern of the specimen's number, and whether the
        file name says that a white standard is in the picture. `UNKNOWN` where the table does not say.
    """
    names = source_names(catalogue)
    return {
        "record": [str(record) if record else UNKNOWN for record in catalogue.records],
        "side": [str(side) if side else UNKNOWN for side in catalogue.table["side"].fillna("")],
        "file type": [file_type_of(name) for name in names],
        "file-name pattern": [pattern_of(name) for name in names],
        "specimen-number pattern": [pattern_of(str(specimen)) for specimen in catalogue.specimens],
        "white standard": ["yes" if _WHITE_STANDARD in name.lower() else "no" for name in names],
    }
