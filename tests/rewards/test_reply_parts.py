"""Which part of a completion is read: no thinking, no other turn, nothing after a stated answer."""

import pytest

from rlvr.rewards import majority_reward, true_reward
from rlvr.rewards.answer_reading import canonical, last_answer, last_choice
from rlvr.rewards.labels import read_label

TAGS = [
    ("<think>", "</think>"), ("<THINKING>", "</THINKING>"), ("<reasoning>", "</reasoning>"),
    ("<thought>", "</thought>"), ("<scratchpad>", "</scratchpad>"), ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"), ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
]  # fmt: skip


@pytest.mark.parametrize(("opening", "closing"), TAGS)
@pytest.mark.parametrize("mark", [r"\boxed{7}", "#### 7", "It is 7.", "<answer>7</answer>"])
def test_what_is_only_thought_is_no_answer(opening, closing, mark):
    for text in (f"{opening}{mark}{closing} I am lost.", f"{opening}{mark}", f"{mark}{closing}"):
        assert last_answer(text) is None, text
        assert majority_reward(["p"] * 3, [text, text, "8"]) == [0, 0, 1]
    for text in (f"{opening}{mark}{closing} It is 8.", f"{opening}a{closing}<answer>8</answer> in 7 steps"):
        assert last_answer(text) == "8", text
    assert last_choice(f"{opening}The answer is B.{closing}The answer is C.") == "C"


def test_a_box_before_more_thinking_counts_and_labels_are_read_alike():
    assert last_answer(r"<think>a</think>\boxed{3}<think>\boxed{7}") == "3"
    assert read_label(r"<think>\boxed{7}</think> So it is \boxed{8}.").answer == "8"
    assert read_label(r"<think>\boxed{7}</think> So the total is 8.").answer == "8"
    assert read_label(r"<think>\boxed{7}").answer is None
    parts = [{"type": "reasoning", "text": r"\boxed{7}"}, {"type": "text", "text": "none"}]
    assert true_reward(["p"], [[{"role": "assistant", "content": parts}]], answer=["7"]) == [0]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("12<|im_end|>\n<|im_start|>user\nAnd 7?", "12"), (r"\boxed{12}</s> \boxed{7}", "12"),
        ("#### 12<|eot_id|>", "12"), ("12<end_of_turn>7", "12"), ("12</s><s>[INST] 7 [/INST]", "12"),
        ("<|im_start|>user\nsay 5<|im_end|>\n<|im_start|>assistant\n12<|im_end|>", "12"),
        ('<tool_call>{"a": 3}</tool_call>', None), ("12 <tool_response>7</tool_response>", "12"),
        ("13 ~~12~~", "13"), ("<answer></answer> 12", None), ("<answer>12</answer>, no <answer>13", "13"),
        ("#### 42 ####", "42"), ("#### Result\nThe total is 12.", "12"), ("#### 1. Add\nIt is 12.", "12"),
        ("3 < 5, so it is 4", "4"), ("<b>5</b>", "5"),
    ],
)  # fmt: skip
def test_other_parts(text, answer):
    assert last_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 42. It took 3 steps.", "42"), ("Final answer: 42\n\nI checked 3 times.", "42"),
        ("**Final Answer:** 42\n\nNote: 7 was left out.", "42"), ("Answer: 42 (after 3 steps)", "42"),
        ("The answer is 12.\nWait, no, it is 13.", "13"), ("The answer is 12. Or: the answer is 13.", "13"),
        ("If the answer is 5, then 2x = 10. So x is 12.", "12"), ("The answer is $3 + 4 = 7$. Done 2.", "7"),
        ("The answer is 12.\nLet me double-check: it is 13.", "13"),
        ("The answer is below.\n12", "12"), ("So the answer is 3.5 m. Check 2", "3.5"),
    ],
)  # fmt: skip
def test_what_follows_a_stated_answer_is_not_read_unless_it_may_correct_it(text, answer):
    assert canonical(last_answer(text)) == canonical(answer)
