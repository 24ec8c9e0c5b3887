"""What the repeated runs say, recomputed from the stored curves by other means."""

import math

import numpy as np
import pytest
from scipy import stats

from rlvr.auditing import repeated_runs
from rlvr.auditing.published_tables import DESIGNS, published_run_curves
from rlvr.auditing.repeated_runs import (
    climb,
    compare_designs,
    compare_whole_runs,
    end_points,
    low_runs,
    runs_by_step,
    spread_growth,
)

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


def test_means_and_deviations_by_step():
    table = runs_by_step((30, 80)).set_index(["design", "step"])
    clipped, other = table.loc[(CLIPPED, 30)], table.loc[(UNCLIPPED, 30)]
    assert (clipped.updates, clipped.runs, other.runs, table.loc[(LARGE, 80)].updates) == (240, 5, 11, 80)
    assert format(clipped["mean"], ".1f") == "53.9 [52.1, 55.6]"
    assert format(clipped.deviation, ".1f") == "1.4 [0.8, 4.0]"
    assert other.deviation.value == pytest.approx(17.57, abs=0.01)
    assert table.loc[(UNCLIPPED, 80)].runs == 9  # two had ended
    wide = runs_by_step((30,), level=0.99).set_index("design").loc[CLIPPED]
    assert wide["mean"].high > clipped["mean"].high and wide.deviation.high > clipped.deviation.high


def test_clipping_at_the_end():
    found = compare_designs()
    welch = stats.ttest_ind(end_points(CLIPPED), end_points(UNCLIPPED), equal_var=False)
    assert found.difference.low == pytest.approx(welch.confidence_interval().low)
    assert (found.difference.n, found.difference.unit) == (16, "training run")
    assert (round(found.p_mean, 3), round(found.p_mean_studentised, 3)) == (0.262, 0.205)
    assert found.deviation_ratio.value == pytest.approx(26.4045 / 6.5459, rel=1e-4)
    assert found.p_spread == pytest.approx(0.17, abs=0.01)


def test_equal_optimiser_steps():
    for small in (LARGE, SMALL):  # 80 updates each: no difference of spread is shown
        found = compare_designs(UNCLIPPED, small, steps=(10, 80))
        assert found.p_spread > 0.5 and found.deviation_ratio.low < 1 < found.deviation_ratio.high
    equal_rollouts = compare_designs(LARGE, UNCLIPPED, steps=(75, 75))
    assert equal_rollouts.deviation_ratio.low > 1.4


def test_the_quiet_is_that_of_whole_runs_and_the_most_extreme_of_all_shufflings():
    ratio, p = compare_whole_runs()
    clipped, other = (published_run_curves().loc[design, 1:75].std(ddof=1) for design in (CLIPPED, UNCLIPPED))
    assert ratio == pytest.approx(math.exp(np.log(other / clipped).mean()))
    assert p == pytest.approx(1 / math.comb(16, 5))
    assert compare_whole_runs(benchmark="AMC")[1] == p
    # The control: two designs of one update do not differ.
    assert compare_whole_runs(LARGE, SMALL)[1] > 0.2


def test_one_step_is_no_measure_of_the_quiet():
    ratios = [compare_designs(steps=(step, step)).deviation_ratio.value for step in range(20, 41)]
    assert sorted(ratios)[-4] < ratios[10] == pytest.approx(12.5, abs=0.1)  # step 30 is among the extremes
    assert 4 < np.median(ratios) < 7


def test_the_climb():
    mean, slopes = climb(CLIPPED)
    assert format(mean, ".2f") == "0.23 [0.17, 0.29]" and (slopes > 0.1).all() and slopes.size == 5
    by_hand = stats.linregress(range(76), published_run_curves().loc[CLIPPED].iloc[0, :76]).slope
    assert slopes[0] == pytest.approx(by_hand)
    for design in (UNCLIPPED, LARGE, SMALL):
        assert climb(design)[0].low < 0 < climb(design)[0].high
    last_two = published_run_curves().loc[CLIPPED][[74, 75]].to_numpy()
    np.testing.assert_allclose(climb(CLIPPED, steps=(74, 75))[1], last_two[:, 1] - last_two[:, 0])
    assert climb(CLIPPED, steps=(0, 60))[0].value == pytest.approx(0.24, abs=0.005)


def test_the_spread_grows_as_a_neutral_walk_s():
    found = spread_growth(UNCLIPPED)
    assert found.low < 0.5 < found.high and found.n == 11 and found == spread_growth(UNCLIPPED)


def test_a_resample_of_one_run_alone_has_no_spread_and_is_left_out():
    found = spread_growth(CLIPPED)  # of five runs: once in 625 resamples
    assert found.n == 5 and found.low < found.value < found.high


def test_the_exponent_of_a_simulated_walk_is_one_half(monkeypatch):
    import pandas as pd

    walk = np.random.default_rng(0).normal(size=(400, 81)).cumsum(axis=1)
    walk -= walk[:, :1]
    curves = pd.concat({UNCLIPPED: pd.DataFrame(walk)}, names=["design", "run"])
    monkeypatch.setattr(repeated_runs, "published_run_curves", lambda benchmark: curves)
    found = spread_growth(UNCLIPPED)
    assert found.value == pytest.approx(0.5, abs=0.03) and found.low < 0.5 < found.high
    assert found.high - found.low < 0.15


def test_the_low_heap():
    table = low_runs()
    assert (
        table[["low_unclipped", "unclipped"]].values.tolist() == [[4, 11]] * 2 + [[7, 18]] * 2 + [[8, 18]] * 2
    )
    assert table[["low_clipped", "clipped"]].values.tolist() == [[0, 5], [0, 9]] * 3
    # By hand: all four low among the eleven unclipped, or (as unlikely) more than three among the clipped.
    law = stats.hypergeom(16, 4, 11).pmf(range(5))
    assert law[law <= law[4] * (1 + 1e-9)].sum() == pytest.approx(table.p[0])
    assert table.p.tolist() == pytest.approx([0.2445, 0.0941, 0.2719, 0.0593, 0.1221, 0.0258], abs=1e-4)
    above = low_runs(60.0).iloc[0]  # now runs under clipping fall below as well
    counts = [[above.low_unclipped, 11 - above.low_unclipped], [above.low_clipped, 5 - above.low_clipped]]
    assert above.low_clipped > 0 and above.p == pytest.approx(stats.fisher_exact(counts).pvalue)
    assert low_runs(23.0).equals(table) and low_runs(37.0).equals(table)


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


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: end_points("clipped"), "design must be one of '8 updates, clipping', .* got 'clipped'"),
        (lambda: compare_designs(steps=(81, 80)), "step must be a rollout step from 0 to 80, got 81"),
        (lambda: compare_whole_runs(steps=(0, 75)), r"steps\[0\] must be a rollout step from 1 to 75, got 0"),
        (lambda: compare_whole_runs(steps=(9, 8)), r"steps\[1\] must be a rollout step from 9 to 75, got 8"),
        (lambda: climb(CLIPPED, steps=(75, 76)), r"steps\[0\] must be a rollout step from 0 to 74, got 75"),
        (lambda: climb(CLIPPED, steps=(5, 5)), r"steps\[1\] must be a rollout step from 6 to 75, got 5"),
        (lambda: low_runs(100.0), "below must be a percentage strictly between 0 and 100, got 100.0"),
        (lambda: end_points(CLIPPED, "AIME24"), "benchmark must be one of"),
    ],
)
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
