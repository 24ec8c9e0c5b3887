"""What coin flips do to logits that all prompts share, under plain gradient steps.

A policy picks a strategy s with probability ``pi_s`` for every prompt alike. An update averages
``A_i (onehot(s_i) - pi)`` over N answers. RANDOM's advantages do not depend on the strategies, sum to zero
in a group and have mean zero each, so without clipping, each answer used once::

    E[change of the logits] = 0,   Cov = learning_rate**2 (v / N) (diag(pi) - pi pi^T),   v = 1 - 2**(1 - G)

The logits are a martingale, and N counts the answers of an update, not the prompts of the study: prompts
that share their logits share their luck. The unit is one training run.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import real, shown, whole

__all__ = [
    "NullMoments", "checked_shares", "heap_probability", "moments_of_walk", "null_moments", "updates_to_heap",
]  # fmt: skip

Floats = NDArray[np.float64]


class NullMoments(NamedTuple):
    """Mean and standard deviation of a null over training runs, in units of accuracy."""

    mean: float
    """Expected change of accuracy."""
    sd: float
    """Its standard deviation over training runs."""


def null_moments(
    shares: ArrayLike, accuracies: ArrayLike, *, n_updates: int, learning_rate: float, n_answers: int,
    group_size: int,
) -> NullMoments:  # fmt: skip
    """Mean and spread of the null while the shares have not moved far.

    The gradient of the accuracy ``sum_s pi_s a_s`` in the logits is ``pi_s (a_s - mean a)``. Through it the
    covariance above gives the variance, and half the trace with the Hessian the mean. For two strategies
    with shares p and 1 - p::

        sd   = |a_1 - a_2| 2 lr (p (1 - p))**(3/2) sqrt(v T / N)
        mean = (a_1 - a_2) 2 lr**2 (v T / N) (p (1 - p))**2 (1 - 2 p)

    Parameters
    ----------
    shares : array_like (strategy,)
        Probabilities before training.
    accuracies : array_like (strategy,)
        Accuracy of each strategy.
    n_updates : int, at least 0
        Optimiser steps, T.
    learning_rate : float, above 0
    n_answers : int, at least 1
        Answers an update averages over, N.
    group_size : int, at least 2
        Answers whose rewards are compared, G.

    Returns
    -------
    NullMoments

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.

    Examples
    --------
    >>> moments = null_moments([0.65, 0.35], [0.609, 0.28], n_updates=80, learning_rate=2.0,
    ...                        n_answers=1024, group_size=16)
    >>> round(moments.sd, 4), round(moments.mean, 5)
    (0.0399, -0.00319)
    """
    policy, accuracy = checked_shares(shares, accuracies)
    whole("n_updates", n_updates, "an integer of at least 0", at_least=0)
    real("learning_rate", learning_rate, "a finite number above 0", above=0)
    whole("n_answers", n_answers, "an integer of at least 1", at_least=1)
    whole("group_size", group_size, "an integer of at least 2", at_least=2)
    variance = learning_rate**2 * (1 - 2.0 ** (1 - group_size)) / n_answers
    covariance = variance * (np.diag(policy) - np.outer(policy, policy))
    return moments_of_walk(policy, accuracy, covariance, n_updates)


def moments_of_walk(policy: Floats, accuracy: Floats, covariance: Floats, n_updates: float) -> NullMoments:
    """Mean (Itô) and sd of the accuracy's change after `n_updates` steps of a walk of the logits."""
    gradient = policy * (accuracy - policy @ accuracy)
    # d^2 pi_s = pi_s [(dx_s - pi.dx)^2 - sum_r pi_r (dx_r - pi.dx)^2], its expectation by the covariance
    towards = covariance @ policy
    spread = np.diag(covariance) - 2 * towards + policy @ towards
    curvature = policy * (spread - policy @ spread)
    return NullMoments(
        float(0.5 * n_updates * curvature @ accuracy),
        float(np.sqrt(n_updates * gradient @ covariance @ gradient)),
    )


