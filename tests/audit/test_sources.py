"""Which record each class comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.audit.sources import class_sources, source_findings
from hybridwing.audit.tables import audited_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.audit.report import AuditReport
    from hybridwing.catalogue.schema import Catalogue


def test_all_test_lativitta_come_from_a_record_hardly_trained_on(official_report: AuditReport) -> None:
    test = [source for source in official_report.class_sources if source.table == "ref_test.csv"]
    (lativitta,) = [source for source in test if source.class_name == "lativitta"]
    assert (lativitta.record, lativitta.images, lativitta.class_images) == ("4291095", 368, 368)
    assert lativitta.only_record
    assert (lativitta.trained_on, lativitta.trained_on_class) == (27, 27)
    (finding,) = [finding for finding in official_report.findings if finding.key == "record hardly trained on"]
    assert finding.severity == "serious"
    assert finding.headline.startswith(
        "All 368 lativitta in ref_test.csv come from record 4291095, which has 27 images in butterfly_anomaly_train"
    )


def test_classes_of_one_record(official_report: AuditReport) -> None:
    single = [source for source in official_report.class_sources if source.only_record]
    train = {source.class_name for source in single if source.table == official_report.source}
    assert train == {
        "amalfreda", "chestertonii", "demophoon", "dignus", "etylus", "petiverana", "phyllis", "reductimacula",
    }  # fmt: skip
    headlines = [finding.headline for finding in official_report.findings if finding.key == "class from one record"]
    assert headlines[0].startswith("8 of 15 classes in butterfly_anomaly_train.csv come from one record only")


def test_validation_is_not_listed_beside_the_test_it_is_inside(official_report: AuditReport) -> None:
    assert {source.table for source in official_report.class_sources} == {official_report.source, "ref_test.csv"}


def test_an_unknown_record_is_no_single_record(make: Callable[..., Catalogue]) -> None:
    tables = audited_tables(make([("1.jpg", "1", "0", "a", "", "d"), ("2.jpg", "2", "0", "a", "", "d")]), [])
    sources = class_sources(tables[0], tables[0])
    assert not sources[0].only_record
    assert source_findings(sources, tables[0].name) == []


def test_a_record_that_gave_a_part_of_a_class_is_said_to(make: Callable[..., Catalogue]) -> None:
    train = make([(f"{n}.jpg", f"{n}", "0", "a", "R1", "d") for n in range(40)])
    test = make([(f"t{n}.jpg", f"t{n}", "0", "a", "R2" if n < 3 else "R1", "d") for n in range(5)], "test.csv")
    tables = audited_tables(train, [test])
    found = source_findings(class_sources(tables[0], tables[1]), tables[0].name)
    assert [finding.headline for finding in found] == [
        "3 of 5 a in test.csv come from record R2, which has 0 images in mine.csv."
    ]
    assert found[0].severity == "caution"
