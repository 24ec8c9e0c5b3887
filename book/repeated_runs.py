"""The published repeated RANDOM runs: means, spreads and trends of four designs, and what they decide.

The runs are those of Qwen2.5-Math-7B (:data:`rlvr.published_runs.DESIGNS`). All numbers are in percent or
points, the unit of replication is the training run, and an end point is a run's mean over its last ten
evaluations, which end at rollout step 75 to 80. Exploratory: the runs were seen before the questions.

One design was published as eleven single runs and as two averages, of four and of three further runs. An
average contains no information on the spread between its runs, but counts in a mean as often as it has runs.
So a *mean of all runs* counts the averages, and its error uses the spread between single runs; everything
else uses single runs alone.

A single rollout step is a poor measure of a spread, because the ratio of two designs' deviations changes
severalfold between steps. So *whole runs* are compared too.

Two hypotheses are tested: the spread depends on optimiser steps, or on the answers in each. A step of plain
gradient descent averages the noise of its answers. With 8 times as many answers per update, runs of equally
many steps should spread sqrt(8) times less, a ratio of variances of 8. A step that is scaled by its own
noise, as Adam's is, predicts a ratio of 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rlvr._checks import choice, real, whole
from rlvr.published_runs import DESIGNS, published_run_curves
from rlvr.stats.estimates import Estimate, mean_interval, welch_half_width
from rlvr.stats.power import fewest_runs, power_of_difference, power_of_proportions, power_of_variance_ratio
from rlvr.stats.spreads import deviation_interval, deviation_ratio, same_mean, same_spread

__all__ = [
    "Comparison",
    "averaged_end_points",
    "climb",
    "compare_designs",
    "compare_whole_runs",
    "difference_of_all_runs",
    "end_points",
    "geometric_deviation_ratio",
    "mean_of_all_runs",
    "published_questions",
    "runs_at",
    "runs_by_step",
    "whole_run_ratio",
]

Floats = NDArray[np.float64]

CLIPPED, UNCLIPPED, LARGE, SMALL = DESIGNS


def _curves(design: str, benchmark: str = "MATH-500") -> pd.DataFrame:
    choice("design", design, tuple(DESIGNS))
    return published_run_curves(benchmark).loc[design]


def end_points(design: str, benchmark: str = "MATH-500") -> Floats:
    """Each run's mean over its last ten evaluations, percent (run,).

    Examples
    --------
    >>> [round(float(end), 1) for end in end_points("8 updates, clipping")]
    [66.4, 63.3, 68.7, 69.8, 53.5]
    """
    return np.array([run.dropna().tail(10).mean() for _, run in _curves(design, benchmark).iterrows()])


def runs_at(design: str, step: int | None) -> Floats:
    """Each run at a rollout step, without runs that had ended, or (None) its end point; percent (run,)."""
    if step is None:
        return end_points(design)
    whole("step", step, "a rollout step from 0 to 80", at_least=0, at_most=80)
    return _curves(design)[step].dropna().to_numpy()


class Comparison(NamedTuple):
    """Comparison of the end points of two designs, in points."""

    difference: Estimate
    """Mean of the first minus mean of the second, Welch's t interval over runs."""
    p_mean: float
    """P-value of the permutation test of the difference."""


def compare_designs(first: str = CLIPPED, second: str = UNCLIPPED) -> Comparison:
    """Compare the end points of two designs' single runs.

    Examples
    --------
    >>> difference, p_mean = compare_designs()
    >>> format(difference, ".1f"), round(p_mean, 2)
    ('14.0 [-4.4, 32.5]', 0.26)
    """
    one, other = end_points(first), end_points(second)
    low, high = stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    gap, n = float(one.mean() - other.mean()), one.size + other.size
    return Comparison(Estimate(gap, float(low), float(high), 0.95, "training run", n), same_mean(one, other))


