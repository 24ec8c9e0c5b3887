"""Refilling a batch: against an independent trainer in plain Python, and in its limits."""

import numpy as np
import pytest

from rlvr import GRPOConfig, TaskFamily, simulate
from tests.oracles.plain_trainer import Place

SMALL = TaskFamily(prior_strength=0.7, n_actions=4, n_correct=1, n_prompts=9)


def plain_refill(config, tasks, arm, n_candidates, seed):
    """One arm, one run (task 0, seed 0), with refilling, in loops a reader can check."""
    key = np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(2, np.uint64)
    place = Place(key, 0)
    prior, correct = tasks.prior[0], tasks.correct[0]
    n_prompts, n_actions = prior.shape
    logits, order, tried = np.log(prior), list(range(n_prompts)), []
    for step in range(config.n_steps):
        words = place.words(1, 0, step, n_candidates)
        for j in range(config.batch_size):
            other = j + (words[j] * (n_prompts - j) >> 32)
            order[j], order[other] = order[other], order[j]
        pool = list(order)
        for j in range(config.batch_size, n_candidates):
            other = j + (words[j] * (n_prompts - j) >> 32)
            pool[j], pool[other] = pool[other], pool[j]
        full = 0
        for j in range(n_candidates):
            if full == config.batch_size:
                break
            prompt = pool[j]
            policy = np.exp(logits[prompt]) / np.exp(logits[prompt]).sum()
            uniform = (np.array(place.words(2, prompt, step, config.group_size)) + 0.5) / 2**32
            actions = np.searchsorted(np.cumsum(policy)[:-1], uniform, side="right")
            counts = np.bincount(actions, minlength=n_actions)
            rewards = (
                correct[prompt][actions]
                if arm == "true"
                else actions == np.flatnonzero(counts == counts.max())[0]
            ).astype(float)
            if rewards.std() == 0:
                continue
            advantage = (rewards - rewards.mean()) / (rewards.std() + 1e-8)
            gradient = (advantage[:, None] * (np.eye(n_actions)[actions] - policy)).mean(axis=0)
            logits[prompt] += config.learning_rate * (
                gradient - config.kl_coefficient * (policy - prior[prompt])
            )
            full += 1
        tried.append((j if full == config.batch_size and j < n_candidates - 1 else n_candidates, full))
    policy = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return policy[correct].sum() / n_prompts, tried


@pytest.mark.parametrize("arm", ["majority", "true"])
def test_refill_equals_a_plain_trainer(arm):
    config = GRPOConfig(
        n_steps=40, batch_size=3, group_size=6, learning_rate=0.4, refill_cap=2, filtering="refill"
    )
    runs = simulate(SMALL, config, arms=(arm,), n_tasks=1, n_seeds=1, seed=11)
    expected, tried = plain_refill(config, runs.tasks, arm, 6, 11)
    assert runs.arm(arm)[0, 0] == pytest.approx(expected, abs=1e-12)
    assert any(full == 3 for _, full in tried) and any(full < 3 for _, full in tried)  # both limits were met
    dropped = simulate(
        SMALL, GRPOConfig(**{**vars(config), "filtering": "drop"}), arms=(arm,), n_seeds=1, seed=11
    )
    assert abs(dropped.arm(arm)[0, 0] - expected) > 1e-6  # dropping fails the same check


def test_most_of_the_gain_of_refilling_is_the_groups_that_it_samples_beyond_a_batch():
    family = TaskFamily(prior_strength=0.8)
    refill = GRPOConfig(filtering="refill")
    _, tried = plain_refill(refill, family.sample(1, 4), "true", 40, 4)
    groups = np.mean([n for n, _ in tried]) / refill.batch_size
    assert 1.2 < groups < 1.5

    def end(**options):
        runs = simulate(family, GRPOConfig(**options), arms=("true",), n_tasks=20, n_seeds=1, seed=4)
        return runs.arm("true").mean()

    at_equal_steps = end(filtering="refill") - end()
    at_equal_groups = end(filtering="refill") - end(n_steps=round(groups * refill.n_steps))
    assert at_equal_steps > 0.02 and at_equal_groups < at_equal_steps / 3


def test_the_cap_of_one_batch_is_dropping():
    same = {"arms": ("random", "majority", "true"), "n_tasks": 2, "n_seeds": 2, "seed": 3}
    dropped = simulate(TaskFamily(prior_strength=0.8), GRPOConfig(n_steps=30), **same)
    capped = simulate(
        TaskFamily(prior_strength=0.8), GRPOConfig(n_steps=30, filtering="refill", refill_cap=1), **same
    )
    assert np.array_equal(dropped.accuracy, capped.accuracy)


def test_a_cap_beyond_the_prompts_is_all_prompts():
    runs = [
        simulate(SMALL, GRPOConfig(n_steps=20, batch_size=4, filtering="refill", refill_cap=cap), seed=2)
        for cap in (3, 50)
    ]
    assert np.array_equal(runs[0].accuracy, runs[1].accuracy)


def test_each_arm_refills_on_its_own():
    config = GRPOConfig(n_steps=20, batch_size=4, filtering="refill")
    together = simulate(SMALL, config, seed=4)
    for arm in ("random", "majority", "true"):
        alone = simulate(SMALL, config, arms=(arm,), seed=4)
        assert np.array_equal(together.arm(arm), alone.arm(arm))


def test_frozen_alone_is_the_prior():
    runs = simulate(SMALL, GRPOConfig(n_steps=5, batch_size=4, filtering="refill"), arms=("frozen",))
    assert np.allclose(runs.accuracy, SMALL.prior_accuracy, atol=1e-12)


@pytest.mark.parametrize(("cap", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_wrong_cap_is_named(cap, error):
    with pytest.raises(error, match="refill_cap must be an integer of at least 1"):
        GRPOConfig(refill_cap=cap)
