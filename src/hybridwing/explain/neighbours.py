"""The nearest of known vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Rows that are compared at once.
_BLOCK = 512


def distance_to_nearest(vectors: Floats, known: Floats, count: int) -> Floats:
    """Mean Euclidean distance to the nearest known vectors.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float64
    known : ndarray of shape (m, d), float64
    count : int
        How many of the nearest; all of them where there are fewer.

    Returns
    -------
    ndarray of shape (n,), float64
    """
    nearest = min(count, len(known))
    parts = [
        np.sqrt(np.partition(squares, nearest - 1, axis=1)[:, :nearest].clip(0)).mean(axis=1)
        for squares in _squared(vectors, known)
    ]
    return np.concatenate(parts)


def nearest_rows(vectors: Floats, known: Floats, count: int) -> NDArray[np.intp]:
    """Rows of the nearest known vectors, in no order.

    Parameters
    ----------
    vectors, known, count
        See :func:`distance_to_nearest`.

    Returns
    -------
    ndarray of shape (n, min(count, m)), intp
    """
    nearest = min(count, len(known))
    return np.concatenate(
        [np.argpartition(squares, nearest - 1, axis=1)[:, :nearest] for squares in _squared(vectors, known)]
    )


def _squared(vectors: Floats, known: Floats) -> Iterator[Floats]:
    """Squared distances, a block of rows at a time; rounding may leave them a little below zero."""
    norms = (known**2).sum(axis=1)
    for block in np.array_split(vectors, max(1, -(-len(vectors) // _BLOCK))):
        yield (block**2).sum(axis=1)[:, None] - 2 * block @ known.T + norms
