"""Which of two parents each place of the wings takes after.

At every place, the colour is compared with what the two parents look like there, by the ratio of their likelihoods
(Student's t with `FREEDOM` degrees of freedom, whose tails let the ratio fade where a colour is like neither).
Pattern elements of hybrids are swapped rather than blended, so connected places between which the parents differ alike
are looked at together, as one element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.explain.wing_model import opponent
from hybridwing.explain.wing_pictures import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybridwing.explain.wing_model import WingModel
    from hybridwing.explain.wing_pictures import WingPicture

    Floats = NDArray[np.float64]

FREEDOM = 4.0
VISIBLE = 2.0
"""Parents differ visibly at a place where their means lie this many spreads apart."""
WINGS = ("forewing", "hindwing")
_ZONES = (("base", "middle", "tip"), ("base", "middle", "margin"))
#: Corner of the box of a left wing where it meets the body, as shares of height and width.
_BASES = ((0.85, 1.0), (0.1, 1.0))
#: Places of the rim that are less wing than this show more of the outline than of the pattern.
_RIM = 0.7
#: Places a side of the neighbourhood that decides what colours the parents have at a place.
_VOTERS = 5
#: Fewer connected places are the unsteadiness of outlines, and no element.
_FEWEST_PLACES = 14
#: An element takes after a parent where its places lean to it by this much on average.
_DECIDED = 0.35


@dataclass(frozen=True, eq=False)
class Element:
    """Connected places of one wing between which the parents differ alike."""

    name: str  # Where it lies, such as ``"forewing middle"``
    colour: str  # What colour the specimen has there, in a word
    parent: str  # The parent that it takes after; empty where that cannot be told
    places: NDArray[np.bool_]  # Shape (2, SIDE, SIDE)


@dataclass(frozen=True, eq=False)
class ParentMap:
    """Which of two parents each place of the wings takes after."""

    parents: tuple[str, str]
    # Shape (2, SIDE, SIDE); in [-1, 1]: of forewing and hindwing, seen as left wings: -1 the first parent, 1 the
    # second; 0 where the parents do not differ, the place is like neither, or there is no wing
    leaning: Floats
    # Shape (2, SIDE, SIDE): distance between the parents' means at each place, in spreads; 0 outside the wing
    apart: Floats
    elements: tuple[Element, ...]  # Largest first

    @property
    def words(self) -> str:
        """The elements in a sentence; of several with the same name and parent, the largest gives the colour."""
        said: list[str] = []
        decided: set[str] = set()
        for parent in (*self.parents, ""):
            colours: dict[str, str] = {}
            for element in self.elements:
                if element.parent == parent and (parent or element.name not in decided):
                    colours.setdefault(element.name, element.colour)
            decided |= colours.keys()
            if colours and parent:
                said.append(f"{_listed([f'{name} {colours[name]}' for name in sorted(colours)])} as in {parent}")
            elif colours:
                said.append(f"{_listed(sorted(colours))} undecided")
        return "; ".join(said) or "nowhere on its wings do these two differ visibly"


def parent_map(picture: WingPicture, model: WingModel, parents: tuple[str, str]) -> ParentMap:
    """Compare the wings of a specimen with two parents, which the model knows."""
    from scipy import ndimage

    means = [model.picture(name) for name in parents]
    centres = [opponent(mean.colours) for mean in means]
    spreads = [model.spread(name).astype(np.float64) for name in parents]
    inside = np.minimum(picture.inside, np.minimum(means[0].inside, means[1].inside)) > _RIM
    shown = opponent(picture.colours)
    ratio = _log_density(shown, centres[1], spreads[1]) - _log_density(shown, centres[0], spreads[0])
    # Outlines never fall on each other to the place: neighbours are heard.
    weight = ndimage.gaussian_filter(inside.astype(np.float64), (0, 0.7, 0.7))
    ratio = ndimage.gaussian_filter(ratio * inside, (0, 0.7, 0.7)) / np.maximum(weight, 1e-6)
    leaning = np.tanh(ratio / 2) * inside
    between = (spreads[0] ** 2 + spreads[1] ** 2) / 2
    apart = np.sqrt(((centres[0] - centres[1]) ** 2 / between).sum(axis=-1)) * inside
    return ParentMap(parents, leaning, apart, _elements(picture, means, leaning, apart, parents))


def _log_density(shown: Floats, centre: Floats, spread: Floats) -> Floats:
    """Log-density of Student's t in three dimensions, up to a constant."""
    squares = (((shown - centre) / spread) ** 2).sum(axis=-1)
    return np.asarray(-(FREEDOM + 3) / 2 * np.log1p(squares / FREEDOM) - np.log(spread).sum(axis=-1))


