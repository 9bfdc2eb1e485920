"""Figures of a run's page: curves, and scores by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.evaluation.metrics import threshold_at_tnr
from hybridwing.report.drawing import FAINT, INK, bare, plain
from hybridwing.report.figures import HYBRID, NON_HYBRID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

#: Okabe & Ito's colours, with line styles, so that curves differ without colour too.
_LINES = (
    ("#0072B2", "-"),
    ("#D55E00", "--"),
    ("#009E73", "-."),
    ("#CC79A7", ":"),
    ("#E69F00", (0, (5, 1, 1, 1, 1, 1))),
)
_MOST_CLASSES = 40


def draw_curves(scores: Mapping[str, NDArray[np.float64]], labels: NDArray[np.bool_]) -> Figure:
    """Receiver operating characteristic and precision against recall; a dot where 95 % of the non-hybrids pass."""
    from matplotlib.figure import Figure
    from sklearn.metrics import precision_recall_curve, roc_curve

    figure = Figure(figsize=(9.2, 4.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, (name, values) in enumerate(scores.items()):
        colour, style = _LINES[number % len(_LINES)] if number < len(scores) - 1 else (FAINT, (0, (1, 1)))
        alarms, found, _ = roc_curve(labels, values, drop_intermediate=False)
        left.plot(alarms, found, color=colour, ls=style, lw=1.8, label=plain(name))
        precision, recall, _ = precision_recall_curve(labels, values)
        # From the highest score on; scikit-learn has it last, and after it a point of no image.
        right.plot(recall[-2::-1], precision[-2::-1], color=colour, ls=style, lw=1.8)
        called = values > threshold_at_tnr(values, labels.astype(np.int8))
        hits = called[labels].mean()
        left.plot(called[~labels].mean(), hits, "o", color=colour, ms=7)
        if called.any():
            right.plot(hits, labels[called].mean(), "o", color=colour, ms=7)
    for ax, across, up in (
        (left, "false alarms", "hybrids found"),
        (right, "hybrids found", "flagged that are hybrids"),
    ):
        bare(ax, "both")
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
        ax.set_xlabel(across, color=INK)
        ax.set_ylabel(up, color=INK)
    left.legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def draw_classes_scores(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], classes: NDArray[np.str_], limit: float
) -> Figure:
    """A line of dots a class, crosses first; the dashed line is the 95 % threshold."""
    from matplotlib.figure import Figure

    names = sorted(set(classes), key=lambda name: (not labels[classes == name].any(), name))[:_MOST_CLASSES]
    figure = Figure(figsize=(9.2, 1.0 + 0.3 * len(names)), layout="constrained")
    ax = figure.subplots()
    rng = np.random.default_rng(0)
    for row, name in enumerate(names):
        own = classes == name
        away = row + rng.uniform(-0.28, 0.28, int(own.sum()))
        colour = HYBRID if labels[own].any() else NON_HYBRID
        ax.scatter(scores[own], away, s=9, color=colour, marker="D" if labels[own].any() else "o", alpha=0.65, lw=0)
    ax.axvline(limit, color=INK, lw=1.2, ls=(0, (4, 2)))
    bare(ax)
    ax.set_yticks(range(len(names)), [f"{plain(name)} ({int((classes == name).sum())})" for name in names])
    ax.set(ylim=(len(names) - 0.5, -0.5), xlim=(-0.01, 1.01))
    ax.set_xlabel("hybrid score (orange diamonds: hybrids)", color=INK)
    return figure
