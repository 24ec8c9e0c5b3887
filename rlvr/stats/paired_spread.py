"""Whether two designs spread alike, when the same seeds ran both.

Pitman (1939) and Morgan (1939): two variances are equal exactly if sum and difference of the pairs are
uncorrelated. Turned round, that test gives an interval for the ratio, exact for normal pairs::

    F (K - sqrt(K^2 - 1)) to F (K + sqrt(K^2 - 1)),   K = 1 + 2 (1 - r^2) t^2 / (n - 2)

where F is the ratio of the sample variances, r the correlation of the pairs and t the quantile of
Student's distribution with n - 2 degrees of freedom. The pairing narrows it by r.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from rlvr._checks import real
from rlvr.stats.estimates import Estimate

__all__ = ["ratio_of_spreads"]


def ratio_of_spreads(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Standard deviation of `first` over that of `second`, paired seed by seed.

    Parameters
    ----------
    first, second : array_like (seed,)
        The same seeds in the same order, at least three.
    level : float in (0, 1)

    Returns
    -------
    Estimate
        Undefined, with the reason, where either does not vary.

    Raises
    ------
    ValueError
        If the arrays are not two finite vectors of one length of at least 3.

    Examples
    --------
    >>> print(ratio_of_spreads([2.0, 4.0, 9.0, 5.0], [1.0, 2.0, 4.5, 2.6]))
    1.9988 [1.8030, 2.2159]
    """
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.ndim != 1 or a.shape != b.shape or a.size < 3 or not np.isfinite([a, b]).all():
        raise ValueError(
            "first and second must be finite vectors of one length of at least 3, "
            f"got shapes {a.shape} and {b.shape}"
        )
    n = a.size
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        name = "second" if np.ptp(b) == 0 else "first"
        return Estimate(math.nan, level=level, unit="seed", n=n, reason=f"{name} does not vary")
    ratio = a.var(ddof=1) / b.var(ddof=1)
    t = stats.t.ppf((1 + level) / 2, n - 2)
    k = 1 + 2 * (1 - np.corrcoef(a, b)[0, 1] ** 2) * t**2 / (n - 2)
    ends = ratio * (k + np.array([-1, 1]) * math.sqrt(max(k**2 - 1, 0.0)))
    low, high = np.sqrt(np.maximum(ends, 0.0))
    return Estimate(math.sqrt(ratio), float(low), float(high), level, "seed", n)
