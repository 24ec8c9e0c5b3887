"""The four arms and three terms where prompts share their strategies, with clipping and without, stored.

A cell of the grid is a mix of strategies, a policy (one that all prompts share, or one for each prompt), an
optimiser, a number of updates a rollout, clipping on or off, and a budget in rollouts. Sixty-four prompts are
answered sixteen times each; there is no KL term. Budgets are checkpoints of one run, and all cells share
their sampling uniforms.

Where the policy is shared, an update takes an equal part of all prompts' answers. Where each prompt has its
own, an update takes sixteen answers of that prompt, and a run is the mean over the prompts' policies, which
know nothing of each other.

The unit of replication is the training run. The table is ``data/sharing_grid.csv``; ``rlvr explorer --store``
rebuilds it, and any group of its rows can be recomputed alone and must come back to the last digit kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import shown
from rlvr._data import stored_table
from rlvr._writing import replacing
from rlvr.arms import ARMS
from rlvr.decomposition import TERMS, decompose
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily
from rlvr.simulator.trainer import simulate

__all__ = [
    "CLIP",
    "LEARNING_RATES",
    "MIXES",
    "N_RUNS",
    "SHARING_AXES",
    "SHARING_GROUPS",
    "group_name",
    "recompute_sharing",
    "sharing_runs",
    "store_sharing",
    "stored_sharing",
]

N_PROMPTS, GROUP_SIZE = 64, 16

MIXES: Mapping[str, Mapping[str, Any]] = {
    "better": dict(shares=(0.65, 0.35), accuracies=(0.609, 0.280)),
    "worse": dict(shares=(0.35, 0.65), accuracies=(0.609, 0.280)),
    "undecided": dict(shares=(0.5, 0.5), accuracies=(0.55, 0.35), wrong_agreement=1.0),
}
"""Two strategies by which one leads; of the last, MAJORITY's vote is a toss-up. "better" is what
Qwen2.5-Math-7B showed with code and without."""

LEARNING_RATES: Mapping[str, float] = {"adam": 0.15, "sgd": 0.5}
"""As in the second registered protocol."""

CLIP = (0.2, 0.2)
"""The bounds where clipping is on."""

SHARING_AXES: Mapping[str, tuple[Any, ...]] = {
    "mix": tuple(MIXES),
    "policy": ("shared", "own"),
    "optimizer": tuple(LEARNING_RATES),
    "inner_updates": (1, 2, 4, 8),
    "clip": ("off", "on"),
    "n_steps": (1, 2, 5, 10, 15, 20, 30, 40, 60, 80),
}
"""What can be set, and the values that are stored."""

SHARING_GROUPS = tuple(itertools.product(*list(SHARING_AXES.values())[:-1]))
"""Every combination of all axes but the budget; one simulation covers one, with all its budgets."""

N_RUNS: Mapping[str, int] = {"shared": 200, "own": 40}
"""Training runs behind a row."""

_DIGITS = 6
_SPREADS = ("null", "elicitation", "reward_design", "naive")


def sharing_runs(
    mix: str, policy: str, optimizer: str, inner_updates: int, clip: str, *, executor: Executor | None = None
) -> dict[str, NDArray[np.float64]]:
    """Accuracy of every run of one group, at every stored budget.

    Parameters
    ----------
    mix : str
    policy : {"shared", "own"}
    optimizer : {"adam", "sgd"}
    inner_updates : int
        Updates a rollout.
    clip : {"off", "on"}
    executor : concurrent.futures.Executor, optional
        As in :func:`rlvr.simulate`.

    Returns
    -------
    dict
        Arm -> ndarray (run, budget), in [0, 1].

    Raises
    ------
    ValueError
        If a value is not on the grid.
    """
    asked = dict(mix=mix, policy=policy, optimizer=optimizer, inner_updates=inner_updates, clip=clip)
    for name, value in asked.items():
        if value not in SHARING_AXES[name]:
            raise ValueError(
                f"{name} must be one of {', '.join(map(str, SHARING_AXES[name]))}, got {shown(value)}"
            )
    shared = policy == "shared"
    # A policy of one prompt alone takes a whole group in each update: one group an update, all of one prompt.
    n_groups, n_policies = (N_PROMPTS, 1) if shared else (inner_updates, N_PROMPTS)
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
    """The stored rows of one group, computed afresh.

    Parameters
    ----------
    mix, policy, optimizer : str
    inner_updates : int
    clip : str
        Values out of ``SHARING_AXES``.
    executor : concurrent.futures.Executor, optional
        As in :func:`rlvr.simulate`.

    Returns
    -------
    DataFrame
        One row a budget: the settings, the arms' mean accuracies, ``<term>_half``, the half-width of the
        term's 95% t interval over runs, ``<term>_sd``, its standard deviation over runs, and ``fraction``
        (reward design over naive) with its interval, empty where naive is not separated from 0. Rounded
        to six decimals.

    Raises
    ------
    ValueError
        If a value is not on the grid.
    """
    runs = sharing_runs(mix, policy, optimizer, inner_updates, clip, executor=executor)
    settings = dict(mix=mix, policy=policy, optimizer=optimizer, inner_updates=inner_updates, clip=clip)
    rows = []
    for column, steps in enumerate(SHARING_AXES["n_steps"]):
        ends = {arm: accuracy[:, [column]] for arm, accuracy in runs.items()}
        parts = decompose(
            frozen=ends["frozen"], random=ends["random"], majority=ends["majority"], true=ends["true"]
        )
        share, row = parts.reward_design_fraction, settings | {"n_steps": steps}
        row |= {arm: float(accuracy.mean()) for arm, accuracy in ends.items()}
        for name in _SPREADS:
            term, (arm, base) = getattr(parts, name), TERMS[name]
            row[f"{name}_half"] = term.half_width
            row[f"{name}_sd"] = float((ends[arm] - ends[base]).std(ddof=1))
        low, high = (share.low, share.high) if share.defined else (float("nan"), float("nan"))
        rows.append(row | {"fraction": share.value, "fraction_low": low, "fraction_high": high})
    return pd.DataFrame(rows).round(_DIGITS)


def store_sharing(
    folder: Path, progress: Callable[[str], None] = print, executor: Executor | None = None
) -> None:
    """Compute every group and write ``sharing_grid.csv`` to `folder`.

    Parameters
    ----------
    folder : Path
    progress : callable
        Told what is done.
    executor : concurrent.futures.Executor, optional
        As in :func:`rlvr.simulate`.
    """
    tables = []
    for number, group in enumerate(SHARING_GROUPS, start=1):
        tables.append(recompute_sharing(*group, executor=executor))
        progress(f"{number} of {len(SHARING_GROUPS)}: {group_name(*group)}")
    with replacing(folder / "sharing_grid.csv") as (file,):
        pd.concat(tables).to_csv(file, index=False, lineterminator="\n")


def group_name(mix: str, policy: str, optimizer: str, inner_updates: int, clip: str) -> str:
    """A group in words."""
    return f"{mix} mix, {policy} policy, {optimizer}, {inner_updates} updates a rollout, clipping {clip}"


def stored_sharing() -> pd.DataFrame:
    """The stored grid, indexed by the names of ``SHARING_AXES`` in their order.

    Returns
    -------
    DataFrame
        Columns as in :func:`recompute_sharing`.
    """
    return stored_table("sharing_grid.csv").set_index(list(SHARING_AXES))
