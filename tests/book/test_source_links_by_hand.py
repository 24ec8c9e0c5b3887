"""The page of sources and its links, for one made-up study, word by word."""

import math

import pandas as pd

from book.source_links import anchor, audit_table, estimate_text, link, source_page, term_text, verdict_text
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


def test_a_table_of_audits_in_full():
    def rows(study, **more):
        table = {
            "study": study,
            "model": "m",
            "benchmark": "b",
            "arm": list(ARMS),
            "n_items": 500,
            "flag": "",
        }
        return pd.DataFrame({**table, "accuracy": [0.25, 0.25, 0.25, 0.75], **more})

    whole, doubtful = audit(pd.concat([rows("s"), rows("t", flag="odd").drop(index=[1, 3])])).cells
    table = audit_table(
        [whole, doubtful], caption="Splits.", name="tab-00-splits", label=lambda a: a.cell.study,
        extra={"arms": lambda a: str(len(a.cell.arms))},
    )  # fmt: skip
    assert table.heads == ["comparison", "null", "elicitation", "reward design", "verdict", "arms"]
    assert table.rows[0] == [
        "[s](#src-s-m-b)", *(term_text(whole, part) for part in ("null", "elicitation", "reward_design")),
        "reward design, supported", "4",
    ]  # fmt: skip
    assert table.rows[1][0] == "[t](#src-t-m-b)\u00a0\\*" and table.rows[1][-2:] == [
        verdict_text(doubtful),
        "2",
    ]
    plain = audit_table([whole], caption="Splits.", name="tab-00-splits")
    assert plain.rows[0][0] == "[m, b](#src-s-m-b)" and plain.heads[-1] == "verdict"
    assert (plain.caption, plain.name) == ("Splits.", "tab-00-splits")
