"""Effect of coin flips on logits that all prompts share, without the clip: plain steps, and Adam's.

A policy chooses strategy s with probability ``pi_s`` on every prompt. An update averages ``A_i (onehot(s_i) -
pi)`` over N answers. RANDOM's advantages do not depend on the strategies, sum to zero in a group and have
expectation zero, so with each answer used once::

    E[change of the logits] = 0,   Cov = learning_rate**2 (v / N) (diag(pi) - pi pi^T),   v = 1 - 2**(1 - G)

The logits are a martingale. N counts the answers of an update, not the prompts of the study, because prompts
that share their logits share their noise.

Adam divides a logit's averaged gradient by the root of its averaged square. Under RANDOM the gradient is pure
noise, so its size cancels: at a small learning rate a logit takes steps of unit variance for every batch and
group size, and a rare strategy's logit moves as far as a common one's::

    Cov of a step = learning_rate**2 R,   R_sr = -sqrt(pi_s pi_r / ((1 - pi_s) (1 - pi_r))) off the diagonal

Here R is the correlation matrix of ``diag(pi) - pi pi^T``. Reversing every coin turns a gradient into its
negative, so without momentum the logits stay a martingale. The *shares* do not: the curvature of the softmax
pulls them towards an even mix. With momentum an older gradient is divided by a root that includes later
gradients, whose size depends on the effect of the older one; this gives a drift of second order.

This drift depends on both of Adam's betas, the spread only on the first. The default is that of this
project's simulator, (0.9, 0.95), which is also that of the trainer in Spurious Rewards' released code; TRL
and verl have (0.9, 0.999). The unit is one training run. An argument out of range is refused by name
(TypeError, ValueError).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import real, shown, whole

__all__ = [
    "ADAM_BETAS",
    "NullMoments",
    "adam_null_moments",
    "adam_weights",
    "checked_shares",
    "momentum_drift",
    "momentum_factor",
    "noise_correlation",
    "null_moments",
    "ruin_probability",
    "updates_to_fill",
]  # fmt: skip

Floats = NDArray[np.float64]

ADAM_BETAS = (0.9, 0.95)
"""Adam's decays of the averages of gradients and of their squares, as in the simulator."""


class NullMoments(NamedTuple):
    """Mean and standard deviation of a null over training runs, in units of accuracy."""

    mean: float
    """Expected change of accuracy."""
    sd: float
    """Standard deviation of the change over training runs."""


