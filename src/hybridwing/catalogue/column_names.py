"""Guess which column of a table means what, by its name and by its cells, and say why."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unicodedata import normalize

from hybridwing.catalogue.cells import SIDES, is_unsure, stem_of
from hybridwing.catalogue.taxon_names import parse_taxon
from hybridwing.errors import CatalogueError, first_few, remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

NAMES: Mapping[str, tuple[str, ...]] = {
    "filename": (
        "filename", "photo", "photograph", "photofile", "photoname", "image", "imagename", "imagefile", "picture",
        "file", "imgname", "foto", "bild", "filepath", "path", "imgnamenoext", "associatedmedia",
    ),
    "file_url": ("fileurl", "sourceurl", "imageurl", "photourl", "accessuri", "url", "associatedmedia"),
    "md5": ("md5", "md5sum", "checksum", "hashvalue"),
    "label": ("label", "hybridstat", "hybrid", "ishybrid", "hybridstatus", "status"),
    "side": ("side", "view", "aspect", "surface", "wingside"),
    "taxon": (
        "taxon", "taxonomicname", "scientificname", "taxonname", "fullname", "determination", "identification",
        "currentname", "acceptedname", "species", "name",
    ),
    "subspecies": ("subspecies", "subspecies1", "ssp", "subsp", "race", "infraspecificepithet"),
    "subspecies_2": ("subspecies2", "secondsubspecies", "ssp2", "hybridwith", "crossedwith"),
    "species": ("species", "specificepithet", "binomial"),
    "genus": ("genus",),
    "parent_1": ("parent1", "parentsubspecies1", "mother", "dam", "femaleparent"),
    "parent_2": ("parent2", "parentsubspecies2", "father", "sire", "maleparent"),
    "record": ("record", "zenodolink", "batch"),
    "specimen": (
        "specimen", "camid", "catalogno", "catalogueno", "catalognumber", "cataloguenumber", "specimenid", "specimenno",
        "specimennumber", "museumnumber", "museumno", "accessionnumber", "accessionno", "registrationnumber", "barcode",
        "inventorynumber", "voucher", "occurrenceid",
    ),
}  # fmt: skip
"""Headers that stand for each column of ours, the surest first; without blanks, points, underscores and case."""

_ASKED = frozenset({"filename", "label", "taxon", "subspecies", "side"})
"""Columns for which two candidates with different cells are an error and never a silent choice."""

_WEAK = frozenset({"species", "name", "status", "imgnamenoext", "path", "filepath", "associatedmedia", "url"})
"""Headers that are taken only where no surer header is there."""

_RESULT = frozenset({"parent_1", "parent_2", "parent_probability", "hybrid_index"})
"""Headers that show a table to be a result of `predict` or `identify`."""
_GUESSED = frozenset({"verdict", "parent_1", "parent_2", "name"})
"""Columns of such a table that say what a specimen was taken for, and not what it is."""

_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_PHOTOGRAPH = re.compile(r".+\.(?:jpe?g|png|tiff?|bmp|webp|gif|heic|cr2|nef|arw|dng)", re.IGNORECASE)
_MD5 = re.compile(r"[0-9a-fA-F]{32}")
_BINOMIAL = re.compile(r"[A-Z][a-z]{3,} (?:\w+\. )?[(a-z]\w{2,}.*")
_LOOKED_AT = 2_000  # rows by which a column is judged


@dataclass(frozen=True)
class ColumnChoice:
    """Which column of a table was taken for one of ours."""

    ours: str
    theirs: str
    reason: str  # Why, in words
    taken: bool = True  # False for a column whose header is one of ours and whose cells are something else


def folded(name: str) -> str:
    """A header as headers are compared.

    Examples
    --------
    >>> folded("Catalog No."), folded("Hybrid?")
    ('catalogno', 'hybrid')
    """
    return re.sub(r"[\W_]+", "", normalize("NFKC", name)).casefold()


def is_known_name(header: Collection[str]) -> bool:
    """Whether any of a row's cells is a header that this package knows."""
    known = {name for names in NAMES.values() for name in names}
    return any(folded(name) in known for name in header)


