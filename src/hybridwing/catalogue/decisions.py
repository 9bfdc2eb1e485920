"""Join decisions on specimens to a table of specimens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from hybridwing.catalogue import cells
from hybridwing.catalogue.crosses import cross_columns
from hybridwing.catalogue.readers import as_catalogue
from hybridwing.catalogue.schema import COLUMNS, Catalogue
from hybridwing.catalogue.text_table import read_text_table
from hybridwing.errors import CatalogueError, first_few

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.catalogue.readers import TableLike
    from hybridwing.catalogue.text_table import TextTable

FILE, DECISION, NAME = "file", "decision", "decided_name"
"""Columns of a table of decisions, as the desk exports it. The last may be missing."""

LABELS = {"hybrid": True, "non-hybrid": False}
RECORD = "decisions"
"""Record of specimens that were decided on and are not in the table."""


@dataclass(frozen=True)
class Decided:
    """A specimen that was decided on."""

    file: str  # Its photograph, as the catalogue would name it
    hybrid: bool
    # A hybrid's two parents with an ``x`` between, or a non-hybrid's subspecies; empty if it is not known
    name: str = ""


def join_decisions(catalogue: TableLike, path: Path | str) -> Catalogue:
    r"""Join a table of decisions, such as the desk exports, to a table of specimens.

    A decision labels a specimen of the table, or adds one. It takes precedence over the table, since it was made later.
    Rows without a decision, and those that say ``unsure``, are left out.

    Parameters
    ----------
    catalogue : Catalogue, path or data frame
    path : Path or str
        ``.csv``, ``.xlsx`` or ``.ods`` with the columns ``file``, ``decision`` and maybe ``decided_name``; others are
        not read.

    Returns
    -------
    Catalogue
        Of the form ``"custom"``. ``reading.decisions`` holds the file's name and SHA-256.

    Raises
    ------
    CatalogueError
        If it is no such table, holds an unknown decision or two that contradict each other, or decides nothing.

    Examples
    --------
    >>> text = "file,decision,decided_name\ndrawer/7.jpg,hybrid,erato x notabilis\n"
    >>> _ = Path("decisions.csv").write_text(text)
    >>> joined = join_decisions(collection.train, "decisions.csv")
    >>> joined.table.iloc[-1][["filename", "cross"]].tolist()
    ['drawer/7.jpg', 'erato x notabilis']
    """
    table = read_text_table(Path(path))
    joined = with_decisions(as_catalogue(catalogue), _decided(Path(path), table))
    return replace(joined, reading=replace(joined.reading, decisions=(Path(path).name, table.sha256)))


def _decided(path: Path, table: TextTable) -> tuple[Decided, ...]:
    if missing := [name for name in (FILE, DECISION) if name not in table.header]:
        raise CatalogueError(
            f"{path}: a table of decisions has the columns {FILE}, {DECISION} and, where known, {NAME}, as the desk "
            f"exports it; this one lacks {', '.join(missing)}{table.hint}"
        )
    place = {name: table.header.index(name) for name in (FILE, DECISION, NAME) if name in table.header}
    found: dict[str, tuple[int, Decided]] = {}
    for line, row in zip(table.lines, table.cells, strict=True):
        choice = row[place[DECISION]].casefold()
        if choice in cells.EMPTY or cells.is_unsure(choice):
            continue
        if choice not in LABELS:
            raise CatalogueError(
                f"{path}, line {line}: {row[place[DECISION]]!r} is no decision; use hybrid, non-hybrid, unsure, or none"
            )
        name = row[place[NAME]] if NAME in place else ""
        one = Decided(_inside(path, line, row[place[FILE]]), LABELS[choice], "" if name in cells.EMPTY else name)
        before, known = found.setdefault(one.file, (line, one))
        if known.hybrid != one.hybrid:
            raise CatalogueError(f"{path}, lines {before} and {line}: {one.file} is a hybrid in one, none in the other")
    if not found:
        raise CatalogueError(f"{path}: decides of no specimen whether it is a hybrid")
    return tuple(one for _, one in found.values())


def _inside(path: Path, line: int, cell: str) -> str:
    file = cells.plain_path(cells.local_path(cell))
    if problem := cells.path_problem(file):
        raise CatalogueError(f"{path}, line {line}: {FILE} {cell!r} {problem}")
    return file


def with_decisions(catalogue: Catalogue, decided: Sequence[Decided]) -> Catalogue:
    """Label specimens of a table by what was decided of them, and add those that it lacks.

    A specimen of the table is known by the whole path of its photograph, or by the name of its file where only one has
    it. Specimens that were added come last, with `RECORD` as their record. The result is of the form
    ``"custom"``.
    """
    import pandas as pd

    rows: list[dict[Any, Any]] = catalogue.table.astype(object).to_dict("records")
    by_path = {str(row["uuid"]): row for row in rows}
    by_name: dict[str, list[dict[Any, Any]]] = {}
    for path, row in by_path.items():
        by_name.setdefault(PurePosixPath(path).name, []).append(row)
    last = max((int(row["row"]) for row in rows), default=1)
    for one in decided:
        same = [by_path[one.file]] if one.file in by_path else by_name.get(one.file, [])
        if len(same) > 1:
            raise CatalogueError(
                f"{one.file} was decided on, and {len(same)} photographs of the table are called so: "
                + first_few([str(row["uuid"]) for row in same])
            )
        if not same:
            last += 1
            added = {"uuid": one.file, "filename": one.file, "specimen": cells.specimen_of(one.file)}
            same = [dict.fromkeys(COLUMNS) | added | {"record": RECORD, "row": last}]
            rows += same
        same[0].update(_identity(one, same[0]))
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict(COLUMNS))
    return replace(catalogue, table=table, form="custom", extra=catalogue.extra.reindex(range(len(table))))


def _identity(one: Decided, row: dict[Any, Any]) -> dict[str, object]:
    """The columns that a decision changes. Without a decided name the table's name stays, if it fits the label."""
    if not one.name and row["hybrid"] is one.hybrid:
        return {}
    subspecies = None if one.hybrid else one.name or row["subspecies"]
    return {"hybrid": one.hybrid, "subspecies": subspecies, **cross_columns(one.name if one.hybrid else None)}
