"""The same training in plain NumPy: slow, short, and the judge of the compiled one.

It shares with the compiled trainer what the randomness is keyed by, and no code. It is written in the
order in which the rules are stated: sample, reward, advantages, updates; so whole runs can be compared,
sample for sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.labels import fixed_labels
from rlvr.simulator.task_family import Tasks

__all__ = ["Place", "plain_prompt_run"]

_Array = NDArray[np.float64]
_BATCHES, _GROUPS, _VERIFIER = 1, 2, 3


def plain_prompt_run(
    tasks: Tasks, config: GRPOConfig, arm: str, *, task: int = 0, run: int = 0, seed: int = 0
) -> _Array:
    """Train one arm in run `run` of draw `task`, and keep the policies after every step, the prior first.

    Returns
    -------
    ndarray (step + 1, prompt, action)

    Examples
    --------
    >>> from rlvr.simulator import TaskFamily
    >>> plain_prompt_run(TaskFamily().sample(1), GRPOConfig(n_steps=2), "true").shape
    (3, 40, 8)
    """
    key = np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(2, np.uint64)
    place = Place(key, (task << 32) | run)
    prior, correct = tasks.prior[task], tasks.correct[task]
    labels = None
    if arm == "majority" and config.majority_labels == "fixed":
        labels = fixed_labels(tasks, config, seed=seed)[task]
    learners = [_Learner(row, config) for row in prior]
    order, history = list(range(len(prior))), [prior]
    for step in range(config.n_steps if arm != "frozen" else 0):
        full = 0
        for prompt in _candidates(place, step, order, config):
            if full == config.batch_size:
                break
            learner = learners[prompt]
            words = place.words(_GROUPS, prompt, step, 8 * -(-config.group_size // 8) + 1 + config.group_size)
            actions = _sampled(_softmax(learner.logits), words[: config.group_size])
            label = None if labels is None else labels[prompt]
            verifier = place.words(_VERIFIER, prompt, step, config.group_size)
            after = words[8 * -(-config.group_size // 8) :]
            rewards = _rewards(arm, actions, correct[prompt], label, after, verifier, config)
            full += learner.learn(actions, rewards)
        history.append(np.array([_softmax(learner.logits) for learner in learners]))
    return np.array(history + [prior] * (config.n_steps + 1 - len(history)))


class Place:
    """Random words of one run, by purpose, prompt and step: NumPy's Philox, asked counter by counter."""

    def __init__(self, key: NDArray[np.uint32 | np.uint64], place: int) -> None:
        self.key, self.place = key, place

    def words(self, purpose: int, prompt: int, step: int, n: int) -> list[int]:
        """`n` words of 32 bits."""
        halves: list[int] = []
        for block in range(-(-n // 8)):
            counter = self.place + (((prompt << 32) | step) << 64) + (block << 128) + (purpose << 192)
            generator = np.random.Philox(key=self.key, counter=counter - 1)  # it steps before it draws
            for word in map(int, generator.random_raw(4)):
                halves += [word & (2**32 - 1), word >> 32]
        return halves[:n]


def _candidates(place: Place, step: int, order: list[int], config: GRPOConfig) -> list[int]:
    """Prompts of one step in the order they are tried; the batch stays at the front of `order`."""
    n_prompts, n = len(order), config.batch_size
    if config.filtering == "refill":
        n = min(config.refill_cap * config.batch_size, n_prompts)
    words = place.words(_BATCHES, 0, step, n)
    pool = list(order)
    for j in range(n):  # Fisher and Yates
        other = j + (words[j] * (n_prompts - j) >> 32)
        pool[j], pool[other] = pool[other], pool[j]
        if j == config.batch_size - 1:
            order[:] = pool  # what refilling shuffles further is not kept
    return pool[:n]


def _softmax(logits: _Array) -> _Array:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def _sampled(policy: _Array, words: list[int]) -> NDArray[np.int64]:
    """One action a word, by inverting the distribution function."""
    return np.searchsorted(np.cumsum(policy)[:-1], (np.array(words) + 0.5) / 2**32, side="right")


def _rewards(
    arm: str,
    actions: NDArray[np.int64],
    correct: NDArray[np.bool_],
    label: int | None,
    words: list[int],
    verifier_words: list[int],
    config: GRPOConfig,
) -> _Array:
    """Rewards (sample,) of one group; `words` are those behind the ones that drew the actions."""
    if arm == "true":
        false_positive, false_negative = config.verifier_noise
        uniforms = (np.array(verifier_words) + 0.5) / 2**32
        return np.where(correct[actions], uniforms < 1 - false_negative, uniforms < false_positive) * 1.0
    if arm == "random":
        return np.array([float(words[1 + i // 32] >> (i % 32) & 1) for i in range(len(actions))])
    if label is None:
        counts = np.bincount(actions, minlength=len(correct))
        tied = np.flatnonzero(counts == counts.max())
        label = tied[words[0] * len(tied) >> 32 if config.tie_break == "uniform" else 0]
    return (actions == label).astype(float)


class _Learner:
    """One prompt's logits, and what its optimizer remembers."""

    def __init__(self, prior: _Array, config: GRPOConfig) -> None:
        self.logits, self.prior, self.config = np.log(prior), prior, config
        self.first, self.second, self.n_updates = np.zeros_like(prior), np.zeros_like(prior), 0

    def learn(self, actions: NDArray[np.int64], rewards: _Array) -> bool:
        """Apply one group; say whether it counted."""
        config, before = self.config, _softmax(self.logits)
        equal = bool((rewards == rewards[0]).all())
        if equal and config.filtering != "off":
            return False
        advantages = np.zeros(len(rewards)) if equal else _advantages(rewards, config)
        parts = np.split(np.arange(len(actions)), config.inner_updates)
        for part in parts:
            now = _softmax(self.logits)
            if config.update == "mirror":
                drift = _towards_target(now, actions, rewards, config.mirror_temperature)
            else:
                drift = _policy_gradient(now, before, actions[part], advantages[part], config)
            self._move(drift + config.kl_coefficient * _pull(now, self.prior, config))
        return True

    def _move(self, drift: _Array) -> None:
        if self.config.optimizer == "adam":
            self.n_updates += 1
            drift = np.where(abs(drift) < 1e-14, 0.0, drift)  # a zero, but for rounding
            self.first = 0.9 * self.first + 0.1 * drift
            self.second = 0.95 * self.second + 0.05 * drift**2
            mean = self.first / (1 - 0.9**self.n_updates)
            drift = mean / (np.sqrt(self.second / (1 - 0.95**self.n_updates)) + 1e-8)
        self.logits = self.logits + self.config.learning_rate * drift


def _advantages(rewards: _Array, config: GRPOConfig) -> _Array:
    if config.advantage == "rloo":  # each reward less the mean of the others
        return rewards - (rewards.sum() - rewards) / (len(rewards) - 1)
    centred = rewards - rewards.mean()
    return centred if config.advantage == "centered" else centred / (rewards.std() + 1e-8)


def _policy_gradient(
    now: _Array, before: _Array, actions: NDArray[np.int64], advantages: _Array, config: GRPOConfig
) -> _Array:
    """Mean over one part of a group of the clipped surrogate's gradient."""
    ratios = now[actions] / before[actions]
    if config.clip is not None:
        low, high = config.clip
        gone = np.where(advantages > 0, ratios > 1 + high, ratios < 1 - low)
        advantages = np.where(gone, 0.0, advantages)
    onehot = np.eye(len(now))[actions]
    return (advantages * ratios) @ (onehot - now) / len(actions)


def _towards_target(now: _Array, actions: NDArray[np.int64], rewards: _Array, temperature: float) -> _Array:
    """Target minus policy, on the distinct actions of a group."""
    change = np.zeros_like(now)
    candidates = np.unique(actions)
    worth = np.array([rewards[actions == candidate].mean() for candidate in candidates])
    policy, tilted = now[candidates], now[candidates] * np.exp((worth - worth.max()) / temperature)
    change[candidates] = tilted / tilted.sum() - policy / policy.sum()
    return change


def _pull(now: _Array, prior: _Array, config: GRPOConfig) -> _Array:
    if config.kl == "forward":
        return prior - now
    log_ratio = np.log(now / prior)
    return -now * (log_ratio - now @ log_ratio)
