"""The published study's trainer in plain NumPy, draw for draw: replication and oracle.

Written from a description of what that study computes. One `numpy.random.Generator` drives a run:
an evaluation, then for each step a batch and the groups of its prompts, evaluations along the way, and
a last one. Any change in the order of draws changes every number after it, which is what makes equal
digits informative.

Speed comes from drawing many uniforms at once where the stream is the same as drawing them one by one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import choice, whole
from rlvr.arms import ARMS
from rlvr.simulator.grpo_config import GRPOConfig, refuse_new_rules
from rlvr.simulator.rules import as_rules, rare_rules
from rlvr.simulator.task_family import TaskFamily, Tasks, check_seed

__all__ = ["largest_update_gap", "policy_update", "published_tasks", "replay_run"]

_Array = NDArray[np.float64]

CURVE_SAMPLES, FINAL_SAMPLES = 64, 128  # draws a prompt in the evaluations along the way, and in the last


def published_tasks(family: TaskFamily, seed: int) -> Tasks:
    """One task draw as the study makes it: correct actions, then the format action, prompt by prompt.

    Returns
    -------
    Tasks
        Arrays (1, prompt, action).
    """
    check_seed(seed)
    generator = np.random.default_rng(seed)
    correct = np.zeros((family.n_prompts, family.n_actions), dtype=bool)
    weights = np.empty(correct.shape)
    n_wrong = family.n_actions - family.n_correct
    for prompt in range(family.n_prompts):
        correct[prompt, generator.choice(family.n_actions, size=family.n_correct, replace=False)] = True
        format_action = generator.choice(np.flatnonzero(~correct[prompt]))
        weights[prompt] = np.where(
            correct[prompt], family.prior_strength / family.n_correct, (1 - family.prior_strength) / n_wrong
        )
        weights[prompt, format_action] *= family.format_boost
    return Tasks((weights / weights.sum(axis=1, keepdims=True))[None], correct[None])


def _softmax(logits: _Array) -> _Array:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _choose(probabilities: _Array, uniforms: _Array) -> NDArray[np.int64]:
    """What Generator.choice makes of its uniforms: (prompt, action), (prompt, sample) -> (prompt, sample)."""
    cumulative = probabilities.cumsum(axis=-1)
    cumulative /= cumulative[..., -1:]
    return (uniforms[..., None] >= cumulative[..., None, :]).sum(axis=-1)


def _evaluate(
    logits: _Array, correct: NDArray[np.bool_], generator: np.random.Generator, n_samples: int
) -> float:
    actions = _choose(_softmax(logits), generator.random((len(logits), n_samples)))
    return float(np.take_along_axis(correct, actions, axis=1).mean(axis=1).mean())


def _plurality(actions: NDArray[np.int64], n_actions: int) -> NDArray[np.int64]:
    """Most frequent action of each group, the lowest index among ties: (prompt, sample) -> (prompt, 1)."""
    counts = (actions[..., None] == np.arange(n_actions)).sum(axis=1)
    return counts.argmax(axis=1)[:, None]


def policy_update(
    logits: _Array, prior: _Array, actions: NDArray[np.int64], rewards: _Array, config: GRPOConfig
) -> _Array:
    """Change of the logits from one group a prompt.

    Parameters
    ----------
    logits, prior : ndarray (prompt, action)
    actions : ndarray of int (prompt, sample)
    rewards : ndarray (prompt, sample)
    config : GRPOConfig
        Its learning rate, KL coefficient, KL direction and filtering ("off" or "drop").

    Returns
    -------
    ndarray (prompt, action)
    """
    probabilities = _softmax(logits)
    centred = rewards - rewards.mean(axis=1, keepdims=True)
    advantages = centred / (rewards.std(axis=1, keepdims=True) + 1e-8)
    onehot = (actions[..., None] == np.arange(logits.shape[1])).astype(float)
    policy = (advantages[..., None] * (onehot - probabilities[:, None, :])).mean(axis=1)
    if config.kl == "forward":
        pull = -(probabilities - prior)
    else:
        log_ratio = np.log(probabilities / prior)
        pull = -probabilities * (log_ratio - (probabilities * log_ratio).sum(axis=1, keepdims=True))
    change = config.learning_rate * (policy + config.kl_coefficient * pull)
    if config.filtering == "drop":
        change[(rewards == rewards[:, :1]).all(axis=1)] = 0.0
    return change


def largest_update_gap(config: GRPOConfig, *, n_groups: int, seed: int) -> float:
    """How far the compiled update strays from :func:`policy_update`, which shares no code with it.

    Parameters
    ----------
    config : GRPOConfig
        Its learning rate, KL coefficient, KL direction and filtering ("off" or "drop").
    n_groups : int, at least 1
        Groups tried: eight samples of eight actions, with random rewards, logits and prior.
    seed : int
        Of those groups.

    Returns
    -------
    float
        Largest absolute difference in the change of a logit.

    Raises
    ------
    ValueError
        If `n_groups` is below 1, or `config` asks for filtering or for a rule that the study does not have.

    Examples
    --------
    >>> largest_update_gap(GRPOConfig(), n_groups=10, seed=0) < 1e-12
    True
    """
    # The compiler loads only when it is compared with.
    from rlvr.simulator.kernel import group_update, scratch_space

    whole("n_groups", n_groups, "an integer of at least 1", at_least=1)
    choice("filtering", config.filtering, ("off", "drop"))
    refuse_new_rules(config, "for the published update")
    generator, size = np.random.default_rng(check_seed(seed)), 8
    rules = as_rules(replace(config, group_size=size), config.batch_size)
    prior, logits = np.empty((n_groups, size)), np.empty((n_groups, size))
    actions, rewards = np.empty((n_groups, size), np.int64), np.empty((n_groups, size))
    for group in range(n_groups):
        prior[group], logits[group] = generator.dirichlet(np.ones(size)), generator.normal(size=size)
        actions[group], rewards[group] = generator.integers(0, size, size), generator.integers(0, 2, size)
    after, *groups = (rows.T.copy() for rows in (logits, _softmax(logits), prior, actions, rewards))
    scratch = scratch_space(size, size, n_groups)
    group_update(after, *groups, rules, rare_rules(rules), np.ones(n_groups, np.bool_), scratch)
    plain = policy_update(logits, prior, actions, rewards, config)
    return float(np.abs(after.T - logits - plain).max())


def replay_run(tasks: Tasks, arm: str, config: GRPOConfig, *, seed: int, eval_every: int = 50) -> float:
    """Train and evaluate one run as the study does.

    Parameters
    ----------
    tasks : Tasks
        One task draw, from :func:`published_tasks`.
    arm : str
        One of ``ARMS``.
    config : GRPOConfig
    seed : int
        The run's seed.
    eval_every : int, at least 1
        Steps between evaluations. They cost draws, so they move the result.

    Returns
    -------
    float
        The study's accuracy: the mean of 128 sampled answers a prompt, averaged over prompts.

    Raises
    ------
    ValueError
        If `arm` is unknown, `eval_every` is below 1, or `config` has a rule that the study has not.
    """
    choice("arm", arm, ARMS)
    refuse_new_rules(config, "for the published trainer")
    whole("eval_every", eval_every, "an integer of at least 1", at_least=1)
    generator = np.random.default_rng(check_seed(seed))
    prior, correct = tasks.prior[0], tasks.correct[0]
    logits = np.log(prior)
    _evaluate(logits, correct, generator, CURVE_SAMPLES)
    for step in range(1, config.n_steps + 1):
        batch = generator.choice(len(prior), size=config.batch_size, replace=False)
        uniforms = np.empty((config.batch_size, config.group_size))
        bits = np.empty(uniforms.shape)
        if arm == "random":  # actions and reward bits alternate in the stream
            for row in range(config.batch_size):
                uniforms[row] = generator.random(config.group_size)
                bits[row] = generator.integers(0, 2, size=config.group_size)
        else:
            generator.random(out=uniforms)
        if arm != "frozen":
            actions = _choose(_softmax(logits[batch]), uniforms)
            if arm == "true":
                rewards = np.take_along_axis(correct[batch], actions, axis=1).astype(float)
            elif arm == "majority":
                rewards = (actions == _plurality(actions, prior.shape[1])).astype(float)
            else:
                rewards = bits
            logits[batch] += policy_update(logits[batch], prior[batch], actions, rewards, config)
        if step % eval_every == 0 or step == config.n_steps:
            _evaluate(logits, correct, generator, CURVE_SAMPLES)
    return _evaluate(logits, correct, generator, FINAL_SAMPLES)
