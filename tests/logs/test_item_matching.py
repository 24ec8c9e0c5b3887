"""Items matched by hand: what is kept, averaged, told and refused."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from rlvr.logs.evaluation_log import Log, LogError
from rlvr.logs.item_matching import Run, matched


def run(arm, items, shares, *, number=1, prompts=None, tool="plain"):
    path = Path(f"{arm}-{number}.jsonl")
    prompts = [f"asked {item}" for item in items] if prompts is None else prompts
    hashed = [hashlib.sha256(text.encode()).hexdigest() if text else "" for text in prompts]
    log = Log(path, tool, "sums", "base", {})
    return Run(arm, number, path.name, log, items, hashed, np.array(shares, dtype=float))


def table(outcomes):
    columns = ["arm", "run", "item", "correct", "samples_per_item", "source"]
    assert list(outcomes) == columns
    return [tuple(row) for row in outcomes.astype({name: object for name in columns}).to_numpy()]


FROZEN, TRUE = run("frozen", ["a", "b"], [0, 1]), run("true", ["b", "a"], [1, 0.5])


def test_items_are_matched_by_name_whatever_their_order():
    outcomes, said = matched("sums", [FROZEN, TRUE], False, own=False)
    assert table(outcomes) == [
        ("frozen", "1", "a", 0.0, 1, "frozen-1.jsonl"), ("frozen", "1", "b", 1.0, 1, "frozen-1.jsonl"),
        ("true", "1", "a", 0.5, 1, "true-1.jsonl"), ("true", "1", "b", 1.0, 1, "true-1.jsonl"),
    ]  # fmt: skip
    assert said == []


def test_samples_are_averaged_within_an_item_and_unequal_numbers_are_told():
    one = run("frozen", ["a", "b", "a", "b", "a"], [1, 1, 0, 0, 0])
    two = run("frozen", ["b", "b", "a", "a"], [1, 1, 1, 0], number=2)
    outcomes, said = matched("sums", [one, two], False, own=False)
    assert [row[1:5] for row in table(outcomes)] == [
        ("1", "a", pytest.approx(1 / 3), 2), ("1", "b", 0.5, 2), ("2", "a", 0.5, 2), ("2", "b", 1.0, 2),
    ]  # fmt: skip
    assert said == ["frozen-1.jsonl: 2 to 3 samples an item, each item counts the same"]


def test_items_of_one_arm_alone_carry_its_name():
    outcomes, _ = matched("sums", [TRUE, run("true", ["b", "a"], [0, 0], number=2)], False, own=True)
    assert list(outcomes["item"]) == ["true: b", "true: a"] * 2


SHORT = run("random", ["b"], [1])
LONG = run("true", ["b", "c", "d"], [1, 1, 0])


def test_what_is_not_in_every_log_is_refused_with_how_many_and_the_first():
    with pytest.raises(LogError) as refusal:
        matched("sums", [FROZEN, SHORT, LONG], False, own=False)
    assert str(refusal.value) == (
        "sums: 3 of 4 items are not in every log (frozen-1.jsonl lacks 2; random-1.jsonl lacks 3; "
        "true-1.jsonl lacks 1; the first is a); common_items (--common-items) audits the 1 that every log has"
    )


def test_the_first_named_is_one_that_the_log_with_most_gaps_lacks():
    runs = [
        run("frozen", ["a", "b", "c", "d"], [1] * 4),
        run("random", ["b", "c", "d"], [1] * 3),
        run("true", ["a", "b"], [1] * 2),
    ]
    with pytest.raises(LogError, match=r"true-1.jsonl lacks 2; the first is c\)"):
        matched("sums", runs, False, own=False)


def test_it_is_left_out_and_told_where_that_is_allowed():
    outcomes, said = matched("sums", [FROZEN, SHORT, LONG], True, own=False)
    assert [row[:4] for row in table(outcomes)] == [
        ("frozen", "1", "b", 1.0), ("random", "1", "b", 1.0), ("true", "1", "b", 1.0),
    ]  # fmt: skip
    assert said == [
        "3 of 4 items left out, not in every log: "
        "frozen-1.jsonl lacks 2; random-1.jsonl lacks 3; true-1.jsonl lacks 1"
    ]


def test_a_long_name_and_a_long_list_are_cut_in_the_middle():
    many = [run("frozen", ["x" * 200, "b"], [1, 1]), *(run("true", ["b"], [1], number=n) for n in range(30))]
    with pytest.raises(LogError) as refusal:
        matched("sums", many, False, own=False)
    said = str(refusal.value)
    assert f"the first is {'x' * 40} … {'x' * 20} (200 characters)" in said
    lack = "; ".join(f"true-{n}.jsonl lacks 1" for n in range(30))
    assert f"({lack[:380]} … {lack[-20:]} ({len(lack)} characters)" in said


@pytest.mark.parametrize(
    ("tools", "why"),
    [
        (("verl", "inspect"), "inspect and verl name items each in its own way"),
        (("verl", "verl"), "an item is known by its whole input"),
        (("inspect", "inspect"), "the logs are of other items"),
    ],
)
@pytest.mark.parametrize("common_items", [True, False])
def test_without_a_common_item_the_reason_and_the_way_out_are_said(tools, why, common_items):
    runs = [run("frozen", ["a"], [1], tool=tools[0]), run("true", ["b"], [1], tool=tools[1])]
    with pytest.raises(LogError) as refusal:
        matched("sums", runs, common_items, own=False)
    assert str(refusal.value) == (
        "sums: 2 of 2 items are not in every log (frozen-1.jsonl lacks 1; true-1.jsonl lacks 1): "
        f"{why}; unpaired (--unpaired) takes the arms without matching items"
    )


def test_one_tool_s_item_in_other_words_is_refused():
    other = run("true", ["b", "a"], [1, 0.5], prompts=["asked b", "asked differently"])
    with pytest.raises(LogError) as refusal:
        matched("sums", [FROZEN, other], False, own=False)
    before, after = (hashlib.sha256(text).hexdigest()[:12] for text in (b"asked a", b"asked differently"))
    assert str(refusal.value) == (
        "sums: frozen-1.jsonl and true-1.jsonl differ in the prompt of 1 of 2 items, the first is a "
        f"(prompts {before} and {after}); arms asked the same are accepted"
    )


def test_unknown_prompts_and_those_of_another_tool_are_not_compared():
    unknown = run("true", ["b", "a"], [1, 0.5], prompts=["", ""])
    for runs in ([FROZEN, unknown], [unknown, FROZEN]):
        assert matched("sums", runs, False, own=False)[1] == []
    elsewhere = run("true", ["b", "a"], [1, 0.5], prompts=["B", "A"], tool="verl")
    assert matched("sums", [FROZEN, elsewhere], False, own=False)[1] == []
