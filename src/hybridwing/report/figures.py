"""Figures of an evaluation, in colours that colour-blind readers can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.evaluation.ranking import threshold_at_tnr

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from hybridwing.runs.evaluate import Evaluation

#: Okabe & Ito's blue and vermilion (2008, Color Universal Design): apart under every common colour blindness.
NON_HYBRID, HYBRID = "#0072B2", "#D55E00"
_INK, _FAINT = "#222222", "#8a8a8a"
_TITLES = {"major": "signal hybrids", "minor": "non-signal hybrids", "mimic": "mimic hybrids"}


def draw_evaluation(evaluation: Evaluation) -> Figure:
    """Where the scores of hybrids and non-hybrids lie: a row a detector, a column a group of the challenge.

    The dashed line is the threshold at which 95 % of the non-hybrids (of species A, or of the mimics) pass as such;
    what lies to its right is called hybrid.
    """
    from matplotlib.figure import Figure

    groups = evaluation.catalogue.groups
    labels = evaluation.catalogue.labels.astype(bool)
    names = [g for g in _TITLES if g in set(groups)] if set(_TITLES) <= set(groups) else ["all"]
    rows = len(evaluation.detectors)
    figure = Figure(figsize=(3.6 * len(names) + 1.2, 1.55 * rows + 1.5), layout="constrained")
    axes = figure.subplots(rows, len(names), squeeze=False, sharex=True)
    for row, (detector, result) in enumerate(evaluation.detectors.items()):
        for column, name in enumerate(names):
            members = np.ones(len(labels), bool) if name == "all" else np.asarray(groups == name)
            pool = members if name in ("all", "mimic") else np.asarray(groups != "mimic")
            threshold = threshold_at_tnr(result.scores[pool], labels[pool])
            ax = axes[row, column]
            _draw_scores(ax, result.scores[members], labels[members], threshold)
            if column == 0:
                ax.set_ylabel(detector, fontsize=12, fontweight="bold", color=_INK, rotation=0, ha="right", va="center")
            if row == 0:
                ax.set_title(_TITLES.get(name, "all images"), fontsize=12, color=_INK, loc="left", pad=18)
            if row == rows - 1:
                ax.set_xlabel("hybrid score", color=_INK)
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _draw_scores(ax: Axes, scores: NDArray[np.float64], hybrid: NDArray[np.bool_], threshold: float) -> None:
    """Two densities, hybrids over non-hybrids, with the threshold and the recall at it."""
    bins = np.linspace(0.0, 1.0, 41)
    for members, colour, name, sign in ((~hybrid, NON_HYBRID, "non-hybrids", -1), (hybrid, HYBRID, "hybrids", 1)):
        count = max(int(members.sum()), 1)
        heights, _ = np.histogram(scores[members], bins)
        ax.bar(bins[:-1], sign * heights / count, np.diff(bins), align="edge", color=colour, label=name)
    ax.axhline(0, color=_FAINT, lw=0.6)
    ax.axvline(threshold, color=_INK, lw=1.2, ls=(0, (4, 2)), label="threshold at 95 % true-negative rate")
    found, total = int((scores[hybrid] > threshold).sum()), int(hybrid.sum())
    recall = f"{found} of {total} hybrids found" if total else "no hybrids"
    ax.text(0.0, 1.02, recall, transform=ax.transAxes, fontsize=9.5, color=HYBRID, va="bottom")
    ax.set_xlim(0, 1)
    limit = max(abs(value) for value in ax.get_ylim())
    ax.set_ylim(-limit, limit)
    ax.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "", "0.5", "", "1"])
    ax.set_yticks([])
    ax.tick_params(colors=_FAINT, labelsize=9)
    for side in ("top", "left", "right"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(_FAINT)


def save_figure(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Save as ``stem.png`` (144 dots an inch) and ``stem.svg``; returns both paths."""
    paths = (stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg"))
    for path in paths:
        figure.savefig(path, dpi=144, facecolor="white")
    return paths
