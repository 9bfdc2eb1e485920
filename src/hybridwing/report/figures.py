"""Figures of an evaluation, in colours that colour-blind readers can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridwing.evaluation.challenge_score import unmeasured
from hybridwing.evaluation.metrics import threshold_at_tnr
from hybridwing.files import written_whole
from hybridwing.report.drawing import FAINT, INK

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from hybridwing.runs.evaluate import DetectorEvaluation, Evaluation

#: Okabe & Ito's blue and vermilion (2008, Color Universal Design): apart under every common colour blindness.
NON_HYBRID, HYBRID = "#0072B2", "#D55E00"
_TITLES = {"major": "Signal hybrids", "minor": "Non-signal hybrids", "mimic": "Mimic hybrids"}
#: Width of a bar, in units of the score.
_STEP = 0.025
#: Sizes of text in points, at the figure's own size.
_LARGE, _MEDIUM, _SMALL = 12, 10, 9
#: Right end of a detector's name, in widths of a panel: left of the labels of the vertical axis.
_LEFT = -0.17
#: The threshold's line.
_LINE: dict[str, Any] = {"color": INK, "lw": 1.2, "ls": (0, (4, 2))}
#: Shares that the vertical axis may name.
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


def draw_evaluation(evaluation: Evaluation) -> Figure:
    """Where the scores of hybrids and non-hybrids lie: a row a detector, a column a group of the challenge.

    The dashed line is the threshold at which 95 % of the non-hybrids (of species A, or of the mimics) pass as such.
    What lies to its right is called hybrid, and only that: bars begin and end at the threshold and leave out their left
    edge. Bars are as high as the share of hybrids, or of non-hybrids, that they hold; a row has one scale.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    grouped = all(result.challenge is not None for result in evaluation.detectors.values())
    names = list(_TITLES) if grouped else ["all"]
    labels, groups = evaluation.catalogue.labels.astype(bool), evaluation.catalogue.groups
    known = "challenge_score" not in unmeasured(labels, groups)
    rows = len(evaluation.detectors)
    layout = ConstrainedLayoutEngine(wspace=0.05, hspace=0.03)
    with _own_style():
        figure = Figure(figsize=(3.7 * len(names) + 1.6, 1.75 * rows + 1.3), layout=layout)
        axes = figure.subplots(rows, len(names), squeeze=False, sharex=True, sharey="row")
        for row, (detector, result) in enumerate(evaluation.detectors.items()):
            _name_row(axes[row, 0], detector, result, known=known)
            for column, name in enumerate(names):
                ax = axes[row, column]
                _draw_scores(ax, result.scores, labels, groups, name)
                if row == 0:
                    title = _TITLES.get(name, "All images")
                    ax.set_title(title, fontsize=_LARGE, fontweight="bold", color=INK, loc="left", pad=21)
                if row == rows - 1:
                    ax.set_xlabel("hybrid score", fontsize=_MEDIUM, color=INK)
            _scale_row(axes[row, 0])
        _add_legend(figure, columns=3 if len(names) > 1 else 1)
    return figure


def draw_predictions(scores: NDArray[np.float64], labels: NDArray[np.int8], groups: NDArray[np.str_]) -> Figure:
    """Where the scores of one system lie, a panel a group of the challenge; see `draw_evaluation`.

    Scores, in [0, 1], labels, 1 for a hybrid, and groups, ``"major"``, ``"minor"`` or ``"mimic"``, have shape (n,).
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with _own_style():
        figure = Figure(figsize=(11.4, 3.3), layout=ConstrainedLayoutEngine(wspace=0.05))
        axes = figure.subplots(1, len(_TITLES), sharex=True, sharey="row")
        for ax, (name, title) in zip(axes, _TITLES.items(), strict=True):
            _draw_scores(ax, scores, labels.astype(bool), groups, name)
            ax.set_title(title, fontsize=_LARGE, fontweight="bold", color=INK, loc="left", pad=21)
            ax.set_xlabel("hybrid score", fontsize=_MEDIUM, color=INK)
        _scale_row(axes[0])
        _add_legend(figure, columns=3)
    return figure


def _name_row(ax: Axes, detector: str, result: DetectorEvaluation, *, known: bool) -> None:
    """Name of the detector at the left of its row, with the challenge's score; a dash where a group has no hybrids."""
    place: dict[str, Any] = {"transform": ax.transAxes, "ha": "right"}
    if result.challenge is None:
        ax.text(_LEFT, 0.5, detector, va="center", fontsize=_LARGE, fontweight="bold", color=INK, **place)
        return
    ax.text(_LEFT, 0.52, detector, va="bottom", fontsize=_LARGE, fontweight="bold", color=INK, **place)
    value = f"{result.challenge.challenge_score:.3f}" if known else "–"
    score = f"challenge\nscore {value}"
    ax.text(_LEFT, 0.47, score, va="top", fontsize=_SMALL, color=INK, linespacing=1.15, **place)


