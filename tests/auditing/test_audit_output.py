"""An audit on a terminal, as JSON and as Markdown: whole outputs of small audits, and the book's own data."""

import io
import math
from dataclasses import replace
from importlib.resources import files

import pandas as pd
import pytest
from rich.console import Console

from rlvr.arms import ARMS
from rlvr.auditing.audit_output import (
    points,
    print_report,
    set_text,
    status_text,
    to_dict,
    to_markdown,
    verdict_text,
)
from rlvr.auditing.cell_verdicts import audit
from rlvr.decomposition import TERMS
from tests.auditing.small_studies import TABLE

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

mixed: no term dominates (leaning: does not survive items)
    few / m / b
    FROZEN 25.0, RANDOM 37.5, MAJORITY 50.0, TRUE 62.5; 10 items
    null           +12.5  [-20.2, +42.0]
    elicitation    +12.5  [-21.6, +42.9]
    reward design  +12.5  [-21.6, +42.9]
    naive          +25.0  [-10.6, +53.1]
    total          +37.5  [+1.3, +62.6]
    items:                      does not survive (unpaired)
    items, independent samples: does not survive (right only if all items are equally hard)
    runs:                       survives
    all:                        does not survive (every layer that this cell has)
    verdict changes if one arm moves:
        RANDOM -6.3, MAJORITY -6.3, FROZEN -12.5, TRUE +12.5
    published rule: elicitation

mixed: no term dominates (leaning: does not survive items and runs)
    three / x / m / b
    FROZEN 25.0, RANDOM missing, MAJORITY 50.0, TRUE 75.0; 400 or 500 items
    null               ?  in [-28.3, +78.0]
    elicitation        ?  in [-54.1, +54.1]
    reward design  +25.0  [+19.7, +30.1]
    naive              ?  in [-28.3, +78.0]
    total          +50.0  [+45.3, +54.3]
    items:                      does not survive (unpaired)
    runs:                       does not survive
    all:                        does not survive (every layer that this cell has)
    published rule: mixed
    note: n_items of the arms differ (400 and 500), so a difference in accuracy may come from the items

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
    note: the number of items is not stated for every arm, so item sampling is not known

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


def test_a_verdict_that_no_single_arm_can_change_says_so_and_pairing_says_what_it_gains():
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
    assert "one arm moves:\n        no arm alone changes it\n" in printed(replace(paired, cells=(stuck,)))


@pytest.mark.parametrize(
    ("broken", "unknown", "text"),
    [
        (["items"], (), "leaning: does not survive items"),
        (["items", "items and runs", "all"], (), "leaning: does not survive items"),
        (["runs", "frozen", "all"], (), "leaning: does not survive runs and a shift of FROZEN"),
        (["runs", "all"], ("true",), "leaning: does not survive runs"),
        (["all"], ("true",), "leaning for these runs: does not survive all sources together"),
        ([], ("true",), "supported for these runs"),
        ([], (), "supported"),
    ],
)  # fmt: skip
def test_a_status_names_what_the_verdict_does_not_survive(report, broken, unknown, text):
    names = ("items", "items and runs", "runs", "frozen", "all")
    whole = report.cells[0].layer("all")
    layers = tuple(replace(whole, name=name, survives=name not in broken) for name in names)
    status = "leaning" if "items" in broken else "supported"
    assert status_text(replace(report.cells[0], layers=layers, status=status, unknown_runs=unknown)) == text


def test_markdown_has_one_row_a_cell():
    table = TABLE.iloc[8:].replace({"study": {"three": "a|b"}})
    lines = to_markdown(audit(table, level=0.9)).splitlines()
    assert lines[0] == (
        "| verdict | status | study | model | benchmark "
        "| null | elicitation | reward design | naive | total |"
    )
    assert lines[1] == "| " + " | ".join(["---"] * 10) + " |"
    assert lines[2] == (
        "| mixed: no term dominates | leaning for these runs: does not survive items | a\\|b / x | m | b "
        "| ? in [-28.3, +78.0] | ? in [-54.1, +54.1] | +25.0 [+19.7, +30.1] "
        "| ? in [-28.3, +78.0] | +50.0 [+45.3, +54.3] |"
    )
    assert lines[4:] == ["", "Percentage points; 90% intervals from item sampling alone."]


