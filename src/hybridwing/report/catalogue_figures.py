"""Figures of what a catalogue holds, in colours that colour-blind readers can tell apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.metadata import UNKNOWN
from hybridwing.files import write_text
from hybridwing.report.drawing import FAINT, INK, bare, plain, save_plain
from hybridwing.report.figures import HYBRID, NON_HYBRID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hybridwing.catalogue.describe import CatalogueDescription, StatusCount

UNLABELLED = "#8a8a8a"
#: All that `write_description` writes, as patterns.
FILES = ("description.json", "classes.*", "records.*", "metadata.*")
_MOST_ROWS = 60
_LOG_START = 0.7  # left end of a logarithmic scale, so that a bar of one image has a length
_WIDE_RANGE = 30  # from this ratio on, the small bars of a linear scale cannot be told from none
_STATUSES = (
    ("non_hybrids", "non-hybrids", NON_HYBRID),
    ("hybrids", "hybrids", HYBRID),
    ("unlabelled", "unlabelled", UNLABELLED),
)


def draw_classes(description: CatalogueDescription) -> Figure:
    """Images of every subspecies and cross, coloured by hybrid status: the histogram of the challenge's notebook."""
    figure, ax = _figure(min(len(description.classes), _MOST_ROWS))
    _draw_counts(ax, description.classes)
    note = "names inferred from the codes in brackets" if description.names_inferred else ""
    _title(ax, "Images by subspecies and cross", note)
    return figure


def draw_records(description: CatalogueDescription) -> Figure:
    """Images of every record, hybrids and non-hybrids side by side, to show a batch that gives the label away."""
    shown = description.records[:_MOST_ROWS]
    figure, ax = _figure(len(shown), height=0.42)
    _draw_grouped(ax, shown)
    _title(ax, "Images by record and hybrid status", _left_out(description.records))
    return figure


def draw_metadata(description: CatalogueDescription) -> Figure:
    """Images by side, file type and, where the table has them, the challenge's groups."""
    from matplotlib.figure import Figure

    groups = description.groups if any(count.name != UNKNOWN for count in description.groups) else ()
    parts = [("Side", description.sides), ("File type", description.file_types), ("Group", groups)]
    shown = [(title, counts[:12]) for title, counts in parts if counts]
    rows = [len(counts) for _, counts in shown]
    figure = Figure(figsize=(8.2, 0.42 * sum(rows) + 0.75 * len(rows) + 0.5), layout="constrained")
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=rows)[:, 0]
    for ax, (title, counts) in zip(axes, shown, strict=True):
        _draw_grouped(ax, counts)
        _title(ax, f"Images by {title.lower()} and hybrid status", _left_out(counts, 12))
        if ax is not axes[-1]:
            ax.set_xlabel("")
    return figure


def write_description(description: CatalogueDescription, out: Path) -> list[Path]:
    """Write ``description.json`` and the figures ``classes``, ``records`` and ``metadata``, each as PNG and SVG.

    The folder is made where it is missing; files of these names are replaced. Returns the files written.
    """
    out.mkdir(parents=True, exist_ok=True)
    written = [out / "description.json"]
    write_text(written[0], description.to_json() + "\n")
    if description.images:
        for name, draw in (("classes", draw_classes), ("records", draw_records), ("metadata", draw_metadata)):
            written += save_plain(draw(description), out / name)
    return written


def _figure(rows: int, height: float = 0.29) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, height * max(rows, 1) + 1.5), layout="constrained")
    return figure, figure.subplots()


def _draw_counts(ax: Axes, counts: Sequence[StatusCount]) -> None:
    """One bar a name, in the colour of its status; a name of several statuses has the bars of each."""
    rows = [
        (count.name, getattr(count, status), colour)
        for count in counts[:_MOST_ROWS]
        for status, _, colour in _STATUSES
        if getattr(count, status)
    ]
    _bars(ax, np.arange(len(rows), dtype=np.float64), [row[1] for row in rows], [row[2] for row in rows], 0.74)
    ax.set_yticks(range(len(rows)), [plain(row[0]) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    _legend(ax, counts)


def _draw_grouped(ax: Axes, counts: Sequence[StatusCount]) -> None:
    """Bars of each status side by side under one name: on a logarithmic scale stacked lengths would lie."""
    used = [part for part in _STATUSES if any(getattr(count, part[0]) for count in counts)]
    height = 0.8 / len(used)
    everything = [getattr(count, part[0]) for count in counts for part in used]
    places = [row - 0.4 + height * (0.5 + at) for row in range(len(counts)) for at in range(len(used))]
    colours = [part[2] for _ in counts for part in used]
    _bars(ax, np.asarray(places), everything, colours, height * 0.92)
    ax.set_yticks(range(len(counts)), [plain(count.name) for count in counts])
    ax.set_ylim(len(counts) - 0.45, -0.55)
    _legend(ax, counts)


def _bars(
    ax: Axes, places: npt.NDArray[np.float64], values: Sequence[int], colours: Sequence[str], height: float
) -> None:
    """Horizontal bars with their values; logarithmic where a linear scale would hide the small ones."""
    bare(ax)
    positive = [value for value in values if value]
    logarithmic = max(positive) / min(positive) >= _WIDE_RANGE
    ax.barh(places, values, height=height, color=list(colours))
    for place, value in zip(places, values, strict=True):
        at = max(value, _LOG_START) if logarithmic else value
        ax.annotate(
            f"{value:,}", (at, place), xytext=(4, 0), textcoords="offset points", va="center_baseline",
            fontsize=9, color=INK if value else FAINT, bbox={"fc": "white", "ec": "none", "pad": 0.6},
        )  # fmt: skip
    if logarithmic:
        ax.set_xscale("log")
        ax.set_xlim(_LOG_START, max(positive) * 1.9)
        ticks = [10**power for power in range(math.floor(math.log10(max(positive))) + 1)]
        ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        ax.minorticks_off()
    else:
        ax.set_xlim(0, max(positive) * 1.12)
        ax.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    ax.set_xlabel("images (logarithmic scale)" if logarithmic else "images", color=FAINT, fontsize=10)


def _legend(ax: Axes, counts: Sequence[StatusCount]) -> None:
    """Which colour is which status, once a figure and above the bars, where it covers none."""
    from matplotlib.patches import Patch

    if ax.figure.legends or ax.get_subplotspec() is None or not ax.get_subplotspec().is_first_row():  # type: ignore[union-attr]
        return
    handles = [
        Patch(color=colour, label=label)
        for status, label, colour in _STATUSES
        if any(getattr(count, status) for count in counts)
    ]
    ax.figure.legend(handles=handles, loc="outside upper right", ncols=3, frameon=False, fontsize=10, handlelength=1)


def _title(ax: Axes, text: str, note: str = "") -> None:
    ax.set_title(text, loc="left", fontsize=12.5, color=INK, fontweight="bold", pad=22 if note else 8)
    if note:
        ax.annotate(note, (0, 1), xycoords="axes fraction", xytext=(0, 6), textcoords="offset points", fontsize=9.5,
                    color=FAINT, va="bottom")  # fmt: skip


def _left_out(counts: Sequence[StatusCount], shown: int = _MOST_ROWS) -> str:
    return f"the {shown} most frequent of {len(counts)}" if len(counts) > shown else ""
