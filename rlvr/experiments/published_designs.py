"""The published study's designs: which seeds it ran, on which tasks, and how it resampled them.

Source: Gao, arXiv 2606.05932, and the code of that study.

The unit of replication in all of these designs is the seed, on one task draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr.arms import ARMS
from rlvr.decomposition import TERMS
from rlvr.experiments.published_trainer import FINAL_SAMPLES, published_tasks, replay_run
from rlvr.simulator.grpo_config import HEAVY, LIGHT, GRPOConfig
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import Runs

__all__ = [
    "CELLS",
    "DESIGNS",
    "STRENGTHS",
    "Design",
    "Gate",
    "factorial_cells",
    "gate",
    "power_study",
    "re_audit",
    "resampled_interval",
    "study_spread",
    "sweep_point",
    "task_and_seed_spread",
]

STRENGTHS = (0.20, 0.35, 0.50, 0.65, 0.80)
"""Prior strengths of the published sweep."""


@dataclass(frozen=True)
class Design:
    """One of the study's two sizes: what is trained, how long, and from which base seed."""

    base: int
    n_seeds: int
    family: TaskFamily
    sweep: GRPOConfig
    factorial: GRPOConfig


DESIGNS = {
    "light": Design(42, 8, TaskFamily(), LIGHT, LIGHT),
    "heavy": Design(0, 50, TaskFamily(n_prompts=80, n_actions=10), HEAVY, replace(HEAVY, n_steps=500)),
}
"""The abstract quotes the light one. The heavy factorial ran 100 seeds, twice the sweep's."""

CELLS = tuple(
    (arm, filtering, strength)
    for arm in ("true", "majority")
    for filtering in ("drop", "off")
    for strength in (0.80, 0.35)
)
"""Factorial cells in the study's order, as (A reward, B filtering, C prior strength); B is on as "drop"."""

_Seeds = Mapping[str, Iterable[int]]


def _runs(
    family: TaskFamily, task_seed: int, seeds: _Seeds, config: GRPOConfig = LIGHT, eval_every: int = 50
) -> dict[str, NDArray[np.float64]]:
    tasks = published_tasks(family, task_seed)
    return {
        arm: np.array(
            [replay_run(tasks, arm, config, seed=seed, eval_every=eval_every) for seed in arm_seeds]
        )
        for arm, arm_seeds in seeds.items()
    }


def resampled_interval(
    runs: Mapping[str, NDArray[np.float64]], statistic: Callable[[dict[str, Any]], Any], seed: int
) -> tuple[float, float]:
    """The study's 95% interval: 300 percentile resamples, each arm resampled apart from the others.

    Parameters
    ----------
    runs : mapping of arm to ndarray (seed,)
        As many seeds in each arm; arms in the order in which they take their draws.
    statistic : callable
        Of the arms' means, given as one ndarray (resample,) an arm.
    seed : int
        Of the resampling.
    """
    table = np.stack(list(runs.values()))
    # One call draws what the study draws arm by arm, resample by resample.
    indices = np.random.default_rng(seed).integers(0, table.shape[1], size=(300, *table.shape))
    means = np.take_along_axis(table[None], indices, axis=-1).mean(axis=-1)
    low, high = np.percentile(statistic(dict(zip(runs, means.T, strict=True))), [2.5, 97.5])
    return float(low), float(high)


def sweep_point(strength: float, size: str = "light") -> dict[str, NDArray[np.float64]]:
    """Accuracies of a sweep at one of ``STRENGTHS``: arm to ndarray (seed,)."""
    design, level = DESIGNS[size], STRENGTHS.index(strength)
    first = design.base + 100 * level + 50
    family = replace(design.family, prior_strength=strength)
    seeds = range(first, first + design.n_seeds)
    return _runs(family, design.base + 7 * level, dict.fromkeys(ARMS, seeds), design.sweep)


def factorial_cells(size: str = "light") -> NDArray[np.float64]:
    """Accuracies of a factorial, ndarray (cell, seed) in the order of ``CELLS``."""
    design = DESIGNS[size]
    n_seeds = design.n_seeds if size == "light" else 2 * design.n_seeds
    cells = []
    for cell, (arm, filtering, strength) in enumerate(CELLS):
        first = design.base + 13 * cell + 7
        family = replace(design.family, prior_strength=strength)
        config = replace(design.factorial, filtering=filtering)
        seeds = {arm: range(first, first + n_seeds)}
        cells.append(_runs(family, design.base + 100 * cell, seeds, config, eval_every=25)[arm])
    return np.stack(cells)


