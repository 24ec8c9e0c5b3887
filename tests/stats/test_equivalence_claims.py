"""Claims, equivalence and Holm: against statsmodels, by hand, and by their error rates."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from rlvr.stats.equivalence_claims import (
    Claim,
    all_of,
    any_of,
    equivalence,
    holm,
    linearised_ratio,
    mean_claim,
    outside,
    proportion_claim,
    ratio_claim,
    verdicts,
)

N_STUDIES = 2_000


def claim(p_inside, p_outside):
    return Claim(None, (0, 1), p_inside, p_outside)


def rejections(p_values, level=0.05):
    return int((np.asarray(p_values) <= level).sum())


def test_equivalence_is_the_test_of_statsmodels():
    values = np.random.default_rng(1).normal(0.002, 0.004, 12)
    theirs = DescrStatsW(values).ttost_mean(-0.005, 0.005)[0]
    assert equivalence(values, 0.005).p_inside == pytest.approx(theirs, rel=1e-12)


def test_equivalence_errs_in_five_percent_at_the_margin():
    generator = np.random.default_rng(2)
    p_values = [equivalence(generator.normal(0.5, 1.0, 40), 0.5).p_inside for _ in range(N_STUDIES)]
    assert stats.binomtest(rejections(p_values), N_STUDIES, 0.05).pvalue > 0.001


def test_a_large_p_value_is_no_equivalence():
    values = [-0.5, 0.6, -0.4, 0.5]  # no difference found, and none excluded
    assert stats.ttest_1samp(values, 0).pvalue > 0.8
    assert equivalence(values, 0.1).p_inside > 0.3


def test_a_mean_above_and_below():
    values = np.array([1.0, 2.0, 3.0])
    expected = stats.t.sf(2.0 / (1.0 / math.sqrt(3)), 2)  # t = mean / standard error, by hand
    above = mean_claim(values, low=0.0)
    assert above.p_inside == pytest.approx(expected, rel=1e-12)
    assert above.p_outside == pytest.approx(1 - expected, rel=1e-12)
    assert mean_claim(-values, high=0.0).p_inside == pytest.approx(expected, rel=1e-12)


def test_outside_a_region_counts_both_sides():
    values = np.array([1.0, 2.0, 3.0])
    t = (2.0 - 0.5) / (1.0 / math.sqrt(3))
    two_sided = mean_claim(values, low=-0.5, high=0.5)
    assert two_sided.p_outside == pytest.approx(2 * stats.t.sf(t, 2), rel=1e-12)
    assert outside(two_sided).p_inside == two_sided.p_outside
    assert outside(two_sided).p_outside == two_sided.p_inside


def test_units_are_task_draws_not_runs():
    generator = np.random.default_rng(3)
    draws = generator.normal(0, 1, (6, 1)) + generator.normal(0, 0.01, (6, 50))
    assert mean_claim(draws, low=0.0).p_inside == pytest.approx(
        mean_claim(draws.mean(axis=1), low=0).p_inside
    )
    assert mean_claim(draws, low=0.0).estimate.unit == "task draw"
    assert mean_claim(draws.ravel(), low=0.0).p_inside != pytest.approx(mean_claim(draws, low=0).p_inside)


def test_values_without_spread_are_compared():
    assert mean_claim([0.2, 0.2, 0.2], low=0.1, high=0.3).p_inside == 0.0
    assert mean_claim([0.2, 0.2, 0.2], low=0.2).p_inside == 1.0
    assert mean_claim([0.2, 0.2, 0.2], low=0.3).p_outside == 0.0


@pytest.mark.slow
def test_ratio_claim_errs_in_five_percent_at_the_bound():
    generator = np.random.default_rng(4)
    p_values = []
    for _ in range(N_STUDIES):
        below = generator.normal(1.0, 0.3, 15)
        above = 0.7 * below + generator.normal(0.0, 0.2, 15)
        p_values.append(ratio_claim(above, below, low=0.7).p_inside)
    assert stats.binomtest(rejections(p_values), N_STUDIES, 0.05).pvalue > 0.001


def test_ratio_claim_needs_a_positive_denominator():
    generator = np.random.default_rng(5)
    noise = generator.normal(0, 1, 20)
    unclear = ratio_claim(noise + 5, noise, low=1.0)
    assert unclear.p_inside > 0.05 and not unclear.estimate.defined
    assert ratio_claim(noise + 50, noise + 10, low=1.0).p_inside < 1e-6
    assert ratio_claim(-noise - 50, -noise - 10, low=1.0).p_inside > 0.99


def test_linearised_ratio_has_the_delta_methods_error():
    generator = np.random.default_rng(6)
    below, above = generator.normal(2.0, 0.1, 5_000), generator.normal(1.0, 0.1, 5_000)
    units = linearised_ratio(above, below)
    assert units.mean() == pytest.approx(above.mean() / below.mean(), rel=1e-12)
    by_hand = math.sqrt((0.1**2 + 0.5**2 * 0.1**2) / 2.0**2)  # var(x - r y) / y**2
    assert units.std() == pytest.approx(by_hand, rel=4 / math.sqrt(2 * 5_000))


def test_proportions_are_exact():
    assert proportion_claim(10, 10, low=0.5).p_inside == pytest.approx(0.5**10)
    assert proportion_claim(0, 10, high=0.5).p_inside == pytest.approx(0.5**10)
    assert proportion_claim(10, 10, high=0.5).p_outside == pytest.approx(0.5**10)
    assert proportion_claim(5, 10, low=0.1, high=0.9).p_inside == pytest.approx(
        stats.binom.sf(4, 10, 0.1), rel=1e-9
    )


def test_all_and_any_are_each_others_opposites():
    parts = [claim(0.01, 0.9), claim(0.2, 0.03), claim(0.04, 0.5)]
    assert (all_of(parts).p_inside, all_of(parts).p_outside) == (0.2, pytest.approx(0.09))
    assert (any_of(parts).p_inside, any_of(parts).p_outside) == (pytest.approx(0.03), 0.9)
    negated = any_of([outside(part) for part in parts])
    assert (negated.p_inside, negated.p_outside) == (all_of(parts).p_outside, all_of(parts).p_inside)


def test_holm_by_hand():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}
    )


def test_holm_keeps_the_error_of_the_family_and_no_correction_does_not(monkeypatch):
    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels collects garbage at every call
    generator = np.random.default_rng(7)
    uniform = generator.uniform(size=(100, 8))
    adjusted = [min(holm(dict(enumerate(row))).values()) for row in uniform]
    assert stats.binomtest(rejections(adjusted), 100, 0.05, alternative="greater").pvalue > 0.001
    assert stats.binomtest(rejections(uniform.min(axis=1)), 100, 0.05, alternative="greater").pvalue < 1e-6


def test_judging_use_one_family_for_both_directions():
    claims = {"yes": claim(0.001, 1.0), "no": claim(1.0, 0.002), "open": claim(0.03, 0.9)}
    pronounced = verdicts(claims)
    assert {name: word for name, (word, _) in pronounced.items()} == {
        "yes": "supported",
        "no": "contradicted",
        "open": "undecided",  # 0.03 alone would do; among six it does not
    }
    assert pronounced["yes"][1] == pytest.approx(0.006) and pronounced["no"][1] == pytest.approx(0.010)


def test_two_units_suffice_and_a_claim_shows_its_interval():
    found = mean_claim([1.0, 3.0], low=1.0, label="more than one")  # t = 1 at one degree of freedom
    assert (found.p_inside, found.p_outside) == (pytest.approx(0.25), pytest.approx(0.75))
    assert (found.region, found.parts, found.label) == ((1.0, math.inf), (), "more than one")
    quartile = math.tan(math.pi * (0.975 - 0.5))  # of Cauchy's distribution, which t is here
    assert (found.estimate.low, found.estimate.high) == pytest.approx((2 - quartile, 2 + quartile))
    assert mean_claim([1.0, 3.0], high=3.0, level=0.5).estimate.low == pytest.approx(1.0)


def test_an_equivalence_states_its_margin_and_its_interval():
    found = equivalence([-0.25, 0.25], 1.0, label="none", level=0.5)
    assert (found.region, found.label) == ((-1.0, 1.0), "none")
    assert (found.estimate.level, found.estimate.high) == (0.5, pytest.approx(0.25))
    assert found.p_inside == pytest.approx(0.5 - math.atan(4) / math.pi)
    assert equivalence([-0.25, 0.25], 1.0).estimate.level == 0.95
    with pytest.raises(ValueError, match="margin must be a finite number above 0, got -1"):
        equivalence([-0.25, 0.25], -1)


def test_a_spread_of_rounding_counts_as_none_and_a_larger_one_does_not():
    assert mean_claim([0.0, 1e-12], low=-1.0).p_inside == 0.0
    assert mean_claim([0.0, 2e-12], low=-1.0).p_inside > 0.0
    assert mean_claim([0.2, 0.2], high=0.3).p_inside == 0.0
    assert mean_claim([0.2, 0.2], low=0.3).p_inside == 1.0
    assert mean_claim([0.2, 0.2], low=0.2).p_outside == 1.0
    assert mean_claim([0.2, 0.2], low=0.1).p_outside == 1.0


def one_sided(values, side):
    return stats.ttest_1samp(values, 0.0, alternative=side).pvalue


ABOVE, BELOW = np.array([1.0, 2.2, 2.9, 4.1]), np.array([-0.2, 0.9, 0.5, 0.4])


def test_a_ratio_between_two_bounds_is_three_tests():
    found = ratio_claim(ABOVE, BELOW, low=8.0, high=9.0, label="many times")
    denominator = one_sided(BELOW, "greater")
    inside = [one_sided(ABOVE - 8.0 * BELOW, "greater"), one_sided(ABOVE - 9.0 * BELOW, "less")]
    outside_ = [one_sided(ABOVE - 8.0 * BELOW, "less"), one_sided(ABOVE - 9.0 * BELOW, "greater")]
    assert found.p_inside == pytest.approx(max(denominator, *inside))
    assert found.p_outside == pytest.approx(max(denominator, 2 * min(outside_)))
    assert (found.region, found.label) == ((8.0, 9.0), "many times")


@pytest.mark.parametrize(
    ("bound", "speaks", "against"), [("low", "greater", "less"), ("high", "less", "greater")]
)
@pytest.mark.parametrize("value", [2.0, 9.0])
def test_a_ratio_beyond_one_bound_is_two_tests(bound, speaks, against, value):
    found = ratio_claim(ABOVE, BELOW, **{bound: value})
    denominator, rest = one_sided(BELOW, "greater"), ABOVE - value * BELOW
    assert found.p_inside == pytest.approx(max(denominator, one_sided(rest, speaks)))
    assert found.p_outside == pytest.approx(max(denominator, one_sided(rest, against)))


def test_the_denominator_counts_against_a_ratio_too():
    clear = np.array([5.0, 5.1, 4.9, 5.0])
    found = ratio_claim(-clear, BELOW, low=0.0)  # surely not positive, if only the denominator were
    assert found.p_outside == pytest.approx(one_sided(BELOW, "greater")) and found.p_outside > 0.05


def test_an_undefined_ratio_names_its_denominator():
    unclear = ratio_claim(ABOVE, BELOW, low=1.0, names=("reward_design", "naive"))
    assert unclear.estimate.reason.startswith("naive is not separated from 0")
    assert ratio_claim(ABOVE, BELOW, low=1.0).estimate.reason.startswith("denominator is")
    with pytest.raises(ValueError, match="low must be below high"):
        ratio_claim(ABOVE, BELOW, low=2.0, high=2.0)


def test_a_linearised_ratio_by_hand():
    # means 2 and 4, ratio 1/2; deviations (1 - 1/2 * 3) / 4 and (3 - 1/2 * 5) / 4
    assert linearised_ratio([1.0, 3.0], [3.0, 5.0]).tolist() == [0.375, 0.625]


def test_a_proportion_has_its_exact_interval_and_its_region():
    found = proportion_claim(0, 10, high=0.5, label="seldom")
    assert (found.estimate.value, found.estimate.low) == (0.0, 0.0)
    assert found.estimate.high == pytest.approx(1 - 0.025 ** (1 / 10))  # Clopper and Pearson
    assert (found.estimate.level, found.estimate.unit, found.estimate.n) == (0.95, "study", 10)
    assert (found.region, found.label) == ((0.0, 0.5), "seldom")
    assert proportion_claim(1, 1, low=0.5, unit="run").estimate.unit == "run"
    assert proportion_claim(1, 4, low=0.125).estimate.value == 0.25


def test_a_proportion_between_two_bounds_counts_both_sides():
    found = proportion_claim(2, 10, low=0.3, high=0.9)
    less, more = stats.binom.cdf(2, 10, 0.3), stats.binom.sf(1, 10, 0.9)
    assert found.p_outside == pytest.approx(2 * min(less, more))
    assert found.p_inside == pytest.approx(stats.binom.sf(1, 10, 0.3))
    assert proportion_claim(5, 10, low=0.3, high=0.9).p_outside == 1.0
    alone = proportion_claim(2, 10, low=0.3)
    assert alone.p_outside == pytest.approx(less)


@pytest.mark.parametrize(
    ("low", "high"), [(-0.1, 0.5), (0.5, 1.1), (0.5, 0.5), (0.6, 0.5), (0.0, 1.0), (math.nan, 0.5)]
)
def test_a_region_of_proportions_is_a_part_of_the_unit_interval(low, high):
    with pytest.raises(ValueError, match=r"low must be below high, both in \[0, 1\] and not 0 and 1, got"):
        proportion_claim(1, 2, low=low, high=high)


def test_counts_are_checked():
    with pytest.raises(ValueError, match="n must be an integer of at least 1, got 0"):
        proportion_claim(0, 0, low=0.5)
    with pytest.raises(ValueError, match="successes must be an integer from 0 to n = 2, got -1"):
        proportion_claim(-1, 2, low=0.5)


def test_a_region_has_an_inside():
    for low, high in ((1.0, 1.0), (-math.inf, math.inf), (math.nan, 1.0)):
        with pytest.raises(
            ValueError, match=r"low must be below high and at least one of them finite, got \("
        ):
            mean_claim([1.0, 2.0], low=low, high=high)


def test_combinations_keep_their_parts_and_stop_at_one():
    parts = [claim(0.6, 0.7), claim(0.8, 0.9)]
    both, either = all_of(parts, "both"), any_of(parts, "either")
    assert both.p_outside == either.p_inside == 1.0
    assert both.parts == either.parts == tuple(parts) and (both.label, either.label) == ("both", "either")
    assert both.estimate is None and all(map(math.isnan, both.region + either.region))
    assert outside(parts[0], "not").label == "not" and outside(both).parts == both.parts


def test_a_verdict_at_its_level_is_given():
    # Holm doubles the smaller of two p-values: 0.25 becomes 0.5, which is 1 - level exactly.
    assert verdicts({"a": claim(0.25, 1.0)}, level=0.5) == {"a": ("supported", 0.5)}
    assert verdicts({"a": claim(1.0, 0.25)}, level=0.5) == {"a": ("contradicted", 0.5)}
    assert verdicts({"a": claim(0.26, 1.0)}, level=0.5) == {"a": ("undecided", 0.52)}
    assert verdicts({"a": claim(0.024, 1.0)})["a"][0] == "supported"
    assert verdicts({"a": claim(0.026, 1.0)})["a"][0] == "undecided"
    for level in (0, 1):
        with pytest.raises(ValueError, match="level must be a number strictly between 0 and 1"):
            verdicts({"a": claim(0.5, 0.5)}, level=level)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_claim([1.0, 2.0]), "low must be below high and at least one of them finite"),
        (lambda: mean_claim([1.0, 2.0], low=1, high=0), "low must be below high"),
        (lambda: mean_claim([1.0], low=0), "at least 2 independent units, got 1"),
        (lambda: equivalence([1.0, 2.0], 0), "margin must be a finite number above 0"),
        (lambda: proportion_claim(3, 2, low=0.5), "successes must be an integer from 0 to n = 2"),
        (lambda: proportion_claim(1, 2), r"low must be below high, both in \[0, 1\]"),
        (lambda: all_of([]), "at least one claim"),
        (lambda: holm({}), "at least one p-value"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


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