def _add_legend(figure: Figure, columns: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], label="threshold at 95 % true-negative rate", **_LINE),
        Patch(color=HYBRID, label="hybrids (% of them)"),
        Patch(color=NON_HYBRID, label="non-hybrids (% of them)"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=_MEDIUM)


def _draw_scores(
    ax: Axes,
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
    groups: NDArray[np.str_] | NDArray[np.object_],
    name: str,
) -> None:
    """Two histograms of a group, hybrids over non-hybrids, with the group's threshold and what it does to each."""
    members = np.ones(len(labels), bool) if name == "all" else np.asarray(groups == name)
    pool = members if name in ("all", "mimic") else np.asarray(groups != "mimic")
    threshold = threshold_at_tnr(scores[pool], labels[pool])
    scores, hybrid = scores[members], labels[members]
    edges = _edges(threshold)
    for kind, colour, sign in ((hybrid, HYBRID, 1), (~hybrid, NON_HYBRID, -1)):
        shares = _counts(scores[kind], edges) / max(int(kind.sum()), 1)
        some = shares > 0
        # The outline keeps a single image among hundreds visible.
        look: dict[str, Any] = {"color": colour, "edgecolor": colour, "linewidth": 0.7}
        ax.bar(edges[:-1][some], sign * shares[some], np.diff(edges)[some], align="edge", **look)
    ax.axhline(0, color=FAINT, lw=0.6, zorder=0.5)
    ax.axvline(threshold, **_LINE)
    called = scores > threshold
    found, hybrids = int((called & hybrid).sum()), int(hybrid.sum())
    alarms, others = int((called & ~hybrid).sum()), int((~hybrid).sum())
    above: dict[str, Any] = {"transform": ax.transAxes, "fontsize": _SMALL, "va": "bottom"}
    ax.text(0.0, 1.02, f"{found} of {hybrids} hybrids found" if hybrids else "no hybrids", color=HYBRID, **above)
    false = f"false alarms: {alarms} of {others}" if others else "no non-hybrids"
    ax.text(1.0, 1.02, false, color=NON_HYBRID, ha="right", **above)
    ax.set_xlim(0, 1)
    ax.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "", "0.5", "", "1"])
    ax.tick_params(color=FAINT, labelcolor=INK, labelsize=_SMALL)
    ax.tick_params(axis="y", left=bool(ax.get_subplotspec().is_first_col()))  # type: ignore[union-attr]
    for side in ("top", "left", "right"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)


def _scale_row(ax: Axes) -> None:
    """Give both directions one scale, and name one round share in each."""
    limit = max(abs(value) for value in ax.get_ylim())
    ax.set_ylim(-limit, limit)
    share = max((s for s in _SHARES if s <= limit), default=limit)
    ax.set_yticks([-share, 0, share], [f"{share:.0%}", "0", f"{share:.0%}"])


def _edges(threshold: float) -> NDArray[np.float64]:
    """Edges of the bars from 0 to 1, one of them at the threshold; the outermost bars may be narrower."""
    below = np.arange(threshold, 0, -_STEP)[:0:-1]
    above = np.arange(threshold, 1, _STEP)
    return np.unique(np.concatenate(([0.0], below, above, [1.0])))


def _counts(scores: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of scores in (edges[i], edges[i + 1]]: one equal to the threshold is not called hybrid."""
    place = np.searchsorted(edges, scores, side="left") - 1
    return np.bincount(np.clip(place, 0, len(edges) - 2), minlength=len(edges) - 1)


def save_figure(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Save as ``stem.png`` (144 dots an inch) and ``stem.svg``, the same bytes each time; returns both paths."""
    png, svg = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg")
    with _own_style():
        with written_whole(png) as partial:
            figure.savefig(partial, format="png", dpi=144, facecolor="white")
        with written_whole(svg) as partial:
            figure.savefig(partial, format="svg", facecolor="white", metadata={"Date": None})
    return png, svg


def _own_style() -> AbstractContextManager[None]:
    """Matplotlib's defaults whatever the user's matplotlibrc says, and no random names in SVG files."""
    from matplotlib import rc_context, rcParamsDefault

    # Choosing the backend is not style, and setting it has side effects.
    style = {name: value for name, value in rcParamsDefault.items() if not name.startswith(("backend", "interactive"))}
    return rc_context({**style, "svg.hashsalt": "hybridwing"})
