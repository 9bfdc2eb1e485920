"""Intervals against scipy's, and the bootstrap against what it must respect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from hybridwing.errors import ScoringError
from hybridwing.evaluation.intervals import (
    Estimate,
    Interval,
    Proportion,
    bootstrap_interval,
    clopper_pearson_interval,
    difference_interval,
    measure_interval,
    percentile_interval,
    wilson_interval,
)

COUNTS = st.integers(1, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


@given(COUNTS)
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    ours = wilson_interval(*counts)
    theirs = binomtest(*counts).proportion_ci(0.95, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(COUNTS, LEVELS)
def test_clopper_pearson_is_scipys(counts: tuple[int, int], level: float) -> None:
    ours = clopper_pearson_interval(*counts, level=level)
    theirs = binomtest(*counts).proportion_ci(level, method="exact")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-8)


@given(COUNTS)
def test_the_share_is_inside_its_intervals(counts: tuple[int, int]) -> None:
    share = Proportion(*counts).share
    for interval in (Proportion(*counts).interval, clopper_pearson_interval(*counts, 0.95)):
        assert 0 <= interval.low <= share <= interval.high <= 1
        assert interval.width == interval.high - interval.low


def test_the_ends_are_exact_where_all_or_none_succeed() -> None:
    assert wilson_interval(0, 7).low == 0.0
    assert wilson_interval(7, 7).high == 1.0
    assert clopper_pearson_interval(0, 7, 0.95).low == 0.0
    assert clopper_pearson_interval(7, 7, 0.95).high == 1.0


def test_bootstrap_keeps_every_stratums_number_of_specimens() -> None:
    strata = np.repeat(["few", "many"], [3, 40])
    specimens = np.arange(43)

    def few(rows: np.ndarray) -> float:
        return float(np.count_nonzero(rows < 3))

    assert bootstrap_interval(few, strata, specimens, resamples=50, seed=42) == Interval(3.0, 3.0)


def test_bootstrap_draws_the_images_of_a_specimen_together() -> None:
    specimens = np.repeat(np.arange(10), 4)

    def whole(rows: np.ndarray) -> float:
        return float((np.bincount(rows // 4, minlength=10) % 4 == 0).all())

    assert bootstrap_interval(whole, np.zeros(40), specimens, resamples=50, seed=42) == Interval(1.0, 1.0)


def test_bootstrap_of_a_mean_is_near_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(size=400)
    interval = bootstrap_interval(
        lambda rows: float(values[rows].mean()), np.zeros(400), np.arange(400), resamples=1000, seed=42
    )
    half = 1.96 * values.std() / 20
    assert interval.low == pytest.approx(values.mean() - half, abs=0.02)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.02)


def test_bootstrap_repeats_with_its_seed() -> None:
    values = np.random.default_rng(0).normal(size=30)
    make = [
        bootstrap_interval(
            lambda rows: float(values[rows].mean()), np.zeros(30), np.arange(30), resamples=99, seed=seed
        )
        for seed in (1, 1, 2)
    ]
    assert make[0] == make[1] != make[2]


@pytest.mark.parametrize(("count", "total"), [(-1, 3), (4, 3), (0, 0)])
def test_counts_out_of_range_are_refused(count: int, total: int) -> None:
    for interval in (wilson_interval, lambda *counts: clopper_pearson_interval(*counts, 0.95), Proportion):
        with pytest.raises(ScoringError, match=f"got {count} of {total}"):
            interval(count, total)


def test_shapes_and_resamples_out_of_range_are_refused() -> None:
    with pytest.raises(ScoringError, match="one length"):
        bootstrap_interval(len, ["a"], ["a", "b"], resamples=1, seed=42)
    with pytest.raises(ScoringError, match="at least 1"):
        bootstrap_interval(len, ["a"], ["a"], resamples=0, seed=42)
    with pytest.raises(ScoringError, match="not a finite number"):
        bootstrap_interval(lambda rows: float("nan"), ["a"], ["a"], resamples=3, seed=42)


def test_one_specimen_of_one_is_not_certain() -> None:
    interval = measure_interval(1.0, np.ones(2000), 1)
    assert (round(interval.low, 3), interval.high) == (0.207, 1.0)
    assert measure_interval(0.0, np.zeros(2000), 1) == wilson_interval(0, 1)
    # Two of three photographs of one individual: no resample differs, and nothing is known of others.
    assert measure_interval(2 / 3, np.full(2000, 2 / 3), 1) == Interval(0.0, 1.0)


def test_few_specimens_widen_an_interval_and_many_leave_the_percentiles() -> None:
    draws = np.linspace(0.7, 0.9, 2001)
    assert measure_interval(0.8, draws, 5) == percentile_interval(draws)
    few = measure_interval(0.8, draws, 2)
    assert (few.low, few.high) == (wilson_interval(1, 2).low, 1.0)


def test_a_difference_that_no_resample_changes_is_made_of_both_intervals() -> None:
    all_of_ten = Estimate(1.0, wilson_interval(10, 10))
    none_of_ten = Estimate(0.0, wilson_interval(0, 10))
    found = difference_interval(all_of_ten, none_of_ten, np.ones(100))
    assert 0 < found.low < 1 <= found.high
    assert difference_interval(all_of_ten, all_of_ten, np.zeros(100)) == Interval(0.0, 0.0)
