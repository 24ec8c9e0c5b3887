"""The compiled kernel, piece by piece: NumPy's Philox, the replay's update, limits that are known by hand."""

import math
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numba.core.registry import CPUDispatcher
from scipy import stats

from rlvr import GRPOConfig, TaskFamily, simulate
from rlvr.experiments.published_study import policy_update
from rlvr.simulator import drawing, kernel, shared_kernel
from rlvr.simulator.grpo_config import LIGHT
from rlvr.simulator.kernel import group_rewards, group_update, scratch_space
from rlvr.simulator.rules import MAJORITY, RANDOM, TRUE, as_rules, rare_rules

COMPILED = {
    f"{module.__name__}.{name}": value
    for module in (drawing, kernel, shared_kernel) for name, value in vars(module).items()
    if isinstance(value, CPUDispatcher) and value.py_func.__module__ == module.__name__
}  # fmt: skip
softmax_of_lanes, sample, take, put = (
    njit(function.py_func, error_model="numpy")  # in the kernel they have no door for Python
    for function in (kernel._softmax_of_lanes, kernel._sample, kernel._take, kernel._put)
)
PULLED = GRPOConfig(group_size=4, learning_rate=0.5, kl_coefficient=0.1)


def update(state, policy, prior, actions, rewards, config, counts, function=group_update):
    """Move `state` by one group a lane, all rules compiled; where none is rare, without them to the bit."""
    rules = as_rules(config, 40)
    arrays = (policy, prior, actions, rewards.astype(float))
    scratch = scratch_space(len(prior), *actions.shape)
    if rare_rules(rules) is None:
        lean, lean_counts = state.copy(), counts.copy()
        group_update(lean, *(array.copy() for array in arrays), rules, None, lean_counts, scratch)
    function(state, *arrays, rules, rules, counts, scratch)
    if rare_rules(rules) is None and function is group_update:
        np.testing.assert_array_equal(lean, state)
        np.testing.assert_array_equal(lean_counts, counts)


def rewarded(arm, actions, correct=None, label=-1, words=None, verifier=None, config=LIGHT):
    """Rewards of groups (sample, lane); where no rule is rare, the same from the code without rare rules."""
    n_actions, (group_size, n_lanes) = 4, actions.shape
    correct = np.zeros((n_actions, n_lanes)) if correct is None else correct
    words = np.zeros((8, n_lanes), np.uint64) if words is None else words
    verifier = np.zeros(actions.shape) if verifier is None else verifier
    rules, found = as_rules(config, 40), []
    for rare in {rules, rare_rules(rules)}:
        labels, rewards = np.array([label] + [-1] * (n_lanes - 1)), np.empty(actions.shape)
        scratch = scratch_space(n_actions, group_size, n_lanes)
        group_rewards(arm, actions, correct, labels, words, verifier, rare, scratch, rewards)
        found.append(rewards)
    np.testing.assert_array_equal(found[0], found[-1])
    return found[0]


@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_function_releases_the_interpreter_and_is_kept_on_the_disk(name):
    assert COMPILED[name].targetoptions["nogil"] is True
    assert COMPILED[name].stats.cache_path  # None where nothing is kept


def test_random_words_are_numpy_s_philox_at_each_lane_s_own_place():
    key = np.array([0x0123456789ABCDEF, 0xFEDCBA9876543210], dtype=np.uint64)
    places, prompts, step = np.array([1, 2**32 + 7, 2**64 - 1], np.uint64), np.array([4, 0, 39]), 17
    words = np.empty((16, 3), np.uint64)
    drawing.fill_words(key, places, prompts, step, np.uint64(2), words)
    for lane, block in np.ndindex(3, 2):
        where = (int(prompts[lane]) << 32) | step
        counter = int(places[lane]) + (where << 64) + (block << 128) + (2 << 192)
        expected = np.random.Philox(key=key, counter=counter - 1).random_raw(4)  # it steps before it draws
        found = words[8 * block : 8 * block + 8, lane]
        np.testing.assert_array_equal(found[0::2] | (found[1::2] << np.uint64(32)), expected)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-60, 60), min_size=2, max_size=12))
def test_softmax(logits):
    found = np.empty(len(logits))
    drawing.softmax(np.array(logits), found)
    expected = np.exp(np.array(logits) - max(logits))
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=4e-15)


