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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvr.arms import ARM_CODE
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily, StrategyTasks
from rlvr.simulator.strategy_labels import fixed_labels, strategy_shares
from rlvr.simulator.training_chunks import Chunk

__all__ = ["check_shared", "prompt_policies", "shared_study"]


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


def shared_study(
    family: StrategyFamily, config: GRPOConfig, arms: Sequence[str], n_tasks: int, n_seeds: int, seed: int,
    steps: NDArray[np.int64], tasks: Any,
) -> tuple[StrategyTasks, Chunk]:  # fmt: skip
    """Return the task draws, and all runs as one chunk; all arguments are checked but the tasks.

    The chunk's results: `curves`, `clipped` (step,), `shares` (step, strategy), `final` (token, strategy).
    """
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
    read_offsets = _compact(drawn.read_offsets)
    read_accuracies = drawn.read_accuracies
    if read_offsets.shape[1] == 1:  # prompts that share a policy are read by their mean accuracies
        read_accuracies = _compact(read_accuracies).mean(axis=1, keepdims=True)
    else:
        read_accuracies = np.ascontiguousarray(read_accuracies)
    low, high = (-np.inf, np.inf) if config.clip is None else (1 - config.clip[0], 1 + config.clip[1])
    n_candidates = config.batch_size
    if config.filtering == "refill":
        n_candidates = min(config.refill_cap * config.batch_size, family.n_prompts)
    n_trained = sum(arm != "frozen" for arm in arms)
    return drawn, Chunk(
        shared=True, first=0, last=n_tasks * n_seeds, n_seeds=n_seeds,
        n_groups=n_tasks * n_seeds * n_trained * config.n_steps * config.batch_size,
        by_task={
            "draws": np.arange(n_tasks), "offsets": _compact(drawn.offsets),
            "accuracies": _compact(drawn.accuracies),
            "read_offsets": read_offsets, "read_accuracies": read_accuracies, "labels": labels,
        },
        settings={
            "prior": family.prior_logits, "arms": np.array([ARM_CODE[arm] for arm in arms]),
            "key": np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(2, np.uint64),
            "n_prompts": family.n_prompts, "checkpoints": steps, "batch_size": config.batch_size,
            "n_candidates": n_candidates, "group_size": config.group_size,
            "inner_updates": config.inner_updates, "learning_rate": float(config.learning_rate),
            "adam": config.optimizer == "adam", "low": low, "high": high,
            "kl_coefficient": float(config.kl_coefficient), "reverse": config.kl == "reverse",
            "filtering": ("off", "drop", "refill").index(config.filtering),
            "advantage": ("grpo", "centered", "rloo").index(config.advantage),
            "uniform_ties": config.tie_break == "uniform", "noise": config.verifier_noise,
            "wrong_agreement": float(family.wrong_agreement), "greedy": family.read == "greedy",
            "temperature": float(config.mirror_temperature) if config.update == "mirror" else 0.0,
        },
        results={
            "curves": (steps.size,), "clipped": (steps.size,),
            "shares": (steps.size, family.n_strategies), "final": (family.n_tokens, family.n_strategies),
        },
    )  # fmt: skip


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