def climb(design: str) -> tuple[Estimate, Floats]:
    """Least-squares slope of each single run to step 75, in points per rollout step, and the mean over runs.

    Returns
    -------
    mean : Estimate
    slopes : ndarray (run,)

    Examples
    --------
    >>> format(climb("8 updates, clipping")[0], ".2f")
    '0.23 [0.17, 0.29]'
    """
    runs = _curves(design).loc[:, :75]
    slopes = np.polyfit(runs.columns.to_numpy(dtype=float), runs.to_numpy().T, 1)[0]
    return mean_interval(slopes, unit="training run"), slopes


def averaged_end_points(design: str) -> dict[int, float]:
    """End points of a design's published averages, percent, by the number of runs in each; usually empty.

    Examples
    --------
    >>> {runs: round(end, 1) for runs, end in averaged_end_points("8 updates, no clipping").items()}
    {4: 44.8, 3: 28.8}
    """
    return _averages(design, None)


def _averages(design: str, step: int | None) -> dict[int, float]:
    """Accuracy of each published average of a design, by its number of runs."""
    choice("design", design, tuple(DESIGNS))
    curves = published_run_curves(averages=True)
    return {
        int(runs): float(curve.dropna().tail(10).mean() if step is None else curve[step])
        for (at, _, runs), curve in curves.iterrows()
        if at == design
    }


@dataclass(frozen=True)
class _AllRuns:
    """A design's mean over all runs, with the numbers that its error depends on."""

    mean: float
    n: int
    singles: Floats

    @property
    def error(self) -> float:
        """Standard error of the mean, with the spread of the single runs."""
        return float(self.singles.std(ddof=1)) / math.sqrt(self.n)


def _all_runs(design: str, step: int | None = None) -> _AllRuns:
    singles, averages = runs_at(design, step), _averages(design, step)
    n = singles.size + sum(averages)
    total = singles.sum() + sum(runs * value for runs, value in averages.items())
    return _AllRuns(float(total) / n, n, singles)


def _weighted(parts: list[tuple[float, _AllRuns]], level: float = 0.95) -> Estimate:
    """Weighted sum of means with Welch's t interval, with degrees of freedom of the single runs."""
    value = sum(weight * part.mean for weight, part in parts)
    variances = [(weight * part.error) ** 2 for weight, part in parts]
    half = welch_half_width(variances, [part.singles.size - 1 for _, part in parts], level=level)
    n = sum(part.n for _, part in parts)
    return Estimate(value, value - half, value + half, level, "training run", n)


def mean_of_all_runs(*designs: str, level: float = 0.95) -> Estimate:
    """Mean end point of every published run of one or more designs.

    Each run counts once, also the runs of a published average. The interval is Student's t over runs; each
    design has its own spread, that between its single runs.

    Examples
    --------
    >>> format(mean_of_all_runs("8 updates, no clipping"), ".1f")  # 11 single runs, and 7 in two averages
    '45.5 [31.6, 59.3]'
    """
    parts = [_all_runs(design) for design in designs]
    if not parts:
        raise ValueError("designs must name at least one design, got none")
    n = sum(part.n for part in parts)
    return _weighted([(part.n / n, part) for part in parts], level)


def difference_of_all_runs(first: str = CLIPPED, second: str = UNCLIPPED, *, level: float = 0.95) -> Estimate:
    """Mean of the first design minus that of the second over all runs, Welch's t interval over runs.

    Examples
    --------
    >>> format(difference_of_all_runs(), ".1f")
    '18.8 [4.0, 33.7]'
    """
    one, other = (_all_runs(design) for design in (first, second))
    return _weighted([(1.0, one), (-1.0, other)], level)


def runs_by_step(steps: Sequence[int]) -> pd.DataFrame:
    """Mean and standard deviation over the runs of each design at each rollout step.

    Returns
    -------
    DataFrame
        One row per design and step: ``design, step, updates, runs, single_runs, mean, deviation``. The mean
        is over all ``runs``, the deviation over the ``single_runs``, both as Estimate (Student's t;
        chi-squared).
    """
    rows = []
    for design, updates in DESIGNS.items():
        for step in steps:
            every = _all_runs(design, step)
            rows.append(
                {
                    "design": design,
                    "step": step,
                    "updates": updates * step,
                    "runs": every.n,
                    "single_runs": every.singles.size,
                    "mean": _weighted([(1.0, every)]),
                    "deviation": deviation_interval(every.singles),
                }
            )
    return pd.DataFrame(rows)


