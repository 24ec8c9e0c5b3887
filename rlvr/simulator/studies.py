"""One study before training: its task draws, and its work as one chunk.

The parts of GRPO, applied to logits that all prompts of a StrategyFamily share:

- One step samples every group from the policy before the step. The batch's prompts are split, in their
  order, into `inner_updates` equal parts; each part's mean gradient over its answers is one update.
- "drop" and "off" differ only in the KL term: a group of equal rewards has no gradient, and stays in the
  mean. "refill" replaces the group by the next prompt; places that stay empty count as zeros in the mean.
- Mirror descent has one target per group; the gradients towards the targets are averaged over the groups.
- The KL term acts at the tokens that answers decided, towards the prior's probabilities there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import fits_memory, shown, whole
from rlvr.arms import ARM_CODE
from rlvr.simulator.chunks import Chunk
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.labels import fixed_labels, fixed_names
from rlvr.simulator.rules import as_rules
from rlvr.simulator.strategy_family import StrategyFamily, StrategyTasks, check_strategy_tasks
from rlvr.simulator.task_family import TaskFamily, check_tasks
from rlvr.simulator.two_stages import known_covariates

__all__ = ["Study", "StudySize"]


@dataclass(frozen=True)
class StudySize:
    """Settings that all studies of one call share, named as in :func:`rlvr.simulate`."""

    arms: tuple[str, ...]
    n_tasks: int
    n_seeds: int
    seed: int
    checkpoints: Sequence[int] | None
    keep_policies: bool


@dataclass(frozen=True)
class Study:
    """One family with one configuration: its task draws, its checkpoints, and its runs as one chunk."""

    family: TaskFamily | StrategyFamily
    config: GRPOConfig
    size: StudySize
    steps: NDArray[np.int64]
    tasks: Any
    work: Chunk

    @classmethod
    def prepare(
        cls, family: TaskFamily | StrategyFamily, config: GRPOConfig, size: StudySize, tasks: Any = None
    ) -> Study:
        """Check the arguments of one study, and draw its tasks unless they are given.

        Raises
        ------
        TypeError, ValueError
            If an argument does not fit the family; the message names it.
        """
        if isinstance(family, StrategyFamily):
            as_rules(config, family.n_prompts, shared=True)
            steps = _checkpoints(size.checkpoints, config.n_steps)
            _check_memory(family, config, size, steps.size)
            sizes = (size.arms, size.n_tasks, size.n_seeds, size.seed)
            return cls(family, config, size, steps, *_shared_study(family, config, *sizes, steps, tasks))
        rules = as_rules(config, family.n_prompts)
        steps = _checkpoints(size.checkpoints, config.n_steps)
        _check_memory(family, config, size, steps.size)
        drawn = family.sample(size.n_tasks, size.seed) if tasks is None else tasks
        shape = (size.n_tasks, family.n_prompts, family.n_actions)
        prior, correct = (drawn.prior, drawn.correct) if tasks is None else check_tasks(drawn, shape)
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
            by_task={"draws": np.arange(size.n_tasks), "prior": prior, "correct": correct, "labels": labels},
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
        """What is known of the task draws before training and predicts a term, ndarray (task, covariate)."""
        return known_covariates(self.family, self.config, of, self.tasks)


def _check_memory(
    family: TaskFamily | StrategyFamily, config: GRPOConfig, size: StudySize, n_steps: int
) -> None:
    """Raise a ValueError that names the sizes if their arrays need more than the memory."""
    n_runs = len(size.arms) * size.n_tasks * size.n_seeds
    names = {"n_tasks": size.n_tasks, "n_seeds": size.n_seeds, "checkpoints": n_steps}
    names |= {"n_prompts": family.n_prompts, "batch_size": config.batch_size, "group_size": config.group_size}
    if isinstance(family, StrategyFamily):
        n_tokens, n_choices = family.n_tokens, family.n_strategies
        names |= {"n_tokens": n_tokens, "n_strategies": n_choices, "label_votes": config.label_votes}
        numbers = n_runs * (2 * n_steps * (2 + n_choices) + n_tokens * n_choices)
        numbers += config.batch_size * config.group_size * (n_tokens + 4) + 2 * family.n_prompts
        numbers += 5 * config.label_votes if config.majority_labels == "fixed" else 0
    else:
        n_choices = family.n_actions
        names |= {"n_actions": n_choices}
        numbers = n_runs * 2 * n_steps + 8 * 7 * config.group_size  # at least eight lanes
        numbers += (3 * size.n_tasks + len(size.arms)) * family.n_prompts * n_choices
    numbers += n_runs * family.n_prompts * n_choices if size.keep_policies else 0
    fits_memory(8.0 * numbers, ", ".join(f"{name}={n}" for name, n in names.items()))


def _checkpoints(asked: Sequence[int] | None, n_steps: int) -> NDArray[np.int64]:
    accepted = f"ascending integers from 0 to n_steps = {n_steps}"
    steps = [whole("checkpoints", step, accepted, at_least=0, at_most=n_steps) for step in asked or ()]
    if any(later <= earlier for earlier, later in pairwise(steps)):
        raise ValueError(f"checkpoints must be {accepted}, got {shown(steps)}")
    return np.array(steps if steps and steps[-1] == n_steps else [*steps, n_steps], dtype=np.int64)


def _shared_study(
    family: StrategyFamily, config: GRPOConfig, arms: Sequence[str], n_tasks: int, n_seeds: int, seed: int,
    steps: NDArray[np.int64], tasks: Any,
) -> tuple[StrategyTasks, Chunk]:  # fmt: skip
    """Return the task draws, and all runs as one chunk; only the tasks are checked here.

    The chunk's results: `curves`, `clipped` (step,), `shares` (step, strategy), `final` (token, strategy).
    """
    drawn = family.sample(n_tasks, seed) if tasks is None else tasks
    shape = (n_tasks, family.n_prompts, family.n_strategies)
    arrays = check_strategy_tasks(drawn, shape)
    labels = np.empty((n_tasks, 0), np.int64)
    if config.majority_labels == "fixed" and "majority" in arms:
        labels = fixed_names(family, drawn, config, seed)
    read_offsets, read_accuracies = arrays.read_offsets, arrays.read_accuracies
    if read_offsets.shape[1] == 1:  # for prompts that share a policy, mean accuracies suffice
        read_accuracies = read_accuracies.mean(axis=1, keepdims=True)
    else:
        read_accuracies = np.ascontiguousarray(drawn.read_accuracies, dtype=float)
    n_trained = sum(arm != "frozen" for arm in arms)
    return drawn, Chunk(
        shared=True, first=0, last=n_tasks * n_seeds, n_seeds=n_seeds,
        n_groups=n_tasks * n_seeds * n_trained * config.n_steps * config.batch_size,
        by_task={
            "draws": np.arange(n_tasks), "offsets": arrays.offsets, "accuracies": arrays.accuracies,
            "read_offsets": read_offsets, "read_accuracies": read_accuracies, "labels": labels,
        },
        settings={
            "prior": family.prior_logits, "arms": np.array([ARM_CODE[arm] for arm in arms]),
            "key": np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(2, np.uint64),
            "n_prompts": family.n_prompts, "checkpoints": steps,
            "rules": as_rules(config, family.n_prompts, shared=True),
            "wrong_agreement": float(family.wrong_agreement), "greedy": family.read == "greedy",
        },
        results={
            "curves": (steps.size,), "clipped": (steps.size,),
            "shares": (steps.size, family.n_strategies), "final": (family.n_tokens, family.n_strategies),
        },
    )  # fmt: skip
