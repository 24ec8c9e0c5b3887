"""Power formulas against simulation, limits, and the published comparisons."""

import numpy as np
import pytest
from scipy import stats

from rlvr.stats.runs_needed import fewest_runs, power_of_difference, power_of_heap, power_of_ratio


def test_power_of_a_difference_against_simulation():
    rng = np.random.default_rng(1)
    one, other = rng.normal(14, 6.5, (4000, 8)), rng.normal(0, 26.4, (4000, 15))
    rejected = (stats.ttest_ind(one, other, axis=1, equal_var=False).pvalue < 0.05).mean()
    assert power_of_difference(14.0, (6.5, 26.4), (8, 15)) == pytest.approx(rejected, abs=0.025)
    assert power_of_difference(0.0, (6.5, 26.4), (8, 15)) == pytest.approx(0.05)
    assert power_of_difference(-14.0, (6.5, 26.4), (8, 15)) == power_of_difference(14.0, (6.5, 26.4), (8, 15))
    assert power_of_difference(14.0, (6.5, 26.4), (8, 15), level=0.9) > rejected


def test_power_of_a_ratio_against_simulation():
    rng = np.random.default_rng(2)
    ratio = rng.normal(0, 8**0.5, (20_000, 6)).var(axis=1, ddof=1) / rng.normal(size=(20_000, 9)).var(
        axis=1, ddof=1
    )
    low, high = stats.f.ppf([0.025, 0.975], 5, 8)
    assert power_of_ratio(8.0, (6, 9)) == pytest.approx(((ratio < low) | (ratio > high)).mean(), abs=0.01)
    equal = ratio / 8
    rejected = ((equal < 8 * low) | (equal > 8 * high)).mean()
    assert power_of_ratio(1.0, (6, 9), tested_ratio=8.0) == pytest.approx(rejected, abs=0.01)
    assert power_of_ratio(3.0, (6, 9), tested_ratio=3.0) == pytest.approx(0.05)
    assert power_of_ratio(8.0, (6, 9), level=0.5) > power_of_ratio(8.0, (6, 9))


def test_power_of_a_heap_by_hand():
    # One run each of three: only 0 of 3 against 3 of 3 could reject, and p = 2/20 does so at 80%.
    assert power_of_heap((0.0, 1.0), (3, 3), level=0.8) == 1.0
    assert power_of_heap((0.0, 1.0), (3, 3)) == 0.0
    assert power_of_heap((0.0, 0.5), (3, 3), level=0.8) == pytest.approx(1 / 8)
    assert power_of_heap((0.3, 0.3), (20, 20)) < 0.05


def test_fewest_runs():
    assert fewest_runs(lambda runs: power_of_difference(14.0, (6.5, 26.4), runs)) == 32
    assert (
        power_of_difference(14.0, (6.5, 26.4), (31, 31))
        < 0.8
        <= power_of_difference(14.0, (6.5, 26.4), (32, 32))
    )
    assert fewest_runs(lambda runs: float(runs[0] >= 2)) == 2
    assert fewest_runs(lambda runs: 0.1) is None
    assert fewest_runs(lambda runs: power_of_difference(14.04, (6.55, 26.4), runs), at_most=5_000) == 32
    assert fewest_runs(lambda runs: runs[0] / 10, power=0.5, at_most=8) == 5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: power_of_difference(1.0, (0.0, 1.0), (5, 5)),
            r"deviations\[0\] must be a number above 0, got 0.0",
        ),
        (
            lambda: power_of_difference(1.0, (1.0, 1.0), (5, 1)),
            r"runs\[1\] must be a whole number of at least 2",
        ),
        (lambda: power_of_difference(float("nan"), (1.0, 1.0), (5, 5)), "difference must be a finite number"),
        (lambda: power_of_ratio(-1.0, (5, 5)), "true_ratio must be a number above 0, got -1.0"),
        (lambda: power_of_ratio(1.0, (5, 5), tested_ratio=0.0), "tested_ratio must be a number above 0"),
        (lambda: power_of_heap((0.0, 1.1), (5, 5)), r"shares\[1\] must be a fraction from 0 to 1, got 1.1"),
        (lambda: power_of_heap((0.0, 1.0), (0, 5)), r"runs\[0\] must be a whole number of at least 1"),
        (
            lambda: fewest_runs(lambda runs: float("nan")),
            "power_at must give a number, got nan with 500 runs",
        ),
        (lambda: fewest_runs(lambda runs: 1.0, power=1.0), "power must be a number strictly between 0 and 1"),
    ],
)
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
