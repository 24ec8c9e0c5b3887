"""The four arms and three terms over a grid of settings, stored for the page on which a reader moves them.

A cell of the grid is a prior strength, a training budget, a tie rule and a number of answers; everything
else is as in ``LIGHT``. Budgets are checkpoints of one run, which is what shorter runs would have given:
nothing in the training knows how long it will last. All cells share task draws, batches and sampling
uniforms.

The unit of replication is the task draw. The table is ``data/settings_grid.csv``; ``rlvr explorer --store``
rebuilds it, and any group of its rows can be recomputed alone and must come back to the last digit kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pandas as pd

from rlvr._checks import shown
from rlvr._data import stored_table
from rlvr._writing import replacing
from rlvr.arms import ARMS
from rlvr.decomposition import decompose
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate

__all__ = ["AXES", "DRAWS", "GROUPS", "recompute_settings", "store_settings", "stored_settings"]

AXES: Mapping[str, tuple[Any, ...]] = {
    "n_actions": (4, 8, 16, 32),
    "tie_break": ("lowest", "uniform"),
    "prior_strength": tuple(round(0.05 * step, 2) for step in range(1, 20)),
    "n_steps": (10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 600, 800),
}
"""What can be set, and the values that are stored."""

GROUPS = tuple(itertools.product(AXES["n_actions"], AXES["tie_break"], AXES["prior_strength"]))
"""Every (number of answers, tie rule, prior strength), what one simulation covers, with all its budgets."""

DRAWS = (50, 2)
"""Task draws, and training seeds within each."""

_DIGITS = 6
_HALVES = ("null", "elicitation", "reward_design", "naive")


def recompute_settings(
    n_actions: int, tie_break: str, prior_strength: float, *, executor: Executor | None = None
) -> pd.DataFrame:
    """The stored rows of one group, computed afresh.

    Parameters
    ----------
    n_actions : int
    tie_break : str
    prior_strength : float
        Values out of ``AXES``.
    executor : concurrent.futures.Executor, optional
        As in :func:`rlvr.simulate`.

    Returns
    -------
    DataFrame
        One row a budget: the settings, the arms' mean accuracies, ``<term>_half``, the half-width of the
        term's 95% t interval over task draws, and ``fraction`` (reward design over naive) with its
        interval, empty where naive is not separated from 0. Rounded to six decimals.

    Raises
    ------
    ValueError
        If a value is not on the grid.
    """
    asked = dict(n_actions=n_actions, tie_break=tie_break, prior_strength=prior_strength)
    for name, value in asked.items():
        if value not in AXES[name]:
            raise ValueError(f"{name} must be one of {', '.join(map(str, AXES[name]))}, got {shown(value)}")
    budgets = [int(steps) for steps in AXES["n_steps"]]
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
        ends = {arm: runs.curves[runs.arms.index(arm), ..., column] for arm in ARMS}
        parts = decompose(
            frozen=ends["frozen"], random=ends["random"], majority=ends["majority"], true=ends["true"]
        )
        share = parts.reward_design_fraction
        ends_of_share = (share.low, share.high) if share.defined else (float("nan"), float("nan"))
        rows.append(
            asked
            | {"n_steps": steps}
            | {arm: float(accuracy.mean()) for arm, accuracy in ends.items()}
            | {f"{name}_half": getattr(parts, name).half_width for name in _HALVES}
            | dict(
                zip(("fraction", "fraction_low", "fraction_high"), (share.value, *ends_of_share), strict=True)
            )
        )
    return pd.DataFrame(rows).round(_DIGITS)


def store_settings(
    folder: Path, progress: Callable[[str], None] = print, executor: Executor | None = None
) -> None:
    """Compute every group and write ``settings_grid.csv`` to `folder`.

    Parameters
    ----------
    folder : Path
    progress : callable
        Told what is done.
    executor : concurrent.futures.Executor, optional
        As in :func:`rlvr.simulate`.
    """
    tables = []
    for number, group in enumerate(GROUPS, start=1):
        tables.append(recompute_settings(*group, executor=executor))
        progress(
            f"{number} of {len(GROUPS)}: {group[0]} answers, {group[1]} ties, prior strength {group[2]:.2f}"
        )
    table = pd.concat(tables)
    with replacing(folder / "settings_grid.csv") as (file,):
        table.to_csv(file, index=False, lineterminator="\n")


def stored_settings() -> pd.DataFrame:
    """The stored grid, indexed by (n_actions, tie_break, prior_strength, n_steps).

    Returns
    -------
    DataFrame
        Columns as in :func:`recompute_settings`.
    """
    return stored_table("settings_grid.csv").set_index(list(AXES))
