"""The drift that coin flips have under mirror descent: an independent expectation, limits, symmetry."""

import itertools

import numpy as np
import pytest

from rlvr.theory.mirror_null import mirror_random_drift

POLICY = np.array([0.55, 0.3, 0.15])


def enumerated(policy, group_size, temperature):
    """Every group, every vector of coins: the mirror step from its definition."""
    total = np.zeros(policy.size)
    for actions in itertools.product(range(policy.size), repeat=group_size):
        counts = np.bincount(actions, minlength=policy.size)
        here = counts > 0
        for coins in itertools.product((0, 1), repeat=group_size):
            if 0 < sum(coins) < group_size:
                reward = np.bincount(actions, weights=coins, minlength=policy.size) / np.maximum(counts, 1)
                target = np.where(here, policy * np.exp(reward / temperature), 0)
                step = target / target.sum() - np.where(here, policy, 0) / policy[here].sum()
                total += np.prod(policy[list(actions)]) * 0.5**group_size * step
    return total


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_it_is_the_mean_over_every_group_to_second_order(temperature):
    exact = enumerated(POLICY, 5, temperature)
    formula = mirror_random_drift(POLICY, group_size=5, temperature=temperature)
    np.testing.assert_allclose(formula, exact, atol=0.1 * np.abs(exact).max() / temperature**2)
    assert np.abs(exact).max() > 1e-4


def test_it_pulls_towards_what_is_rare_and_vanishes_where_nothing_is():
    drift = mirror_random_drift(POLICY, group_size=8)
    assert drift[0] < 0 < drift[2] and drift.sum() == pytest.approx(0, abs=1e-16)
    np.testing.assert_allclose(mirror_random_drift([0.25] * 4, group_size=6), 0, atol=1e-16)


def test_it_falls_with_the_square_of_the_temperature_and_with_the_group():
    once, twice = (mirror_random_drift(POLICY, group_size=8, temperature=t) for t in (1.0, 2.0))
    np.testing.assert_allclose(once, 4 * twice, rtol=1e-12)
    large = mirror_random_drift(POLICY, group_size=200)
    np.testing.assert_allclose(large, (1 - 3 * POLICY) / (8 * 200), rtol=0.1)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="temperature must be a finite number above 0, got 0"):
        mirror_random_drift(POLICY, group_size=8, temperature=0)
    with pytest.raises(ValueError, match="group_size must be an integer of at least 2, got 1"):
        mirror_random_drift(POLICY, group_size=1)
