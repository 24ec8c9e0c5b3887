"""The replay against the study's own way of drawing: prompt by prompt, sample by sample."""

import numpy as np
import pytest

from rlvr import ARMS, TaskFamily
from rlvr.experiments.published_trainer import (
    CURVE_SAMPLES,
    FINAL_SAMPLES,
    largest_update_gap,
    policy_update,
    published_tasks,
    replay_run,
)
from rlvr.simulator.grpo_config import GRPOConfig

FAMILY = TaskFamily(0.35, 0.3, n_actions=5, n_correct=2, n_prompts=7)


def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def evaluated(logits, correct, generator, n_samples):
    """Sampled accuracy, prompt after prompt."""
    n_actions = correct.shape[1]
    hits = [
        right[generator.choice(n_actions, size=n_samples, p=softmax(row))].mean()
        for row, right in zip(logits, correct, strict=True)
    ]
    return np.mean(hits)


def plain_replay(tasks, arm, config, seed, eval_every):
    generator = np.random.default_rng(seed)
    prior, correct = tasks.prior[0], tasks.correct[0]
    n_prompts, n_actions = prior.shape
    logits = np.log(prior)
    evaluated(logits, correct, generator, 64)
    for step in range(1, config.n_steps + 1):
        for prompt in generator.choice(n_prompts, size=config.batch_size, replace=False):
            policy = softmax(logits[prompt])
            actions = generator.choice(n_actions, size=config.group_size, p=policy)
            if arm == "random":
                rewards = np.array([float(generator.integers(0, 2)) for _ in actions])
            elif arm == "majority":
                counts = np.bincount(actions, minlength=n_actions)
                rewards = (actions == counts.argmax()).astype(float)
            else:
                rewards = correct[prompt][actions].astype(float)
            if arm == "frozen" or (config.filtering == "drop" and rewards.std() == 0):
                continue
            advantage = (rewards - rewards.mean()) / (rewards.std() + 1e-8)
            gradient = (advantage[:, None] * (np.eye(n_actions)[actions] - policy)).mean(axis=0)
            logits[prompt] += config.learning_rate * (
                gradient - config.kl_coefficient * (policy - prior[prompt])
            )
        if step % eval_every == 0 or step == config.n_steps:
            evaluated(logits, correct, generator, 64)
    return evaluated(logits, correct, generator, 128)


def test_logits_of_any_size_give_a_policy():
    config = GRPOConfig(learning_rate=1.0, kl_coefficient=1.0, filtering="off")
    sure = policy_update(
        np.array([[500.0, 0.0]]), np.array([[0.5, 0.5]]), np.array([[0, 0]]), np.array([[1.0, 1.0]]), config
    )
    assert sure[0] == pytest.approx([-0.5, 0.5], abs=1e-12)


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize(("filtering", "eval_every"), [("drop", 3), ("off", 4), ("drop", 50)])
def test_a_run_draws_as_the_study_draws(arm, filtering, eval_every):
    config = GRPOConfig(
        n_steps=10, batch_size=3, group_size=4, learning_rate=0.6, kl_coefficient=0.2, filtering=filtering
    )
    tasks = published_tasks(FAMILY, 3)
    found = replay_run(tasks, arm, config, seed=9, eval_every=eval_every)
    assert found == pytest.approx(plain_replay(tasks, arm, config, 9, eval_every), abs=1e-12)


def test_evaluations_are_50_steps_apart_unless_said():
    config = GRPOConfig(n_steps=101, batch_size=2, group_size=2)
    tasks = published_tasks(FAMILY, 3)
    assert replay_run(tasks, "true", config, seed=1) == replay_run(
        tasks, "true", config, seed=1, eval_every=50
    )
    others = {replay_run(tasks, "true", config, seed=1, eval_every=every) for every in (1, 33, 34, 50)}
    assert len(others) > 2
    assert (CURVE_SAMPLES, FINAL_SAMPLES) == (64, 128)


def test_tasks_are_drawn_prompt_by_prompt():
    generator = np.random.default_rng(3)
    tasks = published_tasks(FAMILY, 3)
    assert tasks.prior.shape == tasks.correct.shape == (1, 7, 5)
    for prior, correct in zip(tasks.prior[0], tasks.correct[0], strict=True):
        right = generator.choice(5, size=2, replace=False)
        wrong = [action for action in range(5) if action not in right]
        marked = generator.choice(wrong)
        weights = np.array([0.35 / 2 if action in right else 0.65 / 3 for action in range(5)])
        weights[marked] *= 1 + 0.3 * 5
        np.testing.assert_allclose(prior, weights / weights.sum(), rtol=1e-14)
        assert np.flatnonzero(correct).tolist() == sorted(right)


@pytest.mark.parametrize(("kl", "pull"), [("forward", [-0.1, 0.1]), ("reverse", None)])
def test_one_update_by_hand(kl, pull):
    """Two actions, two samples, one of them right: advantages +1 and -1, gradient half a logit each way."""
    policy, prior = np.array([0.6, 0.4]), np.array([0.5, 0.5])
    if pull is None:
        ratio = np.log(policy / prior)
        pull = -policy * (ratio - policy @ ratio)
    config = GRPOConfig(learning_rate=0.5, kl_coefficient=0.2, kl=kl)
    found = policy_update(
        np.log(policy)[None], prior[None], np.array([[0, 1]]), np.array([[1.0, 0.0]]), config
    )
    np.testing.assert_allclose(found[0], 0.5 * (np.array([0.5, -0.5]) + 0.2 * np.array(pull)), atol=1e-7)
    dropped = policy_update(np.log(policy)[None], prior[None], np.array([[0, 1]]), np.ones((1, 2)), config)
    assert dropped.tolist() == [[0.0, 0.0]]


def test_groups_of_equal_rewards_are_dropped_one_by_one():
    policy = np.full((3, 2), 0.5)
    rewards = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    moved = policy_update(np.log(policy), policy, np.array([[0, 1]] * 3), rewards, GRPOConfig())
    assert (moved != 0).any(axis=1).tolist() == [False, True, False]


def test_the_gap_is_the_largest_over_all_groups():
    gaps = [largest_update_gap(GRPOConfig(), n_groups=n, seed=2) for n in (1, 5, 60)]
    assert 0 <= gaps[0] <= gaps[1] <= gaps[2] < 1e-13 and gaps[2] > 0
    assert largest_update_gap(GRPOConfig(), n_groups=60, seed=3) != gaps[2]
