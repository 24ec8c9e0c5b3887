"""Stein's two-stage rule: the number of task draws for a stated precision.

**Rule.** The term y of a task draw is regressed on x, what is known of the draw before training, which has
exact expectation 0 (:func:`known_covariates`; often nothing is known). A first stage of n draws gives the
residual standard deviation s with n - p degrees of freedom, where p counts the intercept; t is their 0.975
quantile. Let h be the variance of the intercept of a fit to N draws, in units of the residual variance: 1/N
without covariates. The study ends at the smallest N of at least n at which t s sqrt(h) is at most the
precision. The result is the intercept of a fit to all N draws, plus or minus t s sqrt(h).

**Why the coverage holds.** Let draws be independent and y normal around m + b·x with variance σ², so that m
is the term's expectation. Take x as fixed. In the first stage the residuals, and so s, are independent of the
fitted coefficients, and both are independent of the later draws. The fit to all N draws depends on the first
stage only through those coefficients, so for fixed N the intercept is independent of s. N depends only on s
and x. Hence, given s, the intercept is normal around m with variance σ² h for every s, and its error over s
sqrt(h) is Student's t with n - p degrees of freedom: the interval holds m with probability 0.95 exactly, for
every σ and b. Without covariates this is Stein's procedure, and the intercept is the mean.

The spread is never estimated again. An interval from the spread of all N draws that stops once it is short
enough would stop more often where the spread came out too small, and so cover less than its level (the tests
measure how much less). A term of one draw is an average over prompts and seeds, so it is nearly normal;
because of the remaining skewness the first stage has a minimum length.

References
----------
Stein. A two-sample test for a linear hypothesis whose power is independent of the variance. Ann. Math.
Statist. 16, 1945.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from rlvr._checks import choice, real, shown, whole
from rlvr.decomposition import TERMS, TrainedRuns
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily, StrategyTasks
from rlvr.simulator.task_family import TaskFamily, Tasks
from rlvr.stats.estimates import Estimate

__all__ = ["FIRST_STAGE", "Goal", "Reached", "known_covariates"]

FIRST_STAGE = 64
"""Default number of task draws of the first stage; t is then 2% above the normal quantile."""

_SHORTEST, _MOST, _LEVEL = 16, 10_000_000, 0.95


@dataclass(frozen=True)
class Reached:
    """One term with the requested precision.

    Attributes
    ----------
    of : str
        The term, by its name in :data:`rlvr.decomposition.TERMS`.
    precision : float
        The largest accepted 95% half-width, in units of accuracy.
    estimate : Estimate
        The term's expectation over task draws: the mean of all draws, or, where something is known of them
        before training, the intercept of a regression on it.
    first_draws : int
        Task draws of the first stage.
    added_draws : int
        Task draws of the second stage.
    """

    of: str
    precision: float
    estimate: Estimate
    first_draws: int
    added_draws: int

    @property
    def half_width(self) -> float:
        """Half the width of the 95% interval, at most `precision`."""
        return self.estimate.half_width


@dataclass(frozen=True)
class Goal:
    """A term and its requested half-width.

    Raises
    ------
    TypeError, ValueError
        If `precision` is not a positive number, `of` is not a term, or `arms` lack an arm that it compares.

    Examples
    --------
    >>> goal = Goal(0.1, "naive")
    >>> first = np.random.default_rng(0).normal(0.2, 0.3, 20)  # a term in each task draw
    >>> goal.draws_needed(first)
    31
    """

    precision: float
    of: str
    arms: tuple[str, ...] = ("frozen", "random", "majority", "true")

    def __post_init__(self) -> None:
        real("precision", self.precision, "a number above 0", above=0)
        choice("of", self.of, tuple(TERMS))
        missing = [arm for arm in TERMS[self.of] if arm not in self.arms]
        if missing:
            raise ValueError(
                f"arms must include {' and '.join(TERMS[self.of])} for of={self.of!r}, got {shown(self.arms)}"
            )

    @staticmethod
    def first_stage(n_tasks: int | None) -> int:
        """Check the length of a first stage; None stands for the default."""
        if n_tasks is None:
            return FIRST_STAGE
        accepted = f"an integer of at least {_SHORTEST}, the first stage, where precision is stated"
        return whole("n_tasks", n_tasks, accepted, at_least=_SHORTEST, at_most=2**32 - 1)

    def terms(self, runs: TrainedRuns) -> NDArray[np.float64]:
        """The term of every task draw, averaged over seeds: ndarray (task,)."""
        arm, base = TERMS[self.of]
        return (runs.arm(arm) - runs.arm(base)).mean(axis=1)

    def draws_needed(self, first: NDArray[np.float64], known: NDArray[np.float64] | None = None) -> int:
        """Number of task draws needed in both stages, given the draws so far.

        Parameters
        ----------
        first : ndarray (task,)
            The first stage's terms.
        known : ndarray (task, covariate), optional
            Covariates of the draws of both stages; without them only the draws of `first` are counted.

        Returns
        -------
        int
            The draws in `known` (or in `first`) if they are enough, else a larger number, with which to call
            again.

        Raises
        ------
        ValueError
            If more than ten million draws are needed.
        """
        design = _design(known, first.size)
        half = _times_spread(first, design) * math.sqrt(_variance_of_intercept(design))
        if half <= self.precision:
            return len(design)
        n_draws = math.ceil(len(design) * min(half / self.precision, 1e9) ** 2)
        if n_draws > _MOST:
            least = half * math.sqrt(len(design) / _MOST)
            raise ValueError(
                f"precision must be at least {least:.2g} for {self.of} to take {_MOST:,} task draws or fewer "
                f"here, got {shown(self.precision)}, which takes {n_draws:,}"
            )
        return n_draws

    def reached(
        self, terms: NDArray[np.float64], n_first: int, known: NDArray[np.float64] | None = None
    ) -> Reached:
        """The result, from the terms of all draws (task,), first stage first, and the draws' covariates."""
        design = _design(known, terms.size, n_first)
        value = float(terms.mean())
        if design.shape[1] > 1:
            value = float(np.linalg.lstsq(design, terms)[0][0])
        half = _times_spread(terms[:n_first], design) * math.sqrt(_variance_of_intercept(design))
        estimate = Estimate(value, value - half, value + half, _LEVEL, "task draw", terms.size)
        return Reached(self.of, self.precision, estimate, n_first, terms.size - n_first)


