"""Learn what training images look like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import RunError
from hybridwing.explain.familiarity import Familiarity
from hybridwing.explain.undersides import FEWEST, direction_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybridwing.explain.familiarity import Floats, Vectors

MOST_VECTORS = 4000
"""Training embeddings that are kept; of more, evenly spaced ones."""
MOST_UNDERSIDES = 0.05
"""Where more training images than this show undersides, an underside is nothing strange."""
MOST_TURNED_AWAY = 0.03
"""Measures are left out where so few images were held out that all together might turn away more than this share."""


@dataclass(frozen=True, eq=False)
class Images:
    """Embeddings, and what is known of the side that each shows.

    Attributes
    ----------
    vectors : ndarray of shape (n, d), float32
    undersides : ndarray of shape (n,), bool
        Whether an image is known to show an underside.
    """

    vectors: Vectors
    undersides: NDArray[np.bool_]


def fit_familiarity(
    train: Images,
    held_out: Images,
    *,
    blocks: Sequence[int],
    is_pattern: bool = False,
    fallbacks: int = 0,
    images: int = 1,
) -> Familiarity:
    """Learn what training images look like.

    Parameters
    ----------
    train : Images
        The training images, hybrids too.
    held_out : Images
        Others of the same kind; at least one.
    blocks : sequence of int
        Widths of the parts of an embedding, whose numbers may be of very different size; they add up to d.
    is_pattern : bool
        Whether the embeddings are those of the `pattern` backbone.
    fallbacks, images : int
        Training images in which the view asked for was not found, and all.

    Raises
    ------
    RunError
        If there is nothing to learn from.
    """
    if not len(train.vectors) or not len(held_out.vectors):
        raise RunError("how like training an image is takes training and held-out images")
    # Undersides that are known as such, and are few, are not what an image is to be like.
    rare = train.undersides.mean() <= MOST_UNDERSIDES
    ordinary, measured = _upper(train, rare), _upper(held_out, rare)
    kept = np.linspace(0, len(ordinary) - 1, min(len(ordinary), MOST_VECTORS)).round().astype(np.intp)
    vectors = np.ascontiguousarray(ordinary[kept], dtype=np.float32)
    known = Familiarity(vectors, _scale(vectors, blocks), np.zeros(0), fallbacks / max(images, 1))
    known = replace(known, distances=known.distance(measured))
    if is_pattern:
        known = replace(known, turns=known.turn(measured, known.distances))
    room = int(MOST_TURNED_AWAY * (len(measured) + 1)) - 1 - is_pattern
    # Of `pattern`, paleness finds more undersides than what a few examples teach.
    if rare and is_pattern and room > 0:
        room -= 1
        known = replace(known, paleness=known.pale(measured))
    if rare and train.undersides.sum() >= FEWEST and room > 0:
        below = train.vectors[train.undersides] / known.scale
        known = replace(known, direction=direction_of(below, vectors / known.scale) / known.scale)
        known = replace(known, sides=known.side(measured))
    return known


def _upper(images: Images, rare: bool) -> Vectors:
    """Those that are not known to be undersides; all, where undersides are usual or there is nothing else."""
    upper = images.vectors[~images.undersides]
    return upper if rare and len(upper) else images.vectors


def _scale(vectors: Vectors, blocks: Sequence[int]) -> Floats:
    """For each column, how far training images scatter in its block, so that no block outweighs the others."""
    asked = vectors.astype(np.float64)
    apart = asked - asked.mean(axis=0)
    parts = (np.split(values, np.cumsum(blocks)[:-1], axis=1) for values in (apart, asked))
    spread = [_spread(*pair) for pair in zip(*parts, strict=True)]
    return np.repeat(spread, np.asarray(blocks))


def _spread(apart: Floats, values: Floats) -> float:
    """Root mean square of the lengths; not near zero, or images would be infinitely strange where none differ."""
    lengths = [float(np.sqrt((part**2).sum() / len(part))) for part in (apart, values)]
    return max(lengths[0], 1e-3 * lengths[1]) or 1.0
