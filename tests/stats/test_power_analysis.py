"""Sample sizes: against statsmodels, against simulation, and at their edges."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from rlvr.stats.power_analysis import half_width_draws, studies_needed, task_draws_needed


@pytest.mark.parametrize(
    ("effect", "alpha", "power"), [(0.5, 0.05, 0.8), (0.3, 0.005, 0.99), (1.7, 0.003, 0.99)]
)
def test_task_draws_agree_with_statsmodels(effect, alpha, power):
    theirs = TTestPower().solve_power(effect, alpha=alpha, power=power, alternative="larger")
    assert task_draws_needed(effect, 1.0, alpha=alpha, power=power) == np.ceil(theirs)


def test_the_promised_power_is_reached_and_one_draw_fewer_misses_it():
    n = task_draws_needed(1.0, 1.0, alpha=0.01, power=0.9)
    values = np.random.default_rng(1).normal(1.0, 1.0, (4_000, n))
    rejected = int((stats.ttest_1samp(values, 0, axis=1, alternative="greater").pvalue < 0.01).sum())
    assert stats.binomtest(rejected, 4_000, 0.9, alternative="less").pvalue > 0.001
    power = stats.nct.sf(stats.t.isf(0.01, n - 2), n - 2, np.sqrt(n - 1))
    assert power < 0.9


@pytest.mark.parametrize(("rate", "bound"), [(0.05, 0.10), (1.0, 0.95), (0.25, 0.10), (0.0, 0.1)])
def test_studies_reach_their_power_exactly(rate, bound):
    def power(n):
        side = "less" if rate < bound else "greater"
        counts = np.arange(n + 1)
        rejects = [stats.binomtest(int(k), n, bound, alternative=side).pvalue <= 0.01 for k in counts]
        return stats.binom.pmf(counts, n, rate)[rejects].sum()

    n = studies_needed(rate, bound, alpha=0.01, power=0.9)
    assert power(n) >= 0.9 - 1e-9
    if n > 10:
        assert power(n - 10) < 0.9


def test_half_width():
    n = half_width_draws(0.002, 0.012)
    width = stats.t.ppf(0.975, [n - 2, n - 1]) * 0.012 / np.sqrt([n - 1, n])
    assert width[0] > 0.002 >= width[1]


def test_no_spread_needs_two():
    assert task_draws_needed(0.1, 0.0, alpha=0.05) == 2


def power_of_t(n, distance, alpha):
    return stats.nct.sf(stats.t.isf(alpha, n - 1), n - 1, np.sqrt(n) * distance)


@pytest.mark.parametrize(
    ("distance", "alpha", "power"), [(0.2, 0.05, 0.5), (0.9, 0.05, 0.8), (3.0, 0.05, 0.5)]
)
def test_one_draw_fewer_is_too_few(distance, alpha, power):
    n = task_draws_needed(distance, 1.0, alpha=alpha, power=power)
    assert power_of_t(n, distance, alpha) >= power
    assert n == 2 or power_of_t(n - 1, distance, alpha) < power
    assert task_draws_needed(10 * distance, 10.0, alpha=alpha, power=power) == n


def test_the_power_is_99_percent_unless_said():
    assert task_draws_needed(0.5, 1.0, alpha=0.05) == task_draws_needed(0.5, 1.0, alpha=0.05, power=0.99)
    assert studies_needed(0.3, 0.5, alpha=0.05) == studies_needed(0.3, 0.5, alpha=0.05, power=0.99)
    assert task_draws_needed(0.5, 1.0, alpha=0.05) > task_draws_needed(0.5, 1.0, alpha=0.05, power=0.98)
    assert studies_needed(0.45, 0.5, alpha=0.05) > studies_needed(0.45, 0.5, alpha=0.05, power=0.98)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_a_half_width_is_reached_and_one_draw_fewer_misses_it(level):
    n = half_width_draws(0.03, 0.1, level=level)
    assert stats.t.ppf(0.5 + level / 2, n - 1) * 0.1 / np.sqrt(n) <= 0.03
    assert stats.t.ppf(0.5 + level / 2, n - 2) * 0.1 / np.sqrt(n - 1) > 0.03
    assert half_width_draws(0.03, 0.1) == half_width_draws(0.03, 0.1, level=0.95)
    assert half_width_draws(100.0, 0.1) == 2


def test_a_half_width_of_exactly_what_two_draws_give():
    # One degree of freedom at a level of 0.5: the quartile is 1, and the width sd / sqrt(2).
    exactly = float(stats.t.ppf(0.75, 1) * 2.0 / np.sqrt(2))
    assert half_width_draws(exactly, 2.0, level=0.5) == 2
    assert half_width_draws(exactly * (1 - 1e-9), 2.0, level=0.5) == 3


def rejects(k, n, bound, side, alpha):
    return stats.binomtest(k, n, bound, alternative=side).pvalue <= alpha


@pytest.mark.parametrize(
    ("rate", "bound", "side"), [(0.3, 0.5, "less"), (0.7, 0.5, "greater"), (0.02, 0.1, "less")]
)
def test_ten_studies_fewer_are_too_few(rate, bound, side):
    def power(n):
        counts = np.arange(n + 1)
        return stats.binom.pmf(counts, n, rate)[[rejects(int(k), n, bound, side, 0.05) for k in counts]].sum()

    n = studies_needed(rate, bound, alpha=0.05, power=0.8)
    assert n % 10 == 0 and power(n) >= 0.8 and all(power(fewer) < 0.8 for fewer in range(10, n, 10))


def test_ten_studies_are_the_fewest():
    assert studies_needed(1.0, 0.05, alpha=0.05, power=0.5) == 10
    assert studies_needed(0.0, 0.95, alpha=0.05, power=0.5) == 10


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: task_draws_needed(0, 1, alpha=0.05), "distance must be a finite number above 0"),
        (lambda: task_draws_needed(1e-9, 1, alpha=0.05), "no number of units up to 1000000 suffices"),
        (lambda: studies_needed(0.1, 0.1, alpha=0.05), "rate must differ from bound"),
        (lambda: studies_needed(0.1, 1.0, alpha=0.05), "bound must be a number strictly between 0 and 1"),
        (lambda: task_draws_needed(1, 1, alpha=1.5), "alpha must be a number strictly between 0 and 1"),
        (lambda: task_draws_needed(1, 1, alpha=0), "alpha must be a number strictly between 0 and 1, got 0"),
        (lambda: task_draws_needed(1, 1, alpha=1), "alpha must be a number strictly between 0 and 1, got 1"),
        (lambda: studies_needed(0.1, 0.2, alpha=0.5, power=0), "power must be a number strictly between"),
        (lambda: studies_needed(0.1, 0.2, alpha=0.5, power=1), "power must be a number strictly between"),
        (lambda: task_draws_needed(1, -1, alpha=0.5), "sd must be a finite number of at least 0, got -1"),
        (lambda: studies_needed(-0.1, 0.2, alpha=0.5), r"rate must be a probability, got -0\.1"),
        (lambda: studies_needed(1.1, 0.2, alpha=0.5), r"rate must be a probability, got 1\.1"),
        (lambda: studies_needed(0.1, 0.0, alpha=0.5), "bound must be a number strictly between 0 and 1"),
        (lambda: half_width_draws(0.0, 1.0), "half_width must be a finite number above 0"),
        (lambda: half_width_draws(1.0, 1.0, level=0), "level must be a number strictly between 0 and 1"),
        (lambda: half_width_draws(1.0, 1.0, level=1), "level must be a number strictly between 0 and 1"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
