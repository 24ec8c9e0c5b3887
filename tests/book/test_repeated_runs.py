"""What the repeated runs say, recomputed from the stored curves by other means; how often intervals cover."""

import math

import numpy as np
import pytest
from scipy import stats

from book.repeated_runs import (
    _AllRuns,
    _variance_ratio_p,
    _weighted,
    averaged_end_points,
    climb,
    compare_designs,
    compare_whole_runs,
    difference_of_all_runs,
    end_points,
    geometric_deviation_ratio,
    mean_of_all_runs,
    published_questions,
    runs_at,
    runs_by_step,
    whole_run_ratio,
)  # fmt: skip
from rlvr.experiments.coin_flip_models import BEST, models, stored_model_runs
from rlvr.published_runs import DESIGNS, published_repeats, published_run_curves
from rlvr.stats.spreads import deviation_ratio, same_spread

CLIPPED, UNCLIPPED, LARGE, SMALL = DESIGNS


@pytest.mark.parametrize(
    ("design", "mean", "deviation", "lowest", "highest"),
    [
        (CLIPPED, 64.3, 6.5, 53.5, 69.8),
        (UNCLIPPED, 50.3, 26.4, 15.9, 73.1),
        (LARGE, 49.3, 8.0, 40.4, 61.9),
        (SMALL, 47.2, 8.2, 38.1, 59.0),
    ],
)
def test_end_points_of_each_design(design, mean, deviation, lowest, highest):
    ends = end_points(design)
    found = [ends.mean(), ends.std(ddof=1), ends.min(), ends.max()]
    assert found == pytest.approx([mean, deviation, lowest, highest], abs=0.051)


def test_clipping_at_the_end():
    found = compare_designs()
    welch = stats.ttest_ind(end_points(CLIPPED), end_points(UNCLIPPED), equal_var=False)
    assert found.difference.low == pytest.approx(welch.confidence_interval().low)
    assert (found.difference.n, found.difference.unit) == (16, "training run")
    assert round(found.p_mean, 3) == 0.262
    ratio = deviation_ratio(end_points(UNCLIPPED), end_points(CLIPPED))
    assert ratio.value == pytest.approx(26.4045 / 6.5459, rel=1e-4)


def test_equal_optimiser_steps():
    """After 80 updates each no difference of spread is shown; after 75 rollouts each there is one."""
    for small in (LARGE, SMALL):
        runs = runs_at(UNCLIPPED, 10), runs_at(small, 80)
        ratio = deviation_ratio(runs[1], runs[0])
        assert same_spread(*runs) > 0.5 and ratio.low < 1 < ratio.high
    assert deviation_ratio(runs_at(UNCLIPPED, 75), runs_at(LARGE, 75)).low > 1.4


def test_one_step_is_no_measure_of_the_quiet():
    ratios = [
        runs_at(UNCLIPPED, step).std(ddof=1) / runs_at(CLIPPED, step).std(ddof=1) for step in range(20, 41)
    ]
    assert sorted(ratios)[-4] < ratios[10] == pytest.approx(12.5, abs=0.1)  # step 30 is among the extremes
    assert 4 < np.median(ratios) < 7


def test_the_climb():
    mean, slopes = climb(CLIPPED)
    assert format(mean, ".2f") == "0.23 [0.17, 0.29]" and (slopes > 0.1).all() and slopes.size == 5
    by_hand = stats.linregress(range(76), published_run_curves().loc[CLIPPED].iloc[0, :76]).slope
    assert slopes[0] == pytest.approx(by_hand)
    for design in (UNCLIPPED, LARGE, SMALL):
        assert climb(design)[0].low < 0 < climb(design)[0].high


def test_the_low_runs():
    seen, p = published_questions().loc[1, ["seen", "p"]]
    assert seen == "0 of 5 against 4 of 11"
    # By hand: all four low among the eleven unclipped, or (as unlikely) more than three among the clipped.
    law = stats.hypergeom(16, 4, 11).pmf(range(5))
    assert law[law <= law[4] * (1 + 1e-9)].sum() == pytest.approx(p) == pytest.approx(0.2445, abs=1e-4)
    ends = np.concatenate([end_points(design) for design in (CLIPPED, UNCLIPPED)])
    assert not ((ends > 23) & (ends < 37)).any()  # any bound in between counts the same runs


