"""The published repeated RANDOM runs: four designs, learning curves and end points.

The book compares models with these runs, and a study plan can use their spread.
"""

from __future__ import annotations

from functools import cache

import pandas as pd

from rlvr._checks import choice
from rlvr._data import stored_table

__all__ = ["BENCHMARKS", "DESIGNS", "LAST_STEP", "published_repeats", "published_run_curves"]

DESIGNS = {
    "8 updates, clipping": 8,
    "8 updates, no clipping": 8,
    "1 update of 1,024": 1,
    "1 update of 128": 1,
}
"""The four designs of the repeated RANDOM runs, and the optimiser steps of each per rollout.

With one update per rollout the ratio is 1 and the clip cannot act. The last two names state the answers in
one update.
"""

LAST_STEP = 80
BENCHMARKS = ("MATH-500", "AMC")


def published_run_curves(benchmark: str = "MATH-500", *, averages: bool = False) -> pd.DataFrame:
    """Every evaluation of the repeated RANDOM runs of Qwen2.5-Math-7B, in percent.

    Parameters
    ----------
    benchmark : {"MATH-500", "AMC"}
    averages : bool
        The two published averages of several runs instead of the 31 single runs.

    Returns
    -------
    DataFrame
        Index (design, run), a design out of ``DESIGNS``; with averages (design, run, runs_averaged).
        Columns are rollout steps 0 to 80; NaN where a run had ended.
    """
    choice("benchmark", benchmark, BENCHMARKS)
    table = _rows()
    table = table[(table.benchmark == benchmark) & ((table.runs_averaged > 1) == averages)]
    index = ["design", "run", *(["runs_averaged"] if averages else [])]
    curves = table.set_index(index)[[f"step_{step}" for step in range(LAST_STEP + 1)]]
    return curves.set_axis(pd.RangeIndex(LAST_STEP + 1, name="step"), axis=1)


def published_repeats() -> pd.DataFrame:
    """End points (percent) of the repeated RANDOM runs, including the published averages of several runs.

    One row per design, benchmark and run: the last step logged, and the accuracy at step 0, at the last step,
    averaged over the last ten evaluations, and at its maximum.
    """
    table = _rows()
    evaluations = table[[f"step_{step}" for step in range(LAST_STEP + 1)]]
    ends = table[["design", "setting", "benchmark", "run", "runs_averaged"]].copy()
    ends["last_step"] = evaluations.notna().sum(axis=1) - 1
    ends["accuracy_percent_step_0"] = evaluations["step_0"]
    ends["accuracy_percent_last"] = [row.dropna().iloc[-1] for _, row in evaluations.iterrows()]
    ends["accuracy_percent_mean_last_10"] = [
        row.dropna().tail(10).mean() for _, row in evaluations.iterrows()
    ]
    ends["accuracy_percent_max"] = evaluations.max(axis=1)
    return ends


@cache
def _rows() -> pd.DataFrame:
    return stored_table("repeated_runs.csv")
