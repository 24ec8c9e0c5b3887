"""Ratio of two paired standard deviations: against the test it inverts, and coverage at nominal level."""

import math

import numpy as np
import pytest
from scipy import stats

from rlvr.stats import ratio_of_spreads


def test_the_interval_excludes_one_exactly_where_the_test_rejects():
    random = np.random.default_rng(0)
    rejected = 0
    for _ in range(300):
        pair = random.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1.5]], 9).T
        p = stats.pearsonr(pair[0] + pair[1], pair[0] - pair[1]).pvalue
        assert ratio_of_spreads(*pair).excludes(1) == (p < 0.05)
        rejected += p < 0.05
    assert 0 < rejected < 300


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_coverage_is_nominal(correlation):
    random = np.random.default_rng(1)
    cover = [[4, 2 * 3 * correlation], [2 * 3 * correlation, 9]]
    held = 0
    for _ in range(2000):
        found = ratio_of_spreads(*random.multivariate_normal([5, -1], cover, 8).T)
        held += found.low <= 2 / 3 <= found.high
    assert stats.binomtest(held, 2000, 0.95).pvalue > 1e-3


def test_swapped_and_scaled():
    random = np.random.default_rng(2)
    a, b = random.normal(size=(2, 12))
    one, other = ratio_of_spreads(a, b), ratio_of_spreads(b, a)
    assert one.value == pytest.approx(1 / other.value) == pytest.approx(a.std() / b.std())
    assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low))
    tripled = ratio_of_spreads(3 * a + 7, b)
    assert (tripled.low, tripled.high) == pytest.approx((3 * one.low, 3 * one.high))
    assert (one.unit, one.n, one.level) == ("seed", 12, 0.95)
    assert ratio_of_spreads(a, b, level=0.5).high < one.high


def test_pairs_in_step_leave_no_doubt():
    a = np.arange(5.0)
    found = ratio_of_spreads(2 * a, a)
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2), abs=1e-6)


def test_what_does_not_vary_is_undefined_and_bad_input_refused():
    assert math.isnan(ratio_of_spreads([1, 2, 3], [4, 4, 4]).value)
    assert ratio_of_spreads([1, 2, 3], [4, 4, 4]).reason == "second does not vary"
    assert ratio_of_spreads([1, 1, 1], [4, 5, 4]).reason == "first does not vary"
    for bad in (
        ([1, 2], [1, 2]),
        ([1, 2, 3], [1, 2]),
        ([1, 2, math.nan], [1, 2, 3]),
        ([[1, 2, 3]], [[1, 2, 3]]),
    ):
        with pytest.raises(ValueError, match="one length of at least 3"):
            ratio_of_spreads(*bad)
