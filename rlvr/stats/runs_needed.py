"""How many training runs would have decided: power of the comparisons of :mod:`book.repeated_runs`.

Normal runs are assumed for means and deviations, nothing for heaps. The unit is the training run.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import stats

from rlvr._checks import real, whole

__all__ = ["fewest_runs", "power_of_difference", "power_of_heap", "power_of_ratio"]


def power_of_difference(
    difference: float, deviations: tuple[float, float], runs: tuple[int, int], *, level: float = 0.95
) -> float:
    """Power of Welch's two-sided test for a difference of means, by the noncentral t at Satterthwaite's df.

    Parameters
    ----------
    difference : float
        True difference of the two means, in the unit of `deviations`.
    deviations : pair of float above 0
        True standard deviations between runs of the two designs.
    runs : pair of int of at least 2
    level : float in (0, 1)

    Examples
    --------
    >>> round(power_of_difference(14.0, (6.5, 26.4), (5, 11)), 2)
    0.33
    """
    error = [
        real(f"deviations[{i}]", sd, "a number above 0", above=0) ** 2
        / whole(f"runs[{i}]", n, "a whole number of at least 2", at_least=2)
        for i, (sd, n) in enumerate(zip(deviations, runs, strict=True))
    ]
    degrees = sum(error) ** 2 / sum(part**2 / (n - 1) for part, n in zip(error, runs, strict=True))
    shift = abs(real("difference", difference, "a finite number")) / math.sqrt(sum(error))
    critical = stats.t.ppf(0.5 + level / 2, degrees)
    # The chance to reject on the wrong side underflows to NaN where it is nothing.
    wrong_side = np.nan_to_num(stats.nct.cdf(-critical, degrees, shift))
    return float(stats.nct.sf(critical, degrees, shift) + wrong_side)


def power_of_ratio(
    true_ratio: float, runs: tuple[int, int], *, tested_ratio: float = 1.0, level: float = 0.95
) -> float:
    """Power of the two-sided F test of "ratio of variances = `tested_ratio`" when it is `true_ratio`.

    Parameters
    ----------
    true_ratio : float above 0
        Variance of the first over that of the second.
    runs : pair of int of at least 2
        Of the first and of the second.
    tested_ratio : float above 0
        What that ratio is by hypothesis.
    level : float in (0, 1)

    Examples
    --------
    >>> round(power_of_ratio(8.0, (6, 9)), 2), round(power_of_ratio(1.0, (6, 9)), 2)
    (0.7, 0.05)
    """
    one, other = (
        whole(f"runs[{i}]", n, "a whole number of at least 2", at_least=2) - 1 for i, n in enumerate(runs)
    )
    scale = real("true_ratio", true_ratio, "a number above 0", above=0) / real(
        "tested_ratio", tested_ratio, "a number above 0", above=0
    )
    low, high = stats.f.ppf([0.5 - level / 2, 0.5 + level / 2], one, other)
    return float(stats.f.cdf(low / scale, one, other) + stats.f.sf(high / scale, one, other))


def power_of_heap(shares: tuple[float, float], runs: tuple[int, int], *, level: float = 0.95) -> float:
    """Power of Fisher's two-sided test when a run of either design is low with the given chance.

    Parameters
    ----------
    shares : pair of float in [0, 1]
        Chance that a run of the first design, and of the second, is low.
    runs : pair of int of at least 1
    level : float in (0, 1)

    Examples
    --------
    >>> round(power_of_heap((0.0, 4 / 11), (5, 11)), 2)
    0.06
    """
    chances = []
    for i, (share, n) in enumerate(zip(shares, runs, strict=True)):
        real(f"shares[{i}]", share, "a fraction from 0 to 1", above=0, below=1, closed=True)
        whole(f"runs[{i}]", n, "a whole number of at least 1", at_least=1)
        chances.append(stats.binom.pmf(np.arange(n + 1), n, share))
    power = 0.0
    for one, other in zip(*np.nonzero(np.outer(*chances) > 1e-12), strict=True):
        table = [[one, runs[0] - one], [other, runs[1] - other]]
        if stats.fisher_exact(table).pvalue < 1 - level:
            power += chances[0][one] * chances[1][other]
    return float(power)


def fewest_runs(
    power_at: Callable[[tuple[int, int]], float], *, power: float = 0.8, at_most: int = 500
) -> int | None:
    """The fewest runs of each of two designs that reach a power; None if `at_most` do not.

    Parameters
    ----------
    power_at : callable
        From a pair of numbers of runs to the power, rising with them (a bisection looks for the place).
    power : float in (0, 1)
    at_most : int, at least 2

    Examples
    --------
    >>> fewest_runs(lambda runs: power_of_difference(14.0, (6.5, 26.4), runs))
    32
    """
    real("power", power, "a number strictly between 0 and 1", above=0, below=1)
    low, high = 1, whole("at_most", at_most, "a whole number of at least 2", at_least=2)
    reached = power_at((high, high))
    if not math.isfinite(reached):
        raise ValueError(f"power_at must give a number, got {reached} with {high} runs of each")
    if reached < power:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at((middle, middle)) >= power else (middle, high)
    return high
