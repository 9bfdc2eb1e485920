"""The page of an audit: one file that opens anywhere, prints, and asks nothing of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing import __version__
from hybridwing.errors import HybridwingError
from hybridwing.files import write_text
from hybridwing.report.audit_figures import draw_recalls, draw_rules, draw_sources
from hybridwing.report.drawing import svg_of
from hybridwing.report.pages import environment
from hybridwing.report.wing_drawing import thumbnail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hybridwing.audit.findings import EvidenceTable
    from hybridwing.audit.neighbours import ClassOutlier
    from hybridwing.audit.report import AuditReport

#: All that `write_audit` writes.
FILES = ("audit.html", "audit.json")
_TOPICS = (
    ("confounding", "Confounding", "Does something other than the wing say which image is a hybrid?"),
    ("leaks", "Leaks", "Does a test ask about what was trained on?"),
    ("labels", "Labels and sides", "Are the labels right, and do the images show the same thing?"),
    ("power", "Power", "How sure can a number be that rests on so few hybrids?"),
)
_SEVERITIES = ("serious", "caution", "note", "clear")
_SHOWN_ROWS = 12
_SHOWN_OUTLIERS = 12
_SHOWN_NEIGHBOURS = 3
_THUMBNAIL = 180


@dataclass(frozen=True)
class _InlineFigure:
    """A figure of the page; `svg` is our own text and goes in unescaped."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class _Picture:
    """An image of the page."""

    uuid: str
    label: str
    address: str  # Of its thumbnail; empty where it cannot be read


def write_audit(report: AuditReport, out: Path) -> tuple[Path, Path]:
    """Write ``audit.html``, self-contained, and ``audit.json`` into a folder; return the two paths.

    The folder is made where it is missing; an earlier audit in it is replaced. Raises HybridwingError if the files
    cannot be written.
    """
    page, data = out / "audit.html", out / "audit.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_text(page, audit_html(report))
        write_text(data, report.to_json() + "\n")
    except OSError as error:
        raise HybridwingError(f"cannot write the audit to {out}: {error.strerror}") from error
    return page, data


def audit_html(report: AuditReport) -> str:
    """The page as text. Whatever the tables hold is escaped; the page runs no script and loads nothing."""
    templates = environment()
    templates.tests["numeric_column"] = _is_numeric
    return templates.get_template("audit.html.j2").render(
        report=report,
        version=__version__,
        topics=_TOPICS,
        ranked=sorted(report.findings, key=lambda finding: _SEVERITIES.index(finding.severity)),
        figures=_figures(report),
        outliers=_with_neighbours(report.outliers[:_SHOWN_OUTLIERS], report.folder) if report.folder else [],
        shown_rows=_SHOWN_ROWS,
    )


def _is_numeric(table: EvidenceTable, column: int) -> bool:
    """Whether a column holds numbers only, which are set to the right."""
    return bool(table.rows) and all(isinstance(row[column], int) for row in table.rows)


def _figures(report: AuditReport) -> dict[str, list[_InlineFigure]]:
    """Figures of each topic, where there is something to draw."""
    figures: dict[str, list[_InlineFigure]] = {topic: [] for topic, _, _ in _TOPICS}
    tables = list(dict.fromkeys(source.table for source in report.class_sources))
    rules = [rule for rule in report.rules if rule.table in tables]  # those inside another table would repeat it
    if rules:
        figures["confounding"].append(
            _InlineFigure(
                "What one value of each metadata column gives away.",
                "Share of the hybrids and of the non-hybrids that have the value, with 95 % intervals. The longer "
                "the grey bar, the more a model can know without looking; where the hybrids lie left of the "
                "non-hybrids, it misleads.",
                svg_of(draw_rules(rules), "rules"),
            )
        )
    for number, table in enumerate(tables):
        sources = [source for source in report.class_sources if source.table == table]
        if len({source.record for source in sources}) > 1:
            figures["confounding"].append(
                _InlineFigure(
                    f"Where the classes of {table} come from.",
                    "Images of each class by record; the names of hybrids in vermilion. A class with one cell "
                    "cannot be told from its record.",
                    svg_of(draw_sources(sources), f"sources{number}"),
                )
            )
    if report.recalls:
        figures["power"].append(
            _InlineFigure(
                "How sure a recall is.",
                "Were about a quarter, half, three quarters or nine tenths of a group found, the truth could lie "
                "anywhere on the line (Wilson's 95 % interval).",
                svg_of(draw_recalls(report.recalls), "recalls"),
            )
        )
    return figures


def _with_neighbours(outliers: Sequence[ClassOutlier], folder: Path) -> list[list[_Picture]]:
    """Each image in doubt, followed by the nearest to it."""
    return [
        [
            _Picture(uuid, name, thumbnail(folder / uuid, _THUMBNAIL))  # a catalogue's key is the path in the folder
            for uuid, name, _ in [
                (outlier.uuid, outlier.class_name, 1.0),
                *outlier.neighbours[:_SHOWN_NEIGHBOURS],
            ]
        ]
        for outlier in outliers
    ]
