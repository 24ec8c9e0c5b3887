"""Words of a figure that nobody could read are found, and those that can be read are not."""

import pytest
from matplotlib.figure import Figure

from book.label_checks import label_faults


@pytest.fixture
def figure():
    drawn = Figure(figsize=(4, 3), layout="constrained")
    drawn.subplots(1, 2, sharey=True)
    return drawn


def test_a_plain_figure_has_no_fault(figure):
    one, other = figure.axes
    one.set(title="left", xlabel="points", ylabel="accuracy, %", xlim=(0, 1))
    other.set(title="right", xlabel="points", xlim=(0, 1))
    one.text(0.1, 0.2, "null")
    one.text(0.1, 0.5, "naive")
    assert label_faults(figure) == []


@pytest.mark.parametrize(
    ("place", "words", "fault"),
    [
        ((0.12, 0.51), "other", "'null' and 'other' overlap"),
        ((0.9, 0.9), "a label much too long for its panel", "is cut off"),
        ((0.1, 0.8), "-3.5", "'-3.5' has a hyphen for a minus sign"),
    ],
)
def test_a_fault_is_named(figure, place, words, fault):
    axes = figure.axes[1]
    axes.text(0.1, 0.5, "null")
    label = axes.text(*place, words)
    label.set_in_layout(False)
    (found,) = label_faults(figure)
    assert fault in found


def test_small_type_is_a_fault(figure):
    figure.axes[0].text(0.1, 0.5, "null", size=5)
    assert label_faults(figure) == ["'null' is smaller than 6 points"]


def test_what_is_not_drawn_is_no_fault(figure):
    one, other = figure.axes
    one.set_xticks([0, 0.01, 5], ["a", "a label far away", "b"])
    one.set_xlim(-0.5, 0.005)
    other.axis("off")
    other.set_xticks([0, 0.001], ["under", "over"])
    one.text(0, 0.5, "null", visible=False)
    assert label_faults(figure) == []
