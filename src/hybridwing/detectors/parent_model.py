"""What detectors that reason about parents are fitted to: mean and shared covariance of every group, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.runtime.parents import block_slices, unit_blocks, whitened

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybridwing.detectors.groups import Groups
    from hybridwing.runtime.arrays import Array

    Floats = NDArray[np.float64]

LEAST_SHRINKAGE = 1e-3
"""Share of the mean variance that every direction keeps, so that one without any variance cannot rule the rest."""


def fit_parents(X: Floats, groups: Groups, starts: NDArray[np.int64], *, with_crosses: bool) -> dict[str, Array]:
    """Fit means and the covariance they share.

    Only subspecies of two and more specimens shape the covariance: a class of one has no spread of its own. Its mean
    is that one specimen, and scoring allows for how uncertain it is.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Embeddings.
    groups : Groups
        Their subspecies and crosses.
    starts : ndarray of shape (b,)
        First column of each block.
    with_crosses : bool
        Whether the known crosses get a mean of their own, too.

    Returns
    -------
    dict of str to ndarray
        ``starts``, ``centre``, ``whitener``, ``means`` (whitened) and ``counts`` of ``runtime.layouts``.
    """
    slices = block_slices(starts, X.shape[1])
    unit = unit_blocks(X, slices)
    n_parents = len(groups.subspecies)
    pure = groups.member < n_parents
    count = np.bincount(groups.member, minlength=len(groups))
    means = np.stack([unit[groups.member == place].mean(axis=0) for place in range(len(groups))])
    spread = pure & (count[groups.member] > 1)
    residuals = (unit - means[groups.member])[spread]
    free = max(len(residuals) - len(np.unique(groups.member[spread])), 1)
    whitener = shrunk_whitener(residuals, slices, free)
    centre = unit[pure].mean(axis=0)
    # Rounded before anything is computed with it, so that the saved arrays and the fitted ones are the same.
    whitener = whitener.astype(np.float32)
    kept = len(groups) if with_crosses else n_parents
    return {
        "starts": starts,
        "centre": centre,
        "whitener": whitener,
        "means": whitened(means[:kept], centre, whitener.astype(np.float64), slices),
        "counts": count[:kept].astype(np.int64),
    }


def shrunk_whitener(residuals: Floats, slices: list[slice], free: int) -> Floats:
    """Whitening matrix of each block, from a covariance shrunk towards a multiple of the identity.

    Parameters
    ----------
    residuals : ndarray of shape (n, d)
        Deviations from the means; n may be 0, and then nothing is whitened.
    slices : list of slice
        Columns of each block.
    free : int
        Degrees of freedom: n less the number of means.

    Returns
    -------
    ndarray of shape (d, w)
        The square matrix of each block in that block's rows, zeros beside it; w is the widest block.

    References
    ----------
    Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices", Journal of
    Multivariate Analysis 88.
    """
    from scipy.linalg import solve_triangular
    from sklearn.covariance import ledoit_wolf_shrinkage

    whitener = np.zeros((slices[-1].stop, max(block.stop - block.start for block in slices)))
    for block in slices:
        width = block.stop - block.start
        values = residuals[:, block]
        variance = np.square(values).sum() / free / width
        if variance <= np.finfo(np.float64).tiny:
            whitener[block, :width] = np.eye(width)
            continue
        amount = max(float(ledoit_wolf_shrinkage(values, assume_centered=True)), LEAST_SHRINKAGE)
        covariance = (1 - amount) * (values.T @ values) / free + amount * variance * np.eye(width)
        lower = np.linalg.cholesky(covariance)
        whitener[block, :width] = solve_triangular(lower, np.eye(width), lower=True).T
    return whitener
