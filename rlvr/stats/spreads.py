"""Standard deviations of a few training runs, their ratios, and permutation tests of two groups of runs.

The unit of replication is the training run. Intervals assume normal runs; the tests assume no law. The tests
shuffle runs between groups: all permutations where there are at most 200,000, else that many drawn with a
fixed seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rlvr._checks import confidence_level, real, shown, whole
from rlvr.stats.estimates import Estimate, scale_up

__all__ = [
    "deviation_interval",
    "deviation_ratio",
    "interval_of_deviation",
    "paired_deviation_ratio",
    "same_mean",
    "same_spread",
]

_MOST_SHUFFLINGS = 200_000


def _runs(name: str, values: ArrayLike, at_least: int = 2) -> NDArray[np.float64]:
    runs = np.asarray(values, dtype=float)
    if runs.ndim != 1 or runs.size < at_least or not np.isfinite(runs).all():
        raise ValueError(
            f"{name} must be a vector of at least {at_least} finite numbers, got {shown(values)}"
        )
    return runs


def _alike_scaled(one: NDArray, other: NDArray) -> tuple[NDArray, NDArray, float]:
    """Two groups of runs, scaled so that no square underflows, and the factor that restores their ratio."""
    a, b = scale_up(one), scale_up(other)
    return one * a, other * b, b / a


def deviation_interval(values: ArrayLike, *, level: float = 0.95) -> Estimate:
    r"""Standard deviation between runs with the interval of a normal sample.

    The interval inverts :math:`(n - 1) s^2 / \sigma^2 \sim \chi^2_{n-1}`.

    Parameters
    ----------
    values : array_like (run,)
    level : float in (0, 1)

    Examples
    --------
    >>> format(deviation_interval([66.4, 63.3, 68.7, 69.8, 53.5]), ".1f")
    '6.6 [3.9, 18.8]'
    """
    runs = _runs("values", values)
    scale = scale_up(runs)
    return interval_of_deviation(float((runs * scale).std(ddof=1)) / scale, runs.size, level=level)


def interval_of_deviation(deviation: float, n_runs: int, *, level: float = 0.95) -> Estimate:
    """The interval of :func:`deviation_interval` for a source that gives only the deviation of its runs.

    Parameters
    ----------
    deviation : float, at least 0
    n_runs : int, at least 2
    level : float in (0, 1)

    Examples
    --------
    >>> format(interval_of_deviation(1.57, 3), ".2f")
    '1.57 [0.82, 9.87]'
    """
    sd = real("deviation", deviation, "a finite number of at least 0", above=0, closed=True)
    n = whole("n_runs", n_runs, "an integer of at least 2", at_least=2)
    level = confidence_level(level)
    low, high = sd * np.sqrt((n - 1) / stats.chi2.ppf([0.5 + level / 2, 0.5 - level / 2], n - 1))
    return Estimate(sd, float(low), float(high), level, "training run", n)


def deviation_ratio(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Standard deviation of `first` over that of `second`, with the F interval of two normal samples.

    Parameters
    ----------
    first, second : array_like (run,)
        Independent of each other.
    level : float in (0, 1)

    Returns
    -------
    Estimate
        Undefined, with the reason, where `second` does not vary.

    Examples
    --------
    >>> format(deviation_ratio([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]), ".2f")
    '0.50 [0.13, 1.96]'
    """
    one, other = _runs("first", first), _runs("second", second)
    level = confidence_level(level)
    one, other, factor = _alike_scaled(one, other)
    n = one.size + other.size
    if np.ptp(other) == 0:
        return Estimate(math.nan, level=level, unit="training run", n=n, reason="second does not vary")
    ratio = float(one.std(ddof=1) / other.std(ddof=1))
    tails = stats.f.ppf([0.5 + level / 2, 0.5 - level / 2], one.size - 1, other.size - 1)
    low, high = ratio / np.sqrt(tails)
    return Estimate(ratio * factor, float(low) * factor, float(high) * factor, level, "training run", n)


def paired_deviation_ratio(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Standard deviation of `first` over that of `second`, paired seed by seed.

    Pitman and Morgan: two variances are equal exactly if the sum and the difference of the pairs are
    uncorrelated. Inverting that test gives an interval, exact for normal pairs::

        F (K - sqrt(K^2 - 1)) to F (K + sqrt(K^2 - 1)),   K = 1 + 2 (1 - r^2) t^2 / (n - 2)

    where F is the ratio of the sample variances, r the correlation of the pairs and t the quantile of
    Student's distribution with n - 2 degrees of freedom. A higher correlation narrows the interval.

    Parameters
    ----------
    first, second : array_like (seed,)
        The same seeds in the same order, at least three.
    level : float in (0, 1)

    Returns
    -------
    Estimate
        Undefined, with the reason, where either does not vary.

    References
    ----------
    Pitman. A note on normal correlation. Biometrika 31, 1939.
    Morgan. A test for the significance of the difference between two variances. Biometrika 31, 1939.

    Examples
    --------
    >>> print(paired_deviation_ratio([2.0, 4.0, 9.0, 5.0], [1.0, 2.0, 4.5, 2.6]))
    1.9988 [1.8030, 2.2159]
    """
    level = confidence_level(level)
    one, other = _runs("first", first, at_least=3), _runs("second", second, at_least=3)
    n = one.size
    if other.size != n:
        raise ValueError(f"first and second must be of one length, got {n} and {other.size}")
    for name, runs in (("second", other), ("first", one)):
        if np.ptp(runs) == 0:
            return Estimate(math.nan, level=level, unit="seed", n=n, reason=f"{name} does not vary")
    one, other, factor = _alike_scaled(one, other)
    ratio = one.var(ddof=1) / other.var(ddof=1)
    t = stats.t.ppf((1 + level) / 2, n - 2)
    k = 1 + 2 * (1 - np.corrcoef(one, other)[0, 1] ** 2) * t**2 / (n - 2)
    ends = ratio * (k + np.array([-1, 1]) * math.sqrt(max(k**2 - 1, 0.0)))
    low, high = np.sqrt(np.maximum(ends, 0.0))
    return Estimate(math.sqrt(ratio) * factor, float(low) * factor, float(high) * factor, level, "seed", n)


def same_mean(first: ArrayLike, second: ArrayLike) -> float:
    """Two-sided p of equal means: the fraction of permutations whose difference is at least as large.

    The null hypothesis is one law for both groups; where spreads differ, the test may reject equal means too
    often.

    Parameters
    ----------
    first, second : array_like (run,)

    Examples
    --------
    >>> same_mean([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])  # 2 of 20 shufflings
    0.1
    """
    one, other = _runs("first", first), _runs("second", second)

    def distance(a: NDArray, b: NDArray, axis: int) -> NDArray:
        return np.abs(a.mean(axis=axis) - b.mean(axis=axis))

    return _shuffled(distance, one, other)


def same_spread(*groups: ArrayLike) -> float:
    """P of equal spread of two or more groups, by permutations of Brown and Forsythe's statistic.

    Deviations from each group's own median are compared, so the means may differ, and a heavy tail in one
    group alone does not reject. Since the medians are estimated, the level is approximate in small groups
    (the tests measure it).

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
        middle = np.concatenate(deviations, axis=axis).mean(axis=axis)
        # The sum of squares within groups follows, because the total is the same in every permutation.
        return np.asarray(sum(runs.shape[axis] * (runs.mean(axis=axis) - middle) ** 2 for runs in deviations))

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
