"""How far a contrast of arms could lie from its estimate: accuracies, counts and outcomes in, margins out.

Arms are columns, in the order of the contrasts. From accuracies alone they are treated as independent samples
of questions: each arm gets a Wilson interval, and the distances of a contrast's arms add in quadrature
(Newcombe's hybrid method, which Zou and Donner extend to any linear contrast). That is conservative twice
over: arms answer the same questions, and an average over k answers a question is treated as one answer. With
per-item outcomes the contrast is taken question by question, and its interval is Student's t over questions.

Where every run of every arm answered the same items, outcomes form a two-way layout in each arm, and the arms
share the items. The variance of a contrast of arm means is then, unbiasedly, a sum of mean squares::

    V = S2 / n + sum_a c_a^2 (s2_a - M_a / n) / R_a

with S2 the variance over items of the contrast of arm means (this pairs the arms, and holds items, items x
runs and samples), s2_a the variance of the run means of arm a, and M_a its residual mean square, items x
runs, which stands in both and is taken out once. A negative run term counts as 0. The interval is Student's
t with Satterthwaite's degrees of freedom where every arm has at least five runs. With fewer, that covers too
little whenever runs weigh more than items: there nothing is taken out, items and runs each get their own t
(the runs of several arms Welch's), and the two add in quadrature, which Banerjee shows to cover at least
what it says. Units of replication: item and run together.

References
----------
Newcombe. Interval estimation for the difference between independent proportions. Stat. Med. 17, 1998.
Zou, Donner. Construction of confidence limits about effect measures. Stat. Med. 27, 2008.
Banerjee. Approximate confidence interval for linear functions of means of k populations. Sankhya 22, 1960.
Satterthwaite. An approximate distribution of estimates of variance components. Biometrics Bull. 2, 1946.
Cameron, Gelbach, Miller. Robust inference with multiway clustering. J. Bus. Econ. Stat. 29, 2011.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import confidence_level

__all__ = ["CrossedSampling", "Sampling", "crossed_margins", "mean_squares", "two_sided_quantile", "wilson"]

_TINY = 1e-150  # a variance whose square may leave the floats

FEWEST_RUNS = 5
"""Runs an arm from which Satterthwaite's interval keeps within a point of its level, however runs and items
weigh; with four it can fall below."""


def two_sided_quantile(level: float, freedom: ArrayLike | None = None) -> Any:
    """Where Student's t, or without degrees of freedom (...) the normal law, has `level` around 0."""
    level = confidence_level(level)
    if freedom is None:
        return NormalDist().inv_cdf(0.5 + level / 2)
    from scipy.special import stdtrit  # a third of the time of a small table, which seldom needs it

    return stdtrit(freedom, 0.5 + level / 2)


def wilson(accuracy: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> tuple[Any, Any]:
    """Wilson's interval of proportions; `n` need not be whole, nor ``n * accuracy``.

    Parameters
    ----------
    accuracy : array_like (...) in [0, 1]
    n : array_like (...) above 0
    level : float in (0, 1)

    Returns
    -------
    low, high : ndarray (...)
        No interval leaves out its own accuracy, not even by rounding.

    Examples
    --------
    >>> low, high = wilson(0.0, 30)
    >>> f"{low:.3f} {high:.3f}"
    '0.000 0.114'
    """
    p, z2 = np.asarray(accuracy, dtype=float), two_sided_quantile(level) ** 2
    n = np.asarray(n, dtype=float)
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 / n * (p * (1 - p) + z2 / (4 * n))) / (1 + z2 / n)
    return np.maximum(0.0, np.minimum(p, centre - half)), np.minimum(1.0, np.maximum(p, centre + half))


