"""Votes by hand, and every tie rule."""

import hashlib
from fractions import Fraction

import pytest

from rlvr.rewards.keyed_coins import keyed_uniform
from rlvr.rewards.plurality_vote import plurality
from rlvr.rewards.trainer_columns import prompt_groups, prompt_text


def test_votes_by_hand():
    assert plurality(["a", "b", "b"]) == "b"
    assert plurality([None, None, "a"]) == "a"
    assert plurality([None, None]) is None and plurality([]) is None
    assert plurality([False, False, True]) is False  # a falsy answer is an answer


def test_a_tie_goes_to_the_first_sampled():
    assert plurality(["z", "a", "a", "z", "m"]) == "z"


def test_the_lowest_is_by_value_and_numbers_stand_before_texts():
    assert plurality([Fraction(10), Fraction(9)], "lowest") == 9
    assert plurality(["b", "a"], "lowest") == "a"
    assert plurality(["1x", Fraction(2)], "lowest") == 2
    assert plurality([("b",), "x", ("a",)], "lowest") == "x"
    assert plurality([("b",), ("a",)], "lowest") == ("a",)


@pytest.mark.parametrize(("drawn", "winner"), [(0.0, 1), (0.34, 2), (0.99, 3)])
def test_a_drawn_tie_is_drawn_in_the_order_of_values(drawn, winner):
    assert plurality([3, 1, 2], "uniform", lambda: drawn) == winner


def test_a_draw_is_asked_for_in_a_tie_alone():
    assert plurality([3, 1, 3], "uniform") == 3
    with pytest.raises(ValueError, match="needs uniform"):
        plurality([3, 1], "uniform")
    with pytest.raises(ValueError, match="tie_break must be one of first, lowest, uniform, got 'x'"):
        plurality([3], "x")


def test_keys_of_unlike_parts_are_unlike():
    drawn = [keyed_uniform(*key) for key in [(1, 2), (2, 1), ("1", 2), (12,), ("12",), (1, 2, 0)]]
    assert len(set(drawn)) == 6 and all(0 <= value < 1 for value in drawn)
    with pytest.raises(TypeError, match=r"a string or a whole number, got 0\.5"):
        keyed_uniform(0.5)
    with pytest.raises(TypeError, match="got True"):
        keyed_uniform(True)


def test_a_coin_is_the_first_53_bits_of_a_digest():
    bits = int(hashlib.sha256(b'["a", 1]').hexdigest()[:16], 16) >> 11
    assert keyed_uniform("a", 1) == bits / 2**53


def test_groups_are_stretches_or_of_a_given_size():
    assert prompt_groups(list("aaabbb")) == [range(0, 3), range(3, 6)]
    assert prompt_groups(list("aaaa"), group_size=2) == [range(0, 2), range(2, 4)]
    assert prompt_groups([]) == []
    chats = [[{"role": "user", "content": "x"}], [{"content": "x", "role": "user"}]]
    assert prompt_groups(chats) == [range(0, 2)]  # the order of keys is no difference
    assert prompt_text(chats[0]) == prompt_text(chats[1])
