"""Means, ratios and crossings, with intervals that state what they resample.

A study is an array (task, seed). Seeds share their task draw, so the unit of replication is the task draw,
and its mean over seeds is one observation. With a single draw the interval is over seeds and describes that
draw alone. Differences of arms are taken run by run before anything is averaged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import confidence_level

__all__ = [
    "Estimate",
    "crossing_interval",
    "mean_interval",
    "ratio_interval",
    "replicates",
    "scale_up",
    "welch_freedom",
    "welch_half_width",
]

_TINY = 1e-100


@dataclass(frozen=True)
class Estimate:
    """A value, its interval, and the meaning of the interval.

    Attributes
    ----------
    value : float
        NaN where undefined.
    low, high : float
        Ends of the interval; NaN where there is none. Ends may be infinite.
    level : float
        Nominal coverage of [low, high].
    unit : str
        Unit of replication, such as "task draw", "seed", "training run" or "item"; empty where nothing is
        replicated.
    n : int
        Number of units.
    reason : str
        Reason why the value or its interval is undefined; empty otherwise.
    """

    value: Any
    low: float = math.nan
    high: float = math.nan
    level: float = 0.95
    unit: str = ""
    n: int = 0
    reason: str = ""

    @property
    def defined(self) -> bool:
        return not math.isnan(self.value)

    @property
    def half_width(self) -> float:
        """Half the distance between the ends."""
        return (self.high - self.low) / 2

    def excludes(self, point: float) -> bool:
        """Whether the interval lies on one side of `point`; False when there is no interval."""
        return self.low > point or self.high < point

    def __format__(self, spec: str) -> str:
        """Format as ``value [low, high]``; ``undefined`` in place of a NaN."""
        spec = spec or ".4f"
        if not self.defined:
            return "undefined"
        value = format(float(self.value), spec)
        if math.isnan(self.low):
            return value
        low, high = (
            format(end, spec) if math.isfinite(end) else ("-∞" if end < 0 else "∞")
            for end in (self.low, self.high)
        )
        return f"{value} [{low}, {high}]"

    def __str__(self) -> str:
        return format(self, "")


def replicates(values: ArrayLike) -> tuple[NDArray[np.float64], str]:
    """Reduce runs to independent observations.

    Parameters
    ----------
    values : array_like (task, seed) or (seed,)

    Returns
    -------
    observations : ndarray (task,) or (seed,)
        Means over seeds of each task draw; the seeds themselves when there is one draw.
    unit : str
        "task draw" or "seed".

    Raises
    ------
    ValueError
        If `values` is empty, not finite, or has another number of axes.
    """
    runs = np.asarray(values, dtype=float)
    if runs.ndim not in (1, 2) or runs.size == 0:
        raise ValueError(f"values must be a non-empty array (task, seed) or (seed,), got shape {runs.shape}")
    if not np.isfinite(runs).all():
        raise ValueError(
            f"values must be finite, got {int((~np.isfinite(runs)).sum())} of {runs.size} that are not"
        )
    if runs.ndim == 1 or runs.shape[0] == 1:
        return runs.reshape(-1), "seed"
    return runs.mean(axis=1), "task draw"


def scale_up(values: NDArray[np.float64]) -> float:
    """A power of two, so that nothing rounds, for values whose squares would underflow; otherwise 1."""
    largest = float(np.abs(values).max(initial=0.0))
    return 2.0 ** min(-math.frexp(largest)[1], 1000) if 0 < largest < _TINY else 1.0


def mean_interval(values: ArrayLike, *, level: float = 0.95, unit: str = "") -> Estimate:
    """Mean over independent units with Student's t interval.

    Parameters
    ----------
    values : array_like (task, seed) or (seed,)
    level : float in (0, 1)
    unit : str
        Name of the unit where it is neither task draw nor seed, such as "training run".

    Examples
    --------
    >>> print(mean_interval([0.1, 0.2, 0.3, 0.2]))
    0.2000 [0.0701, 0.3299]
    """
    level = confidence_level(level)
    units, name = replicates(values)
    unit, value = unit or name, float(units.mean())
    if units.size < 2:
        return Estimate(value, level=level, unit=unit, n=1, reason="one observation has no spread")
    if np.ptp(units) == 0:  # the frozen arm is known exactly
        return Estimate(value, value, value, level, unit, units.size)
    scale = scale_up(units)
    low, high = scipy.stats.ttest_1samp(units * scale, 0.0).confidence_interval(level)
    return Estimate(value, float(low) / scale, float(high) / scale, level, unit, units.size)


def welch_freedom(variances: ArrayLike, freedom: ArrayLike) -> float:
    """Welch's and Satterthwaite's degrees of freedom of a sum of independent variances.

    Parameters
    ----------
    variances, freedom : array_like (part,)
        Estimated variance of each part of a sum, and the degrees of freedom of that estimate.

    References
    ----------
    Satterthwaite. An approximate distribution of estimates of variance components. Biometrics Bull. 2, 1946.
    """
    parts = np.asarray(variances, dtype=float)
    parts = parts * scale_up(parts)
    return float(parts.sum() ** 2 / (parts**2 / np.asarray(freedom)).sum())


def welch_half_width(variances: ArrayLike, freedom: ArrayLike, *, level: float = 0.95) -> float:
    """Half the width of the t interval of a sum of independent estimates; 0 where no estimate varies.

    The parameters are those of :func:`welch_freedom`, and `level`, a float in (0, 1).

    Examples
    --------
    >>> round(welch_half_width([1.0, 1.0], [5, 5]), 3)  # 10 degrees of freedom
    3.151
    """
    level = confidence_level(level)
    total = float(np.sum(variances))
    if total == 0:
        return 0.0
    return float(scipy.stats.t.ppf(0.5 + level / 2, welch_freedom(variances, freedom))) * math.sqrt(total)


def ratio_interval(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    level: float = 0.95,
    names: Sequence[str] = ("numerator", "denominator"),
) -> Estimate:
    """Ratio of two paired means with Fieller's interval.

    The interval holds every ratio that a paired t test of ``numerator - ratio * denominator`` does not
    reject. When the denominator is not separated from zero, that set is unbounded and the ratio is undefined;
    the estimate then states the reason and has no value.

    Parameters
    ----------
    numerator, denominator : array_like (task, seed) or (seed,)
        Paired run by run.
    level : float in (0, 1)
    names : pair of str
        Names of the two quantities in a reason.

    References
    ----------
    Fieller. Some problems in interval estimation. J. R. Stat. Soc. B 16, 1954.
    """
    if np.shape(numerator) != np.shape(denominator):
        raise ValueError(
            f"numerator and denominator must be paired, got shapes {np.shape(numerator)} "
            f"and {np.shape(denominator)}"
        )
    level = confidence_level(level)
    below = mean_interval(denominator, level=level)
    above, unit = replicates(numerator)
    if below.n < 2:
        if below.value == 0:
            return Estimate(math.nan, level=level, unit=unit, n=1, reason=f"{names[1]} is 0")
        return Estimate(float(above.mean()) / below.value, level=level, unit=unit, n=1, reason=below.reason)
    if not below.excludes(0):
        return Estimate(
            math.nan,
            -math.inf,
            math.inf,
            level,
            unit,
            below.n,
            f"{names[1]} is not separated from 0: {below}",
        )
    under, _ = replicates(denominator)
    scales = scale_up(above), scale_up(under)
    above, under = above * scales[0], under * scales[1]
    critical = scipy.stats.t.ppf(0.5 + level / 2, below.n - 1) ** 2
    (xx, xy), (_, yy) = np.cov(above, under) / below.n
    x, y = above.mean(), under.mean()
    a, b, c = y * y - critical * yy, x * y - critical * xy, x * x - critical * xx
    spread = math.sqrt(max(b * b - a * c, 0.0))
    value, low, high = (
        float(end) * scales[1] / scales[0] for end in (x / y, (b - spread) / a, (b + spread) / a)
    )
    return Estimate(value, low, high, level, unit, below.n)


def crossing_interval(positions: ArrayLike, curves: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Where the mean of `curves` first changes from negative to positive, by linear interpolation.

    The interval is a percentile bootstrap of whole curves (2,000 resamples, fixed seed), so it keeps the
    dependence between neighbouring positions that share random numbers.

    Parameters
    ----------
    positions : array_like (position,)
        Ascending.
    curves : array_like (position, task, seed)
        The quantity whose sign changes.
    level : float in (0, 1)

    Returns
    -------
    Estimate
        Undefined, with the reason, if the mean curve has no such change.
    """
    level = confidence_level(level)
    at, quantity = np.asarray(positions, dtype=float), np.asarray(curves, dtype=float)
    units, unit = np.stack([replicates(curve)[0] for curve in quantity]), replicates(quantity[0])[1]

    def crossing(columns: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
        mean = units[:, columns].mean(axis=axis)
        rising = (mean[:-1] < 0) & (mean[1:] >= 0)
        first = rising.argmax(axis=0)
        here, there = (np.take_along_axis(mean, i[None], axis=0)[0] for i in (first, first + 1))
        start, stop = at[first], at[first + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(rising.any(axis=0), start - here * (stop - start) / (there - here), math.nan)

    everyone = np.arange(units.shape[1])
    value, n = float(crossing(everyone)), everyone.size
    if math.isnan(value):
        return Estimate(value, level=level, unit=unit, n=n, reason="the mean curve never turns positive")
    if n < 2:
        return Estimate(value, level=level, unit=unit, n=1, reason="one observation has no spread")
    low, high = scipy.stats.bootstrap(
        (everyone,),
        crossing,
        vectorized=True,
        n_resamples=2_000,
        method="percentile",
        confidence_level=level,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Estimate(value, float(low), float(high), level, unit, n)
