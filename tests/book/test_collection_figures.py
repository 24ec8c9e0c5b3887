"""What the pages on collections draw: filled or open, named or not, clipped or not, and in which row."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from book.collection_figures import (
    draw_averages,
    draw_changes_by_recipe,
    draw_corrections,
    draw_estimates_on_curve,
    draw_runs_by_source,
)
from book.published_comparisons import published_comparisons
from book.world_nulls import NextNull
from rlvr.auditing.families import PooledTerm, judge_family
from rlvr.decomposition import PARTS
from rlvr.plots import TERM_COLOURS
from rlvr.stats.estimates import Estimate


@pytest.fixture
def axes():
    return Figure().subplots()


def dots(axes):
    """Every single dot drawn, as (x, filled)."""
    return [
        (float(x), to_hex(line.get_markerfacecolor()) != "#ffffff")
        for line in axes.lines if line.get_linestyle() == "None" for x in np.atleast_1d(line.get_xdata())
    ]  # fmt: skip


def test_estimates_away_from_zero_are_filled_and_named(axes):
    estimates = [Estimate(0.2, 0.1, 0.3), Estimate(0.1, -0.1, 0.3), Estimate(-0.2, -0.3, -0.1)]
    draw_estimates_on_curve(axes, [0.5, 0.25, 0.75], estimates, "ABC", places={"C": (70, -60, "center")})
    assert dots(axes) == [(50, True), (25, False), (75, True)]
    assert [(text.get_text(), text.get_position()) for text in axes.texts] == [
        ("A", (51.2, 20)), ("C", (70, -60)),
    ]  # fmt: skip
    leaders = [line for line in axes.lines if line.get_linewidth() == 0.8]
    assert [list(line.get_ydata()) for line in leaders] == [[-31, -57]]


def test_runs_stand_in_the_row_of_their_source_the_best_first(axes):
    runs = pd.DataFrame({
        "study": ["shao2026spurious"] * 2 + ["jin2026archer"], "recipe": ["adapter"] * 2 + ["not stated"],
        "family": ["Qwen2.5-Math", "Llama", "Olmo"], "change": [-20.0, -1.0, 5.0], "luck": [5.0, 5.0, np.nan],
    })  # fmt: skip
    draw_runs_by_source(axes, runs, NextNull(Estimate(-2.0, -5.0, 1.0), 3.0, -9.0, 5.0))
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:2] == ["ArcherCodeR,\nclipping not stated", "Spurious Rewards,\nadapters"]
    assert set(dots(axes)) >= {(-20, True), (-1, False), (5, False)}
    assert len(names) == 4 and axes.get_ylim()[0] > 3 > axes.get_ylim()[1]


def test_many_runs_of_one_change_stay_in_their_row(axes):
    runs = pd.DataFrame({"study": "jin2026archer", "recipe": "adapter", "family": "Olmo",
                         "change": [0.0] * 20, "luck": 1.0})  # fmt: skip
    draw_runs_by_source(axes, runs, NextNull(Estimate(0, -1, 1), 1.0, -2.0, 2.0))
    heights = np.concatenate([line.get_ydata() for line in axes.lines if line.get_marker() == "D"])
    assert len(set(heights)) > 4 and np.abs(heights).max() < 0.5


def test_a_change_stands_over_its_start_in_the_panel_of_its_recipe():
    runs = pd.DataFrame({"recipe": ["adapter", "not stated"], "family": ["Olmo", "Llama"],
                         "start": [40.0, 2.0], "change": [-20.0, 1.0], "luck": [5.0, np.nan]})  # fmt: skip
    figure = Figure(layout="constrained")
    draw_changes_by_recipe(figure, runs, n_items=500)
    drawn = {
        axes.get_title(): [
            (x, y, line.get_markerfacecolor() != "white")
            for line in axes.lines if line.get_marker() not in ("None", None)
            for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
        ]
        for axes in figure.axes
    }  # fmt: skip
    assert drawn.pop("adapters, one update") == [(40, -20, True)]
    assert drawn.pop("clipping not stated") == [(2, 1, False)]
    assert list(drawn.values()) == [[], []]


def test_p_values_are_those_of_the_family_and_the_smallest_stand_at_the_edge(axes):
    cells = [c for c in published_comparisons() if len(c.cell.arms) == 4 and not c.doubts]
    family = judge_family(cells)
    draw_corrections(axes, family, n_rows=4)
    assert len(axes.get_yticks()) == 4 and len(dots(axes)) == 12
    order = np.argsort(family.p_values)[:4]
    drawn = np.array([x for x, _ in dots(axes)]).reshape(4, 3)
    wanted = np.column_stack([family.p_values, family.holm, family.discovery])[order]
    assert drawn == pytest.approx(np.maximum(wanted, 1e-5))
    assert [text.get_text() for text in axes.texts] == ["all below 0.00001"]


def test_a_mean_lies_between_its_models_and_the_next_model():
    pool = PooledTerm(Estimate(0.1, 0.05, 0.15, n=3), 0.05, 0.5, -0.2, 0.4)
    figure = Figure()
    values = {part: [0.0, 0.1, 0.2] for part in PARTS}
    draw_averages(figure, {"AMC": dict.fromkeys(PARTS, pool)}, {"AMC": values})
    (axes,) = figure.axes
    assert "AMC, 3 models" in (axes.get_title(loc="left"), axes.get_title())
    for row, part in enumerate(PARTS):
        mine = [line for line in axes.lines if to_hex(line.get_color()) == TERM_COLOURS[part].lower()]
        spans = [(float(line.get_ydata()[0]) - row, [round(float(x), 6) for x in line.get_xdata()])
                 for line in mine]  # fmt: skip
        assert (0, [5, 15]) in spans and any(x == [-20, 40] and y > 0 for y, x in spans)
        assert any(x == [0, 10, 20] and y < 0 for y, x in spans)
