"""What metadata alone predicts, on the official tables and on small ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.audit.confounding import (
    best_value,
    confounding_findings,
    measure_columns,
    recall_at_rate,
    score_group,
)
from hybridwing.audit.tables import audited_tables, groups_of
from hybridwing.evaluation.intervals import Proportion

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.audit.report import AuditReport
    from hybridwing.catalogue.schema import Catalogue


@pytest.mark.parametrize(
    ("group", "recall", "true_negatives"),
    [
        ("signal hybrids", Proportion(333, 365), Proportion(793, 862)),
        ("non-signal hybrids", Proportion(0, 28), Proportion(793, 862)),
        ("mimic hybrids", Proportion(214, 248), Proportion(737, 847)),
    ],
)
def test_record_3082688_gives_the_test_away(
    official_report: AuditReport, group: str, recall: Proportion, true_negatives: Proportion
) -> None:
    (rule,) = [
        rule
        for rule in official_report.rules
        if (rule.column, rule.table, rule.group) == ("record", "ref_test.csv", group)
    ]
    assert rule.value == "3082688"
    assert (rule.recall, rule.true_negatives) == (recall, true_negatives)


def test_the_headline_has_the_official_numbers(official_report: AuditReport) -> None:
    first = official_report.findings[0]
    assert (first.key, first.severity) == ("record predicts label", "serious")
    assert "recall 0.912 at a true-negative rate of 0.920" in first.headline
    assert "recall 0.863 at a true-negative rate of 0.870" in first.headline
    assert "It has none of the 28 non-signal hybrids in ref_test.csv" in first.meaning
    assert "--split record" in first.remedy


def test_a_record_in_training_is_judged_out_of_its_fold(official_report: AuditReport) -> None:
    own = [one for one in official_report.predictions if one.table == official_report.source]
    assert {one.held_out for one in own} == {True}
    record = next(one for one in own if one.column == "record")
    assert record.interval.low < record.recall < record.interval.high


def test_weak_columns_are_said_to_be_weak(official_report: AuditReport) -> None:
    (weak,) = [finding for finding in official_report.findings if finding.key == "metadata without effect"]
    assert weak.headline == "Side, file type and white standard alone say next to nothing about the label."


@pytest.mark.parametrize(
    ("values", "hybrid", "best"),
    [
        (["a", "a", "b", "b"], [True, True, False, False], "a"),
        (["a", "a", "b", "b"], [True, None, False, False], "a"),
        (["a", "a"], [True, False], None),
        (["a", "b"], [True, True], None),
        (["a", "b"], [False, False], None),
        (["b", "a"], [None, None], None),
    ],
)
def test_best_value(values: list[str], hybrid: list[bool | None], best: str | None) -> None:
    assert best_value(values, hybrid) == best


def test_ties_at_the_threshold_are_broken_by_lot() -> None:
    scores = np.repeat([1.0, 1.0, 0.0], [8, 10, 90])
    labels = np.repeat([True, False, False], [8, 10, 90])
    assert recall_at_rate(scores, labels) == pytest.approx(0.5)
    assert recall_at_rate(np.array([1.0, 0.0]), np.array([True, False])) == 1.0
    assert recall_at_rate(np.array([0.0, 1.0]), np.array([True, False])) == 0.0


def test_rates_of_the_catalogue_are_applied_to_another_table(make: Callable[..., Catalogue]) -> None:
    rows = [(f"{n}.jpg", f"s{n}", "1", "a x b", "R1", "d") for n in range(6)]
    rows += [(f"{n}.jpg", f"s{n}", "0", "a", "R2", "d") for n in range(6, 12)]
    other = [
        ("x.jpg", "x", "1", "a x b", "R1", "d"),
        ("y.jpg", "y", "0", "a", "R3", "d"),
        ("z.jpg", "z", "", "a", "R1", "d"),
    ]
    tables = audited_tables(make(rows), [make(other, "other.csv")])
    (group,) = groups_of(tables[1])
    prediction = score_group("record", tables[0], group, seed=0)
    assert (prediction.roc_auc, prediction.recall, prediction.held_out) == (1.0, 1.0, False)


def test_a_column_that_misleads_is_no_finding_of_its_own(make: Callable[..., Catalogue]) -> None:
    rows = [(f"{n}.jpg", f"s{n}", str(n % 2), "a x b" if n % 2 else "a", f"R{n // 2 % 2}", "d") for n in range(80)]
    tables = audited_tables(make(rows), [])
    rules, predictions = measure_columns(tables[0], groups_of(tables[0]), seed=1)
    (finding,) = confounding_findings(tables[0], rules, predictions)
    assert finding.severity == "clear"
    assert {rule.column for rule in rules} == {"record"}


@pytest.mark.parametrize("column", ["side", "record"])
def test_the_remedy_fits_the_column(make: Callable[..., Catalogue], column: str) -> None:
    rows = [
        (f"{n}.jpg", f"s{n}", str(n % 2), "a x b" if n % 2 else "a", *(("R1", "v") if n % 2 else ("R2", "d")))
        for n in range(40)
    ]
    tables = audited_tables(make(rows), [])
    rules, predictions = measure_columns(tables[0], groups_of(tables[0]), seed=1)
    found = {finding.key: finding for finding in confounding_findings(tables[0], rules, predictions)}
    assert {"side": "one side", "record": "--split record"}[column] in found[f"{column} predicts label"].remedy
    assert found[f"{column} predicts label"].severity == "serious"
