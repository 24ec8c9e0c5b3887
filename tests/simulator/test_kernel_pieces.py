"""The pieces of the compiled trainer, each at the places where it could be off by one."""

import math
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest

from rlvr.simulator import kernel, kernel_rewards, kernel_updates
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
        kernel_updates.softmax(np.array([0.0, x]), found)
        with localcontext() as context:
            context.prec = 40
            worst = max(worst, abs(float(Decimal(found[1]) / Decimal(found[0]) / exactly(x) - 1)))
    assert worst < 6e-16


@pytest.mark.parametrize("x", [-1.0, -30.0, -500.0, -699.5, -700.0, -701.0, -5_000.0])
def test_far_below_the_top_a_probability_is_tiny_and_not_zero(x):
    found = np.empty(2)
    kernel_updates.softmax(np.array([x + 3.0, 3.0]), found)
    assert found[0] == pytest.approx(math.exp(max(x, -700.0)) / (1 + math.exp(max(x, -700.0))), rel=1e-13)


def test_the_last_logit_may_be_the_largest():
    found = np.empty(3)
    kernel_updates.softmax(np.array([0.0, 1.0, 5.0]), found)
    np.testing.assert_allclose(found, np.exp([-5.0, -4.0, 0.0]) / np.exp([-5.0, -4.0, 0.0]).sum(), rtol=1e-14)


def test_a_uniform_lies_in_the_middle_of_its_word_and_on_a_step_it_has_passed_it():
    step = 2.0**-32
    for probability, expected in ((step, [0, 1, 1]), (1.5 * step, [0, 1, 1]), (1.6 * step, [0, 0, 1])):
        actions = np.empty(3, np.int64)
        words = np.array([0, 1, 2], np.uint64)
        kernel._sample(np.array([probability, 1 - probability]), words, np.empty(2), actions)
        assert actions.tolist() == expected


def test_reward_bits_are_read_from_the_second_word_on_from_low_to_high():
    words = np.zeros(16, np.uint64)
    words[0], words[1], words[2] = 2**32 - 1, 2**31 | 1, 2**31
    rewards = np.empty(64, np.int64)
    kernel_rewards.group_rewards(
        kernel_rewards.RANDOM, np.zeros(64, np.int64), np.zeros(4, bool), -1, words, words,
        as_rules(GRPOConfig(), 40), np.empty(4, np.int64), rewards,
    )  # fmt: skip
    assert np.flatnonzero(rewards).tolist() == [0, 31, 63]


def verified(words, noise):
    """TRUE's rewards of the actions 0 to 3, of which 1 and 3 are correct."""
    rewards, correct = np.empty(4, np.int64), np.array([False, True, False, True])
    kernel_rewards.group_rewards(
        kernel_rewards.TRUE, np.arange(4), correct, -1, np.zeros(8, np.uint64), np.array(words, np.uint64),
        as_rules(GRPOConfig(verifier_noise=noise), 40), np.empty(4, np.int64), rewards,
    )  # fmt: skip
    return rewards.tolist()


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
    rewards = np.full(4, hits // 4)
    for filtering, counted in (("off", True), ("drop", False), ("refill", False)):
        logits = np.log(policy)
        said = kernel_updates.group_update(
            logits, policy, prior, np.zeros(4, np.int64), rewards,
            as_rules(replace(PULLED, filtering=filtering), 40),
            np.zeros((2, 3)), np.ones(2), np.empty(3), np.empty((kernel_updates.N_SCRATCH, 3)),
        )  # fmt: skip
        assert said is counted
        pulled = np.log(policy) - 0.5 * 0.1 * (policy - prior) * counted
        np.testing.assert_allclose(logits, pulled, rtol=0, atol=1e-15)
