"""How a user's own table was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridwing.catalogue.column_names import ColumnChoice
    from hybridwing.catalogue.taxon_words import TaxonName


@dataclass(frozen=True)
class Reading:
    """How a user's own table was read; empty for the challenge's forms.

    Attributes
    ----------
    columns : tuple of ColumnChoice
        Which column was taken for what and why, and which was not though its name says so.
    names : tuple of (TaxonName, int)
        Every name and number of rows, most frequent first.
    unsure : int
        Rows that the table doubts (``?``, ``maybe``, ``cf.``). They have no label.
    unlabelled : int
        Rows without a label, the unsure ones among them.
    unknown_parents, one_parent : int
        Hybrids of which no parent or one is known.
    without_photograph : int
        Rows that name no photograph. They are left out.
    notes : tuple of str
        What was done to read the file: encoding, sheet, title lines, paths.
    sheet : str or None
        The sheet of a workbook that was asked for.
    decisions : tuple of (str, str)
        Name and SHA-256 of the file of decisions that were joined to the table; empty without one.
    """

    columns: tuple[ColumnChoice, ...] = ()
    names: tuple[tuple[TaxonName, int], ...] = ()
    unsure: int = 0
    unlabelled: int = 0
    unknown_parents: int = 0
    one_parent: int = 0
    without_photograph: int = 0
    notes: tuple[str, ...] = ()
    sheet: str | None = None
    decisions: tuple[str, str] = ("", "")
