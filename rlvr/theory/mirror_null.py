"""Why coin flips move a policy under mirror descent, when they do not under the policy gradient.

A mirror step draws the policy, restricted to the distinct sampled answers, towards the target
``policy_a exp(r_a / temperature)``, normalised; r_a is the mean reward of an answer's samples. Under fair
coins all r_a have mean one half, but an answer sampled once has a noisier mean than one sampled often, and
the exponential rewards noise. To second order in 1 / temperature the expected step is, for candidates with
restricted policy w and n_a samples::

    w_a / 2 [ s_a (1 - 2 w_a) + 2 sum_b s_b w_b^2 - sum_b s_b w_b ],    s_a = 1 / (4 n_a temperature^2)

With n_a near G w_a it is ``(1 - D w_a) / (8 G temperature^2)``, D the number of candidates: a pull towards
the uniform distribution on what was sampled, of first order in the learning rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import real
from rlvr.theory.expected_drift import checked_prompt
from rlvr.theory.group_compositions import compositions, log_multinomial

__all__ = ["mirror_random_drift"]


def mirror_random_drift(
    policy: ArrayLike, *, group_size: int, temperature: float = 1.0
) -> NDArray[np.float64]:
    """Expected mirror step of RANDOM, over every composition of the group.

    Exact in what is sampled, second order in 1 / temperature.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities, all positive.
    group_size : int, at least 2
    temperature : float, above 0

    Returns
    -------
    ndarray (action,)
        Sums to zero; the logits move by the learning rate times it.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.

    Examples
    --------
    >>> mirror_random_drift([0.5, 0.5], group_size=8)
    array([0., 0.])
    >>> rare, common = mirror_random_drift([0.1, 0.9], group_size=8)
    >>> bool(rare > 0 > common)
    True
    """
    probabilities, _ = checked_prompt(policy, None, group_size)
    real("temperature", temperature, "a finite number above 0", above=0)
    counts = compositions(group_size, probabilities.size)
    chances = np.exp(log_multinomial(counts) + counts @ np.log(probabilities))
    sampled = counts > 0
    within = np.where(sampled, probabilities, 0.0)
    within /= within.sum(axis=1, keepdims=True)
    noise = np.divide(0.25 / temperature**2, counts, out=np.zeros(counts.shape), where=sampled)
    common = (noise * within * (2 * within - 1)).sum(axis=1, keepdims=True)
    steps = within / 2 * (noise * (1 - 2 * within) + common)
    drift = chances @ steps
    return drift - drift.mean()
