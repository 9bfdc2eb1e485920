"""Classes of a catalogue, and a sample with the same share of every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    import numpy.typing as npt

    from hybridwing.catalogue.schema import Catalogue


def sample_fraction(catalogue: Catalogue, fraction: float, *, seed: int) -> npt.NDArray[np.intp]:
    """Sample a fraction in (0, 1] of the images, the same of every class; their positions, ascending.

    Unlike scikit-learn's stratified splitters it takes classes of any size: each gives at least one image, so that no
    class is lost from a small sample. The same seed, at least 0, gives the same sample. Raises CatalogueError if the
    fraction is out of range or the catalogue is empty.
    """
    if not 0 < fraction <= 1:
        raise CatalogueError(f"The fraction to sample must be in (0, 1]; got {fraction}.")
    if not len(catalogue):
        raise CatalogueError(f"{catalogue.source}: there is nothing to sample from.")
    strata = strata_of(catalogue.classes)
    sizes = np.array([len(rows) for rows in strata])
    rng = np.random.default_rng(seed)
    shares = shares_of_strata(sizes, fraction, least=1, most=sizes)
    taken = [rng.permutation(rows)[:share] for rows, share in zip(strata, shares, strict=True)]
    return np.sort(np.concatenate(taken))


def strata_of(names: npt.NDArray[np.object_]) -> list[npt.NDArray[np.intp]]:
    """Ascending positions of each distinct name of shape (n,), by name."""
    _, member = np.unique(names.astype(str), return_inverse=True)
    order = np.argsort(member, kind="stable")
    return np.split(order, np.cumsum(np.bincount(member))[:-1])


def shares_of_strata(
    sizes: npt.NDArray[np.int64], fraction: float, *, least: int, most: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Number of images to take from each class, shape (k,), so that the whole comes nearest to a fraction in (0, 1].

    Every class of `sizes` images, each at least 1, gives its fraction rounded down, and the classes with the largest
    remainders give one more (the largest-remainder method). Each gives at least `least` and at most its number of
    `most`, which is at most all it has. Where these bounds forbid it, the sum is not the fraction of the whole.
    """
    wished = sizes * fraction
    shares = np.clip(np.floor(wished + 1e-9).astype(np.int64), np.minimum(least, most), most)
    lacking = int(np.floor(sizes.sum() * fraction + 0.5)) - int(shares.sum())
    if lacking > 0:
        remainder = np.where(shares < most, wished - shares, -np.inf)
        for stratum in np.argsort(-remainder, kind="stable")[:lacking]:
            shares[stratum] += int(shares[stratum] < most[stratum])
    return np.asarray(shares, dtype=np.int64)
