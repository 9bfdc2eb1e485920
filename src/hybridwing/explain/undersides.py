"""The direction in which undersides lie, from the few that a training table names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST = 5
"""Fewest undersides to learn from: the mean of fewer shows the specimens more than the side."""
_SHRINKAGE = 0.3
"""Share of the covariance that is replaced by its mean variance: there are fewer images than columns."""


def direction_of(undersides: Floats, others: Floats) -> Floats:
    """Fisher's linear discriminant between undersides and all other training images.

    The covariance is that of the others, shrunk towards its mean variance (Ledoit & Wolf 2004, J. Multivariate Anal.
    88(2), 365-411, with a fixed share). It includes the differences between subspecies, so that the discriminant does
    not depend on the subspecies of the few undersides.

    Parameters
    ----------
    undersides : ndarray of shape (u, d), float64
        Embeddings, columns of similar scales.
    others : ndarray of shape (m, d), float64

    Returns
    -------
    ndarray of shape (d,), float64
        Its product with an embedding is larger, the more the image looks like an underside.
    """
    from sklearn.covariance import empirical_covariance, shrunk_covariance

    apart = undersides.mean(axis=0) - others.mean(axis=0)
    covariance = shrunk_covariance(empirical_covariance(others), shrinkage=_SHRINKAGE)
    covariance.flat[:: len(apart) + 1] += np.finfo(float).tiny  # images that are all the same have no variance
    return np.asarray(np.linalg.solve(covariance, apart))
