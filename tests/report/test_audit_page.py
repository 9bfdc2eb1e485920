"""The page of an audit: whole, self-contained, and unharmed by hostile tables."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from hybridwing.audit.neighbours import ClassOutlier, outlier_finding
from hybridwing.audit.run import audit
from hybridwing.catalogue.readers import ColumnNames, read_catalogue
from hybridwing.errors import HybridwingError
from hybridwing.report.audit_page import audit_html, write_audit

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.audit.report import AuditReport
    from hybridwing.catalogue.schema import Catalogue

SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(2)>"
_VOID = {"meta", "br", "img", "link", "input", "hr"}


class _Page(HTMLParser):
    """Tags in order, checked to be closed, with their identifiers and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.identifiers: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.identifiers += [value or "" for name, value in attrs if name == "id"]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, self.getpos()


def _catalogue(folder: Path, *, text: str = "", rows: int = 60) -> Catalogue:
    """Hybrids of one record and one side, with a text in every cell that takes one."""
    path = folder / "mine.csv"
    lines = ["filename,specimen,label,class,record,side"]
    for n in range(rows):
        hybrid = n % 3 == 0
        name = f"{n}{text.replace('/', '').replace(chr(92), '')}.jpg"
        taxon = "a" + text.replace("(", "").replace(")", "")  # brackets belong to the names of crosses
        kind = f"{taxon} x b" if hybrid else taxon
        record, side = ("R1", "v") if hybrid else ("R2", "d")
        lines.append(f'"{name}","s{n // 2}{text}",{int(hybrid)},"{kind}","{record}{text}",{side}')
    path.write_text("\n".join(lines), encoding="utf-8")
    names = ColumnNames(specimen="specimen", label="label", subspecies="class", record="record", side="side")
    return read_catalogue(path, columns=names)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    return audit(_catalogue(tmp_path_factory.mktemp("tables")))


def test_writes_a_page_and_its_data(report: AuditReport, tmp_path: Path) -> None:
    page, data = write_audit(report, tmp_path / "made" / "here")
    assert (page.name, data.name) == ("audit.html", "audit.json")
    assert len(json.loads(data.read_text(encoding="utf-8"))["findings"]) == len(report.findings)
    text = page.read_text(encoding="utf-8")
    for finding in report.findings:
        assert f"{finding.key}</span>" in text
    assert text.count("What to do:") == sum(finding.severity != "clear" for finding in report.findings)
    assert text.count("Not checked:") == len(report.unchecked)


def test_the_page_is_whole_and_loads_nothing(report: AuditReport) -> None:
    page = _Page(audit_html(report))
    assert page.tags.count("svg") == 3
    assert not {"script", "iframe", "link", "object", "embed"} & set(page.tags)
    assert len(page.identifiers) == len(set(page.identifiers))
    addresses = [value or "" for name, value in page.attributes if name in ("href", "src", "xlink:href")]
    assert all(address.startswith(("#", "data:image/")) for address in addresses)
    assert {address[1:] for address in addresses if address.startswith("#")} <= set(page.identifiers)


def test_the_same_report_is_the_same_page(report: AuditReport) -> None:
    assert audit_html(report) == audit_html(report)


@pytest.mark.slow
@pytest.mark.parametrize("text", [SCRIPT, IMAGE, "{{ 7 * 7 }}", "$\\frac{$", "' onclick='y", "&amp;"])
def test_hostile_cells_are_text(tmp_path: Path, text: str) -> None:
    catalogue = _catalogue(tmp_path, text=text, rows=24)
    page = audit_html(audit(catalogue, references=[catalogue]))
    parsed = _Page(page)
    assert "script" not in parsed.tags
    assert "img" not in parsed.tags
    assert not any(name.startswith("on") for name, _ in parsed.attributes)
    assert "{{ 7 * 7 }}" in page or "{{" not in text
    if text == SCRIPT:
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_long_tables_fold(report: AuditReport) -> None:
    assert "18 more rows (also in audit.json)" in audit_html(report)  # 30 specimens with two images, 12 of them shown


def test_a_collection_without_anything_to_say(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("filename\none.jpg\n")
    text = audit_html(audit(read_catalogue(tmp_path / "one.csv")))
    assert "<svg" not in text
    assert "there are no hybrids to find" in text


def test_images_in_doubt_are_shown_with_their_neighbours(report: AuditReport, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (200, 30, 30)).save(tmp_path / "0.jpg")
    near = (("1.jpg", "b", 0.9), ("0.jpg", "b", 0.8))
    outlier = ClassOutlier("0.jpg", "a", "R1", "b", 0.7, near)
    findings = (*report.findings, outlier_finding([outlier], 60))
    shown = replace(report, outliers=(outlier,), folder=tmp_path, findings=findings)
    page = _Page(audit_html(shown))
    pictures = [value or "" for name, value in page.attributes if name == "src"]
    assert len(pictures) == 2
    assert all(re.match(r"data:image/webp;base64,UklGR", picture) for picture in pictures)
    without = _Page(audit_html(replace(shown, folder=None)))
    assert "img" not in without.tags


@pytest.mark.slow
def test_the_official_tables_make_a_page(official_report: AuditReport) -> None:
    text = audit_html(official_report)
    _Page(text)
    assert "recall 0.912 at a true-negative rate of 0.920" in text
    assert text.count("<svg") == 4


def test_a_place_that_cannot_be_written(report: AuditReport, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HybridwingError, match="cannot write the audit"):
        write_audit(report, tmp_path / "file" / "below")
