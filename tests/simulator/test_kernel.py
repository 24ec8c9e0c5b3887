"""The compiled kernel against independent implementations: NumPy's Philox, and the replay's update."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rlvr.arms import ARM_CODE
from rlvr.replication.published_trainer import policy_update
from rlvr.simulator import kernel, kernel_rewards, kernel_updates, keyed_random
from rlvr.simulator.grpo_config import LIGHT
from rlvr.simulator.rules import as_rules
from rlvr.simulator.task_family import TaskFamily


def test_codes_agree_with_the_arms():
    assert ARM_CODE == {
        "frozen": 0,
        "random": kernel_rewards.RANDOM,
        "majority": kernel_rewards.MAJORITY,
        "true": kernel_rewards.TRUE,
    }


def test_random_bits_are_numpy_s_philox():
    key = np.array([0x0123456789ABCDEF, 0xFEDCBA9876543210], dtype=np.uint64)
    for counter in ([0, 0, 0, 1], [7, 2**63, 5, 2], [2**64 - 2, 1, 2**40, 1]):
        generator = np.random.Philox(key=key, counter=np.array(counter, dtype=np.uint64))
        expected = generator.random_raw(4)  # NumPy steps the counter before it draws
        words = np.empty(8, np.uint64)
        ahead = sum(word << (64 * place) for place, word in enumerate(counter)) + 1
        now = [np.uint64((ahead >> (64 * place)) & (2**64 - 1)) for place in range(4)]
        keyed_random.philox(key, *now, words)
        np.testing.assert_array_equal(words[0::2] | (words[1::2] << np.uint64(32)), expected)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-60, 60), min_size=2, max_size=12))
def test_softmax(logits):
    found = np.empty(len(logits))
    kernel_updates.softmax(np.array(logits), found)
    expected = np.exp(np.array(logits) - max(logits))
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=4e-15)


def one_update(seed, n_actions, group_size, config, spread, function=kernel_updates.group_update):
    """The kernel's change of random logits, and the replay's, from the same group."""
    generator = np.random.default_rng(seed)
    prior = generator.dirichlet(np.ones(n_actions)) * 0.9 + 0.1 / n_actions
    logits = np.log(prior) + spread * generator.normal(size=n_actions)
    actions = generator.integers(0, n_actions, group_size)
    rewards = generator.integers(0, 2, group_size)
    probabilities = np.empty(n_actions)
    kernel_updates.softmax(logits, probabilities)
    after = logits.copy()
    function(
        after, probabilities, prior, actions, rewards, as_rules(config, 40), np.zeros((2, n_actions)),
        np.ones(2), np.empty(n_actions), np.empty((kernel_updates.N_SCRATCH, n_actions)),
    )  # fmt: skip
    expected = policy_update(logits[None], prior[None], actions[None], rewards[None].astype(float), config)[0]
    return after - logits, expected


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32), n_actions=st.integers(2, 12), group_size=st.integers(2, 16),
    filtering=st.sampled_from(["off", "drop"]), kl=st.sampled_from(["forward", "reverse"]),
    learning_rate=st.floats(1e-3, 2), kl_coefficient=st.floats(0, 2), spread=st.floats(0, 3),
)  # fmt: skip
def test_one_update_is_the_replay_s(
    seed, n_actions, group_size, filtering, kl, learning_rate, kl_coefficient, spread
):
    config = replace(
        LIGHT, filtering=filtering, kl=kl, learning_rate=learning_rate, kl_coefficient=kl_coefficient
    )
    found, expected = one_update(seed, n_actions, group_size, config, spread)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kl", ["forward", "reverse"])
def test_python_source_and_compiled_code_agree(kl):
    config = replace(LIGHT, kl=kl, filtering="off")
    compiled, _ = one_update(1, 8, 8, config, 0.5)
    plain, _ = one_update(1, 8, 8, config, 0.5, function=kernel_updates.group_update.py_func)
    np.testing.assert_allclose(compiled, plain, rtol=0, atol=1e-15)


def test_the_two_kl_terms_are_gradients_of_different_divergences():
    """Finite differences tell them apart: -(policy - prior) is the gradient of -KL(prior || policy)."""
    prior, logits = np.array([0.5, 0.3, 0.2]), np.array([0.1, -0.4, 0.9])

    def softmax(z):
        return np.exp(z) / np.exp(z).sum()

    divergence = {
        "forward": lambda z: (prior * np.log(prior / softmax(z))).sum(),
        "reverse": lambda z: (softmax(z) * np.log(softmax(z) / prior)).sum(),
    }
    equal_rewards = np.ones((1, 4))
    pull = {}
    for kl, function in divergence.items():
        config = replace(LIGHT, kl=kl, filtering="off", kl_coefficient=1.0, learning_rate=1.0)
        pull[kl] = policy_update(logits[None], prior[None], np.zeros((1, 4), int), equal_rewards, config)[0]
        gradient = [(function(logits + step) - function(logits - step)) / 2e-6 for step in 1e-6 * np.eye(3)]
        np.testing.assert_allclose(pull[kl], -np.array(gradient), atol=1e-9)
    assert np.abs(pull["forward"] - pull["reverse"]).max() > 0.01


def majority(actions, word, tie_break, label=-1):
    rewards = np.empty(len(actions), np.int64)
    words = np.array([word] + [0] * 7, np.uint64)
    kernel_rewards.group_rewards(
        kernel_rewards.MAJORITY, np.array(actions), np.zeros(4, bool), label, words, words,
        as_rules(replace(LIGHT, tie_break=tie_break), 40), np.empty(4, np.int64), rewards,
    )  # fmt: skip
    return rewards.tolist()


def test_majority_by_hand():
    assert majority([3, 1, 3, 0], 0, "lowest") == [1, 0, 1, 0]
    assert majority([3, 1, 3, 1], 0, "lowest") == [0, 1, 0, 1]  # a tie goes to the lowest index
    assert majority([3, 1, 3, 1], 2**31 - 1, "uniform") == [0, 1, 0, 1]
    assert majority([3, 1, 3, 1], 2**31, "uniform") == [1, 0, 1, 0]  # the upper half of the draws: the second
    assert majority([3, 1, 3, 0], 2**32 - 1, "uniform") == [1, 0, 1, 0]  # no tie, nothing to draw


def test_a_label_takes_the_place_of_the_vote():
    assert majority([3, 1, 3, 0], 0, "lowest", label=1) == [0, 1, 0, 0]
    assert majority([3, 1, 3, 0], 0, "lowest", label=0) == [0, 0, 0, 1]
    assert majority([3, 1, 3, 0], 2**32 - 1, "uniform", label=2) == [0, 0, 0, 0]


def test_random_reward_bits_ignore_the_actions():
    words = np.zeros(16, np.uint64)
    words[1], words[2] = 0b1011, 0b1
    rewards = np.empty(40, np.int64)
    actions = np.zeros(40, np.int64)
    kernel_rewards.group_rewards(
        kernel_rewards.RANDOM, actions, np.zeros(4, bool), -1, words, words, as_rules(LIGHT, 40),
        np.empty(4, np.int64), rewards,
    )  # fmt: skip
    assert np.flatnonzero(rewards).tolist() == [0, 1, 3, 32]


def test_actions_follow_the_policy():
    probabilities = np.array([0.05, 0.4, 0.0, 0.25, 0.3])
    generator = np.random.default_rng(2)
    words = generator.integers(0, 2**32, 200_000, dtype=np.uint64)
    actions = np.empty(words.size, np.int64)
    kernel._sample(probabilities, words, np.empty(5), actions)
    seen = np.bincount(actions, minlength=5)
    assert seen[2] == 0
    keep = probabilities > 0
    assert stats.chisquare(seen[keep], probabilities[keep] * words.size).pvalue > 1e-3


def test_batches_are_drawn_without_replacement_and_evenly():
    key = np.array([1, 2], np.uint64)
    words, order, pool = np.empty(8, np.uint64), np.arange(20), np.empty(20, np.int64)
    seen = np.zeros(20, int)
    for step in range(20_000):
        kernel._draw_batch(key, np.uint64(3), step, 5, order, pool, words)
        assert len(set(order[:5].tolist())) == 5
        seen[order[:5]] += 1
    # a batch holds a prompt at most once: counts vary less than multinomial ones, so this is conservative
    assert stats.chisquare(seen).pvalue > 1e-3
    assert sorted(order.tolist()) == list(range(20))


def test_family_reaches_the_kernel_in_its_own_order():
    assert TaskFamily().sample(1).prior.flags.c_contiguous