@pytest.mark.parametrize("n_lanes", [1, 3, 8, 21])
def test_a_lane_s_softmax_is_its_own_to_the_bit(n_lanes):
    logits = np.random.default_rng(n_lanes).normal(size=(5, n_lanes)) * 300
    found, alone = np.empty((5, n_lanes)), np.empty(5)
    softmax_of_lanes(logits, found, *np.empty((2, n_lanes)))
    for lane in range(n_lanes):
        drawing.softmax(logits[:, lane].copy(), alone)
        np.testing.assert_array_equal(found[:, lane], alone)


def one_update(seed, n_actions, group_size, config, spread, function=group_update):
    """The kernel's change of random logits, and the replay's, from the same group."""
    generator = np.random.default_rng(seed)
    prior = generator.dirichlet(np.ones(n_actions)) * 0.9 + 0.1 / n_actions
    logits = np.log(prior) + spread * generator.normal(size=n_actions)
    actions = generator.integers(0, n_actions, group_size)
    rewards = generator.integers(0, 2, group_size)
    probabilities = np.empty(n_actions)
    drawing.softmax(logits, probabilities)
    after = logits[:, None].copy()
    lane = (array[:, None] for array in (probabilities, prior, actions, rewards))
    update(after, *lane, config, np.array([True]), function)
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
def test_python_source_and_compiled_code_agree(kl, monkeypatch):
    config = replace(LIGHT, kl=kl, filtering="off")
    compiled, _ = one_update(1, 8, 8, config, 0.5)
    for name, value in vars(kernel).copy().items():
        if isinstance(value, CPUDispatcher):
            monkeypatch.setattr(kernel, name, value.py_func)
    plain, _ = one_update(1, 8, 8, config, 0.5, function=group_update.py_func)
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
    lanes = np.array([actions, [2, 2, 2, 2], [0, 1, 2, 3]]).T.copy()
    words = np.array([[word, 0, 2**32 - 1]] + [[0, 0, 0]] * 7, np.uint64)
    rewards = rewarded(MAJORITY, lanes, label=label, words=words, config=replace(LIGHT, tie_break=tie_break))
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


def test_reward_bits_are_read_from_the_second_word_on_from_low_to_high():
    words = np.zeros((8, 2), np.uint64)
    words[:3, 0], words[:3, 1] = (2**32 - 1, 0b1011, 0b1), (0, 2**31 | 1, 2**31)
    rewards = rewarded(RANDOM, np.zeros((64, 2), np.int64), words=words)
    assert np.flatnonzero(rewards[:, 0]).tolist() == [0, 1, 3, 32]
    assert np.flatnonzero(rewards[:, 1]).tolist() == [0, 31, 63]


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
            kernel.train_prompts(*arguments)
        else:
            with pytest.raises(ValueError, match="arms must hold codes of known arms"):
                kernel.train_prompts(*arguments)


def test_actions_follow_the_policy():
    probabilities = np.array([0.05, 0.4, 0.0, 0.25, 0.3])
    generator = np.random.default_rng(2)
    uniforms = generator.random((100_000, 2))
    actions = np.empty((100_000, 2), np.int64)
    sample(np.stack([probabilities, probabilities[::-1]], 1), uniforms, np.empty(2), actions)
    for lane, policy in enumerate((probabilities, probabilities[::-1])):
        seen = np.bincount(actions[:, lane], minlength=5)
        assert seen[2] == 0
        keep = policy > 0
        assert stats.chisquare(seen[keep], policy[keep] * len(uniforms)).pvalue > 1e-3


def test_batches_are_drawn_without_replacement_and_evenly():
    """Run after run; counts vary less than multinomial ones, so that the check is conservative."""
    key, n_runs = np.array([1, 2], np.uint64), 200
    words, order = np.empty((8, n_runs), np.uint64), np.arange(20) + np.zeros((n_runs, 1), np.int64)
    pool, seen = np.empty_like(order), np.zeros(20, int)
    for step in range(100):
        before = order.copy()
        drawing.fill_words(
            key, np.arange(n_runs, dtype=np.uint64), np.zeros(n_runs, int), step, np.uint64(1), words
        )
        drawing.draw_batches(words, 5, order, pool)
        np.testing.assert_array_equal(np.sort(order), np.arange(20) + 0 * order)
        np.testing.assert_array_equal(pool[:, :5], order[:, :5])
        np.testing.assert_array_equal(np.sort(pool), np.sort(order))
        seen += np.bincount(order[:, :5].ravel(), minlength=20)
        for run in (0, 7):  # by hand, as far as the words of the batch and of what would refill it go
            line, numbers = before[run].tolist(), words[:, run].tolist()
            for j in range(8):
                other = j + (numbers[j] * (20 - j) >> 32)
                line[j], line[other] = line[other], line[j]
                assert j != 4 or order[run].tolist() == line
            assert pool[run].tolist() == line
    assert stats.chisquare(seen).pvalue > 1e-3


