"""Items crossed with runs: how far a contrast could lie when another benchmark *and* other runs are drawn.

Every run of every arm answers the same items, so outcomes form a two-way layout in each arm, and the arms
share the items. The variance of a contrast of arm means is then, unbiasedly, a sum of mean squares::

    V = S2 / n + sum_a c_a^2 (s2_a - M_a / n) / R_a

with S2 the variance over items of the contrast of arm means (this pairs the arms, and holds items, items x
runs and samples), s2_a the variance of the run means of arm a, and M_a its residual mean square, items x
runs, which stands in both and is taken out once. A negative run term counts as 0. FROZEN has no run.

The interval is Student's t with Satterthwaite's degrees of freedom where every arm has at least five runs.
With fewer, that covers too little whenever runs weigh more than items: there nothing is taken out, items and
runs each get their own t (the runs of several arms Welch's), and the two add in quadrature, which Banerjee
shows to cover at least what it says. Units of replication: item and run together.

References
----------
Banerjee. Approximate confidence interval for linear functions of means of k populations. Sankhya 22, 1960.
Satterthwaite. An approximate distribution of estimates of variance components. Biometrics Bull. 2, 1946.
Cameron, Gelbach, Miller. Robust inference with multiway clustering. J. Bus. Econ. Stat. 29, 2011.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm
from rlvr.auditing.sampling_error import Sampling, item_sampling

__all__ = ["CrossedOutcomes", "crossed_margins", "crossed_outcomes"]

FEWEST_RUNS = 5
"""Runs an arm from which Satterthwaite's interval keeps within a point of its level, however runs and items
weigh; with four it can fall below."""


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
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Half-widths of contrasts of crossed outcomes, and their degrees of freedom, from mean squares.

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

    Returns
    -------
    half_widths, degrees_of_freedom : ndarray (..., contrast)

    Examples
    --------
    >>> runs, rest = [0, 0, 0, 0.0034], [0, 0, 0, 0.09]
    >>> half, df = crossed_margins([0.25], 100, runs, rest, [1, 1, 1, 5], [[-1, 0, 0, 1]])
    >>> round(float(half[0]), 4), round(float(df[0]), 2)
    (0.11, 50.33)
    """
    from scipy import special  # slow to load, and most tables have no outcomes

    square = np.atleast_2d(np.asarray(contrasts, dtype=float)) ** 2
    runs = np.asarray(n_runs)
    many, free = runs > 1, np.maximum(runs - 1, 1)
    spread = np.where(many, run_squares, 0.0) / runs
    shared = np.where(many, rest_squares, 0.0) / runs / n_items
    known = np.where(many, 0.0, np.asarray(assumed_run_sd, dtype=float) ** 2)
    by_items = np.asarray(items, dtype=float) / n_items
    by_runs = np.maximum(spread - shared, 0.0)
    variance = by_items + (by_runs + known) @ square.T
    doubt = (
        by_items**2 / (n_items - 1)
        + (spread**2 / free) @ (square**2).T
        + (shared**2 / (free * (n_items - 1))) @ (square**2).T
    )
    fewest = np.where((square > 0) & many, free, n_items - 1).min(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(doubt > 0, variance**2 / doubt, fewest)
    df = np.maximum(df, fewest)

    def tail(free: ArrayLike) -> NDArray[np.float64]:
        return special.stdtrit(free, 0.5 + level / 2)

    together = spread @ square.T
    with np.errstate(divide="ignore", invalid="ignore"):
        run_df = together**2 / ((spread**2 / free) @ (square**2).T)
    apart = (
        tail(n_items - 1) ** 2 * by_items
        + tail(np.where(together > 0, run_df, 1)) ** 2 * together
        + special.ndtri(0.5 + level / 2) ** 2 * (known @ square.T)
    )
    few = fewest < min(FEWEST_RUNS, n_items) - 1
    return np.sqrt(np.where(few, apart, tail(df) ** 2 * variance)), df


@dataclass(frozen=True)
class CrossedOutcomes:
    """Mean squares of arms that answered the same items, run by run.

    Attributes
    ----------
    items : Sampling
        Item sampling alone, with the outcomes (item, arm) averaged over runs.
    n_runs : ndarray (arm,)
    run_squares, rest_squares : ndarray (arm,)
        Variance of the run means, and residual mean square; 0 where there is one run.
    assumed_run_sd : ndarray (arm,)
        Taken as known for trained arms with one run; 0 elsewhere.
    unknown : tuple of str
        Trained arms whose run-to-run spread is neither seen nor assumed, and so left out.
    """

    items: Sampling
    n_runs: NDArray[np.int64]
    run_squares: NDArray[np.float64]
    rest_squares: NDArray[np.float64]
    assumed_run_sd: NDArray[np.float64]
    unknown: tuple[str, ...] = ()

    def margins(self, contrasts: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distances below and above the estimates of contrasts (contrast, arm), each (contrast,)."""
        c = np.atleast_2d(np.asarray(contrasts, dtype=float))
        over_items = self._over_items(c)
        half, _ = self._widths(c, over_items)
        below, above = self.items.margins(c)
        # Without an item on which the arms differ, the items' part is what independent arms would have.
        alike = over_items == 0
        return (np.where(alike, np.hypot(below, half), half), np.where(alike, np.hypot(above, half), half))

    def degrees_of_freedom(self, contrasts: ArrayLike) -> NDArray[np.float64]:
        """Satterthwaite's degrees of freedom (contrast,) of contrasts (contrast, arm)."""
        c = np.atleast_2d(np.asarray(contrasts, dtype=float))
        return self._widths(c, self._over_items(c))[1]

    def variance_shares(self, contrast: ArrayLike) -> dict[str, float]:
        """The parts of a contrast's variance: "items", "runs", and "items x runs" (with samples).

        The last is what each run adds on each item, so that it falls with items, runs and samples; for an arm
        with a single run it cannot be told from "items". Parts estimated below 0 are 0.

        Parameters
        ----------
        contrast : array_like (arm,)
        """
        c = np.asarray(contrast, dtype=float)
        n = len(self.items.outcomes) if self.items.outcomes is not None else 1
        rest = float((c**2 * self.rest_squares / self.n_runs).sum()) / n
        between = np.maximum(self.run_squares - self.rest_squares / n, 0.0) / self.n_runs
        return {
            "items": max(float(self._over_items(c[None])[0]) / n - rest, 0.0),
            "runs": float((c**2 * (between + self.assumed_run_sd**2)).sum()),
            "items x runs": rest,
        }

    def _over_items(self, contrasts: NDArray[np.float64]) -> NDArray[np.float64]:
        assert self.items.outcomes is not None
        return (self.items.outcomes @ contrasts.T).var(axis=0, ddof=1)

    def _widths(
        self, contrasts: NDArray[np.float64], over_items: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        assert self.items.outcomes is not None
        return crossed_margins(
            over_items,
            len(self.items.outcomes),
            self.run_squares,
            self.rest_squares,
            self.n_runs,
            contrasts,
            assumed_run_sd=self.assumed_run_sd,
            level=self.items.level,
        )


def crossed_outcomes(
    arms: Mapping[str, Arm], *, level: float = 0.95, assumed_run_sd: float | None = None
) -> CrossedOutcomes | None:
    """Items crossed with runs, where every arm has outcomes on the same items; else None.

    Also None where nothing is known of runs: no trained arm has a second one, and none is assumed.

    Parameters
    ----------
    arms : mapping of name to Arm
    level : float in (0, 1)
    assumed_run_sd : float, optional
        Stands in, as a sensitivity, for trained arms with one run.
    """
    items = item_sampling(arms, level=level)
    trained = [name for name in arms if name != "frozen"]
    seen = [name for name in trained if (arms[name].n_runs or 1) > 1]
    if items.outcomes is None or not (seen or (assumed_run_sd is not None and trained)):
        return None
    n_runs = np.ones(len(ARMS), dtype=int)
    run_squares, rest_squares, assumed = (np.zeros(len(ARMS)) for _ in range(3))
    for name in trained:
        column, outcomes = ARMS.index(name), arms[name].outcomes
        if name not in seen or outcomes is None:
            assumed[column] = assumed_run_sd or 0.0
            continue
        n_runs[column] = len(outcomes)
        run_squares[column] = outcomes.mean(axis=1).var(ddof=1)
        rest = outcomes - outcomes.mean(axis=0) - outcomes.mean(axis=1, keepdims=True) + outcomes.mean()
        rest_squares[column] = (rest**2).sum() / ((len(outcomes) - 1) * (outcomes.shape[1] - 1))
    unknown = () if assumed_run_sd is not None else tuple(name for name in trained if name not in seen)
    return CrossedOutcomes(items, n_runs, run_squares, rest_squares, assumed, unknown)
