"""Claims, equivalence and Holm: against statsmodels, by hand, and by their error rates."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from rlvr.stats.claims import (
    Claim,
    all_of,
    any_of,
    equivalence,
    far_claim,
    holm,
    linearised_ratio,
    mean_claim,
    outside,
    proportion_claim,
    ratio_claim,
    spread_claim,
    spread_ratio_claim,
    verdicts,
)

N_STUDIES = 2_000


@pytest.fixture(autouse=True)
def _no_garbage_collection(monkeypatch):
    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels collects garbage at every call of Holm's


def claim(p_inside, p_outside):
    return Claim(None, (0, 1), p_inside, p_outside)


def one_sided(values, side, end=0.0):
    """P of one-sided t tests of studies (..., unit), from their definition."""
    values = np.asarray(values, dtype=float)
    n = values.shape[-1]
    t = (values.mean(axis=-1) - end) / (values.std(axis=-1, ddof=1) / math.sqrt(n))
    return stats.t.sf(t if side == "greater" else -t, n - 1)


def assert_errs_in_five_percent(p_values):
    rejected = int((np.asarray(p_values) <= 0.05).sum())
    assert stats.binomtest(rejected, len(p_values), 0.05).pvalue > 0.001


def test_equivalence_is_the_test_of_statsmodels():
    values = np.random.default_rng(1).normal(0.002, 0.004, 12)
    theirs = DescrStatsW(values).ttost_mean(-0.005, 0.005)[0]
    assert equivalence(values, 0.005).p_inside == pytest.approx(theirs, rel=1e-12)


def test_equivalence_errs_in_five_percent_at_the_margin():
    studies = np.random.default_rng(2).normal(0.5, 1.0, (N_STUDIES, 40))
    p_values = np.maximum(one_sided(studies, "greater", -0.5), one_sided(studies, "less", 0.5))
    assert [equivalence(study, 0.5).p_inside for study in studies[:20]] == pytest.approx(p_values[:20])
    assert_errs_in_five_percent(p_values)


def test_a_large_p_value_is_no_equivalence():
    values = [-0.5, 0.6, -0.4, 0.5]  # no difference found, and none excluded
    assert stats.ttest_1samp(values, 0).pvalue > 0.8
    assert equivalence(values, 0.1).p_inside > 0.3


def test_an_equivalence_states_its_margin_and_its_interval():
    found = equivalence([-0.25, 0.25], 1.0, label="none", level=0.5)
    assert (found.region, found.label) == ((-1.0, 1.0), "none")
    assert (found.estimate.level, found.estimate.high) == (0.5, pytest.approx(0.25))
    assert found.p_inside == pytest.approx(0.5 - math.atan(4) / math.pi)
    assert equivalence([-0.25, 0.25], 1.0).estimate.level == 0.95


def test_a_mean_beyond_one_bound():
    found = mean_claim([1.0, 3.0], low=1.0, label="more than one")  # t = 1 at one degree of freedom
    assert (found.p_inside, found.p_outside) == (pytest.approx(0.25), pytest.approx(0.75))
    assert (found.region, found.parts, found.label) == ((1.0, math.inf), (), "more than one")
    quartile = math.tan(math.pi * (0.975 - 0.5))  # of Cauchy's distribution, which t is here
    assert (found.estimate.low, found.estimate.high) == pytest.approx((2 - quartile, 2 + quartile))
    below = mean_claim([1.0, 3.0], high=3.0, level=0.5)
    assert (below.p_inside, below.estimate.low) == (pytest.approx(0.25), pytest.approx(1.0))


def test_outside_a_region_counts_both_sides():
    values = [1.0, 2.0, 3.0]
    between = mean_claim(values, low=-0.5, high=0.5)
    assert between.p_inside == pytest.approx(one_sided(values, "less", 0.5), rel=1e-12)
    assert between.p_outside == pytest.approx(2 * one_sided(values, "greater", 0.5), rel=1e-12)
    beyond = outside(between, "not")
    assert (beyond.p_inside, beyond.p_outside) == (between.p_outside, between.p_inside)
    assert beyond.label == "not"


def test_units_are_task_draws_not_runs():
    generator = np.random.default_rng(3)
    draws = generator.normal(0, 1, (6, 1)) + generator.normal(0, 0.01, (6, 50))
    found = mean_claim(draws, low=0.0)
    assert found.p_inside == mean_claim(draws.mean(axis=1), low=0).p_inside
    assert found.estimate.unit == "task draw"
    assert mean_claim(draws.ravel(), low=0.0).p_inside != pytest.approx(found.p_inside)


@pytest.mark.parametrize(
    ("region", "inside", "against"),
    [
        ({"low": 0.1}, 0.0, 1.0),
        ({"low": 0.1, "high": 0.3}, 0.0, 1.0),
        ({"low": 0.2}, 1.0, 1.0),
        ({"low": 0.3}, 1.0, 0.0),
        ({"high": 0.3}, 0.0, 1.0),
        ({"high": 0.1}, 1.0, 0.0),
    ],
)
def test_values_without_spread_are_compared(region, inside, against):
    found = mean_claim([0.2, 0.2, 0.2], **region)
    assert (found.p_inside, found.p_outside) == (inside, against)


def test_a_spread_of_rounding_counts_as_none_and_a_larger_one_does_not():
    assert mean_claim([0.0, 1e-12], low=-1.0).p_inside == 0.0
    assert mean_claim([0.0, 2e-12], low=-1.0).p_inside > 0.0


def test_ratio_claim_errs_in_five_percent_at_the_bound():
    generator = np.random.default_rng(4)
    below = generator.normal(1.0, 0.3, (N_STUDIES, 15))
    above = 0.7 * below + generator.normal(0.0, 0.2, (N_STUDIES, 15))
    p_values = np.maximum(one_sided(below, "greater"), one_sided(above - 0.7 * below, "greater"))
    found = [ratio_claim(*pair, low=0.7).p_inside for pair in zip(above[:20], below[:20], strict=True)]
    assert found == pytest.approx(p_values[:20])
    assert_errs_in_five_percent(p_values)


def test_ratio_claim_needs_a_positive_denominator():
    noise = np.random.default_rng(5).normal(0, 1, 20)
    unclear = ratio_claim(noise + 5, noise, low=1.0)
    assert unclear.p_inside > 0.05 and not unclear.estimate.defined
    assert unclear.estimate.reason.startswith("denominator is")
    named = ratio_claim(noise + 5, noise, low=1.0, names=("reward_design", "naive"))
    assert named.estimate.reason.startswith("naive is not separated from 0")
    assert ratio_claim(noise + 50, noise + 10, low=1.0).p_inside < 1e-6
    assert ratio_claim(-noise - 50, -noise - 10, low=1.0).p_inside > 0.99
    clear = np.array([5.0, 5.1, 4.9, 5.0])  # surely not positive, if only the denominator were
    assert one_sided(BELOW, "greater") > 0.05
    assert ratio_claim(-clear, BELOW, low=0.0).p_outside == pytest.approx(one_sided(BELOW, "greater"))


ABOVE, BELOW = np.array([1.0, 2.2, 2.9, 4.1]), np.array([-0.2, 0.9, 0.5, 0.4])


@pytest.mark.parametrize(
    "region", [{"low": 8.0, "high": 9.0}, {"low": 2.0}, {"low": 9.0}, {"high": 2.0}, {"high": 9.0}]
)
def test_a_ratio_is_tested_by_its_denominator_and_each_bound(region):
    found = ratio_claim(ABOVE, BELOW, **region, label="many times")
    sides = {"low": ("greater", "less"), "high": ("less", "greater")}
    bounds = [(ABOVE - value * BELOW, *sides[bound]) for bound, value in region.items()]
    denominator = one_sided(BELOW, "greater")
    assert found.p_inside == pytest.approx(max(denominator, *(one_sided(x, side) for x, side, _ in bounds)))
    against = len(bounds) * min(one_sided(x, side) for x, _, side in bounds)
    assert found.p_outside == pytest.approx(max(denominator, against))
    assert found.region == (region.get("low", -math.inf), region.get("high", math.inf))
    assert found.label == "many times"


def test_linearised_ratio_has_the_delta_methods_error():
    # means 2 and 4, ratio 1/2; deviations (1 - 1/2 * 3) / 4 and (3 - 1/2 * 5) / 4
    assert linearised_ratio([1.0, 3.0], [3.0, 5.0]).tolist() == [0.375, 0.625]
    generator = np.random.default_rng(6)
    below, above = generator.normal(2.0, 0.1, 5_000), generator.normal(1.0, 0.1, 5_000)
    units = linearised_ratio(above, below)
    assert units.mean() == pytest.approx(above.mean() / below.mean(), rel=1e-12)
    by_hand = math.sqrt((0.1**2 + 0.5**2 * 0.1**2) / 2.0**2)  # var(x - r y) / y**2
    assert units.std() == pytest.approx(by_hand, rel=4 / math.sqrt(2 * 5_000))


@pytest.mark.parametrize(
    ("successes", "region", "inside", "against"),
    [
        (10, {"low": 0.5}, 0.5**10, 1.0),
        (0, {"high": 0.5}, 0.5**10, 1.0),
        (10, {"high": 0.5}, 1.0, 0.5**10),
        (2, {"low": 0.3}, stats.binom.sf(1, 10, 0.3), stats.binom.cdf(2, 10, 0.3)),
        (5, {"low": 0.1, "high": 0.9}, stats.binom.sf(4, 10, 0.1), 1.0),
        (2, {"low": 0.3, "high": 0.9}, stats.binom.sf(1, 10, 0.3), 2 * stats.binom.cdf(2, 10, 0.3)),
        (5, {"low": 0.3, "high": 0.9}, stats.binom.sf(4, 10, 0.3), 1.0),
    ],
)
def test_proportions_are_exact(successes, region, inside, against):
    found = proportion_claim(successes, 10, **region)
    assert (found.p_inside, found.p_outside) == (pytest.approx(inside), pytest.approx(against))


def test_a_proportion_has_its_exact_interval_and_its_region():
    found = proportion_claim(0, 10, high=0.5, label="seldom")
    assert (found.estimate.value, found.estimate.low) == (0.0, 0.0)
    assert found.estimate.high == pytest.approx(1 - 0.025 ** (1 / 10))  # Clopper and Pearson
    assert (found.estimate.level, found.estimate.unit, found.estimate.n) == (0.95, "study", 10)
    assert (found.region, found.label) == ((0.0, 0.5), "seldom")
    assert proportion_claim(1, 1, low=0.5, unit="run").estimate.unit == "run"
    assert proportion_claim(1, 4, low=0.125).estimate.value == 0.25


def test_a_spread_is_tested_by_its_squares():
    values = [1.0, 2.0, 4.0, 5.0]
    found = spread_claim(values, low=0.5, high=9.0, label="sd")
    assert found.estimate.value == pytest.approx(np.std(values, ddof=1))
    assert (found.region, found.label, found.estimate.unit, found.estimate.n) == ((0.5, 9.0), "sd", "seed", 4)
    squares = np.array([4.0, 1.0, 1.0, 4.0]) * 4 / 3
    assert spread_claim(values, low=0.5).p_inside == pytest.approx(one_sided(squares, "greater", 0.25))
    draws = np.random.default_rng(0).normal(size=(50, 3))
    of_draws = spread_claim(draws, high=1.0).estimate
    assert (of_draws.unit, of_draws.value) == ("task draw", pytest.approx(draws.mean(axis=1).std(ddof=1)))


@pytest.mark.parametrize(("heaps", "sd"), [(0.0, 1.0), (1.0, 2**0.5)])
def test_a_true_bound_is_rarely_rejected_and_a_false_one_often(heaps, sd):
    rng = np.random.default_rng(4)
    studies = rng.normal(size=(4_000, 300)) + rng.choice([-heaps, heaps], (4_000, 300))
    squares = (studies - studies.mean(axis=1, keepdims=True)) ** 2 * 300 / 299
    at_bound, below = (one_sided(squares, "greater", (factor * sd) ** 2) for factor in (1.0, 0.85))
    for study, *p_values in zip(studies[:20], at_bound, below, strict=False):
        found = [spread_claim(study, low=low).p_inside for low in (sd, 0.85 * sd)]
        assert found == pytest.approx(p_values)
    # Squares are skewed to the right, so that the test errs a little less often than it says.
    assert 0.025 < (at_bound < 0.05).mean() < 0.05
    assert (below < 0.05).mean() > 0.875


def test_the_interval_of_a_spread_covers():
    studies = np.random.default_rng(5).normal(size=(400, 200))
    found = [spread_claim(study, high=2.0).estimate for study in studies]
    covered = sum(estimate.low < 1 < estimate.high for estimate in found)
    assert stats.binomtest(covered, 400, 0.95).pvalue > 1e-3


def test_a_ratio_of_spreads_keeps_its_pairs():
    x, other = (np.random.default_rng(seed).normal(size=500) for seed in (6, 7))
    exact = spread_ratio_claim(2.0 * x, x, low=1.9, high=2.1)
    assert exact.estimate.value == pytest.approx(2) and exact.p_inside < 1e-9
    assert spread_ratio_claim(2.0 * x, other, low=1.9, high=2.1).p_inside > 0.05
    assert spread_ratio_claim(2.0 * x, other, low=1.5).p_inside < 1e-3
    assert spread_ratio_claim(2.0 * x, other, high=1.5).p_outside < 1e-3


def test_a_ratio_of_spreads_by_hand():
    above, below = np.array([0.0, 2.0, 1.0, 7.0, 9.0, 8.0]), np.array([1.0, 1.5, 1.0, 4.0, 5.0, 4.0])
    found = spread_ratio_claim(above, below, low=1.5, high=2.5)
    assert found.estimate.value == pytest.approx(above.std() / below.std())
    assert found.region == (1.5, 2.5)
    one, other = (np.square(x - x.mean()) * 6 / 5 for x in (above, below))
    p = [one_sided(x, "greater") for x in (other, one - 1.5**2 * other, 2.5**2 * other - one)]
    assert found.p_inside == pytest.approx(max(p))
    assert spread_ratio_claim(above, below, low=1.5).p_inside == pytest.approx(p[1])
    assert p[1] > p[0]


def test_a_run_alone_is_far():
    found = far_claim([0.0, 0.0, 0.0, 1.0], by=0.5, low=0.1)
    assert (found.estimate.value, found.estimate.n, found.estimate.unit) == (0.25, 4, "seed")
    assert found.p_inside == pytest.approx(stats.binomtest(1, 4, 0.1, alternative="greater").pvalue)
    assert far_claim([0.0, 0.0, 0.0, 1.0], by=0.75, low=0.1).estimate.value == 0  # the mean is 0.25


def test_all_and_any_are_each_others_opposites():
    parts = [claim(0.01, 0.9), claim(0.2, 0.03), claim(0.04, 0.5)]
    assert (all_of(parts).p_inside, all_of(parts).p_outside) == (0.2, pytest.approx(0.09))
    assert (any_of(parts).p_inside, any_of(parts).p_outside) == (pytest.approx(0.03), 0.9)
    negated = any_of([outside(part) for part in parts])
    assert (negated.p_inside, negated.p_outside) == (all_of(parts).p_outside, all_of(parts).p_inside)


def test_combinations_keep_their_parts_and_stop_at_one():
    parts = [claim(0.6, 0.7), claim(0.8, 0.9)]
    both, either = all_of(parts, "both"), any_of(parts, "either")
    assert both.p_outside == either.p_inside == 1.0
    assert both.parts == either.parts == tuple(parts) and (both.label, either.label) == ("both", "either")
    assert both.estimate is None and all(map(math.isnan, both.region + either.region))
    assert outside(both).parts == both.parts


def test_holm_by_hand():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}
    )


def test_holm_keeps_the_error_of_the_family_and_no_correction_does_not():
    uniform = np.random.default_rng(7).uniform(size=(100, 8))
    adjusted = [min(holm(dict(enumerate(row))).values()) for row in uniform]
    wrong = [int((np.asarray(p) <= 0.05).sum()) for p in (adjusted, uniform.min(axis=1))]
    assert stats.binomtest(wrong[0], 100, 0.05, alternative="greater").pvalue > 0.001
    assert stats.binomtest(wrong[1], 100, 0.05, alternative="greater").pvalue < 1e-6


def test_for_and_against_exclude_each_other_so_half_of_a_family_can_err():
    """Nine pairs at their bounds: some verdict is wrong in 0.37 of families, and in 0.025 after Holm."""
    n, near = 9, 150
    wrong = np.random.default_rng(2).uniform(size=(4_000, n))
    careless = (wrong <= 0.05).any(axis=1).mean()
    assert careless == pytest.approx(1 - 0.95**n, abs=0.03)
    assert abs(careless - (1 - 0.95 ** (2 * n))) > 0.2  # as if both of a pair could err
    smallest_first = wrong[np.argsort(wrong.min(axis=1))[:near]]
    adjusted = [holm(dict(enumerate(np.hstack([row, 1 - row])))) for row in smallest_first]
    errs = sum(min(each[k] for k in range(n)) <= 0.05 for each in adjusted)
    assert errs < near  # so that no family left out can err
    assert errs / len(wrong) < 0.05


def test_judging_uses_one_family_for_both_directions():
    claims = {"yes": claim(0.001, 1.0), "no": claim(1.0, 0.002), "open": claim(0.03, 0.9)}
    pronounced = verdicts(claims)
    assert {name: word for name, (word, _) in pronounced.items()} == {
        "yes": "supported",
        "no": "contradicted",
        "open": "undecided",  # 0.03 alone would do; among six it does not
    }
    assert pronounced["yes"][1] == pytest.approx(0.006) and pronounced["no"][1] == pytest.approx(0.010)


def test_a_verdict_at_its_level_is_given():
    # Holm doubles the smaller of two p-values: 0.25 becomes 0.5, which is 1 - level exactly.
    assert verdicts({"a": claim(0.25, 1.0)}, level=0.5) == {"a": ("supported", 0.5)}
    assert verdicts({"a": claim(1.0, 0.25)}, level=0.5) == {"a": ("contradicted", 0.5)}
    assert verdicts({"a": claim(0.26, 1.0)}, level=0.5) == {"a": ("undecided", 0.52)}
    assert verdicts({"a": claim(0.024, 1.0)})["a"][0] == "supported"
    assert verdicts({"a": claim(0.026, 1.0)})["a"][0] == "undecided"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_claim([1.0, 2.0]), r"low must be below high and at least one of them finite, got \("),
        (lambda: mean_claim([1.0, 2.0], low=1, high=0), "low must be below high"),
        (lambda: mean_claim([1.0, 2.0], low=1, high=1), "low must be below high"),
        (lambda: mean_claim([1.0, 2.0], low=math.nan, high=1), "low must be below high"),
        (lambda: mean_claim([1.0], low=0), "at least 2 independent units, got 1"),
        (lambda: equivalence([1.0, 2.0], 0), "margin must be a finite number above 0, got 0"),
        (lambda: ratio_claim(ABOVE, BELOW, low=2.0, high=2.0), "low must be below high"),
        (lambda: proportion_claim(0, 0, low=0.5), "n must be an integer of at least 1, got 0"),
        (lambda: proportion_claim(-1, 2, low=0.5), "successes must be an integer from 0 to n = 2, got -1"),
        (lambda: proportion_claim(3, 2, low=0.5), "successes must be an integer from 0 to n = 2"),
        *(
            (lambda region=region: proportion_claim(1, 2, low=region[0], high=region[1]), r"both in \[0, 1\]")
            for region in ((-0.1, 0.5), (0.5, 1.1), (0.5, 0.5), (0.6, 0.5), (0.0, 1.0), (math.nan, 0.5))
        ),
        (lambda: spread_claim([1.0, 2.0], low=0.1), "at least 3 independent units, got 2"),
        (lambda: spread_claim([1.0, 2.0, 3.0], low=-1.0), r"low must be a number of at least 0, got -1\.0"),
        (lambda: spread_ratio_claim(ABOVE, ABOVE, low=-1, high=-0.5), "low must be a number of at least 0"),
        (lambda: spread_ratio_claim(ABOVE[1:], ABOVE, low=0.1), "as many units each, got 3 and 4"),
        (lambda: far_claim([1.0, 2.0, 3.0], by=0, low=0.1), "by must be a finite number above 0, got 0"),
        (lambda: all_of([]), "at least one claim"),
        (lambda: holm({}), "at least one p-value"),
        (lambda: verdicts({"a": claim(0.5, 0.5)}, level=0), "level must be a number strictly between"),
        (lambda: verdicts({"a": claim(0.5, 0.5)}, level=1), "level must be a number strictly between"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
