"""Faults of a table, collected so that all of them can be mended at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHOWN = 10


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with one cell of a table.

    Attributes
    ----------
    row : int
        Line of the source file; the header is line 1.
    column : str
        The column, as the source file names it.
    value : str
        What stands there; empty if nothing does.
    problem : str
        What is wrong with it.
    """

    row: int
    column: str
    value: str
    problem: str

    def __str__(self) -> str:
        shown = self.value if len(self.value) <= 60 else f"{self.value[:57]}..."
        return f"row {self.row}, column {self.column}: {shown!r} {self.problem}"


class CatalogueFaults(CatalogueError):  # noqa: N818 - it is the faults that one wants of it
    """A table holds faulty cells.

    Parameters
    ----------
    source : Path
        The file.
    faults : sequence of Fault
        All of them, at least one.

    Attributes
    ----------
    faults : tuple of Fault
        All of them, in the order of the rows.
    """

    def __init__(self, source: Path, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        lines = [f"  {fault}" for fault in self.faults[:SHOWN]]
        rest = len(self.faults) - SHOWN
        if rest > 0:
            lines.append(f"  and {rest} more")
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join([f"{source}: {count}; correct the table and read it again:", *lines]))
