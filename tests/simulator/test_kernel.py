"""The compiled kernel against independent implementations: NumPy's Philox, and the replay's update."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rlvr.arms import ARM_CODE
from rlvr.experiments.published_study import policy_update
from rlvr.simulator import kernel, kernel_rewards, kernel_softmax, kernel_updates, keyed_random
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


def test_a_lane_s_words_are_those_of_its_place():
    key, places = np.array([5, 2**63], np.uint64), np.array([0, 2**32 + 7, 2**64 - 1], np.uint64)
    words, alone = np.empty((16, 3), np.uint64), np.empty(16, np.uint64)
    keyed_random.fill_words_of_lanes(key, places, np.array([4, 0, 39]), 17, np.uint64(2), words)
    for lane, prompt in enumerate((4, 0, 39)):
        keyed_random.fill_words(key, places[lane], prompt, 17, np.uint64(2), alone)
        np.testing.assert_array_equal(words[:, lane], alone)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-60, 60), min_size=2, max_size=12))
def test_softmax(logits):
    found = np.empty(len(logits))
    kernel_softmax.softmax(np.array(logits), found)
    expected = np.exp(np.array(logits) - max(logits))
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=4e-15)


@pytest.mark.parametrize("n_lanes", [1, 3, 8, 21])
def test_a_lane_s_softmax_is_its_own_to_the_bit(n_lanes):
    logits = np.random.default_rng(n_lanes).normal(size=(5, n_lanes)) * 300
    found, alone = np.empty((5, n_lanes)), np.empty(5)
    kernel_softmax.softmax_of_lanes(logits, found, np.empty((2, n_lanes)))
    for lane in range(n_lanes):
        kernel_softmax.softmax(logits[:, lane].copy(), alone)
        np.testing.assert_array_equal(found[:, lane], alone)


def one_update(seed, n_actions, group_size, config, spread, function=kernel_updates.group_update):
    """The kernel's change of random logits, and the replay's, from the same group."""
    generator = np.random.default_rng(seed)
    prior = generator.dirichlet(np.ones(n_actions)) * 0.9 + 0.1 / n_actions
    logits = np.log(prior) + spread * generator.normal(size=n_actions)
    actions = generator.integers(0, n_actions, group_size)
    rewards = generator.integers(0, 2, group_size)
    probabilities = np.empty(n_actions)
    kernel_softmax.softmax(logits, probabilities)
    after = logits[:, None].copy()
    function(
        after, probabilities[:, None], prior[:, None], actions[:, None], rewards[:, None].astype(float),
        as_rules(config, 40), np.array([True]), np.empty((5 * n_actions + group_size + 2, 1)),
    )  # fmt: skip
    after = after[:, 0]
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
    """Rewards of a group of four; beside it, in lanes of their own, other groups with other draws."""
    rewards = np.empty((4, 3))
    lanes = np.array([actions, [2, 2, 2, 2], [0, 1, 2, 3]]).T.copy()
    words = np.array([[word, 0, 2**32 - 1]] + [[0, 0, 0]] * 7, np.uint64)
    kernel_rewards.group_rewards(
        kernel_rewards.MAJORITY, lanes, np.zeros((4, 3)), np.array([label, -1, -1]), words,
        np.zeros((4, 3)), as_rules(replace(LIGHT, tie_break=tie_break), 40), np.empty((7, 3), np.int64),
        rewards,
    )  # fmt: skip
    assert rewards[:, 1].tolist() == [1, 1, 1, 1]
    assert rewards[:, 2].tolist() == ([0, 0, 0, 1] if tie_break == "uniform" else [1, 0, 0, 0])
    return rewards[:, 0].tolist()


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
    words = np.zeros((8, 2), np.uint64)
    words[1:3, 0], words[1:3, 1] = (0b1011, 0b1), (0, 0b10)
    rewards = np.empty((40, 2))
    actions = np.zeros((40, 2), np.int64)
    kernel_rewards.group_rewards(
        kernel_rewards.RANDOM, actions, np.zeros((4, 2)), np.array([-1, -1]), words, np.zeros((40, 2)),
        as_rules(LIGHT, 40), np.empty((7, 2), np.int64), rewards,
    )  # fmt: skip
    assert np.flatnonzero(rewards[:, 0]).tolist() == [0, 1, 3, 32]
    assert np.flatnonzero(rewards[:, 1]).tolist() == [33]


@pytest.mark.parametrize("code", [-1, 4])
def test_a_code_of_no_arm_is_refused(code):
    """It would earn whatever the arm before it was rewarded with."""
    tasks, key = TaskFamily().sample(1), np.array([1, 2], np.uint64)
    curves, policies = np.empty((2, 1, 1, 1)), np.empty((2, 0, 1, 40, 8))
    for codes, known in (([3, code], False), ([3, 0], True)):
        arguments = (
            0, 1, np.arange(1), tasks.prior, tasks.correct, np.full((1, 40), -1), np.array(codes), key, 1,
            np.array([1]), as_rules(LIGHT, 40), curves, policies,
        )  # fmt: skip
        if known:
            kernel.train(*arguments)
        else:
            with pytest.raises(ValueError, match="arms must be codes of arms"):
                kernel.train(*arguments)


def test_actions_follow_the_policy():
    probabilities = np.array([0.05, 0.4, 0.0, 0.25, 0.3])
    generator = np.random.default_rng(2)
    uniforms = generator.random((100_000, 2))
    actions = np.empty((100_000, 2), np.int64)
    kernel._sample(np.stack([probabilities, probabilities[::-1]], 1), uniforms, np.empty(2), actions)
    for lane, policy in enumerate((probabilities, probabilities[::-1])):
        seen = np.bincount(actions[:, lane], minlength=5)
        assert seen[2] == 0
        keep = policy > 0
        assert stats.chisquare(seen[keep], policy[keep] * len(uniforms)).pvalue > 1e-3


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