def heap_probability(share: float, *, low: float, high: float) -> float:
    """Chance that a strategy's share reaches `high` before `low`, two strategies, small steps.

    The logit of the share is a martingale, so the chance is the gambler's ruin in the logit::

        (logit(share) - logit(low)) / (logit(high) - logit(low))

    It holds whatever the learning rate, the batch or the group. It is not the share itself, as it would
    be for an allele that drifts neutrally: coin flips move logits without bias, not shares. As the bounds
    widen it tends to one half.

    Parameters
    ----------
    share : float in (0, 1)
        At the start.
    low, high : float in (0, 1)
        Where it ends: ``low < share < high``.

    Returns
    -------
    float in (0, 1)

    Examples
    --------
    >>> round(heap_probability(0.65, low=0.02, high=0.98), 3)
    0.58
    """
    start, below, above = _ordered(share, low, high)
    return float((start - below) / (above - below))


def updates_to_heap(
    share: float, *, low: float, high: float, learning_rate: float, n_answers: int, group_size: int
) -> float:
    """Expected number of updates until a strategy's share leaves (low, high), two strategies.

    The logit x has variance ``4 lr**2 (v / N) p (1 - p)`` an update, so the expected time u(x) solves
    ``u'' = -k (2 + 2 cosh x)`` with ``k = N / (2 lr**2 v)`` and u = 0 at both bounds: a straight line less
    ``k (x**2 + 2 cosh x)``.

    Parameters
    ----------
    share : float in (0, 1)
        At the start.
    low, high : float in (0, 1)
        Where it ends: ``low < share < high``.
    learning_rate : float, above 0
    n_answers : int, at least 1
    group_size : int, at least 2

    Returns
    -------
    float

    Examples
    --------
    >>> settings = dict(learning_rate=2.0, n_answers=128, group_size=16)
    >>> round(updates_to_heap(0.65, low=0.02, high=0.98, **settings))
    982
    """
    start, below, above = _ordered(share, low, high)
    real("learning_rate", learning_rate, "a finite number above 0", above=0)
    whole("n_answers", n_answers, "an integer of at least 1", at_least=1)
    whole("group_size", group_size, "an integer of at least 2", at_least=2)
    k = n_answers / (2 * learning_rate**2 * (1 - 2.0 ** (1 - group_size)))
    bend = k * (np.square([below, start, above]) + 2 * np.cosh([below, start, above]))
    chord = bend[0] + (bend[2] - bend[0]) * (start - below) / (above - below)
    return float(chord - bend[1])


def checked_shares(shares: ArrayLike, accuracies: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Check shares (strategy,) and accuracies (strategy,), which default to zero."""
    policy = np.asarray(shares, dtype=float)
    if policy.ndim != 1 or policy.size < 2 or not np.all(policy > 0) or abs(policy.sum() - 1) > 1e-9:
        raise ValueError(
            f"shares must be at least two numbers above 0 that sum to 1 (to 1e-9), got {shown(shares)}"
        )
    accuracy = np.zeros_like(policy) if accuracies is None else np.asarray(accuracies, dtype=float)
    if accuracy.shape != policy.shape or not np.all((accuracy >= 0) & (accuracy <= 1)):
        raise ValueError(
            f"accuracies must be one number in [0, 1] for each of {policy.size} shares, "
            f"got {shown(accuracies)}"
        )
    return policy, accuracy


def _ordered(share: float, low: float, high: float) -> Floats:
    accepted = "numbers with 0 < low < share < high < 1"
    values = [real(n, v, accepted) for n, v in (("low", low), ("share", share), ("high", high))]
    if not 0 < values[0] < values[1] < values[2] < 1:
        raise ValueError(f"low, share and high must be {accepted}, got {values[0]}, {values[1]}, {values[2]}")
    below, start, above = np.log(values) - np.log1p(-np.array(values))
    return np.array([start, below, above])
