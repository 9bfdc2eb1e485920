"""Score embeddings by a kernel ridge regression to subspecies and hybrids, with NumPy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .parents import block_slices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Arrays = Mapping[str, NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int64]]

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
    unit = (X - _floats(arrays, "centre")) / _floats(arrays, "scale")
    projection, starts = _floats(arrays, "projection"), np.asarray(arrays["starts"], dtype=np.int64)
    vectors = np.concatenate([unit[:, part] @ projection[part] for part in block_slices(starts, X.shape[1])], axis=1)
    return vectors, np.maximum(np.square(unit).sum(axis=1) - np.square(vectors).sum(axis=1), 0)


def kernel(arrays: Arrays, vectors: Floats, rest: Floats) -> Floats:
    """Gaussian kernel of projected embeddings with those of training.

    What lies outside the projection in one and in the other is taken to be at right angles. It counts where hybrids are
    known, see :class:`hybridwing.detectors.ridge.RidgeDetector`.
    """
    known = _floats(arrays, "vectors")
    distances = np.square(vectors).sum(axis=1)[:, None] + np.square(known).sum(axis=1) - 2 * (vectors @ known.T)
    if np.asarray(arrays["crossed"]).any():
        distances += rest[:, None] + _floats(arrays, "rest")
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
        memberships = kernel(arrays, *projected(arrays, X[rows])) @ _floats(arrays, "weights")
        scores[rows] = lead_of_hybrid(memberships, arrays["crossed"])
    return scores


def _floats(arrays: Arrays, name: str) -> Floats:
    return np.asarray(arrays[name], dtype=np.float64)
