"""Which column of a file means what: the challenge's two forms and a user's own."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hybridwing.catalogue.schema import Form


@dataclass(frozen=True)
class ColumnNames:
    """Names of the columns in a user's own CSV file. Only the file names are required.

    Attributes
    ----------
    filename : str, default "filename"
        Path of the image, relative to the folder of images.
    label : str or None
        hybrid/non-hybrid, 1/0, true/false or yes/no, in any case; empty for an unlabelled image.
    specimen : str or None
        The individual; by default the file name without folder and ending.
    subspecies : str or None
        Subspecies, or for hybrids the cross ("notabilis x lativitta").
    parent_1, parent_2 : str or None
        Parent subspecies of hybrids.
    record : str or None
        Batch the image belongs to: collection, imaging session, data set.
    view : str or None
        dorsal/ventral or d/v.
    file_url, md5 : str or None
        Where to download the image, and the MD5 digest of its bytes.
    hybrid_values : tuple of str, default ()
        Labels that mean hybrid, where they are not of the usual ones; any other label then means non-hybrid.
    """

    filename: str = "filename"
    label: str | None = None
    specimen: str | None = None
    subspecies: str | None = None
    parent_1: str | None = None
    parent_2: str | None = None
    record: str | None = None
    view: str | None = None
    file_url: str | None = None
    md5: str | None = None
    hybrid_values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.filename:
            raise CatalogueError("The column of file names must be named.")
        if self.hybrid_values and not self.label:
            raise CatalogueError("hybrid_values says what a label means, so the label column must be named too.")


@dataclass(frozen=True)
class Layout:
    """Where each kind of cell is found in a file.

    Attributes
    ----------
    form : {"training", "reference", "custom"}
    columns : tuple of (str, str)
        Pairs of a name of ours and the file's name for it; only columns that the file has.
    hybrid_values : tuple of str
        As in `ColumnNames`.
    """

    form: Form
    columns: tuple[tuple[str, str], ...]
    hybrid_values: tuple[str, ...] = ()

    def source_name(self, ours: str) -> str:
        """The file's name for a column of ours; ours if the file has none."""
        return dict(self.columns).get(ours, ours)


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


def layout_of(path: Path, header: Sequence[str], names: ColumnNames | None) -> Layout:
    """Recognise the form of a file by its header.

    Parameters
    ----------
    path : Path
        The file, for messages.
    header : sequence of str
        Its column names.
    names : ColumnNames or None
        The user's own names; None to recognise one of the challenge's forms.

    Raises
    ------
    CatalogueError
        If a required or named column is missing. The message says which were found and which is nearest.
    """
    form: Form
    if names is not None:
        form = "custom"
        required = tuple(
            (field.name, name)
            for field in fields(names)
            if field.name != "hybrid_values" and (name := getattr(names, field.name)) is not None
        )
        optional: tuple[tuple[str, str], ...] = ()
    elif "subspecies_ref" in header or "ssp_indicator" in header:
        form, required, optional = "reference", _REFERENCE, _REFERENCE_OPTIONAL
    elif "hybrid_stat" in header or "parent_subspecies_1" in header:
        form, required, optional = "training", _TRAINING, _TRAINING_OPTIONAL
    else:
        form, required, optional = "custom", (("filename", "filename"),), ()
    missing = [name for _, name in required if name not in header]
    if missing:
        raise CatalogueError(_missing_message(path, form, missing, header))
    present = tuple((ours, name) for ours, name in optional if name in header)
    return Layout(form, required + present, names.hybrid_values if names else ())


def _missing_message(path: Path, form: Form, missing: Sequence[str], header: Sequence[str]) -> str:
    by_folded = {name.casefold(): name for name in header}
    described = []
    for name in missing:
        near = difflib.get_close_matches(name.casefold(), by_folded, n=1)
        described.append(f"'{name}'" + (f" (did you mean '{by_folded[near[0]]}'?)" if near else ""))
    what = {"training": "a table in the challenge's training form", "reference": "a reference table"}.get(
        form, "the table"
    )
    remedy = "rename the columns" if form != "custom" else "name your own columns"
    return (
        f"{path}: {what} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(described)}. "
        f"Columns found: {', '.join(header)}. To read it, {remedy}: "
        "columns=ColumnNames(filename=...) in Python, --column filename=... on the command line."
    )
