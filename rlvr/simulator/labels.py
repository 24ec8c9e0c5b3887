"""MAJORITY's labels where they are fixed before training.

*Spurious Rewards* fixed them by 64 votes of the base model (Shao et al., arXiv 2506.10947). A published label
set serves all runs on it. So the labels here depend on the root seed and the task draw, and every training
seed in the draw has the same labels. Where each prompt has its own policy, a label is an action. Where
strategies are shared, a label is a name: 0 is the right answer, 1 + s the typical mistake of strategy s, and
-1 an answer that occurs only once.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from rlvr._checks import shown
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily, StrategyTasks
from rlvr.simulator.task_family import Tasks, check_seed, check_tasks

__all__ = ["fixed_labels", "fixed_names", "strategy_shares"]

_Labels = NDArray[np.int64]


def fixed_labels(tasks: Tasks, config: GRPOConfig, *, seed: int = 0) -> _Labels:
    """Return the labels on which ``simulate(..., config, seed=seed)`` trains MAJORITY.

    Without `label_share_right`, `label_votes` answers of the prior vote on each prompt. With a fraction s,
    exactly ``round(s * n_prompts)`` random prompts get a right label, drawn from the prior among the correct
    actions; the others get a wrong label, drawn from the prior among the wrong actions. Settings share their
    draws: more votes include the first ones, and a larger fraction only turns wrong labels into right ones.

    Parameters
    ----------
    tasks : Tasks
        Task draws; the only randomness in the labels of draw t comes from (seed, t).
    config : GRPOConfig
        Its `label_votes`, `label_share_right` and `tie_break` are used.
    seed : int, at least 0
        Root of the draws.

    Returns
    -------
    ndarray of int (task, prompt)
        Action indices.

    Raises
    ------
    TypeError, ValueError
        If `seed` is out of range, or a fraction is given and some prompt has no right or no wrong action.

    Examples
    --------
    >>> from rlvr.simulator import TaskFamily
    >>> tasks = TaskFamily().sample(1)
    >>> labels = fixed_labels(tasks, GRPOConfig(majority_labels="fixed", label_share_right=0.25))
    >>> labels.shape
    (1, 40)
    """
    check_seed(seed)
    check_tasks(tasks, np.shape(tasks.prior))
    if config.label_share_right is not None and not _has_both(tasks.correct):
        raise ValueError(
            "tasks must have a right and a wrong action at every prompt if label_share_right is stated, got "
            f"label_share_right={shown(config.label_share_right)} and a prompt without"
        )
    labels = np.empty(tasks.prior.shape[:2], dtype=np.int64)
    for task, (prior, correct) in enumerate(zip(tasks.prior, tasks.correct, strict=True)):
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, task)))
        if config.label_share_right is None:
            labels[task] = _voted(prior, config, generator)
        else:
            labels[task] = _with_share_right(prior, correct, config.label_share_right, generator)
    return labels


def _voted(prior: NDArray[np.float64], config: GRPOConfig, generator: np.random.Generator) -> _Labels:
    """The plurality of the prior's answers, one label per prompt."""
    among_tied = generator.random(len(prior))
    votes = np.zeros(prior.shape, dtype=np.int64)
    for _ in range(config.label_votes):
        votes[np.arange(len(prior)), _drawn(prior, generator.random(len(prior)))] += 1
    tied = votes == votes.max(axis=1, keepdims=True)
    which = np.floor(among_tied * tied.sum(axis=1)) if config.tie_break == "uniform" else np.zeros(len(prior))
    return (tied.cumsum(axis=1) > which[:, None]).argmax(axis=1)


def _with_share_right(
    prior: NDArray[np.float64], correct: NDArray[np.bool_], fraction: float, generator: np.random.Generator
) -> _Labels:
    """Labels of which the given fraction, to the nearest prompt, is right."""
    place_in_line, uniforms = generator.random(len(prior)).argsort().argsort(), generator.random(len(prior))
    right = place_in_line < round(fraction * len(prior))
    return _drawn(np.where(correct == right[:, None], prior, 0.0), uniforms)


def _drawn(weights: NDArray[np.float64], uniforms: NDArray[np.float64]) -> _Labels:
    """One action per prompt, with probabilities proportional to `weights` (prompt, action)."""
    cumulative = weights.cumsum(axis=1)
    return (cumulative <= uniforms[:, None] * cumulative[:, -1:]).sum(axis=1)


def _has_both(correct: NDArray[np.bool_]) -> bool:
    """Whether every prompt has a correct and an incorrect action."""
    return bool((correct.any(axis=2) & ~correct.all(axis=2)).all())


def strategy_shares(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each strategy, ndarray (..., strategy), from the logits (..., token, strategy)."""
    tokens = scipy.special.softmax(logits, axis=-1)
    going_on = np.cumprod(tokens[..., 0], axis=-1)
    reached = np.concatenate([np.ones_like(going_on[..., :1]), going_on[..., :-1]], axis=-1)
    shares = (reached[..., None] * tokens).sum(axis=-2)
    shares[..., 0] = going_on[..., -1]
    return shares


def fixed_names(
    family: StrategyFamily, tasks: StrategyTasks, config: GRPOConfig, seed: int
) -> NDArray[np.int64]:
    """Labels of all prompts, the same for every training seed of a task draw.

    By vote, the label is the most frequent of `label_votes` answers of the prior. `tie_break` selects the
    first to appear or a random one of equally frequent answers (names have no order here, so both are fair).
    With `label_share_right` instead, this fraction of prompts, to the nearest whole number and drawn anew for
    each task, gets the right answer; the other prompts get the typical mistake of a strategy, drawn in
    proportion to the prior's wrong answers.

    Parameters
    ----------
    family : StrategyFamily
    tasks : StrategyTasks
    config : GRPOConfig
    seed : int, at least 0
        Labels of task t depend only on (seed, t).

    Returns
    -------
    ndarray of int (task, prompt)
        0: the right answer. 1 + s: the typical mistake of strategy s. -1: an answer that occurs only once.
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
