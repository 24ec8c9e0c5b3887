"""Expected effect of one update in closed form: drifts of all rewards, KL pulls, the null's curvature.

The *drift* of an arm is the expectation of the policy term of one group of G sampled actions::

    E[ mean_i A_i (onehot(a_i) - policy) ],    A_i = (r_i - mean r) / std r,   population std

The drift is an ndarray (action,) that sums to zero; a group of equal rewards counts as zero. Nothing here is
simulated. RANDOM's drift is zero, so its null is of second order. MAJORITY's drift is a sum over the
``C(G+K-1, K-1)`` ways to distribute a group of G over K actions (6,435 for G = K = 8).

All rewards that judge one answer at a time share one formula. Let the reward of an answer a be 1 with
probability rho_a, independently for each answer. With the reward rate q = sum_a policy_a rho_a, all
advantages give the same direction and differ in speed::

    drift_a = policy_a (rho_a - q) * speed(q)

    "grpo"       speed = E[sqrt(m (G - m))] / (G q (1 - q)),   m binomial (G, q)
    "centered"   speed = (G - 1) / G
    "rloo"       speed = 1

TRUE, a noisy verifier, a label fixed before training and a coin are four choices of rho. The unit is one
prompt in one update. An argument out of range is refused by name (TypeError, ValueError).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from rlvr._checks import choice, policy_and_correct, real, shown, whole

__all__ = [
    "MOST_GROUPS", "PluralityTable", "checked_prompt", "compositions", "kl_pull", "kl_pulls",
    "log_multinomial", "majority_drift", "majority_drifts", "mirror_random_drift", "noisy_rates",
    "null_curvature", "plurality_table", "random_drift", "reward_drift", "reward_speed", "true_drift",
    "true_drifts",
]  # fmt: skip

Floats = NDArray[np.float64]

MOST_GROUPS = 1_000_000
"""Largest number of count vectors that is enumerated; their tables take about 150 bytes each for eight
actions.
"""

_LOG_ZERO = -1e4  # replaces log 0, whose product with a count of zero would be undefined

_CHUNK = 4  # policies a matrix product: small ones stay on one thread, so no machine changes their last bit


def true_drift(policy: ArrayLike, correct: ArrayLike, *, group_size: int) -> Floats:
    """Drift of the TRUE arm.

    With p the probability of a correct action, every correct action a drifts by ``(policy_a / p) h`` and
    every wrong one by ``-(policy_a / (1 - p)) h``, where ``h = E[sqrt(m (G - m))] / G``, the expected
    standard deviation of a group's rewards, and m is binomial (G, p).

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

    Notes
    -----
    As G grows, h tends to sqrt(p (1 - p)), and the update ascends ``2 arcsin(sqrt(p))``.

    Examples
    --------
    >>> true_drift([0.5, 0.5], [True, False], group_size=2)
    array([ 0.25, -0.25])
    """
    probabilities, mask = checked_prompt(policy, correct, group_size)
    return true_drifts(probabilities[None], mask, group_size)[0]


def true_drifts(policies: Floats, correct: NDArray[np.bool_], group_size: int) -> Floats:
    """TRUE drifts of a batch, arrays (policy, action), unchecked; see :func:`true_drift`."""
    m = np.arange(group_size + 1)
    p = policies[:, correct].sum(axis=1, keepdims=True)
    wrong = policies[:, ~correct].sum(axis=1, keepdims=True)
    h = stats.binom.pmf(m, group_size, np.minimum(p, 1.0)) @ np.sqrt(m * (group_size - m)) / group_size
    side = np.where(correct, p, -wrong)
    return np.divide(policies, side, out=np.zeros_like(policies), where=side != 0) * h[:, None]


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
        0 for "grpo" at a rate of 0 or 1, where every group is unanimous.

    Notes
    -----
    "grpo" tends to ``1 / sqrt(q (1 - q))`` as G grows and is largest where answers agree most; the other two
    do not depend on q. So the advantages differ only in which prompts learn fastest.

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
    """Expected policy term of one update, for a reward that judges one answer at a time.

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
            f"reward_rates must be {probabilities.size} probabilities in [0, 1], one per action, "
            f"got {shown(reward_rates)}"
        )
    q = min(float(probabilities @ rates), 1.0)
    return probabilities * (rates - q) * reward_speed(q, group_size=group_size, advantage=advantage)


