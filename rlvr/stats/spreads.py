"""Means and spreads of a few training runs: intervals, and tests that assume no normal law.

The unit of replication is the training run. Permutation tests shuffle runs between groups: all shufflings
where there are at most 200,000, else that many drawn with a fixed seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rlvr._checks import choice, real, shown
from rlvr.stats.estimates import Estimate

__all__ = ["deviation_interval", "deviation_ratio", "mean_over_runs", "same_mean", "same_spread"]

_MOST_SHUFFLINGS = 200_000


def _runs(name: str, values: ArrayLike, at_least: int = 2) -> NDArray[np.float64]:
    runs = np.asarray(values, dtype=float)
    if runs.ndim != 1 or runs.size < at_least or not np.isfinite(runs).all():
        raise ValueError(
            f"{name} must be a vector of at least {at_least} finite numbers, got {shown(values)}"
        )
    return runs


def mean_over_runs(values: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Mean of runs with Student's t interval over them.

    Parameters
    ----------
    values : array_like (run,)
    level : float in (0, 1)

    Examples
    --------
    >>> format(mean_over_runs([66.4, 63.3, 68.7, 69.8, 53.5]), ".1f")
    '64.3 [56.2, 72.5]'
    """
    runs = _runs("values", values)
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    half = stats.t.ppf(0.5 + level / 2, runs.size - 1) * runs.std(ddof=1) / math.sqrt(runs.size)
    mean = float(runs.mean())
    return Estimate(mean, mean - float(half), mean + float(half), level, "training run", runs.size)


def deviation_interval(values: ArrayLike, *, level: float = 0.95, method: str = "chi2") -> Estimate:
    r"""Standard deviation between runs with an interval.

    Parameters
    ----------
    values : array_like (run,)
    level : float in (0, 1)
    method : {"chi2", "bca"}
        From :math:`(n - 1) s^2 / \sigma^2 \sim \chi^2_{n-1}`, right if runs follow a normal law; or the
        bias-corrected accelerated bootstrap of runs (9,999 resamples, seed fixed), which assumes none and
        covers too little for a handful of runs.

    Examples
    --------
    >>> format(deviation_interval([66.4, 63.3, 68.7, 69.8, 53.5]), ".1f")
    '6.6 [3.9, 18.8]'
    """
    runs = _runs("values", values)
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    sd, n = float(runs.std(ddof=1)), runs.size
    if choice("method", method, ("chi2", "bca")) == "chi2":
        tails = stats.chi2.ppf([0.5 + level / 2, 0.5 - level / 2], n - 1)
        low, high = sd * np.sqrt((n - 1) / tails)
    else:
        low, high = stats.bootstrap(
            (runs,),
            lambda drawn, axis: drawn.std(axis=axis, ddof=1),
            confidence_level=level,
            method="BCa",
            rng=np.random.default_rng(0),
        ).confidence_interval
    return Estimate(sd, float(low), float(high), level, "training run", n)


def deviation_ratio(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Standard deviation of `first` over that of `second`, with the interval of two normal samples (F).

    Parameters
    ----------
    first, second : array_like (run,)
    level : float in (0, 1)

    Examples
    --------
    >>> format(deviation_ratio([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]), ".2f")
    '0.50 [0.13, 1.96]'
    """
    one, other = _runs("first", first), _runs("second", second)
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    if np.ptp(other) == 0:
        return Estimate(
            math.nan, level=level, unit="training run", n=other.size, reason="second does not spread"
        )
    ratio = float(one.std(ddof=1) / other.std(ddof=1))
    tails = stats.f.ppf([0.5 + level / 2, 0.5 - level / 2], one.size - 1, other.size - 1)
    low, high = ratio / np.sqrt(tails)
    return Estimate(ratio, float(low), float(high), level, "training run", one.size + other.size)


def same_mean(first: ArrayLike, second: ArrayLike, *, studentised: bool = False) -> float:
    """Two-sided p of equal means: the fraction of shufflings whose difference is at least as large in size.

    Parameters
    ----------
    first, second : array_like (run,)
    studentised : bool
        Shuffle Welch's t instead of the difference: then right in large samples for equal means even if
        the spreads differ. Without it, the hypothesis is one law for both.

    Examples
    --------
    >>> same_mean([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])  # 2 of 20 shufflings
    0.1
    """
    one, other = _runs("first", first), _runs("second", second)

    def distance(a: NDArray, b: NDArray, axis: int) -> NDArray:
        apart = a.mean(axis=axis) - b.mean(axis=axis)
        if studentised:
            n_a, n_b = a.shape[axis], b.shape[axis]
            error = np.sqrt(a.var(axis=axis, ddof=1) / n_a + b.var(axis=axis, ddof=1) / n_b)
            apart = apart / np.maximum(error, 1e-12)
        return np.abs(apart)

    return _shuffled(distance, one, other)


def same_spread(*groups: ArrayLike) -> float:
    """P of equal spread of two or more groups: Brown and Forsythe's statistic, shuffled.

    Deviations from each group's own median are compared, so the means may differ and a heavy tail in one
    group does not by itself reject. Since the medians are estimated, the level is approximate in small
    groups (its tests measure it).

    Parameters
    ----------
    *groups : array_like (run,)

    References
    ----------
    Brown, Forsythe. Robust tests for the equality of variances. J. Am. Stat. Assoc. 69, 1974.

    Examples
    --------
    >>> round(same_spread([1.0, 2.0, 3.0, 4.0], [0.0, 20.0, 40.0, 60.0]), 3)
    0.029
    """
    if len(groups) < 2:
        raise ValueError(f"groups must be at least 2, got {len(groups)}")
    centred = [runs - np.median(runs) for runs in (_runs("groups", group) for group in groups)]

    def between(*drawn: NDArray, axis: int) -> NDArray:
        deviations = [np.abs(runs) for runs in drawn]
        everyone = np.concatenate(deviations, axis=axis)
        middle = everyone.mean(axis=axis)
        above = sum(
            runs.shape[axis] * (runs.mean(axis=axis) - middle) ** 2 for runs in deviations
        )  # within groups follows from it: the sum of the two is the same in every shuffling
        return np.asarray(above)

    return _shuffled(between, *centred)


def _shuffled(statistic: Callable[..., NDArray], *groups: NDArray) -> float:
    result = stats.permutation_test(
        groups,
        statistic,
        permutation_type="independent",
        vectorized=True,
        n_resamples=_MOST_SHUFFLINGS,
        alternative="greater",
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)
