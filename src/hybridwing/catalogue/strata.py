"""Classes of a catalogue and the number of images to take from each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def strata_of(names: npt.NDArray[np.object_]) -> list[npt.NDArray[np.intp]]:
    """Rows of each distinct name, by name.

    Parameters
    ----------
    names : ndarray of shape (n,), str

    Returns
    -------
    list of ndarray of int
        Ascending positions.
    """
    _, member = np.unique(names.astype(str), return_inverse=True)
    order = np.argsort(member, kind="stable")
    return np.split(order, np.cumsum(np.bincount(member))[:-1])


def shares_of_strata(
    sizes: npt.NDArray[np.int64],
    fraction: float,
    *,
    least: int = 0,
    most: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.int64]:
    """Number of images to take from each class so that the whole comes nearest to a fraction.

    Every class gives its fraction rounded down, and the classes with the largest remainders give one more
    (the largest-remainder method), within bounds.

    Parameters
    ----------
    sizes : ndarray of shape (k,), int
        Images in each class, each at least 1.
    fraction : float in (0, 1]
        Share of all images to take.
    least : int, default 0
        What every class gives at least.
    most : ndarray of shape (k,), int, optional
        What each class gives at most; by default all it has.

    Returns
    -------
    ndarray of shape (k,), int
        When the bounds forbid it, their sum is not the fraction of the whole.
    """
    limit = sizes if most is None else most
    wished = sizes * fraction
    shares = np.clip(np.floor(wished + 1e-9).astype(np.int64), np.minimum(least, limit), limit)
    lacking = int(np.floor(sizes.sum() * fraction + 0.5)) - int(shares.sum())
    if lacking > 0:
        remainder = np.where(shares < limit, wished - shares, -np.inf)
        for stratum in np.argsort(-remainder, kind="stable")[:lacking]:
            shares[stratum] += int(shares[stratum] < limit[stratum])
    return np.asarray(shares, dtype=np.int64)
