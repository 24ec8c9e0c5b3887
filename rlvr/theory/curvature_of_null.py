"""What coin flips do to one prompt: nothing on average, something by the curvature of the softmax.

RANDOM's drift is zero, so the null is of second order in the learning rate. The unit is one visit of
one prompt, by one update.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import real, whole
from rlvr.theory.expected_drift import checked_prompt

__all__ = ["null_curvature", "random_drift"]

Floats = NDArray[np.float64]


def random_drift(policy: ArrayLike, *, group_size: int) -> Floats:
    """Drift of the RANDOM arm: zero, for any policy and any Bernoulli rate.

    Given the actions, the advantages are exchangeable and sum to zero, so each has mean zero.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities.
    group_size : int, at least 2
        Samples a group.

    Returns
    -------
    ndarray (action,)
    """
    probabilities, _ = checked_prompt(policy, None, group_size)
    return np.zeros_like(probabilities)


def null_curvature(
    policy: ArrayLike, correct: ArrayLike, *, group_size: int, learning_rate: float, n_updates: int
) -> float:
    """Second-order prediction of the null term: what unbiased noise on the logits does to the accuracy.

    RANDOM updates have mean zero and covariance ``lr**2 (v / G) S`` with ``S = diag(policy) - policy
    policy^T`` and ``v = 1 - 2**(1 - G)``, the probability that a group's rewards differ. Itô's term,
    half the trace of that covariance with the Hessian of the softmax, is summed over correct actions::

        1/2 lr**2 (v / G) policy_a [policy_a (1 - policy_a) - 2 policy_a (policy_a - q) + t - q**2 - |S|**2]

    with ``q = sum policy**2``, ``t = sum policy**3`` and the Frobenius norm.

    Parameters
    ----------
    policy : array_like (action,)
        The prior.
    correct : array_like of bool (action,)
    group_size : int, at least 2
    learning_rate : float, above 0
    n_updates : int, at least 0
        Visits of the prompt, one update each. The curvature is held at the prior's, so their number
        multiplies it.

    Returns
    -------
    float
        Predicted acc(RANDOM) - acc(FROZEN).

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.

    Notes
    -----
    Leaves out the KL pull and every term beyond ``learning_rate**2 n_updates``.

    Examples
    --------
    >>> from rlvr import TaskFamily
    >>> prior = TaskFamily(prior_strength=0.8).prior()
    >>> correct = np.arange(8) < 2
    >>> null = null_curvature(prior, correct, group_size=8, learning_rate=0.05, n_updates=80)
    >>> round(null, 6)
    0.000239
    """
    probabilities, mask = checked_prompt(policy, correct, group_size)
    real("learning_rate", learning_rate, "a finite number above 0", above=0)
    whole("n_updates", n_updates, "an integer of at least 0", at_least=0)
    q, t = (probabilities**2).sum(), (probabilities**3).sum()
    frobenius = q - 2 * t + q**2  # |diag(policy) - policy policy^T|^2
    curvature = probabilities * (
        probabilities * (1 - probabilities) - 2 * probabilities * (probabilities - q) + t - q**2 - frobenius
    )
    variance = learning_rate**2 * (1 - 2.0 ** (1 - group_size)) / group_size
    return float(n_updates * 0.5 * variance * curvature[mask].sum())