def _design(
    known: NDArray[np.float64] | None, n_draws: int, n_first: int | None = None
) -> NDArray[np.float64]:
    """An intercept and the covariates that vary in the first stage: (task, p)."""
    if known is None:
        return np.ones((n_draws, 1))
    varies = np.ptp(known[: n_first or n_draws], axis=0) > 0
    return np.column_stack([np.ones(len(known)), known[:, varies]])


def _times_spread(first: NDArray[np.float64], design: NDArray[np.float64]) -> float:
    """The first stage's residual standard deviation times its t quantile."""
    rows = design[: first.size]
    freedom = first.size - rows.shape[1]
    left = first - (first.mean() if rows.shape[1] == 1 else rows @ np.linalg.lstsq(rows, first)[0])
    return float(scipy.stats.t.ppf(0.5 + _LEVEL / 2, freedom) * math.sqrt(left @ left / freedom))


def _variance_of_intercept(design: NDArray[np.float64]) -> float:
    """Variance of a fit's intercept, in units of the residual variance: 1 / draws without covariates."""
    n_draws = len(design)
    if design.shape[1] == 1:
        return 1.0 / n_draws
    return float(np.linalg.inv(design.T @ design)[0, 0])


def known_covariates(
    family: TaskFamily | StrategyFamily, config: GRPOConfig, of: str, tasks: Tasks | StrategyTasks
) -> NDArray[np.float64]:
    """Control variates of the term `of`: what is known of each task draw before any training.

    Covariates are kept if they reduce a term's variance over task draws by a factor of at least 1.5 in the
    light settings (1,200 draws, one seed each; a factor of 2 halves the draws that a precision needs):

    - Prompts that differ: the draw's prior accuracy and its prompts' mean squared accuracy. 1.5 to 3.3 for
      elicitation and reward design, 7 to 19 for naive and total, at `prior_spread` 0.3.
    - "lowest" ties in MAJORITY's vote: how many correct answers have a lower index than the format answer,
      and whether any has. 1.5 to 2.3 for elicitation and reward design where the prior strength is 0.20 or
      0.50; with eight seeds per draw 2.1 to 6.9. No gain at 0.80, where ties are rare.

    Tried and left out: the arms' first step minus its expectation, 1.00 to 1.02 (1.5 with `prior_spread`,
    where the prior accuracy helps more). Nothing known before training helps the null term, naive and total
    where prompts are alike, elicitation and reward design under "uniform" ties, or MAJORITY on fixed labels.

    Returns
    -------
    ndarray (task, covariate)
        Each with expectation 0 over task draws of the family; no column where no covariate helps.

    Examples
    --------
    >>> family = TaskFamily(prior_spread=0.3)
    >>> known_covariates(family, GRPOConfig(), "reward_design", family.sample(5)).shape
    (5, 4)
    """
    columns: list[NDArray[np.float64]] = []
    if isinstance(family, TaskFamily) and isinstance(tasks, Tasks):
        if family.prior_spread > 0 and of != "null":
            right = np.where(tasks.correct, tasks.prior, 0.0).sum(axis=2)
            strengths, weights = family.strengths()
            expected = family.prior(strengths)[:, : family.n_correct].sum(axis=1)
            columns += [right.mean(axis=1) - weights @ expected]
            columns += [(right**2).mean(axis=1) - weights @ expected**2]
        votes = config.majority_labels == "group" and config.tie_break == "lowest"
        if votes and of in ("elicitation", "reward_design") and family.format_strength > 0:
            chosen = np.where(tasks.correct, 0.0, tasks.prior).argmax(axis=2)  # the format answer
            below = tasks.correct & (np.arange(family.n_actions) < chosen[..., None])
            # All orders of the correct answers and the format answer are equally likely.
            k = family.n_correct
            columns += [below.any(axis=2).mean(axis=1) - k / (k + 1)]
            if k > 1:
                columns += [below.sum(axis=2).mean(axis=1) - k / 2]
    return np.column_stack(columns) if columns else np.empty((_n_tasks(tasks), 0))


def _n_tasks(tasks: Tasks | StrategyTasks) -> int:
    return len(tasks.correct if isinstance(tasks, Tasks) else tasks.offsets)
