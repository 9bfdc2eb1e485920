"""The names behind the training table's subspecies codes.

No source states what the codes 0 to 13 stand for. They are taken to number the 14 *Heliconius erato* subspecies of
the reference tables in alphabetical order. The evidence, from the official tables:

- there are 14 codes in the training table and 14 *H. erato* subspecies in ``ref_test.csv``;
- the training hybrids have the parents 8 and 9, and the same signal hybrids are "notabilis x lativitta" in the
  reference: numbers 9 and 8 in the alphabet;
- most records are divided between the two tables, and every code shares at least one Zenodo record with the name
  it is given here. Five records hold one code in training and one name in ``ref_test.csv``, the ones paired here:
  2555086 (3, *demophoon*), 2735056 (13, *venus*), 5526257 (2, *cyrbia*), 5561246 (11, *phyllis*) and 4291095
  (8, *lativitta*). Of the 14! ways to give 14 names to 14 codes, twelve let every code share a record with its
  name; only this one is alphabetical.

One record differs: 4153502 holds only code 8 in training and only *notabilis* among its reference non-hybrids. All
reference *lativitta* come from record 4291095, so that record's others could only be in training.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hybridwing.catalogue.crosses import cross_of
from hybridwing.catalogue.schema import COLUMNS
from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.catalogue.schema import Catalogue

TRAINING_SUBSPECIES = (
    "amalfreda",
    "chestertonii",
    "cyrbia",
    "demophoon",
    "dignus",
    "erato",
    "etylus",
    "hydara",
    "lativitta",
    "notabilis",
    "petiverana",
    "phyllis",
    "reductimacula",
    "venus",
)
"""Name of each code of the training table, by position; inferred, see above."""


def subspecies_name(code: str) -> str:
    """Name of a subspecies code, ``"0"`` to ``"13"``, of the challenge's training table.

    Inferred, not stated by the challenge. Raises CatalogueError if there is no such code.

    Examples
    --------
    >>> subspecies_name("8")
    'lativitta'
    """
    if not (code.isascii() and code.isdecimal() and int(code) < len(TRAINING_SUBSPECIES)):
        raise CatalogueError(
            f"{code!r} is not a subspecies code of the training table (0 to {len(TRAINING_SUBSPECIES) - 1})."
        )
    return TRAINING_SUBSPECIES[int(code)]


def with_subspecies_names(catalogue: Catalogue) -> Catalogue:
    """Put names in the place of the training form's codes, so that it compares with a reference table.

    Other forms stay. Raises CatalogueError if a code has no name.
    """
    if catalogue.form != "training":
        return catalogue
    import pandas as pd

    subspecies = [code and subspecies_name(code) for code in catalogue.subspecies]
    crosses = [
        cross_of(subspecies_name(pair[0]), subspecies_name(pair[1])) if pair else None
        for pair in catalogue.parent_pairs
    ]
    translated: dict[str, Sequence[str | None]] = {
        "subspecies": subspecies,
        "parent_1": [cross.parents[0] if cross else None for cross in crosses],
        "parent_2": [cross.parents[1] if cross else None for cross in crosses],
        "cross": [cross.name if cross else None for cross in crosses],
        "pedigree": [cross.pedigree if cross else None for cross in crosses],
    }
    columns = {name: pd.Series(list(column), dtype="string") for name, column in translated.items()}
    table = catalogue.table.assign(**columns)[list(COLUMNS)]
    return replace(catalogue, table=table)
