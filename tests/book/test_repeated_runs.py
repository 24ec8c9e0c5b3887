"""What the repeated runs say, recomputed from the stored curves by other means."""

import numpy as np
import pytest
from scipy import stats

from book.repeated_runs import climb, compare_designs, end_points, low_runs
from rlvr.published_runs import DESIGNS, published_run_curves

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
    assert (round(found.p_mean, 3), round(found.p_mean_studentised, 3)) == (0.262, 0.205)
    assert found.deviation_ratio.value == pytest.approx(26.4045 / 6.5459, rel=1e-4)
    assert found.p_spread == pytest.approx(0.17, abs=0.01)


def test_equal_optimiser_steps():
    for small in (LARGE, SMALL):  # 80 updates each: no difference of spread is shown
        found = compare_designs(UNCLIPPED, small, steps=(10, 80))
        assert found.p_spread > 0.5 and found.deviation_ratio.low < 1 < found.deviation_ratio.high
    equal_rollouts = compare_designs(LARGE, UNCLIPPED, steps=(75, 75))
    assert equal_rollouts.deviation_ratio.low > 1.4


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
        (lambda: climb(CLIPPED, steps=(75, 76)), r"steps\[0\] must be a rollout step from 0 to 74, got 75"),
        (lambda: climb(CLIPPED, steps=(5, 5)), r"steps\[1\] must be a rollout step from 6 to 75, got 5"),
        (lambda: low_runs(100.0), "below must be a percentage strictly between 0 and 100, got 100.0"),
        (lambda: end_points(CLIPPED, "AIME24"), "benchmark must be one of"),
    ],
)
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
