"""A figure on a phone: its panels one under the other, the figure left as it was."""

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from book.figure_numbers import COLUMNS, figure_data
from book.narrow_figures import MIME_TYPE, WANTED, keep_forms, narrow_png, stacked


@pytest.fixture
def axes():
    return Figure().subplots()


@pytest.fixture
def figure():
    """Two rows of two panels that share their names and their titles."""
    figure = Figure(figsize=(7.2, 5.0), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for number, axes in enumerate(panels.flat):
        axes.plot([0, 1, 2], [number, 1, 2])
    panels[0, 0].set(title="first", ylabel="a")
    panels[0, 1].set(title="second")
    panels[1, 0].set(ylabel="b", xlabel="steps")
    return figure


def boxes(figure):
    figure.canvas.draw()
    return [axes.get_position().bounds for axes in figure.axes]


def state(figure):
    figure.canvas.draw()
    return [
        (
            axes.get_title(), axes.get_xlabel(), axes.get_ylabel(), axes.get_position().bounds,
            [label.get_visible() for label in axes.get_yticklabels()],
            [label.get_text() for label in axes.get_xticklabels()],
        )
        for axes in figure.axes
    ]  # fmt: skip


def test_panels_stand_one_under_the_other_in_reading_order(figure):
    with stacked(figure) as narrow:
        places = boxes(narrow)
        assert narrow is figure and tuple(figure.get_size_inches()) == (4.4, 2.25 * 4)
    bottoms = [bottom for _, bottom, _, _ in places]
    assert bottoms == sorted(bottoms, reverse=True)
    assert all(width > 0.7 for _, _, width, _ in places)
    assert max(left for left, *_ in places) - min(left for left, *_ in places) < 0.01


def test_what_panels_shared_each_has_for_itself(figure):
    with stacked(figure):
        figure.canvas.draw()
        assert [axes.get_title() for axes in figure.axes] == ["first", "second", "first", "second"]
        assert [axes.get_ylabel() for axes in figure.axes] == ["a", "a", "b", "b"]
        assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "", "steps"]
        for axes in figure.axes:
            assert axes.yaxis.get_tick_params()["labelleft"] and axes.xaxis.get_tick_params()["labelbottom"]


def test_afterwards_the_figure_is_as_it_was_whatever_happens(figure):
    before, numbers = state(figure), figure_data(figure)
    with stacked(figure):
        assert figure_data(figure)[["x", "y"]].equals(numbers[["x", "y"]])
    assert state(figure) == before and tuple(figure.get_size_inches()) == (7.2, 5.0)
    with pytest.raises(ZeroDivisionError), stacked(figure):
        raise ZeroDivisionError
    assert state(figure) == before and tuple(figure.get_size_inches()) == (7.2, 5.0)


def test_names_that_do_not_fit_take_a_second_line():
    figure = Figure(figsize=(7.2, 3.0))
    axes = figure.subplots()
    axes.set_title("a title of more than forty-four letters, which is long", loc="left")
    axes.set_ylabel("elicitation - reward design, points")
    axes.set_xticks([0, 1, 2], ["RANDOM first", "MAJORITY first", "average (Shapley)"])
    with stacked(figure):
        assert axes.get_title("left") == "a title of more than forty-four letters,\nwhich is long"
        assert axes.get_ylabel() == "elicitation - reward\ndesign, points"
        labels = [label.get_text() for label in axes.get_xticklabels()]
        assert labels == ["RANDOM first", "MAJORITY\nfirst", "average\n(Shapley)"]
        assert tuple(figure.get_size_inches()) == (4.4, 3.0)
    assert axes.get_ylabel() == "elicitation - reward design, points"
    assert [label.get_text() for label in axes.get_xticklabels()][1] == "MAJORITY first"


def test_a_panel_of_many_named_rows_stays_as_high_as_it_was():
    heights = []
    for rows in (8, 9):
        figure = Figure(figsize=(7.2, 5.0))
        panels = figure.subplots(1, 2, sharey=True)
        panels[0].set_yticks(range(rows), [f"row {row}" for row in range(rows)])
        with stacked(figure):
            heights.append(figure.get_size_inches()[1])
    assert heights == pytest.approx([2 * 2.8, 2 * 0.9 * 5.0])


@pytest.mark.parametrize("sized", [0, 1])
def test_names_of_shared_rows_come_in_the_size_of_the_panel_they_were_read_at(sized):
    figure = Figure(figsize=(7.2, 2.5))
    panels = figure.subplots(1, 2, sharey=True)
    panels[sized].tick_params(axis="y", labelsize=6.5)
    with stacked(figure):
        figure.canvas.draw()
        assert {label.get_size() for label in panels[1].get_yticklabels()} == {6.5}


def test_panels_that_are_one_column_already_keep_what_they_share():
    figure = Figure(figsize=(4.0, 4.0))
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.set_title("upper")
    with stacked(figure):
        assert not upper.xaxis.get_tick_params()["labelbottom"]
        assert (upper.get_title(), lower.get_title()) == ("upper", "")


def test_a_narrow_figure_is_not_made_wider():
    figure = Figure(figsize=(3.0, 2.0))
    figure.subplots()
    with stacked(figure):
        assert tuple(figure.get_size_inches()) == (3.0, 2.0)


def pixels(png):
    return imread(io.BytesIO(png), format="png")


def test_the_picture_is_twice_a_phone_s_column_and_the_same_bytes_each_time(figure):
    png = narrow_png(figure)
    assert pixels(png).shape[1] == int(4.4 * 164) and narrow_png(figure) == png


def test_a_figure_may_bring_its_own_form(figure):
    figure.narrow_form = lambda: Figure(figsize=(2.0, 1.0), facecolor="black")
    picture = pixels(narrow_png(figure))
    assert picture.shape[:2] == (164, 328) and np.all(picture[..., :3] == 0)


@pytest.mark.parametrize(
    ("title", "narrow"),
    [
        ("two\nshort lines", "two\nshort lines"),  # lines that were broken by hand stay
        ("a" * 22 + " " + "b" * 21, "a" * 22 + " " + "b" * 21),  # 44 letters are not too many
        ("a" * 22 + " " + "b" * 22, "a" * 22 + "\n" + "b" * 22),
        ("short\n" + "a" * 22 + " " + "b" * 22, "short " + "a" * 22 + "\n" + "b" * 22),
    ],
)
def test_a_title_is_broken_from_45_letters_a_line_on(figure, title, narrow):
    figure.axes[0].set_title(title)
    with stacked(figure):
        assert figure.axes[0].get_title() == narrow
    assert figure.axes[0].get_title() == title


def test_without_a_notebook_nothing_is_kept(monkeypatch):
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    keep_forms()
    monkeypatch.delitem(__import__("sys").modules, "IPython")
    keep_forms()


@pytest.mark.parametrize("wanted", [True, False])
def test_a_notebook_keeps_the_numbers_and_where_pages_are_built_the_narrow_form(monkeypatch, axes, wanted):
    import IPython
    from IPython.core.formatters import DisplayFormatter

    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setenv(WANTED, "1" if wanted else "")
    keep_forms()
    axes.plot([1], [2], label="x", color="black")
    kept, _ = shell.display_formatter.format(axes.figure, include={"text/csv", MIME_TYPE})
    assert kept["text/csv"] == f"{','.join(COLUMNS)}\n1,line,x,#000000,1,2,,\n"
    assert (MIME_TYPE in kept) == wanted
    if wanted:
        assert base64.b64decode(kept[MIME_TYPE]) == narrow_png(axes.figure)
    assert "text/csv" not in shell.display_formatter.format(3)[0]
