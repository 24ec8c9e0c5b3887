"""The findings: one row a script, versions as installed, the index as the data, and what we do about each."""

import importlib
import json
import re

import numpy as np
import pytest

from book.tool_behaviours import FINDINGS, tool_behaviours
from rlvr import audit, majority_reward, true_reward
from rlvr.logs import read_logs
from rlvr.planning import outcomes_table

ROWS = tool_behaviours()
SCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in FINDINGS.glob("*.sh")}


def test_one_row_a_script():
    assert sorted(row["script"] for row in ROWS) == sorted(SCRIPTS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["script"])
def test_the_script_installs_the_versions_of_its_row(row):
    for tool in row["tool"].split(", "):
        name, version = re.fullmatch(r"([\w.-]+) (\d[\w.]*)", tool).groups()
        installed = rf"\b{re.escape(name)}(\[\w+\])?=={re.escape(version)}(?![\w.])"
        assert re.search(installed, SCRIPTS[row["script"]], re.IGNORECASE), tool


def test_the_index_is_the_data():
    index = (FINDINGS / "README.md").read_text(encoding="utf-8")
    cells = [(f"`{row['script']}`", row["tool"], row["guess"], row["happens"], row["advice"]) for row in ROWS]
    lines = [f"| {' | '.join(line)} |" for line in cells]
    assert [line for line in index.splitlines() if line.startswith("| `")] == lines


@pytest.mark.parametrize("row", [row for row in ROWS if row["test"]], ids=lambda row: row["script"])
def test_what_this_project_does_is_held_by_a_test(row):
    module, _, name = row["test"].partition("::")
    assert callable(getattr(importlib.import_module(module.removesuffix(".py").replace("/", ".")), name))
    assert row["here"], f"{row['script']} names a test, but not what this project does"


def audited(frozen, random, majority, true):
    arms = {"frozen": frozen, "random": random, "majority": majority, "true": true}
    runs = {arm: np.array([outcomes], dtype=float) for arm, outcomes in arms.items()}
    return audit(outcomes_table({"study": runs})).cells[0]


def test_identical_arms_differ_by_zero_with_an_interval():
    terms = audited(*[[0, 1] * 10] * 4).terms
    assert all(terms[name].value == 0 and terms[name].low < -0.1 and terms[name].high > 0.1 for name in terms)


def test_a_unanimous_gain_is_away_from_zero():
    total = audited([0] * 20, [0] * 20, [1] * 20, [1] * 20).terms["total"]
    assert total.value == 1 and 0.5 < total.low < 1 == total.high


def test_a_constant_gain_has_an_interval():
    total = audited([0] * 20, [0] * 20, [0.5] * 20, [0.5] * 20).terms["total"]
    assert total.value == 0.5 and total.low < 0.4 and total.high > 0.6


def test_one_run_an_arm_says_nothing_of_runs():
    assert audited([0] * 20, [0] * 20, [1] * 20, [1] * 20).unknown_runs == ("random", "majority", "true")


@pytest.mark.parametrize("reply", [r"Answer: \text{C}", "I considered A but the final answer is **C**"])
def test_a_letter_without_a_box_is_unread_and_not_another(reply):
    logged = {}
    paid = [true_reward(["q"], [reply], answer=[label], log_metric=logged.__setitem__) for label in "AC"]
    assert paid == [[0.0], [0.0]] and logged["true_reward/unread"] == 1
    assert true_reward(["q"], [rf"\boxed{{{reply[-5:]}}}"], answer=["A"]) == [0.0]


@pytest.mark.parametrize("other", "BCD")
def test_the_letter_a_is_a_vote(other):
    replies = [rf"\boxed{{{letter}}}" for letter in ("A", other, "A", "A")]
    assert majority_reward(["q"] * 4, replies) == [1.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("score", ["NaN", "null", '""'])
def test_an_unscored_answer_is_refused_with_its_place(score, tmp_path):
    log = tmp_path / "true.jsonl"
    log.write_text("".join(f'{{"item": "q{i}", "correct": {score if i == 7 else 1}}}\n' for i in range(9)))
    with pytest.raises(ValueError, match="q7"):
        read_logs([("true", log)])


@pytest.mark.parametrize("others", [["007", "008"], ["7.1", "8.2"]])
def test_ids_are_matched_as_written(others, tmp_path):
    for arm, items in (("true", [7, 8]), ("same", ["7", "8"]), ("other", others)):
        lines = (f"{json.dumps({'item': item, 'correct': 1})}\n" for item in items)
        (tmp_path / f"{arm}.jsonl").write_text("".join(lines))
    pairs = {
        arm: [("true", tmp_path / "true.jsonl"), ("random", tmp_path / f"{arm}.jsonl")]
        for arm in ("same", "other")
    }
    assert len(read_logs(pairs["same"]).table) == 4
    with pytest.raises(ValueError, match="4 of 4 items are not in every log"):
        read_logs(pairs["other"])
