"""Which column of a file means what: the challenge's two forms and a user's own."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from hybridwing.catalogue.cells import EMPTY, folded_labels, hybrid_of
from hybridwing.catalogue.column_names import ColumnChoice, guess_columns
from hybridwing.errors import CatalogueError, first_few, remedy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hybridwing.catalogue.schema import Form
    from hybridwing.catalogue.text_table import TextTable


@dataclass(frozen=True)
class ColumnNames:
    """Names of the columns in a user's own table. Those that are not named are guessed, see `column_names`.

    Attributes
    ----------
    filename : str or None
        Path of the image, relative to the folder of images.
    label : str or None
        hybrid/non-hybrid, 1/0, true/false or yes/no, in capitals or not; empty for an unlabelled image.
    specimen : str or None
        The individual; by default the path of the image without its ending and a side such as ``_d`` or
        ``_v_whitestandard``.
    taxon : str or None
        Scientific name, of a species or a subspecies or a hybrid (``"Heliconius erato ssp. notabilis x lativitta"``).
    subspecies, subspecies_2 : str or None
        Subspecies, or for hybrids the cross ("notabilis x lativitta"); the other one of a hybrid.
    species, genus : str or None
        Species, as an epithet or with its genus.
    parent_1, parent_2 : str or None
        Parent subspecies of hybrids.
    record : str or None
        Batch the image belongs to: collection, imaging session, data set.
    side : str or None
        dorsal/ventral or d/v.
    file_url, md5 : str or None
        Where to download the image, and the MD5 digest of its bytes.
    hybrid_values, non_hybrid_values : tuple of str, default ()
        Labels that mean hybrid and non-hybrid besides the usual ones, in capitals or not.

    Raises
    ------
    CatalogueError
        If a label is to mean both.
    """

    filename: str | None = None
    label: str | None = None
    specimen: str | None = None
    subspecies: str | None = None
    parent_1: str | None = None
    parent_2: str | None = None
    record: str | None = None
    side: str | None = None
    file_url: str | None = None
    md5: str | None = None
    taxon: str | None = None
    subspecies_2: str | None = None
    species: str | None = None
    genus: str | None = None
    hybrid_values: tuple[str, ...] = ()
    non_hybrid_values: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Mapping[str, str]) -> ColumnNames:
        """From our names and theirs, e.g. ``{"filename": "Photo", "label": "Status"}``.

        Raises CatalogueError if a name is none of ours.
        """
        unknown = [repr(name) for name in names if name not in OWN]
        if unknown:
            raise CatalogueError(f"a column is one of {', '.join(OWN)}; got {first_few(unknown)}")
        return cls(**dict(names))  # type: ignore[arg-type]  # the texts alone

    def __post_init__(self) -> None:
        both = sorted(folded_labels(self.hybrid_values) & folded_labels(self.non_hybrid_values))
        if both:
            raise CatalogueError(f"A label cannot mean both hybrid and non-hybrid: {first_few(both)}.")


@dataclass(frozen=True)
class Layout:
    """Where each kind of cell is found in a file."""

    form: Form
    # Our names with the file's names for them; only columns that the file has
    columns: Mapping[str, str]
    # Labels, as in `ColumnNames`
    hybrid_values: tuple[str, ...] = ()
    non_hybrid_values: tuple[str, ...] = ()
    # Why each column of a user's own table was taken for what, and which was not
    choices: tuple[ColumnChoice, ...] = ()

    def hybrid_of(self, label: str) -> bool | None:
        """Whether a label means hybrid in this file, see `hybridwing.catalogue.cells.hybrid_of`."""
        return hybrid_of(label, self.hybrid_values, self.non_hybrid_values)

    def source_name(self, ours: str) -> str:
        """The file's name for a column of ours; ours if the file has none."""
        return self.columns.get(ours, self.columns.get("taxon", ours) if ours == "subspecies" else ours)


