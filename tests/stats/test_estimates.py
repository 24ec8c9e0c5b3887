"""Intervals: by hand, by an independent route, and by what they cover."""

import math

import numpy as np
import pytest
from scipy import stats

from rlvr.stats.estimates import (
    Estimate,
    crossing_interval,
    mean_interval,
    ratio_interval,
    replicates,
    welch_freedom,
    welch_half_width,
)


def assert_covers(intervals, truth):
    """The share of intervals that hold the truth, tested against 95%."""
    hits = sum(interval.low <= truth <= interval.high for interval in intervals)
    assert stats.binomtest(hits, len(intervals), 0.95).pvalue > 1e-3, hits


def test_units_are_task_draws_then_seeds():
    values = np.arange(12.0).reshape(3, 4)
    units, unit = replicates(values)
    assert unit == "task draw" and units.tolist() == [1.5, 5.5, 9.5]
    assert replicates(values[:1])[1] == replicates(values[0])[1] == "seed"
    assert replicates(values[:1])[0].tolist() == [0, 1, 2, 3]
    units, unit = replicates(np.arange(5.0)[:, None])  # one seed of several task draws
    assert unit == "task draw" and units.tolist() == [0, 1, 2, 3, 4]


def test_mean_interval_covers_with_both_levels_of_noise_and_treating_runs_as_independent_does_not():
    generator = np.random.default_rng(1)
    studies = generator.normal(size=(2000, 6, 1)) + generator.normal(size=(2000, 6, 8))  # both levels vary
    covered = []
    for values, units in ((studies, studies.mean(axis=2)), (studies.reshape(2000, 48),) * 2):
        low, high = stats.ttest_1samp(units, 0, axis=1).confidence_interval()
        for study, *ends in zip(values[:20], low, high, strict=False):
            found = mean_interval(study)
            assert (found.low, found.high) == pytest.approx(ends)
        covered.append(int(((low <= 0) & (high >= 0)).sum()))
    assert stats.binomtest(covered[0], 2000, 0.95).pvalue > 1e-3
    assert covered[1] < 0.8 * 2000


def test_two_units_have_an_interval_by_hand():
    found = mean_interval([1.0, 3.0], level=0.5)  # t with one degree of freedom is Cauchy: its quartile is 1
    assert (found.value, found.low, found.high) == (2.0, pytest.approx(1.0), pytest.approx(3.0))
    assert (found.level, found.unit, found.n) == (0.5, "seed", 2)
    assert mean_interval([1.0, 3.0], unit="training run").unit == "training run"
    assert mean_interval([1.0, 3.0]) == mean_interval([1.0, 3.0], level=0.95)


@pytest.mark.parametrize("values", [[0.3], [[0.3]]])
def test_one_observation_has_no_spread(values):
    alone = mean_interval(values)
    assert (alone.value, alone.n, alone.unit, alone.level) == (0.3, 1, "seed", 0.95)
    assert math.isnan(alone.low) and math.isnan(alone.high) and "no spread" in alone.reason


def test_a_constant_is_known_exactly():
    constant = mean_interval([[0.25, 0.25]] * 3, level=0.9)
    assert (constant.low, constant.value, constant.high) == (0.25, 0.25, 0.25)
    assert (constant.level, constant.unit, constant.n) == (0.9, "task draw", 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "values must be"),
        ([[[0.1]]], "values must be"),
        (0.1, r"got shape \(\)"),
        ([0.1, math.nan, math.inf], "values must be finite, got 2 of 3"),
    ],
)
def test_bad_values(values, message):
    with pytest.raises(ValueError, match=message):
        mean_interval(values)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_bad_levels(level):
    for interval in (mean_interval, lambda values, level: welch_half_width(values, values, level=level)):
        with pytest.raises(ValueError, match="level must be a number strictly between 0 and 1"):
            interval([0.1, 0.2], level=level)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_a_sum_of_independent_means_has_welchs_interval(level):
    one, other = np.random.default_rng(2).normal(size=(2, 9))
    other = 3 * other[:5]
    theirs = stats.ttest_ind(one, other, equal_var=False)
    variances, freedom = [one.var(ddof=1) / 9, other.var(ddof=1) / 5], [8, 4]
    assert welch_freedom(variances, freedom) == pytest.approx(theirs.df)
    low, high = theirs.confidence_interval(level)
    assert welch_half_width(variances, freedom, level=level) == pytest.approx((high - low) / 2)
    assert welch_half_width([0.0, 0.0], freedom, level=level) == 0
    assert welch_half_width(variances, freedom) == welch_half_width(variances, freedom, level=0.95)


