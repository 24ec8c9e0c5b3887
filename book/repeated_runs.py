"""What repeated runs of one arm say: how far chance carries a run, with and without clipping.

The runs are the published repeats of RANDOM on Qwen2.5-Math-7B, in four designs
(:data:`book.published_tables.DESIGNS`). All numbers are in percent or points, the unit of
replication is the training run, and an end point is a run's mean over its last ten evaluations, which end at
rollout step 75 to 80. Runs are single ones: what is published as an average of several is in
:mod:`book.all_runs`. Exploratory: the runs were seen before any of these questions was asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from rlvr._checks import choice, real, whole
from rlvr.published_runs import DESIGNS, published_run_curves
from rlvr.stats.estimates import Estimate, mean_interval
from rlvr.stats.spreads import deviation_ratio, same_mean, same_spread

__all__ = ["Comparison", "climb", "compare_designs", "end_points", "low_runs", "runs_at"]


def _curves(design: str, benchmark: str) -> pd.DataFrame:
    choice("design", design, tuple(DESIGNS))
    return published_run_curves(benchmark).loc[design]


def end_points(design: str, benchmark: str = "MATH-500") -> NDArray[np.float64]:
    """Each run's mean over its last ten evaluations, percent (run,).

    Examples
    --------
    >>> [round(float(end), 1) for end in end_points("8 updates, clipping")]
    [66.4, 63.3, 68.7, 69.8, 53.5]
    """
    return np.array([run.dropna().tail(10).mean() for _, run in _curves(design, benchmark).iterrows()])


def runs_at(design: str, step: int | None, benchmark: str = "MATH-500") -> NDArray[np.float64]:
    """Each run at a rollout step, those that had ended left out, or (None) its end point; percent (run,)."""
    if step is None:
        return end_points(design, benchmark)
    whole("step", step, "a rollout step from 0 to 80", at_least=0, at_most=80)
    return _curves(design, benchmark)[step].dropna().to_numpy()


@dataclass(frozen=True)
class Comparison:
    """Two groups of single runs side by side, in points.

    Attributes
    ----------
    difference : Estimate
        Mean of the first minus mean of the second, Welch's t interval over runs.
    p_mean : float
        Permutation test of the difference.
    p_mean_studentised : float
        Permutation test of Welch's t.
    deviation_ratio : Estimate
        Standard deviation of the second over that of the first, F interval.
    p_spread : float
        Permutation test on Brown and Forsythe's statistic.
    """

    difference: Estimate
    p_mean: float
    p_mean_studentised: float
    deviation_ratio: Estimate
    p_spread: float


def compare_designs(
    first: str = "8 updates, clipping",
    second: str = "8 updates, no clipping",
    *,
    steps: tuple[int | None, int | None] = (None, None),
    benchmark: str = "MATH-500",
) -> Comparison:
    """Compare the single runs of two designs at a rollout step each, or (None) at their end points.

    Designs of 8 and of 1 update a rollout have taken equally many optimiser steps at, say, ``steps=(10,
    80)``.

    Examples
    --------
    >>> found = compare_designs()
    >>> format(found.difference, ".1f"), round(found.p_mean, 2), format(found.deviation_ratio, ".1f")
    ('14.0 [-4.4, 32.5]', 0.26, '4.0 [1.4, 8.5]')
    """
    one, other = runs_at(first, steps[0], benchmark), runs_at(second, steps[1], benchmark)
    low, high = stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    apart = float(one.mean() - other.mean())
    return Comparison(
        Estimate(apart, float(low), float(high), 0.95, "training run", one.size + other.size),
        same_mean(one, other),
        same_mean(one, other, studentised=True),
        deviation_ratio(other, one),
        same_spread(one, other),
    )


def climb(
    design: str, benchmark: str = "MATH-500", *, steps: tuple[int, int] = (0, 75), level: float = 0.95
) -> tuple[Estimate, NDArray[np.float64]]:
    """Least-squares slope of each single run, points a rollout step, and their mean over runs.

    Returns
    -------
    mean : Estimate
    slopes : ndarray (run,)

    Examples
    --------
    >>> format(climb("8 updates, clipping")[0], ".2f")
    '0.23 [0.17, 0.29]'
    """
    start = whole("steps[0]", steps[0], "a rollout step from 0 to 74", at_least=0, at_most=74)
    stop = whole(
        "steps[1]", steps[1], f"a rollout step from {start + 1} to 75", at_least=start + 1, at_most=75
    )
    runs = _curves(design, benchmark).loc[:, start:stop]
    slopes = np.polyfit(runs.columns.to_numpy(dtype=float), runs.to_numpy().T, 1)[0]
    return mean_interval(slopes, level=level, unit="training run"), slopes


def low_runs(
    below: float = 30.0, *, other_clipped: int = 4, in_averages: tuple[int, ...] = (3, 4)
) -> pd.DataFrame:
    """Fisher's test of "clipped runs lack the low heap", as the count of runs grows.

    Parameters
    ----------
    below : float in (0, 100)
        An end point (percent, MATH-500) under it is low. None lies between 22 and 38, so any value there
        counts the same runs.
    other_clipped : int
        Clipped runs at other reward rates and on other hardware; all end above 70 (``arms.csv``).
    in_averages : tuple of int
        Low runs, possibly, among the seven behind the two published averages (see the data folder).

    Returns
    -------
    DataFrame
        One row a choice of what to count: ``counted, low_unclipped, unclipped, low_clipped, clipped, p``.

    Examples
    --------
    >>> low_runs().p.round(3).tolist()
    [0.245, 0.094, 0.272, 0.059, 0.122, 0.026]
    """
    real("below", below, "a percentage strictly between 0 and 100", above=0, below=100)
    clipped, unclipped = end_points("8 updates, clipping"), end_points("8 updates, no clipping")
    behind = published_run_curves(averages=True).index.to_frame().runs_averaged.sum()
    rows = []
    for extra in (None, *in_averages):
        low = int((unclipped < below).sum()) + (extra or 0)
        n = unclipped.size + (0 if extra is None else int(behind))
        for more in (0, other_clipped):
            low_clipped, m = int((clipped < below).sum()), clipped.size + more
            counted = ["single runs"]
            counted += [f"{extra} low of {behind} in the averages"] if extra is not None else []
            counted += [f"{more} clipped runs from elsewhere"] if more else []
            p = stats.fisher_exact([[low, n - low], [low_clipped, m - low_clipped]]).pvalue
            rows.append(
                {
                    "counted": ", ".join(counted),
                    "low_unclipped": low,
                    "unclipped": n,
                    "low_clipped": low_clipped,
                    "clipped": m,
                    "p": float(p),
                }
            )
    return pd.DataFrame(rows)
