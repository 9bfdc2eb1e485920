"""Rows, specimens and broods on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hybridwing.audit.overlap import (
    BRED_RECORDS,
    brood_findings,
    overlap,
    overlap_findings,
    read_bred_records,
    specimen_finding,
)
from hybridwing.audit.run import audit
from hybridwing.audit.tables import audited_tables
from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.audit.report import AuditReport
    from hybridwing.catalogue.schema import Catalogue


def test_all_of_val_is_inside_test(official_report: AuditReport) -> None:
    (finding,) = [finding for finding in official_report.findings if finding.key == "tables overlap"]
    assert finding.headline == "All 1,175 rows of ref_val.csv are inside ref_test.csv."
    assert finding.severity == "caution"
    assert finding.evidence[0].rows[0][:4] == ("file name", 1175, 1175, 2350)


def test_training_and_test_are_apart_by_name(official_report: AuditReport) -> None:
    (clear,) = [finding for finding in official_report.findings if finding.key == "tables apart"]
    assert clear.severity == "clear"
    assert "butterfly_anomaly_train.csv with ref_test.csv" in clear.headline


def test_a_specimen_on_both_sides_is_serious(make: Callable[..., Catalogue]) -> None:
    train = make([("1_d.jpg", "s1", "0", "a", "R1", "d"), ("2.jpg", "s2", "0", "a", "R1", "d")])
    test = make([("1_v.jpg", "s1", "0", "a", "R1", "v"), ("3.jpg", "s3", "0", "a", "R1", "d")], "test.csv")
    tables = audited_tables(train, [test])
    (finding,) = overlap_findings(tables)
    assert finding.severity == "serious"
    assert finding.headline == "1 specimen of mine.csv can be found in test.csv too."
    assert [one.key for one in overlap(*tables) if one.shared] == ["specimen"]


def test_two_tables_of_one_name_are_told_apart(make: Callable[..., Catalogue]) -> None:
    one = make([("1.jpg", "1", "0", "a", "R1", "d")])
    assert [table.name for table in audited_tables(one, [one, one])] == ["mine.csv", "mine.csv (2)", "mine.csv (3)"]


def test_specimens_photographed_several_times(make: Callable[..., Catalogue]) -> None:
    rows = [
        ("1_d.jpg", "s1", "0", "a", "R1", "d"),
        ("1_v.jpg", "s1", "0", "a", "R1", "v"),
        ("2.jpg", "s2", "0", "a", "R1", "d"),
    ]
    finding = specimen_finding(audited_tables(make(rows), [])[0])
    assert finding.severity == "serious"
    assert "--split specimen" in finding.remedy
    assert finding.evidence[0].rows == (("s1", 2),)


def test_a_specimen_under_two_classes_is_serious(make: Callable[..., Catalogue]) -> None:
    rows = [
        ("1.jpg", "s1", "0", "a", "R1", "d"),
        ("2.jpg", "s1", "0", "b", "R1", "d"),
        ("3.jpg", "s3", "", "b", "R1", "d"),
    ]
    findings = {finding.key: finding for finding in audit(make(rows)).findings}
    assert findings["specimen under several classes"].evidence[0].rows == (("s1", "a, b"),)
    assert findings["images without a label"].headline == "1 image of mine.csv without a label."


def test_bred_records_are_those_the_challenges_references_name(shared: Path) -> None:
    assert read_bred_records(shared / "challenge" / "butterfly_anomaly.bib") == BRED_RECORDS


def test_every_entry_of_a_bibliography_counts(tmp_path: Path) -> None:
    with_mark = "\ufeff@misc{a,\ntitle = {My broods},\ndoi = {zenodo.1}\n}\n"
    indented = "  @misc {b,\ntitle = {Bred},\ndoi = {zenodo.2}\n}\n"
    (tmp_path / "own.bib").write_text(with_mark + indented, encoding="utf-8")
    assert read_bred_records(tmp_path / "own.bib") == {"1": "My broods", "2": "Bred"}


def test_siblings_of_ikiam_broods_are_on_both_sides(official_report: AuditReport) -> None:
    found = {finding.key: finding for finding in official_report.findings}
    assert found["siblings on both sides"].headline.startswith(
        "Record 4288311 holds bred specimens and is divided: 477 images in butterfly_anomaly_train.csv, 377 in ref_test"
    )
    assert found["siblings within the catalogue"].headline.startswith("589 images of butterfly_anomaly_train.csv")


def test_broods_of_ones_own(make: Callable[..., Catalogue]) -> None:
    tables = audited_tables(make([(f"{n}.jpg", f"{n}", "0", "a", f"R{n}", "d") for n in range(3)]), [])
    assert [finding.key for finding in brood_findings(tables, {"R1": "my broods"})] == ["no known broods"]
    both = audited_tables(tables[0].catalogue, [make([("x.jpg", "x", "0", "a", "R1", "d")], "test.csv")])
    (across,) = brood_findings(both, {"R1": "my broods"})
    assert across.evidence[0].rows == (("R1", "my broods", 1, "test.csv", 1),)


def test_a_bibliography_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.bib").write_bytes(b"@misc{a,\ntitle = {\xe9}\n}")
    for name in ("missing.bib", "latin.bib"):
        with pytest.raises(CatalogueError, match=name):
            read_bred_records(tmp_path / name)
