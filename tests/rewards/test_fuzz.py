"""A few of the pathological completions of `python -m tests.fuzz.rewards`."""

import pytest

from rlvr.rewards import majority_reward, true_reward
from tests.fuzz.rewards import OBJECTS, PIECES, run


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


def test_ten_thousand_different_answers_are_one_vote():
    answers = [str(i) for i in range(10_000)]
    assert sum(majority_reward(["p"] * 10_000, answers)) == 1
    assert sum(majority_reward(["p"] * 10_000, answers, judge=lambda one, other: False)) == 1