def exactly(exponent):
    with localcontext() as context:
        context.prec = 40
        return Decimal(exponent).exp()


def test_the_exponential_errs_by_less_than_a_rounding_or_two():
    """Its own 3e-16, and two divisions: a term of the polynomial less, or one constant off, is more."""
    worst = 0.0
    for x in np.linspace(-0.7, 0.0, 1_401):
        found = np.empty(2)
        drawing.softmax(np.array([0.0, x]), found)
        with localcontext() as context:
            context.prec = 40
            worst = max(worst, abs(float(Decimal(found[1]) / Decimal(found[0]) / exactly(x) - 1)))
    assert worst < 6e-16


@pytest.mark.parametrize("x", [-1.0, -30.0, -500.0, -699.5, -700.0, -701.0, -5_000.0])
def test_far_below_the_top_a_probability_is_tiny_and_not_zero(x):
    found = np.empty(2)
    drawing.softmax(np.array([x + 3.0, 3.0]), found)
    assert found[0] == pytest.approx(math.exp(max(x, -700.0)) / (1 + math.exp(max(x, -700.0))), rel=1e-13)


def test_the_last_logit_may_be_the_largest():
    found = np.empty(3)
    drawing.softmax(np.array([0.0, 1.0, 5.0]), found)
    np.testing.assert_allclose(found, np.exp([-5.0, -4.0, 0.0]) / np.exp([-5.0, -4.0, 0.0]).sum(), rtol=1e-14)


def test_a_uniform_lies_in_the_middle_of_its_word_and_on_a_step_it_has_passed_it():
    step = 2.0**-32
    for probability, expected in ((step, [0, 1, 1]), (1.5 * step, [0, 1, 1]), (1.6 * step, [0, 0, 1])):
        actions = np.empty((3, 1), np.int64)
        uniforms = np.array([[drawing.uniform(np.uint64(word))] for word in range(3)])
        sample(np.array([[probability], [1 - probability]]), uniforms, np.empty(1), actions)
        assert actions[:, 0].tolist() == expected


def verified(words, noise):
    """TRUE's rewards of the actions 0 to 3, of which 1 and 3 are correct."""
    correct, uniforms = np.array([[0.0], [1.0], [0.0], [1.0]]), (np.array(words)[:, None] + 0.5) / 2**32
    config = GRPOConfig(verifier_noise=noise)
    return rewarded(TRUE, np.arange(4)[:, None], correct, verifier=uniforms, config=config)[:, 0].tolist()


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
        group = (policy[:, None], prior[:, None], np.zeros((4, 1), np.int64), rewards)
        update(state, *group, replace(PULLED, filtering=filtering), counts)
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
    config = replace(PULLED, optimizer=optimizer, filtering="off")
    update(state, policy, prior, actions, rewards, config, counts)
    np.testing.assert_array_equal(state[:, 0], before[:, 0])
    n_changed = 11 if optimizer == "adam" else 3
    assert (state[:n_changed, 1] != before[:n_changed, 1]).all()
    assert counts.tolist() == [False, True]


SOURCE = np.arange(2 * 3 * 4.0).reshape(2, 3, 4)
FIRST, SECOND = np.array([1, 0, 1]), np.array([2, 1, 0])


@pytest.mark.parametrize("take", [take, kernel._take.py_func])
def test_each_lane_takes_its_row(take):
    rows = np.full((4, 3), np.nan)
    take(SOURCE, FIRST, SECOND, rows)
    np.testing.assert_array_equal(rows, [[20, 4, 12], [21, 5, 13], [22, 6, 14], [23, 7, 15]])
    fewer = np.full((2, 2), np.nan)  # as many fields and lanes as there is room for
    take(SOURCE, FIRST, SECOND, fewer)
    np.testing.assert_array_equal(fewer, [[20, 4], [21, 5]])


