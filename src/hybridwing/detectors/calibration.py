"""Turn raw scores into calibrated quantiles, and read thresholds at a stated true-negative rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import DetectorError
from hybridwing.runtime.arrays import QUANTILE_SCORE_MAP, SavedDetector, check_saved
from hybridwing.runtime.scoring import map_scores

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

LARGEST_RAW = 1e100
"""Largest absolute raw score that is accepted; differences of such scores cannot overflow."""


class TooFewError(DetectorError):
    """Too few non-hybrids were held out to promise a true-negative rate."""


@dataclass(frozen=True, eq=False)
class ScoreMap:
    """A strictly rising map from raw scores to calibrated quantiles in (0, 1)."""

    knots: Floats  # Shape (k,): distinct held-out raw scores, rising
    levels: Floats  # Shape (k,): quantile of each knot, in (0, 1), rising
    scales: Floats  # Shape (2,): widths of the lower and upper tail, in units of the raw score, greater than 0

    def __call__(self, raw: ArrayLike) -> Floats:
        """Return the calibrated scores of raw ones, shape (n,), within [0.0001, 0.9999]."""
        return map_scores(raw, self.knots, self.levels, self.scales)


def fit_score_map(raw_heldout: ArrayLike, y_heldout: ArrayLike) -> ScoreMap:
    """Fit the map from raw scores to calibrated quantiles on specimens the detector was not fitted on.

    A specimen's level is the mean of two empirical distribution functions, that of the non-hybrids and that of the
    hybrids, with equal scores at the middle of their ranks. So each class gets half of the range, however few the
    hybrids are, and no pile of scores at one end is squeezed into the last decimal. Without held-out hybrids the level
    is the distribution function of the non-hybrids alone. The map has tails beyond the held-out scores.

    Labels are 1 for a hybrid and 0 for a non-hybrid, of which there is at least one. Raises DetectorError if the scores
    are not finite, do not fit the labels, or hold no non-hybrid.
    """
    raw, labels = _checked_heldout(raw_heldout, y_heldout)
    knots = np.unique(raw)
    levels = midranks(knots, raw[labels == 0])
    if (labels == 1).any():
        levels = (levels + midranks(knots, raw[labels == 1])) / 2
    middle = float(np.median(raw))
    scales = np.array([_tail_scale(middle - knots[0], raw), _tail_scale(knots[-1] - middle, raw)])
    return ScoreMap(knots, levels, scales)


def calibrate(saved: SavedDetector, raw_heldout: ArrayLike, y_heldout: ArrayLike) -> SavedDetector:
    """Return a saved detector completed with its score map, fitted on its raw scores of held-out specimens.

    With it come the sorted calibrated scores of the held-out non-hybrids (for ``threshold_at``) and the median
    calibrated score of all held-out specimens (for images that cannot be read). An earlier calibration is replaced.
    Labels and errors are those of ``fit_score_map``.
    """
    raw, labels = _checked_heldout(raw_heldout, y_heldout)
    score_map = fit_score_map(raw, labels)
    scores = score_map(raw)
    complete = SavedDetector(
        replace(saved.header, score_map=QUANTILE_SCORE_MAP),
        {
            **saved.arrays,
            "map_knots": score_map.knots,
            "map_levels": score_map.levels,
            "map_scales": score_map.scales,
            "heldout_nonhybrid": np.sort(scores[labels == 0]),
            "fallback": np.asarray(np.median(scores)),
        },
    )
    check_saved(complete)
    return complete


def threshold_at(saved: SavedDetector, tnr: float) -> float:
    """Return the calibrated score above which an image is called hybrid at a stated true-negative rate.

    The split-conformal rule: of ``n`` held-out non-hybrids, the ``ceil((n + 1) * tnr)``-th smallest score. A
    new non-hybrid from the same population stays at or below it with probability at least ``tnr``.

    Parameters
    ----------
    saved : SavedDetector
        A calibrated detector.
    tnr : float
        True-negative rate, in (0, 1).

    Returns
    -------
    float
        An image is called hybrid when its calibrated score is strictly greater.

    Raises
    ------
    TooFewError
        If too few non-hybrids were held out for it.
    DetectorError
        If ``tnr`` is out of range, or the detector is not calibrated.

    References
    ----------
    Angelopoulos and Bates (2021), "A gentle introduction to conformal prediction and distribution-free
    uncertainty quantification", arXiv:2107.07511. Vovk, Gammerman and Shafer (2005), "Algorithmic learning
    in a random world".
    """
    if not 0 < tnr < 1:
        raise DetectorError(f"the true-negative rate must be within (0, 1); got {tnr}")
    if not saved.is_calibrated:
        raise DetectorError("this detector is not calibrated, so it has no threshold; fit it with held-out specimens")
    scores = np.sort(saved.arrays["heldout_nonhybrid"])
    n = len(scores)
    # The small term undoes rounding such as 0.07 * 100 = 7.000000000000001, which would cost a rank.
    rank = max(1, math.ceil((n + 1) * tnr - 1e-9))
    if rank > n:
        needed = math.ceil(tnr / (1 - tnr) - 1e-9)
        highest = math.floor(1000 * n / (n + 1)) / 1000  # rounded down, so that the rate can be asked for
        raise TooFewError(
            f"a true-negative rate of {tnr} needs at least {needed} held-out non-hybrids and this "
            f"detector has {n}, which can promise {highest:.3f} at most; hold out more, or ask for a lower rate"
        )
    return float(scores[rank - 1])


def _checked_heldout(raw: ArrayLike, y: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    values = np.asarray(raw, dtype=np.float64)
    labels = np.asarray(y)
    if values.ndim != 1 or values.shape != labels.shape:
        raise DetectorError(f"held-out scores of shape {values.shape} do not fit labels of shape {labels.shape}")
    if not np.isin(labels, (0, 1)).all():
        raise DetectorError("held-out labels must be 1 (hybrid) or 0 (non-hybrid)")
    if not (np.abs(values) <= LARGEST_RAW).all():
        raise DetectorError("held-out scores hold NaN, infinity or values beyond 1e100; check the embeddings")
    if not (labels == 0).any():
        raise DetectorError("no non-hybrid is held out; scores are calibrated against them, so hold out some")
    return values, labels.astype(np.int64)


def midranks(values: Floats, sample: Floats) -> Floats:
    """Share of a sample that is below each value, in [0, 1]; those of the same value count half."""
    ordered = np.sort(sample)
    below = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    return np.asarray((below + up_to) / (2 * len(ordered)))


def _tail_scale(spread: float, raw: Floats) -> float:
    """Width of a tail: the distance from the median to the last knot, or the next best where that is 0."""
    return next(width for width in (spread, float(np.ptp(raw)), float(np.abs(raw).max()), 1.0) if width > 0)
