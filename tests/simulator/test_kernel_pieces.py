"""The pieces of the compiled trainer, each at the places where it could be off by one."""

import math
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest

from rlvr.simulator import kernel, kernel_rewards, kernel_softmax, kernel_updates
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.rules import as_rules

PULLED = GRPOConfig(group_size=4, learning_rate=0.5, kl_coefficient=0.1)


def exactly(exponent):
    with localcontext() as context:
        context.prec = 40
        return Decimal(exponent).exp()


def test_the_exponential_errs_by_less_than_a_rounding_or_two():
    """Its own 3e-16, and two divisions: a term of the polynomial less, or one constant off, is more."""
    worst = 0.0
    for x in np.linspace(-0.7, 0.0, 1_401):
        found = np.empty(2)
        kernel_softmax.softmax(np.array([0.0, x]), found)
        with localcontext() as context:
            context.prec = 40
            worst = max(worst, abs(float(Decimal(found[1]) / Decimal(found[0]) / exactly(x) - 1)))
    assert worst < 6e-16


@pytest.mark.parametrize("x", [-1.0, -30.0, -500.0, -699.5, -700.0, -701.0, -5_000.0])
def test_far_below_the_top_a_probability_is_tiny_and_not_zero(x):
    found = np.empty(2)
    kernel_softmax.softmax(np.array([x + 3.0, 3.0]), found)
    assert found[0] == pytest.approx(math.exp(max(x, -700.0)) / (1 + math.exp(max(x, -700.0))), rel=1e-13)


def test_the_last_logit_may_be_the_largest():
    found = np.empty(3)
    kernel_softmax.softmax(np.array([0.0, 1.0, 5.0]), found)
    np.testing.assert_allclose(found, np.exp([-5.0, -4.0, 0.0]) / np.exp([-5.0, -4.0, 0.0]).sum(), rtol=1e-14)


def test_a_uniform_lies_in_the_middle_of_its_word_and_on_a_step_it_has_passed_it():
    step = 2.0**-32
    for probability, expected in ((step, [0, 1, 1]), (1.5 * step, [0, 1, 1]), (1.6 * step, [0, 0, 1])):
        actions = np.empty((3, 1), np.int64)
        uniforms = np.array([[kernel._uniform(np.uint64(word))] for word in range(3)])
        kernel._sample(np.array([[probability], [1 - probability]]), uniforms, np.empty(1), actions)
        assert actions[:, 0].tolist() == expected


def test_reward_bits_are_read_from_the_second_word_on_from_low_to_high():
    words = np.zeros((8, 1), np.uint64)
    words[:3, 0] = 2**32 - 1, 2**31 | 1, 2**31
    rewards = np.empty((64, 1))
    kernel_rewards.group_rewards(
        kernel_rewards.RANDOM, np.zeros((64, 1), np.int64), np.zeros((4, 1)), np.array([-1]), words,
        np.zeros((64, 1)), as_rules(GRPOConfig(), 40), np.empty((7, 1), np.int64), rewards,
    )  # fmt: skip
    assert np.flatnonzero(rewards).tolist() == [0, 31, 63]


def verified(words, noise):
    """TRUE's rewards of the actions 0 to 3, of which 1 and 3 are correct."""
    rewards, correct = np.empty((4, 1)), np.array([[0.0], [1.0], [0.0], [1.0]])
    uniforms = (np.array(words)[:, None] + 0.5) / 2**32
    kernel_rewards.group_rewards(
        kernel_rewards.TRUE, np.arange(4)[:, None], correct, np.array([-1]), np.zeros((8, 1), np.uint64),
        uniforms, as_rules(GRPOConfig(verifier_noise=noise), 40), np.empty((7, 1), np.int64), rewards,
    )  # fmt: skip
    return rewards[:, 0].tolist()


def test_true_rewards_follow_the_correct_set():
    assert verified([0, 0, 0, 0], (0, 0)) == verified([2**32 - 1] * 4, (0, 0)) == [0, 1, 0, 1]


def test_a_noisy_verifier_errs_where_its_uniform_says_so():
    quarter = 2**30
    assert verified([quarter - 1, 0, quarter, 0], (0.25, 0)) == [1, 1, 0, 1]
    assert verified([0, 3 * quarter - 1, 0, 3 * quarter], (0, 0.25)) == [0, 1, 0, 0]
    assert verified([0, 0, 2**32 - 1, 2**32 - 1], (1, 1)) == [1, 0, 1, 0]


@pytest.mark.parametrize("hits", [0, 4])
def test_a_group_of_equal_rewards_moves_nothing_unless_filtering_is_off(hits):
    prior = np.array([0.5, 0.3, 0.2])
    policy = np.array([0.2, 0.3, 0.5])
    rewards = np.full((4, 1), hits / 4)
    for filtering, counted in (("off", True), ("drop", False), ("refill", False)):
        state, counts = np.log(policy)[:, None], np.array([True])
        kernel_updates.group_update(
            state, policy[:, None], prior[:, None], np.zeros((4, 1), np.int64), rewards,
            as_rules(replace(PULLED, filtering=filtering), 40), counts, np.empty((21, 1)),
        )  # fmt: skip
        logits = state[:, 0]
        assert counts.tolist() == [counted]
        pulled = np.log(policy) - 0.5 * 0.1 * (policy - prior) * counted
        np.testing.assert_allclose(logits, pulled, rtol=0, atol=1e-15)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_lane_that_wants_no_group_keeps_what_it_had(optimizer):
    """To the bit, beside one that moves; and Adam remembers nothing of what it did not use."""
    policy, prior = np.array([[0.2, 0.3, 0.5]] * 2).T.copy(), np.full((3, 2), 1 / 3)
    state = np.concatenate([np.log(policy), np.zeros((6, 2)), np.ones((2, 2))])
    before, counts = state.copy(), np.array([False, True])
    actions, rewards = np.array([[0, 0]] * 2 + [[1, 1]] * 2), np.array([[1.0, 1.0]] + [[0.0, 0.0]] * 3)
    kernel_updates.group_update(
        state, policy, prior, actions, rewards,
        as_rules(replace(PULLED, optimizer=optimizer, filtering="off"), 40), counts, np.empty((21, 2)),
    )  # fmt: skip
    np.testing.assert_array_equal(state[:, 0], before[:, 0])
    n_changed = 11 if optimizer == "adam" else 3
    assert (state[:n_changed, 1] != before[:n_changed, 1]).all()
    assert counts.tolist() == [False, True]
