"""Trained runs: what `simulate` returns.

A study's results become `Runs` here, after training and before any term is estimated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import choice
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.labels import strategy_shares
from rlvr.simulator.strategy_family import StrategyFamily
from rlvr.simulator.studies import Study
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.two_stages import Reached

__all__ = ["Runs", "finished_runs"]


@dataclass(frozen=True)
class Runs:
    """Trained runs, with the arguments that produced them.

    Attributes
    ----------
    family : TaskFamily or StrategyFamily
        Family of the prompts.
    config : GRPOConfig
        Settings of the training.
    arms : tuple of str
        Arms in the order of the arrays' first axis.
    n_tasks : int
        Task draws, of both stages where a precision was requested.
    n_seeds : int
        Training seeds within each task draw.
    seed : int
        Root of all randomness.
    accuracy : ndarray (arm, task, seed)
        Exact pass@1 at the end, in [0, 1], without evaluation noise.
    steps : ndarray (step,)
        Checkpoints, the last of which is the end.
    curves : ndarray (arm, task, seed, step)
        Exact pass@1 at each checkpoint.
    policies : ndarray (arm, task, seed, prompt, action) or None
        Final policies, if requested; for a StrategyFamily by strategy instead of action.
    tasks : Tasks or StrategyTasks
        The task draws of the training.
    shares : ndarray (arm, task, seed, strategy) or None
        For a StrategyFamily: each strategy's share of the answers at the end, read as the family states and
        averaged over prompts. With one accuracy per strategy, `accuracy` is the sum of share times accuracy.
    share_curves : ndarray (arm, task, seed, step, strategy) or None
        The same at each checkpoint.
    clipped : ndarray (arm, task, seed, step) or None
        For a StrategyFamily: fraction of answers (with several tokens, of decided tokens) that the clip
        removed from the gradient since the previous checkpoint; NaN where none was sampled.
    logits : ndarray (arm, task, seed, token, strategy) or None
        For a StrategyFamily: the shared logits at the end.
    reached : Reached or None
        Where a precision was requested: the term, its interval and the number of draws.
    """

    family: TaskFamily | StrategyFamily
    config: GRPOConfig
    arms: tuple[str, ...]
    n_tasks: int
    n_seeds: int
    seed: int
    steps: NDArray[np.int64] = field(repr=False)
    curves: NDArray[np.float64] = field(repr=False)
    policies: NDArray[np.float64] | None = field(repr=False)
    tasks: Any = field(repr=False)  # Tasks or StrategyTasks, by family
    share_curves: NDArray[np.float64] | None = field(default=None, repr=False)
    clipped: NDArray[np.float64] | None = field(default=None, repr=False)
    logits: NDArray[np.float64] | None = field(default=None, repr=False)
    reached: Reached | None = None

    @property
    def accuracy(self) -> NDArray[np.float64]:
        return self.curves[..., -1]

    @property
    def shares(self) -> NDArray[np.float64] | None:
        return None if self.share_curves is None else self.share_curves[..., -1, :]

    def arm(self, name: str) -> NDArray[np.float64]:
        """Accuracy of one arm, ndarray (task, seed)."""
        choice("arm", name, self.arms)
        return self.accuracy[self.arms.index(name)]


def finished_runs(study: Study, results: Mapping[str, NDArray]) -> Runs:
    """Build the runs of a study from the results (arm, run, ...) of its work."""
    size = study.size
    shaped = {
        name: array.reshape(len(size.arms), size.n_tasks, size.n_seeds, *array.shape[2:])
        for name, array in results.items()
    }
    policies, final = shaped.get("policies"), shaped.get("final")
    if final is not None and size.keep_policies:
        policies = _prompt_policies(final, study.tasks.offsets)
    return Runs(
        study.family, study.config, size.arms, size.n_tasks, size.n_seeds, size.seed, study.steps,
        shaped["curves"], policies, study.tasks, shaped.get("shares"), shaped.get("clipped"), final,
    )  # fmt: skip


def _prompt_policies(logits: NDArray[np.float64], offsets: NDArray[np.float64]) -> NDArray[np.float64]:
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
