"""Distances of embeddings to parents, block by block, and the scores that are made of them, with NumPy alone.

A block is a run of columns that belong together, such as one view. Every block of an embedding is brought to unit
length and whitened by a covariance that all parents share, so that the squared distance to a parent is the sum over
blocks of plain squared distances.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .arrays import as_floats

if TYPE_CHECKING:
    from .arrays import Array, Arrays, Floats


def block_slices(starts: Array, n_features: int) -> list[slice]:
    """Columns of each block."""
    edges = [*starts.astype(np.int64).tolist(), n_features]
    return [slice(*pair) for pair in pairwise(edges)]


def unit_blocks(X: Floats, slices: list[slice]) -> Floats:
    """Bring every block of every row to unit length; a block of zeros stays as it is."""
    unit = np.empty_like(X)
    for block in slices:
        length = np.sqrt(np.square(X[:, block]).sum(axis=1, keepdims=True))
        unit[:, block] = X[:, block] / np.where(length > 0, length, 1.0)
    return unit


def whitened(unit: Floats, centre: Floats, whitener: Floats, slices: list[slice]) -> Floats:
    """Whiten rows of unit blocks; `whitener` holds the square matrix of each block in that block's rows."""
    out = np.empty_like(unit)
    for block in slices:
        width = block.stop - block.start
        out[:, block] = (unit[:, block] - centre[block]) @ whitener[block, :width]
    return out


def block_distances(white: Floats, means: Floats, slices: list[slice]) -> Floats:
    """Squared distances to each mean in each block, shape (n, k, b)."""
    out = np.empty((len(white), len(means), len(slices)))
    for place, block in enumerate(slices):
        out[:, :, place] = squared_distances(white[:, block], means[:, block])
    return out


def squared_distances(A: Floats, B: Floats) -> Floats:
    """Squared Euclidean distances, shape (len(A), len(B)), as one matrix product."""
    squares = np.square(A).sum(axis=1)[:, None] + np.square(B).sum(axis=1)
    return np.asarray(np.maximum(squares - 2 * (A @ B.T), 0))


def predictive(distances: Floats, shares: Floats, n_features: int) -> Floats:
    """Allow for means that were estimated: -2 log of the predictive density, up to a constant.

    A mean of n specimens has 1/n of their covariance, so a new specimen of a class of one lies at twice the squared
    distance. `shares` is that fraction, broadcast against `distances`.
    """
    return np.asarray(distances / (1 + shares) + n_features * np.log1p(shares))


def score_nearest(arrays: Arrays, X: Floats) -> Floats:
    """Mahalanobis distance to the nearest parent, not squared."""
    slices = block_slices(arrays["starts"], X.shape[1])
    white = whitened(unit_blocks(X, slices), as_floats(arrays, "centre"), as_floats(arrays, "whitener"), slices)
    distances = block_distances(white, as_floats(arrays, "means"), slices).sum(axis=2)
    return np.asarray(np.sqrt(predictive(distances, 1 / as_floats(arrays, "counts"), X.shape[1]).min(axis=1)))
