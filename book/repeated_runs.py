"""What the published repeats of RANDOM say: means, spreads and climbs of four designs, and what they decide.

The runs are those of Qwen2.5-Math-7B (:data:`rlvr.published_runs.DESIGNS`). All numbers are in percent or
points, the unit of replication is the training run, and an end point is a run's mean over its last ten
evaluations, which end at rollout step 75 to 80. Exploratory: the runs were seen before the questions.

One design was published as eleven single runs and as two averages, of four and of three further runs. An
average says nothing of the spread between its runs, but counts in a mean as often as it has runs. So a *mean
of all runs* counts the averages and its error rests on the spread between single runs; everything else is of
single runs alone.

One rollout step is a poor measure of a spread: the ratio of two designs' deviations changes severalfold from
one step to another. So *whole runs* are compared too.

Does the spread follow optimiser steps, or the answers in each? A step of plain gradient descent averages the
noise of its answers: with 8 times as many answers an update, runs that took equally many steps should spread
sqrt(8) times less, a ratio of variances of 8. A step that is scaled by its own noise, as Adam's is, predicts
a ratio of 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rlvr._checks import choice, real, whole
from rlvr.published_runs import DESIGNS, published_run_curves
from rlvr.stats.estimates import Estimate
from rlvr.stats.runs_needed import fewest_runs, power_of_difference, power_of_heap, power_of_ratio
from rlvr.stats.spreads import deviation_interval, deviation_ratio, mean_over_runs, same_mean, same_spread

__all__ = [
    "Comparison",
    "averaged_end_points",
    "climb",
    "compare_designs",
    "compare_whole_runs",
    "difference_of_all_runs",
    "end_points",
    "geometric_deviation_ratio",
    "low_runs",
    "mean_of_all_runs",
    "published_questions",
    "runs_at",
    "runs_by_step",
    "whole_run_ratio",
]

Floats = NDArray[np.float64]

CLIPPED, UNCLIPPED, LARGE, SMALL = DESIGNS


def _curves(design: str, benchmark: str) -> pd.DataFrame:
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


def runs_at(design: str, step: int | None, benchmark: str = "MATH-500") -> Floats:
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
    deviation_ratio : Estimate
        Standard deviation of the second over that of the first, F interval.
    """

    difference: Estimate
    p_mean: float
    deviation_ratio: Estimate


def compare_designs(
    first: str = CLIPPED,
    second: str = UNCLIPPED,
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
        deviation_ratio(other, one),
    )


def climb(
    design: str, benchmark: str = "MATH-500", *, steps: tuple[int, int] = (0, 75), level: float = 0.95
) -> tuple[Estimate, Floats]:
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
    return mean_over_runs(slopes, level=level), slopes


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
    clipped, unclipped = end_points(CLIPPED), end_points(UNCLIPPED)
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
    singles: Floats

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
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    value = sum(weight * part.mean for weight, part in parts)
    variances = [(weight * part.error) ** 2 for weight, part in parts]
    spread = sum(variances)
    half = 0.0  # where no run has moved yet
    if spread:
        freedom = spread**2 / sum(
            v**2 / (part.singles.size - 1) for v, (_, part) in zip(variances, parts, strict=True)
        )
        half = float(stats.t.ppf(0.5 + level / 2, freedom)) * math.sqrt(spread)
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
    first: str = CLIPPED,
    second: str = UNCLIPPED,
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


def _pair(first: str, second: str, steps: tuple[int, int], benchmark: str) -> tuple[Floats, Floats]:
    """Single runs (run, step) of two designs between two rollout steps."""
    start = whole("steps[0]", steps[0], "a rollout step from 1 to 75", at_least=1, at_most=75)
    stop = whole("steps[1]", steps[1], f"a rollout step from {start} to 75", at_least=start, at_most=75)
    one, other = (_curves(design, benchmark).loc[:, start:stop].to_numpy() for design in (first, second))
    return one, other


def compare_whole_runs(
    first: str = CLIPPED,
    second: str = UNCLIPPED,
    *,
    steps: tuple[int, int] = (1, 75),
    benchmark: str = "MATH-500",
) -> tuple[float, float]:
    """How many times wider the second design spreads over whole single runs, and its two-sided p.

    The ratio is geometric: the mean over steps of the logarithm of the ratio of standard deviations. Whole
    runs, centred at their design's median of each step, are shuffled between the designs, so neighbouring
    steps need no assumption and no step is picked.

    Returns
    -------
    ratio, p : float

    Examples
    --------
    >>> ratio, p = compare_whole_runs()
    >>> f"{ratio:.1f} {p:.4f}"  # of 4,368 ways to draw five runs, one is as extreme: the design itself
    '4.9 0.0002'
    """
    groups = _pair(first, second, steps, benchmark)
    runs = np.concatenate([group - np.median(group, axis=0) for group in groups])
    drawn = np.array(list(combinations(range(len(runs)), len(groups[0]))))
    inside = np.zeros((len(drawn), len(runs)), dtype=bool)
    np.put_along_axis(inside, drawn, True, axis=1)
    others = np.nonzero(~inside)[1].reshape(len(drawn), -1)
    log_ratios = np.log(runs[others].std(axis=1, ddof=1) / runs[drawn].std(axis=1, ddof=1)).mean(axis=1)
    p_value = (np.abs(log_ratios) >= abs(log_ratios[0]) - 1e-12).mean()  # the first draw is the published one
    return math.exp(log_ratios[0]), float(p_value)


