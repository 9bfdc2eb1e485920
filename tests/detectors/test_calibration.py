"""Calibrated quantiles that keep the ranking at four decimals, and thresholds at a stated true-negative rate."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from hybridwing.detectors.calibration import calibrate, fit_score_map, threshold_at
from hybridwing.errors import DetectorError
from hybridwing.runtime.arrays import DetectorHeader, SavedDetector
from hybridwing.runtime.scoring import HIGHEST_SCORE, LOWEST_SCORE, TAIL_SHARE, fallback_score

SHAPES = {
    "as they are": lambda raw: raw,
    "saturated": lambda raw: expit(15 * raw),
    "packed against 0": lambda raw: expit(4 * raw - 30),
    "skewed up": lambda raw: np.exp(5 * raw),
    "skewed down": lambda raw: -np.exp(-5 * raw),
    "heavy tails": lambda raw: raw**5,
    "six values": lambda raw: np.round(5 * expit(raw)) / 5,
    "large": lambda raw: 1e12 * raw,
    "tiny, far from 0": lambda raw: 1 + 1e-9 * raw,
    "one value": np.zeros_like,
}


def population(n: int, share: float, seed: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(np.int64)
    return rng.normal(size=n) + 1.5 * y + shift, y


def rounded(scores: np.ndarray) -> np.ndarray:
    """As the challenge's ingestion program writes them."""
    return np.array([round(score, 4) for score in scores.tolist()])


def plain_detector() -> SavedDetector:
    arrays = {"vectors": np.zeros((2, 1)), "labels": np.array([0, 1]), "n_neighbors": np.asarray(1)}
    return SavedDetector(DetectorHeader("knn", "knn", 1, {}, "0.1.0"), arrays)


@pytest.mark.parametrize("n_hybrids", ["few", "none"])
@pytest.mark.parametrize("shape", SHAPES)
def test_four_decimals_keep_the_ranking(shape: str, n_hybrids: str) -> None:
    raw_heldout, y_heldout = population(300, 0.06, seed=1)
    if n_hybrids == "none":
        raw_heldout, y_heldout = raw_heldout[y_heldout == 0], y_heldout[y_heldout == 0]
    raw, y = population(10_000, 0.3, seed=2)
    transform = SHAPES[shape]
    score_map = fit_score_map(transform(raw_heldout), y_heldout)
    scores = rounded(score_map(transform(raw)))
    assert abs(roc_auc_score(y, scores) - roc_auc_score(y, transform(raw))) < 1e-3
    assert ((scores > 0) & (scores < 1)).all()


@pytest.mark.parametrize("shift", [-8.0, 8.0])
def test_a_population_beyond_every_heldout_score_keeps_its_ranking(shift: float) -> None:
    raw, y = population(10_000, 0.3, seed=2, shift=shift)
    scores = rounded(fit_score_map(*population(300, 0.06, seed=1))(raw))
    assert abs(roc_auc_score(y, scores) - roc_auc_score(y, raw)) < 5e-3
    assert len(np.unique(scores)) > 50


