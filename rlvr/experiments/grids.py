"""Two stored grids of the four arms and three terms, for the interactive page.

The settings grid crosses prior strength, budget, tie rule and number of answers; all other settings are as in
``LIGHT``. Its cells share task draws, batches and sampling uniforms. The unit of replication is the task
draw.

The sharing grid crosses a mix of strategies, a policy (one shared by all prompts, or one per prompt), an
optimiser, a number of updates per rollout, clipping on or off, and a budget in rollouts. Sixty-four prompts
are answered sixteen times each, without a KL term. Where the policy is shared, an update takes an equal part
of all prompts' answers. Where each prompt has its own policy, an update takes sixteen answers of that prompt,
and a run is the mean over the independent policies of the prompts. The cells share their sampling uniforms;
the unit of replication is the training run.

In both grids, budgets are checkpoints of one run and equal shorter runs, because the training does not depend
on its length. Numbers are kept to six decimals.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import shown
from rlvr._data import stored_table
from rlvr.arms import ARMS
from rlvr.decomposition import TERMS, decompose
from rlvr.experiments.stored import CellKey, StoredExperiment
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate

__all__ = [
    "CLIP", "DRAWS", "LEARNING_RATES", "MIXES", "N_RUNS", "SETTINGS_AXES", "SETTINGS_GRID",
    "SETTINGS_GROUPS", "SHARING_AXES", "SHARING_GRID", "SHARING_GROUPS", "recompute_settings",
    "recompute_sharing", "sharing_runs", "stored_settings", "stored_sharing",
]  # fmt: skip

SETTINGS_AXES: Mapping[str, tuple[Any, ...]] = {
    "n_actions": (4, 8, 16, 32),
    "tie_break": ("lowest", "uniform"),
    "prior_strength": tuple(round(0.05 * step, 2) for step in range(1, 20)),
    "n_steps": (10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 600, 800),
}
"""Settings of the settings grid, and their stored values."""

SETTINGS_GROUPS = tuple(itertools.product(*list(SETTINGS_AXES.values())[:-1]))
"""Every (number of answers, tie rule, prior strength); one simulation covers one, with all its budgets."""

DRAWS = (50, 2)
"""Task draws, and training seeds per draw, of a row of the settings grid."""

N_PROMPTS, GROUP_SIZE = 64, 16

MIXES: Mapping[str, Mapping[str, Any]] = {
    "better": dict(shares=(0.65, 0.35), accuracies=(0.609, 0.280)),
    "worse": dict(shares=(0.35, 0.65), accuracies=(0.609, 0.280)),
    "undecided": dict(shares=(0.5, 0.5), accuracies=(0.55, 0.35), wrong_agreement=1.0),
}
"""Shares of two strategies, named by the one that leads; with "undecided", MAJORITY's vote is a toss-up. The
values of "better" are those of Qwen2.5-Math-7B with and without code.
"""

LEARNING_RATES: Mapping[str, float] = {"adam": 0.15, "sgd": 0.5}
"""As in the second registered protocol."""

CLIP = (0.2, 0.2)
"""The bounds of the clip where it is on."""

SHARING_AXES: Mapping[str, tuple[Any, ...]] = {
    "mix": tuple(MIXES),
    "policy": ("shared", "own"),
    "optimizer": tuple(LEARNING_RATES),
    "inner_updates": (1, 2, 4, 8),
    "clip": ("off", "on"),
    "n_steps": (1, 2, 5, 10, 15, 20, 30, 40, 60, 80),
}
"""Settings of the sharing grid, and their stored values."""

SHARING_GROUPS = tuple(itertools.product(*list(SHARING_AXES.values())[:-1]))
"""Every combination of all axes except the budget; one simulation covers one, with all its budgets."""

N_RUNS: Mapping[str, int] = {"shared": 200, "own": 40}
"""Training runs per row of the sharing grid."""

_DIGITS = 6
_SPREADS = ("null", "elicitation", "reward_design", "naive")


def _on_grid(axes: Mapping[str, tuple[Any, ...]], group: CellKey) -> dict[str, Any]:
    """The settings of a group by name; a value off the grid is an error."""
    settings = dict(zip(axes, group, strict=False))  # all axes except the budget
    for name, value in settings.items():
        if value not in axes[name]:
            raise ValueError(f"{name} must be one of {', '.join(map(str, axes[name]))}, got {shown(value)}")
    return settings


def _row(settings: dict[str, Any], ends: Mapping[str, Any], with_sd: bool) -> dict[str, Any]:
    """One row of a grid, from the accuracies of each arm (unit of replication, seed)."""
    parts = decompose(**ends)
    fraction, row = parts.reward_design_fraction, dict(settings)
    row |= {arm: float(accuracy.mean()) for arm, accuracy in ends.items()}
    for name in _SPREADS:
        row[f"{name}_half"] = getattr(parts, name).half_width
        if with_sd:
            arm, base = TERMS[name]
            row[f"{name}_sd"] = float((ends[arm] - ends[base]).std(ddof=1))
    low, high = (fraction.low, fraction.high) if fraction.defined else (np.nan, np.nan)
    return row | {"fraction": fraction.value, "fraction_low": low, "fraction_high": high}


def recompute_settings(
    n_actions: int, tie_break: str, prior_strength: float, *, executor: Executor | None = None
) -> pd.DataFrame:
    """Recompute the stored rows of one group of the settings grid; a value off the grid is an error.

    Returns
    -------
    DataFrame
        One row per budget: the settings, the arms' mean accuracies, ``<term>_half``, the half-width of the
        term's 95% t interval over task draws, and ``fraction`` (reward design over naive) with its
        interval, empty where naive is not separated from 0. Rounded to six decimals.
    """
    settings = _on_grid(SETTINGS_AXES, (n_actions, tie_break, prior_strength))
    budgets = [int(steps) for steps in SETTINGS_AXES["n_steps"]]
    runs = simulate(
        TaskFamily(prior_strength=prior_strength, n_actions=n_actions),
        GRPOConfig(n_steps=budgets[-1], tie_break=tie_break),
        n_tasks=DRAWS[0],
        n_seeds=DRAWS[1],
        checkpoints=budgets,
        executor=executor,
    )
    rows = []
    for column, steps in enumerate(budgets):
        ends = dict(zip(runs.arms, runs.curves[..., column], strict=True))
        rows.append(_row(settings | {"n_steps": steps}, ends, with_sd=False))
    return pd.DataFrame(rows).round(_DIGITS)


def sharing_runs(
    mix: str, policy: str, optimizer: str, inner_updates: int, clip: str, *, executor: Executor | None = None
) -> dict[str, NDArray[np.float64]]:
    """Accuracy of every run of one group of the sharing grid, at every stored budget.

    Returns
    -------
    dict
        Arm -> ndarray (run, budget), in [0, 1].
    """
    _on_grid(SHARING_AXES, (mix, policy, optimizer, inner_updates, clip))
    # A policy of one prompt takes one whole group of that prompt in each update.
    n_groups, n_policies = (N_PROMPTS, 1) if policy == "shared" else (inner_updates, N_PROMPTS)
    budgets = [int(steps) for steps in SHARING_AXES["n_steps"]]
    config = GRPOConfig(
        n_steps=budgets[-1],
        batch_size=n_groups,
        group_size=GROUP_SIZE,
        learning_rate=LEARNING_RATES[optimizer],
        kl_coefficient=0.0,
        optimizer=optimizer,
        inner_updates=inner_updates,
        clip=CLIP if clip == "on" else None,
    )
    runs = simulate(
        StrategyFamily(n_prompts=n_groups, **MIXES[mix]),
        config,
        n_tasks=N_RUNS[policy] * n_policies,
        n_seeds=1,
        checkpoints=budgets,
        executor=executor,
    )
    by_run = runs.curves.reshape(len(ARMS), N_RUNS[policy], n_policies, len(budgets)).mean(axis=2)
    return dict(zip(runs.arms, by_run, strict=True))


def recompute_sharing(
    mix: str, policy: str, optimizer: str, inner_updates: int, clip: str, *, executor: Executor | None = None
) -> pd.DataFrame:
    """Recompute the stored rows of one group of the sharing grid; a value off the grid is an error.

    Returns
    -------
    DataFrame
        One row per budget, as :func:`recompute_settings` gives it, but with intervals over runs and with
        ``<term>_sd``, a term's standard deviation over runs.
    """
    group = (mix, policy, optimizer, inner_updates, clip)
    runs = sharing_runs(*group, executor=executor)
    settings, rows = _on_grid(SHARING_AXES, group), []
    for column, steps in enumerate(SHARING_AXES["n_steps"]):
        ends = {arm: accuracy[:, [column]] for arm, accuracy in runs.items()}
        rows.append(_row(settings | {"n_steps": steps}, ends, with_sd=True))
    return pd.DataFrame(rows).round(_DIGITS)


SETTINGS_GRID = StoredExperiment(
    files=("settings_grid.csv",),
    digits="6 decimals",
    cells=lambda: SETTINGS_GROUPS,
    compute=recompute_settings,
    tables=lambda results: [pd.concat(results.values()).set_index(list(SETTINGS_AXES))],
    tolerance=(0.0, 2e-6),
    quick_cells=3,
    label="{} answers, {} ties, prior strength {}".format,
)
"""A cell is a group of ``SETTINGS_GROUPS``, with all its budgets."""

SHARING_GRID = StoredExperiment(
    files=("sharing_grid.csv",),
    digits="6 decimals",
    cells=lambda: SHARING_GROUPS,
    compute=recompute_sharing,
    tables=lambda results: [pd.concat(results.values()).set_index(list(SHARING_AXES))],
    tolerance=(0.0, 2e-6),
    quick_cells=3,
    label="{} mix, {} policy, {}, {} updates a rollout, clipping {}".format,
)
"""A cell is a group of ``SHARING_GROUPS``, with all its budgets."""


def stored_settings() -> pd.DataFrame:
    """The stored settings grid, indexed by ``SETTINGS_AXES``; see :func:`recompute_settings`."""
    return stored_table("settings_grid.csv").set_index(list(SETTINGS_AXES))


def stored_sharing() -> pd.DataFrame:
    """The stored sharing grid, indexed by ``SHARING_AXES``; see :func:`recompute_sharing`."""
    return stored_table("sharing_grid.csv").set_index(list(SHARING_AXES))
