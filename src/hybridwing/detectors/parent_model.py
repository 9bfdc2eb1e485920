"""The Gaussian model of subspecies and crosses: a mean of each and a covariance that all share, block by block.

The detectors that reason about parents and `hybridwing.explain.parents` are fitted by it.
"""

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


def fit_gaussians(
    unit: Floats, member: NDArray[np.int64], n_groups: int, n_pure: int, slices: list[slice]
) -> tuple[Floats, Floats]:
    """Fit the mean of every group, shape (n_groups, d), and the whitener of the covariance that they share.

    Only subspecies of two and more specimens shape the covariance: one specimen has no spread of its own. `unit` are
    embeddings of shape (n, d) of which every block has unit length, see `hybridwing.runtime.parents.unit_blocks`,
    and `slices` the columns of each block. `member` is the group of each, in ``[0, n_groups)``; every group has a
    specimen, and the `n_pure` subspecies come first. For the whitener see `shrunk_whitener`.
    """
    means = np.stack([unit[member == place].mean(axis=0) for place in range(n_groups)])
    spread = (member < n_pure) & (np.bincount(member, minlength=n_groups)[member] > 1)
    residuals = (unit - means[member])[spread]
    free = max(len(residuals) - len(np.unique(member[spread])), 1)
    return means, shrunk_whitener(residuals, slices, free)


def parent_arrays(X: Floats, groups: Groups, starts: NDArray[np.int64]) -> dict[str, Array]:
    """Fit the arrays of a detector that compares specimens with parents, from embeddings of shape (n, d).

    `starts` is the first column of each block. The arrays are ``starts``, ``centre``, ``whitener``, ``means``
    (whitened) and ``counts`` of ``runtime.layouts``.
    """
    slices = block_slices(starts, X.shape[1])
    unit = unit_blocks(X, slices)
    n_pure = len(groups.subspecies)
    means, exact = fit_gaussians(unit, groups.member, len(groups), n_pure, slices)
    centre = unit[groups.member < n_pure].mean(axis=0)
    # Rounded before anything is computed with it, so that the saved arrays and the fitted ones are the same.
    whitener = exact.astype(np.float32)
    return {
        "starts": starts,
        "centre": centre,
        "whitener": whitener,
        "means": whitened(means[:n_pure], centre, whitener.astype(np.float64), slices),
        "counts": np.bincount(groups.member, minlength=len(groups))[:n_pure].astype(np.int64),
    }


def shrunk_whitener(residuals: Floats, slices: list[slice], free: int) -> Floats:
    """Whitening matrix of each block, from a covariance shrunk towards a multiple of the identity.

    `residuals` are deviations from the means, of shape (n, d); n may be 0, and then nothing is whitened. `slices` are
    the columns of each block, and `free` the degrees of freedom: n less the number of means. Returns shape (d, w): the
    square matrix of each block in that block's rows, zeros beside it; w is the widest block.

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
