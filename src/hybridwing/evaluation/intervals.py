"""Confidence intervals: of proportions in closed form, of any statistic by resampling specimens."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import ScoringError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes
    ----------
    low, high : float
        Its ends, `low` at most `high`.
    """

    low: float
    high: float

    @property
    def width(self) -> float:
        """Distance between the ends."""
        return self.high - self.low


@dataclass(frozen=True)
class Estimate:
    """A measure, or a difference of two, with its interval.

    Attributes
    ----------
    value : float
        Measured on all images.
    interval : Interval
        Percentile bootstrap over specimens; Wilson's for a recall of none or all, of which no resample differs.
    """

    value: float
    interval: Interval


@dataclass(frozen=True)
class Proportion:
    """A share of images, with Wilson's interval.

    Attributes
    ----------
    count, total : int
        `count` of `total` images; `total` at least 1.
    """

    count: int
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


def wilson_interval(count: int, total: int, level: float = 0.95) -> Interval:
    """Score interval of a proportion, without continuity correction.

    Its coverage is near `level` on average and from about ten trials on; the one Brown, Cai & DasGupta (2001,
    Statistical Science 16, 101-133) recommend for small samples. From Wilson (1927, Journal of the American Statistical
    Association 22, 209-212).

    Parameters
    ----------
    count, total : int
        Successes and trials, ``0 <= count <= total`` and ``total >= 1``.
    level : float in (0, 1), default 0.95

    Raises
    ------
    ScoringError
        If an argument is out of range.

    Examples
    --------
    >>> interval = wilson_interval(21, 28)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.566, 0.873)
    """
    _check_counts(count, total)
    _check_level(level)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = count / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * (share * (1 - share) / total + z * z / (4 * total * total)) ** 0.5
    # the ends are exactly 0 and 1 there, and rounding must not say otherwise
    return Interval(0.0 if count == 0 else centre - half, 1.0 if count == total else centre + half)


def clopper_pearson_interval(count: int, total: int, level: float = 0.95) -> Interval:
    """Exact interval of a proportion: covers with at least `level`, and is therefore wider than Wilson's.

    From Clopper & Pearson (1934, Biometrika 26, 404-413).

    Parameters
    ----------
    count, total : int
        Successes and trials, ``0 <= count <= total`` and ``total >= 1``.
    level : float in (0, 1), default 0.95

    Raises
    ------
    ScoringError
        If an argument is out of range.
    """
    from scipy.special import betaincinv

    _check_counts(count, total)
    _check_level(level)
    tail = (1 - level) / 2
    low = float(betaincinv(count, total - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return Interval(low, high)


def bootstrap_interval(
    statistic: Callable[[npt.NDArray[np.intp]], float],
    strata: npt.ArrayLike,
    specimens: npt.ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 42,
) -> Interval:
    """Percentile interval of a statistic, resampling whole specimens within strata.

    Images of one specimen are no independent observations, so they are drawn together (Davison & Hinkley 1997,
    *Bootstrap Methods and their Application*, section 3.8); strata keep the number of specimens they have, so that
    no resample is without hybrids.

    Parameters
    ----------
    statistic : callable
        Takes rows, shape (m,), ascending within a specimen and with repetitions; returns a finite number.
    strata : array-like of shape (n,)
        What to keep the numbers of, such as ``"minor hybrid"``.
    specimens : array-like of shape (n,)
        The photographed individual of each row. One that is in two strata is resampled in each on its own.
    level : float in (0, 1), default 0.95
    resamples : int, default 1000
        At least 1.
    seed : int, default 42

    Raises
    ------
    ScoringError
        If the arrays do not fit, an argument is out of range, or the statistic is not finite on a resample.
    """
    _check_level(level)
    rows = resampled_rows(strata, specimens, resamples=resamples, seed=seed)
    values = np.array([statistic(drawn) for drawn in rows])
    if not np.isfinite(values).all():
        raise ScoringError("The statistic is not a finite number on every resample: it needs more specimens.")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def resampled_rows(
    strata: npt.ArrayLike, specimens: npt.ArrayLike, *, resamples: int = 1000, seed: int = 42
) -> Iterator[npt.NDArray[np.intp]]:
    """Rows of each resample of a stratified bootstrap over specimens; see :func:`bootstrap_interval`.

    Systems that are measured on the same rows are compared pair by pair.

    Parameters
    ----------
    strata, specimens, resamples, seed
        As there.

    Yields
    ------
    ndarray of shape (m,), intp
        Ascending within a specimen, with repetitions.

    Raises
    ------
    ScoringError
        If the arrays do not fit, or `resamples` is out of range.
    """
    stratum_names, specimen_names = np.asarray(strata).astype(str), np.asarray(specimens).astype(str)
    if stratum_names.ndim != 1 or stratum_names.shape != specimen_names.shape or not stratum_names.size:
        raise ScoringError(
            "Strata and specimens must be one-dimensional, of one length and not empty; "
            f"got shapes {stratum_names.shape} and {specimen_names.shape}."
        )
    if resamples < 1:
        raise ScoringError(f"The number of resamples must be at least 1; got {resamples}.")
    blocks = [_specimens_of(specimen_names, np.flatnonzero(stratum_names == name)) for name in np.unique(stratum_names)]
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.concatenate([block.drawn(rng) for block in blocks])


@dataclass(frozen=True, eq=False)
class _Specimens:
    """Rows of the specimens of a stratum, one specimen after another, and where each begins."""

    rows: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    sizes: npt.NDArray[np.intp]

    def drawn(self, rng: np.random.Generator) -> npt.NDArray[np.intp]:
        """Rows of as many specimens as there are, drawn with replacement."""
        picks = rng.integers(0, len(self.sizes), len(self.sizes))
        sizes = self.sizes[picks]
        ends = np.cumsum(sizes)
        return np.asarray(self.rows[np.repeat(self.starts[picks] - (ends - sizes), sizes) + np.arange(ends[-1])])


def _specimens_of(names: npt.NDArray[np.str_], rows: npt.NDArray[np.intp]) -> _Specimens:
    _, member = np.unique(names[rows], return_inverse=True)
    sizes = np.bincount(member)
    return _Specimens(rows[np.argsort(member, kind="stable")], np.cumsum(sizes) - sizes, sizes)


def _check_counts(count: int, total: int) -> None:
    if total < 1 or not 0 <= count <= total:
        raise ScoringError(f"A proportion needs 0 <= count <= total and total >= 1; got {count} of {total}.")


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ScoringError(f"The level of an interval must be in (0, 1); got {level}.")
