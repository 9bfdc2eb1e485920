"""Faults of a table, collected so that all of them can be corrected at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.errors import CatalogueError, first_few

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHOWN = 10
ROWS_SHOWN = 3
VALUES_SHOWN = 3


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with one cell of a table."""

    row: int  # Line of the source file; the header is line 1
    column: str  # The column, as the source file names it
    value: str  # What stands there; empty if nothing does
    problem: str  # What is wrong with it

    def __str__(self) -> str:
        return describe_alike([self])


def describe_alike(faults: Sequence[Fault]) -> str:
    """One line for faults of one column that have one and the same problem.

    Examples
    --------
    >>> describe_alike([Fault(row, "Side", "left", "is not a side") for row in (2, 5, 9, 10)])
    "rows 2, 5, 9 and 1 more: column 'Side': 'left' is not a side"
    """
    first = faults[0]
    rows = first_few([str(fault.row) for fault in faults], limit=ROWS_SHOWN)
    values = list(dict.fromkeys(fault.value for fault in faults))
    shown = first_few([repr(v if len(v) <= 60 else f"{v[:57]}...") for v in values], limit=VALUES_SHOWN)
    verb = ": each of them " if len(values) > 1 else " "
    return f"row{'s' if len(faults) > 1 else ''} {rows}: column {first.column!r}: {shown}{verb}{first.problem}"


def _kinds(faults: Sequence[Fault]) -> list[list[Fault]]:
    """Group faults into lines: by column, problem and value, or without the value where one problem has many."""
    values: dict[tuple[str, str], set[str]] = {}
    for fault in faults:
        values.setdefault((fault.column, fault.problem), set()).add(fault.value)
    kinds: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in faults:
        many = len(values[fault.column, fault.problem]) > VALUES_SHOWN
        kinds.setdefault((fault.column, fault.problem, "" if many else fault.value), []).append(fault)
    return list(kinds.values())


class CatalogueFaults(CatalogueError):  # noqa: N818 - it is the faults that one wants of it
    """A table holds faulty cells, at least one.

    The message has one line for all rows with one and the same fault, and one for all values of a column where many
    values have one problem.

    Attributes
    ----------
    faults : tuple of Fault
        All of them, in the order of the rows.
    """

    def __init__(self, source: Path, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        kinds = _kinds(self.faults)
        lines = [f"  {describe_alike(kind)}" for kind in kinds[:SHOWN]]
        rest = sum(len(kind) for kind in kinds[SHOWN:])
        if rest:
            lines.append(f"  and {rest} more")
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join([f"{source}: {count}; correct the table and read it again:", *lines]))
