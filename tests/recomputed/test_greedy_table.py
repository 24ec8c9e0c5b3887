"""Chapter 9: a table of separate prompts has the greedy null too. Written from Chapters 5 and 9 alone.

Ten answers, one right; the usual error has half of what is left, the eight others share the rest. Rollouts of
64 prompts and 8 answers each; a group's answers are used once each in eight updates, one answer an update,
which is what makes the ratio differ from one; clip 0.2; Adam with betas 0.9 and 0.95; no KL pull. The step is
set so that TRUE at the middle prior ends where the network's does.
"""

import functools

import numpy as np
import pandas as pd
import pytest
from quoted import DATA, numbers, quotes
from scipy import optimize

CHAPTER = "09-network"
PRIORS = {"weak": 0.20, "middle": 0.40, "strong": 0.60}
BETAS, CLIP, GROUP, ROLLOUTS = (0.9, 0.95), 0.2, 8, 12
THEIRS = 64 * 64  # prompts behind a number of the page: 64 seeds of 64 prompts
PROMPTS = 4 * THEIRS


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def trained(accuracy, arm, step, n_prompts, seed):
    """Policies (prompt, answer) after training, answer 0 right and answer 1 the usual error."""
    rng, row = np.random.default_rng(seed), np.arange(n_prompts)
    start = np.r_[accuracy, (1 - accuracy) / 2, np.full(8, (1 - accuracy) / 16)]
    logits = np.tile(np.log(start), (n_prompts, 1))
    mean, square, count = np.zeros_like(logits), np.zeros_like(logits), 0
    for _ in range(ROLLOUTS):
        before = softmax(logits)
        answers = (rng.random((n_prompts, GROUP, 1)) > before.cumsum(axis=1)[:, None]).sum(axis=2).clip(0, 9)
        rewards = answers == 0 if arm == "true" else rng.random(answers.shape) < 0.5
        spread = rewards.std(axis=1, keepdims=True)
        advantages = (rewards - rewards.mean(axis=1, keepdims=True)) / (spread + 1e-8)
        for answer, advantage in zip(answers.T, advantages.T, strict=True):
            now = softmax(logits)
            ratio = now[row, answer] / before[row, answer]
            cut = ((advantage > 0) & (ratio > 1 + CLIP)) | ((advantage < 0) & (ratio < 1 - CLIP))
            gradient = -now
            gradient[row, answer] += 1
            gradient *= np.where(cut, 0, advantage * ratio)[:, None]
            count += 1
            mean = BETAS[0] * mean + (1 - BETAS[0]) * gradient
            square = BETAS[1] * square + (1 - BETAS[1]) * gradient**2
            full = 1 - BETAS[0] ** count, 1 - BETAS[1] ** count
            logits = logits + step * (mean / full[0]) / (np.sqrt(square / full[1]) + 1e-8)
    return softmax(logits)


@functools.cache
def step_size():
    """The step on a logit at which TRUE at the middle prior ends where the network's does."""
    paths = pd.read_csv(DATA / "network_paths.csv.gz")
    network = paths.query("prior == 'middle' and arm == 'true' and design == 'clipped' and rate == 'low'")
    aim = network[network.step == network.step.max()].trained_right.mean()

    def miss(log_step):
        return trained(0.40, "true", np.exp(log_step), 1024, seed=1)[:, 0].mean() - aim

    return np.exp(optimize.brentq(miss, -4, -2, xtol=0.01))


@functools.cache
def nulls(prior):
    """RANDOM minus the start: sampled and greedy, each with the standard deviation over prompts."""
    policies = trained(PRIORS[prior], "random", step_size(), PROMPTS, seed=2)
    sampled, greedy = policies[:, 0] - PRIORS[prior], (policies.argmax(axis=1) == 0) - float(prior != "weak")
    return [(values.mean(), values.std(ddof=1)) for values in (sampled, greedy)]


def four_errors(deviation):
    """Four standard errors of a difference: of the page's mean over its prompts, and of this file's."""
    return 4 * deviation * np.sqrt(1 / THEIRS + 1 / PROMPTS)


@pytest.mark.parametrize("prior", PRIORS)
def test_the_tables_greedy_null(prior):
    """Within four standard errors, and half a point for the two searches of the step."""
    _, (mine, deviation) = nulls(prior)
    quoted = numbers(quotes(CHAPTER)[f"lead_tab_{prior}"])[0].item() / 100
    assert abs(quoted - mine) < four_errors(deviation) + 0.005
    assert mine * quoted > 0 and abs(mine) > 10 * deviation / np.sqrt(PROMPTS)  # the sign is not in doubt


def test_the_tables_sampled_null():
    largest, deviation = max((abs(value), deviation) for (value, deviation), _ in map(nulls, PRIORS))
    quoted = numbers(quotes(CHAPTER)["table_null"])[0].item() / 100
    assert abs(quoted - largest) < four_errors(deviation)
