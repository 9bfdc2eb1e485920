"""Crosses that nobody has bred: embeddings put together from specimens of two subspecies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybridwing.detectors.groups import Groups

    Floats = NDArray[np.float64]

_BACK_CROSS = 0.25
"""Share of the other parent in the mixed embedding of a back-cross."""


def shifted_crosses(X: Floats, groups: Groups, slices: list[slice], n: int, seed: int) -> Floats:
    """Move specimens of one subspecies towards another, or towards a known cross of it.

    A mean of two specimens varies less than a specimen does, and a classifier would learn that. So a specimen keeps
    what is its own, the look of its record too, and only the difference of the two means is added: half of it (F1), a
    quarter or three quarters (back-cross), or all, half or nothing block by block (element swap). One half of the
    made specimens are towards known crosses, from half of the way to all of it, so that known hybrids come with
    the looks of every record.

    Parameters
    ----------
    X : ndarray of shape (m, d)
        Embeddings.
    groups : Groups
        Their subspecies and crosses.
    slices : list of slice
        Columns of each block (a wing, a view, a backbone).
    n : int
        How many to make.
    seed : int
        Of the draws.

    Returns
    -------
    ndarray of shape (n, d); (0, d) if there is neither a pair of subspecies nor a cross with a known parent.
    """
    rng = np.random.default_rng(seed)
    kinds = [np.flatnonzero(groups.member == place) for place in range(len(groups))]
    means = np.stack([X[rows].mean(axis=0) for rows in kinds])
    n_pure = len(groups.subspecies)
    pairs = [(a, b) for a in range(n_pure) for b in range(n_pure) if a != b]
    known = [
        (parent, n_pure + place) for place, cross in enumerate(groups.crosses) for parent in groups.parents_in(cross)
    ]
    if not pairs and not known:
        return np.empty((0, X.shape[1]))
    made = np.empty((n, X.shape[1]))
    for place, row in enumerate(made):
        towards_known = bool(known) and (place % 2 == 0 or not pairs)
        choices = known if towards_known else pairs
        start, goal = choices[rng.integers(len(choices))]
        share = np.full(len(slices), rng.uniform(0.5, 1.0)) if towards_known else _cross_shares(len(slices), rng)
        row[:] = X[rng.choice(kinds[start])]
        for block, part in zip(slices, share, strict=True):
            row[block] += part * (means[goal] - means[start])[block]
    return made


def _cross_shares(n_blocks: int, rng: np.random.Generator) -> Floats:
    kind = rng.integers(3)
    if kind == 0:
        return np.full(n_blocks, 0.5)
    if kind == 1:
        return np.full(n_blocks, _BACK_CROSS if rng.random() < 0.5 else 1 - _BACK_CROSS)
    return _shares(n_blocks, rng)


def _shares(n_blocks: int, rng: np.random.Generator) -> Floats:
    """Share of the other parent in each block: none, half or all, but not none or all everywhere."""
    share = rng.choice([0.0, 0.5, 1.0], n_blocks)
    if share.min() == share.max():
        share[rng.integers(n_blocks)] = 0.5
    return np.asarray(share)
