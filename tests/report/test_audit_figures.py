"""Figures of an audit, of results made by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from hybridwing.audit.confounding import RuleResult
from hybridwing.audit.power import recall_precision
from hybridwing.audit.sources import ClassSource
from hybridwing.evaluation.intervals import Proportion
from hybridwing.report.audit_figures import draw_recalls, draw_rules, draw_sources
from hybridwing.report.drawing import svg_of


def _texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def _rule(column: str, group: str, hits: int) -> RuleResult:
    return RuleResult(column, "$x$ <b>", "t.csv", group, Proportion(hits, 10), Proportion(9, 10))


@pytest.mark.slow
def test_the_telling_column_is_on_top() -> None:
    rules = [_rule(column, f"group {n}", hits) for n in range(5) for column, hits in (("side", 1), ("record", 9))]
    figure = draw_rules(rules)
    assert [label.get_text().split("\n")[0] for label in figure.axes[0].get_yticklabels()] == ["record", "side"]
    assert [ax.get_visible() for ax in figure.axes] == [True] * 5 + [False] * 3
    assert "$x$ <b>" in _texts(svg_of(figure, "rules"))


def test_every_cell_has_its_number_and_the_largest_come_first() -> None:
    sources = [
        ClassSource("t.csv", name, record, images, images, hybrid, 0, 0)
        for name, record, images, hybrid in (
            ("a", "R1", 300, False),
            ("a × b", "R2", 12, True),
            ("b", "R2", 500, False),
        )
    ]
    figure = draw_sources(sources)
    ax = figure.axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "a", "a × b"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["R2", "R1"]
    assert {"300", "12", "500"} <= set(_texts(svg_of(figure, "sources")))
    assert len({label.get_color() for label in ax.get_yticklabels()}) == 2


def test_the_smallest_group_is_on_top() -> None:
    recalls = [one for n in (28, 11) for one in recall_precision("t.csv", "hybrids", n)]
    labels = [label.get_text() for label in draw_recalls(recalls).axes[0].get_yticklabels()]
    assert labels == ["11 hybrids\nt.csv", "28 hybrids\nt.csv"]


@pytest.mark.parametrize(("groups", "columns"), [(1, 1), (4, 2), (5, 3), (9, 1)])
def test_every_axis_label_of_the_rules_is_inside_the_figure(groups: int, columns: int) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    share = Proportion(3, 10)
    figure = draw_rules(
        [
            RuleResult(f"column {c}", "value", f"table {g}.csv", f"group {g}", share, share)
            for g in range(groups)
            for c in range(columns)
        ]
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = [ax for ax in figure.axes if ax.get_visible() and ax.get_xlabel()]
    assert len(shown) == min(groups, 4)  # one a column of panels, the lowest
    for ax in shown:
        place = ax.xaxis.label.get_window_extent(canvas.get_renderer())
        assert place.y0 >= 0.05 * figure.dpi
        assert any(label.get_visible() for label in ax.get_xticklabels())
