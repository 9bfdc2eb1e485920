"""Taking a part of a catalogue that looks like the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from hybridwing.catalogue.strata import shares_of_strata, strata_of
from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    import numpy.typing as npt

    from hybridwing.catalogue.schema import Catalogue

Strata = Literal["hybrid_stat", "subspecies", "record", "group"]


def sample_fraction(
    catalogue: Catalogue, fraction: float, *, by: Strata = "hybrid_stat", seed: int = 42
) -> npt.NDArray[np.intp]:
    """Sample a fraction of the images, the same of every class.

    Unlike scikit-learn's stratified splitters it takes classes of any size: each gives at least one image,
    so that no class is lost from a small sample.

    Parameters
    ----------
    catalogue : Catalogue
        At least one row.
    fraction : float in (0, 1]
        Share of the images to take.
    by : {"hybrid_stat", "subspecies", "record", "group"}, default "hybrid_stat"
        What makes a class: hybrid or not; subspecies, and cross for hybrids; record; the challenge's
        indicator. Images for which it is not known are a class of their own.
    seed : int, default 42
        At least 0. Same seed, same sample.

    Returns
    -------
    ndarray of int
        Positions in the catalogue, ascending.

    Raises
    ------
    CatalogueError
        If an argument is out of range or the catalogue is empty.
    """
    if not 0 < fraction <= 1:
        raise CatalogueError(f"The fraction to sample must be in (0, 1]; got {fraction}.")
    if by not in get_args(Strata):
        raise CatalogueError(f"Unknown strata {by!r}; use one of {', '.join(get_args(Strata))}.")
    if seed < 0:
        raise CatalogueError(f"The seed of a sample must not be negative; got {seed}.")
    if not len(catalogue):
        raise CatalogueError(f"{catalogue.source}: there is nothing to sample from.")
    if by == "subspecies":
        names = catalogue.classes
    else:
        column = catalogue.table["hybrid" if by == "hybrid_stat" else by]
        names = column.astype("string").fillna("").to_numpy(dtype=object)
    strata = strata_of(names)
    sizes = np.array([len(rows) for rows in strata])
    rng = np.random.default_rng(seed)
    shares = shares_of_strata(sizes, fraction, least=1)
    taken = [rng.permutation(rows)[:share] for rows, share in zip(strata, shares, strict=True)]
    return np.sort(np.concatenate(taken))
