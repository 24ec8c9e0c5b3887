"""Control variates: what is known of a task draw before any training, less its exact expectation.

Kept are those that cut a term's variance over task draws by a factor of at least 1.5 in the light settings
(1,200 draws, one seed each; a factor of 2 halves the draws that a precision takes):

- Prompts that differ: the draw's prior accuracy and its prompts' mean squared accuracy. 1.5 to 3.3 for
  elicitation and reward design, 7 to 19 for naive and total, at `prior_spread` 0.3.
- "lowest" ties in MAJORITY's vote: how many correct answers have a lower index than the format answer, and
  whether any has. 1.5 to 2.3 for elicitation and reward design where the prior strength is 0.20 or 0.50; with
  eight seeds a draw 2.1 to 6.9. Nothing at 0.80, where ties are rare.

Tried and left out: the arms' first step less its expectation, 1.00 to 1.02 (up to 1.5 with `prior_spread`,
where the prior accuracy does more). Nothing known beforehand helps the null term, naive and total where
prompts are alike, elicitation and reward design under "uniform" ties, or MAJORITY on labels fixed beforehand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily, StrategyTasks
from rlvr.simulator.task_family import TaskFamily, Tasks

__all__ = ["known_covariates"]


def known_covariates(
    family: TaskFamily | StrategyFamily, config: GRPOConfig, of: str, tasks: Tasks | StrategyTasks
) -> NDArray[np.float64]:
    """What is known of each task draw and moves the term `of`.

    Returns
    -------
    ndarray (task, covariate)
        Each with expectation 0 over task draws of the family; no column where nothing helps.

    Examples
    --------
    >>> family = TaskFamily(prior_spread=0.3)
    >>> known_covariates(family, GRPOConfig(), "reward_design", family.sample(5)).shape
    (5, 4)
    """
    columns: list[NDArray[np.float64]] = []
    if isinstance(family, TaskFamily) and isinstance(tasks, Tasks):
        if family.prior_spread > 0 and of != "null":
            right = np.where(tasks.correct, tasks.prior, 0.0).sum(axis=2)
            strengths, weights = family.strengths()
            expected = family.prior(strengths)[:, : family.n_correct].sum(axis=1)
            columns += [right.mean(axis=1) - weights @ expected]
            columns += [(right**2).mean(axis=1) - weights @ expected**2]
        votes = config.majority_labels == "group" and config.tie_break == "lowest"
        if votes and of in ("elicitation", "reward_design") and family.format_strength > 0:
            chosen = np.where(tasks.correct, 0.0, tasks.prior).argmax(axis=2)  # the format answer
            below = tasks.correct & (np.arange(family.n_actions) < chosen[..., None])
            # Each order of the correct answers and the format answer is as likely as any other.
            k = family.n_correct
            columns += [below.any(axis=2).mean(axis=1) - k / (k + 1)]
            if k > 1:
                columns += [below.sum(axis=2).mean(axis=1) - k / 2]
    return np.column_stack(columns) if columns else np.empty((_n_tasks(tasks), 0))


def _n_tasks(tasks: Tasks | StrategyTasks) -> int:
    return len(tasks.correct if isinstance(tasks, Tasks) else tasks.offsets)
