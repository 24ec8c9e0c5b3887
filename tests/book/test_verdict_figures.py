"""Squares of verdicts: their places, colours, marks and names."""

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from book.published_tables import published_arms
from book.verdict_figures import VERDICT_COLOURS, held_verdicts, verdict_tiles
from rlvr import audit

COLUMNS = {"MATH-500": "MATH-500\nn = 500", "AIME24": "AIME24\nn = 30"}


@pytest.fixture(scope="module")
def cells():
    arms = published_arms()
    rows = arms[(arms.setup == "training curves") & arms.benchmark.isin(COLUMNS)]
    chosen = ["Qwen2.5-Math-7B", "Llama3.1-8B-Instruct", "Llama3.2-3B"]
    return audit(rows[rows.model.isin(chosen)]).cells


def test_a_tile_says_its_verdict_and_is_dark_where_that_is_supported(cells):
    axes = Figure().subplots()
    verdict_tiles(axes, cells, COLUMNS)
    models = list(dict.fromkeys(cell.cell.model for cell in cells))
    assert len(axes.patches) == len(axes.texts) == len(cells) == 6
    for cell, tile, text in zip(cells, axes.patches, axes.texts, strict=True):
        place = list(COLUMNS).index(cell.cell.benchmark), models.index(cell.cell.model)
        assert text.get_position() == place
        assert text.get_text().replace("\n", " ").rstrip(" *†") == cell.verdict
        dark = to_hex(tile.get_facecolor()) == VERDICT_COLOURS[cell.verdict].lower()
        assert dark is (cell.status == "supported") is (text.get_color() == "white")


def test_a_doubtful_arm_and_one_that_stopped_early_are_marked(cells):
    axes = Figure().subplots()
    verdict_tiles(axes, cells, COLUMNS)
    marks = {
        (cell.cell.model, cell.cell.benchmark): text.get_text()[-1]
        for cell, text in zip(cells, axes.texts, strict=True)
    }
    assert marks["Llama3.1-8B-Instruct", "AIME24"] == "†"
    assert marks["Llama3.2-3B", "MATH-500"] == marks["Llama3.1-8B-Instruct", "MATH-500"] == "*"
    assert marks["Qwen2.5-Math-7B", "MATH-500"] not in "*†"


def test_names_stand_on_the_axes(cells):
    axes = Figure().subplots()
    verdict_tiles(axes, cells, COLUMNS)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(COLUMNS.values())
    names = {label.get_text() for label in axes.get_yticklabels()}
    assert names == {"Qwen2.5-Math-\n7B", "Llama3.1-8B-\nInstruct", "Llama3.2-3B"}


def test_a_square_is_a_verdict_that_holds_and_a_cross_one_that_fails():
    axes = Figure().subplots()
    held_verdicts(axes, {"none": ["a", "b"], "runs": ["b"]}, {"a": "null", "b": "elicitation"})
    drawn = [(line.get_xdata()[0], line.get_ydata()[0], line.get_marker()) for line in axes.lines]
    assert drawn == [(0, 0, "s"), (1, 0, "s"), (0, 1, "x"), (1, 1, "s")]
    assert axes.lines[0].get_color() == VERDICT_COLOURS["null"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["none", "runs"]
    assert [text.get_text() for text in axes.texts] == ["a", "b"]
