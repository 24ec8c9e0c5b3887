"""From completion to text, to answer, to the form in which answers are compared."""

from fractions import Fraction

import pytest

from rlvr.rewards.answer_reading import canonical, completion_text, last_answer


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
    assert completion_text([]) == ""


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
