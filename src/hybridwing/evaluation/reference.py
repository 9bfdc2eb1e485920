"""Reading reference tables: which images are hybrids, and of which group of the challenge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.text_table import read_text_table
from hybridwing.errors import CatalogueError, ScoringError, first_few

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

REFERENCE_COLUMNS = ("filename", "hybrid_stat", "ssp_indicator")
_GROUPS = frozenset({"major", "minor", "mimic"})
_LABELS = {"0": 0, "0.0": 0, "1": 1, "1.0": 1}


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference table's columns that scoring needs, each of shape (n,)."""

    filenames: npt.NDArray[np.object_]  # Unique
    labels: npt.NDArray[np.int8]  # 1 for a hybrid, 0 for a non-hybrid
    groups: npt.NDArray[np.str_]  # The ``ssp_indicator``
    specimens: npt.NDArray[np.str_]  # The ``CAMID``; the file name where the table has none


def read_reference(path: Path) -> Reference:
    """Read the columns of a reference table that scoring needs; other columns may be missing or odd.

    The table is one that `hybridwing.catalogue.text_table.read_text_table` reads, with the columns ``filename``,
    ``hybrid_stat`` (0 or 1, or 0.0 or 1.0) and ``ssp_indicator``; ``CAMID`` is read where it is.

    Raises ScoringError if the file cannot be read, a column is missing or there twice, a label is neither 0 nor 1, an
    indicator is unknown, or a file is listed twice.
    """
    try:
        table = read_text_table(path)
    except CatalogueError as error:
        raise ScoringError(str(error)) from error
    missing = [name for name in REFERENCE_COLUMNS if name not in table.header]
    if missing:
        raise ScoringError(
            f"{path}: a reference table needs the columns {', '.join(REFERENCE_COLUMNS)}; "
            f"{' and '.join(missing)} not found among {', '.join(table.header)}.{table.hint}"
        )
    columns = dict(zip(table.header, zip(*table.cells, strict=True), strict=True))
    names, stats, groups = (columns[name] for name in REFERENCE_COLUMNS)
    first = {name: row for row, name in reversed(list(enumerate(names)))}
    for column, rule, cells, wrong in (
        ("hybrid_stat", "must be 0 or 1", stats, [s not in _LABELS for s in stats]),
        ("ssp_indicator", "must be major, minor or mimic", groups, [g not in _GROUPS for g in groups]),
        ("filename", "must be given", names, [not name for name in names]),
        ("filename", "must be listed once", names, [first[name] != row for row, name in enumerate(names)]),
    ):
        faults = [f"line {table.lines[row]}: {cells[row]!r}" for row, bad in enumerate(wrong) if bad]
        if faults:
            raise ScoringError(f"{path}: {column} {rule}: {first_few(faults)}.")
    specimens = columns.get("CAMID", names)
    return Reference(
        np.array(names, dtype=object),
        np.array([_LABELS[stat] for stat in stats], dtype=np.int8),
        np.array(groups, dtype=np.str_),
        np.array([specimen or name for specimen, name in zip(specimens, names, strict=True)], dtype=np.str_),
    )