@pytest.mark.parametrize("put", [put, kernel._put.py_func])
def test_each_lane_is_put_where_it_belongs_and_nowhere_else(put):
    target = np.zeros((2, 3, 4))
    put(np.array([[20.0, 4, 12], [21, 5, 13], [22, 6, 14], [23, 7, 15]]), FIRST, SECOND, target)
    expected = np.zeros((2, 3, 4))
    for one, other in zip(FIRST, SECOND, strict=True):
        expected[one, other] = SOURCE[one, other]
    np.testing.assert_array_equal(target, expected)


FAMILY = TaskFamily(prior_strength=0.6, n_actions=4, n_correct=1, n_prompts=12)
SHORT = GRPOConfig(n_steps=25, batch_size=4, group_size=6, learning_rate=0.5)
PRIOR = np.array([0.4, 0.3, 0.2, 0.1])
LOGITS = np.log([0.25, 0.25, 0.3, 0.2])


def policies_of(config, **arguments):
    """Final policies of every arm, two task draws and two seeds."""
    return simulate(FAMILY, config, n_tasks=2, n_seeds=2, seed=6, keep_policies=True, **arguments).policies


def change(config, actions, rewards, times=1):
    """What the group, met again and again, does to LOGITS."""
    state = fresh()
    for _ in range(times):
        meet(state, np.exp(state[:4]) / np.exp(state[:4]).sum(), config, actions, rewards)
    return state[:4, 0] - LOGITS


def fresh():
    """One lane's logits, Adam's moments and decays."""
    return np.concatenate([LOGITS, np.zeros(8), np.ones(2)])[:, None]


def meet(state, policy, config, actions, rewards):
    """Change `state` by one group."""
    actions, rewards = np.array(actions)[:, None], np.array(rewards)[:, None]
    update(state, policy, PRIOR[:, None], actions, rewards, config, np.array([True]))


# Four answers, hits 1, 0, 0, 0: the mean is 1/4, the standard deviation sqrt(3)/4.
GROUP = {"actions": [0, 1, 1, 2], "rewards": [1, 0, 0, 0]}
FREE = GRPOConfig(group_size=4, learning_rate=1.0, kl_coefficient=0.0)


@pytest.mark.parametrize(
    ("advantage", "hit", "miss"),
    [("grpo", 3**0.5, -(3**-0.5)), ("centered", 0.75, -0.25), ("rloo", 1.0, -1 / 3)],
)
def test_the_three_advantages_by_hand(advantage, hit, miss):
    found = change(replace(FREE, advantage=advantage), **GROUP)
    np.testing.assert_allclose(found, np.array([hit, 2 * miss, miss, 0]) / 4, atol=1e-7)


def test_leave_one_out_is_centred_at_a_larger_learning_rate():
    base = replace(SHORT, kl_coefficient=0.0)
    rloo = policies_of(replace(base, advantage="rloo"))
    larger = policies_of(replace(base, advantage="centered", learning_rate=0.5 * 6 / 5))
    np.testing.assert_allclose(rloo, larger, rtol=0, atol=1e-12)
    assert np.abs(rloo - policies_of(replace(base, advantage="centered"))).max() > 0.01


@pytest.mark.parametrize("advantage", ["grpo", "centered", "rloo"])
def test_without_a_second_update_nothing_is_clipped_to_the_bit(advantage):
    base = replace(SHORT, advantage=advantage)
    np.testing.assert_array_equal(policies_of(base), policies_of(replace(base, clip=(1e-9, 1e-9))))


def test_a_clip_wide_open_is_no_clip_and_a_narrow_one_is():
    base = replace(SHORT, inner_updates=3)
    np.testing.assert_array_equal(policies_of(base), policies_of(replace(base, clip=(1e9, 1e9))))
    assert np.abs(policies_of(base) - policies_of(replace(base, clip=(0.01, 0.01)))).max() > 0.01


def test_two_inner_updates_by_hand():
    """The second part's answer, a miss of action 0, counts by its ratio to the policy that sampled."""
    config = replace(FREE, group_size=2, advantage="centered", inner_updates=2, learning_rate=0.8)
    policy = np.exp(LOGITS) / np.exp(LOGITS).sum()
    first = 0.8 * 0.5 * (np.eye(4)[0] - policy)
    now = np.exp(LOGITS + first) / np.exp(LOGITS + first).sum()
    second = 0.8 * -0.5 * now[0] / policy[0] * (np.eye(4)[0] - now)
    found = change(config, [0, 0], [1, 0])
    np.testing.assert_allclose(found, first + second, rtol=0, atol=1e-15)
    assert now[0] / policy[0] == pytest.approx(1.33, abs=0.005)


