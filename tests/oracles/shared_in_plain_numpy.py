"""The shared policy a second time, in plain NumPy: one run as its definition reads, slow and short.

It knows nothing of the compiled kernel. Random words come from NumPy's own Philox, and every answer's
gradient is written out, so agreement sample for sample says that the kernel does what is defined.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.labels import fixed_names, strategy_shares
from rlvr.simulator.strategy_family import StrategyFamily

__all__ = ["PlainRun", "plain_strategy_run"]

_PURPOSE = {"batches": 16, "strategies": 17, "right": 18, "names": 19, "rewards": 20, "noise": 21}


@dataclass(frozen=True)
class PlainRun:
    """What one run went through.

    Attributes
    ----------
    logits : ndarray (step + 1, token, strategy)
        Shared logits before the first step and after each.
    accuracy : ndarray (step + 1,)
        As the family reads it.
    shares : ndarray (step + 1, strategy)
    clipped : ndarray (step,)
        Fraction of a step's decisions that were clipped.
    """

    logits: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    shares: NDArray[np.float64]
    clipped: NDArray[np.float64]


def plain_strategy_run(
    family: StrategyFamily, config: GRPOConfig, arm: str, task: int = 0, run: int = 0, seed: int = 0
) -> PlainRun:
    """Train one arm once: run `run` of task draw `task` under root `seed`.

    Examples
    --------
    >>> from rlvr import simulate
    >>> family, config = StrategyFamily(), GRPOConfig(n_steps=3, batch_size=8, inner_updates=4)
    >>> by_kernel = simulate(family, config, arms=("random",), n_seeds=1).accuracy[0, 0, 0]
    >>> abs(plain_strategy_run(family, config, "random").accuracy[-1] - by_kernel) < 1e-12
    np.True_
    """
    tasks = family.sample(task + 1, seed)
    offsets, accuracies = tasks.offsets[task], tasks.accuracies[task]
    labels = fixed_names(family, tasks, config, seed)[task] if config.majority_labels == "fixed" else None
    key = np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(2, np.uint64)

    def words(prompt: int, step: int, purpose: str, n: int) -> NDArray[np.uint64]:
        return _words(key, (task << 32) | run, (int(prompt) << 32) | step, _PURPOSE[purpose], n)

    logits = family.prior_logits
    adam: dict[str, Any] = {"n": 0, "mean": np.zeros_like(logits), "square": np.zeros_like(logits)}
    order = np.arange(family.n_prompts)
    path, clipped = [logits], []
    for step in range(config.n_steps):
        pool = _shuffle(order, config, lambda n, at=step: words(0, at, "batches", n))
        before = special.softmax(logits + offsets[:, None], axis=-1)
        groups: list[tuple[Any, ...]] = []
        for prompt in pool:
            if len(groups) == config.batch_size:
                break
            drawn = words(prompt, step, "strategies", config.group_size * family.n_tokens)
            moves, decided = _answers(before[prompt], drawn)
            strategies = (moves * decided).sum(axis=1)
            label = None if labels is None else labels[prompt]
            rewards = _rewards(
                family, config, arm, strategies, accuracies[prompt], label,
                lambda purpose, n, prompt=prompt, at=step: words(prompt, at, purpose, n),
            )  # fmt: skip
            if config.filtering == "refill" and rewards.min() == rewards.max():
                continue
            groups.append((prompt, moves, decided, _advantages(rewards, config.advantage), rewards))
        size = config.batch_size // config.inner_updates
        n_clipped = n_decided = 0
        for part in range(config.inner_updates):
            gradient = np.zeros_like(logits)
            for prompt, moves, decided, worth, rewards in groups[part * size : (part + 1) * size]:
                now = special.softmax(logits + offsets[prompt], axis=-1)
                if config.update == "mirror":  # as much as all its answers, since answers are counted below
                    way = _towards_target(now, moves, decided, rewards, config.mirror_temperature)
                    gradient += config.group_size * way
                for i in range(config.group_size):
                    for k in np.flatnonzero(decided[i]):
                        ratio = now[k, moves[i, k]] / before[prompt, k, moves[i, k]]
                        low, high = config.clip or (np.inf, np.inf)
                        n_decided += 1
                        if (worth[i] > 0 and ratio > 1 + high) or (worth[i] < 0 and ratio < 1 - low):
                            n_clipped += 1
                        elif config.update == "gradient":
                            onehot = np.arange(family.n_strategies) == moves[i, k]
                            gradient[k] += worth[i] * ratio * (onehot - now[k])
                        if config.filtering == "off" or rewards.min() < rewards.max():
                            prior = special.softmax(family.prior_logits[k] + offsets[prompt])
                            gradient[k] += config.kl_coefficient * _kl_gradient(now[k], prior, config.kl)
            logits = logits + config.learning_rate * _direction(
                gradient / (size * config.group_size), config.optimizer, adam
            )
        path.append(logits)
        clipped.append(n_clipped / n_decided if n_decided else np.nan)
    read = [_read(family, at, tasks.read_offsets[task], tasks.read_accuracies[task]) for at in path]
    return PlainRun(
        np.array(path), np.array([a for a, _ in read]), np.array([s for _, s in read]), np.array(clipped)
    )


def _words(key: NDArray, place: int, where: int, purpose: int, n: int) -> NDArray[np.uint64]:
    """The first `n` 32-bit words at one place, from NumPy's Philox set to the counter before it."""
    found: list[int] = []
    block = 0
    while len(found) < n:
        counter = (place | where << 64 | block << 128 | purpose << 192) - 1
        raw = np.random.Philox(key=key, counter=counter).random_raw(4)
        found += [int(half) for word in raw for half in (word & np.uint64(2**32 - 1), word >> np.uint64(32))]
        block += 1
    return np.array(found[:n], np.uint64)


