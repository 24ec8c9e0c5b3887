"""Power, and the number of task draws, studies or training runs that a claim needs.

A claim about a mean has the power of one t test against the nearer end of its region, by the noncentral t
distribution with noncentrality ``sqrt(n) |mean - end| / sd``. A claim about a probability has the power of
the exact binomial test. Comparisons of two designs use Welch's test, the F test and Fisher's test. Runs are
assumed normal for means and deviations; counts need no assumption.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from scipy import stats

from rlvr._checks import confidence_level, real, whole
from rlvr.stats.estimates import scale_up, welch_freedom

__all__ = [
    "fewest_runs",
    "half_width_draws",
    "power_of_difference",
    "power_of_proportions",
    "power_of_variance_ratio",
    "studies_needed",
    "task_draws_needed",
]

_MOST = 1_000_000


def task_draws_needed(distance: float, sd: float, *, alpha: float, power: float = 0.99) -> int:
    """Fewest units at which a one-sided t test detects a mean `distance` inside its region.

    Parameters
    ----------
    distance : float, above 0
        Expected distance of the mean from the end of its region.
    sd : float, at least 0
        Standard deviation of a unit.
    alpha : float in (0, 1)
        Level of the test, after correction for the family.
    power : float in (0, 1)

    Examples
    --------
    >>> task_draws_needed(0.5, 1.0, alpha=0.05, power=0.8)
    27
    """
    distance = real("distance", distance, "a finite number above 0", above=0)
    sd = real("sd", sd, "a finite number of at least 0", above=0, closed=True)
    alpha, power = _errors(alpha, power)

    def reached(n: int) -> bool:
        if sd == 0:
            return True
        critical = stats.t.isf(alpha, n - 1)
        return bool(stats.nct.sf(critical, n - 1, math.sqrt(n) * distance / sd) >= power)

    return _fewest(reached)


def half_width_draws(half_width: float, sd: float, *, level: float = 0.95) -> int:
    """Fewest units at which a t interval is expected to be no wider than +- `half_width`."""
    half_width = real("half_width", half_width, "a finite number above 0", above=0)
    sd = real("sd", sd, "a finite number of at least 0", above=0, closed=True)
    level = confidence_level(level)
    return _fewest(lambda n: stats.t.ppf(0.5 + level / 2, n - 1) * sd / math.sqrt(n) <= half_width)


def studies_needed(rate: float, bound: float, *, alpha: float, power: float = 0.99) -> int:
    """Fewest studies, in steps of 10, at which an exact binomial test shows on which side `rate` lies.

    Parameters
    ----------
    rate : float in [0, 1]
        Expected probability.
    bound : float in (0, 1)
        End of the region; the test is "less" if `rate` lies below it, else "greater".
    alpha, power : float in (0, 1)
    """
    rate = real("rate", rate, "a probability", above=0, below=1, closed=True)
    bound = real("bound", bound, "a number strictly between 0 and 1", above=0, below=1)
    alpha, power = _errors(alpha, power)
    if rate == bound:
        raise ValueError(f"rate must differ from bound, got {rate!r} for both")

    def reached(n: int) -> bool:
        if rate < bound:  # largest count that rejects, then the probability of at most that count
            most = stats.binom.ppf(alpha, n, bound) - 1
            return bool(stats.binom.cdf(most, n, rate) >= power)
        least = stats.binom.isf(alpha, n, bound) + 1
        return bool(stats.binom.sf(least - 1, n, rate) >= power)

    n = 10
    while not reached(n):
        n += 10
        if n > _MOST:
            raise ValueError(
                f"no number of studies up to {_MOST} suffices for rate {rate!r}, bound {bound!r}"
            )
    return n


def power_of_difference(
    difference: float, deviations: tuple[float, float], runs: tuple[int, int], *, level: float = 0.95
) -> float:
    """Power of Welch's two-sided test of a difference of means (noncentral t, Satterthwaite's df).

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
    level = confidence_level(level)
    difference = real("difference", difference, "a finite number")
    checked = [real(f"deviations[{i}]", sd, "a number above 0", above=0) for i, sd in enumerate(deviations)]
    scale = scale_up(np.array(checked))
    error = [
        (sd * scale) ** 2 / whole(f"runs[{i}]", n, "a whole number of at least 2", at_least=2)
        for i, (sd, n) in enumerate(zip(checked, runs, strict=True))
    ]
    freedom = welch_freedom(error, [int(n) - 1 for n in runs])
    shift = abs(difference) * scale / math.sqrt(sum(error))
    critical = stats.t.ppf(0.5 + level / 2, freedom)
    # The probability of rejecting on the wrong side underflows to NaN where it is negligible.
    wrong_side = np.nan_to_num(stats.nct.cdf(-critical, freedom, shift))
    return float(stats.nct.sf(critical, freedom, shift) + wrong_side)


