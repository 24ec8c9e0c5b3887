"""One group's update under each arm and two controls: its mean, its noise, and the effect of the clip.

RANDOM rewards every answer by a fair coin. MATCHED rewards as many answers of every group as MAJORITY would,
selected by a random permutation. PERMUTED rewards the value that won the vote on another prompt.

If m of G answers are rewarded, GRPO's advantages are ``sqrt((G - m) / m)`` and ``-sqrt(m / (G - m))``. Their
squares sum to G for every m, and the positive ones to ``sqrt(m (G - m))``. If rewards do not depend on the
content of answers, then with ``S = diag(policy) - policy policy^T``::

    E[update] = 0,    Cov[update] = (1 - 2**(1 - G)) S / G     RANDOM
    E[update] = 0,    Cov[update] = S / G                      MATCHED

MATCHED has the whole of S / G, because the groups that it leaves out are unanimous and would have moved
nothing. (Where answers agree in value but differ in words, leaving them out also removes their own spread.)
So without a clip the two controls of zero mean are equivalent: GRPO divides the reward rate out. Advantages
that are not divided by the standard deviation would have ``m (G - m) / G**2`` instead. The clip does depend
on the rate: its effect on an update is proportional to the *push*, ``E[sqrt(m (G - m))] / G``, half the mean
absolute advantage.

Let d and C be the mean and covariance of an arm's update, and g and H the gradient and Hessian of the
accuracy in the logits. One step of learning rate e changes the accuracy on average by ::

    e g.d  +  e**2 / 2 d.H.d  +  e**2 / 2 tr(H C)  +  O(e**3)

The terms are *signal*, its *curvature* and *noise*. The difference between MAJORITY and a base without signal
is the effect of agreement only if the noise term is the same in both. PERMUTED has a signal of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rlvr._checks import choice, policy_and_correct, real, shown
from rlvr.theory.expected_drift import checked_prompt, plurality_table

__all__ = ["AccuracyChange", "UpdateMoments", "accuracy_change", "update_moments"]

Floats = NDArray[np.float64]

_PAID = ("random", "matched", "permuted", "majority", "true")


class UpdateMoments(NamedTuple):
    """Moments of one group's update of its prompt's logits, at learning rate 1."""

    drift: Floats
    """Mean, ndarray (action,)."""
    covariance: Floats
    """Covariance, ndarray (action, action)."""
    push: float
    """Half the mean absolute advantage of an answer."""


class AccuracyChange(NamedTuple):
    """Expected change of a prompt's accuracy in one step, in three parts."""

    signal: float
    """First order in the learning rate, from the mean update."""
    curvature: float
    """Second order, from the mean update."""
    noise: float
    """Second order, from the spread of updates."""


def update_moments(
    policy: ArrayLike,
    arm: str,
    *,
    group_size: int,
    correct: ArrayLike | None = None,
    label_rates: ArrayLike | None = None,
) -> UpdateMoments:
    """Mean, covariance and push of an arm's update, by enumeration of all compositions of a group.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities.
    arm : {"random", "matched", "permuted", "majority", "true"}
    group_size : int, at least 2
    correct : array_like of bool (action,), optional
        Required for "true".
    label_rates : array_like (action,), optional
        Required for "permuted": the probability that each action wins the vote on another prompt.

    Returns
    -------
    UpdateMoments
        A tied vote goes to each of the tied actions with equal probability.

    Raises
    ------
    TypeError, ValueError
        If an argument is missing or out of range, or there are over a million compositions.

    Examples
    --------
    >>> moments = update_moments([0.75, 0.25], "matched", group_size=2)
    >>> moments.drift.tolist(), moments.covariance.round(5).tolist(), round(moments.push, 5)
    ([0.0, 0.0], [[0.09375, -0.09375], [-0.09375, 0.09375]], 0.1875)
    >>> update_moments([0.75, 0.25], "permuted", group_size=2, label_rates=[0.5, 0.5]).drift
    array([0., 0.])
    """
    probabilities, mask = checked_prompt(policy, correct, group_size)
    choice("arm", arm, _PAID)
    independent = (np.diag(probabilities) - np.outer(probabilities, probabilities)) / group_size
    nothing = np.zeros_like(probabilities)
    if arm == "random":
        m = np.arange(group_size + 1)
        push = stats.binom.pmf(m, group_size, 0.5) @ np.sqrt(m * (group_size - m)) / group_size
        return UpdateMoments(nothing, (1 - 2.0 ** (1 - group_size)) * independent, float(push))
    table = plurality_table(group_size, probabilities.size, "uniform")
    chances = table.probabilities(probabilities[None])[0]
    if arm == "matched":
        return UpdateMoments(nothing, independent, float(chances @ table.won))
    if arm == "true":
        if correct is None:
            raise ValueError("correct must name the right actions for the arm 'true', got None")
        paid, weights = mask[None], chances[:, None]
    else:
        paid = np.eye(probabilities.size, dtype=bool)
        won = table.share if arm == "majority" else _label_rates(label_rates, nothing)
        weights = chances[:, None] * won
    return _moments_of_labels(table.counts, weights, paid, group_size)


