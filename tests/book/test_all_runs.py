"""Means of all published runs: the runs behind averages count, and lend no spread."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from book import all_runs, repeated_runs
from book.all_runs import averaged_end_points, difference_of_all_runs, mean_of_all_runs, runs_by_step
from book.repeated_runs import end_points
from rlvr.published_runs import DESIGNS, published_repeats, published_run_curves

CLIPPED, UNCLIPPED, LARGE, SMALL = DESIGNS


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
    at_start = difference_of_all_runs(step=0)
    assert (at_start.value, at_start.low, at_start.high) == pytest.approx((0, 0, 0), abs=1e-12)


def two_heaps(rng, n):
    """Ends of runs that fall into two heaps, as the published ones without clipping do."""
    return np.where(rng.random(n) < 0.44, rng.normal(18, 2.5, n), rng.normal(70, 5.5, n))


def test_the_difference_covers_where_one_design_has_two_heaps(monkeypatch):
    rng, hit, n = np.random.default_rng(0), 0, 400
    truth = 64 - (0.44 * 18 + 0.56 * 70)
    for _ in range(n):
        ends, clipped = two_heaps(rng, 18), rng.normal(64, 6.5, 5)
        single = pd.concat({CLIPPED: pd.DataFrame({0: clipped}), UNCLIPPED: pd.DataFrame({0: ends[:11]})})
        index = pd.MultiIndex.from_tuples([(UNCLIPPED, 12, 4), (UNCLIPPED, 13, 3)])
        averages = pd.DataFrame({0: [ends[11:15].mean(), ends[15:].mean()]}, index=index)

        def curves(benchmark, averages=False, tables=(single, averages)):
            return tables[averages]

        monkeypatch.setattr(repeated_runs, "published_run_curves", curves)
        monkeypatch.setattr(all_runs, "published_run_curves", curves)
        found = difference_of_all_runs()
        assert found.value == pytest.approx(clipped.mean() - ends.mean())
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
    wide = runs_by_step((30,), level=0.99).set_index("design").loc[CLIPPED]
    assert wide["mean"].high > clipped["mean"].high and wide.deviation.high > clipped.deviation.high


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: mean_of_all_runs(), "designs must be at least one, got none"),
        (
            lambda: mean_of_all_runs("clipped"),
            "design must be one of '8 updates, clipping', .* got 'clipped'",
        ),
        (lambda: mean_of_all_runs(CLIPPED, step=81), "step must be a rollout step from 0 to 80, got 81"),
        (lambda: mean_of_all_runs(CLIPPED, level=1.0), "level must be a number strictly between 0 and 1"),
    ],
)
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