def power_of_variance_ratio(
    true_ratio: float, runs: tuple[int, int], *, tested_ratio: float = 1.0, level: float = 0.95
) -> float:
    """Power of the two-sided F test of "ratio of variances = `tested_ratio`" when it is `true_ratio`.

    Parameters
    ----------
    true_ratio : float above 0
        Variance of the first over that of the second.
    runs : pair of int of at least 2
        Runs of the first and of the second.
    tested_ratio : float above 0
        The ratio under the hypothesis.
    level : float in (0, 1)

    Examples
    --------
    >>> round(power_of_variance_ratio(8.0, (6, 9)), 2), round(power_of_variance_ratio(1.0, (6, 9)), 2)
    (0.7, 0.05)
    """
    level = confidence_level(level)
    one, other = (
        whole(f"runs[{i}]", n, "a whole number of at least 2", at_least=2) - 1 for i, n in enumerate(runs)
    )
    scale = real("true_ratio", true_ratio, "a number above 0", above=0) / real(
        "tested_ratio", tested_ratio, "a number above 0", above=0
    )
    low, high = stats.f.ppf([0.5 - level / 2, 0.5 + level / 2], one, other)
    return float(stats.f.cdf(low / scale, one, other) + stats.f.sf(high / scale, one, other))


def power_of_proportions(shares: tuple[float, float], runs: tuple[int, int], *, level: float = 0.95) -> float:
    """Power of Fisher's two-sided test of two counts of runs, such as the runs that end low.

    Parameters
    ----------
    shares : pair of float in [0, 1]
        Probability that a run of the first design, and of the second, is counted.
    runs : pair of int of at least 1
    level : float in (0, 1)

    Examples
    --------
    >>> round(power_of_proportions((0.0, 4 / 11), (5, 11)), 2)
    0.06
    """
    level, chances, sizes = confidence_level(level), [], []
    for i, (share, n) in enumerate(zip(shares, runs, strict=True)):
        share = real(f"shares[{i}]", share, "a fraction from 0 to 1", above=0, below=1, closed=True)
        n = whole(f"runs[{i}]", n, "a whole number of at least 1", at_least=1)
        sizes.append(n)
        chances.append(stats.binom.pmf(np.arange(n + 1), n, share))
    power = 0.0
    for one, other in zip(*np.nonzero(np.outer(*chances) > 1e-12), strict=True):
        table = [[one, sizes[0] - one], [other, sizes[1] - other]]
        if stats.fisher_exact(table).pvalue < 1 - level:
            power += chances[0][one] * chances[1][other]
    return float(power)


def fewest_runs(
    power_at: Callable[[tuple[int, int]], float], *, power: float = 0.8, at_most: int = 500
) -> int | None:
    """The fewest runs per design that reach a power; None if `at_most` runs do not.

    Parameters
    ----------
    power_at : callable
        Maps a pair of numbers of runs to the power, which must rise with them (the search is a bisection).
    power : float in (0, 1)
    at_most : int, at least 2

    Examples
    --------
    >>> fewest_runs(lambda runs: power_of_difference(14.0, (6.5, 26.4), runs))
    32
    """
    power = real("power", power, "a number strictly between 0 and 1", above=0, below=1)
    at_most = whole("at_most", at_most, "a whole number of at least 2", at_least=2)
    reached = power_at((at_most, at_most))
    if not math.isfinite(reached):
        raise ValueError(f"power_at must give a number, got {reached} with {at_most} runs of each")
    if reached < power:
        return None
    return 2 + bisect_left(range(2, at_most), True, key=lambda n: power_at((n, n)) >= power)


def _fewest(reached: Callable[[int], bool]) -> int:
    """Smallest n of at least 2 with reached(n), by doubling and bisection."""
    high = 2
    while not reached(high):
        high *= 2
        if high > _MOST:
            raise ValueError(f"no number of units up to {_MOST} suffices")
    return high // 2 + 1 + bisect_left(range(high // 2 + 1, high), True, key=reached)


def _errors(alpha: float, power: float) -> tuple[float, float]:
    named = (("alpha", alpha), ("power", power))
    one, other = (real(name, at, "a number strictly between 0 and 1", above=0, below=1) for name, at in named)
    return one, other
