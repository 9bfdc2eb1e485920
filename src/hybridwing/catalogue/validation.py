"""The rules a table's cells must obey, as one pandera schema, and the faults it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.catalogue.cells import SIDES, path_problem, plain_path, spreadsheet_error
from hybridwing.catalogue.crosses import cross_of, is_cross_name, parse_cross
from hybridwing.catalogue.faults import Fault
from hybridwing.catalogue.taxon_names import parse_taxon
from hybridwing.errors import remedy

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    import pandera.pandas as pa

    from hybridwing.catalogue.columns import Layout
    from hybridwing.catalogue.crosses import Cross


def find_faults(cells: pd.DataFrame, layout: Layout, *, strict: bool) -> list[Fault]:
    """Check all cells of a table; every fault is told once.

    The cells are text under our names, empty ones ``""``; the index is the line of the file. `layout` says which form
    the file has and what it calls its columns. `strict` makes partial rows faults: hybrids whose parents are not both
    known.
    """
    from pandera.errors import SchemaErrors

    try:
        _schema(cells, layout, strict).validate(cells, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        found = zip(cases["index"], cases["column"], cases["failure_case"], cases["check"], strict=True)
        return sorted({Fault(int(line), layout.source_name(name), str(value), why) for line, name, value, why in found})
    return []


def _schema(cells: pd.DataFrame, layout: Layout, strict: bool) -> pa.DataFrameSchema:
    """Rules of one cell, and of one cell given the others of its row, where it can be mended."""
    import pandera.pandas as pa

    def rule(test: Callable[[str], bool], problem: str) -> pa.Check:
        return pa.Check(lambda column: column.map(test).astype(bool), error=problem)

    def unless(wrong: pd.Series[bool], problem: str) -> pa.Check:
        return pa.Check(lambda _: ~wrong, error=problem)

    def one_by_one(problems: pd.Series[str]) -> list[pa.Check]:
        """One check for each distinct problem in a column of problems; "" is none."""
        return [unless(problems == problem, problem) for problem in sorted(set(problems) - {""})]

    no_value = rule(
        lambda cell: not spreadsheet_error(cell),
        "holds the error of a formula that failed; write the value itself, or leave the cell empty",
    )
    paths = cells["filename"].map(plain_path)
    rules: dict[str, list[pa.Check]] = {
        **{column: [no_value] for column in ("specimen", "record", "split")},
        **{
            column: [no_value, *one_by_one(problems)]
            for column, problems in _parentage_problems(cells, layout, strict).items()
        },
        "filename": [
            no_value,
            rule(bool, "is missing: every row needs a file name"),
            *one_by_one(cells["filename"].map(path_problem)),
            unless(paths.duplicated() & (paths != ""), "is listed before; a catalogue has one row an image"),
        ],
        "label": [
            no_value,
            rule(lambda label: not label or layout.hybrid_of(label) is not None, _not_a_label(layout)),
        ],
        "side": [rule(lambda side: not side or side.casefold() in SIDES, "is not a side; write dorsal or ventral")],
        "file_url": [
            pa.Check.str_matches(r"(?i)(https?://[^/\s]+/\S.*)?$", error="is not an http or https address of a file")
        ],
        "md5": [pa.Check.str_matches(r"([0-9a-fA-F]{32})?$", error="is not an MD5 digest of 32 hexadecimal digits")],
    }
    if layout.form != "custom":
        rules["label"].append(rule(bool, "is missing: every row needs a label"))
    if layout.form == "reference":
        rules["group"] = [
            rule(
                lambda group: group in {"major", "minor", "mimic"},
                "is not an indicator; it must be major, minor or mimic",
            )
        ]
    return pa.DataFrameSchema({column: pa.Column(checks=checks) for column, checks in rules.items()})


def _not_a_label(layout: Layout) -> str:
    problem = "is not a label; write hybrid or non-hybrid, 1 or 0, true or false, yes or no"
    if layout.form != "custom":
        return problem
    meaning = remedy("ColumnNames(hybrid_values=..., non_hybrid_values=...)", "--hybrid-value or --non-hybrid-value")
    column = remedy("ColumnNames(label=...)", "--column label=...")
    return f"{problem}, say what it means ({meaning}), or name the column that holds the labels ({column})"


def _parentage_problems(cells: pd.DataFrame, layout: Layout, strict: bool) -> dict[str, pd.Series[str]]:
    """Say for the three cells of descent what is wrong with each, given the row's label."""
    import pandas as pd

    columns = ("subspecies", "parent_1", "parent_2")
    rows = zip(map(layout.hybrid_of, cells["label"]), *(cells[column] for column in columns), strict=True)
    if layout.form == "training":
        found = [_training_problem(*row) for row in rows]
    elif layout.form == "reference":
        found = [_reference_problem(hybrid, name) for hybrid, name, _, _ in rows]
    else:
        with_parents = "parent_1" in layout.columns or "parent_2" in layout.columns
        found = [_custom_problem(*row, with_parents=with_parents, strict=strict) for row in rows]
    return {
        column: pd.Series([problem if column == at else "" for at, problem in found], cells.index, dtype=object)
        for column in columns
    }


