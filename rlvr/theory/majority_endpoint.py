"""Where MAJORITY training ends, and from which prior on it pays: no formula here knows the trainer.

With ``maj@infinity`` the accuracy of a vote among ever more answers::

    limit of MAJORITY - FROZEN = maj@infinity - pass@1

A majority reward has no source of truth but the policy's own votes, so with enough training each prompt
ends at its prior's mode. The limit is that of null plus elicitation: of elicitation alone where the null
is zero. The unit is one prompt of a family.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import optimize, stats

from rlvr.simulator.task_family import TaskFamily

__all__ = ["crossover", "elicitation_limit"]


def elicitation_limit(family: TaskFamily) -> float:
    """Accuracy as MAJORITY training grows: the fraction of prompts whose prior's mode is correct.

    A prompt's plurality label is its mode more often than any other action, so its policy ends there,
    and its accuracy at 1 or 0. Votes without end, ``maj@infinity``, score the same.

    Parameters
    ----------
    family : TaskFamily
        With spread, the part of the Beta distribution above `family.crossover`.

    Returns
    -------
    float in [0, 1]
        At the crossover itself the tied actions divide the outcome.

    Notes
    -----
    The limit of small learning rates without a KL pull, for groups of at least three: with larger
    rates, chance decides prompts close to the crossover. That the mode drifts up fastest is checked
    numerically, not proved.

    Examples
    --------
    >>> elicitation_limit(TaskFamily(prior_strength=0.5)), elicitation_limit(TaskFamily(prior_strength=0.2))
    (1.0, 0.0)
    """
    if family.prior_spread > 0:
        return float(stats.beta.sf(family.crossover, *family.strength_shape))
    if not np.isclose(family.prior_strength, family.crossover, rtol=1e-12, atol=0):
        return float(family.prior_strength > family.crossover)
    top = family.prior() >= family.prior().max() * (1 - 1e-9)
    return float(top[: family.n_correct].sum() / top.sum())


def crossover(family: TaskFamily) -> float:
    """Mean prior strength at which MAJORITY's limit equals pass@1 of the prior.

    Below it, enough majority training costs accuracy; above it, enough of it pays: it is where the limit
    changes sign. Without spread that is where a correct action ties for the mode, the crossover
    ``family.crossover``; with spread the two differ.

    Parameters
    ----------
    family : TaskFamily
        Its own `prior_strength` plays no part.

    Returns
    -------
    float in (0, 1)

    Raises
    ------
    ValueError
        With spread, if the two are equal at no mean strength between 0.001 and 0.999.

    Examples
    --------
    >>> round(crossover(TaskFamily()), 4)
    0.4643
    """
    if family.prior_spread == 0:
        return family.crossover

    def gain(strength: float) -> float:
        there = replace(family, prior_strength=strength)
        return elicitation_limit(there) - there.prior_accuracy

    if not gain(1e-3) < 0 < gain(1 - 1e-3):
        raise ValueError(f"family must have a crossover between 0.001 and 0.999, got none for {family!r}")
    return float(optimize.brentq(gain, 1e-3, 1 - 1e-3, xtol=1e-10))
