"""What the figures of a table share: an open axis, names from hostile tables, and the same bytes every time."""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from typing import TYPE_CHECKING

from hybridwing.files import write_text, written_whole

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, GRID = "#222222", "#6b6b6b", "#e3e3e3"
_LONGEST_NAME = 44


def save_plain(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Save as PNG and SVG with the same bytes for the same figure, whatever characters its names hold."""
    png, svg = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg")
    write_text(svg, svg_of(figure, stem.name))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)  # a name in a script without a font
        with written_whole(png) as partial:
            figure.savefig(partial, format="png", dpi=144, facecolor="white", metadata={"Software": None})
    return png, svg


def svg_of(figure: Figure, name: str) -> str:
    """The figure as an ``<svg>`` element, its identifiers prefixed so that several can share a page.

    `name`, of letters and digits, is also the salt of the identifiers, so the same figure is the same text.
    """
    from matplotlib import rc_context

    target = io.StringIO()
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure.savefig(target, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    text = target.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r'(?<=\sid=")', f"{name}-", text)
    return re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", text)


def plain(name: str, longest: int = _LONGEST_NAME) -> str:
    """A name from a table as a figure may show it: short, printable and no mathematics.

    Figures read text between dollar signs as formulae, and an SVG with a control character is no XML.
    """
    kept = "".join(c if unicodedata.category(c)[0] != "C" else "\N{REPLACEMENT CHARACTER}" for c in name)
    short = kept if len(kept) <= longest else kept[: longest - 1] + "…"
    return short.replace("$", r"\$")


def bare(ax: Axes, grid: str = "x") -> None:
    """Take the box off an axis and leave a light grid behind the marks."""
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(GRID)
    ax.tick_params(length=0, colors=INK, labelsize=10)
    ax.tick_params(axis="x", colors=FAINT, labelsize=9)
    ax.grid(axis=grid, color=GRID, lw=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)