def test_json_repeats_the_audit_field_by_field(report):
    stored = to_dict(report)
    assert (stored["level"], stored["rule"], stored["assumptions"]) == (0.9, "magnitude", [])

    def shown(number):
        return None if math.isnan(number) else number

    for cell, audited in zip(stored["cells"], report.cells, strict=True):
        assert [cell[name] for name in ("study", "setup", "model", "benchmark")] == [
            getattr(audited.cell, name) for name in ("study", "setup", "model", "benchmark")
        ]
        assert (cell["verdict"], cell["support"]) == (audited.verdict, audited.status)
        assert cell["headline"] == audited.headline and cell["broken_by"] == list(audited.broken_by)
        assert cell["unknown_runs"] == list(audited.unknown_runs)
        assert cell["possible_verdicts"] == list(audited.possible)
        assert cell["terms"] == {
            name: {"value": shown(term.value), "low": shown(term.low), "high": shown(term.high),
                   "set_low": audited.sets[name][0], "set_high": audited.sets[name][1], "reason": term.reason}
            for name, term in audited.terms.items()
        }  # fmt: skip
        assert cell["layers"] == [
            {"name": layer.name, "verdict": layer.verdict or None, "survives": layer.survives,
             "note": layer.note,
             "terms": {name: {"low": low, "high": high} for name, (low, high) in layer.terms.items()}}
            for layer in audited.layers
        ]  # fmt: skip
        assert cell["arms"] == {
            arm.name: {"accuracy": arm.accuracy, "n_items": arm.n_items, "source": "", "file": "table",
                       "samples_per_item": 4 if cell["study"] == "few" else None, "line": arm.line,
                       "n_runs": arm.n_runs, "run_sd": arm.run_sd, "decoding": None}
            for arm in audited.cell.arms.values()
        }  # fmt: skip
        assert cell["tipping_points"] == {arm: shown(move) for arm, move in audited.tipping.items()}
        assert (cell["doubts"], cell["notices"]) == (list(audited.doubts), list(audited.notices))
        assert cell["verdict_by_rule"] == audited.rules and cell["paired_gain"] == audited.pairing
    assert set(stored["cells"][0]["terms"]) == set(TERMS)


def test_json_keeps_the_former_word_under_its_former_key_for_one_release(report):
    words = [(cell["support"], cell["status"]) for cell in to_dict(report)["cells"]]
    assert words == [("supported", "identified"), ("leaning", "leaning"), ("leaning", "leaning"),
                     ("not identified", "not identified")]  # fmt: skip


def test_numbers_as_words(report):
    numbers = (0.0625, -0.0625, 1.0, 0.0, -0.0, -0.0004, 0.0004, 0.0006, math.nan)
    assert [points(value) for value in numbers] == [
        "+6.2", "-6.2", "+100.0", "0.0", "0.0", "0.0", "0.0", "+0.1", "?",
    ]  # fmt: skip
    assert (points(0.0625, signed=False), points(-0.5, signed=False)) == ("6.2", "-50.0")
    assert (set_text(-0.25, 0.75), set_text(0.125, 0.125)) == ("-25.0 to +75.0", "+12.5")
    assert [verdict_text(cell) for cell in report.cells[1:3]] == ["mixed: no term dominates"] * 2


def test_every_view_names_every_cell_of_the_books_own_data():
    def walk(node):
        if isinstance(node, float):
            assert math.isfinite(node)
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(child)

    own = audit(str(files("rlvr").joinpath("data/arms.csv")))
    walk(to_dict(own))
    text, table = printed(own), to_markdown(own)
    for audited in own.cells:
        assert audited.cell.name in text and verdict_text(audited) in text
        assert audited.cell.model in table
    assert table.count("\n|") == len(own.cells) + 1
