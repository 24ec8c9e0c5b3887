"""The published comparisons: each once, with a name of its own, and what is left out."""

import re
from collections import Counter
from pathlib import Path

import pytest

from book.comparisons import comparison_name, counted_once, published_comparisons
from book.published_tables import PAPERS, published_arms


@pytest.fixture(scope="module")
def cells():
    return published_comparisons()


def test_what_the_data_hold_twice_is_counted_once():
    arms = published_arms()
    once = counted_once(arms)
    assert set(arms.setup) - set(once.setup) == {
        "150-step bars", "arXiv v1, 300 steps", "Fig. 7 at step 150", "other hardware",
    }  # fmt: skip
    assert set(once.study) == set(PAPERS)
    left_out = arms.drop(once.index)
    keys = ["study", "model", "benchmark"]
    assert set(left_out[keys].itertuples(index=False)) <= set(arms[keys].itertuples(index=False))


def test_every_comparison_has_two_arms_at_least_and_a_name_of_its_own(cells):
    assert min(len(cell.cell.arms) for cell in cells) == 2
    names = Counter(map(comparison_name, cells))
    assert [name for name, n in names.items() if n > 1] == []


def test_names_say_the_paper_where_it_is_not_the_one_that_most_are_of(cells):
    for cell in cells:
        other = cell.cell.study != "shao2026spurious"
        assert (f"({PAPERS[cell.cell.study]}" in comparison_name(cell)) == other
    names = set(map(comparison_name, cells))
    assert {
        "Qwen2.5-7B, AMC", "Qwen2.5-Math-7B, MATH-500 (EMPO)", "Qwen2.5-Math-7B, MATH-500 (EMPO, June)"
    } <= names  # fmt: skip


def test_what_is_counted_is_called_a_collection_and_not_the_literature():
    """The comparisons are those that could be read: counts are of them, not of all papers."""
    page = (Path(__file__).parent.parent.parent / "chapters" / "13-synthesis.md").read_text(encoding="utf-8")
    assert "not a sample of the literature" in page
    assert re.findall(r"[^.\n]*\bliterature\b", page.replace("not a sample of the literature", "")) == []