OWN = tuple(field.name for field in fields(ColumnNames) if not field.name.endswith("_values"))
"""Columns that a user can name."""

_TRAINING = {
    "filename": "filename",
    "label": "hybrid_stat",
    "subspecies": "subspecies",
    "parent_1": "parent_subspecies_1",
    "parent_2": "parent_subspecies_2",
}
_REFERENCE = {
    "filename": "filename",
    "label": "hybrid_stat",
    "subspecies": "subspecies_ref",
    "group": "ssp_indicator",
}
_TRAINING_OPTIONAL = {
    "specimen": "CAMID",
    "file_url": "file_url",
    "split": "split",
    "record": "zenodo_link",
    "md5": "md5",
}
_REFERENCE_OPTIONAL = {"specimen": "CAMID", "file_url": "file_url"}


def layout_of(path: Path, text: TextTable, names: ColumnNames | None) -> Layout:
    """Recognise the form of a file by its header, or else its columns by their names and cells.

    `names` are the user's own; None recognises one of the challenge's forms. Raises CatalogueError if a required or
    named column is missing, or it is not clear which column is meant. The message says which were found and which is
    nearest.
    """
    header = text.header
    form: Form
    if names is None and ("subspecies_ref" in header or "ssp_indicator" in header):
        form, required, optional = "reference", _REFERENCE, _REFERENCE_OPTIONAL
    elif names is None and ("hybrid_stat" in header or "parent_subspecies_1" in header):
        form, required, optional = "training", _TRAINING, _TRAINING_OPTIONAL
    else:
        return _custom_layout(path, text, names or ColumnNames())
    if missing := [name for name in required.values() if name not in header]:
        raise _lacking(path, form, missing, text)
    return Layout(form, required | {ours: name for ours, name in optional.items() if name in header})


def _custom_layout(path: Path, text: TextTable, names: ColumnNames) -> Layout:
    """The layout of a user's own table, from the columns that are named and those that are guessed."""
    given = {ours: name for ours in OWN if (name := getattr(names, ours)) is not None}
    if missing := {ours: name for ours, name in given.items() if name not in text.header}:
        raise _lacking(path, "custom", list(missing.values()), text, next(iter(missing)))
    values = names.hybrid_values, names.non_hybrid_values
    empty = EMPTY - folded_labels((*names.hybrid_values, *names.non_hybrid_values))
    cells = [["" if cell.casefold() in empty else cell for cell in row] for row in text.cells]
    choices = guess_columns(path, text.header, cells, given, lambda label: hybrid_of(label, *values) is not None)
    columns = {choice.ours: choice.theirs for choice in choices if choice.taken}
    if "filename" not in columns:
        raise _lacking(path, "custom", ["filename"], text)
    if (names.hybrid_values or names.non_hybrid_values) and "label" not in columns:
        raise CatalogueError(
            f"{path}: what labels mean is said, but no column of labels is found among {', '.join(text.header)}; "
            f"name it: {remedy('ColumnNames(label=...)', '--column label=...')}."
        )
    return Layout("custom", columns, *values, tuple(choices))


def _lacking(path: Path, form: Form, missing: Sequence[str], text: TextTable, ours: str = "filename") -> CatalogueError:
    by_folded = {name.casefold(): name for name in text.header}
    described = []
    for name in missing:
        near = difflib.get_close_matches(name.casefold(), by_folded, n=1)
        described.append(f"'{name}'" + (f" (did you mean '{by_folded[near[0]]}'?)" if near else ""))
    what, advice = {
        "training": ("a table in the challenge's training form", "rename the columns"),
        "reference": ("a reference table", "rename the columns"),
        "custom": ("the table", "name your own columns"),
    }[form]
    return CatalogueError(
        f"{path}: {what} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(described)}. "
        f"Columns found: {first_few(text.header, 30)}. To read it, {advice}: "
        f"{remedy(f'columns=ColumnNames({ours}=...)', f'--column {ours}=...')}.{text.hint}"
    )
