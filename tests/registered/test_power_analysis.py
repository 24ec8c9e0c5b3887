"""Sample sizes: against statsmodels, against simulation, and at their edges."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from rlvr.registered.power_analysis import half_width_draws, studies_needed, task_draws_needed


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: task_draws_needed(0, 1, alpha=0.05), "distance must be a finite number above 0"),
        (lambda: task_draws_needed(1e-9, 1, alpha=0.05), "no number of units up to 1000000 suffices"),
        (lambda: studies_needed(0.1, 0.1, alpha=0.05), "rate must differ from bound"),
        (lambda: studies_needed(0.1, 1.0, alpha=0.05), "bound must be a number strictly between 0 and 1"),
        (lambda: task_draws_needed(1, 1, alpha=1.5), "alpha must be a number strictly between 0 and 1"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
