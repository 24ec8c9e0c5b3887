"""The figures of the chapters on audits show the numbers that they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from book.audit_figures import (
    audit_layers,
    chances_by_runs,
    coverage_rates,
    judge_grid,
    missing_arms,
    verdict_map,
)
from rlvr import audit
from rlvr.decomposition import TERMS
from rlvr.planning import outcomes_table

ACCURACIES = {"frozen": 0.4, "random": 0.5, "majority": 0.7, "true": 0.75}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def cell(n_runs):
    rng = np.random.default_rng(0)
    runs = {arm: rng.random((n_runs, 60)) < accuracy for arm, accuracy in ACCURACIES.items()}
    runs["frozen"] = runs["frozen"][:1]
    return audit(outcomes_table({"study": {arm: run.astype(float) for arm, run in runs.items()}})).cells[0]


def test_the_map_s_dot_is_the_cell_s_accuracies():
    audited = cell(1)
    (axes,) = verdict_map(audited).axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    arms = audited.cell.arms
    assert [float(dots[0].get_xdata()[0]), float(dots[0].get_ydata()[0])] == pytest.approx(
        [100 * arms["random"].accuracy, 100 * arms["majority"].accuracy]
    )


def test_a_missing_arm_makes_bars_of_two_terms():
    known = {arm: value for arm, value in ACCURACIES.items() if arm != "random"}
    (axes,) = missing_arms({"all": ACCURACIES, "without RANDOM": known}).axes
    assert sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches) == [
        pytest.approx((-40, 60)), pytest.approx((-30, 70)),
    ]  # fmt: skip
    assert sum(line.get_marker() == "o" for line in axes.lines) == 4


def test_coverage_is_drawn_in_percent():
    rates = pd.DataFrame({"other": [0.9, 0.95], "samples as items": [0.6, 0.5]}, index=[30, 500])
    (axes,) = coverage_rates(rates, 100).axes
    drawn = [container[0].get_ydata().tolist() for container in axes.containers]
    assert drawn == [pytest.approx([90, 95]), pytest.approx([60, 50])]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["30 questions", "500 questions"]


def test_a_filled_dot_is_a_right_answer():
    table = pd.DataFrame({"completion": ["$5$", "6"], "label": ["5", "5"], "one": [True, False]})
    (axes,) = judge_grid(table).axes
    assert [line.get_markerfacecolor() == "white" for line in axes.lines] == [False, True]


def test_chances_are_drawn_in_percent_with_one_run_apart():
    chances = {1: 0.1, 2: 0.2, 5: 0.5}
    (axes,) = chances_by_runs({"a line": chances}, [chances, chances]).axes
    assert axes.lines[0].get_ydata() == pytest.approx([20, 50])
    assert axes.lines[1].get_ydata() == pytest.approx([10])


def test_layers_are_drawn_beside_the_truth():
    audited = cell(3)
    (axes,) = audit_layers(audited, ACCURACIES).axes
    diamonds = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "D"]
    assert diamonds == pytest.approx([100 * (ACCURACIES[a] - ACCURACIES[b]) for a, b in TERMS.values()])
    ends = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert ends[0] == pytest.approx([100 * end for end in audited.layer("items").terms["null"]])
    with pytest.raises(ValueError, match="items and runs"):
        audit_layers(cell(1), ACCURACIES)
