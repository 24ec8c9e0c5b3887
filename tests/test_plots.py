"""The look that figures share: colours, names, letters, and labels that do not overlap."""

import math

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from book.pages import use_style
from rlvr.arms import ARMS
from rlvr.decomposition import TERMS
from rlvr.plots import ARM_COLOURS, TERM_COLOURS, TERM_NAMES, end_labels


@pytest.fixture
def axes():
    return Figure().subplots()


def test_every_arm_and_term_has_a_colour_and_a_name():
    assert set(ARM_COLOURS) == set(ARMS) and set(TERM_COLOURS) == set(TERM_NAMES) == set(TERMS)
    assert len(set(ARM_COLOURS.values())) == 4 and len(set(TERM_COLOURS.values())) == 5


def test_the_look_is_white_with_a_grid_behind_and_no_box():
    with mpl.rc_context():
        use_style()
        assert mpl.rcParams["figure.facecolor"] == mpl.rcParams["savefig.facecolor"] == "white"
        assert mpl.rcParams["axes.grid"] is True and mpl.rcParams["axes.axisbelow"] is True
        assert mpl.rcParams["axes.spines.top"] is False and mpl.rcParams["axes.spines.right"] is False
        assert mpl.rcParams["legend.frameon"] is False
        assert mpl.rcParams["figure.constrained_layout.use"] is True


def test_letters_are_ten_points_and_titles_hardly_larger():
    with mpl.rc_context():
        use_style()
        sizes = {name: mpl.rcParams[name] for name in ("font.size", "axes.titlesize", "lines.linewidth")}
        assert sizes == {"font.size": 10, "axes.titlesize": 10.5, "lines.linewidth": 1.8}
        assert (mpl.rcParams["figure.figsize"], mpl.rcParams["figure.dpi"]) == ([7.2, 3.6], 144)
        assert mpl.rcParams["axes.titlelocation"] == "left" and mpl.rcParams["savefig.bbox"] is None


def test_labels_are_moved_apart_upwards_from_the_lowest(axes):
    axes.set_ylim(10, 20)
    end_labels(axes, [(1, 12.0, "b", "red"), (1, 11.9, "a", "blue"), (2, 18.0, "c", "green")])
    heights = {text.get_text(): text.xyann[1] for text in axes.texts}
    assert heights == pytest.approx({"a": 11.9, "b": 11.9 + 0.06 * 10, "c": 18.0})
    assert {text.get_text(): text.xy for text in axes.texts}["b"] == (1, 12.0)  # the line's end stays known
    assert [text.get_color() for text in axes.texts] == ["blue", "red", "green"]
    assert not any(text.get_annotation_clip() for text in axes.texts)


def test_a_gap_may_be_asked_for(axes):
    axes.set_ylim(0, 1)
    end_labels(axes, [(0, 0.5, "a", "k"), (0, 0.5, "b", "k"), (0, 0.5, "c", "k")], gap=0.25)
    assert [text.xyann[1] for text in axes.texts] == pytest.approx([0.5, 0.75, 1.0])
    assert all(math.isfinite(text.xyann[1]) for text in axes.texts)
