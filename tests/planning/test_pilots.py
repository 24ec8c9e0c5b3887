"""What is known before a plan: a pilot as a design, and spreads of published repeats by plain arithmetic."""

import statistics

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm, read_cells
from rlvr.experiments.network_runs import network_paths
from rlvr.planning.pilots import (
    DEFAULT_ITEM_CORRELATION,
    default_run_sd,
    item_correlation,
    known_run_spreads,
    pilot_design,
)  # fmt: skip
from rlvr.planning.study_plans import StudyDesign, draw_outcomes, outcomes_table
from rlvr.published_runs import published_repeats

ROWS = {
    "study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "accuracy": [0.25, 0.3, 0.5, 0.75],
    "n_items": [200, 200, 100, 200],
}  # fmt: skip


def test_accuracies_and_sizes_are_the_cells_and_the_rest_stands_in():
    design = pilot_design(read_cells([pd.DataFrame(ROWS)])[0])
    sd = default_run_sd().run_sd
    alike = DEFAULT_ITEM_CORRELATION
    assert design == StudyDesign((0.25, 0.3, 0.5, 0.75), 100, 1, 1, (0.0, sd, sd, sd), alike, alike)
    assert DEFAULT_ITEM_CORRELATION == 1 / (1 / 2 + 1 / 2 + 1)  # of chances drawn from Beta(1/2, 1/2)


@pytest.mark.parametrize(("smallest", "taken"), [(1, 2), (2, 2), (3, 3)])
def test_a_design_has_two_items_at_least(smallest, taken):
    few = {**ROWS, "accuracy": [0.0, 0.0, 1.0, 1.0], "n_items": [200, 200, smallest, 200]}
    assert pilot_design(read_cells([pd.DataFrame(few)])[0]).n_items == taken


def test_what_the_table_states_is_used():
    table = pd.DataFrame(
        {**ROWS, "run_sd": ["", 0.02, "", 0.01], "n_runs": [1, 5, 3, 4], "samples_per_item": 8}
    )
    design = pilot_design(read_cells([table])[0])
    assert design.run_sd == (0.0, 0.02, default_run_sd().run_sd, 0.01)
    assert (design.n_runs, design.samples_per_item) == (3, 8)
    fewest = read_cells([pd.DataFrame({**ROWS, "run_sd": 0.02, "n_runs": [1, 2, 3, 4]})])[0]
    assert pilot_design(fewest).n_runs == 2  # of the trained arms, the first among them


@pytest.mark.parametrize("alike", [0.2, 0.8])
def test_the_item_correlation_is_seen_in_outcomes(alike):
    truth = StudyDesign((0.3, 0.45, 0.6, 0.7), n_items=20_000, n_runs=1, item_correlation=alike,
                        sample_correlation=alike)  # fmt: skip
    outcomes = draw_outcomes(truth, np.random.default_rng(0))
    arms = {
        n: Arm(n, float(y.mean()), 20_000, items=np.arange(20_000), outcomes=y) for n, y in outcomes.items()
    }
    assert item_correlation(arms) == pytest.approx(alike, abs=0.02)


def test_outcomes_of_a_pilot_reach_the_design():
    truth = StudyDesign((0.3, 0.45, 0.6, 0.7), n_items=300, n_runs=3, run_sd=(0, 0.05, 0.05, 0.05))
    cell = read_cells([outcomes_table({"s": draw_outcomes(truth, np.random.default_rng(2))})])[0]
    design = pilot_design(cell)
    assert design.item_correlation == design.sample_correlation == item_correlation(cell.arms)
    assert design.run_sd[1] == cell.arms["random"].run_sd and design.n_runs == 3


def test_no_outcomes_or_no_room_to_differ_say_nothing():
    assert item_correlation({"frozen": Arm("frozen", 0.5, 10), "true": Arm("true", 0.6, 10)}) is None
    all_right = np.ones((1, 5))
    arms = {name: Arm(name, 1.0, 5, items=np.arange(5), outcomes=all_right) for name in ("frozen", "true")}
    assert item_correlation(arms) is None


def test_opposite_answers_count_as_not_alike():
    one = np.array([[1.0, 0.0, 1.0, 0.0]])
    arms = {
        name: Arm(name, 0.5, 4, items=np.arange(4), outcomes=outcomes)
        for name, outcomes in (("frozen", one), ("true", 1 - one))
    }
    assert item_correlation(arms) == 0


@pytest.mark.parametrize(
    "change, found",
    [
        ({"arm": ["frozen", "random", "true"], "accuracy": 0.2, "n_items": 100}, "has no majority"),
        ({"n_items": ["100", "", "100", "100"]}, "does not state it"),
    ],
)
def test_what_is_refused(change, found):
    with pytest.raises(ValueError, match=found):
        pilot_design(read_cells([pd.DataFrame({**ROWS, **change})])[0])


def test_the_default_is_that_of_the_clipped_runs():
    found = default_run_sd()
    repeats = published_repeats()
    ends = repeats[
        repeats.setting.str.contains("clipping on") & (repeats.benchmark == "MATH-500")
    ].accuracy_percent_mean_last_10
    assert found.n_runs == len(ends) == 5 and found.arm == "random"
    assert 100 * found.run_sd == pytest.approx(statistics.stdev(ends))
    assert 6 < 100 * found.run_sd < 7
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
    shortened = [runs.head(3 if i == 0 else 2) for i, (_, runs) in enumerate(groups)]
    monkeypatch.setattr("rlvr.planning.pilots.published_repeats", lambda: pd.concat(shortened))
    published = [spread for spread in known_run_spreads() if spread.benchmark != "addition"]
    assert [spread.n_runs for spread in published] == [3]


def test_the_network_s_spread_is_that_of_its_most_repeated_random_cell():
    found = known_run_spreads()[0]
    paths = network_paths().query(
        "arm == 'random' and design == 'clipped' and prior == 'middle' and rate == 'middle'"
    )
    ends = paths[paths.step == paths.step.max()].trained_right
    assert (found.benchmark, found.setting) == ("addition", "middle prior, middle rate, clipping")
    assert found.run_sd == pytest.approx(statistics.stdev(ends))
