"""Scale the official counts to a collection of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import SimulationError
from hybridwing.simulate.strata import STRATA, Stratum

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

OFFICIAL_SPECIMENS = 4432
"""Images of the official tables: 2,082 to train and 2,350 to test."""


@dataclass(frozen=True)
class Share:
    """Images of one stratum in a collection."""

    stratum: Stratum
    train: int  # Images in each table; val is inside test
    test: int
    val: int
    train_records: tuple[int, ...]  # The record of every training and every test image; lengths ``train`` and ``test``
    test_records: tuple[int, ...]


def scale(specimens: int) -> tuple[Share, ...]:
    """Share out a collection of so many images among the strata.

    Train, test and validation keep the official 2,082 : 2,350 : 1,175. Within a table every stratum gets its official
    share, but never less than its least count: the rarest subspecies and every cross stay in a small collection, with
    at least 8 non-signal hybrids in test and 4 in validation. What that takes is taken from the large strata in
    proportion. Fractions go to the largest remainder, ties to the earlier stratum.

    Parameters
    ----------
    specimens : int
        Images in all; at 4,432 the result is the official tables.

    Returns
    -------
    tuple of Share
        One for each stratum of `hybridwing.simulate.strata.STRATA`, in that order.

    Raises
    ------
    SimulationError
        If they are too few for every stratum to keep its least count; the message says how many are enough.

    Examples
    --------
    >>> shares = scale(4432)
    >>> sum(share.train for share in shares), sum(share.test for share in shares)
    (2082, 2350)
    """
    if specimens < least_specimens():
        raise SimulationError(
            f"{specimens} specimens are too few for every class of the tables to be present; "
            f"ask for at least {least_specimens()} (specimens=, --specimens)"
        )
    n_train, n_test, n_val = _table_sizes(specimens)
    train = _apportion([s.train for s in STRATA], [_least_train(s) for s in STRATA], n_train)
    test = _apportion([s.test for s in STRATA], [s.least_test for s in STRATA], n_test)
    val = _apportion([s.val for s in STRATA], [s.least_val for s in STRATA], n_val, most=test)
    return tuple(
        Share(
            stratum,
            int(a),
            int(b),
            int(v),
            _records(stratum, [source.train for source in stratum.sources], int(a)),
            _records(stratum, [source.test for source in stratum.sources], int(b)),
        )
        for stratum, a, b, v in zip(STRATA, train, test, val, strict=True)
    )


def least_specimens() -> int:
    """Smallest collection in which every stratum keeps its least count."""
    least = (
        sum(_least_train(s) for s in STRATA),
        sum(s.least_test for s in STRATA),
        sum(s.least_val for s in STRATA),
    )
    size = sum(least[:2])
    while any(got < need for got, need in zip(_table_sizes(size), least, strict=True)):
        size += 1
    return size


def _table_sizes(specimens: int) -> tuple[int, int, int]:
    train = round(specimens * sum(s.train for s in STRATA) / OFFICIAL_SPECIMENS)
    return train, specimens - train, (specimens - train) // 2


def _least_train(stratum: Stratum) -> int:
    return stratum.least_train if stratum.train else 0


def _apportion(official: list[int], least: list[int], total: int, most: Ints | None = None) -> Ints:
    """Round ``clip(k * official, least, most)`` to integers, with k such that they add up to `total`."""
    weight = np.asarray(official, dtype=float)
    low = np.asarray(least, dtype=float)
    high = np.full(len(official), np.inf) if most is None else most.astype(float)
    below, above = 0.0, 1.0
    while np.clip(above * weight, low, high).sum() < total:
        above *= 2
    # the sum grows with k, so halving finds it; k = 1 is tried first so that the official size is met exactly
    factor = 1.0
    if np.clip(weight, low, high).sum() != total:
        for _ in range(80):
            middle = (below + above) / 2
            if np.clip(middle * weight, low, high).sum() < total:
                below = middle
            else:
                above = middle
        factor = above
    wanted = np.clip(factor * weight, low, high)
    counts = np.floor(wanted + 1e-9).astype(np.int64)
    order = np.argsort(-(wanted - counts), kind="stable")
    counts[order[: total - int(counts.sum())]] += 1
    return counts


def _records(stratum: Stratum, official: list[int], count: int) -> tuple[int, ...]:
    shares = _apportion(official, [0] * len(official), count)
    return tuple(source.record for source, n in zip(stratum.sources, shares, strict=True) for _ in range(int(n)))
