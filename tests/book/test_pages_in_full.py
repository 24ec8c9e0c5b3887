"""Tables and quoted numbers at their edges: how many digits, which side, what is escaped."""

import html

import myst_nb
import pytest

from book.pages import PageTable, page_table, quote

ROWS = [{"arm": "true", "n": 5, "mean:.1f": 0.25}, {"arm": "[a|b](#x)", "n": 10, "mean:.1f": 0.75}]


def test_ten_digits_of_a_float_are_quoted_and_eleven_are_not(monkeypatch):
    kept = []
    monkeypatch.setattr(myst_nb, "glue", lambda name, text, display: kept.append((name, text, display)))
    quote({"ten": 1.234567891, "whole": 12345678901, "text": "12345678901"})
    assert kept == [
        ("ten", "1.234567891", False), ("whole", "12345678901", False), ("text", "12345678901", False),
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"eleven needs a format, as in 'eleven:\.3f'; got 1\.2345678912"):
        quote({"eleven": 1.2345678912})
    with pytest.raises(ValueError, match="a name is quoted once, got 'a' twice"):
        quote({"a": 1, "a:.1f": 2.0})


def test_a_table_on_the_page_in_a_notebook_and_as_text():
    table = page_table(iter(ROWS), caption="A & b.", name="tab-00-x")
    assert table.heads == ["arm", "n", "mean"]
    assert table.rows == [["true", "5", "0.2"], ["[a|b](#x)", "10", "0.8"]]
    assert (table.caption, table.name) == ("A & b.", "tab-00-x")
    assert table.markdown().splitlines() == [
        ":::{table} A & b.", ":name: tab-00-x", "", "| arm | n | mean |", "|:--|--:|--:|",
        "| true | 5 | 0.2 |", "| [a|b](#x) | 10 | 0.8 |", ":::",
    ]  # fmt: skip
    assert table.html() == (
        "<table><caption>A &amp; b.</caption><thead><tr><th>arm</th><th>n</th><th>mean</th></tr></thead>"
        "<tbody><tr><td>true</td><td>5</td><td>0.2</td></tr>"
        "<tr><td>a|b</td><td>10</td><td>0.8</td></tr></tbody></table>"
    )
    assert table.plain() == repr(table) == "arm   n   mean\ntrue  5   0.2\na|b   10  0.8"
    assert table._repr_mimebundle_() == {
        "text/markdown": table.markdown(), "text/html": table.html(), "text/plain": table.plain(),
    }  # fmt: skip
    assert html.unescape(table.html()).count("A & b.") == 1


@pytest.mark.parametrize(
    ("cells", "mark"),
    [(["1", "2"], "--:"), (["a", "b"], ":--"), (["a", "1"], "--:"), (["a", "b", "1"], ":--"),
     (["", "a"], ":--"), (["", ""], "--:"), (["0.5 [0.2, 0.8]", "in [0, 1]"], "--:"),
     (["1e-5", "-2.5 to +3"], "--:"), (["1e"], ":--"), (["–"], "--:"), (["into"], ":--")],
)  # fmt: skip
def test_a_column_is_set_by_what_most_of_its_cells_are(cells, mark):
    table = PageTable(["first", "second"], [["x", cell] for cell in cells], "c", "tab-00-c")
    assert table.markdown().splitlines()[4] == f"|:--|{mark}|"


def test_numbers_are_not_broken_and_words_are():
    table = PageTable(["a", "b"], [["two words", "1 [0, 2]"]], "c", "tab-00-c")
    assert "| two words | 1\u00a0[0,\u00a02] |" in table.markdown()


def test_rows_with_other_columns_are_refused():
    with pytest.raises(ValueError, match=r"every row needs the columns \['a', 'b'\], got \['b', 'a'\]"):
        page_table([{"a": 1, "b": 2}, {"b": 2, "a": 1}], caption="c", name="tab-00-c")
    with pytest.raises(ValueError, match="at least one row, got none"):
        page_table(iter([]), caption="c", name="tab-00-c")
