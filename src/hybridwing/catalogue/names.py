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

from hybridwing.catalogue.crosses import cross_columns
from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
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


def named(catalogue: Catalogue) -> Catalogue:
    """Put names in the place of the training form's codes, so that it compares with a reference table.

    Other forms stay, and so does a table in the training form that has codes of its own.
    """
    if catalogue.form != "training":
        return catalogue
    import pandas as pd

    try:
        translated = [
            {
                "subspecies": code and subspecies_name(code),
                **cross_columns(" x ".join(map(subspecies_name, pair)) if pair else None),
            }
            for code, pair in zip(catalogue.subspecies, catalogue.parent_pairs, strict=True)
        ]
    except CatalogueError:
        return catalogue
    columns = pd.DataFrame(translated, dtype="string")
    return replace(catalogue, table=catalogue.table.assign(**{str(name): columns[name] for name in columns}))
