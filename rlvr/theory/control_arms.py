"""One group's update under each arm and two controls: its mean, its noise, and what the clip can take.

RANDOM pays every answer by a fair coin. MATCHED pays as many answers of every group as MAJORITY would, but
those that a permutation picks. PERMUTED pays for the value that won the vote on another prompt.

With m of G answers paid, GRPO's advantages are ``sqrt((G - m) / m)`` and ``-sqrt(m / (G - m))``: their
squares add up to G whatever m is, and the positive ones to ``sqrt(m (G - m))``. If answers are paid without
regard to what they say, then with ``S = diag(policy) - policy policy^T``::

    E[update] = 0,    Cov[update] = (1 - 2**(1 - G)) S / G     RANDOM
    E[update] = 0,    Cov[update] = S / G                      MATCHED

MATCHED has the whole of S / G, because the groups that it leaves out are unanimous and would have moved
nothing. (Where answers agree in value and differ in words, leaving them out takes their own spread away.)
So without a clip the two controls without a mean are one control: GRPO divides the reward's rate out.
Advantages that are not divided by the standard deviation would carry ``m (G - m) / G**2`` instead. The clip
does see the rate: what it takes from an update goes with the *push*, ``E[sqrt(m (G - m))] / G``, half the
mean absolute advantage.

Let d and C be the mean and covariance of an arm's update, g and H the gradient and Hessian of the accuracy
in the logits. One step of learning rate e changes the accuracy, on average, by ::

    e g.d  +  e**2 / 2 d.H.d  +  e**2 / 2 tr(H C)  +  O(e**3)

These are *signal*, its *curvature* and *noise*. MAJORITY minus a base without signal is the effect of
agreement if the last term is the same in both, and only then. PERMUTED has a signal of its own.
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
    """What one group moves the logits of its prompt by, at learning rate 1."""

    drift: Floats
    """Its mean, ndarray (action,)."""
    covariance: Floats
    """Its covariance, ndarray (action, action)."""
    push: float
    """Half the mean absolute advantage of an answer."""


class AccuracyChange(NamedTuple):
    """Expected change of a prompt's accuracy in one step, in three parts."""

    signal: float
    """Of first order in the learning rate, from the mean update alone."""
    curvature: float
    """Of second order, from the mean update alone."""
    noise: float
    """Of second order, from the spread of updates."""


def update_moments(
    policy: ArrayLike,
    arm: str,
    *,
    group_size: int,
    correct: ArrayLike | None = None,
    label_rates: ArrayLike | None = None,
) -> UpdateMoments:
    """Mean and covariance of an arm's update, and its push, by enumeration of every composition of a group.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities.
    arm : {"random", "matched", "permuted", "majority", "true"}
    group_size : int, at least 2
    correct : array_like of bool (action,), optional
        Needed by "true".
    label_rates : array_like (action,), optional
        Needed by "permuted": how often each action wins the vote on the other prompts.

    Returns
    -------
    UpdateMoments
        A tied vote goes to each of the tied with the same probability.

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
            raise ValueError("correct must say which actions are right for the arm 'true', got None")
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
            f"label_rates must be {like.size} probabilities that sum to 1, one an action, got {shown(given)}"
        )
    return rates


def _moments_of_labels(
    counts: Floats, weights: Floats, paid: NDArray[np.bool_], group_size: int
) -> UpdateMoments:
    """Moments where groups of `counts` (group, action) are paid for a set of `paid` (set, action).

    `weights` (group, set) are the probabilities of both together.
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
        Of one group; of several that an update averages, with the covariance divided by their number.
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