def noisy_rates(correct: ArrayLike, verifier_noise: tuple[float, float]) -> Floats:
    """Reward rates of TRUE under a verifier that errs independently on each answer.

    A difference of two rates shrinks by ``1 - fp - fn``. The drift of "centered" and "rloo" shrinks by
    exactly this factor: on average noise slows learning without changing its direction. The spread of an
    update does not shrink with its mean, so a noisy verifier differs from a smaller learning rate. "grpo"
    divides by a standard deviation, which noise changes too.

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


def majority_drift(policy: ArrayLike, *, group_size: int, tie_break: str) -> Floats:
    """Drift of the MAJORITY arm, by enumeration of every composition of the group.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities.
    group_size : int, at least 2
        Samples a group, G.
    tie_break : {"lowest", "uniform"}
        Rewarded action among the most frequent ones: the one of lowest index, or a random one.

    Returns
    -------
    ndarray (action,)

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or there are over a million compositions.

    Notes
    -----
    If the plurality action has m of the G samples, it moves by ``sqrt(m (G - m)) / G``, and any other action
    with n samples by ``-(n / G) sqrt(m / (G - m))``. Both are tabulated once for each (G, K), so a drift is
    one matrix product with the multinomial probabilities.

    Examples
    --------
    >>> majority_drift([0.75, 0.25], group_size=2, tie_break="lowest")
    array([ 0.1875, -0.1875])
    """
    probabilities, _ = checked_prompt(policy, None, group_size)
    choice("tie_break", tie_break, ("lowest", "uniform"))
    return majority_drifts(probabilities[None], group_size, tie_break)[0]


def majority_drifts(policies: Floats, group_size: int, tie_break: str) -> Floats:
    """MAJORITY drifts of a batch, arrays (policy, action), unchecked; see :func:`majority_drift`."""
    table = plurality_table(group_size, policies.shape[1], tie_break)
    parts = np.array_split(policies, -(-len(policies) // _CHUNK))
    return np.concatenate([table.probabilities(part) @ table.drift for part in parts])


def compositions(group_size: int, n_actions: int) -> NDArray[np.int64]:
    """All count vectors of `group_size` samples on `n_actions` actions, ndarray (vector, action).

    Raises
    ------
    ValueError
        If there are more than ``MOST_GROUPS``.

    Examples
    --------
    >>> compositions(2, 2).tolist()
    [[0, 2], [1, 1], [2, 0]]
    """
    n_slots = group_size + n_actions - 1
    n_vectors = math.comb(n_slots, n_actions - 1)
    if n_vectors > MOST_GROUPS:
        raise ValueError(
            f"group_size {group_size} with {n_actions} actions has {n_vectors} compositions, "
            f"at most {MOST_GROUPS} are enumerated"
        )
    flat = itertools.chain.from_iterable(itertools.combinations(range(n_slots), n_actions - 1))
    bars = np.fromiter(flat, dtype=np.int64, count=n_vectors * (n_actions - 1))
    edges = np.pad(bars.reshape(n_vectors, n_actions - 1), ((0, 0), (1, 1)), constant_values=-1)
    edges[:, -1] = n_slots
    return np.diff(edges, axis=1) - 1


def log_multinomial(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Logarithm of the number of orders in which each count vector can be sampled, ndarray (vector,)."""
    return special.gammaln(counts.sum(axis=1) + 1) - special.gammaln(counts + 1).sum(axis=1)


