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


def test_ten_digits_of_a_float_are_quoted_eleven_or_a_name_twice_are_refused_and_nothing_is_quoted(glued):
    quote({"ten": 1.234567891, "whole": 12345678901, "text": "12345678901"})
    assert glued == {"ten": "1.234567891", "whole": "12345678901", "text": "12345678901"}
    glued.clear()
    with pytest.raises(ValueError, match=r"eleven needs a format, as in 'eleven:\.3f'; got 1\.2345678912"):
        quote({"a": 3, "eleven": 1.2345678912})
    with pytest.raises(ValueError, match="'a' twice"):
        quote({"a": 1, "a:.1f": 2.0})
    assert glued == {}


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
        "| true | 0.88 [0.85,\N{NO-BREAK SPACE}0.90] |",
        "| a < b | 0.50 [0.25,\N{NO-BREAK SPACE}0.75] |", ":::",
    ]  # fmt: skip
    assert "<td>a &lt; b</td>" in given["text/html"]
    assert "<caption>Ends &amp; means.</caption>" in given["text/html"]


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


@pytest.mark.parametrize(
    ("cells", "mark"),
    [(["1", "2"], "--:"), (["a", "b"], ":--"), (["a", "1"], "--:"), (["a", "b", "1"], ":--"),
     (["", "a"], ":--"), (["", ""], "--:"), (["0.5 [0.2, 0.8]", "in [0, 1]"], "--:"),
     (["1e-5", "-2.5 to +3"], "--:"), (["1e"], ":--"), (["–"], "--:"), (["into"], ":--")],
)  # fmt: skip
def test_a_column_is_set_by_what_most_of_its_cells_are(cells, mark):
    table = PageTable(["first", "second"], [["x", cell] for cell in cells], "c", "tab-00-c")
    assert table.markdown().splitlines()[4] == f"|:--|{mark}|"


def test_an_interval_may_take_a_line_of_its_own_and_is_not_broken():
    table = PageTable(["a", "b"], [["two words", "1 [0, 2]"]], "c", "tab-00-c")
    assert "| two words | 1 [0,\u00a02] |" in table.markdown()


def test_a_table_without_rows_or_with_uneven_ones_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        page_table([], caption="Nothing.", name="tab-00-nothing")
    with pytest.raises(ValueError, match=r"needs the columns \['arm'\], got \['leg'\]"):
        page_table([{"arm": "true"}, {"leg": "left"}], caption="Mixed.", name="tab-00-mixed")


def test_a_table_with_rows_of_unequal_length_is_not_written():
    with pytest.raises(ValueError, match="shorter"):
        PageTable(["a", "b"], [["1", "2"], ["3"]], "A caption.", "tab-x").markdown()
