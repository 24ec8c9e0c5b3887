"""A number that is only a part of the answer is never paid as the answer."""

import pytest

from rlvr.rewards import true_reward
from rlvr.rewards.answer_reading import canonical, last_answer

PARTS = [
    "x = 2 or x = 3", "x = 2 or 3", "2 and 3", "either 2 or 3.", "x = 2, 3", "x=2, y=3", "between 2 and 3",
    "2 to 3", "7 or -3", "$x = 2$ or $x = 3$", r"$x = 2 \text{ or } x = 3$", r"\boxed{2} and \boxed{3}",
    r"\boxed{2}, \boxed{3}", r"$x=\boxed{2}$ or $x=\boxed{3}$", "x > 3", "x ≠ 3", "x != 3", "It is not 3.",
    "2 hours 3 minutes", "5'3\"", "1 pound and 3 pence", "2h3", "7 mod 3", "5C3", "y/3", "1÷3", "2 : 3",
    "0.(3)", "1.5 × 10 3", "0b11 3K", "$3M", "3 bn", "1 lakh or 3 lakh", "3 crore", "3万", "3亿",
    "-(-3)", "+/- 3", "3_2", "0x3", "3 - x", "3/(x+1)", "3̅", "so it is 5, not 3",
]  # fmt: skip


@pytest.mark.parametrize("text", PARTS)
@pytest.mark.parametrize("judge", [None, "plain"])
def test_a_part_is_paid_as_nothing(text, judge):
    assert true_reward(["p"] * 2, [text] * 2, answer=["3", "-3"], judge=judge) == [0, 0]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("3,5", 35), ("3,5", 3.5), ("1.234,5", 1.234), ("0,125", 125), (r"\boxed{0{,}125}", 125),
        ("1.234.567", 567), ("12,34,567", 567), ("1 234,56", 56), ("1 234", 234), ("12 345 678", 678),
        ("1_000_000", 1), ("1_000_000", 0), ("0.333...", 0.333), ("3-1/2", "1/2"), ("1010_2", 1010),
        ("0xFF", 0), ("0b1010", 1010), (r"\boxed{3:45\text{ PM}}", r"3:45\text{ AM}"),
        (r"\boxed{5\text{ million}}", 5), ("|-3|", -3), ("1. Add\n2. Done", 2), ("Step 3:", 3),
        ("so 42 [1].", 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("judge", [None, "plain"])
def test_other_numbers_that_an_answer_is_not(text, wrong, judge):
    assert true_reward(["p"], [text], answer=[str(wrong)], judge=judge) == [0]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Of 2 and 3 the sum is 5", 5), ("1. Compute 3*4 = 12.\n2. Done.", 12), ("so 42 [1].", 42),
        ("He has 2, and she has 3", 3), ("| x | 42 |", 42), ("-> 3", 3), ("> 3", 3), ("1'234'567", 1234567),
        ("1,234", 1234), ("x = 2, so y is 3", 3), ("3 km / h", 3), ("3 / 4", 0.75), ("2 or 3", "2 or 3"),
        (r"\boxed{2} and \boxed{3}", "2, 3"), (r"\boxed{x \geq 5}", r"x\ge5"), ("x ≥ 5", r"x \geq 5"),
        (r"\boxed{3\text{ cm}}", 3), ("so Y = 6/3 or Y = 2 kids", 2), ("0.60 or 60% off", 60),
        ("3Y/3 or 40 = Y", 40), ("1.2Y / 1.2 or 160 = Y", 160), ("since 200 < 220", 220),
        (r"With $T=2, x=\sqrt{16}=4$", 4), ("With $T=2, x=4$", 4), ("for $T=2$, $x=4$", 4),
        ("3 x = 58 or x = 19", 19),
        ("so 24 - 9, or 15 pears", 15), ("3 times 16, or 48", 48),
        ("0.2 or 20% of it", 20), ("6/10, or .6", 0.6), ("y = 6/3 or y = 2", 2), ("In 5 hours, 12 meals", 12),
        ("2, 5 or 5", "2, 5 or 5"), ("9 multiplied by 12, or 108", 108), ("1/0 or 5", "1/0 or 5"),
        ("it is 1 hour, 30 minutes", "1 hour, 30"), ("x = 5 or -5", "x = 5 or -5"),
    ],
)  # fmt: skip
def test_what_stands_alone_is_still_read(text, right):
    assert canonical(last_answer(text)) == canonical(right)


@pytest.mark.parametrize(
    ("answer", "label", "paid"),
    [
        (r"\{3,5\}", "(3,5)", 0), ("x^2=12", "12", 0), ("2x=12", "12", 0), ("3:2", "1.5", 0),
        ("3:45pm", "3:45am", 0), (r"3\pm 2", "5", 0), (r"y = b+a^2", "a^2+b", 1), ("f(x)=x+1", "1+x", 1),
        (r"\{5,3\}", r"\{3,5\}", 1),
    ],
)  # fmt: skip
def test_math_verify_is_not_asked_about_what_it_takes_for_a_number(answer, label, paid):
    pytest.importorskip("math_verify")
    assert true_reward(["p"], [rf"\boxed{{{answer}}}"], answer=[label]) == [paid]
