"""The page of a prediction: what was asked, the likeliest hybrids with reasons, and every image in a table."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.catalogue.metadata import own_columns
from hybridwing.files import write_text
from hybridwing.report.explained import card_of, page_environment
from hybridwing.runs.explaining import Explainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.report.explained import Card
    from hybridwing.runs.predict import RankedImage, RankedImages
    from hybridwing.runs.run import Run

COLUMNS = ("rank", "image", "score", "verdict", "looks like", "why not")
"""Columns of the table of all images, before those of the specimens' table."""

MOST_CARDS = 60
"""Images that are shown with pictures and reasons: those ranked first."""

MOST_COLUMNS = 8
"""Columns of the specimens' table that are shown: the first ones that say something."""

MOST_CHOICES = 30
"""Different values of a column that can be chosen among; a column with more is searched as text."""

LONGEST_CHOICE = 40
"""Characters of a value that can be chosen; a column with a longer one is searched as text."""


def write_prediction(
    ranked: RankedImages,
    run: Run,
    page: Path,
    *,
    compute: Compute = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a prediction as one HTML file that needs nothing beside it; an existing one is replaced in one step.

    `run` ranked the images, and `compute` is as it was given to `hybridwing.runs.predict.predict`. `progress` is
    called with the number of images explained, then drawn, and of all that are drawn. Raises HybridwingError if the
    run's files are damaged, or the page cannot be written.
    """
    knows = Explainer(run, ranked.detector)
    facts = _facts(ranked)
    first = {image.path: image for image in ranked.images[:MOST_CARDS] if not image.reason and image.path.is_file()}
    cards: list[Card] = []
    if first:
        explained = {one.path: one for one in knows.explain(list(first), compute=compute, progress=progress)}
        for path, image in first.items():
            if path in explained:
                subtitle = f"rank {image.rank}" + (f" · {image.name}" if image.name else "")
                known = [(name, values[image.rank - 1]) for name, values in facts.items() if values[image.rank - 1]]
                cards.append(card_of(explained[path], knows, image.verdict, subtitle=subtitle, facts=known))
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
        columns=(*COLUMNS, *facts),
        choices=_choices(facts),
        rows=[[*_row(image), *(of[image.rank - 1] for of in facts.values())] for image in ranked.images],
        false_alarms=(1 - ranked.tnr) * sum(not image.reason for image in ranked.images),
        script=script,
        digest=digest,
    )
    write_text(page, text)


def _facts(ranked: RankedImages) -> dict[str, list[str]]:
    """What the table says of the images beside their names, by column, in the order of the ranks."""
    if ranked.catalogue is None:
        return {}
    table = own_columns(ranked.catalogue, taken=COLUMNS).iloc[: len(ranked.images)].astype("string").fillna("")
    told = {str(name): table[name].tolist() for name in table}
    paths = [str(image.path) for image in ranked.images]
    said = {
        name: values
        for name, values in told.items()
        if any(values) and not all(path.endswith(value) for path, value in zip(paths, values, strict=True))
    }
    return dict(list(said.items())[:MOST_COLUMNS])


def _choices(facts: dict[str, list[str]]) -> dict[str, list[str]]:
    """The values of each column that can be chosen among."""
    values = {name: sorted({value for value in column if value}) for name, column in facts.items()}
    return {
        name: found
        for name, found in values.items()
        if 2 <= len(found) <= MOST_CHOICES and max(map(len, found)) <= LONGEST_CHOICE
    }


def _row(image: RankedImage) -> list[object]:
    return [image.rank, str(image.path), image.score, image.verdict or "–", image.name, image.reason]
