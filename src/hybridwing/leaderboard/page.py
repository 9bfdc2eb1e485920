"""The page of a leaderboard: one file that opens anywhere, runs no script and loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing import __version__
from hybridwing.evaluation.challenge_score import TITLES
from hybridwing.evaluation.comparison import COLUMNS
from hybridwing.report.drawing import FAINT, GRID, INK, bare, plain, svg_of
from hybridwing.report.pages import environment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hybridwing.evaluation.comparison import Comparison
    from hybridwing.evaluation.intervals import Estimate

#: Okabe & Ito's blue for a measure; vermilion and bluish green for a difference that is surely below or above nothing.
_PLAIN, _WORSE, _BETTER = "#0072B2", "#D55E00", "#009E73"
#: What the figure shows; the table has all.
_DRAWN = ("challenge_score", "A_score_major_recall", "A_score_minor_recall", "mimic_recall")


def leaderboard_html(comparison: Comparison, reference: str) -> str:
    """The page as text; every name is escaped. `reference` is the name of the table that was scored against."""
    differences = ""
    if len(comparison.systems) > 1:
        differences = svg_of(_draw(comparison, differences=True), "differences")
    values = {key: [one.measures[key].value for one in comparison.systems if key in one.measures] for key in COLUMNS}
    return (
        environment()
        .get_template("leaderboard.html.j2")
        .render(
            comparison=comparison,
            columns=COLUMNS,
            best={key: max(found) for key, found in values.items() if found},
            groups=TITLES,
            reference=reference,
            version=__version__,
            surely=surely,
            signed=signed,
            measures=svg_of(_draw(comparison, differences=False), "measures"),
            differences=differences,
        )
    )


def signed(value: float, digits: int = 2) -> str:
    """Format a difference with its sign; zero has none.

    Examples
    --------
    >>> signed(-0.0041), signed(-0.35), signed(0.1234, 3)
    ('0.00', '−0.35', '+0.123')
    """
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}".replace("-", "\N{MINUS SIGN}") if rounded else f"{0:.{digits}f}"


def surely(estimate: Estimate) -> str:
    """Say ``"better"`` or ``"worse"`` if a difference's interval excludes zero, else ``""``."""
    if estimate.interval.low > 0:
        return "better"
    return "worse" if estimate.interval.high < 0 else ""


def _draw(comparison: Comparison, *, differences: bool) -> Figure:
    """Draw a panel for each measure, with a dot and an interval for each system."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    systems = comparison.systems[1:] if differences else comparison.systems
    height = 0.34 * len(systems) + 1.1
    figure = Figure(figsize=(11.0, height), layout=ConstrainedLayoutEngine(wspace=0.04))
    axes = figure.subplots(1, len(_DRAWN), sharey=True, squeeze=False)[0]
    for ax, key in zip(axes, _DRAWN, strict=True):
        for row, system in enumerate(systems):
            shown = system.differences if differences else system.measures
            if key in shown:
                _mark(ax, row, shown[key], differences)
        bare(ax)
        ax.set_title(COLUMNS[key], fontsize=10, fontweight="bold", color=INK, loc="left")
        ax.set_ylim(len(systems) - 0.4, -0.6)
        if differences:
            ax.axvline(0, color=FAINT, lw=0.9, zorder=0.5)
        else:
            ax.set_xlim(-0.03, 1.03)
            ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    axes[0].set_yticks(range(len(systems)), [plain(system.name, 34) for system in systems])
    return figure


def _mark(ax: Axes, row: int, estimate: Estimate, differences: bool) -> None:
    colour = {"better": _BETTER, "worse": _WORSE}.get(surely(estimate), FAINT) if differences else _PLAIN
    ax.plot([estimate.interval.low, estimate.interval.high], [row, row], color=colour, lw=2.4, solid_capstyle="round")
    ax.plot([estimate.value], [row], "o", ms=6.5, color=colour, mec="white", mew=1.0)
    ax.axhline(row, color=GRID, lw=0.6, zorder=0.2)
