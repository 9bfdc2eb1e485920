"""Confidence intervals: of proportions by scipy, of any other measure by resampling specimens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hybridwing.errors import ScoringError
from hybridwing.evaluation.resampling import Resampling

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LEVEL = 0.95
"""Confidence level of all intervals, unless a function says another."""
MINIMUM_SPECIMENS = 5
"""With fewer hybrids or fewer non-hybrids, no difference is claimed and no ranking is called upside down."""
_NEARLY_ONE = 1 - 1e-9  # scikit-learn's average precision may end one bit below 1


@dataclass(frozen=True)
class Interval:
    """A confidence interval."""

    low: float  # At most `high`
    high: float

    @property
    def width(self) -> float:
        """Distance between the ends."""
        return self.high - self.low


@dataclass(frozen=True)
class Estimate:
    """A measure, or a difference of two, with its interval."""

    value: float  # Measured on all images
    interval: Interval  # See `measure_interval` and `difference_interval`

    @property
    def cells(self) -> tuple[float, float, float]:
        """Value and ends of the interval, as tables have them."""
        return self.value, self.interval.low, self.interval.high


@dataclass(frozen=True)
class Proportion:
    """A share of images, with Wilson's interval."""

    count: int  # Of `total` images, which are at least 1
    total: int

    def __post_init__(self) -> None:
        _check_counts(self.count, self.total)

    @property
    def share(self) -> float:
        """``count / total``, in [0, 1]."""
        return self.count / self.total

    @property
    def interval(self) -> Interval:
        """Wilson's interval at 95 %."""
        return wilson_interval(self.count, self.total)


def wilson_interval(count: int, total: int) -> Interval:
    """Score interval of a proportion at 95 %, without continuity correction.

    Its coverage is near 95 % on average from about ten trials on. Brown, Cai & DasGupta (2001, Statistical Science 16,
    101-133) recommend it for small samples. From Wilson (1927, Journal of the American Statistical Association 22,
    209-212). Raises ScoringError unless ``0 <= count <= total`` and ``total >= 1``.

    Examples
    --------
    >>> interval = wilson_interval(21, 28)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.566, 0.873)
    """
    return _binomial(count, total, LEVEL, "wilson")


def clopper_pearson_interval(count: int, total: int, level: float) -> Interval:
    """Exact interval of a proportion. It covers the true one with a probability of at least `level`, in (0, 1).

    It is therefore wider than Wilson's. From Clopper & Pearson (1934, Biometrika 26, 404-413). Counts and errors are
    those of `wilson_interval`.
    """
    return _binomial(count, total, level, "exact")


def _binomial(count: int, total: int, level: float, method: Literal["wilson", "exact"]) -> Interval:
    from scipy.stats import binomtest

    _check_counts(count, total)
    found = binomtest(count, total).proportion_ci(level, method=method)
    # The ends are exactly 0 and 1 there, and rounding must not say otherwise.
    return Interval(0.0 if count == 0 else float(found.low), 1.0 if count == total else float(found.high))


def percentile_interval(draws: Floats) -> Interval:
    """Interval between two quantiles of a measure's bootstrap."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def measure_interval(value: float, draws: Floats, specimens: int) -> Interval:
    """Interval of a measure in [0, 1] from its bootstrap.

    A recall of all or none and an area of exactly 0 or 1 get Wilson's interval, since no resample differs. With fewer
    than `MINIMUM_SPECIMENS` specimens, or where all resamples agree, the interval takes in Wilson's of the shares
    next to the measure.

    Parameters
    ----------
    value : float in [0, 1]
        On all images.
    draws : ndarray of shape (resamples,), float64
        On each resample.
    specimens : int
        What the measure rests on: the hybrids of a recall, the rarer class of an area. With 0 the percentiles are
        taken as they are.

    Examples
    --------
    >>> interval = measure_interval(1.0, np.ones(2000), 1)
    >>> round(interval.low, 3), interval.high
    (0.207, 1.0)
    """
    found = percentile_interval(draws)
    if not specimens:
        return found
    whole = value >= _NEARLY_ONE
    if whole or value == 0:
        return wilson_interval(specimens if whole else 0, specimens)
    if specimens >= MINIMUM_SPECIMENS and found.width > 0:
        return found
    lower = wilson_interval(math.floor(value * specimens), specimens).low
    upper = wilson_interval(math.ceil(value * specimens), specimens).high
    return Interval(min(found.low, lower), max(found.high, upper))


def difference_interval(first: Estimate, second: Estimate, draws: Floats) -> Interval:
    """Interval of the difference of two measures on the same resamples.

    Where the difference is the same on all of them and not 0, the interval is made from those of the two, as for
    independent proportions (Newcombe 1998, Statistics in Medicine 17, 873-890, method 10). `draws` are the first less
    the second on each resample.
    """
    found, apart = percentile_interval(draws), first.value - second.value
    if found.width > 0 or not apart:
        return found
    a, b = first.interval, second.interval
    return Interval(
        apart - math.hypot(first.value - a.low, b.high - second.value),
        apart + math.hypot(a.high - first.value, second.value - b.low),
    )


def bootstrap_interval(
    statistic: Callable[[npt.NDArray[np.intp]], float],
    strata: npt.ArrayLike,
    specimens: npt.ArrayLike,
    *,
    resamples: int,
    seed: int,
) -> Interval:
    """Percentile interval of a statistic, resampling whole specimens within strata.

    `statistic` takes the rows of a resample, see `Resampling.rows`, and returns a finite number; the other
    arguments are those of `hybridwing.evaluation.resampling.Resampling`. Raises ScoringError if the arrays do
    not fit, there are no resamples, or the statistic is not finite on one.
    """
    values = np.array([statistic(rows) for rows in Resampling(strata, specimens, resamples, seed).rows()])
    if not np.isfinite(values).all():
        raise ScoringError("The statistic is not a finite number on every resample: it needs more specimens.")
    return percentile_interval(values)


def _check_counts(count: int, total: int) -> None:
    if total < 1 or not 0 <= count <= total:
        raise ScoringError(f"A proportion needs 0 <= count <= total and total >= 1; got {count} of {total}.")
