"""Means of all published RANDOM runs, those that were published only in averages among them.

One design was published as eleven single runs and as two averages, of four and of three further runs. An
average says nothing of the spread between its runs, but counts in a mean as often as it has runs. So a mean
is of all runs here, and its error rests on the spread between the single ones. All numbers are in percent or
points, the unit of replication is the training run, and end points are those of
:mod:`book.repeated_runs`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from book.repeated_runs import runs_at
from rlvr._checks import choice
from rlvr.published_runs import DESIGNS, published_run_curves
from rlvr.stats.estimates import Estimate, welch_half_width
from rlvr.stats.spreads import deviation_interval

__all__ = ["averaged_end_points", "difference_of_all_runs", "mean_of_all_runs", "runs_by_step"]


def averaged_end_points(design: str, benchmark: str = "MATH-500") -> dict[int, float]:
    """End points of a design's published averages, percent, by the number of runs in each; mostly none.

    Examples
    --------
    >>> {runs: round(end, 1) for runs, end in averaged_end_points("8 updates, no clipping").items()}
    {4: 44.8, 3: 28.8}
    """
    return _averages(design, None, benchmark)


def _averages(design: str, step: int | None, benchmark: str) -> dict[int, float]:
    """What each published average of a design stands at, by its number of runs."""
    choice("design", design, tuple(DESIGNS))
    curves = published_run_curves(benchmark, averages=True)
    return {
        int(runs): float(curve.dropna().tail(10).mean() if step is None else curve[step])
        for (at, _, runs), curve in curves.iterrows()
        if at == design
    }


@dataclass(frozen=True)
class _AllRuns:
    """A design's mean over all runs, and what its error rests on."""

    mean: float
    n: int
    singles: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Standard error of the mean, the spread being that of the single runs."""
        return float(self.singles.std(ddof=1)) / math.sqrt(self.n)


def _all_runs(design: str, step: int | None, benchmark: str) -> _AllRuns:
    singles, averages = runs_at(design, step, benchmark), _averages(design, step, benchmark)
    n = singles.size + sum(averages)
    total = singles.sum() + sum(runs * value for runs, value in averages.items())
    return _AllRuns(float(total) / n, n, singles)


def _weighted(parts: list[tuple[float, _AllRuns]], level: float) -> Estimate:
    """Sum of weighted means with Welch's t interval; degrees of freedom are those of the single runs."""
    value = sum(weight * part.mean for weight, part in parts)
    variances = [(weight * part.error) ** 2 for weight, part in parts]
    half = welch_half_width(variances, [part.singles.size - 1 for _, part in parts], level=level)
    n = sum(part.n for _, part in parts)
    return Estimate(value, value - half, value + half, level, "training run", n)


def mean_of_all_runs(
    *designs: str, step: int | None = None, benchmark: str = "MATH-500", level: float = 0.95
) -> Estimate:
    """Mean of every published run of one or more designs, at a rollout step or (None) at the end points.

    Each run counts once, those behind a published average as well. The interval is Student's t over runs;
    each design has a spread of its own, that between its single runs.

    Examples
    --------
    >>> format(mean_of_all_runs("8 updates, no clipping"), ".1f")  # 11 single runs, and 7 in two averages
    '45.5 [31.6, 59.3]'
    """
    parts = [_all_runs(design, step, benchmark) for design in designs]
    if not parts:
        raise ValueError("designs must be at least one, got none")
    n = sum(part.n for part in parts)
    return _weighted([(part.n / n, part) for part in parts], level)


def difference_of_all_runs(
    first: str = "8 updates, clipping",
    second: str = "8 updates, no clipping",
    *,
    step: int | None = None,
    benchmark: str = "MATH-500",
    level: float = 0.95,
) -> Estimate:
    """Mean of the first design minus that of the second over all runs, Welch's t interval over runs.

    Examples
    --------
    >>> format(difference_of_all_runs(), ".1f")
    '18.8 [4.0, 33.7]'
    """
    one, other = (_all_runs(design, step, benchmark) for design in (first, second))
    return _weighted([(1.0, one), (-1.0, other)], level)


def runs_by_step(
    steps: tuple[int, ...] = (5, 10, 20, 30, 40, 60, 80), benchmark: str = "MATH-500", *, level: float = 0.95
) -> pd.DataFrame:
    """Mean and standard deviation over the runs of each design at each rollout step.

    Returns
    -------
    DataFrame
        One row a design and step: ``design, step, updates, runs, single_runs, mean, deviation``. The mean is
        of all ``runs``, the deviation of the ``single_runs`` among them, both as Estimate (Student's t;
        chi-squared).
    """
    rows = []
    for design, updates in DESIGNS.items():
        for step in steps:
            every = _all_runs(design, step, benchmark)
            rows.append(
                {
                    "design": design,
                    "step": step,
                    "updates": updates * step,
                    "runs": every.n,
                    "single_runs": every.singles.size,
                    "mean": _weighted([(1.0, every)], level),
                    "deviation": deviation_interval(every.singles, level=level),
                }
            )
    return pd.DataFrame(rows)
