"""Where embeddings lie: their first two principal components, as points of a map and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 1500
"""Images on a map, evenly spaced where there are more."""
MOST_ROWS = 400
"""Images in the table of a map: those of the highest scores."""


@dataclass(frozen=True)
class Point:
    """One image on the map."""

    name: str  # Key of the image
    kind: str  # Subspecies or cross
    hybrid: bool
    score: float  # In (0, 1): hybrid score; higher = more likely hybrid
    # Principal components, in the units of the embedding
    first: float
    second: float
    # In [2, 98]: place on the map, in percent of its sides; the second component grows upwards
    across: float
    down: float


@dataclass(frozen=True)
class EmbeddingMap:
    """Embeddings in two dimensions."""

    points: tuple[Point, ...]  # Hybrids last, so that they are drawn over the others
    shares: tuple[float, float]  # In [0, 1]: share of the variance of the shown embeddings that lies along each axis
    images: int  # How many there are, shown or not

    @property
    def rows(self) -> list[Point]:
        """The points of the table, the highest scores first."""
        return sorted(self.points, key=lambda point: -point.score)[:MOST_ROWS]


def embedding_map(
    vectors: NDArray[np.floating],
    names: NDArray[np.str_],
    kinds: NDArray[np.str_],
    hybrid: NDArray[np.bool_],
    scores: NDArray[np.float64],
) -> EmbeddingMap:
    """Lay out embeddings, of shape (n, d), on their first two principal components.

    The name, kind, hybrid status and score of each image stand beside its point.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.outer(np.arange(4.0), [3.0, 4.0])
    >>> made = embedding_map(line, np.array(list("abcd")), np.full(4, "erato"), np.arange(4) > 2, np.full(4, 0.5))
    >>> made.shares
    (1.0, 0.0)
    """
    rows = np.linspace(0, len(scores) - 1, min(len(scores), MOST_POINTS)).round().astype(int)
    centred = vectors[rows].astype(np.float64)
    centred -= centred.mean(axis=0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    kept = min(2, len(size))
    flat, shares = np.zeros((len(rows), 2)), np.zeros(2)
    flat[:, :kept] = (left * size)[:, :kept]
    shares[:kept] = size[:kept] ** 2 / max(float((size**2).sum()), 1e-300)
    placed = 2 + 96 * (flat - flat.min(axis=0)) / np.maximum(np.ptp(flat, axis=0), 1e-12)
    points = tuple(
        Point(
            str(names[row]),
            str(kinds[row]),
            bool(hybrid[row]),
            float(scores[row]),
            float(flat[place, 0]),
            float(flat[place, 1]),
            round(float(placed[place, 0]), 2),
            round(100 - float(placed[place, 1]), 2),
        )
        for place in np.argsort(hybrid[rows], kind="stable")
        for row in [rows[place]]
    )
    first, second = (round(float(share), 12) for share in shares)
    return EmbeddingMap(points, (first, second), len(scores))