def test_no_more_and_no_fewer_low_runs_fit_the_averages():
    # Low runs end from 15.9 to 21.1; the others, of the eleven, from 54.7 to 73.1.
    ends = end_points(UNCLIPPED)
    low, high = ends[ends < 30], ends[ends > 30]
    fits = {}
    for runs, curve in zip((4, 3), published_run_curves(averages=True).to_numpy(), strict=True):
        total = runs * curve[-10:].mean()
        fits[runs] = [
            k for k in range(runs + 1)
            if k * low.min() + (runs - k) * high.min() <= total <= k * low.max() + (runs - k) * high.max()
        ]  # fmt: skip
    assert fits == {4: [2], 3: []}  # three runs: 2 low and a third at 47 to 54, just under the lowest other


def table_mean(designs):
    """Mean end point of designs from the table of end points, each row by its number of runs."""
    rows = published_repeats().query("benchmark == 'MATH-500' and design in @designs")
    return np.average(
        rows.accuracy_percent_mean_last_10, weights=rows.runs_averaged
    ), rows.runs_averaged.sum()


@pytest.mark.parametrize(
    ("designs", "change", "n"),
    [((UNCLIPPED,), -3.9, 18), ((UNCLIPPED, LARGE, SMALL), -2.6, 33), ((CLIPPED,), 14.9, 5)],
)
def test_every_run_counts_once(designs, change, n):
    found = mean_of_all_runs(*designs)
    assert (found.value, found.n) == pytest.approx(table_mean(designs)) and found.n == n
    assert found.value - 49.4 == pytest.approx(change, abs=0.05)


def test_single_runs_alone_say_something_else():
    """What the chapter said before the seven were counted: +0.9 and -0.2 points, 14.0 between the designs."""
    single = {design: end_points(design) for design in DESIGNS}
    unclipped = np.concatenate([single[design] for design in (UNCLIPPED, LARGE, SMALL)])
    assert single[UNCLIPPED].mean() - 49.4 == pytest.approx(0.9, abs=0.05)
    assert unclipped.mean() - 49.4 == pytest.approx(-0.2, abs=0.05) and unclipped.size == 26
    assert averaged_end_points(UNCLIPPED) == pytest.approx({4: 44.81, 3: 28.77}, abs=0.01)
    assert averaged_end_points(CLIPPED) == {}


def test_the_error_rests_on_the_spread_of_single_runs():
    found, ends = mean_of_all_runs(UNCLIPPED, level=0.9), end_points(UNCLIPPED)
    half = stats.t.ppf(0.95, 10) * ends.std(ddof=1) / 18**0.5
    assert (found.high - found.value, found.unit) == (pytest.approx(half), "training run")
    without_averages = mean_of_all_runs(CLIPPED), stats.ttest_1samp(end_points(CLIPPED), 0)
    interval = without_averages[1].confidence_interval()
    assert (without_averages[0].low, without_averages[0].high) == pytest.approx((interval.low, interval.high))


def test_difference_by_hand():
    found, one, other = difference_of_all_runs(), end_points(CLIPPED), end_points(UNCLIPPED)
    a, b = one.var(ddof=1) / 5, other.var(ddof=1) / 18
    half = stats.t.ppf(0.975, (a + b) ** 2 / (a**2 / 4 + b**2 / 10)) * (a + b) ** 0.5
    assert found.value == pytest.approx(18.84, abs=0.01) and found.n == 23
    assert (found.value - found.low, found.high - found.value) == pytest.approx((half, half))
    plain = difference_of_all_runs(CLIPPED, LARGE)  # no averages: Welch's own
    welch = stats.ttest_ind(one, end_points(LARGE), equal_var=False).confidence_interval()
    assert (plain.low, plain.high) == pytest.approx((welch.low, welch.high))


