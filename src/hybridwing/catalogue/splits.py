"""Dividing a catalogue into a part to train on and a part to test on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hybridwing.catalogue.strata import shares_of_strata, strata_of
from hybridwing.errors import CatalogueError, counted, first_few

if TYPE_CHECKING:
    import numpy.typing as npt

    from hybridwing.catalogue.schema import Catalogue

Method = Literal["random", "stratified", "record", "specimen"]

_ORDERS = 100
"""Random orders of the groups among which the best division is looked for."""


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to train on and rows to test on."""

    # Positions in the catalogue; together they are every row once
    train: npt.NDArray[np.intp]
    test: npt.NDArray[np.intp]


def split(catalogue: Catalogue, *, method: Method = "random", test_fraction: float = 0.2, seed: int = 42) -> Split:
    """Divide a catalogue of two rows or more; labelled, except for ``"random"`` and ``"stratified"``.

    - ``"random"`` is row for row, in the same order, what the challenge's sample does:
      ``sklearn.model_selection.train_test_split(table, test_size=0.2, random_state=42)``.
    - ``"stratified"`` divides every class (cross or subspecies) alike; a class of one image stays in training.
    - ``"record"`` holds whole records out, and both parts have hybrids and non-hybrids: the honest test where the
      record gives the label away.
    - ``"specimen"`` keeps the images of one specimen together.

    The rows of ``"random"`` are shuffled, those of the others in the order of the catalogue. `test_fraction`, in
    (0, 1), is the share of the images to test on; with whole records or specimens, as near as they allow. The same
    `seed`, in [0, 2**32), gives the same split. Raises CatalogueError if a number is out of range or the catalogue
    cannot be divided so.
    """
    if not 0 < test_fraction < 1:
        raise CatalogueError(f"The fraction to test on must be in (0, 1); got {test_fraction}.")
    if not 0 <= seed < 2**32:
        raise CatalogueError(f"The seed of a split must be in [0, 2**32); got {seed}.")
    if len(catalogue) < 2:
        raise CatalogueError(f"{catalogue.source}: a catalogue of {len(catalogue)} images cannot be divided.")
    if method == "random":
        return _random(catalogue, test_fraction, seed)
    rng = np.random.default_rng(seed)
    held_out = (
        _stratified(catalogue, test_fraction, rng)
        if method == "stratified"
        else _whole_groups(catalogue, method, test_fraction, rng)
    )
    return Split(np.flatnonzero(~held_out), np.flatnonzero(held_out))


def _random(catalogue: Catalogue, test_fraction: float, seed: int) -> Split:
    from sklearn.model_selection import train_test_split

    try:
        train, test = train_test_split(np.arange(len(catalogue)), test_size=test_fraction, random_state=seed)
    except ValueError as error:
        raise CatalogueError(f"{catalogue.source}: cannot be divided: {error}") from error
    return Split(train, test)


def _stratified(catalogue: Catalogue, test_fraction: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    strata = strata_of(catalogue.classes)
    sizes = np.array([len(rows) for rows in strata])
    held_out = np.zeros(len(catalogue), dtype=np.bool_)
    for rows, share in zip(strata, shares_of_strata(sizes, test_fraction, least=0, most=sizes - 1), strict=True):
        held_out[rng.permutation(rows)[:share]] = True
    if not held_out.any():
        raise CatalogueError(
            f"{catalogue.source}: a stratified split leaves nothing to test on: {test_fraction} of "
            f"{len(sizes)} classes of at most {sizes.max()} images is none. "
            "Test on a larger fraction or split at random."
        )
    return held_out


def _whole_groups(
    catalogue: Catalogue,
    method: Literal["record", "specimen"],
    test_fraction: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.bool_]:
    """Hold out whole groups such that both parts have both labels, and nearly the wished share of each."""
    labels = catalogue.labels
    groups = catalogue.table[method]
    lacking = catalogue.table.loc[groups.isna(), "uuid"].tolist()
    if lacking:
        raise CatalogueError(
            f"{catalogue.source}: {counted(len(lacking), 'image has', 'images have')} no {method}, so it cannot be "
            f"held out: {first_few(lacking)}. Fill them in or choose another split."
        )
    names, member = np.unique(groups.to_numpy(dtype=object).astype(str), return_inverse=True)
    hybrids = np.bincount(member, weights=labels, minlength=len(names)).astype(np.float64)
    non_hybrids = np.bincount(member, weights=1 - labels, minlength=len(names)).astype(np.float64)
    for kind, counts in (("hybrids", hybrids), ("non-hybrids", non_hybrids)):
        if np.count_nonzero(counts) < 2:
            where = f"all {kind} are from {method} {names[counts > 0][0]}" if counts.any() else f"there are no {kind}"
            raise CatalogueError(
                f"{catalogue.source}: a split by {method} needs hybrids and non-hybrids on both sides, but {where}. "
                "Choose another split, or a catalogue with more."
            )
    return np.asarray(np.isin(member, _held_out(hybrids, non_hybrids, test_fraction, rng)))


def _held_out(
    hybrids: npt.NDArray[np.float64],
    non_hybrids: npt.NDArray[np.float64],
    fraction: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.intp]:
    """Choose groups to hold out: of the beginnings of many random orders, the one nearest to the wished shares.

    Both labels are in two groups or more, so random orders come upon a valid division sooner or later. Not all
    divisions are tried: where there are few groups, the seed is there to give different ones.
    """
    best: tuple[float, npt.NDArray[np.intp]] = (np.inf, np.empty(0, dtype=np.intp))
    while not np.isfinite(best[0]):
        for _ in range(_ORDERS):
            order = rng.permutation(len(hybrids))
            hybrid = np.cumsum(hybrids[order])[:-1]
            other = np.cumsum(non_hybrids[order])[:-1]
            both = (hybrid > 0) & (other > 0) & (hybrid < hybrids.sum()) & (other < non_hybrids.sum())
            miss = np.abs(hybrid / hybrids.sum() - fraction) + np.abs(other / non_hybrids.sum() - fraction)
            miss[~both] = np.inf
            cut = int(np.argmin(miss))
            if miss[cut] < best[0]:
                best = (float(miss[cut]), order[: cut + 1])
    return best[1]
