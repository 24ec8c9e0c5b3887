"""From completion to text, to answer, to the form in which answers are compared."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvr.rewards.answer_reading import canonical, completion_text, last_answer, last_choice
from rlvr.rewards.plain_text import NUMBER, numbers_from_end


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"first \boxed{3}, then \boxed{4} and 5", "4"),
        (r"\boxed{ \frac{1}{2} }", r"\frac{1}{2}"),
        (r"\boxed{a{b}{c{d}}}e}", "a{b}{c{d}}"),
        (r"12 \boxed{3", None),
        (r"12 \boxed{}", None),
        ("3 + 4 = 7.", "7"),
        ("so -1,234.5!", "-1,234.5"),
        ("half is 1/2", "1/2"),
        ("in 1,23 it is 23", "23"),
        ("no number", None),
        ("", None),
    ],
)
def test_the_default_reader(text, answer):
    assert last_answer(text) == answer


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        ("1,000", Fraction(1000)),
        (1000, Fraction(1000)),
        ("2xy", "2xy"),
        ("3 ab", "3ab"),
        ("2 theta", "2theta"),
        ("5m", "5m"),
        ("5 cm", Fraction(5)),
        ("12-feet", Fraction(12)),
        ("3.50 dollars", Fraction(7, 2)),
        ("6 square units", Fraction(6)),
        ("5 or more", "5ormore"),
        ("2 million", Fraction(2_000_000)),
        (" $-0.50$ ", Fraction(-1, 2)),
        ("+3/6", Fraction(1, 2)),
        (0.25, Fraction(1, 4)),
        ("1,00", "1,00"),
        ("1/0", "1/0"),
        ("1/00", "1/00"),
        ("x + 1", "x+1"),
        (0.1, Fraction(1, 10)),
        ("  ", None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        (True, True),
        (("a", 1), ("a", 1)),
    ],
)
def test_the_form_that_is_compared(answer, form):
    found = canonical(answer)
    assert found == form and type(found) is type(form)


def test_a_number_of_any_length_costs_nothing():
    assert canonical("9" * 301) == "9" * 301
    assert canonical("9" * 300) == Fraction(10**300 - 1)
    assert canonical("1e300") == 10**300
    assert canonical("1e301") == "1e301"  # a short text must not become a huge number
    assert canonical("10^-300") == Fraction(1, 10**300) and canonical("9^999") == "9^999"


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The correct answer is C.", "C"), ("Answer: (B)", "B"), ("**Answer: D**", "D"), ("ANSWER: E", "E"),
        ("The answer is A because 3 > 2.", "A"), ("Answer: A lot", None), ("d", None),
        ("The answer is A, because 3 > 2.", "A"), ("The answer is B since 3 > 2", "B"),
        ("Answer A is wrong. The answer is option B.", "B"), ("D", "D"), ("(D)", "D"), ("B. 12", "B"),
        (r"\boxed{\textbf{(E)}}", "E"), (r"The answer is B, or \boxed{C}", "C"), (r"\boxed{12}", None),
        ("The answer is A' and", None), ("answer is not A", None), ("A number is 12", None), ("", None),
        ("Answer: C\n\nQuestion: 7", "C"), ("the answer is a lot", None), ("answer is (A)\n", "A"),
    ],
)  # fmt: skip
def test_letters_of_choices(text, letter):
    assert last_choice(text) == letter


def test_messages_of_the_model_alone_are_read():
    messages = [
        {"role": "user", "content": "say 5"},
        {"role": "assistant", "content": "4"},
        {"role": "tool", "content": "9"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "assistant", "content": [{"type": "text", "text": "6"}, {"type": "image"}]},
    ]
    assert completion_text(messages) == "4\n6"
    assert completion_text("plain") == "plain"
    assert completion_text({"role": "assistant", "content": "4"}) == "4"
    assert completion_text([]) == ""


@pytest.mark.parametrize("role", ["tool", "Tool", "function", "ipython", "observation", "tool_response"])
def test_a_tool_s_number_is_no_answer_and_a_call_needs_no_content(role):
    called = {"role": "assistant", "tool_calls": [{"function": {"name": "sum", "arguments": "{}"}}]}
    messages = [called, {"role": role, "content": "9"}, {"role": "assistant", "content": "It is 4."}]
    assert completion_text(messages) == "It is 4." and completion_text([*messages[:2]]) == ""
    assert completion_text([{"role": "gpt", "content": "4"}, {"role": "user", "content": "5"}]) == "4"


@pytest.mark.parametrize(
    ("completion", "message"),
    [
        (None, "a string or a list of chat messages, got None"),
        ([{"role": "assistant"}], "a list of chat messages, got"),
        ([{"role": "assistant", "content": 5}], "a list of parts with a text, got 5"),
    ],
)
def test_what_is_no_completion(completion, message):
    with pytest.raises(TypeError, match=message):
        completion_text(completion)


def test_an_answer_that_cannot_be_counted():
    with pytest.raises(TypeError, match=r"an answer must be hashable.*got \['a'\]"):
        canonical(["a"])


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("x = −5", -5, 5), ("x = - 5", -5, 5), ("(−3)", -3, 3), ("it costs -$5", -5, 5),
        ("- 7 apples", 7, -7),
        ("pages 4-7", 7, -7), ("pages 4–7", 7, -7), ("pages 4--7", 7, -7), ("so 4 - 7 =", 7, -7),
        ("GPT-4", 4, -4),
        ("it is .5", 0.5, 5), ("x=-.5", -0.5, 5), ("it is 5.", 5, None), ("about 1e5", 100_000, 5),
        ("about 2.5e-3.", "0.0025", 3), ("2.5 × 10⁻³", "0.0025", 3), (r"$2.5 \times 10^{-3}$", "0.0025", -3),
        ("so $x^2$", None, 2), ("−½", -0.5, 0.5), ("it is 2√3.", r"2\sqrt3", 3), (r"0.\overline{3}", None, 3),
        ("so -(1/2)", -0.5, 0.5), ("it is minus 5", -5, 5), ("7 minus 5", 5, -5), ("٣٫٥", 3.5, 5),
        ("on 2024-01-05", "2024-01-05", 5), ("12 million", 12_000_000, 12), (r"x\geq-5", r"x\geq-5", -5),
        (r"\approx5", 5, None),
        (r"it is \frac{x}{5}", r"\frac x5", 5), (r"$3 \times 5$", None, None), ("it is _5_", 5, None),
        ("__5__", 5, None), ("and x_1", None, 1),
        ("it is 2^{10}", 1024, 10), ("3 1/2 cups", 3.5, "1/2"),
        ("3½ cups", 3.5, 3), ("-1 / 2", -0.5, 2), (r"\boxed{3\frac12}", 3.5, "1/2"),
        (r"\boxed{\frac12}", "1/2", 12),
        (r"\boxed{-\dfrac{1}{2}}", "-0.5", 0.5), (r"\boxed{\frac{-1}{2}}", -0.5, 0.5),
        (r"$\tfrac7{2}$", 3.5, 2),
        (r"\boxed{1{,}000}", 1000, 1), (r"it is 1{,}000", 1000, 0), (r"\boxed{1\,000}", 1000, 0),
        (r"\boxed{1,\!000}", 1000, 1), ("1\u2009000 m", 1000, 0), ("1\u00a0000", 1000, 0),
        ("10 000 people", 10**4, 0),
        ("it is 1,5", "1,5", 5), ("at 12:30", "12:30", 30), ("version 1.2.3", "1.2.3", 3), ("٤", 4, None),
        ("answer 1/٠", "1/0", 4), ("１２", 12, 2), ("it is 1/0", "1/0", 0), ("1e999", "1e999", 999),
        (r"is $\frac{\sqrt{3}}{2}$.", r"\frac{\sqrt3}2", 2), (r"\[ x = 2\sqrt{3} \]", r"2 \sqrt 3", 3),
        (r"\(x=\frac{7}{2}\)", 3.5, 2), ("costs $5 and $7", 7, 5), (r"\boxed{\text{blue}}", "Blue", "red"),
        (r"\boxed{\text{C}}", "C", "A"), (r"\boxed{\textbf{(C)}}", "C", "c"), (r"\boxed{x = 5}", 5, None),
        (r"\boxed{5\text{ cm}}", 5, None), (r"\boxed{50\%}", 50, 0.5), (r"\boxed{72^\circ}", 72, None),
        (r"\boxed 5", 5, None), (r"\fbox{6} 5", 6, 5), (r"\boxed{\left(1,2\right)}", "(1, 2)", "(2,1)"),
        ("so\n#### 72", 72, None), ("#### yes (1)", None, 1), (r"\boxed{12 million}", 12e6, 12),
        (r"\boxed{3 or 4}", "3 or 4", 3), ("5" + " and so on" * 3000, 5, None),
        ("7" + "a" * 30_000 + "x^8", 7, 8),
    ],
)  # fmt: skip
def test_spellings_of_one_answer(text, right, wrong):
    form = canonical(last_answer(text))
    if right is not None:
        assert form == canonical(right)
    assert wrong is None or form != canonical(wrong)


_PIECES = [
    "0", "12", "1,000", ".5", "-", " ", "$", "/", "e", "^{", "}", r"\times", "10", " thousand", ".", "\n",
    "q" * 15, "q" * 16, "q" * 17, "q" * 300,
]  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=30).map("".join))
def test_numbers_from_the_end_are_those_from_the_beginning(text):
    forwards = [(found.span(), found["sign"]) for found in NUMBER.finditer(text)]
    backwards = [(found.span(), found["sign"]) for found in numbers_from_end(text, 5)]
    assert backwards == forwards[::-1][:5]


_WORDS = [
    "it is",
    "minus",
    "negative",
    "3 out of",
    "a",
    "x:",
    "so:",
    "5",
    "10",
    "000",
    "1.5",
    "e",
    "is $",
    ".",
    "- ",
]


@given(
    st.lists(st.sampled_from(_WORDS), max_size=6).map(" ".join), st.sampled_from(["", ".", " ", ".\n", "%"])
)
def test_a_number_at_the_end_is_read_as_any_other(text, end):
    text = f"{text} 72{end}"
    assert last_answer(text) == last_answer(f"{text}\u200b")  # a sign without width, which the shortcut lacks


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("the interval (3, 5)", "(3, 5)"),
        ("the point is $(3,-5)$", "(3,-5)"),
        ("so x lies in (-3, \u221e)", "(-3, \\infty )"),
        ("the roots are {2, 7}.", "{2, 7}"),
        ("(of 3 cats, two left) so 5", "5"),
        ("(1) x = 2, (2) y = 3", "3"),
        ("sqrt(16)", "sqrt(16)"),
        ("f(3) = 9", "9"),
        ("10**5", "10**5"),
        ("so **5**", "5"),
        ("0x10", "0x10"),
        ("answer: $5x+3$", "5x+3"),
        ("$x = 5$ cats", "5"),
        ("2 dozen", "2 dozen"),
        ("3 out of 4", "3 out of 4"),
        ("10'000", "10000"),
        ('it is "-7"', "-7"),
        ("6'-7\"", "7"),
        ("minus $7", "-7"),
        ("- 7", "-7"),
        ("7 and" + " x^2" * 49, "7"),
        ("7 and" + " x^2" * 50, None),  # no more numbers are looked at
    ],
)
def test_a_part_of_an_answer_is_no_answer(text, answer):
    assert canonical(last_answer(text)) == canonical(answer)


def test_a_point_is_no_number_with_thousands():
    assert canonical("(1,234)") != canonical("1,234") and canonical("(5)") == canonical("5")
    assert canonical("101_{2}") == canonical("101_2") != canonical("101_3")
