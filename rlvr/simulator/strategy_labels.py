"""MAJORITY's labels where they are fixed before training: one answer a prompt, by name.

Names on a prompt: 0 is the right answer, 1 + s the typical mistake of strategy s, and -1 an answer that
nobody gives again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily, StrategyTasks

__all__ = ["fixed_labels", "strategy_shares"]


def strategy_shares(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each strategy, ndarray (..., strategy), from the logits (..., token, strategy)."""
    tokens = special.softmax(logits, axis=-1)
    going_on = np.cumprod(tokens[..., 0], axis=-1)
    reached = np.concatenate([np.ones_like(going_on[..., :1]), going_on[..., :-1]], axis=-1)
    shares = (reached[..., None] * tokens).sum(axis=-2)
    shares[..., 0] = going_on[..., -1]
    return shares


def fixed_labels(
    family: StrategyFamily, tasks: StrategyTasks, config: GRPOConfig, seed: int
) -> NDArray[np.int64]:
    """Each prompt's label, the same for every training seed of a task draw.

    By vote: `label_votes` answers of the prior, the most frequent of them; of equally frequent ones the
    first to appear, or one at random, as `tie_break` says (names have no order here, so both are fair).
    With `label_share_right` instead: on that fraction of the prompts, to the nearest whole number and drawn
    anew for each task, the right answer; on the others the typical mistake of a strategy, drawn in
    proportion to the prior's wrong answers.

    Parameters
    ----------
    family : StrategyFamily
    tasks : StrategyTasks
    config : GRPOConfig
    seed : int, at least 0
        Labels of task t depend on (seed, t) alone.

    Returns
    -------
    ndarray of int (task, prompt)
        0: the right answer. 1 + s: the typical mistake of strategy s. -1: an answer that nobody gives again.
    """
    n_tasks, n_prompts, n_strategies = tasks.offsets.shape
    labels = np.empty((n_tasks, n_prompts), np.int64)
    for task in range(n_tasks):
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(4, task)))
        shares = strategy_shares(family.prior_logits + tasks.offsets[task][:, None])
        if config.label_share_right is None:
            for prompt in range(n_prompts):
                strategies = generator.choice(n_strategies, config.label_votes, p=shares[prompt])
                right = generator.random(config.label_votes) < tasks.accuracies[task, prompt, strategies]
                typical = generator.random(config.label_votes) < family.wrong_agreement
                alone = -1 - np.arange(config.label_votes)
                names = np.where(right, 0, np.where(typical, 1 + strategies, alone))
                labels[task, prompt] = max(_plurality(names, config.tie_break, generator), -1)
            continue
        right = generator.permutation(n_prompts) < np.floor(config.label_share_right * n_prompts + 0.5)
        wrong = np.cumsum(shares * (1 - tasks.accuracies[task]), axis=1)
        drawn = (generator.random((n_prompts, 1)) * wrong[:, -1:] >= wrong[:, :-1]).sum(axis=1)
        labels[task] = np.where(right, 0, np.where(wrong[:, -1] > 0, 1 + drawn, -1))
    return labels


def _plurality(names: NDArray[np.int64], tie_break: str, generator: np.random.Generator) -> int:
    found, first, counts = np.unique(names, return_index=True, return_counts=True)
    tied = found[counts == counts.max()][np.argsort(first[counts == counts.max()])]
    return int(tied[0] if tie_break == "lowest" else generator.choice(tied))