@pytest.mark.parametrize(
    ("actions", "rewards", "clip", "counts"),
    [
        # The first answer moves action 0 up: its ratio is 1.33 when the second is looked at.
        ([0, 0], [1, 0], (0.01, 0.01), True),  # a miss whose ratio is above 1 - low
        ([0, 1], [1, 0], (0.2, 0.01), True),  # action 1 fell to 0.89, not below 0.8
        ([0, 1], [1, 0], (0.05, 9.0), False),  # and is below 0.95
        ([1, 0], [0, 1], (0.01, 0.2), True),  # action 0 rose to 1.09, not above 1.2
        ([1, 0], [0, 1], (9.0, 0.05), False),  # and is above 1.05
    ],
)
def test_which_answers_are_clipped(actions, rewards, clip, counts):
    config = replace(FREE, group_size=2, advantage="centered", inner_updates=2, learning_rate=0.8)
    policy = np.exp(LOGITS) / np.exp(LOGITS).sum()
    first = 0.8 * (rewards[0] - 0.5) * (np.eye(4)[actions[0]] - policy)
    found = change(replace(config, clip=clip), actions, rewards)
    if counts:
        np.testing.assert_array_equal(found, change(config, actions, rewards))
    else:
        np.testing.assert_allclose(found, first, rtol=0, atol=1e-15)


def test_each_inner_update_has_the_whole_kl_term():
    config = replace(FREE, filtering="off", inner_updates=4, kl_coefficient=0.3, learning_rate=1e-6)
    policy = np.exp(LOGITS)
    found = change(config, [0, 1, 1, 2], [1, 1, 1, 1])
    np.testing.assert_allclose(found, 4 * 1e-6 * 0.3 * (PRIOR - policy), rtol=0, atol=1e-11)


@pytest.mark.parametrize("filtering", ["off", "drop"])
@pytest.mark.parametrize("update", ["gradient", "mirror"])
def test_equal_rewards_leave_only_the_kl_term(filtering, update):
    config = replace(FREE, filtering=filtering, update=update, kl_coefficient=0.3)
    found = change(config, [0, 1, 1, 2], [1, 1, 1, 1])
    pull = 0.3 * (PRIOR - np.exp(LOGITS)) * (filtering == "off")
    np.testing.assert_allclose(found, pull, rtol=0, atol=1e-15)


def test_adam_s_first_step_is_the_sign_of_the_drift():
    found = change(replace(FREE, optimizer="adam", learning_rate=0.05), **GROUP)
    np.testing.assert_allclose(found, 0.05 * np.array([1, -1, -1, 0]), rtol=1e-6, atol=0)


def test_adam_s_steps_from_a_steady_drift_stay_as_long_as_the_learning_rate():
    """A mean over the square root of a mean square is 1, whatever the betas, if both are unbiased."""
    found = change(replace(FREE, optimizer="adam", learning_rate=0.05), **GROUP, times=7)
    np.testing.assert_allclose(found, 7 * 0.05 * np.array([1, -1, -1, 0]), rtol=1e-6, atol=0)