def guess_columns(
    path: Path,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    given: Mapping[str, str],
    is_label: Callable[[str], bool],
) -> list[ColumnChoice]:
    """Choose the column of each kind, where the user has not `given` it, by header and cells.

    Missing cells are ``""``; `is_label` tells whether a cell says hybrid or non-hybrid; `path` is for messages. Raises
    CatalogueError if two columns could be meant: the message names the candidates of all columns at once.
    """
    table = _Columns(header, rows[:_LOOKED_AT], is_label)
    choices = [ColumnChoice(ours, theirs, "named by you") for ours, theirs in given.items()]
    guessed = _GUESSED if _RESULT.issubset(header) else frozenset()
    unclear: dict[str, list[str]] = {}
    with_subspecies = any(folded(name) in NAMES["subspecies"] for name in header)
    for ours in NAMES:
        if ours in given:
            continue
        used = {choice.theirs for choice in choices if choice.taken}
        free = [name for name in header if name and name not in used and name not in guessed]
        found, rejected = table.by_name(ours, free)
        if ours == "taxon" and found and folded(found[0]) == "species" and with_subspecies:
            found = []  # it is the column of the species
        reason = f"by its name{table.described(found[0])}" if found else ""
        if not found:
            found = [name for name in free if not is_known_name([name]) and table.holds(ours, name)]
            reason = f"by its cells{table.described(found[0])}" if found else ""
        choices += [ColumnChoice(ours, name, why, taken=False) for name, why in rejected if name not in found]
        differing = [name for name in found[1:] if not table.same(found[0], name)]
        if differing and (ours in _ASKED or folded(differing[0]) == folded(found[0])):
            unclear[ours] = [found[0], *differing]
        if found:
            choices.append(ColumnChoice(ours, found[0], reason))
    if unclear:
        raise CatalogueError(_question(path, unclear, table))
    return _completed(choices)


def _completed(choices: list[ColumnChoice]) -> list[ColumnChoice]:
    """Take file names from the addresses if there are no others, and labels if nothing else tells the hybrids."""
    taken = {choice.ours: choice for choice in choices if choice.taken}
    if "filename" not in taken and "file_url" in taken:
        choices.append(ColumnChoice("filename", taken["file_url"].theirs, "the last part of its addresses"))
    if not taken.keys() & {"label", "taxon", "subspecies", "parent_1"}:
        choices = [
            replace(choice, reason="by its name", taken=True)
            if choice.ours == "label" and folded(choice.theirs) in ("label", "hybridstat")
            else choice
            for choice in choices
        ]
    return choices


def _question(path: Path, unclear: Mapping[str, Sequence[str]], table: _Columns) -> str:
    asked = [
        f"{ours}: {' or '.join(f'{name!r} ({first_few(table.values(name), 2)})' for name in names)}"
        for ours, names in unclear.items()
    ]
    options = " ".join(f"--column {ours}='{names[0]}'" for ours, names in unclear.items())
    python = ", ".join(f"{ours}={names[0]!r}" for ours, names in unclear.items())
    return (
        f"{path}: more than one column could be meant for {'; for '.join(asked)}. Name the right one, such as "
        f"{remedy(f'ColumnNames({python})', options)}."
    )