def _elements(
    picture: WingPicture, means: list[WingPicture], leaning: Floats, apart: Floats, parents: tuple[str, str]
) -> tuple[Element, ...]:
    from scipy import ndimage

    first, second = (colour_codes(mean.colours) for mean in means)
    kinds = len(COLOURS) * first + second
    found: list[Element] = []
    for wing in range(2):
        visible = apart[wing] >= VISIBLE
        if not visible.any():
            continue
        # The rim of an element lies elsewhere in each specimen, so its mean colour is another: neighbours outvote it.
        present = np.unique(kinds[wing][visible])
        votes = [ndimage.uniform_filter((visible & (kinds[wing] == kind)).astype(float), _VOTERS) for kind in present]
        winner = np.where(visible, np.argmax(votes, axis=0), -1)
        for kind in range(len(present)):
            labels, count = ndimage.label(winner == kind)
            for number in range(1, count + 1):
                if (labels == number).sum() >= _FEWEST_PLACES:
                    places = np.zeros(apart.shape, dtype=np.bool_)
                    places[wing] = labels == number
                    found.append(_element(picture, leaning, parents, places))
    return tuple(sorted(found, key=lambda element: (-int(element.places.sum()), element.name)))


def _element(picture: WingPicture, leaning: Floats, parents: tuple[str, str], places: NDArray[np.bool_]) -> Element:
    wing = int(places[1].any())
    side = float(leaning[places].mean())
    parent = "" if abs(side) < _DECIDED else parents[int(side > 0)]
    rows, columns = np.nonzero(places[wing])
    colour = colour_name(np.median(picture.colours[places], axis=0))
    return Element(f"{WINGS[wing]} {zone(wing, rows.mean(), columns.mean())}", colour, parent, places)


def zone(wing: int, row: float, column: float) -> str:
    """Where on a wing a place lies, seen as a left wing; rows and columns of the grid."""
    base = _BASES[wing]
    away = np.hypot((row + 0.5) / SIDE - base[0], (column + 0.5) / SIDE - base[1]) / np.hypot(
        max(base[0], 1 - base[0]), 1
    )
    return _ZONES[wing][int(np.digitize(away, (0.33, 0.62)))]


COLOURS = ("dark", "brown", "red", "orange", "yellow", "white", "blue")


def colour_codes(colours: NDArray[np.floating]) -> NDArray[np.int64]:
    """The word in `COLOURS` for each red, green and blue, by its place; shape of `colours` without the last."""
    light, redness, warmth = np.moveaxis(opponent(colours), -1, 0)
    chroma = np.hypot(redness, warmth)
    hue = np.degrees(np.arctan2(warmth, redness))
    codes = np.select(
        [
            (light < 0.16) & (chroma < 0.15),
            warmth < -0.1,
            (chroma < 0.15) & (light > 0.5),
            chroma < 0.15,
            (hue < 38) & (redness > 0.2),
            (hue < 60) & (light > 0.25),
            light > 0.35,
        ],
        [0, 6, 5, 1, 2, 3, 4],
        default=1,
    )
    return np.asarray(codes, dtype=np.int64)


def colour_name(colour: NDArray[np.floating]) -> str:
    """The word for one colour."""
    return COLOURS[int(colour_codes(colour[None])[0])]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
