"""A threshold keeps what it promises on fresh draws, and a flag is worth what Bayes' rule says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.detectors.calibration import calibrate
from hybridwing.detectors.threshold import Threshold, flag_of, threshold_of
from hybridwing.errors import DetectorError
from hybridwing.evaluation.intervals import Interval, Proportion
from hybridwing.runtime.arrays import DetectorHeader, SavedDetector


def saved(non_hybrids, hybrids=(3.0, 4.0)):
    """A detector of which only the calibration counts."""
    header = DetectorHeader("knn", "knn", 2, {}, "0")
    arrays = {"vectors": np.zeros((1, 2)), "labels": np.zeros(1), "n_neighbors": np.array(1, dtype=np.int64)}
    raw = np.concatenate([non_hybrids, hybrids])
    return calibrate(SavedDetector(header, arrays), raw, np.arange(len(raw)) >= len(non_hybrids))


def rate_above(detector, threshold: Threshold, fresh) -> float:
    from hybridwing.detectors.calibration import ScoreMap

    arrays = detector.arrays
    scores = ScoreMap(arrays["map_knots"], arrays["map_levels"], arrays["map_scales"])(fresh)
    return float((np.round(scores, 4) <= threshold.value).mean())


@pytest.mark.parametrize(("n", "tnr"), [(40, 0.9), (99, 0.95), (199, 0.99)])
def test_on_average_new_non_hybrids_stay_below_as_often_as_was_asked(n, tnr):
    rates, inside = [], 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        detector = saved(rng.normal(size=n), rng.normal(size=30) + 1)
        threshold = threshold_of(detector, tnr)
        true = rate_above(detector, threshold, rng.normal(size=2000))
        rates.append(true)
        inside += threshold.true_rate.low - 0.01 <= true <= threshold.true_rate.high + 0.01
    # The rate is that which was asked for, or more by at most one held-out image; three standard errors of the mean.
    error = 3 * np.std(rates) / np.sqrt(len(rates))
    assert tnr - error <= np.mean(rates) <= tnr + 1 / (n + 1) + 0.003 + error
    assert inside / 300 >= 0.93


def test_without_the_correction_it_would_be_too_few():
    """The plain quantile of few held-out images promises too much: why the rule corrects for their number."""
    rates = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        rates.append((rng.normal(size=1000) <= np.sort(rng.normal(size=20))[int(0.9 * 20) - 1]).mean())
    assert np.mean(rates) < 0.88


@given(st.lists(st.integers(0, 12), min_size=25, max_size=60), st.sampled_from([0.5, 0.8, 0.95]))
def test_ties_never_lower_the_rate(values, tnr):
    threshold = threshold_of(saved(np.array(values, dtype=np.float64)), tnr)
    assert threshold.achieved.share >= tnr
    assert 0 <= threshold.true_rate.low <= threshold.true_rate.high <= 1
    assert round(threshold.value, 4) == threshold.value


def made_up(alarms: int, total: int) -> tuple[SavedDetector, Threshold]:
    detector = saved(np.linspace(0, 1, total))
    scores = np.sort(np.round(detector.arrays["heldout_nonhybrid"], 4))
    return detector, Threshold(
        float(scores[total - alarms - 1]), 0.9, Proportion(total - alarms, total), Interval(0, 1)
    )


def test_bayes_by_hand():
    detector, threshold = made_up(alarms=9, total=99)
    flag = flag_of(detector, threshold, [0.9999] * 8 + [0.0001] * 2, 0.05)
    # recall 0.8; of new non-hybrids (9 + 1) / 100 are expected above
    assert flag.probability == pytest.approx(0.05 * 0.8 / (0.05 * 0.8 + 0.95 * 0.1))
    assert flag.interval.low < flag.probability < flag.interval.high
    assert (flag.recall.count, flag.recall.total) == (8, 10)


def test_a_flag_is_worth_more_where_hybrids_are_common_and_nothing_where_none_is_found():
    detector, threshold = made_up(alarms=5, total=99)
    worth = [flag_of(detector, threshold, [0.9999] * 5, prevalence).probability for prevalence in (0.001, 0.1, 0.5)]
    assert worth == sorted(worth)
    none = flag_of(detector, threshold, [0.0001] * 5, 0.1)
    assert none.probability == none.interval.low == 0.0
    assert none.interval.high > 0


def test_the_interval_of_a_flag_covers():
    covered, recall, prevalence = 0, 0.6306, 0.05  # P(N(2, 1) > q) at the rates below, by simulation of each draw
    for seed in range(150):
        rng = np.random.default_rng(seed)
        detector = saved(rng.normal(size=150), rng.normal(size=40) + 2)
        threshold = threshold_of(detector, 0.95)
        arrays = detector.arrays
        from hybridwing.detectors.calibration import ScoreMap

        score = ScoreMap(arrays["map_knots"], arrays["map_levels"], arrays["map_scales"])
        flag = flag_of(detector, threshold, score(rng.normal(size=40) + 2), prevalence)
        recall = (np.round(score(rng.normal(size=4000) + 2), 4) > threshold.value).mean()
        alarms = 1 - rate_above(detector, threshold, rng.normal(size=4000))
        true = prevalence * recall / (prevalence * recall + (1 - prevalence) * alarms)
        covered += flag.interval.low <= true <= flag.interval.high
    assert covered / 150 >= 0.93


def test_faults_are_named():
    detector, threshold = made_up(alarms=5, total=99)
    for prevalence in (0.0, 1.0, -1.0):
        with pytest.raises(DetectorError, match="prevalence"):
            flag_of(detector, threshold, [0.9], prevalence)
    with pytest.raises(DetectorError, match="no hybrid was held out"):
        flag_of(detector, threshold, [], 0.1)
