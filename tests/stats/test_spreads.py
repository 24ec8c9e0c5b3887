"""Spreads of a few runs: hand-computed cases, coverage, level, and refusals."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from rlvr.stats.spreads import (
    deviation_interval,
    deviation_ratio,
    paired_deviation_ratio,
    same_mean,
    same_spread,
)


def test_a_deviation_is_chi_squared():
    found = deviation_interval([0.0, 2.0])  # one degree of freedom: chi2 = z^2
    z = stats.norm.ppf([0.9875, 0.5125])
    assert found.value == pytest.approx(math.sqrt(2))
    assert (found.low, found.high) == pytest.approx(tuple(math.sqrt(2) / z))
    assert (found.unit, found.n, found.level) == ("training run", 2, 0.95)


def test_a_ratio_of_deviations_is_f():
    found = deviation_ratio([1.0, 2.0, 3.0], [0.0, 4.0])
    assert found.value == pytest.approx(1 / math.sqrt(8))
    tails = stats.f.ppf([0.975, 0.025], 2, 1)
    assert (found.low, found.high) == pytest.approx(tuple(found.value / np.sqrt(tails)))
    assert (found.unit, found.n, found.level) == ("training run", 5, 0.95)
    back = deviation_ratio([0.0, 4.0], [1.0, 2.0, 3.0])
    assert (back.low * found.high, back.high * found.low) == pytest.approx((1.0, 1.0))


def test_the_paired_interval_excludes_one_exactly_where_the_test_rejects():
    random = np.random.default_rng(0)
    rejected = 0
    for _ in range(300):
        pair = random.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1.5]], 9).T
        p = stats.pearsonr(pair[0] + pair[1], pair[0] - pair[1]).pvalue
        assert paired_deviation_ratio(*pair).excludes(1) == (p < 0.05)
        rejected += p < 0.05
    assert 0 < rejected < 300


def test_a_paired_ratio_swapped_and_scaled():
    a, b = np.random.default_rng(2).normal(size=(2, 12))
    one, other = paired_deviation_ratio(a, b), paired_deviation_ratio(b, a)
    assert one.value == pytest.approx(1 / other.value) == pytest.approx(a.std() / b.std())
    assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low))
    tripled = paired_deviation_ratio(3 * a + 7, b)
    assert (tripled.low, tripled.high) == pytest.approx((3 * one.low, 3 * one.high))
    assert (one.unit, one.n, one.level) == ("seed", 12, 0.95)
    assert paired_deviation_ratio(a, b, level=0.5).high < one.high


def test_pairs_in_step_leave_no_doubt():
    a = np.arange(5.0)
    found = paired_deviation_ratio(2 * a, a)
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2), abs=1e-6)


@pytest.mark.parametrize(
    ("ratio", "first", "second", "flat"),
    [
        (deviation_ratio, [1, 2], [4, 4, 4], "second"),
        (paired_deviation_ratio, [1, 2, 3], [4, 4, 4], "second"),
        (paired_deviation_ratio, [1, 1, 1], [4, 5, 4], "first"),
    ],
)
def test_a_ratio_is_undefined_where_runs_do_not_vary(ratio, first, second, flat):
    found = ratio(first, second)
    assert not found.defined and found.reason == f"{flat} does not vary"


def shuffled_p(statistic, *groups):
    """P of two equal groups by every shuffling of runs."""
    runs, first = np.concatenate(groups), len(groups[0])
    splits = [(runs[list(drawn)], np.delete(runs, drawn)) for drawn in combinations(range(runs.size), first)]
    return np.mean([statistic(*split) >= statistic(*groups) * (1 - 1e-9) for split in splits])


def test_equal_means_by_counting_every_shuffling():
    one, other = np.array([1.0, 5.0, 2.5]), np.array([4.0, 7.5, 19.0, 6.0])
    wanted = shuffled_p(lambda a, b: abs(a.mean() - b.mean()), one, other)
    assert same_mean(one, other) == same_mean(one / 100, other / 100) == pytest.approx(wanted)
    assert wanted == pytest.approx(5 / 35)


def test_equal_spread_by_counting_every_shuffling():
    one, other = [1.0, 2.0, 3.5], [0.0, 10.0, 40.0, 21.0]
    deviations = np.abs(np.array(one) - 2.0), np.abs(np.array(other) - 15.5)
    # The F ratio itself, where the module uses its numerator.
    wanted = shuffled_p(lambda a, b: stats.f_oneway(a, b).statistic, *deviations)
    assert same_spread(one, other) == pytest.approx(wanted)


def test_spread_ignores_where_a_group_lies_and_takes_several():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(0, 1, 5), rng.normal(0, 9, 5), rng.normal(0, 1, 5)
    assert same_spread(a, b) == same_spread(a + 50, b) < 0.05
    assert same_spread(a, b, c) < 0.05 < same_spread(a, c)


def shuffled_differences(runs):
    """P of equal means of 5 runs and 11, for studies (study, run) at once: all shufflings as one product."""
    splits = np.array(list(combinations(range(16), 5)))
    weights = np.full((len(splits), 16), -1 / 11)
    np.put_along_axis(weights, splits, 1 / 5, axis=1)
    differences = np.abs(runs @ weights.T)  # the first split is the one that was seen
    return (differences >= differences[:, :1] * (1 - 1e-9)).mean(axis=1)


def deviations(runs):
    """Distances of runs (study, run) from the median of their group, 5 and 11."""
    groups = runs[:, :5], runs[:, 5:]
    return np.hstack([np.abs(group - np.median(group, axis=1, keepdims=True)) for group in groups])


def test_the_level_of_the_shuffled_tests_is_about_nominal_and_they_have_power():
    runs = np.random.default_rng(8).normal(0, 5, (200, 16))
    narrow = np.hstack([runs[:, :5] / 8, runs[:, 5:]])
    # Of two groups, Brown and Forsythe's statistic is the squared difference of their mean deviations.
    means, spreads, apart = map(shuffled_differences, (runs, deviations(runs), deviations(narrow)))
    for study in range(5):  # the module's own p-values, of which 600 would take long
        first, second = runs[study, :5], runs[study, 5:]
        assert same_mean(first, second) == pytest.approx(means[study])
        assert same_spread(first, second) == pytest.approx(spreads[study])
        assert same_spread(first / 8, second) == pytest.approx(apart[study])
    assert 1 <= (means <= 0.05).sum() <= 20  # 10 expected
    assert 1 <= (spreads <= 0.05).sum() <= 26  # up to twice the level
    assert (apart <= 0.05).sum() > 100


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: deviation_interval([1.0]), r"values must be a vector of at least 2 .*, got \[1.0\]"),
        (lambda: deviation_interval([1.0, math.nan]), "values must be a vector of at least 2 finite"),
        (lambda: deviation_interval([[1.0, 2.0]]), "values must be a vector"),
        (lambda: deviation_interval([1.0, 2.0], level=1.0), "level must be"),
        (lambda: deviation_ratio([1.0], [1.0, 2.0]), "first must be a vector"),
        (lambda: deviation_ratio([1.0, 2.0], [1.0, 2.0], level=0), "level must be"),
        (lambda: paired_deviation_ratio([1, 2, 3], [1, 2, 3], level=0), "level must be"),
        (lambda: paired_deviation_ratio([1, 2], [1, 2]), "first must be a vector of at least 3"),
        (lambda: paired_deviation_ratio([1, 2, 3], [[1, 2, 3]]), "second must be a vector of at least 3"),
        (lambda: paired_deviation_ratio([1, 2, 3, 4], [1, 2, 3]), "of one length, got 4 and 3"),
        (lambda: same_mean([1.0, 2.0], [1.0]), "second must be a vector"),
        (lambda: same_spread([1.0, 2.0]), "groups must be at least 2, got 1"),
        (lambda: same_spread([1.0, 2.0], [math.inf, 1.0]), "groups must be a vector"),
    ],
)  # fmt: skip
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
