"""Input checks: what passes, at the ends too; what is refused, in which words; and never a whole cell."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from rlvr import GRPOConfig, TaskFamily, audit, decompose, simulate
from rlvr._checks import as_given, choice, policy_and_correct, real, shortened, shown, whole

LONG = "x" * 5_000


def test_a_short_value_is_shown_whole():
    assert shown("b" * 98) == repr("b" * 98)  # with its quotes one hundred characters
    assert shortened("b" * 100) == "b" * 100
    assert shown([1, None]) == "[1, None]"


def test_of_a_long_value_both_ends_are_shown_and_its_length():
    text = "".join(chr(97 + i % 26) for i in range(101))
    assert shortened(text) == f"{text[:80]} … {text[-20:]} (101 characters)"
    assert shortened("c" * 5_000, most=30) == f"{'c' * 10} … {'c' * 20} (5,000 characters)"


def test_what_is_shown_stands_on_one_line():
    assert shown(np.eye(2)) == "array([[1., 0.], [0., 1.]])"
    assert "\n" not in shown(pd.DataFrame({"a": range(30)}))


@pytest.mark.parametrize(
    "call",
    [
        lambda: TaskFamily(prior_strength=LONG),
        lambda: TaskFamily(n_actions=LONG),
        lambda: GRPOConfig(filtering=LONG),
        lambda: simulate(TaskFamily(), arms=LONG),
        lambda: simulate(TaskFamily(), arms=(LONG, "true")),
        lambda: simulate(TaskFamily(), arms=("true",) * 999),
        lambda: simulate(TaskFamily(), checkpoints=[3, 2] * 100),
        lambda: decompose(**dict.fromkeys(("frozen", "random", "majority", "true"), np.full(900, math.nan))),
        lambda: audit(pd.DataFrame(), rule=LONG),
        lambda: policy_and_correct([-1.0] * 900, None),
    ],
)
def test_a_python_argument_of_any_length_gets_one_line(call):
    with pytest.raises((TypeError, ValueError), match=r" … .*\([\d,]+ characters\)") as refusal:
        call()
    assert len(str(refusal.value)) < 400 and "\n" not in str(refusal.value)


def test_a_real_number_comes_back_as_a_float():
    for value in (0.5, np.float32(0.5), Fraction(1, 2)):
        found = real("x", value, "a number", above=0, below=1)
        assert found == 0.5 and type(found) is float
    assert real("x", 3, "a number") == 3.0
    assert real("x", -1e300, "a number") == -1e300


def test_an_interval_is_open_unless_it_is_said_to_be_closed():
    for end in (0, 1):
        with pytest.raises(ValueError, match=f"x must be inside, got {end}"):
            real("x", end, "inside", above=0, below=1)
        assert real("x", end, "inside", above=0, below=1, closed=True) == end
    for beyond in (-1e-9, 1 + 1e-9):
        with pytest.raises(ValueError, match="x must be inside"):
            real("x", beyond, "inside", above=0, below=1, closed=True)


@pytest.mark.parametrize(
    ("value", "kind"), [(np.int8(3), int), (2**53, int), (2**54, float), (np.float32(0.5), float)]
)
def test_a_number_is_kept_as_python_s_own_and_as_a_float_where_no_integer_is_exact(value, kind):
    assert type(as_given(value)) is kind and as_given(value) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_no_real_number(value):
    with pytest.raises(ValueError, match=f"x must be a number, got {value}"):
        real("x", value, "a number", closed=True)


@pytest.mark.parametrize("value", [True, np.True_, "1", None, 1j, [1.0]])
def test_what_is_no_number_is_a_type_error(value):
    with pytest.raises(TypeError, match=f"x must be a number, got .* of type {type(value).__name__}$"):
        real("x", value, "a number")
    with pytest.raises(TypeError, match="n must be a count"):
        whole("n", value, "a count", at_least=0)


def test_a_whole_number_comes_back_as_an_int():
    assert whole("n", np.int64(7), "a count", at_least=7, at_most=7) == 7
    assert type(whole("n", np.int64(7), "a count", at_least=0)) is int
    assert whole("n", 10**30, "a count", at_least=0) == 10**30


@pytest.mark.parametrize("value", [6, 9])
def test_a_whole_number_outside_its_range_is_refused(value):
    with pytest.raises(ValueError, match=f"n must be from 7 to 8, got {value}$"):
        whole("n", value, "from 7 to 8", at_least=7, at_most=8)


def test_a_float_is_no_whole_number_and_nan_is_a_value_error():
    with pytest.raises(TypeError, match=r"n must be a count, got 2\.0 of type float"):
        whole("n", 2.0, "a count", at_least=0)
    with pytest.raises(ValueError, match="n must be a count, got nan of type float"):
        whole("n", math.nan, "a count", at_least=0)


def test_a_choice_is_one_of_its_options():
    assert choice("kind", "b", ("a", "b")) == "b"
    with pytest.raises(ValueError, match="kind must be one of 'a', 'b', got 'c'"):
        choice("kind", "c", ("a", "b"))
    with pytest.raises(TypeError, match="kind must be one of 'a', 'b', got 3"):
        choice("kind", 3, ("a", "b"))


def test_a_policy_and_its_correct_set_come_back_as_arrays():
    probabilities, correct = policy_and_correct([0.25, 0.75], [False, True])
    assert probabilities.tolist() == [0.25, 0.75] and correct.tolist() == [False, True]
    assert policy_and_correct([0.0, 1.0], None)[1] is None
    assert policy_and_correct([0.5, 0.5 + 5e-10], None)[0].sum() > 1  # rounding is no fault


@pytest.mark.parametrize(
    ("policy", "correct", "message"),
    [
        ([1.0], None, r"at least 2 probabilities, got shape \(1,\)"),
        ([[0.5, 0.5]], None, r"got shape \(1, 2\)"),
        ([-0.1, 1.1], None, r"finite probabilities of at least 0, got \[-0.1, 1.1\]"),
        ([math.nan, 1.0], None, "finite probabilities"),
        ([0.5, 0.5 + 2e-9], None, "must sum to 1"),
        ([0.5, 0.5 - 2e-9], None, "must sum to 1"),
        ([0.2, 0.2], None, r"must sum to 1 \(to 1e-9\), got a sum of 0.4"),
        ([0.5, 0.5], [0, 1], "boolean vector of policy's length 2, got int64 of shape"),
        ([0.5, 0.5], [True], r"length 2, got bool of shape \(1,\)"),
        ([0.5, 0.5], [False, False], "at least one correct action, got none"),
    ],
)
def test_what_is_no_policy_is_named(policy, correct, message):
    with pytest.raises(ValueError, match=message):
        policy_and_correct(policy, correct)


@pytest.mark.parametrize("text", [" " * 300_000, "x" + "\t" * 300_000 + "y", ("\r" + " " * 200_000) * 2])
def test_a_long_run_of_blanks_is_shortened_at_once(text):
    assert len(shortened(text)) <= 130 and "\r" not in shortened(text)
