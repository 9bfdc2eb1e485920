"""The one typed table every stage works on, and how it was read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from hybridwing.errors import CatalogueError, first_few, remedy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    from hybridwing.catalogue.column_names import ColumnChoice
    from hybridwing.catalogue.taxon_words import TaxonName

Form = Literal["training", "reference", "custom"]

COLUMNS: Mapping[str, str] = {
    "uuid": "string",
    "filename": "string",
    "specimen": "string",
    "hybrid": "boolean",
    "species": "string",
    "subspecies": "string",
    "parent_1": "string",
    "parent_2": "string",
    "cross": "string",
    "pedigree": "string",
    "record": "string",
    "side": "string",
    "group": "string",
    "file_url": "string",
    "md5": "string",
    "split": "string",
    "row": "int64",
}
"""The columns of `Catalogue.table`, in order, with their pandas dtypes. What is not known is NA.

- `uuid`: The file name: unique, and the key of an image in every later table.
- `filename`: POSIX path relative to the folder of images; nothing outside that folder.
- `specimen`: The photographed individual (the challenge's ``CAMID``).
- `hybrid`: True for a hybrid; NA if unlabelled.
- `species`: Such as ``"Heliconius erato"``; NA for a cross of two species, and where the table does not say: the
  challenge's tables do not.
- `subspecies`: NA for hybrids. A code ``"0"`` to ``"13"`` in the training form, a name in the reference form.
- `parent_1`, `parent_2`: The parent subspecies of a hybrid, sorted, because a cross has no order; NA for non-hybrids.
- `cross`: ``"parent_1 x parent_2"``; NA for non-hybrids and hybrids of unknown parents.
- `pedigree`: As `cross` for a first generation; ``"(a x b) x a"`` for a back-cross.
- `record`: Batch of images, such as the Zenodo record ``"3082688"``.
- `side`: ``"dorsal"`` or ``"ventral"``.
- `group`: ``"major"`` (signal), ``"minor"`` (non-signal) or ``"mimic"``: the challenge's ``ssp_indicator``.
- `file_url`, `md5`: Where the photograph is, and the lower-case hexadecimal digest of its bytes.
- `split`: The part of a data set that the source assigned the image to, such as ``"train"``.
- `row`: Line of the source file; the header is line 1.
"""


@dataclass(frozen=True)
class Reading:
    """How a user's own table was read; empty for the challenge's forms."""

    # Which column was taken for what and why, and which was not though its name says so
    columns: tuple[ColumnChoice, ...] = ()
    names: tuple[tuple[TaxonName, int], ...] = ()  # Every name and number of rows, most frequent first
    unsure: int = 0  # Rows that the table doubts (``?``, ``maybe``, ``cf.``). They have no label
    unlabelled: int = 0  # Rows without a label, the unsure ones among them
    # Hybrids of which no parent or one is known
    unknown_parents: int = 0
    one_parent: int = 0
    without_photograph: int = 0  # Rows that name no photograph. They are left out
    notes: tuple[str, ...] = ()  # What was done to read the file: encoding, sheet, title lines, paths
    sheet: str | None = None  # The sheet of a workbook that was asked for
    # Name and SHA-256 of the file of decisions that were joined to the table; empty without one
    decisions: tuple[str, str] = ("", "")


def _no_columns() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


@dataclass(frozen=True, eq=False)
class Catalogue:
    """A validated table of specimens, one row an image.

    Attributes
    ----------
    table : pandas.DataFrame
        Columns and dtypes as in `COLUMNS`, index 0 to n-1. Treat it as read-only.
    form : {"training", "reference", "custom"}
        Form of the file it was read from.
    source : Path
        That file.
    sha256 : str
        SHA-256 of that file's bytes, in lower-case hexadecimal: what a run records as its provenance.
    extra : pandas.DataFrame
        The file's other columns as text, such as locality, sex and date, by its own names; same rows as `table`,
        missing values NA. By default there are none.
    reading : Reading
        How the file was read.

    Raises
    ------
    CatalogueError
        If the table's columns are not those of `COLUMNS`.
    """

    table: pd.DataFrame
    form: Form
    source: Path
    sha256: str
    extra: pd.DataFrame = field(default_factory=_no_columns)
    reading: Reading = field(default_factory=Reading)

    def __post_init__(self) -> None:
        if not len(self.extra.columns):
            object.__setattr__(self, "extra", self.table.iloc[:, :0])
        if len(self.extra) != len(self.table):
            raise CatalogueError(f"{len(self.table)} rows cannot have {len(self.extra)} rows of other columns.")
        found = {str(name): str(dtype) for name, dtype in self.table.dtypes.items()}
        if list(found.items()) != list(COLUMNS.items()):
            wrong = sorted(dict(set(COLUMNS.items()) ^ set(found.items()))) or ["their order"]
            raise CatalogueError(f"A catalogue's table must have the columns COLUMNS; wrong: {first_few(wrong)}.")

    def __len__(self) -> int:
        return len(self.table)

    @property
    def uuids(self) -> npt.NDArray[np.object_]:
        """Keys of the images, shape (n,), str."""
        return self._texts("uuid")

    @property
    def labels(self) -> npt.NDArray[np.int8]:
        """Labels, shape (n,), int8: 1 for a hybrid, 0 for a non-hybrid.

        Raises
        ------
        CatalogueError
            If an image is unlabelled.
        """
        unlabelled = self.table.loc[self.table["hybrid"].isna(), "uuid"].tolist()
        if unlabelled:
            raise CatalogueError(
                f"{self.source}: {len(unlabelled)} of {len(self)} images have no label: "
                f"{first_few(unlabelled)}. "
                f"Name the column that says hybrid or non-hybrid "
                f"({remedy('ColumnNames(label=...)', '--column label=...')}), fill it in, or leave these images out."
            )
        return np.asarray(self.table["hybrid"].to_numpy(dtype=np.int8))

    def check_both_kinds(self) -> None:
        """Refuse a table that a detector cannot learn from.

        Raises
        ------
        CatalogueError
            If an image is unlabelled, or all images are hybrids or all are non-hybrids.
        """
        if len({*self.labels.tolist()}) == 1:
            kind, other = ("hybrids", "non-hybrids") if self.labels[0] else ("non-hybrids", "hybrids")
            raise CatalogueError(
                f"{self.source}: all {len(self)} images are {kind}; a detector learns from hybrids and non-hybrids: "
                f"add images of {other}, or correct the labels."
            )

    @property
    def species(self) -> npt.NDArray[np.object_]:
        """Species, shape (n,), str or None."""
        return self._texts("species")

    @property
    def subspecies(self) -> npt.NDArray[np.object_]:
        """Subspecies, shape (n,), str or None."""
        return self._texts("subspecies")

    @property
    def parents(self) -> npt.NDArray[np.object_]:
        """Parents of the hybrids, shape (n, 2), str or None."""
        return np.stack([self._texts("parent_1"), self._texts("parent_2")], axis=1)

    @property
    def parent_pairs(self) -> list[tuple[str, str] | None]:
        """Parents of each image as a pair, or None where they are not both known; length n."""
        return [(first, second) if first and second else None for first, second in self.parents]

    @property
    def classes(self) -> npt.NDArray[np.object_]:
        """Class of each image, as closely as it is known.

        Shape (n,), str: the cross of a hybrid, the subspecies of a non-hybrid, else ``"hybrid"``,
        ``"non-hybrid"`` or ``"unlabelled"``.
        """
        kind = self.table["hybrid"].map({True: "hybrid", False: "non-hybrid"}).astype("string").fillna("unlabelled")
        known = self.table["cross"].fillna(self.table["subspecies"])
        return np.asarray(known.fillna(kind).to_numpy(dtype=object))

    @property
    def records(self) -> npt.NDArray[np.object_]:
        """Records, shape (n,), str or None."""
        return self._texts("record")

    @property
    def specimens(self) -> npt.NDArray[np.object_]:
        """Specimens, shape (n,), str."""
        return self._texts("specimen")

    @property
    def groups(self) -> npt.NDArray[np.object_]:
        """The challenge's indicators, shape (n,), str or None."""
        return self._texts("group")

    def select(self, index: npt.ArrayLike) -> Catalogue:
        """Some of the rows, in the order asked for.

        Parameters
        ----------
        index : array-like of int or bool, shape (m,) or (n,)
            Positions, or a mask over the rows.

        Returns
        -------
        Catalogue
            Same source; `row` still points into it.
        """
        rows = np.asarray(index)
        if rows.dtype == np.bool_:
            if rows.shape != (len(self),):
                raise CatalogueError(f"A mask over {len(self)} rows cannot have the shape {rows.shape}.")
            rows = np.flatnonzero(rows)
        elif not rows.size:
            rows = rows.astype(np.intp)
        table, extra = (frame.iloc[rows].reset_index(drop=True) for frame in (self.table, self.extra))
        return replace(self, table=table, extra=extra)

    def labelled(self) -> Catalogue:
        """The rows that have a label, which are those that a detector can learn from."""
        return self.select(self.table["hybrid"].notna().to_numpy(dtype=bool))

    def possible_pairs(self) -> list[tuple[str, str]]:
        """Pairs of subspecies that may have crossed: those of one species, and all that the table has crosses of.

        A subspecies whose species is not known may have crossed with any.
        """
        species = dict(sorted(zip(self.subspecies, self.species, strict=True), key=lambda row: row[1] or ""))
        species.pop(None, None)
        pairs = {
            (first, second)
            for first, second in combinations(sorted(species), 2)
            if None in (species[first], species[second]) or species[first] == species[second]
        }
        return sorted(pairs | {pair for pair in self.parent_pairs if pair})

    def _texts(self, column: str) -> npt.NDArray[np.object_]:
        texts = self.table[column].to_numpy(dtype=object, na_value=None)  # type: ignore[call-overload]
        return np.asarray(texts, dtype=object)
