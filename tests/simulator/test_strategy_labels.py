"""The plurality that labels a prompt before training, and how a tie is broken."""

import numpy as np
import pytest

from rlvr.simulator.strategy_labels import _plurality


@pytest.mark.parametrize(
    ("names", "most"), [([3, 1, 3], 3), ([1, 3, 3], 3), ([-2], -2), ([0, 5, 5, 0, 0], 0)]
)
@pytest.mark.parametrize("tie_break", ["lowest", "uniform"])
def test_without_a_tie_the_rule_is_idle(names, most, tie_break):
    assert _plurality(np.array(names), tie_break, np.random.default_rng(0)) == most


def test_of_tied_answers_the_first_seen_or_each_as_often():
    names = np.array([7, 4, 9, 4, 9])  # nine and four twice, four first
    kept = {_plurality(names, "lowest", np.random.default_rng(seed)) for seed in range(20)}
    assert kept == {4}
    generator = np.random.default_rng(0)
    drawn = [_plurality(names, "uniform", generator) for _ in range(400)]
    assert set(drawn) == {4, 9} and 150 < drawn.count(4) < 250