@dataclass(frozen=True)
class Sampling:
    """What may move a contrast of arms; a single 0 stands for arms that are taken as given.

    Attributes
    ----------
    below, above : ndarray (arm,)
        Distances to the ends of an arm's item-sampling interval: infinite where its number of items is
        unknown.
    runs : ndarray (arm,)
        Half-widths from run to run; 0 where not counted.
    outcomes : ndarray (item, arm) or None
        With it, items are paired; columns of absent arms are 0.
    level : float
        Nominal coverage.
    """

    below: NDArray[np.float64] | float = 0.0
    above: NDArray[np.float64] | float = 0.0
    runs: NDArray[np.float64] | float = 0.0
    outcomes: NDArray[np.float64] | None = None
    level: float = 0.95

    def margins(self, contrasts: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distances below and above the estimates of contrasts (contrast, arm), each (contrast,)."""
        c = np.atleast_2d(np.asarray(contrasts, dtype=float))
        run = _quadrature(c, self.runs, self.runs)
        below, above = _quadrature(c, self.below, self.above), _quadrature(-c, self.below, self.above)
        if self.outcomes is not None:
            n = len(self.outcomes)
            spread = (np.asarray(self.outcomes, dtype=float) @ c.T).std(axis=0, ddof=1)
            paired = two_sided_quantile(self.level, n - 1) * spread / math.sqrt(n)
            # Without a single item on which the arms differ, a width of zero would be an illusion.
            below, above = np.where(spread > 0, paired, below), np.where(spread > 0, paired, above)
        return np.hypot(below, run), np.hypot(above, run)


def _quadrature(
    contrasts: NDArray[np.float64], down: NDArray[np.float64] | float, up: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # 0 x infinity: an arm that the contrast does not use
        moved = np.where(contrasts > 0, contrasts * down, contrasts * up)
    return np.sqrt((np.where(contrasts == 0, 0.0, moved) ** 2).sum(axis=1))


def mean_squares(outcomes: ArrayLike) -> tuple[float, float]:
    """Variance of one arm's run means, and its residual mean square, from outcomes (run, item)."""
    outcomes = np.asarray(outcomes, dtype=float)
    run_means, item_means = outcomes.mean(axis=1, keepdims=True), outcomes.mean(axis=0)
    residuals = outcomes - item_means - run_means + outcomes.mean()
    n_runs, n_items = outcomes.shape
    return float(run_means.var(ddof=1)), float((residuals**2).sum() / ((n_runs - 1) * (n_items - 1)))


def crossed_margins(
    items: ArrayLike,
    n_items: int,
    run_squares: ArrayLike,
    rest_squares: ArrayLike,
    n_runs: ArrayLike,
    contrasts: ArrayLike,
    *,
    assumed_run_sd: ArrayLike = 0.0,
    level: float = 0.95,
) -> NDArray[np.float64]:
    """Half-widths (..., contrast) of contrasts of crossed outcomes, from mean squares.

    Parameters
    ----------
    items : array_like (..., contrast)
        Variance over items of each contrast of arm means.
    n_items : int
    run_squares, rest_squares : array_like (..., arm)
        Variance of an arm's run means, and its residual mean square; not read where it has one run.
    n_runs : array_like (arm,)
        1 for an arm that has no run-to-run spread, or none that could be seen.
    contrasts : array_like (contrast, arm)
    assumed_run_sd : array_like (arm,)
        For arms with one run: a run-to-run standard deviation from elsewhere, taken as known.
    level : float in (0, 1)

    Examples
    --------
    >>> runs, rest = [0, 0, 0, 0.0034], [0, 0, 0, 0.09]
    >>> half = crossed_margins([0.25], 100, runs, rest, [1, 1, 1, 5], [[-1, 0, 0, 1]])
    >>> round(float(half[0]), 4)
    0.11
    """
    square = np.atleast_2d(np.asarray(contrasts, dtype=float)) ** 2
    runs, n_items = np.asarray(n_runs, dtype=np.int64), int(n_items)
    run_squares, rest_squares = np.asarray(run_squares, dtype=float), np.asarray(rest_squares, dtype=float)
    many, free = runs > 1, np.maximum(runs - 1, 1)
    spread = np.where(many, run_squares, 0.0) / runs
    shared = np.where(many, rest_squares, 0.0) / runs / n_items
    known = np.where(many, 0.0, np.asarray(assumed_run_sd, dtype=float) ** 2)
    by_items = np.asarray(items, dtype=float) / n_items
    variance = by_items + (np.maximum(spread - shared, 0.0) + known) @ square.T
    doubt = (
        by_items**2 / (n_items - 1)
        + (spread**2 / free) @ (square**2).T
        + (shared**2 / (free * (n_items - 1))) @ (square**2).T
    )
    fewest = np.where((square > 0) & many, free, n_items - 1).min(axis=1)
    few = fewest < min(FEWEST_RUNS, n_items) - 1
    squares = np.empty_like(variance)
    if not few.all():  # quantiles are what takes the time
        with np.errstate(divide="ignore", invalid="ignore"):
            freedom = np.maximum(
                np.where((doubt > 0) & (variance > _TINY), variance**2 / doubt, fewest), fewest
            )
        squares[:] = two_sided_quantile(level, freedom) ** 2 * variance
    if few.any():
        together = spread @ square.T
        with np.errstate(divide="ignore", invalid="ignore"):
            run_freedom = together**2 / ((spread**2 / free) @ (square**2).T)
        apart = (
            two_sided_quantile(level, n_items - 1) ** 2 * by_items
            + two_sided_quantile(level, np.where(together > _TINY, run_freedom, 1)) ** 2 * together
            + two_sided_quantile(level) ** 2 * (known @ square.T)
        )
        squares = np.where(few, apart, squares)
    return np.sqrt(squares)


@dataclass(frozen=True)
class CrossedSampling:
    """Mean squares of arms that answered the same items, run by run.

    Attributes
    ----------
    items : Sampling
        Item sampling alone, with the outcomes (item, arm) averaged over runs.
    n_runs : ndarray (arm,)
    run_squares, rest_squares : ndarray (arm,)
        Those of :func:`mean_squares`; 0 where there is one run.
    assumed_run_sd : ndarray (arm,)
        Taken as known for trained arms with one run; 0 elsewhere.
    """

    items: Sampling
    n_runs: NDArray[np.int64]
    run_squares: NDArray[np.float64]
    rest_squares: NDArray[np.float64]
    assumed_run_sd: NDArray[np.float64]

    def margins(self, contrasts: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distances below and above the estimates of contrasts (contrast, arm), each (contrast,)."""
        c, outcomes = np.atleast_2d(np.asarray(contrasts, dtype=float)), self.items.outcomes
        assert outcomes is not None
        over_items = (outcomes @ c.T).var(axis=0, ddof=1)
        half = crossed_margins(
            over_items,
            len(outcomes),
            self.run_squares,
            self.rest_squares,
            self.n_runs,
            c,
            assumed_run_sd=self.assumed_run_sd,
            level=self.items.level,
        )
        below, above = self.items.margins(c)
        # Without an item on which the arms differ, the items' part is what independent arms would have.
        alike = over_items == 0
        return np.where(alike, np.hypot(below, half), half), np.where(alike, np.hypot(above, half), half)
