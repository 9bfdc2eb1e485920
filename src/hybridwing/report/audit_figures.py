"""Figures of an audit: what one column gives away, where classes come from, how wide intervals are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import counted
from hybridwing.report.drawing import FAINT, GRID, INK, bare, plain
from hybridwing.report.figures import HYBRID, NON_HYBRID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hybridwing.audit.confounding import RuleResult
    from hybridwing.audit.power import RecallPrecision
    from hybridwing.audit.sources import ClassSource
    from hybridwing.evaluation.intervals import Proportion

_MOST_CLASSES, _MOST_RECORDS, _MOST_ACROSS = 40, 32, 4


def draw_rules(rules: Sequence[RuleResult]) -> Figure:
    """How many hybrids and how many non-hybrids have each column's best value, group by group.

    The further the two dots are apart, the more the value gives away; where hybrids lie left, it misleads.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    groups = list(dict.fromkeys((rule.table, rule.group) for rule in rules))
    strongest: dict[str, float] = {}
    for rule in rules:
        strongest[rule.column] = max(rule.informedness, strongest.get(rule.column, -1.0))
    columns = sorted(strongest, key=lambda column: -strongest[column])
    across = min(len(groups), _MOST_ACROSS)
    down = -(-len(groups) // across)
    height = 0.42 * len(columns) + 0.75
    # Room below the last label: fonts of a browser reach lower than those that the layout measured.
    layout = ConstrainedLayoutEngine(h_pad=0.1)
    figure = Figure(figsize=(3.0 + 2.15 * across, height * down + 0.9), layout=layout)
    axes = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for place, (ax, (table, group)) in enumerate(zip(axes, groups, strict=False)):
        bare(ax)
        own = {rule.column: rule for rule in rules if (rule.table, rule.group) == (table, group)}
        for row, column in enumerate(columns):
            _draw_pair(ax, row, own[column])
        ax.set_title(f"{plain(group, 26)}\n{plain(table, 30)}", loc="left", fontsize=10, color=INK)
        if place + across >= len(groups):  # nothing is below it
            ax.tick_params(labelbottom=True)
            ax.set_xlabel("share that has the value", color=FAINT, fontsize=9)
    for ax in axes[len(groups) :]:
        ax.set_visible(False)
    value = {rule.column: rule.value for rule in rules}
    axes[0].set_yticks(range(len(columns)), [f"{column}\n{plain(value[column], 30)}" for column in columns], fontsize=9)
    axes[0].set_ylim(len(columns) - 0.45, -0.55)
    axes[0].set_xlim(-0.04, 1.04)
    axes[0].set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    _dots_legend(figure)
    return figure


def draw_sources(sources: Sequence[ClassSource]) -> Figure:
    """Images of each class (row) from each record (column), darker for more; the classes of hybrids in vermilion."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    classes = _largest([(source.class_name, source.images) for source in sources], _MOST_CLASSES)
    records = _largest([(source.record, source.images) for source in sources], _MOST_RECORDS)
    counts = np.zeros((len(classes), len(records)), dtype=np.int64)
    hybrids = {source.class_name for source in sources if source.hybrid}
    for source in sources:
        if source.class_name in classes and source.record in records:
            counts[classes.index(source.class_name), records.index(source.record)] += source.images
    figure = Figure(figsize=(2.6 + 0.36 * len(records), 1.3 + 0.28 * len(classes)), layout="constrained")
    ax = figure.subplots()
    shade = LinearSegmentedColormap.from_list("images", ["#f2f6fa", "#9fc5e0", NON_HYBRID])
    ax.imshow(np.log1p(counts), cmap=shade, aspect="auto", vmin=0)
    dark = np.log1p(counts) > 0.72 * np.log1p(counts.max())
    for row, column in np.argwhere(counts > 0).tolist():
        colour = "white" if dark[row, column] else INK
        ax.text(column, row, str(counts[row, column]), ha="center", va="center_baseline", fontsize=7.5, color=colour)
    ax.set_xticks(range(len(records)), [plain(record, 16) for record in records], rotation=60, ha="right", fontsize=8.5)
    ax.set_yticks(range(len(classes)), [plain(name, 34) for name in classes], fontsize=9.5)
    for label, name in zip(ax.get_yticklabels(), classes, strict=True):
        label.set_color(HYBRID if name in hybrids else INK)
    ax.tick_params(length=0)
    ax.set_xticks(np.arange(len(records) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(classes) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", lw=1.2)
    ax.tick_params(which="minor", length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_xlabel("record", color=FAINT, fontsize=10)
    return figure


def draw_recalls(recalls: Sequence[RecallPrecision]) -> Figure:
    """Wilson's interval of each group's recall at a few values of it, the smallest groups on top."""
    from matplotlib.figure import Figure

    groups = sorted({(one.hybrids, one.group, one.table) for one in recalls})
    figure = Figure(figsize=(8.6, 0.62 * len(groups) + 1.0), layout="constrained")
    ax = figure.subplots()
    bare(ax)
    for row, (hybrids, group, table) in enumerate(groups):
        own = [one for one in recalls if (one.hybrids, one.group, one.table) == (hybrids, group, table)]
        for at, one in enumerate(own):
            place = row - 0.27 + 0.54 * at / max(len(own) - 1, 1)
            ax.plot([one.wilson.low, one.wilson.high], [place, place], color=HYBRID, lw=2, solid_capstyle="butt")
            ax.plot(one.recall, place, "o", color=HYBRID, ms=4.5)
        if row:
            ax.axhline(row - 0.5, color=GRID, lw=0.8)
    names = [f"{counted(hybrids, plain(group).removesuffix('s'))}\n{plain(table)}" for hybrids, group, table in groups]
    ax.set_yticks(range(len(groups)), names, fontsize=9)
    ax.set_ylim(len(groups) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    ax.set_xlabel("recall, with its 95 % interval", color=FAINT, fontsize=10)
    return figure


def _draw_pair(ax: Axes, row: int, rule: RuleResult) -> None:
    negatives = rule.true_negatives
    ends = sorted((1 - negatives.share, rule.recall.share))
    ax.plot(ends, [row, row], color=GRID, lw=5, solid_capstyle="butt", zorder=0.5)
    _draw_share(ax, row + 0.13, negatives, NON_HYBRID, complement=True)
    _draw_share(ax, row - 0.13, rule.recall, HYBRID, complement=False)


def _draw_share(ax: Axes, place: float, proportion: Proportion, colour: str, *, complement: bool) -> None:
    share, low, high = proportion.share, proportion.interval.low, proportion.interval.high
    if complement:
        share, low, high = 1 - share, 1 - high, 1 - low
    ax.plot([low, high], [place, place], color=colour, lw=2, alpha=0.55, solid_capstyle="butt")
    ax.plot(share, place, "o" if colour == HYBRID else "D", color=colour, ms=5.5, clip_on=False)


def _dots_legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="o", ls="", color=HYBRID, label="hybrids"),
        Line2D([], [], marker="D", ls="", color=NON_HYBRID, label="non-hybrids"),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2, frameon=False, fontsize=10)


def _largest(pairs: Sequence[tuple[str, int]], most: int) -> list[str]:
    totals: dict[str, int] = {}
    for name, images in pairs:
        totals[name] = totals.get(name, 0) + images
    return sorted(totals, key=lambda name: (-totals[name], name))[:most]