def test_fieller_is_the_set_of_ratios_not_rejected():
    generator = np.random.default_rng(5)
    y = generator.normal(1.0, 0.5, 12)
    x = 0.4 * y + generator.normal(0, 0.3, 12)
    found = ratio_interval(x, y)
    for end, outwards in ((found.low, -1), (found.high, 1)):
        for ratio, inside in ((end - outwards * 1e-6, True), (end + outwards * 1e-6, False)):
            assert (stats.ttest_1samp(x - ratio * y, 0).pvalue >= 0.05) == inside


def test_a_ratio_of_two_units_by_hand():
    # Fieller at a level of 0.5 and one degree of freedom: the ratios r with |2 - 4 r| <= |1 - r|.
    found = ratio_interval([1.0, 3.0], [3.0, 5.0], level=0.5)
    assert found.value == pytest.approx(0.5)
    assert (found.low, found.high) == (pytest.approx(1 / 3), pytest.approx(3 / 5))
    assert (found.level, found.unit, found.n) == (0.5, "seed", 2)


@pytest.mark.parametrize(("above", "below"), [(-560, -600), (-600, 0), (0, -600)])
def test_a_ratio_of_numbers_whose_squares_underflow_is_theirs_to_the_bit(above, below):
    x, y = [1.0, 3.0, 2.5], [3.0, 5.0, 4.0]
    plain, found = ratio_interval(x, y), ratio_interval(np.ldexp(x, above), np.ldexp(y, below))
    wanted = np.ldexp([plain.low, plain.value, plain.high], above - below)
    assert [found.low, found.value, found.high] == wanted.tolist()


def test_a_ratio_is_undefined_where_its_denominator_may_be_zero():
    ratio = ratio_interval([[1.0], [2.0]], [[-1.0], [1.5]], level=0.9)
    assert (ratio.low, ratio.high) == (-math.inf, math.inf) and f"{ratio}" == "undefined"
    assert (ratio.level, ratio.unit, ratio.n) == (0.9, "task draw", 2)
    assert ratio.reason.startswith("denominator is not separated from 0")
    named = ratio_interval([1.0, 2.0, 1.5], [-0.1, 0.1, 0.0], names=("reward_design", "naive"))
    assert named.reason.startswith("naive is not separated from 0: 0.0")


def test_a_ratio_of_single_runs_is_a_number_without_an_interval():
    ratio = ratio_interval([3.0], [-2.0], level=0.8)
    assert (ratio.value, ratio.n, ratio.level, ratio.unit) == (-1.5, 1, 0.8, "seed")
    assert math.isnan(ratio.low) and ratio.reason == "one observation has no spread"
    nothing = ratio_interval([3.0], [0.0], level=0.8, names=("reward_design", "naive"))
    assert not nothing.defined and nothing.reason == "naive is 0"
    assert (nothing.n, nothing.level, nothing.unit) == (1, 0.8, "seed")


def test_proportional_arms_have_a_ratio_known_exactly():
    generator = np.random.default_rng(9)
    for _ in range(100):  # rounding may not take a root of something negative
        below = generator.normal(1.0, 0.1, 6)
        found = ratio_interval(0.3 * below, below)
        assert (found.low, found.high) == (pytest.approx(0.3, abs=1e-7), pytest.approx(0.3, abs=1e-7))


def test_ratio_refuses_unpaired_input():
    with pytest.raises(ValueError, match=r"paired, got shapes \(2,\) and \(3,\)"):
        ratio_interval([1, 2], [1, 2, 3])


def curve(*means, shape=(4, 2)):
    """A quantity with these means at its positions, the same in every run."""
    return np.array(means)[:, None, None] + np.zeros((len(means), *shape))


