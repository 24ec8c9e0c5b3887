"""The guard that reads built pages as a reader would: faults are found, honest words are not faults."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "_ext"))

import check_pages
from page_faults import core_faults, faults, typed_results


def article(inside):
    return f"<html><body><article>{inside}</article></body></html>"


@pytest.mark.parametrize(
    ("inside", "name"),
    [
        ("<p>The null is nan points.</p>", "a number that is none"),
        ("<table><tr><td>0.2 [nan, nan]</td></tr></table>", "a number that is none"),
        ("<table><tr><td>-inf to 3</td></tr></table>", "a number that is none"),
        ("<table><tr><td>None</td></tr></table>", "a value that is none"),
        ('<div class="cell_output"><pre>(None, None)</pre></div>', "a value that is none"),
        ("<p>TRUE loses coverage None here.</p>", "a value that is none"),
        ("<p>See ?? for more.</p>", "an unresolved reference"),
        ("<p>See {glue:text}`x`.</p>", "an unresolved reference"),
        ("<figcaption>See Table {numref}`tab-01-x`.</figcaption>", "an unresolved reference"),
        ("<p>In %s of cells.</p>", "an unfilled format"),
        ("<p>In {share:.0%} of cells</p>", "an unfilled format"),
        ("<p>every half-width is below {half_width}, over draws</p>", "an unfilled format"),
        ("<p>It is &lt;rlvr.stats.estimates.Estimate object at here.</p>", "a bare object"),
        ("<p>It is Estimate(value=0.1).</p>", "a bare object"),
        ("<p>It is at most largest null: 0.0003.</p>", "a word twice"),
        ("<p>It is the the null.</p>", "a word twice"),
        ('<p>Of <span class="pasted-text"></span> cells.</p>', "an empty quoted number"),
    ],
)
def test_a_fault_is_found_and_named(inside, name):
    found = faults(article(inside))
    assert len(found) == 1 and found[0].startswith(f"{name}, in "), found


@pytest.mark.parametrize(
    "inside",
    [
        "<p>None of the ten is separated from zero. None survives.</p>",
        "<p>Call it with <code>n_items=None</code>, which gives <code>nan</code>.</p>",
        '<div class="cell_input"><pre>first = None</pre></div>',
        "<p>What is 95% sure, of 100% of cells? Finance and the influence of banana.</p>",
        '<p>Of <span class="pasted-text">6</span> of <span class="pasted-text">36</span> cells.</p>',
        '<p>The set <span class="math">\\{x ?? y\\}</span> is empty.</p>',
    ],
)
def test_honest_words_are_no_fault(inside):
    assert faults(article(inside)) == []


def test_what_stands_beside_the_article_is_not_read():
    assert faults("<nav><p>nan</p></nav>" + article("<p>fine</p>")) == []
    assert faults("<p>nan</p>") == ["the page has no article"]


@pytest.mark.parametrize(
    ("inside", "typed"),
    [
        ("<p>It rose by 0.0123 and then by 12%.</p>", ["0.0123", "12%"]),
        ("<ul><li>It fell by \u22123.5 points.</li></ul>", ["\u22123.5"]),
        ("<dl><dd><p>From 0.41 to +0.5</p></dd></dl>", ["0.41", "+0.5"]),
        ('<p>Its <a href="bibliography.html#x">[Gao, 2026]</a> 0.0123 is quoted.</p>', []),
        (
            '<p>Of <span class="pasted-text">12%</span>, <code>0.3</code>, <span class="math">0.3</span></p>',
            [],
        ),
        ("<p>At prior strengths 0.37 and 0.41, at 0.80, 95% intervals, 3.11 of Python.</p>", ["3.11"]),
        ('<div class="cell_output"><p>0.0123</p></div>', []),
        ("<p>RL-1.5B-Math and 1.5B-Instruct have no result.</p>", []),
    ],
)
def test_a_result_that_no_code_put_into_prose_is_found(inside, typed):
    found = typed_results(article(inside))
    assert [fault.split(", ")[1] for fault in found] == typed
    assert all(fault.startswith("a result typed into prose") for fault in found)
    assert typed_results("<p>no article, 0.0123</p>") == []


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("<blockquote><div>a = b c = d</div></blockquote>", "a formula that runs together, in 'a = b c = d'"),
        ('<a href="mailto:maj@oo">maj@oo</a>', "a name taken for a mail address, in 'maj@oo'"),
        ('<span class="problematic">|x|</span>', "markup that leads nowhere, in '|x|'"),
        ("<dd>Alias for field number 0</dd>", "a field without words, in 'Alias for field number 0'"),
        (
            "<dt>load(path=PosixPath('/srv'))</dt>",
            "a path of the machine that built, in \"load(path=PosixPath('/srv'))\"",
        ),
        ("<dt>STEM = '/srv/a/b.csv'</dt>", "a path of the machine that built, in \"STEM = '/srv/a/b.csv'\""),
    ],
)
def test_a_docstring_that_the_page_on_the_core_misreads_is_found(inside, said):
    assert core_faults(article(inside)) == [said]


def test_an_honest_docstring_is_no_fault():
    honest = "<dt>load(path=PROTOCOL)</dt><dd><pre>a = b / c\nd = e</pre>in rlvr/data/README.md, 1/2/3</dd>"
    assert core_faults(article(honest)) == []
    assert core_faults("<p>maj@oo</p>") == ["the page has no article"]


def test_a_build_with_a_fault_or_a_heavy_page_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(check_pages, "HTML", tmp_path)
    monkeypatch.setattr(check_pages, "pages", lambda: ["chapters/01-x"])
    (tmp_path / "chapters").mkdir()
    (tmp_path / "index.html").write_text("")
    page = tmp_path / "chapters" / "01-x.html"
    page.write_text(article("<p>0.2 or so</p>"))
    assert check_pages.problems() == []
    page.write_text(article("<p>nan or so</p>"))
    assert check_pages.problems() == ["chapters/01-x.html: a number that is none, in 'nan or so'"]
    page.write_text(article("<p>0.123 or so</p>"))
    assert check_pages.problems() == []
    monkeypatch.setattr(check_pages, "_executed", lambda page: page.stem == "01-x")
    typed = "chapters/01-x.html: a result typed into prose, 0.123, in '0.123 or so'"
    assert check_pages.problems() == [typed]
    monkeypatch.undo()
    monkeypatch.setattr(check_pages, "HTML", tmp_path)
    monkeypatch.setattr(check_pages, "pages", lambda: ["chapters/01-x"])
    core = tmp_path / "chapters" / "core-x.html"
    core.write_text(article("<blockquote>a</blockquote>"))
    page.with_name("01-x.html").write_text(article("<blockquote>a</blockquote>"))
    assert check_pages.problems() == ["chapters/core-x.html: a formula that runs together, in 'a'"]
    core.unlink()
    page.write_text(article("x" * 2_000_001))
    assert check_pages.problems() == ["chapters/01-x.html is heavier than 2 MB"]
