"""The drift of any answer-wise reward against enumeration of every group, and its limiting cases."""

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlvr import GRPOConfig, TaskFamily, simulate
from rlvr.theory.drift_of_rewards import noisy_rates, reward_drift, reward_speed
from rlvr.theory.expected_drift import true_drift

POLICY = np.array([0.1, 0.35, 0.4, 0.15])
CORRECT = np.array([True, True, False, False])
ADVANTAGES = ("grpo", "centered", "rloo")


def advantages(rewards, rule):
    """Advantages of one group straight from their definitions."""
    r = np.asarray(rewards, dtype=float)
    if rule == "rloo":
        return np.array([r[i] - np.delete(r, i).mean() for i in range(r.size)])
    centred = r - r.mean()
    return centred if rule == "centered" else centred / r.std() if r.std() else 0 * r


def enumerated(policy, rates, group_size, rule):
    """Sum over every group and every vector of rewards of probability times policy term."""
    total = np.zeros(policy.size)
    for actions in itertools.product(range(policy.size), repeat=group_size):
        chance, onehots = np.prod(policy[list(actions)]), np.eye(policy.size)[list(actions)]
        for rewards in itertools.product((0, 1), repeat=group_size):
            rho = rates[list(actions)]
            weight = np.prod(np.where(rewards, rho, 1 - rho))
            term = (advantages(rewards, rule)[:, None] * (onehots - policy)).mean(axis=0)
            total += chance * weight * term
    return total


@pytest.mark.parametrize("rule", ADVANTAGES)
@pytest.mark.parametrize(
    "rates", [CORRECT * 1.0, noisy_rates(CORRECT, (0.2, 0.3)), np.array([0, 1.0, 0, 0]), np.full(4, 0.3)],
    ids=["true", "noisy", "label", "coin"],
)  # fmt: skip
def test_the_formula_is_the_sum_over_every_group(rule, rates):
    for group_size in (2, 3):
        np.testing.assert_allclose(
            reward_drift(POLICY, rates, group_size=group_size, advantage=rule),
            enumerated(POLICY, rates, group_size, rule),
            atol=1e-14,
        )


def test_a_perfect_verifier_gives_the_drift_of_true():
    for size in (2, 5, 8):
        here = reward_drift(POLICY, CORRECT * 1.0, group_size=size)
        np.testing.assert_allclose(here, true_drift(POLICY, CORRECT, group_size=size), atol=1e-15)


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(("centered", "rloo")), st.integers(2, 16))
@settings(deadline=None, max_examples=60)
def test_noise_scales_the_drift_of_centered_and_rloo_exactly(positive, negative, rule, size):
    clean = reward_drift(POLICY, CORRECT * 1.0, group_size=size, advantage=rule)
    noisy = reward_drift(POLICY, noisy_rates(CORRECT, (positive, negative)), group_size=size, advantage=rule)
    np.testing.assert_allclose(noisy, (1 - positive - negative) * clean, atol=1e-14)


def test_noise_does_not_scale_grpo_s_drift_by_the_same_factor():
    """By hand, G = 2: half of the groups of two differ in reward, whatever rewarded them."""
    sure = np.array([0.5, 0.5])
    clean = reward_drift(sure, [1.0, 0.0], group_size=2)[0]
    noisy = reward_drift(sure, [0.5, 0.0], group_size=2)[0]
    assert noisy / clean == pytest.approx(0.5)  # for two, speed does not know the rate
    speed = partial(reward_speed, group_size=8, advantage="grpo")
    factor = [0.6 * speed(0.6 * p) / speed(p) for p in (0.9, 0.45)]
    rewarded = reward_drift([0.9, 0.1], [0.6, 0.0], group_size=8)[0]
    assert rewarded / reward_drift([0.9, 0.1], [1.0, 0.0], group_size=8)[0] == pytest.approx(factor[0])
    assert factor[0] < 0.5 and factor[1] > 0.64


def test_speeds_by_hand():
    assert reward_speed(0.5, group_size=2, advantage="grpo") == pytest.approx(1.0)  # (1/2)(1/2) / (1/4)
    assert reward_speed(0.2, group_size=8, advantage="centered") == 7 / 8
    assert reward_speed(0.2, group_size=8, advantage="rloo") == 1.0
    assert reward_speed(0.0, group_size=8, advantage="grpo") == 0.0
    assert reward_speed(1.0, group_size=8, advantage="grpo") == 0.0
    assert reward_speed(0.1, group_size=4000, advantage="grpo") == pytest.approx(1 / 0.3, rel=1e-3)


def test_a_coin_does_not_move_the_mean_and_every_drift_sums_to_zero():
    for rule in ADVANTAGES:
        np.testing.assert_allclose(
            reward_drift(POLICY, np.full(4, 0.7), group_size=5, advantage=rule), 0, atol=1e-16
        )
        assert reward_drift(POLICY, [0.9, 0.1, 0.4, 0.0], group_size=5, advantage=rule).sum() == (
            pytest.approx(0, abs=1e-15)
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reward_rates": [0.5, 0.5]}, r"reward_rates must be 4 probabilities in \[0, 1\].*got \[0.5, 0.5\]"),
        ({"reward_rates": [0, 0, 0, 1.5]}, "reward_rates must be 4 probabilities"),
        ({"reward_rates": [0, 0, 0, float("nan")]}, "reward_rates must be 4 probabilities"),
        ({"advantage": "plain"}, "advantage must be one of 'grpo', 'centered', 'rloo', got 'plain'"),
        ({"group_size": 1}, "group_size must be an integer of at least 2, got 1"),
        ({"policy": [0.5, 0.6]}, "policy must sum to 1"),
    ],
)
def test_bad_input_is_named(arguments, message):
    given_ = {"policy": POLICY, "reward_rates": CORRECT * 1.0, "group_size": 4, **arguments}
    with pytest.raises(ValueError, match=message):
        reward_drift(given_.pop("policy"), given_.pop("reward_rates"), **given_)


def test_bad_rates_and_noise_are_named():
    with pytest.raises(ValueError, match=r"reward_rate must be a probability in \[0, 1\], got 1.2"):
        reward_speed(1.2, group_size=8, advantage="grpo")
    with pytest.raises(ValueError, match=r"verifier_noise must be two rates .*got -0.1"):
        noisy_rates(CORRECT, (-0.1, 0.0))
    with pytest.raises(ValueError, match=r"verifier_noise must be two rates .*got 1.01"):
        noisy_rates(CORRECT, (0.0, 1.01))


def test_noise_is_a_smaller_learning_rate_in_the_mean_and_not_in_the_spread():
    """After one update, "centered": equal means within error, and runs that spread more than twice as far."""
    noise, family = (0.1, 0.3), TaskFamily(prior_strength=0.5)
    ends = []
    for rate, errors in ((0.5, noise), (0.5 * (1 - sum(noise)), (0.0, 0.0))):
        config = GRPOConfig(
            n_steps=1, batch_size=40, learning_rate=rate, advantage="centered", verifier_noise=errors
        )
        runs = simulate(family, config, arms=["true"], n_tasks=400, n_seeds=1, seed=12)
        ends.append(runs.arm("true").ravel() - family.prior_accuracy)
    noisy, slow = ends
    error = np.hypot(noisy.std(), slow.std()) / 400**0.5
    assert noisy.mean() > 10 * error and abs(noisy.mean() - slow.mean()) < 4 * error
    assert 2 < noisy.std() / slow.std() < 3