def null_moments(
    shares: ArrayLike, accuracies: ArrayLike, *, n_updates: int, learning_rate: float, n_answers: int,
    group_size: int,
) -> NullMoments:  # fmt: skip
    """Mean and spread of the null while the shares are close to their start.

    The gradient of the accuracy ``sum_s pi_s a_s`` in the logits is ``pi_s (a_s - mean a)``. The gradient
    with the covariance above gives the variance, and half the trace with the Hessian the mean. For two
    strategies with shares p and 1 - p::

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
    return _moments_of_walk(policy, accuracy, covariance, n_updates)


def ruin_probability(share: float, *, low: float, high: float) -> float:
    """Probability that a strategy's share reaches `high` before `low`, for two strategies and small steps.

    The logit of the share is a martingale, so the probability is the gambler's ruin in the logit::

        (logit(share) - logit(low)) / (logit(high) - logit(low))

    The result does not depend on the learning rate, the batch or the group. The probability differs from the
    share itself (the result for an allele in neutral drift), because coin flips move logits, not shares,
    without bias. As the bounds widen, the probability tends to one half.

    Parameters
    ----------
    share : float in (0, 1)
        Share at the start.
    low, high : float in (0, 1)
        Bounds of the share, with ``low < share < high``.

    Returns
    -------
    float in (0, 1)

    Examples
    --------
    >>> round(ruin_probability(0.65, low=0.02, high=0.98), 3)
    0.58
    """
    start, below, above = _ordered(share, low, high)
    return float((start - below) / (above - below))


def noise_correlation(shares: ArrayLike) -> Floats:
    """Correlations between the strategies' gradients under RANDOM, ndarray (strategy, strategy).

    Examples
    --------
    >>> noise_correlation([0.7, 0.3]).round(12)
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    policy, _ = checked_shares(shares)
    odds = np.sqrt(policy / (1 - policy))
    correlation = -np.outer(odds, odds)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def adam_null_moments(
    shares: ArrayLike, accuracies: ArrayLike, *, n_updates: int, learning_rate: float,
    betas: tuple[float, float] = ADAM_BETAS,
) -> NullMoments:  # fmt: skip
    """Mean and spread of the null under Adam while the shares are close to their start.

    As :func:`rlvr.theory.null_moments` with the scale-free covariance; each update counts by its squared
    weight. For two strategies::

        sd = |a_1 - a_2| 2 lr p (1 - p) sqrt(sum w**2)

    This spread depends on the number of optimiser steps, not on the answers of an update or the group.

    Parameters
    ----------
    shares, accuracies : array_like (strategy,)
    n_updates : int, at least 0
    learning_rate : float, above 0
    betas : (float, float)

    Returns
    -------
    NullMoments

    Notes
    -----
    The averaged square is taken as the variance itself. In fact it is an average over the last ``1 / (1 -
    b2)`` updates, 20 at the default betas, which leaves an error of a few percent.

    Examples
    --------
    >>> moments = adam_null_moments([0.65, 0.35], [0.609, 0.28], n_updates=80, learning_rate=0.04)
    >>> round(moments.sd, 3)
    0.058
    """
    policy, accuracy = checked_shares(shares, accuracies)
    real("learning_rate", learning_rate, "a finite number above 0", above=0)
    steps = float(np.square(adam_weights(n_updates, betas=betas)).sum())
    return _moments_of_walk(policy, accuracy, learning_rate**2 * noise_correlation(policy), steps)


def adam_weights(n_updates: int, *, betas: tuple[float, float] = ADAM_BETAS) -> Floats:
    """Weight of each update's noise in a logit at the end of training, ndarray (update,).

    Momentum distributes gradient k over the updates t >= k with weights ``(1 - b1) b1**(t - k) / (1 -
    b1**t)``. Their sum is above one early, because of the bias correction, and below one for the last few
    updates.

    Parameters
    ----------
    n_updates : int, at least 0
    betas : (float, float)
        Adam's; the second has no effect at this order.

    Returns
    -------
    ndarray (update,)

    Examples
    --------
    >>> adam_weights(3, betas=(0.0, 0.95))
    array([1., 1., 1.])
    """
    whole("n_updates", n_updates, "an integer of at least 0", at_least=0)
    keep = _beta(0, betas[0])
    update = np.arange(n_updates)
    lag = update[None, :] - update[:, None]
    handed = np.where(lag >= 0, (1 - keep) * keep ** np.maximum(lag, 0.0), 0.0)
    return (handed / (1 - keep ** (update + 1.0))).sum(axis=1)


def momentum_drift(
    shares: ArrayLike, *, learning_rate: float, betas: tuple[float, float] = ADAM_BETAS
) -> Floats:
    """Expected change of the logits in one of Adam's updates, once both averages are full.

    ::

        -lr**2 / 2 * K * (1 - 2 pi_s) (1 - (R pi)_s) / (1 - pi_s),    K = b1 (1 - b2) / ((1 + b1) (1 - b1 b2))

    For two strategies the drift is ``lr**2 K (2 p - 1)`` for the first and its negative for the second:
    momentum continues towards the commoner strategy, where gradients are smaller and the dividing root has
    shrunk. K and the time to fill the averages depend on the betas: :func:`momentum_factor` and
    :func:`updates_to_fill`.

    Parameters
    ----------
    shares : array_like (strategy,)
    learning_rate : float, above 0
    betas : (float, float)
        Adam's, each in [0, 1).

    Returns
    -------
    ndarray (strategy,)

    Examples
    --------
    >>> momentum_drift([0.65, 0.35], learning_rate=0.1).round(6)
    array([ 0.00049, -0.00049])
    """
    policy, _ = checked_shares(shares)
    real("learning_rate", learning_rate, "a finite number above 0", above=0)
    handed = momentum_factor(betas)
    aligned = 1 - noise_correlation(policy) @ policy
    return -0.5 * learning_rate**2 * handed * (1 - 2 * policy) * aligned / (1 - policy)


