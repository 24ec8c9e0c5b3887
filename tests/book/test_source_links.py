"""Links from numbers to their rows, and the page they lead to."""

import re

import pytest

from book.published_tables import published_arms
from book.source_links import (
    anchor,
    arms_text,
    audit_table,
    escape,
    link,
    source_page,
    term_text,
    verdict_text,
)  # fmt: skip
from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import audit


@pytest.fixture(scope="module")
def cells():
    return audit(published_arms()).cells


def test_every_cell_has_its_own_anchor_on_the_page(cells):
    targets = re.findall(r"^\((src-[a-z0-9-]+)\)=$", source_page([audited.cell for audited in cells]), re.M)
    assert targets == [anchor(audited.cell) for audited in cells]
    assert len(set(targets)) == len(cells)


def test_the_page_gives_every_row_its_number_its_line_and_its_source(cells):
    page = source_page([audited.cell for audited in cells])
    for line, row in enumerate(published_arms().itertuples(), start=2):
        (stands,) = [text for text in page.splitlines() if f"row {line} of arms.csv" in text]
        assert f"{row.arm.upper()} **{float(row.accuracy_percent):.10g}%**" in stands
        assert escape(row.source) in stands and escape(row.flag) in stands


def test_headings_begin_with_a_capital_and_no_note_says_none(cells):
    page = source_page([audited.cell for audited in cells])
    headings = re.findall(r"^## (.*)$", page, re.M)
    assert "Entropy minimisation" in headings and "The study's own runs" in headings
    assert "None" not in page and "->" not in page


def test_every_row_of_a_table_links_to_a_target(cells):
    table = audit_table(cells[:5], caption="c", name="tab-00-c", extra={"base": lambda a: "x"})
    assert table.heads == ["comparison", "null", "elicitation", "reward design", "verdict", "base"]
    targets = re.findall(r"\(#(src-[a-z0-9-]+)\)", table.markdown())
    assert targets == [anchor(audited.cell) for audited in cells[:5]]
    assert [row[1] for row in table.rows] == [term_text(audited, "null") for audited in cells[:5]]


def test_a_doubtful_row_is_marked_and_a_row_is_called_as_asked(cells):
    doubtful = next(audited for audited in cells if audited.doubts)
    sound = next(audited for audited in cells if not audited.doubts)
    table = audit_table([doubtful, sound], caption="c", name="tab-00-c", label=lambda a: a.cell.benchmark)
    first, second = (row[0] for row in table.rows)
    assert first.startswith(f"[{doubtful.cell.benchmark}](") and first.endswith("\\*")
    assert second.startswith(f"[{sound.cell.benchmark}](") and second.endswith(")")


def test_a_verdict_in_words(cells):
    by_name = {audited.cell.name: audited for audited in cells}
    famous = by_name["shao2026spurious / training curves / Qwen2.5-Math-7B / MATH-500"]
    three = by_name["zhao2026learning / Qwen2.5-3B / MATH-500"]
    two = next(audited for audited in cells if len(audited.possible) == 4)
    assert [verdict_text(audited) for audited in (famous, three, two)] == [
        "null, supported", "null or elicitation or mixed", "any",
    ]  # fmt: skip


def test_the_arms_that_are_missing(cells):
    for audited in cells:
        missing = len(ARMS) - len(audited.cell.arms)
        assert arms_text(audited.cell).count("no ") == missing
        assert (arms_text(audited.cell) == "all four") == (missing == 0)


def test_terms_as_text(cells):
    (famous,) = [
        c for c in cells if c.cell.name == "shao2026spurious / training curves / Qwen2.5-Math-7B / MATH-500"
    ]
    assert term_text(famous, "null") == "+21.5 [15.5,\u00a027.3]"
    (three,) = [c for c in cells if c.cell.name == "zhao2026learning / Qwen2.5-3B / MATH-500"]
    assert term_text(three, "null").startswith("in\u00a0[") and term_text(three, "total")[0] == "+"


def test_text_cannot_break_out_of_a_cell(cells):
    assert escape("a|b [c](d) $x$ {e}`f`") == r"a\|b \[c\](d) \$x\$ \{e\}\`f\`"
    assert link(cells[0].cell, "x|y").startswith(r"[x\|y](#src-")
