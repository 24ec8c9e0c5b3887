"""How many task draws, or studies, a registered claim needs.

For a claim about a mean, one t test against the nearer end of its region: its power at n units follows the
noncentral t distribution with noncentrality ``sqrt(n) |mean - end| / sd``. For a claim about a
probability, the exact binomial test. The unit of replication is the task draw, or the study.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy import stats

from rlvr._checks import real

__all__ = ["half_width_draws", "studies_needed", "task_draws_needed"]

_MOST = 1_000_000


def task_draws_needed(distance: float, sd: float, *, alpha: float, power: float = 0.99) -> int:
    """Fewest units at which a one-sided t test finds a mean `distance` inside its region.

    Parameters
    ----------
    distance : float, above 0
        Expected distance of the mean from the end of its region.
    sd : float, at least 0
        Standard deviation of a unit.
    alpha : float in (0, 1)
        Level of the test, after correction for the family.
    power : float in (0, 1)

    Returns
    -------
    int
        At least 2.

    Examples
    --------
    >>> task_draws_needed(0.5, 1.0, alpha=0.05, power=0.8)
    27
    """
    real("distance", distance, "a finite number above 0", above=0)
    real("sd", sd, "a finite number of at least 0", above=0, closed=True)
    _check_errors(alpha, power)

    def reached(n: int) -> bool:
        if sd == 0:
            return True
        critical = stats.t.isf(alpha, n - 1)
        return bool(stats.nct.sf(critical, n - 1, math.sqrt(n) * distance / sd) >= power)

    return _fewest(reached)


def half_width_draws(half_width: float, sd: float, *, level: float = 0.95) -> int:
    """Fewest units at which a t interval is expected to be no wider than +- `half_width`."""
    real("half_width", half_width, "a finite number above 0", above=0)
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    return _fewest(lambda n: stats.t.ppf(0.5 + level / 2, n - 1) * sd / math.sqrt(n) <= half_width)


def studies_needed(rate: float, bound: float, *, alpha: float, power: float = 0.99) -> int:
    """Fewest studies, in steps of 10, at which an exact binomial test places `rate` on its side of `bound`.

    Parameters
    ----------
    rate : float in [0, 1]
        Expected probability.
    bound : float in (0, 1)
        End of the region; the test is "less" if `rate` lies below it, else "greater".
    alpha, power : float in (0, 1)
    """
    real("rate", rate, "a probability", above=0, below=1, closed=True)
    real("bound", bound, "a number strictly between 0 and 1", above=0, below=1)
    _check_errors(alpha, power)
    if rate == bound:
        raise ValueError(f"rate must differ from bound, got {rate!r} for both")

    def reached(n: int) -> bool:
        if rate < bound:  # largest count that rejects, then the chance of at most that
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


def _fewest(reached: Callable[[int], bool]) -> int:
    """Smallest n from 2 on with reached(n), by doubling and bisection."""
    high = 2
    while not reached(high):
        high *= 2
        if high > _MOST:
            raise ValueError(f"no number of units up to {_MOST} suffices")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _check_errors(alpha: float, power: float) -> None:
    real("alpha", alpha, "a number strictly between 0 and 1", above=0, below=1)
    real("power", power, "a number strictly between 0 and 1", above=0, below=1)