def test_adam_s_betas_by_hand():
    """Hits at action 0, then at action 1: the second step weighs both drifts, of size 0.25 each."""
    config = replace(FREE, group_size=2, advantage="centered", optimizer="adam", learning_rate=1e-9)
    state = fresh()
    for rewards in ([1, 0], [0, 1]):
        before = state[:4, 0].copy()
        meet(state, np.exp(LOGITS)[:, None], config, [0, 1], rewards)
    step = (0.9 * 0.1 - 0.1) / (1 - 0.9**2)  # over |drift|, whose mean square is its square
    np.testing.assert_allclose((state[:4, 0] - before) / 1e-9, [step, -step, 0, 0], rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(state[8:10, 0], 0.25**2 * (1 - 0.95**2), rtol=1e-12)


def test_adam_takes_a_rounding_error_for_nothing():
    """At the prior the KL term is zero but for rounding; untreated, hundreds of such steps diverge."""
    config = GRPOConfig(
        n_steps=300, batch_size=12, group_size=2, optimizer="adam", filtering="off", kl_coefficient=0.5
    )
    certain = TaskFamily(prior_strength=1 - 1e-12, n_actions=4, n_correct=1, n_prompts=12)
    runs = simulate(certain, config, arms=("true",), n_seeds=1, keep_policies=True)
    np.testing.assert_allclose(runs.policies[0, :, 0], runs.tasks.prior, rtol=0, atol=1e-15)


def test_a_soft_target_is_a_step_along_the_gradient_of_the_restricted_reward():
    """To first order in 1/T, target - policy is policy_S * (reward - mean reward under policy_S) / T."""
    config = replace(FREE, update="mirror", mirror_temperature=1e4)
    group = {"actions": [0, 1, 1, 3], "rewards": [1, 1, 0, 0]}
    policy = np.array([0.25, 0.25, 0.0, 0.2]) / 0.7  # of the actions that were sampled
    reward = np.array([1.0, 0.5, 0.0, 0.0])
    gradient = policy * (reward - policy @ reward)
    found = 1e4 * change(config, **group)
    np.testing.assert_allclose(found, gradient, rtol=0, atol=1e-4)
    assert np.abs(found - 1e4 * change(replace(config, mirror_temperature=2e4), **group)).max() > 0.01


def test_a_hard_target_is_the_best_answer_alone():
    found = change(replace(FREE, update="mirror", mirror_temperature=1e-3), **GROUP)
    policy = np.array([0.25, 0.25, 0.3, 0.0]) / 0.8
    np.testing.assert_allclose(found, np.eye(4)[0] - policy, rtol=0, atol=1e-15)


def test_the_target_by_hand_and_no_advantage_in_it():
    config = replace(FREE, update="mirror", mirror_temperature=0.5, kl_coefficient=0.2)
    policy = np.array([0.25, 0.25, 0.3, 0.0]) / 0.8
    target = policy * np.exp([2.0, 0.0, 0.0, 0.0])
    expected = target / target.sum() - policy + 0.2 * (PRIOR - np.exp(LOGITS))
    for advantage in ("grpo", "centered", "rloo"):
        found = change(replace(config, advantage=advantage), **GROUP)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


def test_equal_rewards_are_no_reason_to_move_at_all():
    config = replace(FREE, update="mirror", mirror_temperature=0.3, filtering="off")
    assert not change(config, actions=[0, 1, 1, 2], rewards=[1, 1, 1, 1]).any()
    assert change(config, actions=[0, 1, 1, 2], rewards=[1, 1, 1, 0]).any()


OPTIONS = {
    "clipped": {"inner_updates": 3, "clip": (0.1, 0.2), "advantage": "rloo"},
    "Adam": {"optimizer": "adam", "filtering": "refill"},
    "mirror": {"update": "mirror"},
    "noisy, labelled": {"verifier_noise": (0.1, 0.1), "majority_labels": "fixed"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_same_bits_on_any_number_of_threads_and_in_any_company(name, monkeypatch):
    config = replace(SHORT, **OPTIONS[name])
    expected = policies_of(config)
    for threads in ("1", "3"):
        monkeypatch.setenv("RLVR_THREADS", threads)
        np.testing.assert_array_equal(policies_of(config), expected)
    alone = policies_of(config, arms=("majority",))
    np.testing.assert_array_equal(alone[0], expected[2])


def test_what_a_prompt_s_optimizer_remembers_is_its_own():
    """Runs do not hand their moments on: a run in company is the run alone."""
    config = replace(SHORT, optimizer="adam")
    both = simulate(FAMILY, config, n_tasks=1, n_seeds=2, seed=6).accuracy
    np.testing.assert_array_equal(both[:, :, :1], simulate(FAMILY, config, n_seeds=1, seed=6).accuracy)


def test_the_defaults_are_where_they_were():
    """Sums of final accuracies that the first version of the kernel gave, before it knew these options."""
    light = simulate(TaskFamily(), n_tasks=3, n_seeds=3, seed=7).accuracy.sum(axis=(1, 2))
    np.testing.assert_allclose(light, PINNED, rtol=0, atol=1e-10)


PINNED = [3.9705882352941164, 3.967372441879049, 4.795082810722446, 6.555043864759285]
