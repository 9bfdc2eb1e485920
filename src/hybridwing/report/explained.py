"""What a page shows of explanations: cards with pictures, sentences and numbers; and the page of `explain`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybridwing import __version__
from hybridwing.errors import ImageError
from hybridwing.explain.occlusion import CELLS
from hybridwing.explain.wing_pictures import SIDE
from hybridwing.files import write_text, written_whole
from hybridwing.folders import new_folder
from hybridwing.images.decode import read_rgb
from hybridwing.report.pages import environment
from hybridwing.report.wing_drawing import (
    FIRST,
    LOWERED,
    RAISED,
    SECOND,
    as_webp,
    draw_specimen,
    draw_wings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from jinja2 import Environment
    from PIL import Image

    from hybridwing.explain.neighbours import Neighbours
    from hybridwing.runs.explaining import Explainer, Explanation

PAGE = "explanation.html"
CONTENTS = (PAGE, "*.png")
#: Contribution of a place that is drawn in full colour, in all pictures alike. It is 0.012 for a cell of colour.
FULL_COLOUR = 0.00075
#: The same where places are covered: 0.05 for a place.
FULL_COLOUR_COVERED = 0.05 / (SIDE / CELLS) ** 2
_SHOWN = 6


@dataclass(frozen=True)
class Shown:
    """A picture of a page: its address, what it shows in words, and what stands under it."""

    address: str
    alternative: str
    caption: str


@dataclass(frozen=True)
class Card:
    """What a page shows of one image."""

    title: str
    subtitle: str
    verdict: str
    score: float
    explanation: Explanation
    pictures: tuple[Shown, ...] = ()
    facts: Sequence[tuple[str, str]] = ()
    maps: dict[str, Image.Image] = field(default_factory=dict)

    @property
    def raised(self) -> list[tuple[str, float]]:
        """Names that changed the score most, with their contributions."""
        named = self.explanation.contributions.by_name().items()
        return sorted(sorted(named, key=lambda item: -abs(item[1]))[:_SHOWN], key=lambda item: -item[1])

    @property
    def rest(self) -> float:
        """The contributions that are not in `raised`."""
        made = self.explanation.contributions
        return made.score - made.base - sum(value for _, value in self.raised)


def card_of(
    explanation: Explanation,
    knows: Explainer,
    verdict: str = "",
    subtitle: str = "",
    facts: Sequence[tuple[str, str]] = (),
) -> Card:
    """Draw what is known of one image; `facts` are what a table says of it, by column."""
    pictures: list[Shown] = []
    maps: dict[str, Image.Image] = {}
    name = explanation.path.name
    try:
        drawn = draw_specimen(read_rgb(explanation.path, 600))
    except ImageError:
        drawn = None
    found, wings = explanation.map, knows.wings
    if drawn is not None:
        maps["photograph"] = drawn.photograph
        pictures.append(Shown(as_webp(drawn.photograph), f"photograph of {name}", "photograph"))
        if found is not None:
            maps["parents"] = drawn.overlaid(found.leaning, FIRST, SECOND)
            pictures.append(Shown(as_webp(maps["parents"]), f"parent map: {found.words}", "which parent"))
        made = explanation.contributions.map
        if made.any():
            full = FULL_COLOUR_COVERED if explanation.contributions.by_covering else FULL_COLOUR
            maps["score"] = drawn.overlaid(made / full, LOWERED, RAISED)
            told = ", ".join(
                f"{group} {value:+.2f}" for group, value in list(explanation.contributions.by_name().items())[:3]
            )
            pictures.append(Shown(as_webp(maps["score"]), f"what raised the score: {told}", "what raised the score"))
    if found is not None and wings is not None:
        first, second = found.parents
        for parent in found.parents:
            drawing = as_webp(draw_wings(wings.picture(parent)))
            count = int(wings.counts[wings.names.index(parent)])
            pictures.append(Shown(drawing, f"mean wings of {parent}", f"{parent}, mean of {count}"))
        cross = f"{first} x {second}"
        known = cross in wings.names
        both = wings.picture(cross) if known else wings.halfway(first, second)
        caption = "known crosses, mean" if known else "made cross, half of each"
        pictures.append(Shown(as_webp(draw_wings(both)), f"{caption} of {cross}", caption))
    return Card(name, subtitle, verdict, explanation.score, explanation, tuple(pictures), facts, maps)


def usual(neighbours: Neighbours) -> str:
    """A distance in words."""
    if neighbours.quantile is None:
        return "too few to say how far is usual"
    return f"farther than {100 * neighbours.quantile:.0f} % of them are from their nearest"


def write_explanations(
    explanations: Sequence[Explanation],
    knows: Explainer,
    out: Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a page on images, and for each image PNGs of its maps, into a new folder; return the path of the page.

    `knows` is what made the explanations. With `overwrite` an earlier folder is replaced. `progress` is called with the
    number of images drawn and of all. Raises RunError if the folder exists and may not be replaced, or cannot be
    written.
    """
    with new_folder(out, overwrite=overwrite, mark=PAGE, contents=CONTENTS) as partial:
        cards = []
        for number, explanation in enumerate(explanations, start=1):
            card = card_of(explanation, knows)
            cards.append(card)
            for kind, picture in card.maps.items():
                with written_whole(partial / f"{number:03d}-{_plain(explanation.path.stem)}-{kind}.png") as path:
                    picture.save(path, "PNG")
            if progress is not None:
                progress(number, len(explanations))
        page = page_environment().get_template("explanation.html.j2")
        write_text(partial / PAGE, page.render(cards=cards, knows=knows))
    return out / PAGE


def page_environment() -> Environment:
    """Templates with the names that every page of images uses."""
    templates = environment()
    named = {"first": FIRST, "second": SECOND, "lowered": LOWERED, "raised": RAISED}
    colours = {name: f"rgb{colour}" for name, colour in named.items()}
    templates.globals.update(version=__version__, usual=usual, colours=colours)
    return templates


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)[:60]
