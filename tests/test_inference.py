"""Intervals: by hand, by an independent route, and by what they cover."""

import math

import numpy as np
import pytest
from scipy import stats

from rlvr.inference import Estimate, crossing_interval, mean_interval, ratio_interval, replicates


def covers(intervals, truth):
    """How many of the intervals hold the truth, as a binomial test against 95%."""
    hits = sum(interval.low <= truth <= interval.high for interval in intervals)
    return hits, stats.binomtest(hits, len(intervals), 0.95).pvalue


def test_units_are_task_draws_then_seeds():
    values = np.arange(12.0).reshape(3, 4)
    units, unit = replicates(values)
    assert unit == "task draw" and units.tolist() == [1.5, 5.5, 9.5]
    assert replicates(values[:1])[1] == replicates(values[0])[1] == "seed"


def test_mean_interval_covers_with_both_levels_of_noise():
    generator = np.random.default_rng(1)
    studies = [
        generator.normal(size=(6, 1)) + generator.normal(size=(6, 8)) for _ in range(2000)
    ]  # task draws and seeds both vary
    hits, p = covers([mean_interval(study) for study in studies], 0.0)
    assert p > 1e-3, hits


def test_treating_runs_as_independent_does_not_cover():
    """The negative control: the interval over all runs, blind to task draws, misses far too often."""
    generator = np.random.default_rng(1)
    studies = [generator.normal(size=(6, 1)) + generator.normal(size=(6, 8)) for _ in range(500)]
    hits, p = covers([mean_interval(study.ravel()) for study in studies], 0.0)
    assert hits < 400 and p < 1e-6


def test_bca_is_close_to_t_for_many_units():
    values = np.random.default_rng(3).normal(0.1, 0.02, 200)
    t, bca = mean_interval(values), mean_interval(values, method="bca")
    assert bca.low == pytest.approx(t.low, abs=2e-4) and bca.high == pytest.approx(t.high, abs=2e-4)


def test_one_observation_and_no_spread():
    assert "no spread" in mean_interval([0.3]).reason and math.isnan(mean_interval([0.3]).low)
    constant = mean_interval([0.3, 0.3, 0.3])
    assert (constant.low, constant.value, constant.high) == (0.3, pytest.approx(0.3), 0.3)


def test_fieller_is_the_set_of_ratios_not_rejected():
    generator = np.random.default_rng(5)
    y = generator.normal(1.0, 0.5, 12)
    x = 0.4 * y + generator.normal(0, 0.3, 12)
    found = ratio_interval(x, y)
    for ratio, inside in (
        (found.low + 1e-6, True),
        (found.high - 1e-6, True),
        (found.low - 1e-6, False),
        (found.high + 1e-6, False),
    ):
        assert (stats.ttest_1samp(x - ratio * y, 0).pvalue >= 0.05) == inside


@pytest.mark.slow
def test_ratio_interval_covers():
    generator = np.random.default_rng(6)
    intervals = []
    for _ in range(2000):
        y = generator.normal(1.0, 0.6, 10)
        intervals.append(ratio_interval(0.4 * y + generator.normal(0, 0.3, 10), y))
    hits, p = covers(intervals, 0.4)
    assert p > 1e-3, hits
    assert all(math.isinf(interval.low) for interval in intervals if not interval.defined)


def test_ratio_of_nothing_is_undefined_with_its_reason():
    ratio = ratio_interval([1.0, 2.0, 1.5], [-0.1, 0.1, 0.0], names=("reward_design", "naive"))
    assert not ratio.defined and ratio.reason.startswith("naive is not separated from 0: 0.0")
    assert f"{ratio}" == "undefined"


def test_ratio_refuses_unpaired_input():
    with pytest.raises(ValueError, match=r"paired, got shapes \(2,\) and \(3,\)"):
        ratio_interval([1, 2], [1, 2, 3])


def test_crossing_by_hand_and_with_its_interval():
    at = np.array([0.0, 1.0, 2.0])
    curves = np.array([-1.0, -0.5, 1.5])[:, None, None] + np.zeros((3, 4, 2))
    assert crossing_interval(at, curves).value == pytest.approx(1.25)
    generator = np.random.default_rng(7)
    noisy = curves + generator.normal(0, 0.1, (1, 4, 2))
    found = crossing_interval(at, noisy)
    assert found.low < found.value < found.high and found.unit == "task draw"
    never = crossing_interval(at, curves + 5)
    assert not never.defined and "never turns positive" in never.reason


@pytest.mark.slow
def test_crossing_interval_covers():
    generator = np.random.default_rng(8)
    at = np.linspace(0, 1, 11)
    intervals = []
    for _ in range(150):
        noise = generator.normal(0, 0.2, (1, 25, 1)) + generator.normal(0, 0.05, (11, 25, 1))
        intervals.append(crossing_interval(at, (at - 0.43)[:, None, None] + noise))
    hits, p = covers(intervals, 0.43)
    assert p > 1e-3, hits


def test_format():
    assert f"{Estimate(0.25, 0.2, 0.3):+.2f}" == "+0.25 [+0.20, +0.30]"
    assert f"{Estimate(0.25):.1f}" == "0.2"
    assert f"{Estimate(0.25, -math.inf, 0.3):.2f}" == "0.25 [-∞, 0.30]"
    assert str(Estimate(0.25, 0.2, 0.3)) == "0.2500 [0.2000, 0.3000]"


@pytest.mark.parametrize("values", [[], [[[0.1]]], [0.1, math.nan]])
def test_bad_values(values):
    with pytest.raises(ValueError, match="values must be"):
        mean_interval(values)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_bad_levels(level):
    with pytest.raises(ValueError, match="level must be a number strictly between 0 and 1"):
        mean_interval([0.1, 0.2], level=level)
