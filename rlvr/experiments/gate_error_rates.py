"""How often each gate quotes a value: over prior strength and runs, and for the published example.

Too long for a chapter, so it is stored beside the command that rebuilds it (``rlvr gate-map``). A pool
consists of blocks of task draws with independent seeds; studies are carved out of one block at a time and
no run serves twice under one rule and size. The unit of replication is the block: the spread of blocks
gives the standard error with all reuse of task draws in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rlvr._data import DATA
from rlvr.experiments.gates import RULES, pool_block, studies_of

__all__ = ["EXAMPLE", "MAP", "Grid", "block_counts", "build", "load_counts", "rates"]


@dataclass(frozen=True)
class Grid:
    """Which studies to simulate, and where their counts are stored.

    Attributes
    ----------
    prior_strengths : tuple of float
        Without format mass, so that the crossover is at 0.25.
    n_runs : tuple of int
        Runs a study.
    rules : tuple of str
        Out of ``rlvr.experiments.gates.RULES``.
    n_blocks : int
        Blocks a prior strength.
    n_tasks : int
        Task draws a block.
    n_seeds : int
        Training seeds a task draw.
    seed : int
    path : Path
    """

    prior_strengths: tuple[float, ...]
    n_runs: tuple[int, ...]
    rules: tuple[str, ...]
    n_blocks: int
    n_tasks: int
    n_seeds: int
    seed: int
    path: Path


MAP = Grid(
    (0.20, 0.23, 0.24, 0.25, 0.26, 0.27, 0.30, 0.80), (4, 8, 16), RULES, 16, 128, 16, 8, DATA / "gate_map.csv"
)
"""2,048 task draws of 16 seeds at each prior strength, which give at least 2,048 studies for every rate."""

EXAMPLE = Grid((0.25,), (4,), RULES[:2], 20, 500, 4, 9, DATA / "gate_example.csv")
"""The published "bounds" example, prior strength 0.25 and 4 seeds, on 10,000 other task draws."""


def block_counts(grid: Grid, prior_strength: float, block: int) -> pd.DataFrame:
    """Simulate one block and count what each rule says.

    Returns
    -------
    DataFrame
        Columns prior_strength, block, rule, n_runs, points (studies that
        quote a value), studies, elicitation (mean of the block).
    """
    pool = pool_block(prior_strength, block, n_tasks=grid.n_tasks, n_seeds=grid.n_seeds, seed=grid.seed)
    mean = float(pool.elicitation.mean())
    rows = []
    for rule in grid.rules:
        for n_runs in grid.n_runs:
            points = studies_of(pool, rule, n_runs).points
            rows.append((prior_strength, block, rule, n_runs, int(points.sum()), points.size, mean))
    columns = ["prior_strength", "block", "rule", "n_runs", "points", "studies", "elicitation"]
    return pd.DataFrame(rows, columns=columns)


def build(grid: Grid, *, progress: Callable[[str], None] = lambda _: None) -> pd.DataFrame:
    """Count in every block of a grid; the same bits on every call."""
    parts = []
    for prior_strength in grid.prior_strengths:
        for block in range(grid.n_blocks):
            progress(f"prior strength {prior_strength}, block {block + 1} of {grid.n_blocks}")
            parts.append(block_counts(grid, prior_strength, block))
    return pd.concat(parts, ignore_index=True)


def load_counts(grid: Grid) -> pd.DataFrame:
    """The stored counts of a grid, as :func:`build` returns them."""
    return pd.read_csv(grid.path)


def rates(counts: pd.DataFrame) -> pd.DataFrame:
    """Probability that a value is quoted, in each cell of a grid, with two standard errors.

    Parameters
    ----------
    counts : DataFrame
        From :func:`build` or :func:`load_counts`.

    Returns
    -------
    DataFrame
        Indexed by rule, n_runs, prior_strength: points, studies, rate, `error` from the spread between
        blocks (which holds whatever studies of a block share), and `binomial_error`, as if all studies
        were independent; and the mean `elicitation`. Where the two errors agree, reuse does not matter.
    """
    table = counts.assign(block_rate=counts["points"] / counts["studies"])
    grouped = table.groupby(["rule", "n_runs", "prior_strength"], sort=False)
    result = grouped[["points", "studies"]].sum()
    result["rate"] = result["points"] / result["studies"]
    result["error"] = grouped["block_rate"].std(ddof=1) / np.sqrt(grouped["block_rate"].count())
    result["binomial_error"] = np.sqrt(result["rate"] * (1 - result["rate"]) / result["studies"])
    result["elicitation"] = grouped["elicitation"].mean()
    return result
