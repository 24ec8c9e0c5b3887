"""The four arms: their order, their codes, and which selections of them are refused."""

import re

import pytest

from rlvr.arms import ARM_CODE, ARMS, check_arms


def test_the_arms_in_the_order_in_which_they_enter_the_gain():
    assert ARMS == ("frozen", "random", "majority", "true")
    assert ARM_CODE == {"frozen": 0, "random": 1, "majority": 2, "true": 3}


@pytest.mark.parametrize("arms", [ARMS, list(ARMS[::-1]), ("true",), iter(["random", "true"])])
def test_distinct_known_arms_come_back_in_their_order(arms):
    kept = list(arms)
    assert check_arms(iter(kept)) == tuple(kept)


@pytest.mark.parametrize(
    ("arms", "error", "problem"),
    [
        ("true", TypeError, "arms must be a sequence of names out of ('frozen',"),
        (None, TypeError, "got None"),
        ((), ValueError, "got no arm in ()"),
        (("true", "true"), ValueError, "got an arm twice in ('true', 'true')"),
        (("true", "format"), ValueError, "got unknown ['format'] in ('true', 'format')"),
        (("format", "format"), ValueError, "got unknown ['format', 'format']"),
    ],
)
def test_other_selections_are_refused_with_what_is_wrong(arms, error, problem):
    with pytest.raises(error, match=re.escape(problem)):
        check_arms(arms)
