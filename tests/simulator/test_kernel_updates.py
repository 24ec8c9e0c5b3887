"""Every way of updating in a limit that is known by hand, and what would fail it."""

from dataclasses import replace

import numpy as np
import pytest

from rlvr import GRPOConfig, TaskFamily, simulate
from rlvr.simulator import kernel_updates
from rlvr.simulator.rules import as_rules

FAMILY = TaskFamily(prior_strength=0.6, n_actions=4, n_correct=1, n_prompts=12)
SHORT = GRPOConfig(n_steps=25, batch_size=4, group_size=6, learning_rate=0.5)
PRIOR = np.array([0.4, 0.3, 0.2, 0.1])
LOGITS = np.log([0.25, 0.25, 0.3, 0.2])


def trained(config, **arguments):
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
    kernel_updates.group_update(
        state, policy, PRIOR[:, None], np.array(actions)[:, None], np.array(rewards)[:, None] * 1.0,
        as_rules(config, 40), np.array([True]), np.empty((5 * 4 + len(actions) + 2, 1)),
    )  # fmt: skip


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
    rloo = trained(replace(base, advantage="rloo"))
    larger = trained(replace(base, advantage="centered", learning_rate=0.5 * 6 / 5))
    np.testing.assert_allclose(rloo, larger, rtol=0, atol=1e-12)
    assert np.abs(rloo - trained(replace(base, advantage="centered"))).max() > 0.01


@pytest.mark.parametrize("advantage", ["grpo", "centered", "rloo"])
def test_without_a_second_update_nothing_is_clipped_to_the_bit(advantage):
    base = replace(SHORT, advantage=advantage)
    np.testing.assert_array_equal(trained(base), trained(replace(base, clip=(1e-9, 1e-9))))


def test_a_clip_wide_open_is_no_clip_and_a_narrow_one_is():
    base = replace(SHORT, inner_updates=3)
    np.testing.assert_array_equal(trained(base), trained(replace(base, clip=(1e9, 1e9))))
    assert np.abs(trained(base) - trained(replace(base, clip=(0.01, 0.01)))).max() > 0.01


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
    expected = trained(config)
    for threads in ("1", "3"):
        monkeypatch.setenv("RLVR_THREADS", threads)
        np.testing.assert_array_equal(trained(config), expected)
    alone = trained(config, arms=("majority",))
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
