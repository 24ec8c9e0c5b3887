"""The terms along the prior strength: one prior, the stored dense sweep, and elicitation's sign change.

Dense sweeps take minutes, so their results are kept in ``data/sweep.csv`` and ``data/crossings.csv``.
``rlvr sweep --store`` rebuilds both; any row can be recomputed alone and must come back bit for bit.

The unit of replication is the task draw. All prior strengths share task draws, batches and sampling
uniforms, so that curves are smooth and a sign change is located more sharply than the priors are spaced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from rlvr._checks import choice
from rlvr._data import stored_table
from rlvr._writing import replacing
from rlvr.arms import ARMS
from rlvr.decomposition import TERMS, Decomposition, decompose
from rlvr.simulator.grpo_config import HEAVY, LIGHT, GRPOConfig
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import Runs, simulate
from rlvr.stats.estimates import Estimate, crossing_interval

__all__ = [
    "DENSE",
    "SIZES",
    "Size",
    "estimate",
    "recompute",
    "store",
    "stored_crossings",
    "stored_sweep",
    "sweep_runs",
]

DENSE = tuple(round(0.05 + 0.01 * step, 2) for step in range(91))
"""Prior strengths of the dense sweep, every 0.01 from 0.05 to 0.95."""

_KEYS = ["size", "tie_break", "prior_strength"]


@dataclass(frozen=True)
class Size:
    """What is trained, how, and how often, in a stored sweep."""

    family: TaskFamily
    config: GRPOConfig
    n_tasks: int
    n_seeds: int


SIZES = {
    "light": Size(TaskFamily(), LIGHT, n_tasks=200, n_seeds=4),
    "heavy": Size(TaskFamily(n_prompts=80, n_actions=10), HEAVY, n_tasks=50, n_seeds=2),
}
"""The published study's two settings, with task draws in place of its single one."""


def sweep_runs(size: str, tie_break: str, prior_strength: float, *, executor: Executor | None = None) -> Runs:
    """The runs behind one row of the stored sweep; `executor` as in :func:`rlvr.simulate`."""
    return _curve(size, tie_break, [prior_strength], executor)[0]


def _curve(
    size: str, tie_break: str, strengths: Sequence[float], executor: Executor | None, progress: bool = False
) -> list[Runs]:
    settings = SIZES[choice("size", size, tuple(SIZES))]
    return simulate(
        [replace(settings.family, prior_strength=strength) for strength in strengths],
        replace(settings.config, tie_break=tie_break),
        n_tasks=settings.n_tasks,
        n_seeds=settings.n_seeds,
        executor=executor,
        progress=progress,
    )


def _row(
    size: str, tie_break: str, prior_strength: float, parts: Decomposition, runs: Runs
) -> dict[str, object]:
    row: dict[str, object] = dict(zip(_KEYS, (size, tie_break, prior_strength), strict=True))
    row |= {arm: float(runs.arm(arm).mean()) for arm in ARMS}
    for name, term in {**parts.terms(), "fraction": parts.reward_design_fraction}.items():
        row |= {name: term.value, f"{name}_low": term.low, f"{name}_high": term.high}
    return row


def recompute(size: str, tie_break: str, prior_strength: float) -> dict[str, object]:
    """One row of the stored sweep, computed afresh."""
    runs = sweep_runs(size, tie_break, prior_strength)
    return _row(size, tie_break, prior_strength, decompose(runs), runs)


def store(folder: Path, progress: Callable[[str], None] = print, executor: Executor | None = None) -> None:
    """Compute the dense sweeps and their sign changes, and write both tables to `folder`.

    Parameters
    ----------
    folder : Path
        Where sweep.csv and crossings.csv go.
    progress : callable
        Told what is done; a bar counts chunks besides, where standard error is a terminal.
    executor : concurrent.futures.Executor, optional
        As in :func:`rlvr.simulate`.
    """
    rows, crossings = [], []
    for size in SIZES:
        for tie_break in ("lowest", "uniform"):
            curves = []
            trained = _curve(size, tie_break, DENSE, executor, progress=True)
            for strength, runs in zip(DENSE, trained, strict=True):
                rows.append(_row(size, tie_break, strength, decompose(runs), runs))
                curves.append(runs.arm("majority") - runs.arm("random"))
            crossing = crossing_interval(DENSE, curves)
            crossings.append((size, tie_break, crossing.value, crossing.low, crossing.high, crossing.n))
            progress(f"{size} settings, {tie_break} ties: elicitation turns positive at {crossing:.4f}")
    named = ["size", "tie_break", "value", "low", "high", "n"]
    with replacing(folder / "sweep.csv", folder / "crossings.csv") as (sweep, crossed):
        pd.DataFrame(rows).to_csv(sweep, index=False)
        pd.DataFrame(crossings, columns=named).to_csv(crossed, index=False)


def stored_sweep() -> pd.DataFrame:
    """The dense sweep, indexed by (size, tie_break, prior_strength).

    Returns
    -------
    DataFrame
        Columns: the arms' mean accuracies; each term and `fraction`, with `_low` and `_high`.
    """
    return stored_table("sweep.csv").set_index(_KEYS).sort_index()


def stored_crossings() -> dict[tuple[str, str], Estimate]:
    """Where elicitation turns positive, by (size, tie_break); bootstrap over task draws."""
    return {
        (row.size, row.tie_break): Estimate(row.value, row.low, row.high, unit="task draw", n=row.n)
        for row in stored_table("crossings.csv").itertuples(index=False)
    }


def estimate(row: pd.Series, name: str, size: str = "light") -> Estimate:
    """One stored term, as an Estimate over the task draws of `size`.

    Raises
    ------
    ValueError
        If `name` is not a term and not "fraction".
    """
    choice("name", name, (*TERMS, "fraction"))
    return Estimate(
        row[name],
        row[f"{name}_low"],
        row[f"{name}_high"],
        unit="task draw",
        n=SIZES[size].n_tasks,
        reason="" if np.isfinite(row[name]) else "naive is not separated from 0",
    )