def test_the_level_is_the_mean_of_both_distributions_at_mid_rank() -> None:
    score_map = fit_score_map([0.0, 0.0, 1.0, 2.0, 1.0, 3.0], [0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(score_map.knots, [0.0, 1.0, 2.0, 3.0])
    nonhybrids, hybrids = np.array([0.25, 0.625, 0.875, 1.0]), np.array([0.0, 0.25, 0.5, 0.75])
    np.testing.assert_allclose(score_map.levels, (nonhybrids + hybrids) / 2)
    inner = TAIL_SHARE + (1 - 2 * TAIL_SHARE) * score_map.levels
    expected = LOWEST_SCORE + (HIGHEST_SCORE - LOWEST_SCORE) * inner
    np.testing.assert_allclose(score_map(score_map.knots), expected, rtol=1e-12)
    np.testing.assert_allclose(score_map([0.5]), expected[:2].mean(), rtol=1e-12)


def test_each_class_gets_half_of_the_range() -> None:
    rng = np.random.default_rng(0)
    raw = np.concatenate([rng.uniform(0, 1, 990), rng.uniform(2, 3, 10)])
    scores = fit_score_map(raw, np.repeat([0, 1], [990, 10]))(raw)
    assert scores[:990].max() == pytest.approx(0.5, abs=0.01)
    assert scores[990:].min() == pytest.approx(0.5 + 0.48 / 20, abs=0.01)


@pytest.mark.parametrize("n_hybrids", [0, 1, 2])
def test_few_heldout_hybrids(n_hybrids: int) -> None:
    raw = np.concatenate([np.linspace(0, 1, 50), [2.0, 3.0][:n_hybrids]])
    score_map = fit_score_map(raw, np.repeat([0, 1], [50, n_hybrids]))
    scores = score_map(np.linspace(-1, 5, 100))
    assert (np.diff(scores) > 0).all()
    assert score_map([0.5])[0] == pytest.approx(0.5 if n_hybrids == 0 else 0.26, abs=0.01)


def test_one_heldout_specimen() -> None:
    scores = fit_score_map([5.0], [0])([4.0, 5.0, 6.0])
    assert scores[1] == pytest.approx(0.5)
    assert scores[0] < scores[1] < scores[2]


raw_values = st.one_of(st.floats(-1e100, 1e100), st.sampled_from([0.0, 0.2, 1.0, 5e-324, -5e-324, 1 + 2**-52]))


@given(
    heldout=st.lists(st.tuples(raw_values, st.integers(0, 1)), min_size=1, max_size=30).filter(
        lambda pairs: any(label == 0 for _, label in pairs)
    ),
    new=hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(allow_nan=False)),
)
def test_a_fitted_map_rises_within_its_bounds(heldout: list[tuple[float, int]], new: np.ndarray) -> None:
    raw, y = (np.array(column) for column in zip(*heldout, strict=True))
    score_map = fit_score_map(raw, y)
    assert (np.diff(score_map.knots) > 0).all()
    assert (np.diff(score_map.levels) > 0).all()
    assert ((score_map.levels > 0) & (score_map.levels < 1)).all()
    scores = score_map(np.sort(np.concatenate([new, raw])))
    assert (np.diff(scores) >= 0).all()
    assert ((scores >= LOWEST_SCORE) & (scores <= HIGHEST_SCORE)).all()
    assert (np.diff(score_map(np.unique(raw))) > 0).all()
    assert calibrate(plain_detector(), raw, y).is_calibrated


@pytest.mark.parametrize(
    ("raw", "y", "message"),
    [
        ([0.1, np.nan], [0, 1], "NaN, infinity or values beyond 1e100"),
        ([0.1, np.inf], [0, 1], "NaN, infinity or values beyond 1e100"),
        ([0.1, 1e101], [0, 1], "NaN, infinity or values beyond 1e100"),
        ([0.1, 0.2], [1, 1], "no non-hybrid is held out"),
        ([], [], "no non-hybrid is held out"),
        ([0.1, 0.2], [0, 2], r"labels must be 1 \(hybrid\) or 0"),
        ([0.1, 0.2], [0], r"of shape \(2,\) do not fit labels of shape \(1,\)"),
        ([[0.1], [0.2]], [[0], [1]], "do not fit labels"),
    ],
)
def test_heldout_scores_that_cannot_be_used(raw: object, y: object, message: str) -> None:
    for fit in (fit_score_map, lambda raw, y: calibrate(plain_detector(), raw, y)):
        with pytest.raises(DetectorError, match=message):
            fit(raw, y)


def test_calibrated_detector_keeps_its_heldout_scores() -> None:
    raw, y = population(200, 0.2, seed=3)
    saved = calibrate(plain_detector(), raw, y)
    scores = fit_score_map(raw, y)(raw)
    np.testing.assert_array_equal(saved.arrays["heldout_nonhybrid"], np.sort(scores[y == 0]))
    assert fallback_score(saved) == np.median(scores)
    assert (scores < fallback_score(saved)).mean() == 0.5
    assert calibrate(saved, raw, y).arrays.keys() == saved.arrays.keys()


def with_heldout(n: int) -> SavedDetector:
    raw = np.random.default_rng(n).normal(size=n)
    return calibrate(plain_detector(), raw, np.zeros(n, dtype=int))


def test_threshold_is_the_conformal_rank() -> None:
    saved = with_heldout(99)
    scores = saved.arrays["heldout_nonhybrid"]
    for tnr, rank in ((0.95, 95), (0.9, 90), (0.07, 7), (0.99, 99), (0.001, 1), (0.941, 95)):
        assert threshold_at(saved, tnr) == scores[rank - 1]


@pytest.mark.parametrize(("tnr", "needed"), [(0.5, 1), (0.9, 9), (0.95, 19), (0.99, 99), (0.999, 999)])
def test_threshold_says_how_many_it_needs(tnr: float, needed: int) -> None:
    assert 0 < threshold_at(with_heldout(needed), tnr) < 1
    if needed > 1:
        message = f"needs at least {needed} held-out non-hybrids and this detector has {needed - 1}"
        with pytest.raises(DetectorError, match=message):
            threshold_at(with_heldout(needed - 1), tnr)


@pytest.mark.slow
def test_threshold_holds_its_rate_on_average() -> None:
    """Over many draws of 39 held-out and one new non-hybrid, the new one stays below as often as was asked."""
    rng = np.random.default_rng(0)
    kept = []
    for _ in range(1500):
        raw = rng.normal(size=40)
        saved = calibrate(plain_detector(), raw[:39], np.zeros(39, dtype=int))
        new = fit_score_map(raw[:39], np.zeros(39, dtype=int))(raw[39:])
        kept.append(new[0] <= threshold_at(saved, 0.9))
    # The exact rate is 36/40; three standard errors of 1,500 draws are 0.023.
    assert np.mean(kept) == pytest.approx(0.9, abs=0.023)


@pytest.mark.parametrize("tnr", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_rates_out_of_range(tnr: float) -> None:
    with pytest.raises(DetectorError, match=r"must be within \(0, 1\)"):
        threshold_at(with_heldout(20), tnr)


def test_no_threshold_without_calibration() -> None:
    with pytest.raises(DetectorError, match="not calibrated, so it has no threshold"):
        threshold_at(plain_detector(), 0.95)


def test_calibration_never_turns_the_order_round() -> None:
    raw, y = population(100, 0.3, seed=5)
    score_map = fit_score_map(raw, y)
    new = np.random.default_rng(6).normal(size=60)
    scores = score_map(new)
    for (a, b), (score_a, score_b) in zip(
        itertools.combinations(new, 2), itertools.combinations(scores, 2), strict=True
    ):
        assert (a < b) == (score_a < score_b)