def two_heaps(rng, n):
    """Ends of runs that fall into two heaps, as the published ones without clipping do."""
    return np.where(rng.random(n) < 0.44, rng.normal(18, 2.5, n), rng.normal(70, 5.5, n))


def test_the_difference_covers_where_one_design_has_two_heaps():
    rng, hit, n = np.random.default_rng(0), 0, 400
    truth = 64 - (0.44 * 18 + 0.56 * 70)
    for _ in range(n):
        ends, clipped = two_heaps(rng, 18), rng.normal(64, 6.5, 5)
        parts = _AllRuns(clipped.mean(), 5, clipped), _AllRuns(ends.mean(), 18, ends[:11])
        found = _weighted([(1.0, parts[0]), (-1.0, parts[1])], 0.95)
        hit += found.low <= truth <= found.high
    assert 0.92 < hit / n < 0.98


def test_means_and_deviations_by_step():
    table = runs_by_step((30, 80)).set_index(["design", "step"])
    clipped, other = table.loc[(CLIPPED, 30)], table.loc[(UNCLIPPED, 30)]
    assert (clipped.updates, clipped.runs, table.loc[(LARGE, 80)].updates) == (240, 5, 80)
    assert (other.runs, other.single_runs) == (18, 11)
    assert format(clipped["mean"], ".1f") == "53.9 [52.1, 55.6]"
    assert format(clipped.deviation, ".1f") == "1.4 [0.8, 4.0]"
    assert other.deviation.value == pytest.approx(17.57, abs=0.01)
    single = published_run_curves().loc[UNCLIPPED][30]
    four, three = published_run_curves(averages=True)[30]
    assert other["mean"].value == pytest.approx((single.sum() + 4 * four + 3 * three) / 18)
    ended = table.loc[(UNCLIPPED, 80)]
    assert (ended.runs, ended.single_runs) == (16, 9)  # two single runs had ended
    start = runs_by_step((0,))["mean"]
    assert [(mean.low, mean.high) for mean in start] == [(pytest.approx(49.4), pytest.approx(49.4))] * 4


def test_the_quiet_is_that_of_whole_runs_and_the_most_extreme_of_all_shufflings():
    ratio, p = compare_whole_runs()
    clipped, other = (published_run_curves().loc[design, 1:75].std(ddof=1) for design in (CLIPPED, UNCLIPPED))
    assert ratio == pytest.approx(math.exp(np.log(other / clipped).mean()))
    assert p == pytest.approx(1 / math.comb(16, 5))
    # The control: two designs of one update do not differ.
    assert compare_whole_runs(LARGE, SMALL)[1] > 0.2


def test_the_ratio_has_an_interval_over_runs():
    found = whole_run_ratio()
    assert found.value == pytest.approx(compare_whole_runs()[0]) and (found.n, found.unit) == (
        16,
        "training run",
    )
    assert (found.low, found.high) == pytest.approx((2.15, 9.50), abs=0.005)
    assert whole_run_ratio(level=0.8).low > found.low > 1
    control = whole_run_ratio(LARGE, SMALL)
    assert control.low < 1 < control.high


def test_the_jackknife_by_hand():
    groups = [published_run_curves().loc[design].loc[:, 1:75].to_numpy() for design in (CLIPPED, UNCLIPPED)]
    centre, variances = 0.0, []
    for sign, group in zip((-1, 1), groups, strict=True):

        def theta(runs):
            return np.log(runs.std(axis=0, ddof=1)).mean()

        n, seen = len(group), theta(group)
        pseudo = np.array([n * seen - (n - 1) * theta(np.delete(group, k, 0)) for k in range(n)])
        centre += sign * pseudo.mean()  # the mean pseudovalue is the estimate less its bias
        variances.append(pseudo.var(ddof=1) / n)
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 4 + variances[1] ** 2 / 10)
    half = stats.t.ppf(0.975, freedom) * sum(variances) ** 0.5
    found = geometric_deviation_ratio(*groups)
    assert (found.low, found.high) == pytest.approx((math.exp(centre - half), math.exp(centre + half)))


def walks(rng, n):
    return rng.standard_normal((n, 75)).cumsum(axis=1)


