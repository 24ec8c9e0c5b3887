"""Forests: marks and intervals in their rows, lines between groups, one legend."""

import math

import matplotlib.pyplot as plt
import pytest

from book.figure_numbers import figure_data
from book.forests import Marks, forest_panels, term_marks
from rlvr.plots import TERM_COLOURS
from rlvr.stats import Estimate


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn(figure, kind, series):
    table = figure_data(figure)
    here = table[(table.kind == kind) & (table.series == series)]
    columns = ["x", "y"] if kind == "points" else ["x", "x_end", "y"]
    return here[columns].astype(float).to_numpy().tolist()


def test_marks_stand_in_their_rows_with_their_intervals_or_alone():
    known, bare = Estimate(2.0, 1.0, 4.0), Estimate(-3.0)
    marks = [Marks([known, bare], "found", "black"), Marks([bare, bare], "foretold", "grey", filled=False)]
    figure = forest_panels(["a", "b"], {"left": marks}, size=(4, 2), apart=0.2)
    assert drawn(figure, "points", "found") == [[2, -0.1], [-3, 0.9]]
    assert drawn(figure, "interval", "found") == [[1, 4, -0.1]]
    assert drawn(figure, "interval", "foretold") == [] and math.isnan(bare.low)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row on top
    assert axes.lines[1].get_markerfacecolor() == "white"


@pytest.mark.parametrize(
    ("rows", "apart", "lines"),
    [(["a, x", "a, y", "b, x"], 0.0, [1.5]), (["a", "b", "c"], 0.0, []), (["a", "b", "c"], 0.6, [0.5, 1.5])],
)
def test_lines_divide_groups_and_crowded_rows(rows, apart, lines):
    marks = [Marks([Estimate(0.0)] * 3, "m", "black")]
    (axes,) = forest_panels(rows, {"": marks}, size=(4, 2), apart=apart).axes
    level = [line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1]
    assert [y for y in level if y % 1] == lines


def test_terms_have_their_colours_and_a_legend_names_each_once_by_owner():
    split = {name: Estimate(1.0, 0.0, 2.0) for name in ("null", "elicitation", "reward_design")}
    marks = [*term_marks([split], of="network"), *term_marks([split], of="table", filled=False)]
    figure = forest_panels(["prior"], {"one": marks[::-1], "two": marks}, size=(6, 3))
    assert [mark.colour for mark in marks[:3]] == [TERM_COLOURS[name] for name in split]
    (legend,) = figure.legends
    owners = [text.get_text().split(", ")[1] for text in legend.get_texts()]
    assert owners == ["network"] * 3 + ["table"] * 3
