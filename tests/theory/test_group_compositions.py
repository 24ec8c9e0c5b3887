"""Compositions of a group and the plurality table, against scipy and by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from rlvr.theory.group_compositions import compositions, log_multinomial, plurality_table


@pytest.mark.parametrize(("group_size", "n_actions"), [(2, 2), (5, 3), (8, 8)])
def test_compositions_are_all_different_and_complete(group_size, n_actions):
    counts = compositions(group_size, n_actions)
    assert (
        len(np.unique(counts, axis=0)) == len(counts) == math.comb(group_size + n_actions - 1, n_actions - 1)
    )
    assert np.all(counts.sum(axis=1) == group_size) and counts.min() == 0


def test_log_multinomial_counts_orders():
    counts = compositions(6, 3)
    by_factorials = [math.factorial(6) / math.prod(map(math.factorial, row)) for row in counts.tolist()]
    np.testing.assert_allclose(np.exp(log_multinomial(counts)), by_factorials, rtol=1e-12)
    assert math.isclose(np.exp(log_multinomial(counts)).sum(), 3**6)


def test_probabilities_are_multinomial_and_zero_probability_actions_never_appear():
    table = plurality_table(5, 4, "uniform")
    policies = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.0, 0.5, 0.0]])
    found = table.probabilities(policies)
    for policy, row in zip(policies, found, strict=True):
        np.testing.assert_allclose(row, stats.multinomial(5, policy).pmf(table.counts), atol=1e-14)
    assert found[1][table.counts[:, 1] > 0].max() == 0.0


def test_shares_follow_the_tie_rule():
    counts = plurality_table(4, 3, "uniform").counts.tolist()
    row = counts.index([2, 0, 2])
    assert plurality_table(4, 3, "uniform").share[row].tolist() == [0.5, 0.0, 0.5]
    assert plurality_table(4, 3, "lowest").share[row].tolist() == [1.0, 0.0, 0.0]
    for rule in ("uniform", "lowest"):
        np.testing.assert_allclose(plurality_table(4, 3, rule).share.sum(axis=1), 1.0)


def test_moves_by_hand_and_none_for_a_unanimous_group():
    table = plurality_table(4, 3, "lowest")
    counts = table.counts.tolist()
    # rewards 1, 1, 1, 0: advantages 1/sqrt(3) three times and -sqrt(3) once
    np.testing.assert_allclose(table.drift[counts.index([3, 0, 1])], [3**0.5 / 4, 0.0, -(3**0.5) / 4])
    assert table.drift[counts.index([0, 4, 0])].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(table.drift.sum(axis=1), 0.0, atol=1e-15)


def test_an_enumeration_too_large_to_hold_is_refused():
    with pytest.raises(ValueError, match="group_size 16 with 16 actions has 300540195 compositions"):
        compositions(16, 16)