def uneven(rng, n):
    """Walks whose own spreads differ from run to run."""
    return walks(rng, n) * np.sqrt(4 / rng.chisquare(4, n))[:, None]


def heaps(rng, n):
    """Walks that end in one of two heaps."""
    return 100 / (1 + np.exp(-0.35 * walks(rng, n)))


def covered_share(draw_first, draw_second, truth, n=600):
    found = [geometric_deviation_ratio(draw_first(), draw_second()) for _ in range(n)]
    return np.mean([each.low < truth < each.high for each in found])


@pytest.mark.parametrize(("first", "second"), [(walks, walks), (uneven, uneven), (walks, heaps)])
def test_the_interval_covers_for_simulated_walks(first, second):
    rng = np.random.default_rng(1)
    many = [np.log(draw(rng, 20_000).std(axis=0, ddof=1)).mean() for draw in (first, second)]
    found = covered_share(lambda: first(rng, 5), lambda: second(rng, 11), math.exp(many[1] - many[0]))
    assert 0.92 < found < 0.99


def test_the_interval_covers_for_models_of_the_runs_and_less_where_few_stray_far():
    rng, found = np.random.default_rng(2), {}
    for model in models():
        clipped, other = (stored_model_runs(model, design) for design in (CLIPPED, UNCLIPPED))
        truth = np.exp(np.log(other.std(0, ddof=1) / clipped.std(0, ddof=1)).mean())
        found[model] = covered_share(
            lambda runs=clipped: runs[rng.choice(200, 5, False)],
            lambda runs=other: runs[rng.choice(200, 11, False)],
            truth,
        )
    assert found[BEST] > 0.94 and 0.82 < min(found.values()) < 0.92


def test_the_batch_sizes_by_hand():
    small, large = end_points(SMALL), end_points(LARGE)
    ratio = small.var(ddof=1) / large.var(ddof=1)
    equal, predicted = published_questions().iloc[-2:].itertuples()
    assert equal.seen.split()[0] == f"{ratio**0.5:.2f}" and equal.p > 0.5
    assert predicted.p == pytest.approx(2 * stats.f.cdf(ratio / 8, 5, 8))
    # What is seen is never rejected, and a prediction on the other side is as far away.
    assert _variance_ratio_p(small, large, ratio) > 0.8 and _variance_ratio_p(small, large, 1 / 8) < 0.05


def test_every_question_has_its_power():
    table = published_questions()
    assert table.p.round(3).tolist() == pytest.approx(
        [0.262, 0.245, 0.0, same_spread(end_points(SMALL), end_points(LARGE)), 0.039], abs=1e-3
    )
    assert table.power.round(2).tolist() == pytest.approx([0.33, 0.06, np.nan, 0.70, 0.60], nan_ok=True)
    assert table.needed.tolist() == pytest.approx([32, 18, np.nan, 10, 10], nan_ok=True)
    assert table.runs.tolist() == [(5, 11)] * 3 + [(6, 9)] * 2
    more = published_questions(power=0.95).needed
    assert (more.dropna() > table.needed.dropna()).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: end_points("clipped"), "design must be one of '8 updates, clipping', .* got 'clipped'"),
        (lambda: mean_of_all_runs("clipped"), "design must be one of"),
        (lambda: whole_run_ratio("clipped"), "design must be one of"),
        (lambda: end_points(CLIPPED, "AIME24"), "benchmark must be one of"),
        (lambda: runs_by_step((81,)), "step must be a rollout step from 0 to 80, got 81"),
        (lambda: mean_of_all_runs(), "designs must name at least one design, got none"),
        (lambda: mean_of_all_runs(CLIPPED, level=1.0), "level must be a number strictly between 0 and 1"),
        (lambda: geometric_deviation_ratio(np.eye(3), np.eye(3), level=0.0), "level must be"),
        (lambda: geometric_deviation_ratio(np.ones((2, 3)), np.eye(3)), "first must be at least 3 runs"),
        (
            lambda: geometric_deviation_ratio(np.eye(3), np.ones((4, 3))),
            "second must be at least 3 .* got .4, 3.",
        ),
    ],
)
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
