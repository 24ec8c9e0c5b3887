"""The numbers of a figure as a table: every mark a row, ticks and words named, nothing that is not drawn."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from book.drawing import staircase
from book.figure_numbers import COLUMNS, figure_data
from rlvr.arms import ARMS
from rlvr.decomposition import decompose


@pytest.fixture
def axes():
    return Figure().subplots()


def rows(axes, *columns):
    return figure_data(axes.figure)[list(columns)].to_numpy().tolist()


def test_a_line_and_points_have_a_row_a_point(axes):
    axes.plot([0, 1], [2, 1 / 3], color="#0072B2", label="up")
    axes.plot([5], [-1e-17], "o", color="black")
    axes.scatter([7], [8], color="red", label="dot")
    assert rows(axes, "kind", "series", "colour", "x", "y") == [
        ["line", "up", "#0072b2", "0", "2"],
        ["line", "up", "#0072b2", "1", "0.33333"],
        ["points", "", "#000000", "5", "0"],
        ["points", "dot", "#ff0000", "7", "8"],
    ]


def test_bars_intervals_and_bands_have_their_extent(axes):
    axes.bar([1], [3], 0.5, bottom=2, color="#00ff00")
    axes.vlines([4], [5], [6], color="black")
    axes.errorbar([8], [9], [1], fmt="none", ecolor="black")
    found = rows(axes, "kind", "x", "y", "x_end", "y_end")
    assert found[0] == ["bar", "0.75", "2", "1.25", "5"]
    assert found[1:] == [["interval", "4", "5", "4", "6"], ["interval", "8", "8", "8", "10"]]
    other = Figure().subplots()
    other.fill_between([0, 1], [0, 0], [1, 2], color="black")
    assert {(row[1], row[2]) for row in rows(other, "kind", "x", "y")} == {
        ("0", "0"), ("0", "1"), ("1", "0"), ("1", "2"),
    }  # fmt: skip


def test_words_ticks_and_panels_are_named(axes):
    axes.set_title("the  null", loc="left")
    axes.set_xticks([0, 2], ["a", "b"])
    axes.text(3, 4, "here\nit is", color="black")
    assert rows(axes, "panel", "kind", "series", "x", "y") == [
        ["the null", "text", "here it is", "3", "4"],
        ["the null", "x tick", "a", "0", ""],
        ["the null", "x tick", "b", "2", ""],
    ]
    axes.set_xticks([0.5, 1.0], [0.5, 1.0])  # numbers as labels say nothing that the axis does not
    assert rows(axes, "kind") == [["text"]]
    figure = Figure()
    for panel in figure.subplots(1, 2):
        panel.plot([0], [0])
    assert figure_data(figure).panel.tolist() == ["1", "2"]


def test_rules_regions_and_what_is_not_there_are_no_data(axes):
    axes.axhline(0.5)
    axes.axvline(0.5)
    axes.contourf(np.arange(9).reshape(3, 3))
    axes.text(0.5, 0.5, "of the page", transform=axes.transAxes)
    assert figure_data(axes.figure).empty and tuple(figure_data(axes.figure).columns) == COLUMNS
    axes.plot([0, 1], [np.nan, np.inf])
    assert rows(axes, "x", "y") == [["0", ""], ["1", ""]]


def test_a_staircase_draws_the_four_arms_and_the_three_terms(axes):
    known = dict(zip(ARMS, (0.5, 0.625, 0.5625, 0.75), strict=True))
    staircase(axes, known, decompose(**known).terms())
    data = figure_data(axes.figure)
    bars = data[data.kind == "bar"][["y", "y_end"]].to_numpy().tolist()
    assert bars == [["50", "62.5"], ["62.5", "56.25"], ["56.25", "75"]]
    assert data[data.kind == "x tick"].series.tolist() == ["FROZEN", "RANDOM", "MAJORITY", "TRUE"]
    assert set(data[data.kind == "line"].y) == {"50", "62.5", "56.25", "75"}


def test_an_interval_of_a_step_stands_at_its_upper_end(axes):
    runs = {"frozen": [0.5, 0.5], "random": [0.7, 0.8], "majority": [0.8, 0.8], "true": [0.8, 0.8]}
    parts = decompose(**runs).terms()
    staircase(axes, {arm: sum(values) / 2 for arm, values in runs.items()}, parts)
    upright = [line for line in axes.lines if list(line.get_xdata()) == [1, 1]]
    assert len(upright) == 1
    assert list(upright[0].get_ydata()) == pytest.approx(
        [50 + 100 * parts["null"].low, 50 + 100 * parts["null"].high]
    )