def momentum_factor(betas: tuple[float, float] = ADAM_BETAS, *, n_updates: int | None = None) -> float:
    """Fraction of the softmax's pull that momentum cancels, K of :func:`momentum_drift`.

    The factor is 0 without momentum, and in the limit b2 to 1, where the root is constant. The noise of the
    averaged square is ignored; under Adam's own rule the factor is about a tenth smaller at the default
    betas.

    Parameters
    ----------
    betas : (float, float)
        Adam's, each in [0, 1).
    n_updates : int, at least 1, optional
        The factor after this many updates, with only the average of gradients full. The bias correction then
        weights each new square ``1 / (1 - b2**n_updates)`` times as much. By default both averages are full.

    Examples
    --------
    >>> round(momentum_factor(), 3), round(momentum_factor((0.9, 0.999)), 4)
    (0.163, 0.0047)
    >>> round(momentum_factor((0.9, 0.999), n_updates=80), 3)
    0.061
    """
    first, second = (_beta(index, beta) for index, beta in enumerate(betas))
    full = first * (1 - second) / ((1 + first) * (1 - first * second))
    if n_updates is None:
        return full
    whole("n_updates", n_updates, "an integer of at least 1", at_least=1)
    return full / (1 - second**n_updates)


def updates_to_fill(beta: float, *, weight: float = 0.95) -> int:
    """Fewest updates after which a running average has `weight` of its weights: beta**n <= 1 - weight.

    Parameters
    ----------
    beta : float in [0, 1)
    weight : float in (0, 1)

    Examples
    --------
    >>> [updates_to_fill(beta) for beta in (0.9, 0.95, 0.999)]
    [29, 59, 2995]
    """
    keep = _beta(0, beta)
    real("weight", weight, "a number strictly between 0 and 1", above=0, below=1)
    return 1 if keep == 0 else int(np.ceil(np.log(1 - weight) / np.log(keep)))


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


def _moments_of_walk(policy: Floats, accuracy: Floats, covariance: Floats, n_updates: float) -> NullMoments:
    """Mean (Itô) and sd of the accuracy's change after `n_updates` steps of a random walk of the logits."""
    gradient = policy * (accuracy - policy @ accuracy)
    # d^2 pi_s = pi_s [(dx_s - pi.dx)^2 - sum_r pi_r (dx_r - pi.dx)^2], its expectation by the covariance
    towards = covariance @ policy
    spread = np.diag(covariance) - 2 * towards + policy @ towards
    curvature = policy * (spread - policy @ spread)
    return NullMoments(
        float(0.5 * n_updates * curvature @ accuracy),
        float(np.sqrt(n_updates * gradient @ covariance @ gradient)),
    )


def _beta(index: int, beta: float) -> float:
    name = f"betas[{index}]"
    keep = real(name, beta, "a number in [0, 1)", above=0, below=1, closed=True)
    if keep == 1:
        raise ValueError(f"{name} must be a number in [0, 1), got 1.0")
    return keep


def _ordered(share: float, low: float, high: float) -> Floats:
    accepted = "numbers with 0 < low < share < high < 1"
    values = [real(n, v, accepted) for n, v in (("low", low), ("share", share), ("high", high))]
    if not 0 < values[0] < values[1] < values[2] < 1:
        raise ValueError(f"low, share and high must be {accepted}, got {values[0]}, {values[1]}, {values[2]}")
    below, start, above = np.log(values) - np.log1p(-np.array(values))
    return np.array([start, below, above])