def _uniform(words: NDArray) -> NDArray[np.float64]:
    return (words.astype(float) + 0.5) / 2**32


def _shuffle(order: NDArray, config: GRPOConfig, words: Any) -> NDArray[np.int64]:
    """Shuffle a batch to the front of `order`, in place; return the prompts to try, best first."""
    n = config.batch_size
    if config.filtering == "refill":
        n = min(config.refill_cap * config.batch_size, order.size)
    drawn = words(n)
    pool = order
    for j in range(n):
        if j == config.batch_size:
            pool = order.copy()
        other = j + int(drawn[j]) * (order.size - j) // 2**32
        pool[j], pool[other] = pool[other], pool[j]
    return pool[:n].copy()


def _answers(policy: NDArray, words: NDArray) -> tuple[NDArray, NDArray]:
    """What every answer's tokens chose, and which of them it decided: arrays (sample, token)."""
    n_tokens = policy.shape[0]
    uniform = _uniform(words).reshape(n_tokens, -1).T
    steps = np.cumsum(policy[:, :-1], axis=1)
    moves = (uniform[:, :, None] >= steps).sum(axis=2)
    gone = np.cumsum(moves != 0, axis=1) - (moves != 0) > 0  # turned off at an earlier token
    return moves, ~gone


def _rewards(
    family: StrategyFamily, config: GRPOConfig, arm: str, strategies: NDArray, accuracy: NDArray,
    label: int | None, words: Any,
) -> NDArray[np.int64]:  # fmt: skip
    n = strategies.size
    if arm == "random":
        bits = words("rewards", 1 + (n + 31) // 32)[1:]
        return np.array([int(bits[i // 32]) >> i % 32 & 1 for i in range(n)])
    right = _uniform(words("right", n)) < accuracy[strategies]
    if arm == "true":
        false_positive, false_negative = config.verifier_noise
        return right ^ (_uniform(words("noise", n)) < np.where(right, false_negative, false_positive))
    typical = _uniform(words("names", n)) < family.wrong_agreement
    names = [
        "right" if right[i] else f"mistake {strategies[i]}" if typical[i] else f"alone {i}" for i in range(n)
    ]
    if label is not None:
        wanted = "right" if label == 0 else f"mistake {label - 1}"
    else:
        votes = Counter(names)  # keeps the order in which names first appear
        tied = [name for name in votes if votes[name] == max(votes.values())]
        draw = int(words("rewards", 1)[0]) * len(tied) // 2**32 if config.tie_break == "uniform" else 0
        wanted = tied[draw]
    return np.array([name == wanted for name in names])


def _advantages(rewards: NDArray, kind: str) -> NDArray[np.float64]:
    r = rewards.astype(float)
    if kind == "rloo":
        return np.array([r[i] - np.delete(r, i).mean() for i in range(r.size)])
    return (r - r.mean()) / (r.std() + 1e-8 if kind == "grpo" else 1.0)


def _towards_target(
    now: NDArray, moves: NDArray, decided: NDArray, rewards: NDArray, temperature: float
) -> NDArray[np.float64]:
    """Gradient of sum_c target_c log(policy_c), both on the distinct answers c, the target held."""
    answers = [tuple(row[taken].tolist()) for row, taken in zip(moves, decided, strict=True)]
    candidates = sorted(set(answers))
    chance = np.array([np.prod([now[k, s] for k, s in enumerate(answer)]) for answer in candidates])
    earned = [[r for a, r in zip(answers, rewards, strict=True) if a == answer] for answer in candidates]
    reward = np.array([np.mean(each) for each in earned])
    target = chance * np.exp((reward - reward.max()) / temperature)
    surplus = target / target.sum() - chance / chance.sum()
    way = np.zeros_like(now)
    for answer, extra in zip(candidates, surplus, strict=True):
        for k, s in enumerate(answer):
            way[k] += extra * ((np.arange(now.shape[1]) == s) - now[k])
    return way


def _kl_gradient(policy: NDArray, prior: NDArray, kind: str) -> NDArray[np.float64]:
    if kind == "forward":
        return prior - policy
    surplus = np.log(policy / prior)
    return -policy * (surplus - policy @ surplus)


def _direction(gradient: NDArray, optimizer: str, adam: dict[str, Any]) -> NDArray[np.float64]:
    if optimizer == "sgd":
        return gradient
    adam["n"] += 1
    adam["mean"] = 0.9 * adam["mean"] + 0.1 * gradient
    adam["square"] = 0.95 * adam["square"] + 0.05 * gradient**2
    size = np.sqrt(adam["square"] / (1 - 0.95 ** adam["n"]))
    return adam["mean"] / (1 - 0.9 ** adam["n"]) / (size + 1e-8)


def _read(
    family: StrategyFamily, logits: NDArray, offsets: NDArray, accuracies: NDArray
) -> tuple[float, NDArray]:
    """Accuracy and shares (strategy,)."""
    on_prompt = logits + offsets[:, None]
    if family.read == "sample":
        shares = strategy_shares(on_prompt)
    else:
        leads = on_prompt.argmax(axis=2)
        turned = np.concatenate([leads, np.zeros((len(leads), 1), int)], axis=1)
        used = [next((int(s) for s in row if s != 0), 0) for row in turned]
        shares = np.eye(family.n_strategies)[used]
    return float((shares * accuracies).sum(axis=1).mean()), shares.mean(axis=0)
