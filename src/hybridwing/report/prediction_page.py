"""The page of a prediction: what was asked, the likeliest hybrids with reasons, and every image in a table."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.files import write_text
from hybridwing.report.explained import card_of, page_environment
from hybridwing.runs.explaining import Explainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.report.explained import Card
    from hybridwing.runs.predict import RankedImage, RankedImages
    from hybridwing.runs.run import Run

MOST_CARDS = 60
"""Images that are shown with pictures and reasons: those ranked first."""


def write_prediction(
    ranked: RankedImages,
    run: Run,
    page: Path,
    *,
    compute: Compute = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a prediction as one HTML file that needs nothing beside it.

    Parameters
    ----------
    ranked : RankedImages
    run : Run
        That ranked them.
    page : Path
        The ``.html`` file; an existing one is replaced in one step.
    compute
        As it was given to :func:`hybridwing.runs.predict.predict`.
    progress : callable, optional
        Called with the number of images drawn and of all that are drawn.

    Raises
    ------
    HybridwingError
        If the run's files are damaged, or the page cannot be written.
    """
    knows = Explainer(run, ranked.detector)
    first = {image.path: image for image in ranked.images[:MOST_CARDS] if not image.reason and image.path.is_file()}
    cards: list[Card] = []
    if first:
        explained = {one.path: one for one in knows.explain(list(first), compute=compute)}
        for path, image in first.items():
            if path in explained:
                subtitle = f"rank {image.rank}" + (f" · {image.name}" if image.name else "")
                cards.append(card_of(explained[path], knows, image.verdict, subtitle=subtitle))
            if progress is not None:
                progress(len(cards), len(first))
    counts = Counter(image.verdict or "no verdict" for image in ranked.images)
    templates = page_environment()
    script = templates.get_template("table.js.j2").render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    text = templates.get_template("prediction.html.j2").render(
        ranked=ranked,
        knows=knows,
        cards=cards,
        counts=counts,
        reasons=Counter(image.reason.partition(" (")[0].partition(":")[0] for image in ranked.images if image.reason),
        rows=[_row(image) for image in ranked.images],
        false_alarms=(1 - ranked.tnr) * sum(not image.reason for image in ranked.images),
        script=script,
        digest=digest,
    )
    write_text(page, text)


def _row(image: RankedImage) -> list[object]:
    return [image.rank, str(image.path), image.score, image.verdict or "–", image.name, image.reason]
