"""Which way undersides lie, learnt from the few that a training table names as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hybridwing.explain.neighbours import Floats

FEWEST = 5
"""Undersides that can be learnt from; of fewer, one tells more of itself than of its side."""
_SHRINKAGE = 0.3
"""Share of the covariance that is replaced by its mean variance: images are fewer than columns."""


def direction_of(undersides: Floats, others: Floats) -> Floats:
    """Fisher's linear discriminant between undersides and all other training images.

    The covariance is that of the others, shrunk towards its mean variance (Ledoit & Wolf 2004, J. Multivariate Anal.
    88(2), 365-411, with a fixed share); between subspecies too, so that the discriminant does not heed which
    subspecies the few undersides are of.

    Parameters
    ----------
    undersides : ndarray of shape (u, d), float64
        Columns of like scales.
    others : ndarray of shape (m, d), float64

    Returns
    -------
    ndarray of shape (d,), float64
        The product of an embedding with it is the larger, the more the image looks like an underside.
    """
    apart = undersides.mean(axis=0) - others.mean(axis=0)
    rest = others - others.mean(axis=0)
    floor = max(_SHRINKAGE * float((rest**2).mean()), np.finfo(float).tiny)
    share = (1.0 - _SHRINKAGE) / len(rest)
    if len(rest) >= rest.shape[1]:
        return np.asarray(np.linalg.solve(share * rest.T @ rest + floor * np.eye(rest.shape[1]), apart))
    # The same by the matrix of the images' products, which is smaller (Woodbury's identity).
    inner = np.linalg.solve(rest @ rest.T + floor / share * np.eye(len(rest)), rest @ apart)
    return np.asarray((apart - rest.T @ inner) / floor)
