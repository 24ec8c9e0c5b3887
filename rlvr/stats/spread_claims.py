"""Claims about luck: how far runs of one design spread, and how often one run alone would mislead.

A standard deviation lies above b when the mean of ``(x - mean x)**2 - b**2`` is above zero, and the sd of x
above r times that of y when the mean of ``(x - mean x)**2 - r**2 (y - mean y)**2`` is. So a claim about
spreads is a claim about a mean, tested by t tests on the units as any other; no normality is assumed, and
runs paired by their task draw stay paired. The unit of replication is the task draw, here one training run.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import real
from rlvr.stats.equivalence_claims import Claim, mean_claim, proportion_claim, ratio_claim
from rlvr.stats.estimates import Estimate, mean_interval, ratio_interval, replicates

__all__ = ["far_claim", "spread_claim", "spread_ratio_claim"]


def spread_claim(
    values: ArrayLike, *, low: float = -math.inf, high: float = math.inf, label: str = ""
) -> Claim:
    """Test whether a standard deviation lies strictly between `low` and `high`.

    Parameters
    ----------
    values : array_like (task, seed) or (seed,)
    low, high : float
        Region; one end may be infinite, finite ends are at least 0.
    label : str

    Returns
    -------
    Claim
        Its estimate is the standard deviation, with the interval of the variance under a square root.

    Raises
    ------
    ValueError
        If an end is negative, the region empty, or fewer than three units are given.

    Examples
    --------
    >>> claim = spread_claim(np.random.default_rng(0).normal(0, 1, 400), low=0.8, high=1.25)
    >>> claim.p_inside < 0.001
    True
    """
    squares, unit = _squared_deviations(values)
    for name, end in (("low", low), ("high", high)):
        if math.isfinite(end):
            real(name, end, "a number of at least 0", above=0, closed=True)
    lowest = low**2 if math.isfinite(low) else low
    claim = mean_claim(squares, low=lowest, high=high**2, label=label)
    estimate = _root(mean_interval(squares), unit)
    return Claim(estimate, (low, high), claim.p_inside, claim.p_outside, label=label)


def spread_ratio_claim(
    numerator: ArrayLike, denominator: ArrayLike, *, low: float = -math.inf, high: float = math.inf,
    label: str = "",
) -> Claim:  # fmt: skip
    """Test whether a ratio of two standard deviations lies strictly between `low` and `high`.

    Parameters
    ----------
    numerator, denominator : array_like (task, seed) or (seed,)
        Of as many units each, paired by unit.
    low, high : float
        Region of the ratio; one end may be infinite, finite ends are at least 0.
    label : str

    Returns
    -------
    Claim
    """
    (above, unit), (below, _) = _squared_deviations(numerator), _squared_deviations(denominator)
    if above.size != below.size:
        raise ValueError(
            f"numerator and denominator must hold as many units each, got {above.size} and {below.size}"
        )
    lowest = low**2 if math.isfinite(low) else low
    claim = ratio_claim(above, below, low=lowest, high=high**2, label=label)
    estimate = _root(ratio_interval(above, below, names=("variance", "variance")), unit)
    return Claim(estimate, (low, high), claim.p_inside, claim.p_outside, label=label)


def far_claim(values: ArrayLike, *, by: float, low: float = 0.0, high: float = 1.0, label: str = "") -> Claim:
    """Test how likely one run's value lies further than `by` from the mean of all runs.

    Parameters
    ----------
    values : array_like (task, seed) or (seed,)
    by : float, above 0
        In the unit of `values`.
    low, high : float in [0, 1]
        Region of the probability; 0 and 1 stand for no bound.
    label : str

    Notes
    -----
    Exact binomial tests, the mean of all runs taken for the population's.
    """
    real("by", by, "a finite number above 0", above=0)
    units, unit = replicates(values)
    far = int((np.abs(units - units.mean()) > by).sum())
    return proportion_claim(far, units.size, low=low, high=high, label=label, unit=unit)


def _squared_deviations(values: ArrayLike) -> tuple[NDArray[np.float64], str]:
    """Squares whose mean is the sample variance, one a unit, and the unit's name."""
    units, unit = replicates(values)
    if units.size < 3:
        raise ValueError(f"values must hold at least 3 independent units, got {units.size}")
    return (units - units.mean()) ** 2 * units.size / (units.size - 1), unit


def _root(squared: Estimate, unit: str) -> Estimate:
    """An estimate of a square, on the scale of its root."""
    value, low, high = (math.sqrt(max(end, 0.0)) for end in (squared.value, squared.low, squared.high))
    return Estimate(value, low, high, squared.level, unit, squared.n, squared.reason)
