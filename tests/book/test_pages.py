"""Numbers for the prose and tables for the page: what is stored is what is read."""

import myst_nb
import pytest

from book.pages import PageTable, page_table, quote
from rlvr.stats.estimates import Estimate


@pytest.fixture
def glued(monkeypatch):
    kept = {}
    monkeypatch.setattr(myst_nb, "glue", lambda name, value, display: kept.update({name: value}))
    return kept


def test_a_number_is_quoted_as_the_text_that_is_read(glued):
    quote({"null:+.4f": 0.00031234, "runs": 31, "who": "RANDOM", "share:.0%": 0.0312})
    assert glued == {"null": "+0.0003", "runs": "31", "who": "RANDOM", "share": "3%"}


def test_an_estimate_is_quoted_with_its_interval(glued):
    quote({"term:.3f": Estimate(0.125, 0.1, 0.15)})
    assert glued == {"term": "0.125 [0.100, 0.150]"}


def test_seventeen_digits_are_refused_and_nothing_is_quoted(glued):
    with pytest.raises(ValueError, match=r"third needs a format, as in 'third:\.3f'; got 0\.3333"):
        quote({"whole": 3, "third": 1 / 3})
    assert glued == {}


def test_a_name_is_quoted_once(glued):
    with pytest.raises(ValueError, match="'null' twice"):
        quote({"null:.3f": 0.1, "null:.1f": 0.1})


def test_a_table_in_its_three_forms():
    rows = [
        {"arm": "true", "accuracy:.2f": Estimate(0.875, 0.85, 0.9)},
        {"arm": "a < b", "accuracy:.2f": Estimate(0.5, 0.25, 0.75)},
    ]
    table = page_table(rows, caption="Ends & means.", name="tab-00-ends")
    given = table._repr_mimebundle_()
    assert given["text/plain"] == "arm    accuracy\ntrue   0.88 [0.85, 0.90]\na < b  0.50 [0.25, 0.75]"
    assert given["text/markdown"].splitlines() == [
        ":::{table} Ends & means.", ":name: tab-00-ends", "", "| arm | accuracy |", "|:--|--:|",
        "| true | 0.88\N{NO-BREAK SPACE}[0.85,\N{NO-BREAK SPACE}0.90] |",
        "| a < b | 0.50\N{NO-BREAK SPACE}[0.25,\N{NO-BREAK SPACE}0.75] |", ":::",
    ]  # fmt: skip
    assert "<td>a &lt; b</td>" in given["text/html"]
    assert "<caption>Ends &amp; means.</caption>" in given["text/html"]


def test_numbers_are_set_from_the_right_and_never_broken_words_from_the_left():
    rows = [
        {"term": "null", "set": "-41.6 to +58.4", "said": "in doubt"},
        {"term": "x", "set": "–", "said": ""},
    ]
    lines = page_table(rows, caption="Sets.", name="tab-00-sets").markdown().splitlines()
    assert lines[4:6] == ["|:--|--:|:--|", "| null | -41.6\u00a0to\u00a0+58.4 | in doubt |"]


def test_links_citations_and_words_keep_their_sense_where_no_book_is_around_them():
    table = page_table(
        [{"cell": r"[m\_1, b](#src-m-1-b)", "n": 500, "paper": "{cite}`gao2026true`", "said": "mixed"}],
        caption="Linked.",
        name="tab-00-linked",
    )
    assert table.plain().splitlines()[1].split("  ") == ["m_1, b", "500", "gao2026true", "mixed"]
    assert "<td>m_1, b</td>" in table.html() and "<td>gao2026true</td>" in table.html()
    assert table.markdown().splitlines()[4] == "|:--|--:|:--|:--|"
    assert r"| [m\_1, b](#src-m-1-b) |" in table.markdown()


def test_a_table_without_rows_or_with_uneven_ones_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        page_table([], caption="Nothing.", name="tab-00-nothing")
    with pytest.raises(ValueError, match=r"needs the columns \['arm'\], got \['leg'\]"):
        page_table([{"arm": "true"}, {"leg": "left"}], caption="Mixed.", name="tab-00-mixed")


def test_columns_of_words_read_from_the_left_and_of_numbers_from_the_right():
    rows = [{"arm": 1, "verdict": "supported", "p:.0e": 1e-9}, {"arm": 2, "verdict": "-", "p:.0e": 0.5}]
    table = page_table([*rows, dict(rows[0])], caption="Verdicts.", name="tab-00-verdicts")
    assert table.markdown().splitlines()[4] == "|:--|:--|--:|"


def test_a_table_with_rows_of_unequal_length_is_not_written():
    with pytest.raises(ValueError, match="shorter"):
        PageTable(["a", "b"], [["1", "2"], ["3"]], "A caption.", "tab-x").markdown()
