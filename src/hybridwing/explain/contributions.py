"""What raised a hybrid score: contributions of places on the wings that add up to it.

The columns of an embedding are divided into groups, each of which means something: edges or colours of one place on the
wings for `pattern` (see `hybridwing.runtime.pattern`), a region of the embedding for other backbones. The score is
taken apart by Shapley values: a group's contribution is what the score gains when its columns are set from those of a
pure specimen to those of the image, averaged over orders in which that may happen (Shapley 1953; sampled as in Castro
et al. 2009, *Computers & Operations Research* 36, each order beside its reverse) and over pure specimens (as in
Lundberg & Lee 2017, *NeurIPS*). Whatever the detector, in any order the gains add up to the difference of the two
scores, and so do their means. The specimens' mean would not do in their place: it is blurred, and no specimen is.

Of a transformer's columns nothing is known by place. There, `.occlusion` covers places in the photograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.explain.parent_map import WINGS, zone
from hybridwing.explain.pattern_columns import is_pattern
from hybridwing.explain.wing_pictures import SIDE
from hybridwing.runtime.pattern import REGIONS, TRAITS
from hybridwing.runtime.scoring import calibrated_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.runtime.arrays import SavedDetector

    Floats = NDArray[np.float64]

ORDERS = 16
"""Orders that contributions are averaged over, half of them the reverse of the other half; each from one specimen."""
TOGETHER = "places together, and what has no place"
"""Name of the part of a score that no single place explains."""
_SEED = 20080
_EDGES, _COLOURS, _LAYOUT = 4, 6, 8  # cells a side of the descriptor's grids


@dataclass(frozen=True, eq=False)
class Group:
    """Columns of an embedding that mean one thing."""

    name: str  # Such as ``"forewing tip, colour"``
    columns: NDArray[np.int64]  # Shape (k,)
    # Shape (2, SIDE, SIDE): where on the wings it is measured; nowhere for what has no place there
    places: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Contributions:
    """What raised a score, and what lowered it."""

    base: float  # In (0, 1): mean hybrid score of pure specimens of `base_name`
    base_name: str  # Its subspecies; empty where the run knows none, and all non-hybrids stand for it
    score: float  # In (0, 1): hybrid score of the image, not rounded
    groups: tuple[Group, ...]
    values: Floats  # Shape (g,): contribution of each group; their sum is ``score - base``

    @property
    def by_covering(self) -> bool:
        """Whether places were covered in the photograph, see `hybridwing.explain.occlusion`."""
        return self.groups[-1].name == TOGETHER

    @property
    def map(self) -> Floats:
        """Contributions by place, shape (2, SIDE, SIDE): each is spread evenly over its places."""
        total = np.zeros((2, SIDE, SIDE))
        for group, value in zip(self.groups, self.values, strict=True):
            if count := int(group.places.sum()):
                total[group.places] += value / count
        return total

    def by_name(self) -> dict[str, float]:
        """Contributions of the groups of each name together, largest first."""
        sums: dict[str, float] = {}
        for group, value in zip(self.groups, self.values, strict=True):
            sums[group.name] = sums.get(group.name, 0.0) + float(value)
        return dict(sorted(sums.items(), key=lambda item: -item[1]))


def groups_of(backbone: BackboneSpec) -> tuple[Group, ...]:
    """Divide the columns of a backbone's embeddings into groups; each column is in one."""
    found: list[Group] = []
    start = 0
    for part in backbone.leaves:
        if is_pattern(part):
            found += _pattern_groups(start)
        else:
            view = "" if part.preprocess.view == "whole" else f", {part.preprocess.view}"
            edge = start
            for number, width in enumerate(part.region_widths):
                token = f", part {number + 1}" if len(part.region_widths) > 1 else ""
                found.append(Group(f"{part.name}{view}{token}", np.arange(edge, edge + width), _nowhere()))
                edge += width
        start += part.dimension
    return tuple(found)


