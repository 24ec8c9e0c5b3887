"""The forest plot: marks, rows, headings, and its form for a phone."""

import math

import numpy as np
import pytest

from book.narrow_figures import narrow_png
from rlvr.auditing.cell_verdicts import audit
from rlvr.auditing.forest_plot import draw_forest
from rlvr.decomposition import PARTS
from rlvr.plots import TERM_COLOURS
from tests.auditing.small_studies import TABLE, rows


@pytest.fixture(scope="module")
def report():
    return audit(TABLE)


GROUPED = {"labels": ["a", "b", "c\nsecond", "d"], "groups": ["x", "x", "y", "y"]}


def spans(panel):
    """Intervals and sets of one panel: (row, low, high, width of the line)."""
    lines = [line for line in panel.lines if len(line.get_xdata()) == 2 and set(line.get_ydata()) != {0, 1}]
    return [(line.get_ydata()[0], *line.get_xdata(), line.get_linewidth()) for line in lines]


def test_a_forest_has_a_panel_a_part_and_a_row_a_cell(report):
    figure = draw_forest(report.cells)
    assert tuple(figure.get_size_inches()) == pytest.approx((9.0, 1.2 + 0.24 * 4))
    assert figure.get_constrained_layout() and figure.get_facecolor() == (1, 1, 1, 1)
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["null", "elicitation", "reward design"]
    assert [panel.get_xlabel() for panel in figure.axes] == ["points"] * 3
    assert figure.axes[0].get_yticks().tolist() == [0, 1, 2, 3]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == [cell.cell.name for cell in report.cells]
    assert {label.get_fontsize() for label in figure.axes[0].get_yticklabels()} == {9}
    assert figure.axes[0].get_ylim() == (3.6, -0.6)  # the first cell stands at the top
    for panel, part in zip(figure.axes, PARTS, strict=True):
        assert panel._left_title.get_fontsize() == 10 and panel._left_title.get_color() == TERM_COLOURS[part]
        assert not panel.spines["top"].get_visible() and not panel.spines["right"].get_visible()


def test_a_dot_is_filled_where_supported_a_bar_is_a_set_and_nothing_is_nothing(report):
    assert {cell.status for cell in report.cells} == {"supported", "leaning", "not identified"}
    for panel, part in zip(draw_forest(report.cells).axes, PARTS, strict=True):
        drawn = {int(row): (low, high, width) for row, low, high, width in spans(panel)}
        marks = {line.get_ydata()[0]: line for line in panel.lines if line.get_marker() == "o"}
        for row, cell in enumerate(report.cells):
            term = cell.terms[part]
            if not math.isfinite(term.low):
                assert row not in drawn and row not in marks
                continue
            assert drawn[row][:2] == pytest.approx((100 * term.low, 100 * term.high))
            assert (drawn[row][2] == 5) == (not term.defined) == (row not in marks)
            if term.defined:
                assert marks[row].get_xdata()[0] == pytest.approx(100 * term.value)
                filled = TERM_COLOURS[part] if cell.status == "supported" else "white"
                assert marks[row].get_markerfacecolor() == filled


def test_marks_lie_over_intervals_over_sets_over_the_line_at_zero(report):
    for panel in draw_forest(report.cells, **GROUPED).axes:
        marks = [line for line in panel.lines if line.get_marker() == "o"]
        intervals = [line for line in panel.lines if line.get_linewidth() == 1.3]
        assert len(marks) == len(intervals) > 0
        assert {(mark.get_markersize(), mark.get_zorder()) for mark in marks} == {(4.5, 3)}
        assert {line.get_zorder() for line in intervals} == {2}
        sets = [line for line in panel.lines if line.get_linewidth() == 5]
        assert {(line.get_zorder(), line.get_color(), line.get_solid_capstyle()) for line in sets} <= {
            (1, "#d9d9d9", "butt")
        }
        (zero,) = [line for line in panel.lines if list(line.get_xdata()) == [0, 0]]
        assert (zero.get_zorder(), zero.get_linewidth(), zero.get_color()) == (0, 0.8, "black")
        (between,) = [line for line in panel.lines if line.get_linestyle() == ":"]
        assert (between.get_ydata()[0], between.get_linewidth()) == (2.5, 0.6)
        assert between.get_color() == "black"


def test_a_forest_is_as_large_as_asked_and_may_be_drawn_into_a_figure(report):
    small = draw_forest(report.cells[:1], labels=["mine"], height=0.5, width=6.0)
    assert tuple(small.get_size_inches()) == pytest.approx((6.0, 1.2 + 0.5 * 3))  # room for three at least
    assert [label.get_text() for label in small.axes[0].get_yticklabels()] == ["mine"]
    assert draw_forest(report.cells[:2], figure=small) is small
    assert np.isclose(small.get_size_inches()[0], 9.0)


