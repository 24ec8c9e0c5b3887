"""The terms along the prior strength: the stored dense sweep, and elicitation's sign change.

The unit of replication is the task draw. All prior strengths share task draws, batches and sampling uniforms,
so curves are smooth and a sign change is located more precisely than the spacing of the priors.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rlvr._checks import choice
from rlvr._data import stored_table
from rlvr.arms import ARMS
from rlvr.decomposition import TERMS, decompose
from rlvr.experiments.stored import CellKey, StoredExperiment
from rlvr.simulator.grpo_config import HEAVY, LIGHT, GRPOConfig
from rlvr.simulator.runs import Runs
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate
from rlvr.stats.estimates import Estimate, crossing_interval

__all__ = [
    "DENSE",
    "SIZES",
    "SWEEP",
    "SweepSize",
    "estimate",
    "recompute",
    "stored_crossings",
    "stored_sweep",
    "sweep_runs",
]

DENSE = tuple(round(0.05 + 0.01 * step, 2) for step in range(91))
"""Prior strengths of the dense sweep, every 0.01 from 0.05 to 0.95."""

_KEYS = ["size", "tie_break", "prior_strength"]


@dataclass(frozen=True)
class SweepSize:
    """Family, settings and number of runs of a stored sweep."""

    family: TaskFamily
    config: GRPOConfig
    n_tasks: int
    n_seeds: int


SIZES = {
    "light": SweepSize(TaskFamily(), LIGHT, n_tasks=200, n_seeds=4),
    "heavy": SweepSize(TaskFamily(n_prompts=80, n_actions=10), HEAVY, n_tasks=50, n_seeds=2),
}
"""The published study's two settings, with several task draws instead of its single one."""


def sweep_runs(size: str, tie_break: str, prior_strength: float, *, executor: Executor | None = None) -> Runs:
    """Runs of one row of the stored sweep; `executor` as in :func:`rlvr.simulate`."""
    settings = SIZES[choice("size", size, tuple(SIZES))]
    return simulate(
        replace(settings.family, prior_strength=prior_strength),
        replace(settings.config, tie_break=tie_break),
        n_tasks=settings.n_tasks,
        n_seeds=settings.n_seeds,
        executor=executor,
    )


def recompute(size: str, tie_break: str, prior_strength: float) -> dict[str, float]:
    """Recompute one row of the stored sweep."""
    return _row(sweep_runs(size, tie_break, prior_strength))


def _row(runs: Runs) -> dict[str, float]:
    parts = decompose(runs)
    row = {arm: float(runs.arm(arm).mean()) for arm in ARMS}
    for name, term in {**parts.terms(), "fraction": parts.reward_design_fraction}.items():
        row |= {name: term.value, f"{name}_low": term.low, f"{name}_high": term.high}
    return row


def _tables(runs: Mapping[CellKey, Runs]) -> list[pd.DataFrame]:
    """The sweep, and the sign change of every complete curve."""
    rows = pd.DataFrame(list(map(_row, runs.values())), pd.MultiIndex.from_tuples(runs, names=_KEYS))
    crossings = []
    for size, tie_break in dict.fromkeys(key[:2] for key in runs):
        curve = [runs.get((size, tie_break, strength)) for strength in DENSE]
        if None not in curve:
            at = crossing_interval(
                DENSE, [each.arm("majority") - each.arm("random") for each in curve if each]
            )
            crossings.append((size, tie_break, at.value, at.low, at.high, at.n))
    heads = [*_KEYS[:2], "value", "low", "high", "n"]
    return [rows, pd.DataFrame(crossings, columns=heads).set_index(_KEYS[:2])]


SWEEP = StoredExperiment(
    files=("sweep.csv", "crossings.csv"),
    digits="every digit",
    cells=lambda: list(itertools.product(SIZES, ("lowest", "uniform"), DENSE)),
    compute=sweep_runs,
    tables=_tables,
    quick_cells=3,
    label="{} settings, {} ties, prior strength {:.2f}".format,
)
"""The dense sweep of both sizes under both tie rules, and where elicitation turns positive."""


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
