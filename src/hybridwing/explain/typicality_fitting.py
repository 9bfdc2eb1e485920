"""Fit the out-of-distribution check of `hybridwing.explain.typicality`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import RunError
from hybridwing.explain.typicality import Typicality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybridwing.explain.typicality import Floats, Vectors

MOST_VECTORS = 4000
"""Most training embeddings that are kept; evenly spaced ones of more."""
MOST_UNDERSIDES = 0.05
"""If a larger share of the training images than this shows undersides, an underside is typical."""
MOST_REJECTED = 0.03
"""Fewer measures are used where so few images are held out that all of them might reject more than this share."""
FEWEST_UNDERSIDES = 5
"""Fewest undersides to learn from: the mean of fewer depends on the specimens more than on the side."""
_SHRINKAGE = 0.3
"""Share of the covariance that is replaced by its mean variance: there are fewer images than columns."""


@dataclass(frozen=True, eq=False)
class Images:
    """Embeddings, and which of them are known to show an underside."""

    vectors: Vectors  # Shape (n, d)
    undersides: NDArray[np.bool_]  # Shape (n,): whether an image is known to show an underside


def fit_typicality(
    train: Images,
    held_out: Images,
    *,
    regions: Sequence[int],
    is_pattern: bool,
    fallbacks: int,
    doubts: int,
) -> Typicality:
    """Fit the check to training images, hybrids among them, and its limits to held-out images of the same kind.

    `regions` are the widths of the regions of an embedding, whose values may be of very different size, see
    `hybridwing.backbones.base.BackboneSpec.region_widths`. `fallbacks` and `doubts` count the training images in
    which the view was not found, and in which it is in doubt. Raises RunError if there is nothing to learn from.
    """
    if not len(train.vectors) or not len(held_out.vectors):
        raise RunError("the out-of-distribution check needs training and held-out images, and one of the two is empty")
    # Where few images are known to be undersides, an image is compared with the others alone.
    rare = train.undersides.mean() <= MOST_UNDERSIDES
    ordinary, measured = _upper(train, rare), _upper(held_out, rare)
    kept = np.linspace(0, len(ordinary) - 1, min(len(ordinary), MOST_VECTORS)).round().astype(np.intp)
    vectors = np.ascontiguousarray(ordinary[kept], dtype=np.float32)
    images = len(train.vectors)
    known = Typicality(vectors, _scale(vectors, regions), np.zeros(0), fallbacks / images, doubts / images)
    known = replace(known, distances=known.distance(measured))
    if is_pattern:
        known = replace(known, turns=known.turn(measured, known.distances))
    room = int(MOST_REJECTED * (len(measured) + 1)) - 1 - is_pattern
    # For `pattern`, paleness finds more undersides than a direction learnt from a few examples does.
    if rare and is_pattern and room > 0:
        room -= 1
        known = replace(known, paleness=known.pale(measured))
    if rare and train.undersides.sum() >= FEWEST_UNDERSIDES and room > 0:
        below = train.vectors[train.undersides] / known.scale
        known = replace(known, direction=_direction_of(below, vectors / known.scale) / known.scale)
        known = replace(known, sides=known.side(measured))
    return known


def _upper(images: Images, rare: bool) -> Vectors:
    """Images that are not known to be undersides; all where undersides are common or nothing else is shown."""
    upper = images.vectors[~images.undersides]
    return upper if rare and len(upper) else images.vectors


def _scale(vectors: Vectors, regions: Sequence[int]) -> Floats:
    """For each column, how far training images scatter in its region, so that no region outweighs the others."""
    asked = vectors.astype(np.float64)
    apart = asked - asked.mean(axis=0)
    parts = (np.split(values, np.cumsum(regions)[:-1], axis=1) for values in (apart, asked))
    spread = [_spread(*pair) for pair in zip(*parts, strict=True)]
    return np.repeat(spread, np.asarray(regions))


def _spread(apart: Floats, values: Floats) -> float:
    """Root mean square length; kept away from zero, so that regions that never differ can be divided by it."""
    lengths = [float(np.sqrt((part**2).sum() / len(part))) for part in (apart, values)]
    return max(lengths[0], 1e-3 * lengths[1]) or 1.0


def _direction_of(undersides: Floats, others: Floats) -> Floats:
    """Fisher's linear discriminant between undersides and all other training images.

    The covariance is that of the others, shrunk towards its mean variance (Ledoit & Wolf 2004, J. Multivariate Anal.
    88(2), 365-411, with a fixed share). It includes the differences between subspecies, so that the discriminant does
    not depend on the subspecies of the few undersides.

    Embeddings have shape (u, d) and (m, d), with columns of similar scales. The product of an embedding with the
    direction, of shape (d,), is the larger, the more the image looks like an underside.
    """
    from sklearn.covariance import empirical_covariance, shrunk_covariance

    apart = undersides.mean(axis=0) - others.mean(axis=0)
    covariance = shrunk_covariance(empirical_covariance(others), shrinkage=_SHRINKAGE)
    covariance.flat[:: len(apart) + 1] += np.finfo(float).tiny  # images that are all the same have no variance
    return np.asarray(np.linalg.solve(covariance, apart))
