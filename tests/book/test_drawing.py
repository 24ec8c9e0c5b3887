"""Estimates with intervals and a staircase of arms: what is drawn where."""

import pytest
from matplotlib.figure import Figure

from book.drawing import intervals, staircase
from rlvr.stats.estimates import Estimate


@pytest.fixture
def axes():
    return Figure().subplots()


def test_a_point_has_a_line_from_end_to_end_and_a_bare_one_is_open(axes):
    estimates = [Estimate(0.5, 0.25, 0.75), Estimate(0.125)]
    intervals(axes, [1, 2], estimates, colour="#0072B2", label="x", marker="s")
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert drawn == [([1], [0.5]), ([1, 1], [0.25, 0.75]), ([2], [0.125])]
    known, span, bare = axes.lines
    assert known.get_markerfacecolor() == "#0072B2" and bare.get_markerfacecolor() == "white"
    assert known.get_marker() == bare.get_marker() == "s" and span.get_linestyle() == "-"
    assert known.get_label() == "x" and not bare.get_label().startswith("x")  # one entry in a legend
    assert [line.get_zorder() for line in axes.lines] == [3, 2, 3]
    assert known.get_markersize() == bare.get_markersize() == 5 and span.get_linewidth() == 1.6


def test_estimates_are_circles_unless_said(axes):
    intervals(axes, [3], [Estimate(0.5, 0.25, 0.75)], colour="k")
    assert list(axes.lines[0].get_xdata()) == [3] and axes.lines[0].get_marker() == "o"
    with pytest.raises(ValueError, match="zip"):
        intervals(axes, [1, 2], [Estimate(0.5)], colour="k")


def test_a_stair_has_levels_steps_and_an_interval_where_it_can_be_seen(axes):
    accuracies = {"frozen": 0.25, "random": 0.5, "majority": 0.75, "true": 0.875}
    terms = {
        "null": Estimate(0.25, 0.125, 0.375),
        "elicitation": Estimate(0.25, 0.2480, 0.2520),  # 0.4 points: less than can be seen
        "reward_design": Estimate(0.125),
    }
    staircase(axes, accuracies, terms)
    levels = [(list(line.get_xdata()), list(line.get_ydata()), line.get_linewidth()) for line in axes.lines]
    for place, level in enumerate((25, 50, 75, 87.5)):
        thin, thick = levels[2 * place], levels[2 * place + 1]
        assert thin == (pytest.approx([place - 0.3, place + (0.3 if place == 3 else 1.3)]), [level] * 2, 1)
        assert thick == (pytest.approx([place - 0.3, place + 0.3]), [level] * 2, 4)
    assert levels[8:] == [([1, 1], pytest.approx([37.5, 62.5]), 1.2)]
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_y(), bar.get_height()) for bar in axes.patches]
    assert bars == [pytest.approx(bar) for bar in ((1, 25, 25), (2, 50, 25), (3, 75, 12.5))]
    assert {(round(bar.get_width(), 12), bar.get_alpha()) for bar in axes.patches} == {(0.44, 0.85)}
    assert axes.get_xlim() == (-0.5, 3.5) and axes.get_xticks().tolist() == [0, 1, 2, 3]