@pytest.mark.parametrize(
    ("at", "means", "crossing"),
    [
        ([0.0, 1.0, 3.0], (-1.0, -1.0, 3.0), 1.5),  # a quarter of the way from 1 to 3
        ([5.0, 7.0], (-1.0, 1.0), 6.0),
        ([0.0, 1.0, 2.0], (-1.0, 0.0, 1.0), 1.0),  # zero is reached, not passed
        ([0.0, 1.0, 2.0, 3.0], (0.0, 1.0, -1.0, 1.0), 2.5),  # from zero is not from negative
        ([0.0, 1.0, 2.0, 3.0], (-1.0, 1.0, -1.0, 3.0), 0.5),  # the first of two
        ([0.0, 1.0, 2.0, 3.0], (-3.0, 1.0, 2.0, 3.0), 0.75),
    ],
)
def test_a_crossing_by_hand(at, means, crossing):
    assert crossing_interval(at, curve(*means)).value == pytest.approx(crossing)


def test_a_crossing_without_an_interval_says_why():
    found = crossing_interval([0.0, 1.0], curve(-1.0, 1.0, shape=(1, 1)), level=0.9)
    assert (found.value, found.n, found.level, found.unit) == (0.5, 1, 0.9, "seed")
    assert math.isnan(found.low) and found.reason == "one observation has no spread"
    never = crossing_interval([0.0, 1.0], curve(1.0, 2.0), level=0.9)
    assert not never.defined and "never turns positive" in never.reason
    assert (never.n, never.level, never.unit) == (4, 0.9, "task draw")


@pytest.mark.parametrize("n", [2, 5])
def test_the_interval_of_a_crossing_is_that_of_resampled_curves(n):
    """In plain loops: 2,000 draws of whole curves, the crossing of each mean curve, their percentiles."""
    curves = np.array([-0.4, 0.1, 0.7])[:, None] + np.random.default_rng(3).uniform(0, 0.2, (1, n))
    found = crossing_interval([0.0, 1.0, 2.0], curves[:, :, None], level=0.8)
    drawn = np.random.default_rng(0).integers(0, n, (2_000, n))
    means = [curves[:, columns].mean(axis=1) for columns in drawn]
    crossings = [0 - mean[0] / (mean[1] - mean[0]) for mean in means]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(crossings, [0.1, 0.9])), abs=1e-12)
    assert (found.level, found.unit, found.n) == (0.8, "task draw", n)


def test_crossing_interval_covers():
    generator = np.random.default_rng(8)
    at = np.linspace(0, 1, 11)
    intervals = []
    for _ in range(150):
        noise = generator.normal(0, 0.2, (1, 25, 1)) + generator.normal(0, 0.05, (11, 25, 1))
        intervals.append(crossing_interval(at, (at - 0.43)[:, None, None] + noise))
    assert_covers(intervals, 0.43)


@pytest.mark.parametrize(
    ("estimate", "spec", "text"),
    [
        (Estimate(0.25, 0.2, 0.3), "+.2f", "+0.25 [+0.20, +0.30]"),
        (Estimate(0.25, 0.2, 0.3), "", "0.2500 [0.2000, 0.3000]"),
        (Estimate(0.25), ".1f", "0.2"),
        (Estimate(0.25, 0.2, math.inf), ".1f", "0.2 [0.2, ∞]"),
        (Estimate(0.25, -math.inf, math.inf), ".2f", "0.25 [-∞, ∞]"),
    ],
)
def test_format(estimate, spec, text):
    assert format(estimate, spec) == text
    assert spec or str(estimate) == text


@pytest.mark.parametrize(
    ("low", "high", "point", "excluded"),
    [(0.1, 0.2, 0.0, True), (0.1, 0.2, 0.3, True), (0.1, 0.2, 0.15, False),
     (0.1, 0.2, 0.1, False), (0.1, 0.2, 0.2, False), (-math.inf, math.inf, 0.0, False)],
)  # fmt: skip
def test_an_interval_excludes_what_lies_beyond_its_ends(low, high, point, excluded):
    assert Estimate(0.15, low, high).excludes(point) is excluded


def test_an_estimate_without_an_interval_excludes_nothing_and_says_so_little():
    bare = Estimate(0.15)
    assert math.isnan(bare.low) and math.isnan(bare.high) and not bare.excludes(99)
    assert (bare.level, bare.unit, bare.n, bare.reason) == (0.95, "", 0, "")
    assert bare.defined and not Estimate(math.nan, -1, 1).defined
    assert Estimate(0.5, 0.25, 1.0).half_width == 0.375
