"""What one update does on average, in closed form: drifts of the arms, and KL pulls.

The *drift* of an arm is the expectation of the policy term of one group of G sampled actions::

    E[ mean_i A_i (onehot(a_i) - policy) ],    A_i = (r_i - mean r) / std r,   population std

It is an ndarray (action,) that sums to zero; a group of equal rewards counts as zero. Nothing here is
simulated: TRUE has a formula, MAJORITY is a sum over the ``C(G+K-1, K-1)`` ways in which a group of G can
fall on K actions, RANDOM vanishes. The unit is one prompt that an
update visits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from rlvr._checks import choice, policy_and_correct, whole
from rlvr.theory.group_compositions import plurality_table

__all__ = [
    "checked_prompt",
    "kl_pull",
    "kl_pulls",
    "majority_drift",
    "majority_drifts",
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
    probabilities, mask = checked_prompt(policy, correct, group_size)
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
    probabilities, _ = checked_prompt(policy, None, group_size)
    choice("tie_break", tie_break, ("lowest", "uniform"))
    return majority_drifts(probabilities[None], group_size, tie_break)[0]


def kl_pull(policy: ArrayLike, prior: ArrayLike, *, kl: str) -> Floats:
    """The term that `kl_coefficient` multiplies in an update of the logits.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities.
    prior : array_like (action,)
        Probabilities, all positive.
    kl : {"forward", "reverse"}
        "forward", as published: ``prior - policy``, which descends KL(prior || policy). It is the expected
        gradient of GRPO's sampled penalty, see Notes.
        "reverse": ``-policy (log(policy / prior) - KL(policy || prior))``, which descends
        KL(policy || prior).

    Returns
    -------
    ndarray (action,)

    Raises
    ------
    ValueError
        If a vector is not a distribution, the lengths differ, or the prior has a zero.

    Notes
    -----
    GRPO estimates KL(policy || prior) at each sampled answer a by k3, ``r - log r - 1`` with
    ``r = prior_a / policy_a``. Differentiated at the samples, it has the gradient
    ``(1 - r) (onehot(a) - policy)``, whose mean over the policy is ``policy - prior``: that of
    KL(prior || policy). The difference to the gradient of its mean comes from the samples, which depend on
    the policy too; with the ratio of the policy to the one that sampled as a factor, k3 has that gradient.

    Examples
    --------
    >>> kl_pull([0.5, 0.5], [0.75, 0.25], kl="forward")
    array([ 0.25, -0.25])
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


def checked_prompt(
    policy: ArrayLike, correct: ArrayLike | None, group_size: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """Check one prompt and its group size; `correct` left out is a mask of no action."""
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
