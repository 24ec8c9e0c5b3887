"""Whole outputs of small audits, as a reader sees them: terminal, JSON, Markdown."""

import io
import math
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

from rlvr.arms import ARMS
from rlvr.auditing.audit_output import points, print_report, said, set_text, to_dict, to_markdown
from rlvr.auditing.cell_audit import audit
from rlvr.decomposition import TERMS


def rows(study, accuracies, n_items=500, **more):
    table = {"study": study, "setup": "", "model": "m", "benchmark": "b", "arm": list(ARMS), "flag": ""}
    return pd.DataFrame({**table, "accuracy": accuracies, "n_items": n_items, "samples_per_item": "", **more})


TABLE = pd.concat([
    rows("clear", (0.25, 0.25, 0.25, 0.75), flag=["", "swapped", "", ""]),
    rows("few", (0.25, 0.375, 0.5, 0.625), 10, samples_per_item=4),
    rows("three", (0.25, 0, 0.5, 0.75), [500, 1, 400, 500], setup="x").drop(index=1),
    rows("one", (0.25, 0.25, 0.25, 0.75), "").head(1),
])  # fmt: skip

BLOCKS = """\
reward design dominates (supported)
    clear / m / b
    FROZEN 25.0, RANDOM 25.0, MAJORITY 25.0, TRUE 75.0; 500 items
    null             0.0  [-4.5, +4.5]
    elicitation      0.0  [-4.5, +4.5]
    reward design  +50.0  [+45.3, +54.3]
    naive          +50.0  [+45.3, +54.3]
    total          +50.0  [+45.3, +54.3]
    items:                      survives (unpaired)
    runs:                       survives
    all:                        survives (every layer that this cell has)
    verdict changes if one arm moves:
        RANDOM -25.0, MAJORITY +25.0, FROZEN +50.0
    published rule: reward design
    note: random: swapped

mixed: no term dominates (leaning)
    few / m / b
    FROZEN 25.0, RANDOM 37.5, MAJORITY 50.0, TRUE 62.5; 10 items
    null           +12.5  [-20.2, +42.0]
    elicitation    +12.5  [-21.6, +42.9]
    reward design  +12.5  [-21.6, +42.9]
    naive          +25.0  [-10.6, +53.1]
    total          +37.5  [+1.3, +62.6]
    items:                      holds at the printed numbers only (unpaired)
    items, independent samples: holds at the printed numbers only (right only if all items are equally hard)
    runs:                       survives
    all:                        holds at the printed numbers only (every layer that this cell has)
    verdict changes if one arm moves:
        RANDOM -6.3, MAJORITY -6.3, FROZEN -12.5, TRUE +12.5
    published rule: elicitation

mixed: no term dominates (leaning)
    three / x / m / b
    FROZEN 25.0, RANDOM missing, MAJORITY 50.0, TRUE 75.0; 400 or 500 items
    null               ?  in [-28.3, +78.0]
    elicitation        ?  in [-54.1, +54.1]
    reward design  +25.0  [+19.7, +30.1]
    naive              ?  in [-28.3, +78.0]
    total          +50.0  [+45.3, +54.3]
    items:                      holds at the printed numbers only (unpaired)
    runs:                       holds at the printed numbers only
    all:                        holds at the printed numbers only (every layer that this cell has)
    published rule: mixed

undetermined: null or elicitation or reward design or mixed (not identified)
    one / m / b
    FROZEN 25.0, RANDOM missing, MAJORITY missing, TRUE missing; ? items
    null               ?  in [-25.0, +75.0]
    elicitation        ?  MAJORITY and RANDOM missing: nothing is identified
    reward design      ?  TRUE and MAJORITY missing: nothing is identified
    naive              ?  TRUE and RANDOM missing: nothing is identified
    total              ?  in [-25.0, +75.0]
    items:                      leaves several verdicts (unpaired)
    published rule: undetermined
    note: the number of items is not stated for every arm, so nothing is known of its sampling

4 cells: 1 supported, 2 leaning, 1 not identified
terms in points, 90% intervals from item sampling alone
rule: magnitude; assumptions: none
"""


@pytest.fixture(scope="module")
def report():
    return audit(TABLE, level=0.9, run_sd=0.01)


def printed(report):
    console = Console(file=io.StringIO(), width=60)
    print_report(report, console)
    return console.file.getvalue()


def test_every_line_of_the_blocks_whatever_the_width_of_the_terminal(report):
    assert printed(report) == BLOCKS


