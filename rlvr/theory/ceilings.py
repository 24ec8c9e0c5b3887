"""Limits that any reward has, given the prior: pass@k, best-of-n, and accuracy at a given KL divergence.

*Coverage* is the probability that k samples hold a correct answer. Its mean over prompts is::

    pass@k = E[ 1 - (1 - p)**k ],    p a prompt's probability of a correct sample

If p is Beta(a, b) over prompts, the mean is ``1 - B(a, b + k) / B(a, b)``, so two published numbers, pass@1
and one pass@k, determine both shapes. The unit is one prompt, or a benchmark of prompts. KL divergences are
in nats. An argument out of range is refused by name (TypeError, ValueError).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from rlvr._checks import policy_and_correct, real, whole

__all__ = [
    "Tilted", "accuracy_at_kl", "best_of_n", "beta_coverage", "beta_shape", "coverage", "jeffreys",
    "kl_by_purpose", "kl_ceiling", "kl_divergence", "pass_at_k",
]  # fmt: skip


def coverage(accuracy: ArrayLike, k: int) -> NDArray[np.float64]:
    """pass@k of prompts solved with probability `accuracy` (...), in [0, 1]; exact for small accuracies too.

    Raises
    ------
    TypeError, ValueError
        If k is not an integer of at least 1, or an accuracy lies outside [0, 1] by more than 1e-9.
    """
    whole("k", k, "an integer of at least 1", at_least=1)
    p = np.asarray(accuracy, dtype=float)
    if not np.all((p >= -1e-9) & (p <= 1 + 1e-9)):
        raise ValueError(f"accuracy must lie in [0, 1], got values from {p.min()} to {p.max()}")
    with np.errstate(divide="ignore"):  # for a prompt that is always solved, log(0) gives the correct 1
        return -np.expm1(k * np.log1p(-np.clip(p, 0.0, 1.0)))


def pass_at_k(policy: ArrayLike, correct: ArrayLike, k: int) -> float:
    """Probability that at least one of k samples is correct, ``1 - (1 - p)**k``.

    Parameters
    ----------
    policy : array_like (action,)
    correct : array_like of bool (action,)
    k : int, at least 1

    Returns
    -------
    float in [0, 1]

    Examples
    --------
    >>> round(pass_at_k([0.25, 0.75], [True, False], 2), 6)
    0.4375
    """
    probabilities, mask = policy_and_correct(policy, correct)
    return float(coverage(probabilities[mask].sum(), k))


def beta_coverage(shape: tuple[float, float], k: int) -> float:
    """pass@k of a benchmark whose prompts are solved with Beta-distributed probability.

    Parameters
    ----------
    shape : pair of float
        Both shape parameters, above 0.
    k : int, at least 1

    Returns
    -------
    float in [0, 1]

    Examples
    --------
    >>> round(beta_coverage((1.0, 1.0), 1), 6), round(beta_coverage((1.0, 1.0), 9), 6)
    (0.5, 0.9)
    """
    whole("k", k, "an integer of at least 1", at_least=1)
    a, b = (real("shape", part, "two finite numbers above 0", above=0) for part in shape)
    return -math.expm1(float(special.betaln(a, b + k) - special.betaln(a, b)))


def beta_shape(pass_1: float, pass_k: float, k: int) -> tuple[float, float]:
    """Beta distribution over prompts with a given pass@1 and pass@k.

    Parameters
    ----------
    pass_1, pass_k : float in (0, 1)
    k : int, at least 2

    Returns
    -------
    a, b : float

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or no distribution over prompts has these two numbers: pass@k
        lies between pass@1 (each prompt solved always or never) and ``1 - (1 - pass_1)**k`` (all alike).

    Notes
    -----
    The Beta family is an assumption: two numbers determine two shapes, so nothing is left to test the family.

    Examples
    --------
    >>> a, b = beta_shape(0.5, 0.9, 9)
    >>> round(a, 6), round(b, 6)
    (1.0, 1.0)
    """
    real("pass_1", pass_1, "a number strictly between 0 and 1", above=0, below=1)
    whole("k", k, "an integer of at least 2", at_least=2)
    real("pass_k", pass_k, "a number strictly between 0 and 1", above=0, below=1)
    if not pass_1 < pass_k < coverage(pass_1, k):
        raise ValueError(
            f"pass_k must lie strictly between pass_1 = {pass_1!r} and 1 - (1 - pass_1)**k = "
            f"{float(coverage(pass_1, k))!r}, got {pass_k!r}"
        )

    def excess(log_concentration: float) -> float:
        concentration = math.exp(log_concentration)
        return beta_coverage((pass_1 * concentration, (1 - pass_1) * concentration), k) - pass_k

    concentration = math.exp(optimize.brentq(excess, -20.0, 25.0, xtol=1e-13))
    return pass_1 * concentration, (1 - pass_1) * concentration


@dataclass(frozen=True)
class Tilted:
    """The prior after probability is moved from wrong to correct actions.

    Attributes
    ----------
    policy : ndarray (action,)
    accuracy : float
        Probability of a correct action.
    kl : float
        KL(policy || prior), in nats.
    """

    policy: NDArray[np.float64]
    accuracy: float
    kl: float


def kl_divergence(policy: ArrayLike, prior: ArrayLike) -> NDArray[np.float64]:
    """KL(policy || prior) in nats over the last axis: arrays (..., action) to (...); inf where undefined."""
    # kl_div adds prior - policy to each term: the same sum, without a negative rounding error
    return special.kl_div(np.asarray(policy, float), np.asarray(prior, float)).sum(axis=-1)


def jeffreys(policy: ArrayLike, prior: ArrayLike) -> NDArray[np.float64]:
    """KL(policy || prior) + KL(prior || policy) in nats, arrays (..., action) to (...)."""
    return kl_divergence(policy, prior) + kl_divergence(prior, policy)


def kl_by_purpose(
    policies: ArrayLike, prior: ArrayLike, correct: ArrayLike
) -> dict[str, NDArray[np.float64]]:
    """Split the KL divergence of trained policies from their prior by what it did, by the chain rule.

    Parameters
    ----------
    policies : array_like (..., task, seed, prompt, action)
        As in ``Runs.policies``.
    prior : array_like (task, prompt, action)
        As in ``Tasks``.
    correct : array_like of bool (task, prompt, action)
        As in ``Tasks``.

    Returns
    -------
    dict of str to ndarray (..., task, seed, prompt)
        KL divergence in nats, in three parts that sum to the whole: "moves accuracy" moved probability
        between right and wrong answers, "among right" and "among wrong" rearranged it within each set.

    Examples
    --------
    >>> prior, right = [[[0.25, 0.25, 0.5]]], [[[True, True, False]]]
    >>> {name: round(float(kl[0, 0, 0]), 4) for name, kl in
    ...  kl_by_purpose([[[[0.5, 0.0, 0.5]]]], prior, right).items()}
    {'moves accuracy': 0.0, 'among right': 0.3466, 'among wrong': 0.0}
    """
    now = np.asarray(policies, float)
    start, right = np.asarray(prior, float)[:, None], np.asarray(correct, bool)[:, None]
    mass = np.where(right, now, 0).sum(-1)
    mass_start = np.broadcast_to(np.where(right, start, 0).sum(-1), mass.shape)
    sides = {"among right": (right, mass, mass_start), "among wrong": (~right, 1 - mass, 1 - mass_start)}
    rearranged = {
        name: np.where(side, special.rel_entr(now, start), 0).sum(-1) - special.rel_entr(here, there)
        for name, (side, here, there) in sides.items()
    }
    ends = np.stack([mass, 1 - mass], -1), np.stack([mass_start, 1 - mass_start], -1)
    return {"moves accuracy": kl_divergence(*ends), **rearranged}


def kl_ceiling(policy: ArrayLike, correct: ArrayLike, *, kl_coefficient: float) -> Tilted:
    """Maximise the expected reward minus `kl_coefficient` times KL to `policy`.

    With reward 1 for correct actions the optimum is ``policy * exp(reward / kl_coefficient)``, normalised: it
    multiplies the odds of a correct answer by ``exp(1 / kl_coefficient)``.

    Parameters
    ----------
    policy : array_like (action,)
        The prior.
    correct : array_like of bool (action,)
    kl_coefficient : float, above 0

    Returns
    -------
    Tilted

    Notes
    -----
    The gain in accuracy is exactly ``kl_coefficient`` times the Jeffreys divergence from the prior.

    References
    ----------
    Monteiro Paes, Mackraz, Theobald, Danieli. Theoretical limits of language model alignment.
    arXiv:2605.07105, 2026.

    Examples
    --------
    >>> best = kl_ceiling([0.25, 0.75], [True, False], kl_coefficient=1.0)
    >>> gain = best.accuracy - 0.25
    >>> bool(np.isclose(gain, 1.0 * jeffreys(best.policy, [0.25, 0.75])))
    True
    """
    prior, mask = _prompt(policy, correct)
    real("kl_coefficient", kl_coefficient, "a finite number above 0", above=0)
    return _tilted(prior, mask, special.expit(special.logit(prior[mask].sum()) + 1.0 / kl_coefficient))


def best_of_n(policy: ArrayLike, correct: ArrayLike, n: int) -> Tilted:
    """Sample n answers and keep a correct one if there is one.

    Parameters
    ----------
    policy : array_like (action,)
        The prior.
    correct : array_like of bool (action,)
    n : int, at least 1

    Returns
    -------
    Tilted

    Notes
    -----
    With a reward of 0 or 1 the kept answer follows the prior within the correct and within the wrong actions.
    So best-of-n is the KL ceiling that multiplies the odds by the same factor.

    Examples
    --------
    >>> round(best_of_n([0.25, 0.75], [True, False], 2).accuracy, 6)
    0.4375
    """
    prior, mask = _prompt(policy, correct)
    whole("n", n, "an integer of at least 1", at_least=1)
    return _tilted(prior, mask, pass_at_k(prior, mask, n))


def accuracy_at_kl(policy: ArrayLike, correct: ArrayLike, kl: float) -> float:
    """Highest accuracy of all policies within `kl` nats of `policy`.

    Parameters
    ----------
    policy : array_like (action,)
        The prior.
    correct : array_like of bool (action,)
    kl : float, at least 0
        Largest KL(trained || prior).

    Returns
    -------
    float in [0, 1]

    Notes
    -----
    The bound is concave in `kl`, so for prompts with one prior accuracy it also bounds their mean accuracy by
    their mean KL.

    Examples
    --------
    >>> round(accuracy_at_kl([0.25, 0.75], [True, False], kl_divergence([0.5, 0.5], [0.25, 0.75])), 6)
    0.5
    """
    prior, mask = _prompt(policy, correct)
    real("kl", kl, "a finite number of at least 0", above=0, closed=True)
    p = float(min(prior[mask].sum(), 1.0))
    if p == 0 or kl >= -np.log(p):
        return 0.0 if p == 0 else 1.0

    def excess(accuracy: float) -> float:
        return float(kl_divergence([accuracy, 1 - accuracy], [p, 1 - p])) - kl

    return float(optimize.brentq(excess, p, 1.0, xtol=1e-14))


def _prompt(policy: ArrayLike, correct: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    probabilities, mask = policy_and_correct(policy, correct)
    assert mask is not None
    return probabilities, mask


def _tilted(prior: NDArray[np.float64], correct: NDArray[np.bool_], accuracy: float) -> Tilted:
    """Rescale the correct actions of `prior` to sum to `accuracy`, and the wrong ones to the rest."""
    p = prior[correct].sum()
    wrong = prior[~correct].sum()
    if p == 0 or wrong == 0:
        return Tilted(prior, float(p), 0.0)
    policy = np.where(correct, prior * (accuracy / p), prior * ((1.0 - accuracy) / wrong))
    return Tilted(policy, float(accuracy), float(kl_divergence(policy, prior)))
