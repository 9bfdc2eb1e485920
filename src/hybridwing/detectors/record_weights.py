"""Weights that let a record say less about the label: non-hybrids of the hybrids' own records count more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SHARE = 0.5
"""Share of the non-hybrids' weight that those photographed beside hybrids get, where there are many of them."""

_FEW = 20
"""With as many of those, they get half of the share: a handful must not stand for all."""


def record_weights(y: NDArray[np.int64], records: Sequence[str | None] | None) -> NDArray[np.float64]:
    """Weigh specimens so that non-hybrids from the hybrids' records count as much as all others together.

    Most hybrids come from one or two records. A classifier then learns what the photographs of these look like.
    Non-hybrids of the same records are the controls that show it what else may differ: each record gets weight by the
    number of hybrids that they can be matched with.

    Parameters
    ----------
    y : ndarray of shape (n,), int64
        1 for a hybrid, 0 for a non-hybrid.
    records : sequence of length n, optional
        Source batch of each specimen; None where it is not known.

    Returns
    -------
    ndarray of shape (n,), float64
        1 for hybrids; the non-hybrids' add up to their number. All 1 where no record holds both.

    References
    ----------
    Matched controls: Breslow and Day (1980), "Statistical methods in cancer research, volume 1", chapter 1. Weights
    against a shift between groups: Shimodaira (2000), Journal of Statistical Planning and Inference 90.
    """
    weights = np.ones(len(y))
    if records is None:
        return weights
    names = np.array(["" if record is None else str(record) for record in records])
    pure = y == 0
    shared = sorted((set(names[pure]) & set(names[~pure])) - {""})
    if not shared:
        return weights
    beside = [pure & (names == name) for name in shared]
    controls = np.array([rows.sum() for rows in beside])
    matched = np.minimum(controls, [(names[~pure] == name).sum() for name in shared])
    share = SHARE * controls.sum() / (controls.sum() + _FEW)
    weights[pure] = 1.0 - share
    for rows, gain in zip(beside, share * pure.sum() * matched / matched.sum() / controls, strict=True):
        weights[rows] += gain
    return weights