def test_the_last_lines_name_what_was_assumed_and_one_cell_is_one_cell():
    lines = printed(audit(TABLE.head(4), rule="published", assumptions=["no-harm", "null-zero"])).splitlines()
    assert lines[-3:] == [
        "1 cell: 1 supported, 0 leaning, 0 not identified",
        "terms in points, 95% intervals from item sampling alone",
        "rule: published; assumptions: no-harm, null-zero",
    ]


def test_a_verdict_that_no_single_arm_can_change_says_so_and_pairing_says_what_it_bought():
    outcomes = {arm: [1, 0, 0, 0, 0, 0, 0, 0] if arm == "true" else [0] * 8 for arm in ARMS}
    table = pd.DataFrame([
        {"study": "s", "model": "m", "benchmark": "b", "arm": arm, "run": 1, "item": item, "correct": answer}
        for arm, answers in outcomes.items() for item, answer in enumerate(answers)
    ])  # fmt: skip
    paired = audit(table)
    gains = ", ".join(f"{n.replace('_', ' ')} {gain:.1f}x" for n, gain in paired.cells[0].pairing.items())
    assert (
        f"    unpaired intervals would be wider: {gains}\n" in printed(paired)
        and "reward design 1.2x" in gains
    )
    stuck = replace(paired.cells[0], tipping=dict.fromkeys(ARMS, math.nan))
    assert "one arm moves:\n        none does it alone\n" in printed(replace(paired, cells=(stuck,)))


def test_markdown_has_one_row_a_cell():
    lines = to_markdown(audit(TABLE.iloc[8:], level=0.9)).splitlines()
    assert lines[0] == (
        "| verdict | status | study | model | benchmark "
        "| null | elicitation | reward design | naive | total |"
    )
    assert lines[1] == "| " + " | ".join(["---"] * 10) + " |"
    assert lines[2] == (
        "| mixed: no term dominates | leaning | three / x | m | b "
        "| ? in [-28.3, +78.0] | ? in [-54.1, +54.1] | +25.0 [+19.7, +30.1] "
        "| ? in [-28.3, +78.0] | +50.0 [+45.3, +54.3] |"
    )
    assert lines[4:] == ["", "Percentage points; 90% intervals from item sampling alone."]


def test_json_repeats_the_audit_field_by_field(report):
    told = to_dict(report)
    assert (told["level"], told["rule"], told["assumptions"]) == (0.9, "magnitude", [])
    for cell, audited in zip(told["cells"], report.cells, strict=True):
        assert (cell["study"], cell["setup"], cell["model"], cell["benchmark"]) == (
            audited.cell.study, audited.cell.setup, "m", "b",
        )  # fmt: skip
        assert (cell["verdict"], cell["support"]) == (audited.verdict, audited.status)
        assert cell["possible_verdicts"] == list(audited.possible)
        for name in TERMS:
            term, shown = audited.terms[name], cell["terms"][name]
            for end in ("value", "low", "high"):
                number = getattr(term, end)
                assert shown[end] == (None if math.isnan(number) else number)
            assert (shown["set_low"], shown["set_high"]) == audited.sets[name]
            assert shown["reason"] == term.reason
        for layer, given in zip(cell["layers"], audited.layers, strict=True):
            assert (layer["name"], layer["note"], layer["survives"]) == (
                given.name,
                given.note,
                given.survives,
            )
            assert layer["verdict"] == (given.verdict or None)
            assert {name: (ends["low"], ends["high"]) for name, ends in layer["terms"].items()} == given.terms
        assert cell["arms"] == {
            arm.name: {"accuracy": arm.accuracy, "n_items": arm.n_items, "source": "", "file": "table",
                       "line": arm.line, "decoding": None}
            for arm in audited.cell.arms.values()
        }  # fmt: skip
        assert (cell["doubts"], cell["notices"]) == (list(audited.doubts), list(audited.notices))
        assert cell["verdict_by_rule"] == audited.rules and cell["paired_gain"] == audited.pairing
    assert told["cells"][0]["tipping_points"]["true"] is None
    assert told["cells"][0]["tipping_points"]["frozen"] == pytest.approx(0.5)


def test_numbers_as_words(report):
    assert [points(0.0625), points(0.0625, signed=False), points(0.0), points(-0.0)] == [
        "+6.2",
        "6.2",
        "0.0",
        "0.0",
    ]
    assert points(-0.5, signed=False) == "-50.0" and points(1.0) == "+100.0"
    assert (set_text(-0.25, 0.75), set_text(0.125, 0.125)) == ("-25.0 to +75.0", "+12.5")
    assert [said(cell) for cell in report.cells[:2]] == [
        "reward design dominates",
        "mixed: no term dominates",
    ]