class _Columns:
    """The columns of a table, judged by their cells."""

    def __init__(self, header: Sequence[str], rows: Sequence[Sequence[str]], is_label: Callable[[str], bool]) -> None:
        self._cells = {name: [row[place] for row in rows] for place, name in enumerate(header)}
        self._is_label = is_label

    def values(self, name: str) -> list[str]:
        """Distinct values that are not missing, in the order of the rows."""
        return list(dict.fromkeys(cell for cell in self._cells[name] if cell))

    def same(self, first: str, second: str) -> bool:
        """Whether two columns agree, apart from folders and endings of file names."""
        one, other = ([stem_of(cell.replace("\\", "/")) for cell in self._cells[name]] for name in (first, second))
        return one == other

    def described(self, name: str) -> str:
        """What its cells are like, as the end of a reason."""
        values = self.values(name)
        if not values:
            return ", though it is empty"
        return f": {first_few([repr(value if len(value) < 60 else f'…{value[-50:]}') for value in values], 2)}"

    def by_name(self, ours: str, free: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
        """Columns with a header of ours, the surest first; then those with other cells, each with the reason."""
        ranks = {name: NAMES[ours].index(folded(name)) for name in free if folded(name) in NAMES[ours]}
        if ours in ranks:  # spelled as we do: no other is asked about
            ranks = {name: rank for name, rank in ranks.items() if name == ours or folded(name) != folded(ours)}
        order = sorted(ranks, key=lambda name: ranks[name])
        wrong = {name: why for name in order if (why := self._objection(ours, name))}
        found = [name for name in order if name not in wrong]
        if found and ranks[found[0]] == 0:  # our own name
            found = [name for name in found if ranks[name] == 0]
        elif found and folded(found[0]) not in _WEAK:
            found = [name for name in found if folded(name) not in _WEAK]
        return found, list(wrong.items())

    def _objection(self, ours: str, name: str) -> str:
        """Why the cells of a column cannot be what its name says; empty if they can."""
        values = self.values(name)
        if not values or (ours == "filename" and name.casefold() == "filename"):
            return ""
        tests: dict[str, tuple[Callable[[str], bool], str]] = {
            "label": (lambda cell: self._is_label(cell) or is_unsure(cell), "labels"),
            "side": (lambda cell: cell.casefold() in SIDES, "sides"),
            "md5": (lambda cell: _MD5.fullmatch(cell) is not None, "MD5 digests"),
            "file_url": (lambda cell: _ADDRESS.match(cell) is not None, "addresses"),
            "filename": (lambda cell: not _ADDRESS.match(cell), "file names"),
            "taxon": (_names_taxon, "taxon names"),
        }
        if ours == "filename" and len(values) * 2 < sum(map(bool, self._cells[name])):
            return "most of its cells repeat others, as those of photographs do not"
        if ours not in tests:
            return ""
        test, what = tests[ours]
        wrong = [value for value in values if not test(value)]
        sure = ours in ("side", "md5", "file_url") and name.casefold() == ours
        exempt = sure or (ours == "label" and "hybrid" in folded(name))  # not overlooked: its cells are faults
        if exempt or 2 * len(wrong) <= len(values):
            return ""
        return f"{first_few(list(map(repr, wrong)), 3)} are no {what}"

    def holds(self, ours: str, name: str) -> bool:
        """Whether nearly all cells of a column show that it is of this kind."""
        values = self.values(name)
        tests: dict[str, Callable[[str], bool]] = {
            "filename": lambda cell: _PHOTOGRAPH.fullmatch(cell) is not None and not _ADDRESS.match(cell),
            "file_url": lambda cell: _ADDRESS.match(cell) is not None and _PHOTOGRAPH.fullmatch(cell) is not None,
            "md5": lambda cell: _MD5.fullmatch(cell) is not None,
            "label": lambda cell: self._is_label(cell) and "hybrid" in cell.casefold(),
            "side": lambda cell: cell.casefold() in SIDES - {"d", "v"},
            "taxon": lambda cell: _BINOMIAL.fullmatch(cell) is not None and _names_taxon(cell),
        }
        if ours not in tests or not values:
            return False
        return sum(map(tests[ours], values)) >= 0.9 * len(values)


def _names_taxon(cell: str) -> bool:
    found = parse_taxon(cell)
    return bool(found.species or found.subspecies or found.is_hybrid is not None)