def geometric_deviation_ratio(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Estimate:
    """How many times wider `second` spreads than `first`: geometric mean over steps, interval over runs.

    Parameters
    ----------
    first, second : array_like (run, step)
        Two independent groups of runs, at least 3 each, that spread at every step.
    level : float in (0, 1)

    Returns
    -------
    Estimate
        The interval is a jackknife of whole runs on the logarithm: each run is left out of its group once,
        and the logarithm's bias, about a tenth of the ratio for five runs, is taken off; Student's t with
        Welch's degrees of freedom. It needs nothing of how the steps of a run hang together.

    Notes
    -----
    For groups of 5 and 11 simulated walks it covers about 95%, also where they end in two heaps or spread
    differently from run to run. Where a few runs stray far, which five runs may not show, it covers about
    85%; its tests show both.

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
    seen, value = (parts[1][k] - parts[0][k] for k in (0, 1))
    variances = np.array([variance for *_, variance in parts])
    freedom = variances.sum() ** 2 / sum(
        v**2 / (len(group) - 1) for v, group in zip(variances, groups, strict=True)
    )
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * math.sqrt(variances.sum())
    low, high = math.exp(value - half), math.exp(value + half)
    return Estimate(math.exp(seen), low, high, level, "training run", sum(map(len, groups)))


def _jackknife(runs: Floats) -> tuple[float, float, float]:
    """Mean log deviation over steps: as it is, less its bias, and its variance, by leaving out each run."""
    n = len(runs)
    groups = [runs, np.stack([np.delete(runs, run, axis=0) for run in range(n)])]
    seen, left = (np.log(group.std(axis=-2, ddof=1)).mean(axis=-1) for group in groups)
    bias = (n - 1) * (left.mean() - seen)
    return float(seen), float(seen - bias), float((n - 1) * left.var())


def whole_run_ratio(
    first: str = CLIPPED,
    second: str = UNCLIPPED,
    *,
    steps: tuple[int, int] = (1, 75),
    benchmark: str = "MATH-500",
    level: float = 0.95,
) -> Estimate:
    """The ratio of :func:`compare_whole_runs` with the interval of :func:`geometric_deviation_ratio`.

    Examples
    --------
    >>> format(whole_run_ratio(), ".1f")
    '4.9 [2.1, 9.5]'
    """
    return geometric_deviation_ratio(*_pair(first, second, steps, benchmark), level=level)


def published_questions(*, power: float = 0.8) -> pd.DataFrame:
    """What the single runs decide and what they could not have: one row a question, MATH-500.

    Returns
    -------
    DataFrame
        ``question, runs`` (of the two groups), ``seen`` (text), ``p``, ``power`` (5%, two-sided, if what
        was seen, or what is named, were true), ``needed`` (runs of each group for `power`). NaN where no
        power is computed: of a question that was decided.

    Examples
    --------
    >>> published_questions()[["p", "power", "needed"]].round(2).values.tolist()[0]
    [0.26, 0.33, 32.0]
    """
    clipped, unclipped, large, small = (end_points(design) for design in DESIGNS)
    ends, low = compare_designs(), low_runs().iloc[0]
    sds = float(clipped.std(ddof=1)), float(unclipped.std(ddof=1))
    shares = low.low_clipped / low.clipped, low.low_unclipped / low.unclipped
    batch = deviation_ratio(small, large)
    by_clip, by_batch = (clipped.size, unclipped.size), (small.size, large.size)
    power_at: list[Callable[[tuple[int, int]], float] | None] = [
        lambda runs: power_of_difference(ends.difference.value, sds, runs),
        lambda runs: power_of_heap(shares, runs),
        None,
        lambda runs: power_of_ratio(8.0, runs),
        lambda runs: power_of_ratio(1.0, runs, tested_ratio=8.0),
    ]
    rows = [
        ("does clipping move the mean at the end?", by_clip, f"{ends.difference:+.1f} points", ends.p_mean),
        (
            "do clipped runs lack the low heap?",
            by_clip,
            f"{low.low_clipped} of {low.clipped} against {low.low_unclipped} of {low.unclipped}",
            float(low.p),
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
    """Two-sided p, by F, that the first group's variance is `ratio` times the second's."""
    law = stats.f(first.size - 1, second.size - 1)
    seen = first.var(ddof=1) / second.var(ddof=1) / ratio
    return float(2 * min(law.cdf(seen), law.sf(seen)))
