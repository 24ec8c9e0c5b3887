"""Labels as data sets hold them."""

from decimal import Decimal

import numpy as np
import pytest

from rlvr.rewards import majority_reward, true_reward
from rlvr.rewards.labels import UNREADABLE, read_label


@pytest.mark.parametrize(
    ("label", "answer", "how"),
    [
        ("72", "72", "a number"), (72, "72", "a number"), (-0.5, "-0.5", "a number"),
        (np.int64(4), "4", "a number"),
        (Decimal("0.10"), "0.10", "a number"), (["7"], "7", "a number"), (r"\frac12", r"\frac12", "a number"),
        ("6 * 12 = 72 so\n#### 72", "72", "a box"), (r"Thus $x = \boxed{2}$.", "2", "a box"),
        ("blue", "blue", "a text"), (r"\text{(C)}", r"\text{(C)}", "a text"), ("x^2+1", "x^2+1", "a text"),
        (r"\sqrt{3} + \text{some words of it}", r"\sqrt{3} + \text{some words of it}", "a text"),
        ("So she sells 72 clips.", "72", "the last number of a text"),
        ("three red balls", "three red balls", "a text"),
        (None, None, "missing"), ("", None, "missing"), (" $ $", None, "missing"),
        (Decimal("1e-7"), "1E-7", "a number"), (Decimal("sNaN"), None, "not a finite number"),
        (float("nan"), None, "not a finite number"), (r"so \boxed{}", None, "an empty box"),
        (r"so \boxed{2", None, "an empty box"), ("####", None, "an empty box"),
        ("We prove that every such word is a square, as was to be shown.", None, "a text without an answer"),
    ],
)  # fmt: skip
def test_labels_are_read_like_answers(label, answer, how):
    assert read_label(label) == (answer, how)
    assert (answer is None) == (how in UNREADABLE)


def test_a_whole_number_of_any_length_is_a_label():
    assert read_label(10**5000) == (None, "a text without an answer")


@pytest.mark.parametrize("label", [True, ["1", "2"], [], {"a": 1}, b"4", {4}, 1j])
def test_what_is_no_label_is_named_with_its_place(label):
    with pytest.raises(TypeError, match=r"entry 1 of the column 'gold'.*the one right answer as text"):
        true_reward(["p"] * 2, ["1"] * 2, column="gold", gold=["1", label])


def test_a_worked_solution_is_a_label():
    labels = ["4 + 68 = 72\n#### 72", r"Then $y=\boxed{72}$ as wanted.", 72, "72.0"]
    assert true_reward(["p"] * 4, ["it is 72"] * 4, answer=labels) == [1.0] * 4
    assert majority_reward(["p", "q"], ["72", "2"], labels={"p": labels[0], "q": labels[1]}) == [1.0, 0.0]


def test_unreadable_labels_judge_nothing_and_are_counted(caplog):
    logged = {}
    assert true_reward(["p"] * 2, ["1"] * 2, answer=["", "1"], log_metric=logged.__setitem__) == [None, 1.0]
    assert logged["true_reward/unread_labels"] == 0.5 and logged["true_reward/unread"] == 0
    assert true_reward(["p"] * 2, ["1"] * 2, answer=["", r"\boxed{"], log_as="mine") == [None] * 2
    assert "rlvr labels" in caplog.text


def test_readings_stand_beside_the_completions():
    table = {}
    true_reward(["p"] * 2, ["so 1/2", "none"], answer=["#### 0.5", None], log_extra=table.__setitem__)
    assert table == {"true_reward/answer": ["1/2", None], "true_reward/label": ["0.5", None]}


def _nested(depth):
    """A label, or a prompt, in lists of one."""
    label = "4"
    for _ in range(depth):
        label = [label]
    return label


def test_what_is_nested_or_large_beyond_reading_is_refused_or_no_answer():
    endless = []
    endless.append(endless)
    assert read_label(_nested(50)).answer == "4"
    for label in (_nested(100_000), endless):
        with pytest.raises(TypeError, match="of type list"):
            read_label(label)
        with pytest.raises(TypeError, match="chat messages"):
            majority_reward([label, label], ["4", "5"])
    read_label(Decimal("1e999999999"))  # whose digits nobody could hold
