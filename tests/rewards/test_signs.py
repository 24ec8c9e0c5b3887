"""Which minus is a sign: behind marks of lists it is, between numbers it is not, in an expression none is."""

import pytest

from rlvr.rewards import true_reward
from rlvr.rewards.answer_reading import canonical, last_answer
from rlvr.rewards.labels import read_label

MARKS = [
    "a)", "(a)", "b]", "[b]", "1)", "2.)", "a.", "A.", "iv)", "(ii)", "x:", "=", "x =", "Answer:", "**", "*",
    "`", "$", "Answer: (b)", "option b)", "so\n(1)", r"\text{a)}", r"\textbf{(B)}", "**Answer:**", "it is",
    "答案：", "答案是", "it's", "equals", "(a) =", "->", "•", r"\item ",
]  # fmt: skip
MINUSES = ["-", "−", "–", "-$", " -", " minus ", " negative "]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("minus", MINUSES)
def test_a_minus_behind_a_mark_is_a_sign(mark, minus):
    assert canonical(last_answer(f"{mark}{minus}7")) == canonical(-7)
    assert canonical(last_answer(f"so 3 of them.\n{mark}{minus}7.")) == canonical(-7)


@pytest.mark.parametrize(
    "text",
    [
        "x-7", "n - 7", "f(x)-7", "(x+1)-7", "(x + a)-7", "f(2) - 7", "x = (a)-7", "2x-7", "x1-7", "xy-7",
        "π-7", r"\theta-7", r"x\cdot-7", "x/-7", "x*-7", "x²-7", "x minus 7", "f(x) minus 7", "x-(7)",
        "x-**7**", "n+7", "(x+1) + 7", "±7", r"x = \pm 7", "3 ± 7", "a) - 7", "1)- 7", "answer-7", "x—-7",
        "答案-7", "7x", "7π", "-7x", r"7\sqrt{2}", r"\boxed{x-7}", r"\boxed{(3)-7}", r"\boxed{a) - 7}",
    ],
)  # fmt: skip
def test_a_number_in_an_expression_is_paid_as_neither(text):
    found = canonical(last_answer(text))
    assert found is not None and found not in (canonical(7), canonical(-7))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("pages $4$-$7$", 7), ("- **7** apples", 7), ("a)+7", 7), ("a)—7", 7), ("Answer – 7", 7),
        ("sub-7", 7), ("so - 7 is it, 7", 7), ("3 + 7", 7), ("is - 7", -7), ("$- 7$", -7), (r"is $-\,7$", -7),
        ("-**7**", -7), ("a)-(7)", -7), (r"b)-\frac12", "-1/2"), ("(b)-1,234", -1234),
        ("b)-3 1/2", "-7/2"), ("a)-7 cm", -7), ("A)-7 B)-8", -8),
        ("(b)-3 = 4", 4), (r"\boxed{a)-7}", -7), (r"\boxed{\textbf{(B)}\ -7}", -7),
        (r"\boxed{=-7}", -7), (r"\boxed{x:-5}", -5), (r"\boxed{b.-3}", -3), ("#### (a)-7", -7),
    ],
)  # fmt: skip
def test_other_signs(text, value):
    assert canonical(last_answer(text)) == canonical(value)


@pytest.mark.parametrize("mark", ["a)", "(a)", "[b]", "1)", "a.", "x:", "=", r"\text{(C)}", "Answer: "])
def test_labels_are_read_as_answers_are(mark):
    for label in (f"{mark}-7", rf"\boxed{{{mark}-7}}"):
        assert canonical(read_label(label).answer) == canonical(-7)
        paid = true_reward(["p"] * 3, ["-7", "7", f"{mark}-7"], answer=[label] * 3)
        assert paid == [1.0, 0.0, 1.0]
