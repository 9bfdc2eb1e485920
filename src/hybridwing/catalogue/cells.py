"""What the text of a cell means: labels, paths, codes, sides and records."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Collection

SPREADSHEET_ERRORS = (
    "#n/a", "#value!", "#ref!", "#div/0!", "#name?", "#null!", "#num!", "#spill!", "#calc!", "#getting_data", "#field!",
    "#blocked!", "#connect!", "#busy!", "#unknown!", "#error!",
)  # fmt: skip
"""What Excel, LibreOffice and Google Sheets show in a cell whose formula failed, in lower case."""

EMPTY = frozenset(
    {"", "na", "n/a", "n.a.", "na?", "nan", "null", "none", "<na>", "-", "--", "–", "—", "\u2212", *SPREADSHEET_ERRORS}
)
"""What people, spreadsheets and pandas write into an empty cell, in lower case. A formula that failed gave no value."""

_SPREADSHEET_ERROR = re.compile(
    rf"(?<!\w)(?:{'|'.join(map(re.escape, SPREADSHEET_ERRORS))})(?!\w)|(?<!\w)err:5\d\d(?!\w)", re.IGNORECASE
)

HYBRID = frozenset({"hybrid", "1", "1.0", "true", "yes", "y"})
NON_HYBRID = frozenset({"non-hybrid", "0", "0.0", "false", "no", "n"})
"""Labels understood without being told, in lower case."""

UNSURE = frozenset({"maybe", "unsure", "uncertain", "unknown", "possible", "possibly", "probable", "probably"})
"""What people write for a label that they do not know, in lower case. A label that ends in ``?`` says so too."""

SIDES = frozenset({"d", "v", "dorsal", "ventral"})
"""Sides of a specimen, in lower case."""

_CODE = re.compile(r"(\d+)\.0*")
_RECORD = re.compile(r"zenodo\.org/records?/(\d+)")
_SIDE_ENDING = re.compile(r"(?<=.)(?:_[dv]|[_\s-](?:dorsal|ventral))?(?:_whitestandard)?$", re.IGNORECASE)
_SIDE = re.compile(r"(?:^|[_\s-])(d|v|dorsal|ventral)(?=[_\s.-]|$)", re.IGNORECASE)


def hybrid_of(label: str, hybrid_values: Collection[str] = (), non_hybrid_values: Collection[str] = ()) -> bool | None:
    """Whether a label means hybrid; None if it is empty or not understood.

    `hybrid_values` and `non_hybrid_values` are labels that mean hybrid and non-hybrid besides the usual ones, in
    capitals or not. They take precedence over the usual meaning of a label.
    """
    folded = label.casefold()
    if not folded:
        return None
    for hybrids, others in ((hybrid_values, non_hybrid_values), (HYBRID, NON_HYBRID)):
        if folded in folded_labels(hybrids):
            return True
        if folded in folded_labels(others):
            return False
    return None


def is_unsure(label: str) -> bool:
    """Whether a label says that it is not known.

    Examples
    --------
    >>> is_unsure("Maybe"), is_unsure("hybrid?"), is_unsure("hybrid")
    (True, True, False)
    """
    return label.endswith("?") or label.casefold() in UNSURE


def folded_labels(values: Collection[str]) -> frozenset[str]:
    """Labels as they are compared: without blanks around them and without regard to case."""
    return frozenset(value.strip().casefold() for value in values)


def spreadsheet_error(cell: str) -> str:
    """The error of a spreadsheet that a cell holds among other text; empty if there is none.

    Examples
    --------
    >>> spreadsheet_error("#N/A x erato"), spreadsheet_error("photo #7.jpg")
    ('#N/A', '')
    """
    found = _SPREADSHEET_ERROR.search(cell)
    return found.group() if found else ""


def path_problem(name: str) -> str:
    """Say why a file name must not be used as a path inside the folder of images; empty if it may.

    The reason completes the sentence "the value ...".
    """
    if not name:
        return ""  # its absence is a fault of its own
    if "://" in name:
        return "is an address, not a path inside the folder of images"
    if "\\" in name:
        return "holds a backslash; separate folders with /"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "is an absolute path; give it relative to the folder of images"
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "holds a control character"
    if ".." in name.split("/"):
        return "leads out of the folder of images"
    if name.endswith(("/", "/.")) or name == ".":
        return "is a folder, not a file"
    return ""


def local_path(name: str) -> str:
    r"""Turn a path that another program or machine wrote into a path inside the folder of images.

    Backslashes are slashes. Of an absolute path and of an address only the file's name is left, and of several
    addresses, as Darwin Core's ``associatedMedia`` may hold, the first.

    Examples
    --------
    >>> local_path(r"C:\photos\a.jpg"), local_path("https://x.org/f/a%20b.jpg?v=1 | y"), local_path(r"box\a.jpg")
    ('a.jpg', 'a b.jpg', 'box/a.jpg')
    """
    if re.match(r"[A-Za-z][A-Za-z+.-]+://", name):
        return posixpath.basename(unquote(re.split(r"\s*[|;]\s*|[?#]", name)[0]))
    path = name.replace("\\", "/")
    return posixpath.basename(path) if path.startswith("/") or re.match(r"[A-Za-z]:", path) else path


def plain_path(name: str) -> str:
    """Spell a path inside the folder of images in one way: ``./a//b.jpg`` is ``a/b.jpg``."""
    return posixpath.normpath(name) if name else ""


def plain_code(code: str) -> str:
    """Subspecies code without the decimals that pandas gave it: ``"8.0"`` is ``"8"``."""
    match = _CODE.fullmatch(code)
    return match.group(1) if match else code


def record_of(address: str) -> str:
    """Zenodo record in an address, such as ``"3082688"``; empty if there is none."""
    match = _RECORD.search(address)
    return match.group(1) if match else ""


def side_of(name: str) -> str:
    """Side of the specimen that the name of a file tells: dorsal, ventral or empty.

    Examples
    --------
    >>> side_of("CAM017821_v_whitestandard.JPG"), side_of("CS3728 dorsal.jpeg"), side_of("CAM017821.jpg")
    ('ventral', 'dorsal', '')
    """
    found = _SIDE.findall(unquote(name.rsplit("/", 1)[-1]))
    if not found:
        return ""
    return "dorsal" if found[-1].casefold().startswith("d") else "ventral"


def stem_of(filename: str) -> str:
    """File name without folder and ending."""
    return posixpath.splitext(posixpath.basename(filename))[0]


def specimen_of(filename: str) -> str:
    """Name of the photographed individual by its path, without the ending and the side.

    Examples
    --------
    >>> specimen_of("dr1/CAM1_d.jpg"), specimen_of("dr1/CAM1_v_whitestandard.JPG"), specimen_of("dr2/1.jpg")
    ('dr1/CAM1', 'dr1/CAM1', 'dr2/1')
    """
    return posixpath.join(posixpath.dirname(filename), _SIDE_ENDING.sub("", stem_of(filename), count=1))
