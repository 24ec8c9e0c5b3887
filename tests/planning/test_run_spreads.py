"""Run-to-run spreads from the published repeats, against plain arithmetic."""

import statistics

import pandas as pd
import pytest
from scipy import stats

from rlvr.experiments.network_runs import network_paths
from rlvr.planning.pilots import default_run_sd, known_run_spreads
from rlvr.published_runs import published_repeats


def test_the_default_is_that_of_the_clipped_runs():
    found = default_run_sd()
    repeats = published_repeats()
    ends = repeats[
        repeats.setting.str.contains("clipping on") & (repeats.benchmark == "MATH-500")
    ].accuracy_percent_mean_last_10
    assert found.n_runs == len(ends) == 5 and found.arm == "random"
    assert 100 * found.run_sd == pytest.approx(statistics.stdev(ends))
    assert 6 < 100 * found.run_sd < 7


def test_the_interval_is_chi_squares():
    found = default_run_sd()
    assert 4 * found.run_sd**2 / found.low**2 == pytest.approx(stats.chi2.ppf(0.975, 4))
    assert 4 * found.run_sd**2 / found.high**2 == pytest.approx(stats.chi2.ppf(0.025, 4))


def test_every_setting_is_there_with_its_source_and_averages_are_not_runs():
    spreads = known_run_spreads()
    assert [spread.n_runs for spread in spreads] == [20, 11, 11, 9, 9, 6, 6, 5, 5]
    assert all(0 < spread.low < spread.run_sd < spread.high < 1 and spread.source for spread in spreads)
    assert {spread.benchmark for spread in spreads} == {"AMC", "MATH-500", "addition"}


def test_three_runs_are_a_spread_and_two_are_not(monkeypatch):
    repeats = published_repeats().query("runs_averaged == 1")
    groups = repeats.groupby(["design", "benchmark"], sort=True)
    kept = [runs.head(3 if i == 0 else 2) for i, (_, runs) in enumerate(groups)]
    monkeypatch.setattr("rlvr.planning.pilots.published_repeats", lambda: pd.concat(kept))
    published = [spread for spread in known_run_spreads() if spread.benchmark != "addition"]
    assert [spread.n_runs for spread in published] == [3]


def test_the_network_s_spread_is_that_of_its_most_repeated_random_cell():
    found = known_run_spreads()[0]
    paths = network_paths().query(
        "arm == 'random' and design == 'clipped' and prior == 'middle' and rate == 'middle'"
    )
    ends = paths[paths.step == paths.step.max()].trained_right
    assert (found.benchmark, found.n_runs, found.setting) == (
        "addition",
        20,
        "middle prior, middle rate, clipping",
    )
    assert found.run_sd == pytest.approx(statistics.stdev(ends))
