"""Which column of a file means what: the challenge's two forms and a user's own."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from hybridwing.catalogue.cells import folded_labels, hybrid_of
from hybridwing.errors import CatalogueError, first_few, remedy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hybridwing.catalogue.schema import Form


@dataclass(frozen=True)
class ColumnNames:
    """Names of the columns in a user's own CSV file. Only the file names are required.

    A column that is not named counts all the same if its header is the attribute's name in any case, such as
    ``Label``; so do ``hybrid_stat`` for the label, ``CAMID`` for the specimen and ``View`` for the side.

    Attributes
    ----------
    filename : str, default "filename"
        Path of the image, relative to the folder of images.
    label : str or None
        hybrid/non-hybrid, 1/0, true/false or yes/no, in any case; empty for an unlabelled image.
    specimen : str or None
        The individual; by default the path of the image without its ending and a side such as ``_d`` or
        ``_v_whitestandard``.
    subspecies : str or None
        Subspecies, or for hybrids the cross ("notabilis x lativitta").
    parent_1, parent_2 : str or None
        Parent subspecies of hybrids.
    record : str or None
        Batch the image belongs to: collection, imaging session, data set.
    side : str or None
        dorsal/ventral or d/v.
    file_url, md5 : str or None
        Where to download the image, and the MD5 digest of its bytes.
    hybrid_values, non_hybrid_values : tuple of str, default ()
        Labels that mean hybrid and non-hybrid besides the usual ones, in any case.

    Raises
    ------
    CatalogueError
        If the column of file names has no name, or a label is to mean both.
    """

    filename: str = "filename"
    label: str | None = None
    specimen: str | None = None
    subspecies: str | None = None
    parent_1: str | None = None
    parent_2: str | None = None
    record: str | None = None
    side: str | None = None
    file_url: str | None = None
    md5: str | None = None
    hybrid_values: tuple[str, ...] = ()
    non_hybrid_values: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Mapping[str, str]) -> ColumnNames:
        """From our names and theirs, e.g. ``{"filename": "Photo", "label": "Status"}``.

        Raises
        ------
        CatalogueError
            If a name is none of ours.
        """
        ours = [name for name in cls.__dataclass_fields__ if not name.endswith("_values")]
        unknown = [repr(name) for name in names if name not in ours]
        if unknown:
            raise CatalogueError(f"a column is one of {', '.join(ours)}; got {first_few(unknown)}")
        return cls(**dict(names))  # type: ignore[arg-type]  # the texts alone

    def __post_init__(self) -> None:
        if not self.filename:
            raise CatalogueError("The column of file names must be named.")
        both = sorted(folded_labels(self.hybrid_values) & folded_labels(self.non_hybrid_values))
        if both:
            raise CatalogueError(f"A label cannot mean both hybrid and non-hybrid: {first_few(both)}.")


@dataclass(frozen=True)
class Layout:
    """Where each kind of cell is found in a file.

    Attributes
    ----------
    form : {"training", "reference", "custom"}
    columns : tuple of (str, str)
        Pairs of a name of ours and the file's name for it; only columns that the file has.
    hybrid_values, non_hybrid_values : tuple of str
        As in `ColumnNames`.
    """

    form: Form
    columns: tuple[tuple[str, str], ...]
    hybrid_values: tuple[str, ...] = ()
    non_hybrid_values: tuple[str, ...] = ()

    def has(self, ours: str) -> bool:
        """Whether the file has a column of ours."""
        return ours in dict(self.columns)

    def hybrid_of(self, label: str) -> bool | None:
        """Whether a label means hybrid in this file, see `hybridwing.catalogue.cells.hybrid_of`."""
        return hybrid_of(label, self.hybrid_values, self.non_hybrid_values)

    def source_name(self, ours: str) -> str:
        """The file's name for a column of ours; ours if the file has none."""
        return dict(self.columns).get(ours, ours)


_OWN = tuple(field.name for field in fields(ColumnNames) if not field.name.endswith("_values"))
_ALIASES = {"label": "hybrid_stat", "specimen": "camid", "side": "view"}
"""Headers of the challenge and of collections that also count in a user's own table, case-folded."""

