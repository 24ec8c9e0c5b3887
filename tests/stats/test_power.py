"""Power and sample sizes: against statsmodels, against simulation, and at their edges."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from rlvr.stats.power import (
    fewest_runs,
    half_width_draws,
    power_of_difference,
    power_of_proportions,
    power_of_variance_ratio,
    studies_needed,
    task_draws_needed,
)


@pytest.mark.parametrize(
    ("effect", "alpha", "power"),
    [(0.5, 0.05, 0.8), (0.3, 0.005, 0.99), (1.7, 0.003, 0.99), (0.2, 0.05, 0.5), (3.0, 0.05, 0.5)],
)
def test_task_draws_agree_with_statsmodels(effect, alpha, power):
    theirs = TTestPower().solve_power(effect, alpha=alpha, power=power, alternative="larger")
    assert task_draws_needed(effect, 1.0, alpha=alpha, power=power) == np.ceil(theirs)
    assert task_draws_needed(10 * effect, 10.0, alpha=alpha, power=power) == np.ceil(theirs)


def test_the_promised_power_is_reached():
    n = task_draws_needed(1.0, 1.0, alpha=0.01, power=0.9)
    values = np.random.default_rng(1).normal(1.0, 1.0, (4_000, n))
    rejected = int((stats.ttest_1samp(values, 0, axis=1, alternative="greater").pvalue < 0.01).sum())
    assert stats.binomtest(rejected, 4_000, 0.9, alternative="less").pvalue > 0.001


@pytest.mark.parametrize(("distance", "sd"), [(30.0, 1.0), (0.1, 0.0)])
def test_two_draws_are_the_fewest(distance, sd):
    assert task_draws_needed(distance, sd, alpha=0.05, power=0.5) == 2


def test_the_power_is_99_percent_unless_said():
    assert task_draws_needed(0.5, 1.0, alpha=0.05) == task_draws_needed(0.5, 1.0, alpha=0.05, power=0.99)
    assert studies_needed(0.3, 0.5, alpha=0.05) == studies_needed(0.3, 0.5, alpha=0.05, power=0.99)
    assert task_draws_needed(0.5, 1.0, alpha=0.05) > task_draws_needed(0.5, 1.0, alpha=0.05, power=0.98)
    assert studies_needed(0.45, 0.5, alpha=0.05) > studies_needed(0.45, 0.5, alpha=0.05, power=0.98)


@pytest.mark.parametrize(
    ("rate", "bound", "alpha", "power"),
    [(0.05, 0.10, 0.01, 0.9), (1.0, 0.95, 0.01, 0.9), (0.25, 0.10, 0.01, 0.9), (0.0, 0.1, 0.01, 0.9),
     (0.3, 0.5, 0.05, 0.8), (0.7, 0.5, 0.05, 0.8), (0.02, 0.1, 0.05, 0.8),
     (1.0, 0.05, 0.05, 0.5), (0.0, 0.95, 0.05, 0.5)],
)  # fmt: skip
def test_studies_reach_their_power_exactly_and_ten_fewer_do_not(rate, bound, alpha, power):
    def reached(n):
        side = "less" if rate < bound else "greater"
        counts = np.arange(n + 1)
        rejects = [stats.binomtest(int(k), n, bound, alternative=side).pvalue <= alpha for k in counts]
        return stats.binom.pmf(counts, n, rate)[rejects].sum() >= power - 1e-9

    n = studies_needed(rate, bound, alpha=alpha, power=power)
    assert n % 10 == 0 and reached(n)
    assert not any(reached(fewer) for fewer in range(max(10, n - 100), n, 10))


@pytest.mark.parametrize(("half_width", "sd", "level"), [(0.002, 0.012, 0.95), (0.03, 0.1, 0.5)])
def test_a_half_width_is_reached_and_one_draw_fewer_misses_it(half_width, sd, level):
    n = half_width_draws(half_width, sd, level=level)
    widths = stats.t.ppf(0.5 + level / 2, [n - 2, n - 1]) * sd / np.sqrt([n - 1, n])
    assert widths[0] > half_width >= widths[1]
    assert half_width_draws(half_width, sd) == half_width_draws(half_width, sd, level=0.95)


def test_a_half_width_of_exactly_what_two_draws_give():
    # One degree of freedom at a level of 0.5: the quartile is 1, and the width sd / sqrt(2).
    exactly = float(stats.t.ppf(0.75, 1) * 2.0 / np.sqrt(2))
    assert half_width_draws(exactly, 2.0, level=0.5) == half_width_draws(100.0, 2.0) == 2
    assert half_width_draws(exactly * (1 - 1e-9), 2.0, level=0.5) == 3


def test_power_of_a_difference_against_simulation():
    rng = np.random.default_rng(1)
    one, other = rng.normal(14, 6.5, (4000, 8)), rng.normal(0, 26.4, (4000, 15))
    rejected = (stats.ttest_ind(one, other, axis=1, equal_var=False).pvalue < 0.05).mean()
    found = power_of_difference(14.0, (6.5, 26.4), (8, 15))
    assert found == pytest.approx(rejected, abs=0.025)
    assert power_of_difference(0.0, (6.5, 26.4), (8, 15)) == pytest.approx(0.05)
    assert power_of_difference(-14.0, (6.5, 26.4), (8, 15)) == found
    assert power_of_difference(14.0, (6.5, 26.4), (8, 15), level=0.9) > rejected


def test_power_of_a_ratio_against_simulation():
    rng = np.random.default_rng(2)
    ratio = rng.normal(0, 8**0.5, (20_000, 6)).var(axis=1, ddof=1) / rng.normal(size=(20_000, 9)).var(
        axis=1, ddof=1
    )
    low, high = stats.f.ppf([0.025, 0.975], 5, 8)
    found = power_of_variance_ratio(8.0, (6, 9))
    assert found == pytest.approx(((ratio < low) | (ratio > high)).mean(), abs=0.01)
    rejected = ((ratio / 8 < 8 * low) | (ratio / 8 > 8 * high)).mean()
    assert power_of_variance_ratio(1.0, (6, 9), tested_ratio=8.0) == pytest.approx(rejected, abs=0.01)
    assert power_of_variance_ratio(3.0, (6, 9), tested_ratio=3.0) == pytest.approx(0.05)
    assert power_of_variance_ratio(8.0, (6, 9), level=0.5) > found


def test_power_of_proportions_by_hand():
    # One run each of three: only 0 of 3 against 3 of 3 could reject, and p = 2/20 does so at 80%.
    assert power_of_proportions((0.0, 1.0), (3, 3), level=0.8) == 1.0
    assert power_of_proportions((0.0, 1.0), (3, 3)) == 0.0
    assert power_of_proportions((0.0, 0.5), (3, 3), level=0.8) == pytest.approx(1 / 8)
    assert power_of_proportions((0.3, 0.3), (20, 20)) < 0.05


def test_fewest_runs():
    def welch(runs):
        return power_of_difference(14.0, (6.5, 26.4), runs)

    assert fewest_runs(welch) == fewest_runs(welch, at_most=5_000) == fewest_runs(welch, at_most=32) == 32
    assert welch((31, 31)) < 0.8 <= welch((32, 32)) and fewest_runs(welch, at_most=31) is None
    assert fewest_runs(lambda runs: float(runs[0] >= 2)) == 2
    assert fewest_runs(lambda runs: runs[0] / 10, power=0.5, at_most=8) == 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: task_draws_needed(0, 1, alpha=0.05), "distance must be a finite number above 0"),
        (lambda: task_draws_needed(1, -1, alpha=0.5), "sd must be a finite number of at least 0, got -1"),
        (lambda: task_draws_needed(1e-9, 1, alpha=0.05), "no number of units up to 1000000 suffices"),
        *(
            (lambda alpha=alpha: task_draws_needed(1, 1, alpha=alpha), f"alpha must be .*, got {alpha}")
            for alpha in (0, 1, 1.5)
        ),
        *(
            (lambda power=power: studies_needed(0.1, 0.2, alpha=0.5, power=power), "power must be a number")
            for power in (0, 1)
        ),
        (lambda: studies_needed(0.1, 0.1, alpha=0.05), "rate must differ from bound"),
        (lambda: studies_needed(-0.1, 0.2, alpha=0.5), r"rate must be a probability, got -0\.1"),
        (lambda: studies_needed(1.1, 0.2, alpha=0.5), r"rate must be a probability, got 1\.1"),
        (lambda: studies_needed(0.1, 0.0, alpha=0.5), "bound must be a number strictly between 0 and 1"),
        (lambda: studies_needed(0.1, 1.0, alpha=0.05), "bound must be a number strictly between 0 and 1"),
        (lambda: half_width_draws(0.0, 1.0), "half_width must be a finite number above 0"),
        (lambda: half_width_draws(1.0, 1.0, level=0), "level must be a number strictly between 0 and 1"),
        (lambda: half_width_draws(1.0, 1.0, level=1), "level must be a number strictly between 0 and 1"),
        (lambda: power_of_difference(1.0, (0.0, 1.0), (5, 5)), r"deviations\[0\] must be .* got 0.0"),
        (lambda: power_of_difference(1.0, (1.0, 1.0), (5, 1)), r"runs\[1\] must be .* at least 2"),
        (lambda: power_of_difference(math.nan, (1.0, 1.0), (5, 5)), "difference must be a finite number"),
        (lambda: power_of_variance_ratio(-1.0, (5, 5)), "true_ratio must be a number above 0, got -1.0"),
        (lambda: power_of_variance_ratio(1.0, (5, 1)), r"runs\[1\] must be .* at least 2"),
        (lambda: power_of_variance_ratio(1.0, (5, 5), tested_ratio=0.0), "tested_ratio must be .* above 0"),
        (lambda: power_of_proportions((0.0, 1.1), (5, 5)), r"shares\[1\] must be a fraction from 0 to 1"),
        (lambda: power_of_proportions((0.0, 1.0), (0, 5)), r"runs\[0\] must be .* at least 1"),
        (lambda: fewest_runs(lambda runs: math.nan), "power_at must give a number, got nan with 500 runs"),
        (lambda: fewest_runs(lambda runs: 1.0, power=1.0), "power must be a number strictly between 0 and 1"),
        (lambda: fewest_runs(lambda runs: 1.0, at_most=1), "at_most must be a whole number of at least 2"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
