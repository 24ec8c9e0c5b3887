"""Means and spreads of a few runs: hand-computed cases, coverage, level, and refusals."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from rlvr.stats.spreads import deviation_interval, deviation_ratio, mean_over_runs, same_mean, same_spread

FIVE = [66.4, 63.3, 68.7, 69.8, 53.5]


def test_a_mean_is_student_s():
    found = mean_over_runs([1.0, 2.0, 3.0, 6.0])
    # sd^2 = 14/3, standard error sqrt(14/12), t(0.975, 3) = 3.18245
    assert found.value == 3.0
    assert found.high - 3.0 == pytest.approx(3.182446 * math.sqrt(14 / 12), rel=1e-6)
    assert 3.0 - found.low == pytest.approx(found.high - 3.0)
    assert (found.unit, found.n, found.level) == ("training run", 4, 0.95)
    wanted = stats.ttest_1samp(FIVE, 0).confidence_interval(0.8)
    narrow = mean_over_runs(FIVE, level=0.8)
    assert (narrow.low, narrow.high) == pytest.approx(tuple(wanted))


def test_a_deviation_is_chi_squared():
    found = deviation_interval([0.0, 2.0])  # one degree of freedom: chi2 = z^2
    z = stats.norm.ppf([0.9875, 0.5125])
    assert found.value == pytest.approx(math.sqrt(2))
    assert (found.low, found.high) == pytest.approx(tuple(math.sqrt(2) / z))
    assert (found.unit, found.n) == ("training run", 2)
    boot = deviation_interval(FIVE, method="bca")
    assert boot.value == pytest.approx(np.std(FIVE, ddof=1))
    assert boot == deviation_interval(FIVE, method="bca")
    assert boot.low < boot.value < boot.high < deviation_interval(FIVE).high


def test_both_intervals_of_normal_runs_cover():
    rng = np.random.default_rng(3)
    draws = rng.normal(50.0, 6.0, (1500, 5))
    means = sum(found.low <= 50 <= found.high for found in map(mean_over_runs, draws))
    deviations = sum(found.low <= 6 <= found.high for found in map(deviation_interval, draws))
    assert stats.binomtest(means, 1500, 0.95).pvalue > 0.001
    assert stats.binomtest(deviations, 1500, 0.95).pvalue > 0.001
    # The control: a normal quantile in place of Student's covers less, and this test can tell.
    half = 1.96 * draws.std(axis=1, ddof=1) / math.sqrt(5)
    short = int((np.abs(draws.mean(axis=1) - 50) <= half).sum())
    assert stats.binomtest(short, 1500, 0.95).pvalue < 1e-6


def test_a_ratio_of_deviations_is_f():
    found = deviation_ratio([1.0, 2.0, 3.0], [0.0, 4.0])
    assert found.value == pytest.approx(1 / math.sqrt(8))
    tails = stats.f.ppf([0.975, 0.025], 2, 1)
    assert (found.low, found.high) == pytest.approx(tuple(found.value / np.sqrt(tails)))
    assert found.n == 5
    back = deviation_ratio([0.0, 4.0], [1.0, 2.0, 3.0])
    assert (back.low * found.high, back.high * found.low) == pytest.approx((1.0, 1.0))
    flat = deviation_ratio([1.0, 2.0], [3.0, 3.0])
    assert not flat.defined and flat.reason == "second does not spread"


@pytest.mark.parametrize("studentised", [False, True])
def test_equal_means_by_counting_every_shuffling(studentised):
    one, other = [1.0, 5.0, 2.5], [4.0, 7.5, 19.0, 6.0]
    everyone = np.array(one + other)

    def distance(a, b):
        error = math.sqrt(a.var(ddof=1) / a.size + b.var(ddof=1) / b.size) if studentised else 1.0
        return abs(a.mean() - b.mean()) / error

    seen = distance(np.array(one), np.array(other))
    splits = [
        distance(everyone[list(drawn)], np.delete(everyone, drawn)) for drawn in combinations(range(7), 3)
    ]
    wanted = np.mean([value >= seen - 1e-12 for value in splits])
    assert same_mean(one, other, studentised=studentised) == pytest.approx(wanted)
    assert wanted == pytest.approx(3 / 35 if studentised else 5 / 35)


@pytest.mark.parametrize("studentised", [False, True])
def test_equal_means_have_one_p_in_points_and_in_fractions(studentised):
    one, other = np.array([1.0, 5.0, 2.5]), np.array([4.0, 7.5, 19.0, 6.0])
    in_points = same_mean(one, other, studentised=studentised)
    assert same_mean(one / 100, other / 100, studentised=studentised) == in_points


def test_equal_spread_by_counting_every_shuffling():
    one, other = [1.0, 2.0, 3.5], [0.0, 10.0, 40.0, 21.0]
    deviations = np.abs(np.concatenate([np.array(one) - 2.0, np.array(other) - 15.5]))

    def between(a, b):  # the F ratio itself, where the module uses its numerator
        return stats.f_oneway(a, b).statistic

    seen = between(deviations[:3], deviations[3:])
    splits = [
        between(deviations[list(drawn)], np.delete(deviations, drawn)) for drawn in combinations(range(7), 3)
    ]
    assert same_spread(one, other) == pytest.approx(np.mean([value >= seen - 1e-9 for value in splits]))


def test_spread_ignores_where_a_group_lies_and_takes_several():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(0, 1, 5), rng.normal(0, 9, 5), rng.normal(0, 1, 5)
    assert same_spread(a, b) == same_spread(a + 50, b) < 0.05
    assert same_spread(a, b, c) < 0.05 < same_spread(a, c)


def test_the_level_of_the_shuffled_tests_is_about_nominal_and_they_have_power():
    rng = np.random.default_rng(8)
    null = rng.normal(0, 5, (200, 16))
    means = sum(same_mean(row[:5], row[5:]) <= 0.05 for row in null)
    spreads = sum(same_spread(row[:5], row[5:]) <= 0.05 for row in null)
    assert 1 <= means <= 20 and 1 <= spreads <= 26  # 10 expected; spreads up to twice the level
    apart = sum(same_spread(row[:5] / 8, row[5:]) <= 0.05 for row in null)
    assert apart > 100


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: mean_over_runs([1.0]), r"values must be a vector of at least 2 finite numbers, got \[1.0\]"),
        (lambda: mean_over_runs([1.0, math.nan]), "values must be a vector of at least 2 finite"),
        (lambda: deviation_interval([[1.0, 2.0]]), "values must be a vector"),
        (
            lambda: deviation_interval([1.0, 2.0], level=1.0),
            "level must be a number strictly between 0 and 1",
        ),
        (lambda: deviation_interval([1.0, 2.0], method="f"), "method must be one of 'chi2', 'bca', got 'f'"),
        (lambda: deviation_ratio([1.0], [1.0, 2.0]), "first must be a vector"),
        (lambda: deviation_ratio([1.0, 2.0], [1.0, 2.0], level=0), "level must be"),
        (lambda: same_mean([1.0, 2.0], [1.0]), "second must be a vector"),
        (lambda: same_spread([1.0, 2.0]), "groups must be at least 2, got 1"),
        (lambda: same_spread([1.0, 2.0], [math.inf, 1.0]), "groups must be a vector"),
    ],
)
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