def _whole_runs(*designs: str) -> list[Floats]:
    """Single runs (run, step) of designs, from rollout step 1 to the last that all runs reached."""
    return [_curves(design).loc[:, 1:75].to_numpy() for design in designs]


def compare_whole_runs(first: str = CLIPPED, second: str = UNCLIPPED) -> tuple[float, float]:
    """Ratio of the second design's spread to the first's over whole single runs, and its two-sided p.

    The ratio is the geometric mean over steps of the ratio of standard deviations. Whole runs, centred at
    their design's median at each step, are permuted between the designs, so the test assumes nothing of
    neighbouring steps and picks no step.

    Returns
    -------
    ratio, p : float

    Examples
    --------
    >>> ratio, p = compare_whole_runs()
    >>> f"{ratio:.1f} {p:.4f}"  # of 4,368 ways to draw five runs, one is as extreme: the design itself
    '4.9 0.0002'
    """
    groups = _whole_runs(first, second)
    runs = np.concatenate([group - np.median(group, axis=0) for group in groups])
    drawn = np.array(list(combinations(range(len(runs)), len(groups[0]))))
    inside = np.zeros((len(drawn), len(runs)), dtype=bool)
    np.put_along_axis(inside, drawn, True, axis=1)
    others = np.nonzero(~inside)[1].reshape(len(drawn), -1)
    log_ratios = np.log(runs[others].std(axis=1, ddof=1) / runs[drawn].std(axis=1, ddof=1)).mean(axis=1)
    p_value = (np.abs(log_ratios) >= abs(log_ratios[0]) - 1e-12).mean()  # the first draw is the published one
    return math.exp(log_ratios[0]), float(p_value)


