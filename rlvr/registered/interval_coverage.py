"""Does an interval cover what it says it covers? Simulated, from runs rather than from normal numbers.

Coverage is a frequency over simulated studies::

    coverage = share of studies whose interval holds the true value

The unit is the study: n task draws taken without replacement from a large pool, whose mean is the true
value. A study takes at most a tenth of the pool, so that drawing from it is as good as simulating anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from rlvr._checks import whole
from rlvr.inference import Estimate
from rlvr.registered.gates import published_gate
from rlvr.simulator.task_family import check_seed

__all__ = ["Coverage", "coverage", "published_coverage"]


@dataclass(frozen=True)
class Coverage:
    """How often an interval held the truth.

    Attributes
    ----------
    rate : Estimate
        Share of studies, with the exact binomial interval over studies.
    level : float
        What was promised.
    p_value : float
        Of the exact binomial test that coverage equals `level`.
    undefined : float
        Share of studies without a value. An unbounded interval covers; a missing one does not.
    width : float
        Median width of the intervals, which may be infinite.
    """

    rate: Estimate
    level: float
    p_value: float
    undefined: float
    width: float

    @property
    def nominal(self) -> bool:
        """Whether the shortfall or excess is within binomial error (at 1 in 1,000)."""
        return self.p_value > 0.001


def coverage(
    interval: Callable[..., Estimate],
    pools: Sequence[ArrayLike],
    *,
    truth: float,
    n: int,
    n_studies: int = 2_000,
    seed: int = 0,
) -> Coverage:
    """Simulate the coverage of an interval for studies of `n` task draws.

    Parameters
    ----------
    interval : callable
        Takes one array (task, ...) for each pool, paired, and returns an Estimate.
    pools : sequence of array_like (task, ...)
        Paired quantities of the pool's task draws.
    truth : float
        What should be covered.
    n : int, at least 2
        Task draws a study.
    n_studies : int, at least 1
    seed : int

    Returns
    -------
    Coverage

    Raises
    ------
    ValueError
        If a study would take more than a tenth of the pool, or the pools differ in length.

    Examples
    --------
    >>> from rlvr.inference import mean_interval
    >>> pool = np.random.default_rng(0).normal(size=5_000)
    >>> coverage(mean_interval, [pool], truth=pool.mean(), n=5, n_studies=400).nominal
    True
    """
    arrays = [np.asarray(pool, dtype=float) for pool in pools]
    sizes = {len(array) for array in arrays}
    if len(sizes) != 1:
        raise ValueError(f"pools must be one or more arrays of one length, got lengths {sorted(sizes)}")
    (size,) = sizes
    accepted = f"an integer from 2 to a tenth of the pool's {size} task draws"
    whole("n", n, accepted, at_least=2, at_most=size // 10)
    whole("n_studies", n_studies, "an integer of at least 1", at_least=1)
    generator = np.random.default_rng(check_seed(seed))
    ends, undefined, level = np.empty((n_studies, 2)), 0, math.nan
    for study in range(n_studies):
        drawn = generator.choice(size, size=n, replace=False)
        estimate = interval(*(array[drawn] for array in arrays))
        ends[study], level = (estimate.low, estimate.high), estimate.level
        undefined += not estimate.defined
    return _summary(ends[:, 0], ends[:, 1], truth, level, undefined)


def published_coverage(first: ArrayLike, second: ArrayLike, *, truth: ArrayLike, seed: int = 0) -> Coverage:
    """Coverage of the published interval of a difference: seeds alone, arms resampled apart.

    Parameters
    ----------
    first : array_like (study, seed)
        Accuracies of one arm.
    second : array_like (study, seed)
        Accuracies of the other; the interval is of second - first.
    truth : float or array_like (study,)
        What should be covered: the population's value, or the value of each study's own task draw.
    seed : int
        Of the resampling.
    """
    decisions = published_gate(first, second, seed=seed)
    return _summary(decisions.low, decisions.high, truth, 0.95, 0)


def _summary(low: np.ndarray, high: np.ndarray, truth: ArrayLike, level: float, undefined: int) -> Coverage:
    covered = int(((low <= truth) & (truth <= high)).sum())
    test = stats.binomtest(covered, low.size, level)
    ends = test.proportion_ci(0.95, method="exact")
    return Coverage(
        Estimate(covered / low.size, float(ends.low), float(ends.high), 0.95, "study", low.size),
        level,
        float(test.pvalue),
        undefined / low.size,
        float(np.median(high - low)),
    )
