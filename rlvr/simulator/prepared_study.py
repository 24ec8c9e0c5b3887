"""One study before and after training: its task draws and its work as a chunk, then its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import shown, whole
from rlvr.arms import ARM_CODE
from rlvr.simulator.control_variates import known_covariates
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.majority_labels import fixed_labels
from rlvr.simulator.rules import as_rules
from rlvr.simulator.shared_trainer import check_shared, prompt_policies, shared_study
from rlvr.simulator.strategy_family import StrategyFamily
from rlvr.simulator.task_family import TaskFamily, Tasks
from rlvr.simulator.trained_runs import Runs
from rlvr.simulator.training_chunks import Chunk

__all__ = ["Size", "Study"]


@dataclass(frozen=True)
class Size:
    """What the studies of one call have in common, named as in :func:`rlvr.simulate`."""

    arms: tuple[str, ...]
    n_tasks: int
    n_seeds: int
    seed: int
    checkpoints: Sequence[int] | None
    keep_policies: bool


@dataclass(frozen=True)
class Study:
    """One family with one configuration: its draws, its checkpoints, and its runs as work to be done."""

    family: TaskFamily | StrategyFamily
    config: GRPOConfig
    size: Size
    steps: NDArray[np.int64]
    tasks: Any
    work: Chunk

    @classmethod
    def prepare(
        cls, family: TaskFamily | StrategyFamily, config: GRPOConfig, size: Size, tasks: Any = None
    ) -> Study:
        """Check what belongs to one study, and draw its tasks unless they are given.

        Raises
        ------
        TypeError, ValueError
            If an argument does not fit the family; the message names it.
        """
        if isinstance(family, StrategyFamily):
            check_shared(family, config)
            steps = _checkpoints(size.checkpoints, config.n_steps)
            sizes = (size.arms, size.n_tasks, size.n_seeds, size.seed)
            return cls(family, config, size, steps, *shared_study(family, config, *sizes, steps, tasks))
        rules = as_rules(config, family.n_prompts)
        steps = _checkpoints(size.checkpoints, config.n_steps)
        drawn = family.sample(size.n_tasks, size.seed) if tasks is None else tasks
        shape = (size.n_tasks, family.n_prompts, family.n_actions)
        if not isinstance(drawn, Tasks):
            raise TypeError(f"tasks must be Tasks, got {type(drawn).__name__}")
        if drawn.prior.shape != shape:
            raise ValueError(
                f"tasks must have shape (n_tasks, n_prompts, n_actions) = {shape}, got {drawn.prior.shape}"
            )
        labels = np.full(shape[:2], -1)
        if config.majority_labels == "fixed" and "majority" in size.arms:
            labels = fixed_labels(drawn, config, seed=size.seed)
        results: dict[str, tuple[int, ...]] = {"curves": (steps.size,)}
        if size.keep_policies:
            results["policies"] = shape[1:]
        n_runs, n_trained = size.n_tasks * size.n_seeds, sum(arm != "frozen" for arm in size.arms)
        work = Chunk(
            shared=False,
            first=0,
            last=n_runs,
            n_seeds=size.n_seeds,
            n_groups=n_runs * n_trained * config.n_steps * config.batch_size,
            by_task={
                "draws": np.arange(size.n_tasks),
                "prior": drawn.prior,
                "correct": drawn.correct,
                "labels": labels,
            },
            settings={
                "arms": np.array([ARM_CODE[arm] for arm in size.arms]),
                "checkpoints": steps,
                "rules": rules,
                "key": np.random.SeedSequence(size.seed, spawn_key=(1,)).generate_state(2, np.uint64),
            },
            results=results,
        )
        return cls(family, config, size, steps, drawn, work)

    def longer(self, n_tasks: int) -> Study:
        """The same study with more task draws."""
        return Study.prepare(self.family, self.config, replace(self.size, n_tasks=n_tasks))

    def known(self, of: str) -> NDArray[np.float64]:
        """What is known of the task draws beforehand and moves a term, ndarray (task, covariate)."""
        return known_covariates(self.family, self.config, of, self.tasks)

    def runs(self, results: Mapping[str, NDArray]) -> Runs:
        """The finished runs, out of results (arm, run, ...)."""
        size = self.size
        shaped = {
            name: array.reshape(len(size.arms), size.n_tasks, size.n_seeds, *array.shape[2:])
            for name, array in results.items()
        }
        policies, final = shaped.get("policies"), shaped.get("final")
        if final is not None and size.keep_policies:
            policies = prompt_policies(final, self.tasks.offsets)
        return Runs(
            self.family, self.config, size.arms, size.n_tasks, size.n_seeds, size.seed, self.steps,
            shaped["curves"], policies, self.tasks, shaped.get("shares"), shaped.get("clipped"), final,
        )  # fmt: skip


def _checkpoints(asked: Sequence[int] | None, n_steps: int) -> NDArray[np.int64]:
    accepted = f"ascending integers from 0 to n_steps = {n_steps}"
    steps = [whole("checkpoints", step, accepted, at_least=0, at_most=n_steps) for step in asked or ()]
    if any(later <= earlier for earlier, later in pairwise(steps)):
        raise ValueError(f"checkpoints must be {accepted}, got {shown(steps)}")
    return np.array(steps if steps and steps[-1] == n_steps else [*steps, n_steps], dtype=np.int64)
