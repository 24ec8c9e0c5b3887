"""Margins of contrasts, against statsmodels, enumeration, and simulated coverage."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm
from rlvr.auditing.sampling_error import (
    Sampling,
    contrast_interval,
    item_sampling,
    pairing_gain,
    run_sampling,
    simulated_coverage,
    wilson,
)
from rlvr.auditing.verdict_rules import contrast


@pytest.mark.parametrize("successes, n", [(0, 30), (3, 30), (30, 30), (247, 500), (1, 50)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_wilson_agrees_with_statsmodels(successes, n, level):
    expected = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    assert wilson(successes / n, n, level=level) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("first, second, n", [(247, 355, 500), (0, 4, 30), (29, 22, 50)])
def test_a_difference_has_newcombes_interval(first, second, n):
    arms = {"frozen": Arm("frozen", first / n, n), "random": Arm("random", second / n, n)}
    (below,), (above,) = item_sampling(arms).margins(contrast("null"))
    value = (second - first) / n
    expected = confint_proportions_2indep(second, n, first, n, method="newcomb")
    assert (value - below, value + above) == pytest.approx(expected, abs=1e-12)


def test_unknown_size_is_infinite_only_where_the_contrast_uses_the_arm():
    arms = {
        "frozen": Arm("frozen", 0.5, None),
        "majority": Arm("majority", 0.6, 500),
        "true": Arm("true", 0.7, 500),
    }
    sampling = item_sampling(arms)
    assert np.isinf(sampling.margins(contrast("total"))[0][0])
    assert np.isfinite(sampling.margins(contrast("reward_design"))[0][0])


@pytest.mark.parametrize("coefficients", [[-1, 1, 0, 0], [0, -1, 2, -1], [0.5, 0, 0, -0.5]])
def test_a_contrast_has_its_value_and_the_margins_of_its_arms(coefficients):
    accuracies = dict(zip(ARMS, (0.25, 0.375, 0.5, 0.75), strict=True))
    arms = {name: Arm(name, accuracy, n) for (name, accuracy), n in zip(accuracies.items(), (50, 60, 70, 80),
            strict=True)}  # fmt: skip
    estimate = contrast_interval(arms, coefficients, level=0.9)
    value = sum(c * a for c, a in zip(coefficients, accuracies.values(), strict=True))
    (below,), (above,) = item_sampling(arms, level=0.9).margins(coefficients)
    used = [n for c, n in zip(coefficients, (50, 60, 70, 80), strict=True) if c]
    assert estimate.value == value and (estimate.level, estimate.unit, estimate.n) == (0.9, "item", min(used))
    assert (estimate.low, estimate.high) == (value - below, value + above)
    assert estimate.low < value < estimate.high


def test_a_contrast_needs_its_arms_and_their_sizes_and_no_others():
    arms = {
        "frozen": Arm("frozen", 0.25, 50),
        "majority": Arm("majority", 0.5),
        "true": Arm("true", 0.75, 50),
    }
    assert contrast_interval(arms, [-1, 0, 0, 1]).low > 0
    unsized = contrast_interval(arms, [-1, 0, 1, 0])
    assert (
        unsized.value == 0.25
        and np.isnan(unsized.low)
        and unsized.reason == ("the number of items is not stated")
    )
    with pytest.raises(ValueError, match="with a coefficient, frozen, random; got no random"):
        contrast_interval(arms, [-1, 1, 0, 0])


def test_samples_narrow_only_the_optimistic_end():
    arm = Arm("true", 0.5, 30, samples_per_item=8)
    cautious, optimistic = (item_sampling({"true": arm}, independent_samples=flag) for flag in (False, True))
    assert cautious.below[3] == pytest.approx(0.5 - wilson(0.5, 30)[0])
    assert optimistic.below[3] == pytest.approx(0.5 - wilson(0.5, 240)[0])


def paired_arms(outcomes):
    """From (arm, item) to arms with outcomes."""
    items = np.array([f"q{i}" for i in range(outcomes.shape[1])])
    return {
        name: Arm(name, float(row.mean()), row.size, items=items, outcomes=row[None].astype(float))
        for name, row in zip(("frozen", "true"), outcomes, strict=True)
    }


def test_paired_margin_is_the_paired_t_test():
    outcomes = np.random.default_rng(3).integers(0, 2, (2, 40))
    (below,), (above,) = item_sampling(paired_arms(outcomes)).margins(contrast("total"))
    low, high = stats.ttest_rel(outcomes[1], outcomes[0]).confidence_interval(0.95)
    assert below == pytest.approx(above) == pytest.approx((high - low) / 2)


def test_items_that_differ_are_not_paired_and_no_difference_is_not_certainty():
    outcomes = np.random.default_rng(3).integers(0, 2, (2, 40))
    arms = paired_arms(outcomes)
    moved = Arm(
        "true", arms["true"].accuracy, 40, items=arms["true"].items[::-1], outcomes=arms["true"].outcomes
    )
    assert item_sampling({**arms, "true": moved}).outcomes is None
    same = item_sampling(paired_arms(np.stack([outcomes[0], outcomes[0]])))
    assert same.margins(contrast("total"))[0][0] > 0.05


def test_pairing_gain_is_the_ratio_of_widths():
    rng = np.random.default_rng(5)
    base = rng.random(400) < 0.5
    outcomes = np.stack([base, base ^ (rng.random(400) < 0.1)])  # the arms agree on nine items of ten
    items = item_sampling(paired_arms(outcomes))
    gain = pairing_gain(items, {"total": contrast("total")})["total"]
    # Theory: var of independent arms 2 * 1/4 against the share of items that differ, 0.1.
    assert gain == pytest.approx(np.sqrt(0.5 / 0.1), rel=0.2)
    assert pairing_gain(item_sampling({"true": Arm("true", 0.5, 10)}), {"total": contrast("total")}) == {}


def test_run_spread_uses_what_is_stated_then_what_is_assumed_and_never_frozen():
    arms = {
        "frozen": Arm("frozen", 0.5, 500, run_sd=0.2),
        "random": Arm("random", 0.6, 500, n_runs=5, run_sd=0.05),
        "majority": Arm("majority", 0.7, 500),
        "true": Arm("true", 0.8, 500),
    }
    stated, unknown = run_sampling(arms)
    assert unknown == ("majority", "true")
    assert stated.runs == pytest.approx([0, stats.t.ppf(0.975, 4) * 0.05 / np.sqrt(5), 0, 0])
    assumed, unknown = run_sampling(arms, assumed_run_sd=0.02)
    assert unknown == () and assumed.runs[2:] == pytest.approx([1.959964 * 0.02] * 2, rel=1e-6)
    # Two independent sources add in quadrature: a naive sum of half-widths would not pass.
    both = item_sampling(arms).with_runs(stated.runs).margins(contrast("null"))[0][0]
    parts = [each.margins(contrast("null"))[0][0] for each in (item_sampling(arms), stated)]
    assert both == pytest.approx(np.hypot(*parts)) and both < 0.99 * sum(parts)
    assert Sampling.none().margins(contrast("null"))[0][0] == 0


def coverage(draw, truth, c, replicates=1500):
    """Share of intervals that hold the truth, with a binomial test of it against 95%."""
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(replicates):
        arms = draw(rng)
        estimate = sum(weight * arms[name].accuracy for name, weight in c.items())
        vector = np.array([c.get(name, 0.0) for name in ("frozen", "random", "majority", "true")])
        (below,), (above,) = item_sampling(arms).margins(vector)
        held += estimate - below <= truth <= estimate + above
    return held, stats.binomtest(held, replicates, 0.95)


def test_unpaired_intervals_of_independent_arms_cover():
    rates = {"frozen": 0.1, "random": 0.3, "majority": 0.35, "true": 0.6}
    c = {"frozen": -1.0, "random": 2.0, "majority": -1.0}  # null - elicitation: not a plain difference

    def draw(rng):
        return {name: Arm(name, rng.binomial(100, rate) / 100, 100) for name, rate in rates.items()}

    held, test = coverage(draw, sum(w * rates[name] for name, w in c.items()), c)
    assert test.pvalue > 1e-3, held


@pytest.mark.parametrize("n", [30, 500])
def test_simulated_coverage_is_nominal_for_other_items_and_conservative_for_the_same(n):
    other = simulated_coverage(n, shared=False, replicates=800, seed=5)
    same = simulated_coverage(n, shared=True, replicates=800, seed=5)
    assert stats.binomtest(round(800 * other), 800, 0.95).pvalue > 1e-3
    assert stats.binomtest(round(800 * same), 800, 0.95, alternative="greater").pvalue < 1e-6


def test_counting_samples_as_items_undercovers_and_the_default_does_not():
    wrong = simulated_coverage(60, samples=8, replicates=400, seed=2)
    assert (
        stats.binomtest(round(400 * wrong), 400, 0.95, alternative="less").pvalue < 1e-6
    )  # negative control
    rng, held = np.random.default_rng(2), 0
    for _ in range(400):
        value = rng.binomial(8, rng.beta(0.5, 0.5, 60)).mean() / 8
        sampling = item_sampling({"true": Arm("true", value, 60, samples_per_item=8)})
        held += value - sampling.below[3] <= 0.5 <= value + sampling.above[3]
    assert stats.binomtest(held, 400, 0.95, alternative="less").pvalue > 1e-3


def test_simulated_coverage_honours_its_seed():
    assert simulated_coverage(30, replicates=50, seed=1) == simulated_coverage(30, replicates=50, seed=1)
    several = {simulated_coverage(30, samples=8, replicates=100, seed=seed) for seed in range(6)}
    assert len(several) > 1