@dataclass(frozen=True)
class PluralityTable:
    """MAJORITY's reward and update for each count vector.

    Attributes
    ----------
    counts : ndarray (vector, action)
    log_orders : ndarray (vector,)
        Logarithm of the number of orders in which each vector can be sampled.
    share : ndarray (vector, action)
        Probability that an action is the rewarded plurality.
    won : ndarray (vector,)
        Movement of the plurality: with m its count, ``sqrt(m (G - m)) / G``; 0 for a unanimous group.
    lost : ndarray (vector,)
        Movement back of any other action per sample: ``sqrt(m / (G - m)) / G``; 0 for a unanimous group.
    drift : ndarray (vector, action)
        Mean policy term over ties.
    """

    counts: NDArray[np.float64]
    log_orders: NDArray[np.float64]
    share: NDArray[np.float64]
    won: NDArray[np.float64]
    lost: NDArray[np.float64]
    drift: NDArray[np.float64]

    def probabilities(self, policies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each count vector, ndarray (policy, vector), under `policies` (policy, action)."""
        logs = np.log(policies, out=np.full_like(policies, _LOG_ZERO), where=policies > 0)
        return np.exp(self.log_orders + logs @ self.counts.T)


@lru_cache(maxsize=8)
def plurality_table(group_size: int, n_actions: int, tie_break: str) -> PluralityTable:
    """Tabulate the plurality rule: the "lowest" index of the most frequent actions, or a "uniform" draw."""
    counts = compositions(group_size, n_actions)
    most = counts.max(axis=1, keepdims=True)
    tied = counts == most
    if tie_break == "lowest":
        tied &= tied.cumsum(axis=1) == 1
    others = np.where(most < group_size, group_size - most, np.inf)[:, 0]
    won = np.sqrt(most[:, 0] * np.where(np.isfinite(others), others, 0.0)) / group_size
    lost = np.sqrt(most[:, 0] / others) / group_size
    share = tied / tied.sum(axis=1, keepdims=True)
    drift = share * (won + lost * most[:, 0])[:, None] - counts * lost[:, None]
    return PluralityTable(counts.astype(float), log_multinomial(counts), share, won, lost, drift)


def kl_pull(policy: ArrayLike, prior: ArrayLike, *, kl: str) -> Floats:
    """The KL term that `kl_coefficient` multiplies in an update of the logits.

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
    GRPO estimates KL(policy || prior) at each sampled answer a by k3, ``r - log r - 1`` with ``r = prior_a /
    policy_a``. Differentiated at the samples, k3 has the gradient ``(1 - r) (onehot(a) - policy)``, whose
    mean over the policy is ``policy - prior``, the gradient of KL(prior || policy). The gradient of the mean
    of k3 differs because the samples depend on the policy too; k3 multiplied by the ratio of the policy to
    the sampling policy has that gradient.

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


def kl_pulls(policies: Floats, priors: Floats, kl: str) -> Floats:
    """KL terms of a batch, arrays (policy, action), unchecked; see :func:`kl_pull`."""
    if kl == "forward":
        return priors - policies
    divergence = special.rel_entr(policies, priors).sum(axis=1, keepdims=True)
    return policies * divergence - special.rel_entr(policies, priors)


def random_drift(policy: ArrayLike, *, group_size: int) -> Floats:
    """Drift of the RANDOM arm: zero, for any policy and any Bernoulli rate.

    Given the actions, the advantages are exchangeable and sum to zero, so each has expectation zero.

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
    """Second-order prediction of the null: the effect of unbiased noise in the logits on the accuracy.

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
        Visits of the prompt, one update each. The curvature is held at the prior, so it is multiplied by this
        number.

    Returns
    -------
    float
        Predicted acc(RANDOM) - acc(FROZEN).

    Notes
    -----
    The prediction ignores the KL pull and all terms beyond ``learning_rate**2 n_updates``.

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


def mirror_random_drift(
    policy: ArrayLike, *, group_size: int, temperature: float = 1.0
) -> NDArray[np.float64]:
    """Expected mirror step of RANDOM, over all compositions of the group.

    The mean over samples is exact, the expansion in 1 / temperature is of second order.

    Parameters
    ----------
    policy : array_like (action,)
        Probabilities, all positive.
    group_size : int, at least 2
    temperature : float, above 0

    Returns
    -------
    ndarray (action,)
        Sums to zero; the logits move by the learning rate times this step.

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


def checked_prompt(
    policy: ArrayLike, correct: ArrayLike | None, group_size: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """Check one prompt and its group size; without `correct`, the mask marks no action."""
    whole("group_size", group_size, "an integer of at least 2", at_least=2)
    probabilities, mask = policy_and_correct(policy, correct)
    return probabilities, np.zeros(probabilities.size, dtype=bool) if mask is None else mask
