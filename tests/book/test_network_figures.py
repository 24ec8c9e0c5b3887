"""Bars of two readings, and of the sources of a change, at the heights of what they show."""

import matplotlib.pyplot as plt
import pytest

from book.figure_numbers import figure_data
from book.network_figures import draw_readings, draw_sources
from rlvr.stats import Estimate


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_two_readings_are_two_bars_with_their_intervals_and_signs():
    figure = draw_readings({"weak": (Estimate(0.01, -3, 3), Estimate(27.06, 16, 38)),
                            "strong": (Estimate(-9.5, -16, -3), Estimate(-20.5, -36, -5))})  # fmt: skip
    table = figure_data(figure)
    for kind, wanted in (("bar", [0.01, -9.5, 27.06, -20.5]), ("interval", [3, -3, 38, -5])):
        assert table[table.kind == kind].y_end.astype(float).tolist() == wanted
    assert table[table.kind == "text"].series.tolist() == ["0.0", "\u22129.5", "+27.1", "\u221220.5"]


def test_sources_are_stacked_on_their_side_of_zero():
    sources = {"re-weighting": [1.0, -1.0], "within": [-5.0, -4.0]}
    total = [Estimate(-4.0, -6.0, -2.0), Estimate(-5.0, -7.0, -3.0)]
    figure = draw_sources(["a, x", "b, x"], sources, total, total)
    table = figure_data(figure)
    bars = table[table.kind == "bar"][["x", "x_end"]].astype(float).to_numpy().tolist()
    assert bars == [[0, 1], [0, -1], [0, -5], [-1, -5]]
    assert [text.get_text() for text in figure.legends[0].get_texts()][1:] == list(sources)
    values = table[(table.kind == "points")].x.astype(float).tolist()
    assert values == [-4, -5] * 2