def _training_problem(hybrid: bool | None, subspecies: str, first: str, second: str) -> tuple[str, str]:
    if hybrid:
        if subspecies:
            return "subspecies", "is one subspecies, but the row is a hybrid; leave it empty"
        if not first:
            return "parent_1", "is missing: a hybrid needs both parents"
        if not second:
            return "parent_2", "is missing: a hybrid needs both parents"
        return "parent_2", _problem(cross_of, first, second)
    if hybrid is None:
        return "subspecies", ""
    if first or second:
        return ("parent_1" if first else "parent_2"), "is the parent of a hybrid, but the row is a non-hybrid"
    return "subspecies", "" if subspecies else "is missing: a non-hybrid needs its subspecies"


def _reference_problem(hybrid: bool | None, name: str) -> tuple[str, str]:
    if not name:
        return "subspecies", "is missing: every row needs its subspecies or cross"
    if hybrid:
        return "subspecies", _problem(parse_cross, name)
    wrong = hybrid is False and is_cross_name(name)
    return "subspecies", "is a cross, but the row is a non-hybrid" if wrong else ""


def _custom_problem(
    hybrid: bool | None, name: str, first: str, second: str, *, with_parents: bool, strict: bool
) -> tuple[str, str]:
    if hybrid is False:
        if first or second:
            return ("parent_1" if first else "parent_2"), "is the parent of a hybrid, but the row is a non-hybrid"
        hybrids = "is a cross" if is_cross_name(name) else "is a hybrid's" if parse_taxon(name).label else ""
        return "subspecies", hybrids and f"{hybrids}, but the row is a non-hybrid"
    plain = not (is_cross_name(first) or is_cross_name(second))  # a table may hold hybrids of more than two subspecies
    if first and second and (strict or plain) and (problem := _problem(cross_of, first, second)):
        return "parent_2", problem
    if is_cross_name(name):
        if problem := _problem(parse_cross, name):
            return "subspecies", problem
        others = {*_subspecies(first), *_subspecies(second)} - {"", *parse_cross(name).parents}
        return "subspecies", "is a cross of other subspecies than the parents" if others else ""
    if hybrid and name and strict:
        return (
            "subspecies",
            "is one subspecies, but the row is a hybrid; write its cross, such as 'lativitta x notabilis', "
            "or leave it empty",
        )
    if hybrid and strict and with_parents and not (first and second):
        return (
            "parent_2" if first else "parent_1",
            "is missing: a hybrid needs both parents, or its cross as the subspecies",
        )
    return "subspecies", ""


def _subspecies(parent: str) -> tuple[str, ...]:
    """The subspecies that a parent descends from: itself, or the two of its cross."""
    try:
        return parse_cross(parent).parents
    except ValueError:
        return (parent,)


def _problem(read: Callable[..., Cross], *names: str) -> str:
    """Say why names are not those of a cross."""
    try:
        read(*names)
    except ValueError as error:
        return str(error)
    return ""
