"""The drift of any reward that looks at one answer at a time: one formula for verifiers, noise and labels.

Let the reward of an answer a be 1 with probability rho_a, each answer on its own. With the reward rate
q = sum_a policy_a rho_a, every advantage gives the same direction at another speed::

    drift_a = policy_a (rho_a - q) * speed(q)

    "grpo"       speed = E[sqrt(m (G - m))] / (G q (1 - q)),   m binomial (G, q)
    "centered"   speed = (G - 1) / G
    "rloo"       speed = 1

TRUE, a noisy verifier, a label fixed before training and a coin are four choices of rho. A vote within the
group is not: there an answer's reward depends on the other answers
(:func:`rlvr.theory.expected_drift.majority_drift`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rlvr._checks import choice, real, shown
from rlvr.theory.expected_drift import checked_prompt

__all__ = ["noisy_rates", "reward_drift", "reward_speed"]

Floats = NDArray[np.float64]


def reward_speed(reward_rate: float, *, group_size: int, advantage: str) -> float:
    """Factor by which an advantage scales ``policy_a (rho_a - q)``.

    Parameters
    ----------
    reward_rate : float in [0, 1]
        Probability q that an answer of the policy is rewarded.
    group_size : int, at least 2
    advantage : {"grpo", "centered", "rloo"}

    Returns
    -------
    float
        For "grpo" at a rate of 0 or 1, where every group is unanimous, 0: there is no update to scale.

    Notes
    -----
    "grpo" tends to ``1 / sqrt(q (1 - q))`` as G grows and is largest where answers agree most; the other
    two do not know q. That is the whole difference between them: which prompts learn fastest.

    Examples
    --------
    >>> speeds = [reward_speed(0.1, group_size=8, advantage=name) for name in ("grpo", "centered", "rloo")]
    >>> [round(speed, 3) for speed in speeds]
    [2.328, 0.875, 1.0]
    """
    checked_prompt([0.5, 0.5], None, group_size)
    q = real("reward_rate", reward_rate, "a probability in [0, 1]", above=0, below=1, closed=True)
    choice("advantage", advantage, ("grpo", "centered", "rloo"))
    if advantage == "rloo":
        return 1.0
    if advantage == "centered":
        return (group_size - 1) / group_size
    if q in (0.0, 1.0):
        return 0.0
    m = np.arange(group_size + 1)
    h = stats.binom.pmf(m, group_size, q) @ np.sqrt(m * (group_size - m)) / group_size
    return float(h / (q * (1 - q)))


def reward_drift(
    policy: ArrayLike, reward_rates: ArrayLike, *, group_size: int, advantage: str = "grpo"
) -> Floats:
    """Expected policy term of one update, for a reward that looks at one answer at a time.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities.
    reward_rates : array_like (action,)
        Probability rho that an answer is rewarded, each in [0, 1].
    group_size : int, at least 2
        Samples a group, G.
    advantage : {"grpo", "centered", "rloo"}

    Returns
    -------
    ndarray (action,)
        Sums to zero.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.

    Examples
    --------
    >>> reward_drift([0.5, 0.5], [1.0, 0.0], group_size=2)
    array([ 0.25, -0.25])
    >>> reward_drift([0.5, 0.5], [0.9, 0.1], group_size=2, advantage="rloo")
    array([ 0.2, -0.2])
    """
    probabilities, _ = checked_prompt(policy, None, group_size)
    rates = np.asarray(reward_rates, dtype=float)
    if rates.shape != probabilities.shape or not ((rates >= 0) & (rates <= 1)).all():
        raise ValueError(
            f"reward_rates must be {probabilities.size} probabilities in [0, 1], one an action, "
            f"got {shown(reward_rates)}"
        )
    q = min(float(probabilities @ rates), 1.0)
    return probabilities * (rates - q) * reward_speed(q, group_size=group_size, advantage=advantage)


def noisy_rates(correct: ArrayLike, verifier_noise: tuple[float, float]) -> Floats:
    """Reward rates of TRUE under a verifier that errs, each answer anew.

    A difference of two rates shrinks by ``1 - fp - fn``. So does the drift of "centered" and "rloo",
    exactly: on average noise slows them and bends nothing. The spread of an update does not shrink with
    its mean, so a noisy verifier is not a smaller learning rate. "grpo" divides by a standard deviation
    that noise changes too.

    Parameters
    ----------
    correct : array_like of bool (action,)
    verifier_noise : (float, float)
        False positive rate fp and false negative rate fn, each in [0, 1].

    Returns
    -------
    ndarray (action,)

    Examples
    --------
    >>> noisy_rates([True, False], (0.1, 0.3))
    array([0.7, 0.1])
    """
    accepted = "two rates (false positive, false negative), each in [0, 1]"
    positive, negative = (
        real("verifier_noise", rate, accepted, above=0, below=1, closed=True) for rate in verifier_noise
    )
    return np.where(np.asarray(correct, dtype=bool), 1.0 - negative, positive)
