"""A few of the pathological completions of `python -m tests.fuzz.rewards`."""

import pytest

from rlvr.rewards import majority_reward, true_reward
from rlvr.rewards.answer_reading import MOST_READ
from tests.fuzz.rewards import BEFORE_RUNS, OBJECTS, PIECES, run


@pytest.mark.parametrize("seed", [1, 2])
def test_every_completion_is_paid(seed):
    run(2000, seed)


def test_what_is_no_completion_is_paid_nothing_and_counted():
    logged = {}
    paid = true_reward(
        ["p"] * len(OBJECTS), OBJECTS, answer=["no"] * len(OBJECTS), log_metric=logged.__setitem__
    )
    assert set(paid) == {0.0} and logged["true_reward/failed"] > 0.3 and logged["true_reward/unread"] > 0.5


@pytest.mark.parametrize("piece", [piece for piece in PIECES if piece.strip()])
def test_a_long_text_of_anything(piece):
    text = piece * (100_000 // len(piece))
    for one in (text, "\\" + text, text + "7", "\\boxed{" + text):
        assert true_reward(["p"], [one], answer=["no"]) == [0.0]


@pytest.mark.parametrize("before", BEFORE_RUNS)
def test_a_long_run_of_one_sign_is_read_once(before):
    """What looks again from each place in such a run needs minutes here, and hours for a million signs."""
    for sign in (" ", "\n", "1", "a", "{", "\\ ", "~"):
        assert true_reward(["p"], [before + sign * 300_000 + "x"], answer=["no"]) == [0.0]


def test_of_a_text_beyond_any_model_the_end_is_read():
    text = "4" + " and so on" * (MOST_READ // 10)
    assert true_reward(["p"] * 3, [text, text + " 5", "4" + text[:1000]], answer=["5"] * 3) == [0, 1, 0]


def test_ten_thousand_different_answers_are_one_vote():
    answers = [str(i) for i in range(10_000)]
    assert sum(majority_reward(["p"] * 10_000, answers)) == 1
    assert sum(majority_reward(["p"] * 10_000, answers, judge=lambda one, other: False)) == 1