def contributions(
    detector: SavedDetector, vector: NDArray[np.floating], bases: NDArray[np.floating], groups: tuple[Group, ...]
) -> tuple[float, float, Floats]:
    """Mean score of pure specimens, score of an image, and contributions of groups, which add up to the difference.

    `vector` is the embedding of the image, shape (d,). `bases`, shape (b, d), are those of pure specimens: the first
    `ORDERS` are taken, over again where there are fewer.
    """
    rng = np.random.default_rng(_SEED)
    orders = np.stack(
        [order for _ in range(ORDERS // 2) for one in [rng.permutation(len(groups))] for order in (one, one[::-1])]
    )
    member = np.empty(len(vector), dtype=np.int64)
    for number, group in enumerate(groups):
        member[group.columns] = number
    # In an order, after k steps a column is the image's where its group's turn came before.
    turns = np.argsort(orders, axis=1)[:, member]
    steps = np.arange(len(groups) + 1)[:, None]
    chosen = np.resize(np.arange(len(bases)), len(orders))
    pairs = zip(turns, bases[chosen], strict=True)
    scores = np.stack([calibrated_scores(detector, np.where(turn < steps, vector, base)) for turn, base in pairs])
    gains = np.empty(orders.shape)
    np.put_along_axis(gains, orders, np.diff(scores, axis=1), axis=1)
    return float(scores[:, 0].mean()), float(scores[:, -1].mean()), gains.mean(axis=0)


def contributions_of_places(
    detector: SavedDetector,
    vector: NDArray[np.floating],
    bases: NDArray[np.floating],
    groups: tuple[Group, ...],
    without: NDArray[np.floating],
    base_name: str = "",
) -> Contributions:
    """Contributions of places: what the score loses where each is covered.

    `without`, of shape (g, d), are embeddings of the image with the place of each group covered; `vector` and `bases`
    are those of `contributions`. What is left of the score is a last group of its own, `TOGETHER`: places
    that count only together, and what has no place. With it, the contributions add up to the score.
    """
    base = float(calibrated_scores(detector, bases).mean())
    score, *scores = (float(one) for one in calibrated_scores(detector, np.vstack([vector[None], without])))
    lost = score - np.array(scores)
    rest = Group(TOGETHER, np.empty(0, np.int64), _nowhere())
    return Contributions(base, base_name, score, (*groups, rest), np.append(lost, score - base - lost.sum()))


def _pattern_groups(start: int) -> list[Group]:
    """Groups of `pattern`: edges and colours of each place, proportions, and how elements lie to each other."""
    edges = np.cumsum((0, *TRAITS)) + start
    found = []
    for wing in range(2):
        traits = edges[3 * wing :]
        found += [cell(wing, place, _EDGES, traits[0] + 8 * place + np.arange(8), "edges") for place in range(16)]
        found += [
            cell(wing, place, _COLOURS, traits[1] + place + _COLOURS**2 * np.arange(3), "colour")
            for place in range(_COLOURS**2)
        ]
        found.append(Group(f"{WINGS[wing]}, proportions", np.arange(traits[2], traits[3]), _nowhere()))
    for layout, name in enumerate(("how the wings' elements lie to each other", "the specimen as it lies")):
        first = edges[6 + 2 * layout]
        light = first + TRAITS[6] + np.arange(_LAYOUT**2).reshape(_EDGES, 2, _EDGES, 2)
        for row, column in np.ndindex(_EDGES, _EDGES):
            own = first + 8 * (_EDGES * row + column) + np.arange(8)
            found.append(Group(name, np.concatenate([own, light[row, :, column].ravel()]), _nowhere()))
    assert sum(len(group.columns) for group in found) == sum(REGIONS)
    return found


def cell(wing: int, place: int, side: int, columns: NDArray[np.int64], what: str = "") -> Group:
    """One cell of a grid of `side` by `side` cells on a wing, 0 the forewing, 1 the hindwing.

    Places are counted row by row, and `side` divides `SIDE`. `columns` of the embedding hold the trait `what`;
    there are none for a place that is looked at in the photograph.
    """
    row, column = divmod(place, side)
    width = SIDE // side
    places = _nowhere()
    places[wing, row * width : (row + 1) * width, column * width : (column + 1) * width] = True
    middle = (row + 0.5) * width - 0.5, (column + 0.5) * width - 0.5
    return Group(f"{WINGS[wing]} {zone(wing, *middle)}" + (f", {what}" if what else ""), columns, places)


def _nowhere() -> NDArray[np.bool_]:
    return np.zeros((2, SIDE, SIDE), dtype=np.bool_)
