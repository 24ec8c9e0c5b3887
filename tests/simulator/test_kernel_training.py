"""Whole runs of the compiled trainer, step by step against loops that a reader can check."""

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, TaskFamily, simulate
from rlvr.simulator.keyed_random import philox

FAMILY = TaskFamily(prior_strength=0.6, n_actions=4, n_correct=1, n_prompts=9)

SETTINGS = {
    "as published": GRPOConfig(n_steps=30, batch_size=3, group_size=6, learning_rate=0.4),
    "one sample more than eight": GRPOConfig(n_steps=12, batch_size=9, group_size=9, learning_rate=0.9),
    "two words of reward bits": GRPOConfig(n_steps=6, batch_size=4, group_size=41, learning_rate=2.0),
    "no filter": GRPOConfig(
        n_steps=30, batch_size=3, group_size=3, learning_rate=0.4, kl_coefficient=0.7, filtering="off"
    ),
    "refill": GRPOConfig(
        n_steps=30, batch_size=2, group_size=3, learning_rate=0.4, filtering="refill", refill_cap=3
    ),
    "refill from all": GRPOConfig(
        n_steps=12, batch_size=4, group_size=2, learning_rate=0.4, filtering="refill", refill_cap=7
    ),
    "ties at random": GRPOConfig(n_steps=30, batch_size=3, group_size=4, learning_rate=0.4,
                                 tie_break="uniform"),
    "reverse": GRPOConfig(
        n_steps=30, batch_size=3, group_size=4, learning_rate=0.4, kl_coefficient=0.6, kl="reverse",
        filtering="off",
    ),
}  # fmt: skip


def words_at(key, place, prompt, step, purpose, n):
    """`n` 32-bit words for one place in the experiment, from counters written out."""
    words, block = [], np.empty(8, np.uint64)
    for number in range(-(-n // 8)):
        where = (prompt << 32) | step
        philox(key, *map(np.uint64, (place, where, number, purpose)), block)
        words.extend(map(int, block))
    return words


def rewards_of(arm, actions, correct, words, tie_break):
    """Rewards of one group; `words` are those behind the ones that drew the actions."""
    if arm == "true":
        return np.array([float(correct[action]) for action in actions])
    if arm == "random":
        return np.array([float(words[1 + i // 32] >> (i % 32) & 1) for i in range(len(actions))])
    counts = [list(actions).count(action) for action in range(len(correct))]
    tied = [action for action, count in enumerate(counts) if count == max(counts)]
    plurality = tied[words[0] * len(tied) >> 32] if tie_break == "uniform" else tied[0]
    return np.array([float(action == plurality) for action in actions])


def plain_run(config, prior, correct, arm, place, key):
    """Logits after every step of one arm in one run."""
    n_prompts, n_actions = prior.shape
    n_candidates = config.batch_size
    if config.filtering == "refill":
        n_candidates = min(config.refill_cap * config.batch_size, n_prompts)
    logits, order, history = np.log(prior), list(range(n_prompts)), [np.log(prior)]
    for step in range(config.n_steps):
        words = words_at(key, place, 0, step, 1, n_candidates)
        pool = list(order)
        for j in range(min(n_candidates, n_prompts - 1)):  # Fisher and Yates
            other = j + (words[j] * (n_prompts - j) >> 32)
            pool[j], pool[other] = pool[other], pool[j]
            if j == config.batch_size - 1:
                order = list(pool)  # what refilling shuffles further is not kept
        full = 0
        for prompt in pool[:n_candidates]:
            if full == config.batch_size:
                break
            first = 8 * -(-config.group_size // 8)
            words = words_at(
                key, place, prompt, step, 2, first + 8 * -(-(1 + -(-config.group_size // 32)) // 8)
            )
            policy = np.exp(logits[prompt]) / np.exp(logits[prompt]).sum()
            steps = np.cumsum(policy)[:-1]
            actions = [int(((word + 0.5) / 2**32 >= steps).sum()) for word in words[: config.group_size]]
            rewards = rewards_of(arm, actions, correct[prompt], words[first:], config.tie_break)
            if rewards.std() == 0 and config.filtering != "off":
                continue
            advantages = (rewards - rewards.mean()) / (rewards.std() + 1e-8)
            gradient = (advantages[:, None] * (np.eye(n_actions)[actions] - policy)).mean(axis=0)
            ratio = np.log(policy / prior[prompt])
            pull = {"forward": policy - prior[prompt], "reverse": policy * (ratio - policy @ ratio)}[
                config.kl
            ]
            logits[prompt] += config.learning_rate * (gradient - config.kl_coefficient * pull)
            full += 1
        history.append(logits.copy())
    return np.array(history)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_arm_of_every_run_is_the_plain_trainer_s(name):
    config, seed = SETTINGS[name], 5
    watched = (0, 1, config.n_steps // 2)
    runs = simulate(FAMILY, config, n_tasks=2, n_seeds=2, seed=seed, checkpoints=watched, keep_policies=True)
    key = np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(2, np.uint64)
    for arm, task, run in [(arm, task, run) for arm in ARMS[1:] for task in range(2) for run in range(2)]:
        prior, correct = runs.tasks.prior[task], runs.tasks.correct[task]
        logits = plain_run(config, prior, correct, arm, (task << 32) | run, key)
        policies = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        accuracy = np.where(correct, policies, 0).sum(axis=(1, 2)) / FAMILY.n_prompts
        place = (ARMS.index(arm), task, run)
        np.testing.assert_allclose(runs.curves[place], accuracy[[*watched, -1]], rtol=0, atol=1e-12)
        np.testing.assert_allclose(runs.policies[place], policies[-1], rtol=0, atol=1e-12)
        assert np.abs(logits[-1] - logits[0]).max() > 0.1  # it was trained