_TRAINING = (
    ("filename", "filename"),
    ("label", "hybrid_stat"),
    ("subspecies", "subspecies"),
    ("parent_1", "parent_subspecies_1"),
    ("parent_2", "parent_subspecies_2"),
)
_TRAINING_OPTIONAL = (
    ("specimen", "CAMID"),
    ("file_url", "file_url"),
    ("split", "split"),
    ("record", "zenodo_link"),
    ("md5", "md5"),
)
_REFERENCE = (
    ("filename", "filename"),
    ("label", "hybrid_stat"),
    ("subspecies", "subspecies_ref"),
    ("group", "ssp_indicator"),
)
_REFERENCE_OPTIONAL = (("specimen", "CAMID"), ("file_url", "file_url"))


def layout_of(path: Path, header: Sequence[str], names: ColumnNames | None, *, hint: str = "") -> Layout:
    """Recognise the form of a file by its header.

    Parameters
    ----------
    path : Path
        The file, for messages.
    header : sequence of str
        Its column names.
    names : ColumnNames or None
        The user's own names; None to recognise one of the challenge's forms.
    hint : str, default ""
        What else may be wrong with the header, for messages.

    Raises
    ------
    CatalogueError
        If a required or named column is missing, or it is not clear which column is meant. The message says
        which were found and which is nearest.
    """
    form: Form
    required: tuple[tuple[str, str], ...]
    optional: tuple[tuple[str, str], ...]
    if names is not None:
        return _custom_layout(path, header, names, hint)
    if "subspecies_ref" in header or "ssp_indicator" in header:
        form, required, optional = "reference", _REFERENCE, _REFERENCE_OPTIONAL
    elif "hybrid_stat" in header or "parent_subspecies_1" in header:
        form, required, optional = "training", _TRAINING, _TRAINING_OPTIONAL
    else:
        return _custom_layout(path, header, ColumnNames(), hint)
    missing = [name for _, name in required if name not in header]
    if missing:
        raise CatalogueError(_missing_message(path, form, missing, header) + hint)
    present = tuple((ours, name) for ours, name in optional if name in header)
    return Layout(form, required + present)


def _custom_layout(path: Path, header: Sequence[str], names: ColumnNames, hint: str) -> Layout:
    """The columns that are named, and of the others those that go by our names."""
    columns = {ours: name for ours in _OWN if (name := getattr(names, ours)) is not None}
    if names.filename == "filename" and "filename" not in header:
        del columns["filename"]  # the default is no more than a guess, so another case will do
    free = [name for name in header if name not in columns.values()]
    for ours in _OWN:
        if ours not in columns and (found := _goes_by(path, ours, free)):
            columns[ours] = found
    columns.setdefault("filename", names.filename)
    missing = [name for name in columns.values() if name not in header]
    if missing:
        ours = next(ours for ours, name in columns.items() if name == missing[0])
        raise CatalogueError(_missing_message(path, "custom", missing, header, ours) + hint)
    if (names.hybrid_values or names.non_hybrid_values) and "label" not in columns:
        raise CatalogueError(
            f"{path}: what labels mean is said, but no column of labels is found among {', '.join(header)}; "
            f"name it: {remedy('ColumnNames(label=...)', '--column label=...')}."
        )
    return Layout("custom", tuple(columns.items()), names.hybrid_values, names.non_hybrid_values)


def _goes_by(path: Path, ours: str, header: Sequence[str]) -> str:
    """The column whose header is a name of ours; empty if there is none."""
    for wanted in (ours, _ALIASES.get(ours)):
        found = [name for name in header if name.casefold() == wanted]
        if len(found) > 1 and ours not in found:
            raise CatalogueError(
                f"{path}: {' and '.join(found)} could each be the column '{ours}'; name one: "
                f"{remedy(f'ColumnNames({ours}=...)', f'--column {ours}=...')}."
            )
        if found:
            return ours if ours in found else found[0]
    return ""


def _missing_message(
    path: Path, form: Form, missing: Sequence[str], header: Sequence[str], ours: str = "filename"
) -> str:
    by_folded = {name.casefold(): name for name in header}
    described = []
    for name in missing:
        near = difflib.get_close_matches(name.casefold(), by_folded, n=1)
        described.append(f"'{name}'" + (f" (did you mean '{by_folded[near[0]]}'?)" if near else ""))
    what = {"training": "a table in the challenge's training form", "reference": "a reference table"}.get(
        form, "the table"
    )
    advice = "rename the columns" if form != "custom" else "name your own columns"
    return (
        f"{path}: {what} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(described)}. "
        f"Columns found: {first_few(header, 30)}. To read it, {advice}: "
        f"{remedy(f'columns=ColumnNames({ours}=...)', f'--column {ours}=...')}."
    )
