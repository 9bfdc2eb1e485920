"""How wide intervals are with as few hybrids as there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.audit.power import RECALLS, measure_power, power_findings, recall_precision, remainders, score_precision
from hybridwing.audit.tables import audited_tables, groups_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.audit.report import AuditReport
    from hybridwing.catalogue.schema import Catalogue


def test_28_and_11_non_signal_hybrids(official_report: AuditReport) -> None:
    counts = {(one.table, one.hybrids) for one in official_report.recalls if one.group == "non-signal hybrids"}
    assert counts == {("ref_val.csv", 17), ("ref_test.csv", 28), ("ref_test.csv without ref_val.csv", 11)}
    (finding,) = [finding for finding in official_report.findings if finding.key == "interval of recall"]
    assert finding.headline == (
        "With 11 non-signal hybrids in ref_test.csv without ref_val.csv, 8 found (recall 0.73) means anything from "
        "0.43 to 0.90; with 28 in ref_test.csv, 21 found (recall 0.75) means 0.57 to 0.87."
    )
    assert finding.severity == "serious"


def test_the_remainder_is_what_the_other_does_not_hold(official: dict[str, Catalogue]) -> None:
    tables = audited_tables(official["train"], [official["val"], official["test"]])
    (rest,) = remainders(tables[1:])
    assert len(rest) == 1175
    assert not set(rest.uuids) & set(tables[1].uuids)


def test_a_simulated_score_is_near_the_harmonic_mean_of_its_recalls(official_report: AuditReport) -> None:
    for one in official_report.scores:
        exact = 3 / (1 / one.signal + 1 / one.non_signal + 1 / one.mimic)
        assert one.median == pytest.approx(exact, abs=0.02)
        assert one.interval.low < exact < one.interval.high
    widths = {one.table: one.interval.width for one in official_report.scores if one.non_signal == 0.5}
    assert widths["ref_test.csv without ref_val.csv"] > widths["ref_test.csv"]


def test_a_score_needs_the_three_groups_and_repeats_with_its_seed(official: dict[str, Catalogue]) -> None:
    tables = audited_tables(official["train"], [official["val"]])
    groups = groups_of(tables[1])
    assert score_precision(tables[1], groups[:2], seed=1) == []
    assert score_precision(tables[1], groups, seed=1) == score_precision(tables[1], groups, seed=1)
    assert score_precision(tables[1], groups, seed=1) != score_precision(tables[1], groups, seed=2)


def test_intervals_of_a_recall() -> None:
    one = recall_precision("t", "g", 28)[RECALLS.index(0.75)]
    assert (one.found, one.recall) == (21, 0.75)
    assert one.wilson.low < 0.75 < one.wilson.high


def test_without_a_reference_it_is_a_fifth_of_the_catalogue(make: Callable[..., Catalogue]) -> None:
    rows = [(f"{n}.jpg", f"s{n}", str(n % 2), "a x b" if n % 2 else "a", "R", "d") for n in range(40)]
    recalls, scores = measure_power(audited_tables(make(rows), []), seed=0)
    assert {(one.table, one.hybrids) for one in recalls} == {("a fifth of mine.csv", 4)}
    assert scores == []
    assert np.isclose(recalls[1].recall, 0.5)
    (finding,) = power_findings(recalls, scores)
    assert finding.headline == (
        "With 4 hybrids in a fifth of mine.csv, 3 found (recall 0.75) means anything from 0.30 to 0.95."
    )


def test_without_hybrids_there_is_nothing_to_state(make: Callable[..., Catalogue]) -> None:
    recalls, scores = measure_power(audited_tables(make([("1.jpg", "1", "0", "a", "R", "d")]), []), seed=0)
    assert power_findings(recalls, scores) == []
