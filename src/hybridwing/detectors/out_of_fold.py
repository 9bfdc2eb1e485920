"""Calibrate a detector out of fold: every specimen is scored by a fit that has not seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.detectors.calibration import calibrate
from hybridwing.errors import DetectorError
from hybridwing.runtime.scoring import raw_scores

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from hybridwing.detectors.base import Detector
    from hybridwing.runtime.arrays import SavedDetector

    Rows = NDArray[np.intp]

FOLDS = 5
"""Parts that the specimens are dealt into."""


def deal(specimens: NDArray[np.object_], classes: NDArray[np.object_], labels: NDArray[np.int8], seed: int) -> Rows:
    """Deal specimens into `FOLDS` parts, so that each has its share of hybrids and of every class.

    Images of one specimen come into one part. `classes` are the cross or the subspecies of each image; labels are 1 for
    a hybrid. Returns the part of each image, from 0, without gaps, since hybrids and classes are dealt one after
    another. Raises DetectorError if there are fewer than two specimens.

    Examples
    --------
    >>> deal(np.array(list("aabcd")), np.array(list("xxxyy")), np.array([0, 0, 0, 1, 1]), seed=0)
    array([2, 2, 3, 0, 1])
    """
    names, first, member = np.unique(specimens.astype(str), return_index=True, return_inverse=True)
    if len(names) < 2:
        raise DetectorError("all labelled images show one specimen; to calibrate out of fold takes two or more")
    shuffled = np.random.default_rng(seed).permutation(len(names))
    kinds = [(-int(labels[first[place]]), str(classes[first[place]])) for place in shuffled]
    order = shuffled[sorted(range(len(names)), key=kinds.__getitem__)]
    part = np.empty(len(names), dtype=np.intp)
    part[order] = np.arange(len(names)) % FOLDS
    return np.asarray(part[member])


def calibrate_out_of_fold(
    fit: Callable[[Rows], Detector], X: NDArray[np.float32], labels: NDArray[np.int8], fold: Rows
) -> tuple[SavedDetector, NDArray[np.float64]]:
    """Fit a detector on all specimens, and calibrate it on scores by fits that have not seen the specimen.

    The threshold is the conformal quantile of the non-hybrids' out-of-fold scores (cross-conformal prediction). For
    exchangeable specimens, that of the fold fits themselves misses the stated rate `1 - a` by no more than another `a`,
    whatever the detector, and in practice about meets it. Here the fit on all specimens, which has seen more than
    those, scores new ones; ``benchmarks/kept_rates.py`` counts how often the rate is kept.

    Parameters
    ----------
    fit : callable
        Returns a detector fitted on the rows that it is given.
    X : ndarray of shape (n, d)
        Embeddings.
    labels : ndarray of shape (n,)
        1 for a hybrid, 0 for a non-hybrid.
    fold : ndarray of shape (n,)
        See `deal`.

    Returns
    -------
    saved : SavedDetector
        Fitted on all rows, and calibrated.
    raw : ndarray of shape (n,), float64
        Out-of-fold scores on the detector's own scale.

    Raises
    ------
    DetectorError
        If the data cannot be used, or a part of them is too little to learn from.

    References
    ----------
    Vovk (2015), "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74. Barber, Candès,
    Ramdas and Tibshirani (2021), "Predictive inference with the jackknife+", Annals of Statistics 49 (CV+).
    """
    raw = np.empty(len(X))
    for number in np.unique(fold):
        try:
            fitted = fit(np.flatnonzero(fold != number))
        except DetectorError as error:
            raise DetectorError(
                f"the detector cannot be calibrated out of fold: without a part of the specimens, {error}; use ridge, "
                "which needs no hybrids, or hold images out with --split random"
            ) from error
        raw[fold == number] = raw_scores(fitted.to_saved(), X[fold == number])
    return calibrate(fit(np.arange(len(X))).to_saved(), raw, labels), raw
