"""Links from numbers to their rows, and the page they lead to: of all cells, and of two made-up studies."""

import math
import re

import pytest

from book.pages import true_minus
from book.published_tables import published_arms
from book.source_links import (
    anchor,
    arms_text,
    audit_table,
    escape,
    estimate_text,
    link,
    source_page,
    term_text,
    verdict_text,
)  # fmt: skip
from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import audit
from rlvr.auditing.cells import Arm, Cell
from rlvr.stats.estimates import Estimate

CELLS = [
    Cell(
        "first2025", "a_b", "m", "b",
        {
            "frozen": Arm("frozen", 0.494, 500, 1, 1, label="base", source="Table 1", line=2),
            "true": Arm("true", 2 / 3, 30, 16, 5, 0.065, "near", flag="a doubt", note="read by eye", line=4),
        },
        (Arm("frozen", 0.25, None, 2, 2, source="p. 3", line=9),),
    ),
    Cell("first2025", "", "n", "b", {"frozen": Arm("frozen", 1.0, 1, line=5)}),
    Cell("second2026", "", "m", "b", {"frozen": Arm("frozen", 0.0, 40, line=6)}),
]  # fmt: skip

PAGE = """\
## First2025

{cite}`first2025`

(src-first2025-a-b-m-b)=
:::{dropdown} m, b (a\\_b)
:class-container: source-row

- FROZEN **49.4%**, 500 items, 1 run. base; row 2 of arms.csv; Table 1
- TRUE **66.66666667%**, 30 items, 16 samples an item, 5 runs, run-to-run sd 6.50 points, comparable: near.\
 **Doubt:** a doubt. row 4 of arms.csv; read by eye
- FROZEN **25%**, number of items not stated, 2 samples an item, 2 runs, another reading, not the arm.\
 row 9 of arms.csv; p. 3
:::

(src-first2025-n-b)=
:::{dropdown} n, b
:class-container: source-row

- FROZEN **100%**, 1 item. row 5 of arms.csv
:::

## Second2026

{cite}`second2026`

(src-second2026-m-b)=
:::{dropdown} m, b
:class-container: source-row

- FROZEN **0%**, 40 items. row 6 of arms.csv
:::
"""


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
    assert [row[1] for row in table.rows] == [true_minus(term_text(audited, "null")) for audited in cells[:5]]


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


def test_the_page_of_a_study_in_full():
    assert source_page(CELLS) == PAGE


def test_links_lead_to_the_anchors_of_the_page():
    assert [anchor(cell) for cell in CELLS] == [
        "src-first2025-a-b-m-b",
        "src-first2025-n-b",
        "src-second2026-m-b",
    ]
    assert link(CELLS[1]) == "[n, b](#src-first2025-n-b)"
    assert link(CELLS[1], "see *") == "[see \\*](#src-first2025-n-b)"


def test_an_estimate_a_set_or_nothing_in_points():
    assert estimate_text(Estimate(0.125, -0.0625, 0.25)) == "+12.5 [-6.2,\u00a025.0]"
    assert estimate_text(Estimate(-0.125)) == "-12.5"
    assert estimate_text(Estimate(math.nan, -0.25, 0.5)) == "in\u00a0[-25.0,\u00a050.0]"
    assert estimate_text(Estimate(math.nan)) == "–"
