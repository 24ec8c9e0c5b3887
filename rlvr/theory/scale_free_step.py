"""What coin flips do to shared logits when the optimiser scales each step by its own noise, as Adam does.

Adam divides a logit's averaged gradient by the root of its averaged square. Under RANDOM the gradient is all
noise, so its size cancels: with the learning rate small, a logit takes unit-variance steps whatever the batch
or the group, and a rare strategy's logit moves as far as a common one's::

    Cov of a step = learning_rate**2 R,   R_sr = -sqrt(pi_s pi_r / ((1 - pi_s) (1 - pi_r))) off the diagonal

Here R is the correlation matrix of ``diag(pi) - pi pi^T``. Flipping every coin turns a gradient into its
negative, so without momentum the logits stay a martingale. The *shares* do not: the curvature of the softmax
pulls towards an even mix. With momentum an older gradient is divided by a root that has learned from later
ones, whose size depends on where the older has led: a drift of second order. The unit is one training run.

Momentum's drift depends on both of Adam's betas, the spread on the first alone. The default here is that of
this project's simulator, (0.9, 0.95), which is also that of the trainer in Spurious Rewards' released code;
TRL and verl have (0.9, 0.999).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import real, whole
from rlvr.theory.shared_logits import NullMoments, checked_shares, moments_of_walk

__all__ = [
    "ADAM_BETAS", "adam_null_moments", "adam_weights", "momentum_drift", "momentum_factor",
    "noise_correlation", "scale_free_drift", "updates_to_fill",
]  # fmt: skip

Floats = NDArray[np.float64]

ADAM_BETAS = (0.9, 0.95)
"""Decay of the average of gradients and of that of their squares, as the simulator has them."""


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


def scale_free_drift(shares: ArrayLike, *, learning_rate: float) -> Floats:
    """Expected change of the shares in one scale-free step: the pull of the softmax's curvature.

    For two strategies it is ``2 lr**2 p (1 - p) (1 - 2 p)`` towards one half. For a dominant strategy and a
    long tail of rare ones the steps are nearly independent, and ``lr**2 pi_s (sum pi**2 - pi_s)``: what is
    commoner than ``sum pi**2`` loses, and the tail gains.

    Parameters
    ----------
    shares : array_like (strategy,)
    learning_rate : float, above 0

    Returns
    -------
    ndarray (strategy,)
        Sums to zero.

    Examples
    --------
    >>> scale_free_drift([0.65, 0.35], learning_rate=0.1).round(6)
    array([-0.001365,  0.001365])
    """
    policy, _ = checked_shares(shares)
    real("learning_rate", learning_rate, "a finite number above 0", above=0)
    covariance = learning_rate**2 * noise_correlation(policy)
    return np.array([moments_of_walk(policy, one, covariance, 1).mean for one in np.eye(policy.size)])


def adam_weights(n_updates: int, *, betas: tuple[float, float] = ADAM_BETAS) -> Floats:
    """How much of each update's noise a logit has received by the end, ndarray (update,).

    Momentum hands gradient k out over the updates t >= k with ``(1 - b1) b1**(t - k) / (1 - b1**t)``. The
    sum is above one early, where the bias correction acts, and below one for the last few updates.

    Parameters
    ----------
    n_updates : int, at least 0
    betas : (float, float)
        Adam's; the second does not enter at this order.

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

    For two strategies ``lr**2 K (2 p - 1)`` for the first and its negative for the second: momentum carries
    on towards the commoner one, where gradients are smaller and the root that divides has shrunk. K, and when
    the averages are full, depend on the betas: :func:`momentum_factor` and :func:`updates_to_fill`.

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
    """How much of the softmax's pull momentum gives back, K of :func:`momentum_drift`.

    It is 0 without momentum, and where the root never learns (b2 to 1). The noise of the average of squares
    is left out; by Adam's own rule the factor is about a tenth smaller at the default betas.

    Parameters
    ----------
    betas : (float, float)
        Adam's, each in [0, 1).
    n_updates : int, at least 1, optional
        So many updates in, as soon as the average of gradients is full, instead of once both are. Until then
        the bias correction lets each new square weigh ``1 / (1 - b2**n_updates)`` times as much.

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
    """Updates after which a running average has `weight` of its weights, the fewest: beta**n <= 1 - weight.

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


def _beta(index: int, beta: float) -> float:
    name = f"betas[{index}]"
    keep = real(name, beta, "a number in [0, 1)", above=0, below=1, closed=True)
    if keep == 1:
        raise ValueError(f"{name} must be a number in [0, 1), got 1.0")
    return keep


def adam_null_moments(
    shares: ArrayLike, accuracies: ArrayLike, *, n_updates: int, learning_rate: float,
    betas: tuple[float, float] = ADAM_BETAS,
) -> NullMoments:  # fmt: skip
    """Mean and spread of the null under Adam, while the shares have not moved far.

    As :func:`rlvr.theory.null_moments` with the scale-free covariance; updates count by the squares of
    their weights. For two strategies::

        sd = |a_1 - a_2| 2 lr p (1 - p) sqrt(sum w**2)

    in which neither the answers of an update nor the group appears: the spread follows the optimiser steps.

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
    Takes the averaged square for the variance itself. It is an average over the last ``1 / (1 - b2)``
    updates, 20 at the default betas, which leaves an error of a few percent.

    Examples
    --------
    >>> moments = adam_null_moments([0.65, 0.35], [0.609, 0.28], n_updates=80, learning_rate=0.04)
    >>> round(moments.sd, 3)
    0.058
    """
    policy, accuracy = checked_shares(shares, accuracies)
    real("learning_rate", learning_rate, "a finite number above 0", above=0)
    steps = float(np.square(adam_weights(n_updates, betas=betas)).sum())
    return moments_of_walk(policy, accuracy, learning_rate**2 * noise_correlation(policy), steps)