def test_each_stretch_of_equal_neighbours_has_its_heading_and_takes_a_row_for_it(report):
    figure = draw_forest(report.cells, labels=list("abcd"), groups=["null", "null", "mixed", "null"])
    assert tuple(figure.get_size_inches()) == pytest.approx((9.0, 1.2 + 0.24 * 7))
    names = [(label.get_text(), label.get_fontweight()) for label in figure.axes[0].get_yticklabels()]
    assert names == [
        ("null", "bold"), ("a", "normal"), ("b", "normal"), ("mixed", "bold"), ("c", "normal"),
        ("null", "bold"), ("d", "normal"),
    ]  # fmt: skip
    assert figure.axes[0].get_yticks().tolist() == list(range(7))
    moved = {0: 1, 1: 2, 2: 4, 3: 6}
    plain = [(moved[int(row)], *rest) for row, *rest in spans(draw_forest(report.cells).axes[0])]
    assert [span for span in spans(figure.axes[0]) if span[0] in moved.values()] == plain
    for panel in figure.axes:
        assert [line.get_ydata()[0] for line in panel.lines if line.get_linestyle() == ":"] == [2.5, 4.5]


def test_on_a_phone_names_stand_above_their_rows_and_the_marks_are_the_same(report):
    wide, small = (draw_forest(report.cells, **GROUPED, narrow=narrow) for narrow in (False, True))
    assert tuple(small.get_size_inches()) == pytest.approx((4.4, 1.2 + 0.39 * 6))
    assert len(small.axes[0].get_yticks()) == 0
    assert not any(panel.spines["left"].get_visible() for panel in small.axes)
    assert [panel.get_title(loc="left") for panel in small.axes] == ["null", "elicitation", "reward\ndesign"]
    texts = small.axes[2].texts
    written = [
        (text.get_text(), round(text.get_position()[1], 2), text.get_fontsize(), text.get_fontweight())
        for text in texts
    ]
    assert written == [
        ("a", 0.58, 8.5, "normal"), ("b", 1.58, 8.5, "normal"), ("c second", 3.58, 8.5, "normal"),
        ("d", 4.58, 8.5, "normal"), ("x", 0.0, 10, "bold"), ("y", 3.0, 10, "bold"),
    ]  # fmt: skip
    for text in texts:
        assert text.get_position()[0] == 0 and not text.get_in_layout()
        frame = text.get_bbox_patch()
        assert frame.get_boxstyle().pad == round(0.6 / text.get_fontsize(), 2)  # 0.6 points of white
        assert frame.get_facecolor() == (1, 1, 1, 1) and frame.get_edgecolor()[3] == 0
    for one, other in zip(wide.axes, small.axes, strict=True):
        assert spans(one)[: len(spans(other))] == spans(other)


def test_the_narrow_form_of_a_forest_is_the_one_with_names_above(report):
    png = narrow_png(draw_forest(report.cells))
    size = int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
    assert size == (int(4.4 * 164), int((1.2 + 0.39 * 4) * 164))


def test_a_grid_runs_along_the_points_alone_and_behind_everything(report):
    for narrow, most in ((False, 4), (True, 2)):
        figure = draw_forest(report.cells, narrow=narrow)
        figure.canvas.draw()
        for panel in figure.axes:
            assert panel.get_axisbelow() is True
            assert panel.xaxis.get_gridlines()[0].get_visible()
            assert panel.xaxis.get_gridlines()[0].get_color() == "#e6e6e6"
            assert not any(line.get_visible() for line in panel.yaxis.get_gridlines())
            assert panel.yaxis.get_tick_params()["length"] == 0
            locator = panel.xaxis.get_major_locator()
            assert locator._nbins == most and locator._steps.tolist() == [1, 2, 5, 10]


def test_the_range_is_that_of_intervals_and_sets_with_zero_and_a_twentieth_at_each_side(report):
    for panel, part in zip(draw_forest(report.cells).axes, PARTS, strict=True):
        terms = [cell.terms[part] for cell in report.cells]
        ends = [100 * end for term in terms for end in (term.low, term.high) if math.isfinite(end)]
        low, high = min(0, *ends), max(0, *ends)
        margin = (high - low) / 20
        assert panel.get_xlim() == pytest.approx((low - margin, high + margin))
    nothing = draw_forest([])
    assert [panel.get_xlim() for panel in nothing.axes] == [(-1, 1)] * 3
    assert nothing.axes[0].get_ylim() == (-0.4, -0.6)


@pytest.mark.parametrize(("least", "widths"), [(0.45, [0.45, 1, 0.5]), (0.44, [1, 1, 1])])
def test_panels_are_alike_wide_where_one_would_get_less_than_0_45_of_the_widest(least, widths, monkeypatch):
    from rlvr.auditing import forest_plot

    ranges = {"null": (0, least), "elicitation": (-0.5, 0.5), "reward_design": (0.25, 0.75)}
    monkeypatch.setattr(forest_plot, "_reach", lambda cells, part: ranges[part])
    figure = draw_forest(audit(rows("c", (0.2, 0.3, 0.5, 0.6))).cells)
    assert figure.axes[0].get_gridspec().get_width_ratios() == pytest.approx(widths)


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("labels", [["a", "b", "c"], ["a", "b", "c", "d", "e"]])
def test_names_are_as_many_as_cells(report, labels, narrow):
    with pytest.raises(ValueError, match="zip"):
        draw_forest(report.cells, labels=labels, narrow=narrow)
