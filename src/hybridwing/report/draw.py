"""One function that draws a catalogue or an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.catalogue.schema import Catalogue
from hybridwing.errors import HybridwingError
from hybridwing.runs.evaluate import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(what: Catalogue | Evaluation) -> Figure:
    """Draw a catalogue's classes, or an evaluation's scores.

    Parameters
    ----------
    what : Catalogue or Evaluation

    Returns
    -------
    matplotlib.figure.Figure
        Show it in a notebook, or write it with ``figure.savefig("name.png")``.

    Raises
    ------
    HybridwingError
        For anything else.

    Examples
    --------
    >>> figure = draw(hw.read_catalogue(collection.train))
    >>> type(figure).__name__
    'Figure'
    """
    if isinstance(what, Catalogue):
        from hybridwing.catalogue.describe import describe
        from hybridwing.report.catalogue_figures import draw_classes

        return draw_classes(describe(what))
    if isinstance(what, Evaluation):
        from hybridwing.report.figures import draw_evaluation

        return draw_evaluation(what)
    raise HybridwingError(f"there is a figure of a catalogue and of an evaluation; got {type(what).__name__}")
