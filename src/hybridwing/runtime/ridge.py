"""Score embeddings by a kernel ridge regression to subspecies and hybrids, with NumPy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .arrays import as_floats
from .parents import block_slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Arrays, Floats

LIKELIEST = 0.8
"""Share of the membership of the likeliest subspecies that is taken from that of the hybrids.

With less of it, back-crosses and hybrids of another species are found more often, and hybrids of crosses that training
did not show less often; see ``benchmarks/detection/choices.py``.
"""

_MOST_ROWS = 1024
"""Most embeddings that are scored at once."""


def projected(arrays: Arrays, X: Floats) -> tuple[Floats, Floats]:
    """Standardise embeddings and project each block.

    Returns the vectors, of shape (n, number of blocks times q), and the squared length of what lies outside the
    projection, within rounding, of shape (n,).
    """
    unit = (X - as_floats(arrays, "centre")) / as_floats(arrays, "scale")
    projection, slices = as_floats(arrays, "projection"), block_slices(arrays["starts"], X.shape[1])
    vectors = np.concatenate([unit[:, block] @ projection[block] for block in slices], axis=1)
    return vectors, np.maximum(np.square(unit).sum(axis=1) - np.square(vectors).sum(axis=1), 0)


def kernel(arrays: Arrays, vectors: Floats, rest: Floats) -> Floats:
    """Gaussian kernel of projected embeddings with those of training.

    What lies outside the projection in one and in the other is taken to be at right angles. It counts where hybrids are
    known, see `hybridwing.detectors.ridge.RidgeDetector`.
    """
    known = as_floats(arrays, "vectors")
    distances = np.square(vectors).sum(axis=1)[:, None] + np.square(known).sum(axis=1) - 2 * (vectors @ known.T)
    if arrays["crossed"].any():
        distances += rest[:, None] + as_floats(arrays, "rest")
    return np.asarray(np.exp(-np.maximum(distances, 0) / 2))


def lead_of_hybrid(memberships: Floats, crossed: NDArray[np.generic]) -> Floats:
    """Membership of the hybrids, 0 where there is no such column, less a share of the largest one of a subspecies."""
    hybrid = np.asarray(crossed, dtype=bool)
    return np.asarray(memberships[:, hybrid].sum(axis=1) - LIKELIEST * memberships[:, ~hybrid].max(axis=1))


def score_ridge(arrays: Arrays, X: Floats) -> Floats:
    """How much of a hybrid, less most of how much of the likeliest subspecies."""
    scores = np.empty(len(X))
    for start in range(0, len(X), _MOST_ROWS):
        rows = slice(start, start + _MOST_ROWS)
        memberships = kernel(arrays, *projected(arrays, X[rows])) @ as_floats(arrays, "weights")
        scores[rows] = lead_of_hybrid(memberships, arrays["crossed"])
    return scores