def _label_rates(given: ArrayLike | None, like: Floats) -> Floats:
    rates = np.asarray(np.nan if given is None else given, dtype=float)
    if rates.shape != like.shape or not (rates >= 0).all() or abs(rates.sum() - 1) > 1e-9:
        raise ValueError(
            f"label_rates must be {like.size} probabilities that sum to 1, one per action, got {shown(given)}"
        )
    return rates


def _moments_of_labels(
    counts: Floats, weights: Floats, paid: NDArray[np.bool_], group_size: int
) -> UpdateMoments:
    """Moments where groups `counts` (group, action) are rewarded for the actions of `paid` (set, action).

    `weights` (group, set) are the joint probabilities of group and set.
    """
    drift, square, push = np.zeros(counts.shape[1]), np.zeros([counts.shape[1]] * 2), 0.0
    for actions, chance in zip(paid, weights.T, strict=True):
        m = counts @ actions
        mixed = (m > 0) & (m < group_size)
        won, lost, chance = m[mixed], group_size - m[mixed], chance[mixed]
        update = np.where(actions, np.sqrt(lost / won)[:, None], -np.sqrt(won / lost)[:, None])
        update *= counts[mixed] / group_size
        drift += chance @ update
        square += (update * chance[:, None]).T @ update
        push += float(chance @ np.sqrt(won * lost)) / group_size
    return UpdateMoments(drift, square - np.outer(drift, drift), push)


def accuracy_change(
    policy: ArrayLike, correct: ArrayLike, moments: UpdateMoments, *, learning_rate: float
) -> AccuracyChange:
    """Expected change of accuracy in one step, to second order in the learning rate.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities.
    correct : array_like of bool (action,)
    moments : UpdateMoments
        Moments of one group; for a mean of several groups, with the covariance divided by their number.
    learning_rate : float, above 0

    Returns
    -------
    AccuracyChange

    Examples
    --------
    >>> moments = update_moments([0.75, 0.25], "matched", group_size=2)
    >>> change = accuracy_change([0.75, 0.25], [True, False], moments, learning_rate=0.1)
    >>> change.signal, round(change.noise, 6)
    (0.0, -0.000176)
    """
    probabilities, mask = policy_and_correct(policy, correct)
    rate = real("learning_rate", learning_rate, "a finite number above 0", above=0)
    away = mask - probabilities @ mask
    gradient = probabilities * away
    hessian = np.diag(gradient) - np.outer(probabilities, probabilities) * (away[:, None] + away)
    drift = moments.drift
    return AccuracyChange(
        float(rate * gradient @ drift),
        float(rate**2 / 2 * drift @ hessian @ drift),
        float(rate**2 / 2 * (hessian * moments.covariance).sum()),
    )
