"""What the columns of the `pattern` descriptor say beyond a distance: upside down, and paler than usual.

See `hybridwing.runtime.pattern` for the descriptor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.runtime.pattern import DIMENSION, TRAITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybridwing.backbones.base import BackboneSpec

    Floats = NDArray[np.float64]

_EDGES = (4, 4, 8)  # rows and columns of cells, edge directions
_COLOURS = (3, 6, 6)  # lightness and two colour differences, rows and columns of cells
_LIGHTNESS = (8, 8)
#: Places in TRAITS: of forewings and hindwings, edges, colours and shape; of both layouts, edges and lightness.
_SHARES = np.cumsum((0, *TRAITS))
_FORE, _HIND, _LAYOUTS = (0, 1, 2), (3, 4, 5), ((6, 7), (8, 9))

#: A cell shows ground colour where like training images have this much red there, relative to the light of the
#: photograph: less is what is beside the wing, more a pattern element. Set on simulated collections of other seeds
#: than any figure in the documentation; from 0.05 to 0.1 and from 0.3 to 0.5 make little difference.
_GROUND = (0.1, 0.4)
#: Fewer cells of ground say nothing of a wing.
_FEWEST_CELLS = 4
#: Paleness of an image whose neighbours show no ground colour on the forewings.
UNKNOWN = -1.0


def is_pattern(backbone: BackboneSpec) -> bool:
    """Whether embeddings are those of this descriptor alone."""
    return backbone.family == "pattern" and backbone.dimension == DIMENSION


def turned_over(vectors: Floats) -> Floats:
    """Approximate the descriptors, of shape (n, DIMENSION), that specimens would have if they lay the other way up.

    Turned by 180 degrees, a specimen with two like halves is mirrored at a horizontal line: hindwings are taken for
    forewings and the other way round, rows of cells change their order, and edges their slope.
    """
    parts = [
        turned
        for edges, colours, shape in (_HIND, _FORE)
        for turned in (_edges_over(vectors, edges), _colours_over(vectors, colours), _part(vectors, shape))
    ]
    for edges, lightness in _LAYOUTS:
        parts += [_edges_over(vectors, edges), _rows_over(_part(vectors, lightness), _LIGHTNESS, 1)]
    return np.hstack(parts)


def paleness(vectors: Floats, like: Floats) -> Floats:
    """How much paler the ground colour of both wings is than in like images, in units of the brightest scales.

    The underside of a *Heliconius* repeats the pattern of the upper side, duller and on paler, browner ground (see any
    plate of set specimens, e.g. Holzinger & Holzinger 1994, *Heliconius and related genera*). So the cells are looked
    at in which like images show ground colour; red is compared, since iridescence lightens blue alone. The median over
    a wing's cells ignores a band in a few of them, and the smaller value of both pairs of wings ignores one odd pair.

    Descriptors have shape (n, DIMENSION), and those of like images (n, k, DIMENSION). `UNKNOWN` where no ground
    colour is known.
    """
    pale = np.stack([_paler(vectors, like, colours) for colours in (_FORE[1], _HIND[1])])
    # Of hindwings full of rays or bars, the forewings alone must tell.
    fore, hind = pale
    return np.where(np.isnan(fore), UNKNOWN, np.fmin(fore, hind))


def _paler(vectors: Floats, like: Floats, colours: int) -> Floats:
    """Median over the ground cells of one pair of wings; NaN where there are too few."""
    usual = np.median(_red(like.reshape(-1, like.shape[2]), colours).reshape(*like.shape[:2], -1), axis=1)
    ground = (usual > _GROUND[0]) & (usual < _GROUND[1])
    apart = np.where(ground, _red(vectors, colours) - usual, np.nan)
    enough = ground.sum(axis=1) >= _FEWEST_CELLS
    found = np.full(len(vectors), np.nan)
    found[enough] = np.nanmedian(apart[enough], axis=1)
    return found


def _red(vectors: Floats, colours: int) -> Floats:
    """Red of each cell, from lightness (r + g + b) / 3, r - g and (r + g) / 2 - b; shape (n, cells)."""
    lightness, slope, warmth = np.moveaxis(_part(vectors, colours).reshape(len(vectors), _COLOURS[0], -1), 1, 0)
    both = (3.0 * lightness + warmth) / 1.5  # r + g
    return np.asarray((both + slope) / 2.0)


def _part(vectors: Floats, place: int) -> Floats:
    return vectors[:, _SHARES[place] : _SHARES[place + 1]]


def _edges_over(vectors: Floats, place: int) -> Floats:
    """Rows of cells and directions change their order: what rose falls."""
    return _rows_over(_part(vectors, place).reshape(-1, *_EDGES)[..., ::-1], _EDGES, 1)


def _colours_over(vectors: Floats, place: int) -> Floats:
    return _rows_over(_part(vectors, place), _COLOURS, 2)


def _rows_over(part: Floats, shape: tuple[int, ...], axis: int) -> Floats:
    return np.flip(part.reshape(-1, *shape), axis=axis).reshape(len(part), -1)