def geometric_deviation_ratio(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Ratio of the spread of `second` to that of `first`: geometric mean over steps, interval over runs.

    Parameters
    ----------
    first, second : array_like (run, step)
        Two independent groups of at least 3 runs that differ at every step.
    level : float in (0, 1)

    Returns
    -------
    Estimate
        The interval is a jackknife of whole runs on the logarithm, Student's t with Welch's degrees of
        freedom. Each run is left out of its group once, and the logarithm's bias, about a tenth of the ratio
        for five runs, is subtracted. Nothing is assumed of the dependence between steps of a run.

    Notes
    -----
    For groups of 5 and 11 simulated random walks the interval covers about 95%, also where the walks end in
    two clusters or differ in spread from run to run. Where a few runs are far outliers, which five runs may
    not show, the interval covers about 85%; its tests show both.

    Examples
    --------
    >>> walks = np.random.default_rng(0).normal(size=(16, 75)).cumsum(axis=1)
    >>> format(geometric_deviation_ratio(walks[:5], 4 * walks[5:]), ".1f")
    '6.1 [3.4, 9.1]'
    """
    groups = [np.asarray(first, dtype=float), np.asarray(second, dtype=float)]
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    for name, group in zip(("first", "second"), groups, strict=True):
        if group.ndim != 2 or len(group) < 3 or not (group.std(axis=0) > 0).all():
            raise ValueError(
                f"{name} must be at least 3 runs (run, step) that spread at every step, got {group.shape}"
            )
    parts = [_jackknife(group) for group in groups]
    log_ratio, value = (parts[1][k] - parts[0][k] for k in (0, 1))
    variances = np.array([variance for *_, variance in parts])
    half = welch_half_width(variances, [len(group) - 1 for group in groups], level=level)
    low, high = math.exp(value - half), math.exp(value + half)
    return Estimate(math.exp(log_ratio), low, high, level, "training run", sum(map(len, groups)))


def _jackknife(runs: Floats) -> tuple[float, float, float]:
    """Mean log deviation over steps: plain, bias-corrected, and its variance, by leaving out each run."""
    n = len(runs)
    groups = [runs, np.stack([np.delete(runs, run, axis=0) for run in range(n)])]
    spread, left_out = (np.log(group.std(axis=-2, ddof=1)).mean(axis=-1) for group in groups)
    bias = (n - 1) * (left_out.mean() - spread)
    return float(spread), float(spread - bias), float((n - 1) * left_out.var())


def whole_run_ratio(first: str = CLIPPED, second: str = UNCLIPPED, *, level: float = 0.95) -> Estimate:
    """The ratio of :func:`compare_whole_runs` with the interval of :func:`geometric_deviation_ratio`.

    Examples
    --------
    >>> format(whole_run_ratio(), ".1f")
    '4.9 [2.1, 9.5]'
    """
    return geometric_deviation_ratio(*_whole_runs(first, second), level=level)


def published_questions(*, power: float = 0.8) -> pd.DataFrame:
    """Questions that the single runs decide, and those that they could not: one row per question, MATH-500.

    Returns
    -------
    DataFrame
        ``question, runs`` (of the two groups), ``seen`` (text), ``p``, ``power`` (5%, two-sided, if the
        observed or the named effect were true), ``needed`` (runs per group for `power`). NaN for a decided
        question, for which no power is computed.

    Examples
    --------
    >>> published_questions()[["p", "power", "needed"]].round(2).values.tolist()[0]
    [0.26, 0.33, 32.0]
    """
    clipped, unclipped, large, small = (end_points(design) for design in DESIGNS)
    ends = compare_designs()
    low = [int((runs < 30).sum()) for runs in (clipped, unclipped)]  # no run ends between 22 and 38
    counts = [[low[0], clipped.size - low[0]], [low[1], unclipped.size - low[1]]]
    sds = float(clipped.std(ddof=1)), float(unclipped.std(ddof=1))
    shares = low[0] / clipped.size, low[1] / unclipped.size
    batch = deviation_ratio(small, large)
    by_clip, by_batch = (clipped.size, unclipped.size), (small.size, large.size)
    power_at: list[Callable[[tuple[int, int]], float] | None] = [
        lambda runs: power_of_difference(ends.difference.value, sds, runs),
        lambda runs: power_of_proportions(shares, runs),
        None,
        lambda runs: power_of_variance_ratio(8.0, runs),
        lambda runs: power_of_variance_ratio(1.0, runs, tested_ratio=8.0),
    ]
    rows = [
        ("does clipping move the mean at the end?", by_clip, f"{ends.difference:+.1f} points", ends.p_mean),
        (
            "do clipped runs lack the low end?",
            by_clip,
            f"{low[0]} of {clipped.size} against {low[1]} of {unclipped.size}",
            float(stats.fisher_exact(counts).pvalue),
        ),
        (
            "do clipped runs spread less along the way?",
            by_clip,
            f"{whole_run_ratio():.1f} times",
            compare_whole_runs()[1],
        ),
        (
            "does a larger batch spread less? (variance ratio 8 if it does)",
            by_batch,
            f"{batch:.2f} times",
            same_spread(small, large),
        ),
        (
            "is a variance ratio of 8 excluded? (1 if it is)",
            by_batch,
            f"{batch:.2f} times",
            _variance_ratio_p(small, large, 8.0),
        ),
    ]
    table = pd.DataFrame(rows, columns=["question", "runs", "seen", "p"])
    table["power"] = [at(runs) if at else math.nan for at, runs in zip(power_at, table.runs, strict=True)]
    table["needed"] = [fewest_runs(at, power=power) if at else math.nan for at in power_at]
    return table


def _variance_ratio_p(first: Floats, second: Floats, ratio: float) -> float:
    """Two-sided p, by the F test, of the hypothesis that the first variance is `ratio` times the second."""
    law = stats.f(first.size - 1, second.size - 1)
    quotient = first.var(ddof=1) / second.var(ddof=1) / ratio
    return float(2 * min(law.cdf(quotient), law.sf(quotient)))