@dataclass(frozen=True)
class Gate:
    """The study's decision between quoting a value and quoting bounds, with the runs behind it."""

    runs: dict[str, NDArray[np.float64]]
    over_frozen: tuple[float, float]
    over_random: tuple[float, float]

    @classmethod
    def resampled(cls, runs: dict[str, NDArray[np.float64]], seed: int) -> Gate:
        """The decision on these runs when the bootstrap starts from `seed`."""
        return cls(
            runs,
            over_frozen=resampled_interval(runs, lambda mean: mean["majority"] - mean["frozen"], seed),
            over_random=resampled_interval(runs, lambda mean: mean["majority"] - mean["random"], seed),
        )

    @property
    def verdict(self) -> str:
        """The verdict, "points" (a value is quoted) if the interval excludes zero, else "bounds"."""
        return "points" if self.over_random[0] > 0 or self.over_random[1] < 0 else "bounds"


def gate(condition: int) -> Gate:
    """The study's condition 1 (prior strength 0.80, 8 seeds) or 2 (0.25, 4 seeds), without format mass."""
    strength, task_seed, base, n_seeds = {1: (0.80, 122, 132, 8), 2: (0.25, 25, 35, 4)}[condition]
    runs = _runs(
        TaskFamily(strength, 0.0), task_seed, dict.fromkeys(ARMS, range(base + 1000, base + 1000 + n_seeds))
    )
    return Gate.resampled(runs, base + 9999)


def re_audit(strength: float) -> dict[str, NDArray[np.float64]]:
    """Runs of the study's "re-audit" families: arm (no RANDOM among them) to ndarray (8,)."""
    first = {"frozen": 42, "majority": 192, "true": 242}
    return _runs(
        TaskFamily(strength),
        42 + round(100 * strength),
        {arm: range(seed, seed + 8) for arm, seed in first.items()},
    )


def power_study(n_seeds: int = 16) -> dict[str, NDArray[np.float64]]:
    """MAJORITY and TRUE at prior strength 0.50: arm to ndarray (n_seeds,); fewer seeds are a prefix."""
    return _runs(
        TaskFamily(0.50), 42, {"majority": range(42, 42 + n_seeds), "true": range(342, 342 + n_seeds)}
    )


def study_spread(runs: Runs) -> dict[str, float]:
    """How far one published-style study lands from the population, for each arm's mean and each term.

    Such a study has one task draw, ``runs.n_seeds`` seeds, and accuracies sampled with 128 answers a
    prompt. Sampling adds to each run the mean over prompts of p (1 - p), over 128 and the prompts.

    Parameters
    ----------
    runs : Runs
        Several task draws of all four arms, with their final policies.

    Returns
    -------
    dict of arm or term to float
        Standard deviation over task draws of the mean over seeds, evaluation noise included.

    Raises
    ------
    ValueError
        If the policies were not kept, or there is a single task draw.
    """
    if runs.policies is None or runs.n_tasks < 2:
        raise ValueError(f"runs must keep_policies and have at least 2 task draws, got {runs.n_tasks}")
    means = {arm: runs.arm(arm).mean(axis=1) for arm in ARMS}
    noise = {}
    for arm, policies in zip(runs.arms, runs.policies, strict=True):
        right = np.where(runs.tasks.correct[:, None], policies, 0.0).sum(axis=-1)
        noise[arm] = (right * (1 - right)).mean() / (FINAL_SAMPLES * runs.family.n_prompts * runs.n_seeds)
    variance = {arm: means[arm].var(ddof=1) + noise[arm] for arm in ARMS}
    for name, (arm, base) in TERMS.items():
        variance[name] = (means[arm] - means[base]).var(ddof=1) + noise[arm] + noise[base]
    return {name: float(np.sqrt(value)) for name, value in variance.items()}


def task_and_seed_spread(accuracy: ArrayLike) -> tuple[float, float]:
    """Split the spread of one arm's runs into that of task draws and that of seeds within a draw.

    Parameters
    ----------
    accuracy : array_like (task, seed)
        Exact accuracies, at least two task draws of at least two seeds.

    Returns
    -------
    task, seed : float
        Standard deviations, from the one-way analysis of variance. The first is 0 where the means of task
        draws spread no more than their seeds explain.

    Examples
    --------
    >>> task, seed = task_and_seed_spread([[0.0, 0.2], [1.0, 1.2]])
    >>> round(task**2, 12), round(seed**2, 12)  # the means' variance 0.5, less half of 0.02
    (0.49, 0.02)
    """
    runs = np.asarray(accuracy, dtype=float)
    if runs.ndim != 2 or min(runs.shape) < 2:
        raise ValueError(
            f"accuracy must be (task, seed) with at least 2 draws of 2 seeds, got shape {runs.shape}"
        )
    within = float(runs.var(axis=1, ddof=1).mean())
    between = float(runs.mean(axis=1).var(ddof=1)) - within / runs.shape[1]
    return math.sqrt(max(0.0, between)), math.sqrt(within)
