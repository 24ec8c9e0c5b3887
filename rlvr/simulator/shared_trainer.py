"""How `simulate` trains a :class:`~rlvr.simulator.strategy_family.StrategyFamily`: arrays for the kernel.

The parts of GRPO, as they act on logits that all prompts share:

- One step samples every group from the policy before the step. The batch's prompts are split, in their
  order, into `inner_updates` equal parts; each part's mean gradient over its answers is one update.
- "drop" and "off" differ in the KL term alone: a group of equal rewards has no gradient, and stays in the
  mean. "refill" replaces it by the next prompt; places that stay empty count in the mean as zeros.
- Mirror descent has a target for each group, and takes the mean over the part's groups of the way to it.
- The KL term is taken at the tokens that answers decided, towards the prior's probabilities there.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvr.arms import ARM_CODE
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily, StrategyTasks
from rlvr.simulator.strategy_labels import fixed_labels, strategy_shares

__all__ = ["check_shared", "prompt_policies", "train_shared"]


def check_shared(family: StrategyFamily, config: GRPOConfig) -> None:
    """Refuse what has no meaning where logits are shared.

    Raises
    ------
    ValueError
        If `batch_size` exceeds the prompts or is no multiple of `inner_updates`.
    """
    if config.batch_size > family.n_prompts:
        raise ValueError(
            f"batch_size must be at most n_prompts = {family.n_prompts}, got {config.batch_size}"
        )
    if config.batch_size % config.inner_updates:
        raise ValueError(
            f"inner_updates must divide batch_size = {config.batch_size} where strategies are shared, "
            f"got {config.inner_updates}"
        )


def train_shared(
    family: StrategyFamily, config: GRPOConfig, arms: Sequence[str], n_tasks: int, n_seeds: int, seed: int,
    steps: NDArray[np.int64], tasks: Any, n_threads: int,
) -> dict[str, Any]:  # fmt: skip
    """Train every arm, all arguments checked but the tasks.

    Returns
    -------
    dict
        `curves`, `clipped` (arm, task, seed, step), `share_curves` (arm, task, seed, step, strategy),
        `logits` (arm, task, seed, token, strategy) and `tasks`.
    """
    from rlvr.simulator import shared_kernel  # the compiler loads only when something is trained

    drawn = family.sample(n_tasks, seed) if tasks is None else tasks
    shape = (n_tasks, family.n_prompts, family.n_strategies)
    if not isinstance(drawn, StrategyTasks):
        raise TypeError(f"tasks must be StrategyTasks, got {type(drawn).__name__}")
    if drawn.offsets.shape != shape or drawn.accuracies.shape != shape:
        raise ValueError(
            f"tasks must have shape (n_tasks, n_prompts, n_strategies) = {shape}, got {drawn.offsets.shape}"
        )
    labels = np.empty((n_tasks, 0), np.int64)
    if config.majority_labels == "fixed" and "majority" in arms:
        labels = fixed_labels(family, drawn, config, seed)
    offsets, read_offsets = _compact(drawn.offsets), _compact(drawn.read_offsets)
    read_accuracies = drawn.read_accuracies
    if read_offsets.shape[1] == 1:  # prompts that share a policy are read by their mean accuracies
        read_accuracies = _compact(read_accuracies).mean(axis=1, keepdims=True)
    else:
        read_accuracies = np.ascontiguousarray(read_accuracies)
    where = (len(arms), n_tasks, n_seeds)
    curves, clipped = np.empty((*where, steps.size)), np.empty((*where, steps.size))
    shares = np.empty((*where, steps.size, family.n_strategies))
    logits = np.empty((*where, family.n_tokens, family.n_strategies))
    low, high = (-np.inf, np.inf) if config.clip is None else (1 - config.clip[0], 1 + config.clip[1])
    n_candidates = config.batch_size
    if config.filtering == "refill":
        n_candidates = min(config.refill_cap * config.batch_size, family.n_prompts)
    key = np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(2, np.uint64)
    n_runs = n_tasks * n_seeds
    edges = np.linspace(0, n_runs, min(n_runs, 4 * n_threads) + 1).astype(int)

    def train(first: int, last: int) -> None:
        shared_kernel.train(
            first, last, family.prior_logits, offsets, _compact(drawn.accuracies), read_offsets,
            read_accuracies, labels, np.array([ARM_CODE[arm] for arm in arms]), key, n_seeds,
            family.n_prompts, steps, config.batch_size, n_candidates, config.group_size,
            config.inner_updates, float(config.learning_rate), config.optimizer == "adam", low, high,
            float(config.kl_coefficient), config.kl == "reverse",
            ("off", "drop", "refill").index(config.filtering),
            ("grpo", "centered", "rloo").index(config.advantage), config.tie_break == "uniform",
            config.verifier_noise, float(family.wrong_agreement), family.read == "greedy",
            float(config.mirror_temperature) if config.update == "mirror" else 0.0,
            curves, shares, clipped, logits,
        )  # fmt: skip

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(train, edges[:-1], edges[1:]))
    return {"curves": curves, "share_curves": shares, "clipped": clipped, "logits": logits, "tasks": drawn}


def prompt_policies(logits: NDArray[np.float64], offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each strategy on each prompt.

    Parameters
    ----------
    logits : ndarray (arm, task, seed, token, strategy)
    offsets : ndarray (task, prompt, strategy)

    Returns
    -------
    ndarray (arm, task, seed, prompt, strategy)
    """
    return strategy_shares(logits[:, :, :, None] + offsets[:, None, :, None])


def _compact(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """`array` (task, prompt, strategy), contiguous, with an axis along which it repeats cut to one."""
    small = array[tuple(slice(None) if stride else slice(1) for stride in array.strides[:2])]
    return np.ascontiguousarray(small)
