"""Score embeddings with a saved detector, with NumPy alone. Higher means more likely a hybrid, always."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .arrays import FormatError, SavedDetector, as_floats
from .parents import score_nearest, squared_distances
from .ridge import score_ridge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import ArrayLike

    from .arrays import Arrays, Floats

MOST_VALUES = 1 << 22
"""Most float64 values of a kernel or distance matrix held at once (32 MiB)."""

LOWEST_SCORE, HIGHEST_SCORE = 0.0001, 0.9999
"""Bounds of a calibrated score: a score rounded to four decimals must never be 0 or 1."""

CLEAR_PARENT = 0.75
"""``soft-parents`` takes a specimen for pure where its likeliest subspecies is more probable than this."""

TAIL_SHARE = 0.02
"""Share of the score range kept on either side for values beyond every held-out score (200 steps)."""

# Approximation of the logistic sigmoid by five error functions, for the integral of sigmoid times Gaussian:
# Williams and Barber (1998), "Bayesian classification with Gaussian processes", IEEE TPAMI 20(12), appendix
# A; the numbers are those of scikit-learn's GaussianProcessClassifier (BSD-3-Clause), which this has to
# agree with.
_ERF_SCALES = np.array([0.41, 0.4, 0.37, 0.44, 0.39])
_ERF_WEIGHTS = np.array([-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654])


def raw_scores(saved: SavedDetector, X: ArrayLike) -> Floats:
    """Score embeddings of shape (n, n_features) on the detector's own scale: shape (n,), higher = more likely hybrid.

    The range is the detector's: a signed distance for ``svm``, a probability for ``sgd`` and ``gaussian``, a fraction
    for ``knn``. NaN for a row that holds NaN, infinity, or values so large that their squares overflow. Raises
    FormatError if the embeddings are not of the length that the detector was fitted on.
    """
    values = np.asarray(X, dtype=np.float64)
    width = saved.header.n_features
    if values.ndim != 2 or values.shape[1] != width:
        raise FormatError(
            f"the detector was fitted on embeddings of {width} values and got an array of shape "
            f"{values.shape}; use the backbone, views and preprocessing it was trained with"
        )
    usable = np.isfinite(values).all(axis=1)
    scores = np.full(len(values), np.nan)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        scores[usable] = SCORERS[saved.header.form](saved.arrays, values[usable])
    scores[~np.isfinite(scores)] = np.nan
    return scores


def calibrated_scores(saved: SavedDetector, X: ArrayLike) -> Floats:
    """Score embeddings of shape (n, n_features) as calibrated quantiles: shape (n,), higher = more likely hybrid.

    Within [0.0001, 0.9999], never NaN: a row that cannot be scored (NaN, infinity) gets `fallback_score`. Raises
    FormatError if the detector has no score map, or the embeddings do not fit it.
    """
    fallback = fallback_score(saved)
    raw = raw_scores(saved, X)
    arrays = saved.arrays
    scored = ~np.isnan(raw)
    scores = np.full(len(raw), fallback)
    scores[scored] = map_scores(raw[scored], arrays["map_knots"], arrays["map_levels"], arrays["map_scales"])
    return scores


def fallback_score(saved: SavedDetector) -> float:
    """Return the score for an image that cannot be read: that of a typical specimen (the held-out median).

    Raises FormatError if the detector has no score map.
    """
    if not saved.is_calibrated:
        raise FormatError("this detector has no score map; fit it with held-out specimens to calibrate it")
    return float(np.clip(saved.arrays["fallback"], LOWEST_SCORE, HIGHEST_SCORE))


def map_scores(raw: ArrayLike, knots: ArrayLike, levels: ArrayLike, scales: ArrayLike) -> Floats:
    """Map raw scores to calibrated ones: linear between knots, with a slowly flattening tail on either side.

    Beyond the last knot the room that is left shrinks as ``1 / (1 + distance / scale)``. It does so slower
    than an exponential, so scores far outside the held-out range still differ in the fourth decimal.

    Raw scores, of shape (n,), are on the detector's own scale and not NaN. Knots are raw scores and levels their
    quantiles in (0, 1), both of shape (k,) and rising strictly. Scales, of shape (2,), are the widths of the lower and
    of the upper tail in units of the raw score. The result is within [0.0001, 0.9999] and rises with the raw score.
    """
    # Bounded far outside any real score, so that differences of two values cannot overflow.
    x = np.clip(np.asarray(raw, dtype=np.float64), -1e300, 1e300)
    xs, ys, widths = (np.asarray(values, dtype=np.float64) for values in (knots, levels, scales))
    ys = TAIL_SHARE + (1 - 2 * TAIL_SHARE) * ys
    right = np.clip(np.searchsorted(xs, x, side="right"), 1, max(len(xs) - 1, 1))
    left, right = right - 1, np.minimum(right, len(xs) - 1)
    inside = np.clip(x, xs[0], xs[-1])
    # Not numpy.interp: its slope overflows between knots that are a few units in the last place apart.
    gap = xs[right] - xs[left]
    part = (inside - xs[left]) / np.where(gap > 0, gap, 1.0)
    quantile = np.minimum(ys[left] + part * (ys[right] - ys[left]), ys[right])
    with np.errstate(over="ignore"):
        below = np.minimum(np.maximum(xs[0] - x, 0) / widths[0], 1e300)
        above = np.minimum(np.maximum(x - xs[-1], 0) / widths[1], 1e300)
    quantile = np.where(below > 0, ys[0] / (1 + below), quantile)
    # Not above / (1 + above): far out, rounding could let that fall where the raw score rises.
    quantile = np.where(above > 0, ys[-1] + (1 - ys[-1]) * (1 - 1 / (1 + above)), quantile)
    return np.clip(LOWEST_SCORE + (HIGHEST_SCORE - LOWEST_SCORE) * quantile, LOWEST_SCORE, HIGHEST_SCORE)


def _score_svm(arrays: Arrays, X: Floats) -> Floats:
    """Decision function of an RBF support vector machine behind a standard scaler."""
    mean, scale = as_floats(arrays, "mean"), as_floats(arrays, "scale")
    vectors = (as_floats(arrays, "vectors") - mean) / scale
    weights, gamma = as_floats(arrays, "weights"), float(arrays["gamma"])
    scores = np.empty(len(X))
    for rows in _row_slices(len(X), len(vectors)):
        distances = squared_distances((X[rows] - mean) / scale, vectors)
        scores[rows] = np.exp(-gamma * distances) @ weights
    return scores + float(arrays["intercept"])


def _score_sgd(arrays: Arrays, X: Floats) -> Floats:
    """Mean probability of an ensemble of linear classifiers, each with its own Platt sigmoid."""
    margins = X @ as_floats(arrays, "coef").T + as_floats(arrays, "intercept")
    logits = -(margins * as_floats(arrays, "slope") + as_floats(arrays, "offset"))
    # The two forms of the sigmoid are equal; each is used where its exponential cannot overflow.
    shrunk = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1 / (1 + shrunk), shrunk / (1 + shrunk)).mean(axis=1))


def _score_knn(arrays: Arrays, X: Floats) -> Floats:
    """Share of hybrids among the nearest training specimens; of equally near ones the earlier goes first.

    The matrix product rounds a pair differently in different company, so it only shortlists. The distances
    that decide come from each pair alone, so a specimen scores the same by itself as in a batch.
    """
    vectors, labels = as_floats(arrays, "vectors"), as_floats(arrays, "labels")
    n_neighbors = int(arrays["n_neighbors"])
    largest = np.square(vectors).sum(axis=1).max()
    scores = np.empty(len(X))
    for rows in _row_slices(len(X), len(vectors)):
        distances = squared_distances(X[rows], vectors)
        cut = np.partition(distances, n_neighbors - 1, axis=1)[:, n_neighbors - 1]
        slack = 1e-9 * (np.square(X[rows]).sum(axis=1) + largest)
        for row, (x, row_distances, limit) in enumerate(zip(X[rows], distances, cut + slack, strict=True)):
            near = np.flatnonzero(row_distances <= limit)
            order = np.argsort(np.square(vectors[near] - x).sum(axis=1), kind="stable")[:n_neighbors]
            scores[rows.start + row] = labels[near[order]].mean() if np.isfinite(limit) else np.nan
    return scores


def _score_gaussian(arrays: Arrays, X: Floats) -> Floats:
    """Class probability of a Gaussian process under Laplace's approximation.

    Rasmussen and Williams (2006), "Gaussian Processes for Machine Learning", algorithm 3.2.
    """
    vectors = as_floats(arrays, "vectors")
    # Distances do not change with the origin, and their rounding error grows with the distance from it.
    origin = vectors.mean(axis=0)
    vectors = vectors - origin
    residual, whitener = as_floats(arrays, "residual"), as_floats(arrays, "whitener")
    amplitude, length = float(arrays["amplitude"]), float(arrays["length_scale"])
    scores = np.empty(len(X))
    for rows in _row_slices(len(X), len(vectors)):
        distances = squared_distances(X[rows] - origin, vectors)
        kernel = amplitude * np.exp(-0.5 / length**2 * distances)
        variance = amplitude - np.square(kernel @ whitener.T).sum(axis=1)
        scores[rows] = _mean_sigmoid(kernel @ residual, np.maximum(variance, np.finfo(np.float64).tiny))
    return scores


def _mean_sigmoid(mean: Floats, variance: Floats) -> Floats:
    """Approximate the mean of the logistic sigmoid under normal distributions, each of shape (n,)."""
    squeeze = 1 / np.sqrt(1 + 2 * variance[:, None] * _ERF_SCALES**2)
    values = mean[:, None] * _ERF_SCALES * squeeze
    errors = np.array([math.erf(value) for value in values.ravel()]).reshape(values.shape)
    return np.asarray(0.5 * (errors @ _ERF_WEIGHTS) + 0.5 * _ERF_WEIGHTS.sum())


def _score_soft_parents(arrays: Arrays, X: Floats) -> Floats:
    """Low for what is clearly of one subspecies; otherwise the sum of the two greatest probabilities."""
    probabilities = _probabilities(arrays, X)
    pure = probabilities[:, ~np.asarray(arrays["crossed"], dtype=bool)].max(axis=1)
    both = np.sort(probabilities, axis=1)[:, -2:].sum(axis=1)
    return np.asarray(np.where(pure > CLEAR_PARENT, 1 - pure, both))


def _score_gap(arrays: Arrays, X: Floats) -> Floats:
    """Probability of a known cross, or 1 less the lead of the likeliest subspecies, whichever is greater."""
    probabilities, crossed = _probabilities(arrays, X), np.asarray(arrays["crossed"], dtype=bool)
    ranked = np.sort(probabilities[:, ~crossed], axis=1)
    ahead = ranked[:, -1] - (ranked[:, -2] if ranked.shape[1] > 1 else 0.0)
    hybrid = probabilities[:, crossed].sum(axis=1)
    return np.asarray(np.maximum(hybrid, 1 - ahead))


def _probabilities(arrays: Arrays, X: Floats) -> Floats:
    """Softmax of a linear model behind a standard scaler, shape (n, c)."""
    logits = (X - as_floats(arrays, "mean")) / as_floats(arrays, "scale") @ as_floats(arrays, "coef").T
    logits = logits + as_floats(arrays, "intercept")
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _score_linear(arrays: Arrays, X: Floats) -> Floats:
    return np.asarray(X @ as_floats(arrays, "coef") + float(arrays["intercept"]))


def _row_slices(n_rows: int, n_columns: int) -> Iterator[slice]:
    step = max(1, MOST_VALUES // n_columns)
    for start in range(0, n_rows, step):
        yield slice(start, start + step)


SCORERS: Mapping[str, Callable[[Arrays, Floats], Floats]] = {
    "svm": _score_svm,
    "sgd": _score_sgd,
    "knn": _score_knn,
    "gaussian": _score_gaussian,
    "soft-parents": _score_soft_parents,
    "gap": _score_gap,
    "mahalanobis": score_nearest,
    "ridge": score_ridge,
    "linear": _score_linear,
}
"""The scoring function of each form in ``layouts.LAYOUTS``."""
