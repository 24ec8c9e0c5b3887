"""What one update does on average, in closed form: drifts, KL pulls, the null's curvature.

The *drift* of an arm is the expectation of the policy term of one group of G sampled actions,

    E[ mean_i A_i (onehot(a_i) - policy) ],    A_i = (r_i - mean r) / std r,   population std,

an ndarray (action,) that sums to zero; a group of equal rewards counts as zero. Nothing here is
simulated: TRUE has a formula, MAJORITY is a sum over the ``C(G+K-1, K-1)`` ways in which a group of G can
fall on K actions, RANDOM vanishes. The unit is one update of one prompt.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from rlvr._checks import choice, policy_and_correct, real, whole
from rlvr.groups import plurality_table

__all__ = [
    "kl_pull",
    "kl_pulls",
    "majority_drift",
    "majority_drifts",
    "null_curvature",
    "random_drift",
    "true_drift",
    "true_drifts",
]

Floats = NDArray[np.float64]

_CHUNK = 4  # policies a matrix product: small ones stay on one thread, so no machine changes their last bit


def true_drift(policy: ArrayLike, correct: ArrayLike, *, group_size: int) -> Floats:
    """Drift of the TRUE arm.

    With p the probability of a correct action, every correct action a drifts by ``(policy_a / p) h``
    and every wrong one by ``-(policy_a / (1 - p)) h``, where ``h = E[sqrt(m (G - m))] / G`` and m is
    binomial (G, p): the success probability climbs as fast as the group's standard deviation allows.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities.
    correct : array_like of bool (action,)
        At least one True.
    group_size : int, at least 2
        Samples a group, G.

    Returns
    -------
    ndarray (action,)

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.

    Notes
    -----
    As G grows, h tends to sqrt(p (1 - p)), and the update climbs ``2 arcsin(sqrt(p))``.

    Examples
    --------
    >>> true_drift([0.5, 0.5], [True, False], group_size=2)
    array([ 0.25, -0.25])
    """
    probabilities, mask = _prompt(policy, correct, group_size)
    return true_drifts(probabilities[None], mask, group_size)[0]


def majority_drift(policy: ArrayLike, *, group_size: int, tie_break: str) -> Floats:
    """Drift of the MAJORITY arm, by enumeration of every composition of the group.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities.
    group_size : int, at least 2
        Samples a group, G.
    tie_break : {"lowest", "uniform"}
        Which of the most frequent actions is rewarded: that of lowest index, or one at random.

    Returns
    -------
    ndarray (action,)

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or there are over a million compositions.

    Notes
    -----
    If the plurality action has m of the G samples, it moves by ``sqrt(m (G - m)) / G`` and any other
    action with n samples by ``-(n / G) sqrt(m / (G - m))``. Both are tabulated once for each (G, K);
    a drift is then one matrix product with the multinomial probabilities.

    Examples
    --------
    >>> majority_drift([0.75, 0.25], group_size=2, tie_break="lowest")
    array([ 0.1875, -0.1875])
    """
    probabilities, _ = _prompt(policy, None, group_size)
    choice("tie_break", tie_break, ("lowest", "uniform"))
    return majority_drifts(probabilities[None], group_size, tie_break)[0]


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
    probabilities, _ = _prompt(policy, None, group_size)
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
        Updates of the prompt. The curvature is held at the prior's, so their number multiplies it.

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
    probabilities, mask = _prompt(policy, correct, group_size)
    real("learning_rate", learning_rate, "a finite number above 0", above=0)
    whole("n_updates", n_updates, "an integer of at least 0", at_least=0)
    q, t = (probabilities**2).sum(), (probabilities**3).sum()
    frobenius = q - 2 * t + q**2  # |diag(policy) - policy policy^T|^2
    curvature = probabilities * (
        probabilities * (1 - probabilities) - 2 * probabilities * (probabilities - q) + t - q**2 - frobenius
    )
    variance = learning_rate**2 * (1 - 2.0 ** (1 - group_size)) / group_size
    return float(n_updates * 0.5 * variance * curvature[mask].sum())


def kl_pull(policy: ArrayLike, prior: ArrayLike, *, kl: str) -> Floats:
    """The term that `kl_coefficient` multiplies in an update of the logits.

    Parameters
    ----------
    policy, prior : array_like (action,)
        Probabilities; the prior's all positive.
    kl : {"forward", "reverse"}
        "forward", as published: ``prior - policy``, which descends KL(prior || policy).
        "reverse": ``-policy (log(policy / prior) - KL(policy || prior))``, which descends
        KL(policy || prior).

    Returns
    -------
    ndarray (action,)

    Raises
    ------
    ValueError
        If a vector is not a distribution, the lengths differ, or the prior has a zero.
    """
    now, _ = policy_and_correct(policy, None)
    start, _ = policy_and_correct(prior, None)
    choice("kl", kl, ("forward", "reverse"))
    if start.shape != now.shape or np.any(start == 0):
        raise ValueError(
            f"prior must be positive and as long as policy ({now.size}), got {start.size} probabilities "
            f"down to {start.min()!r}"
        )
    return kl_pulls(now[None], start[None], kl)[0]


def _prompt(
    policy: ArrayLike, correct: ArrayLike | None, group_size: int
) -> tuple[Floats, NDArray[np.bool_]]:
    whole("group_size", group_size, "an integer of at least 2", at_least=2)
    probabilities, mask = policy_and_correct(policy, correct)
    return probabilities, np.zeros(probabilities.size, dtype=bool) if mask is None else mask


def true_drifts(policies: Floats, correct: NDArray[np.bool_], group_size: int) -> Floats:
    """TRUE drifts of a batch, arrays (policy, action), unchecked; see :func:`true_drift`."""
    m = np.arange(group_size + 1)
    p = policies[:, correct].sum(axis=1, keepdims=True)
    wrong = policies[:, ~correct].sum(axis=1, keepdims=True)
    h = stats.binom.pmf(m, group_size, np.minimum(p, 1.0)) @ np.sqrt(m * (group_size - m)) / group_size
    side = np.where(correct, p, -wrong)
    return np.divide(policies, side, out=np.zeros_like(policies), where=side != 0) * h[:, None]


def majority_drifts(policies: Floats, group_size: int, tie_break: str) -> Floats:
    """MAJORITY drifts of a batch, arrays (policy, action), unchecked; see :func:`majority_drift`."""
    table = plurality_table(group_size, policies.shape[1], tie_break)
    parts = np.array_split(policies, -(-len(policies) // _CHUNK))
    return np.concatenate([table.probabilities(part) @ table.drift for part in parts])


def kl_pulls(policies: Floats, priors: Floats, kl: str) -> Floats:
    """KL terms of a batch, arrays (policy, action), unchecked; see :func:`kl_pull`."""
    if kl == "forward":
        return priors - policies
    divergence = special.rel_entr(policies, priors).sum(axis=1, keepdims=True)
    return policies * divergence - special.rel_entr(policies, priors)
