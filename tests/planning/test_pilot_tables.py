"""From a pilot's cell to a design: what is taken from it, and what stands in."""

import numpy as np
import pandas as pd
import pytest

from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm, read_cells
from rlvr.planning.pilot_tables import DEFAULT_ITEM_CORRELATION, item_correlation, pilot_design
from rlvr.planning.run_spreads import default_run_sd
from rlvr.planning.simulated_studies import StudyDesign, draw_outcomes, outcomes_table

ROWS = {
    "study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "accuracy": [0.25, 0.3, 0.5, 0.75],
    "n_items": [200, 200, 100, 200],
}  # fmt: skip


def test_accuracies_and_sizes_are_the_cells_and_the_rest_stands_in():
    design = pilot_design(read_cells([pd.DataFrame(ROWS)])[0])
    sd = default_run_sd().run_sd
    assert design == StudyDesign(
        (0.25, 0.3, 0.5, 0.75),
        100,
        1,
        1,
        (0.0, sd, sd, sd),
        DEFAULT_ITEM_CORRELATION,
        DEFAULT_ITEM_CORRELATION,
    )
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
    "change, said",
    [
        (
            {"arm": ["frozen", "random", "true"], "accuracy": [0.2, 0.3, 0.4], "n_items": 100},
            "has no majority",
        ),
        ({"n_items": ["100", "", "100", "100"]}, "does not state it"),
    ],
)
def test_what_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        pilot_design(read_cells([pd.DataFrame({**ROWS, **change})])[0])
