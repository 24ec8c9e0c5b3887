"""Accuracy along training and at its end, predicted without simulation.

Along the *expected path* every update is replaced by its expectation::

    logits += learning_rate * ( drift(policy) + kl_coefficient * P(group counts) * KL pull(policy) )

MAJORITY leaves this path because two equally good answers do not stay equal: chance puts one ahead, and the
plurality rule amplifies its lead. So a *Gaussian closure* follows the law of a prompt's logits x instead of
their mean alone. Per update, with D the policy term of a group and everything exact given x::

    mean' = E[x + lr D],        covariance' = Cov[x + E(lr D | x)] + E[Cov(lr D | x)]

The outer expectations are over a Gaussian, by a quadrature rule of degree five. Once the spread is too wide
for one Gaussian, it is cut along its widest direction into a few narrower ones that then evolve separately.
The state is lumped: every correct action and the format action have their own logits, and the other wrong
actions share one.

The *end* needs no formula of the trainer. A majority reward depends only on the policy's own votes, so with
enough training each prompt ends at its prior's mode::

    limit of MAJORITY - FROZEN = maj@infinity - pass@1

where ``maj@infinity`` is the accuracy of a vote among infinitely many answers. This is the limit of null plus
elicitation, and of elicitation alone where the null is zero.

The unit is one prompt; a family with spread is averaged over its prompts by quadrature.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import fields, replace
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, special, stats

from rlvr._checks import choice, real, whole
from rlvr.arms import ARMS
from rlvr.simulator.grpo_config import GRPOConfig, refuse_new_rules
from rlvr.simulator.task_family import TaskFamily
from rlvr.theory.expected_drift import PluralityTable, kl_pulls, majority_drifts, plurality_table, true_drifts

__all__ = [
    "check_covered",
    "closure_accuracy",
    "crossing_after",
    "crossover",
    "elicitation_limit",
    "expected_accuracy",
    "kl_term_probability",
    "majority_closure",
    "mean_field",
    "update_weights",
]

Floats = NDArray[np.float64]

_KEPT = 0.25  # fraction of the variance along a cut that each part keeps
_CHUNK = 40  # policies a matrix product: small ones stay on one thread, so no machine changes their last bit
_MOST = 81  # most Gaussians; those of largest weight are cut first


def update_weights(family: TaskFamily, config: GRPOConfig) -> Floats:
    """Probability that a prompt has n visits by the end of training.

    A step draws `batch_size` of `n_prompts` prompts without replacement, so the count is binomial.

    Returns
    -------
    ndarray (visits + 1,)
        Ends where the remaining probability is below 1e-12.

    Raises
    ------
    ValueError
        If `batch_size` is above `n_prompts`.
    """
    chance = config.batch_size / family.n_prompts
    if not chance <= 1:
        raise ValueError(
            f"batch_size must be at most n_prompts = {family.n_prompts}, got {config.batch_size}"
        )
    count = stats.binom(config.n_steps, chance)
    weights = count.pmf(np.arange(int(count.isf(1e-12)) + 1))
    return weights / weights.sum()


def mean_field(family: TaskFamily, config: GRPOConfig, arm: str, n_updates: int) -> Floats:
    """Accuracy along the expected path: every update replaced by its expectation.

    Parameters
    ----------
    family : TaskFamily
        With spread, 24 quadrature nodes represent the prompts.
    config : GRPOConfig
        `n_steps` and `batch_size` play no part.
    arm : str
        One of ``ARMS``.
    n_updates : int, at least 0
        Visits of one prompt, one update each.

    Returns
    -------
    ndarray (n_updates + 1,)
        Accuracy after 0, 1, ... visits.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or `config` has a filtering, advantage, update or reward rule that
        these formulas do not cover.

    Notes
    -----
    On the expected path equal correct actions stay equal. Real paths break this symmetry, so MAJORITY does
    better than its mean field wherever two correct actions compete; see :func:`majority_closure`. With
    ``tie_break="lowest"`` the path depends on the roles' indices, and is averaged over all their placements.
    """
    choice("arm", arm, ARMS)
    whole("n_updates", n_updates, "an integer of at least 0", at_least=0)
    check_covered(config)
    strengths, node_weights = family.strengths(24)
    roles = _arrangements(family) if (arm, config.tie_break) == ("majority", "lowest") else _in_order(family)
    prior = family.prior(strengths)[:, roles].reshape(-1, family.n_actions)
    correct = np.tile(roles < family.n_correct, (strengths.size, 1))
    weights = np.repeat(node_weights, len(roles)) / len(roles)
    logits, accuracy = np.log(prior), np.empty(n_updates + 1)
    for n in range(n_updates + 1):
        policy = special.softmax(logits, axis=1)
        accuracy[n] = weights @ np.where(correct, policy, 0.0).sum(axis=1)
        if arm != "frozen":
            drift = _drift(policy, correct[0], config, arm)
            pull = kl_term_probability(policy, correct[0], config, arm)[:, None] * kl_pulls(
                policy, prior, config.kl
            )
            logits += config.learning_rate * (drift + config.kl_coefficient * pull)
    return accuracy


def expected_accuracy(family: TaskFamily, config: GRPOConfig, arm: str) -> float:
    """Accuracy at the end of training along the expected path.

    The path of :func:`mean_field`, averaged over the number of visits of a prompt (:func:`update_weights`).
    Arguments and errors are the same.

    Examples
    --------
    >>> round(expected_accuracy(TaskFamily(prior_strength=0.8), GRPOConfig(), "true"), 2)
    0.88
    """
    weights = update_weights(family, config)
    return float(weights @ mean_field(family, config, arm, weights.size - 1))


def crossing_after(family: TaskFamily, config: GRPOConfig, n_updates: int) -> float:
    """Prior strength at which MAJORITY's gain along the expected path changes sign.

    Parameters
    ----------
    family : TaskFamily
        Its own `prior_strength` plays no part.
    config : GRPOConfig
    n_updates : int, at least 1
        Visits of one prompt, one update each.

    Returns
    -------
    float in (0.01, 0.99)
        To a millionth.

    Raises
    ------
    ValueError
        If `n_updates` is below 1, or the gain is not negative at 0.01 and positive at 0.99.

    Examples
    --------
    >>> round(crossing_after(TaskFamily(), GRPOConfig(tie_break="uniform"), 1), 3)
    0.385
    """
    whole("n_updates", n_updates, "an integer of at least 1", at_least=1)

    @cache  # both ends are needed twice
    def gain(strength: float) -> float:
        path = mean_field(replace(family, prior_strength=strength), config, "majority", n_updates)
        return float(path[-1] - path[0])

    if not gain(0.01) < 0 < gain(0.99):
        raise ValueError(
            f"family must lose accuracy by MAJORITY at prior strength 0.01 and gain at 0.99, got {family!r}"
        )
    return float(optimize.brentq(gain, 0.01, 0.99, xtol=1e-6))


def check_covered(config: GRPOConfig) -> None:
    """Raise a TypeError if `config` is not a GRPOConfig, a ValueError if these formulas do not cover it."""
    if not isinstance(config, GRPOConfig):
        raise TypeError(f"config must be a GRPOConfig, got {type(config).__name__}")
    if config.advantage != "grpo" or config.filtering not in ("drop", "off"):
        raise ValueError(
            "config must have advantage 'grpo' and filtering 'drop' or 'off' for these formulas, got "
            f"{config.advantage!r} and {config.filtering!r}"
        )
    refuse_new_rules(config, "for these formulas")


def kl_term_probability(policies: Floats, correct: NDArray[np.bool_], config: GRPOConfig, arm: str) -> Floats:
    """Probability that a group's KL term applies, ndarray (policy,)."""
    size = config.group_size
    if config.filtering == "off":
        return np.ones(len(policies))
    if arm == "random":
        return np.full(len(policies), 1 - 2.0 ** (1 - size))
    if arm == "majority":
        return 1 - (policies**size).sum(axis=1)
    p = policies[:, correct].sum(axis=1)
    return 1 - p**size - (1 - p) ** size


def _drift(policies: Floats, correct: NDArray[np.bool_], config: GRPOConfig, arm: str) -> Floats:
    if arm == "true":
        return true_drifts(policies, correct, config.group_size)
    if arm == "majority" and config.tie_break == "uniform":  # equal for every action of a role
        table = _lumped_table(int(correct.sum()), len(correct), config.group_size)
        return table.groups.probabilities(policies) @ table.moments[:, : len(table.basis)] @ table.basis
    if arm == "majority":
        return majority_drifts(policies, config.group_size, config.tie_break)
    return np.zeros_like(policies)


def _in_order(family: TaskFamily) -> NDArray[np.int64]:
    return np.arange(family.n_actions)[None]


def _arrangements(family: TaskFamily) -> NDArray[np.int64]:
    """Every distinct placement of the roles on the indices, ndarray (placement, action)."""
    places = []
    for correct in itertools.combinations(range(family.n_actions), family.n_correct):
        for marked in set(range(family.n_actions)) - set(correct):
            role = np.full(family.n_actions, family.n_actions - 1)
            role[list(correct)] = np.arange(family.n_correct)
            role[marked] = family.n_correct
            places.append(role)
    return np.array(places)


def majority_closure(
    family: TaskFamily, config: GRPOConfig, n_updates: int, *, widest: float = 0.25
) -> Floats:
    """Predict the MAJORITY arm's mean accuracy after each visit of a prompt.

    Parameters
    ----------
    family : TaskFamily
        With spread, 16 quadrature nodes represent the prompts.
    config : GRPOConfig
        With ``tie_break="uniform"``; `n_steps` and `batch_size` play no part.
    n_updates : int, at least 0
        Visits of one prompt.
    widest : float, above 0
        Standard deviation, in logits, above which a Gaussian is cut in three, up to 81 Gaussians;
        ``math.inf`` keeps a single one.

    Returns
    -------
    ndarray (n_updates + 1,)
        Accuracy after 0, 1, ... visits.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or `config` has a tie rule, filtering, advantage, update or reward
        rule that the closure does not cover.

    Notes
    -----
    Lumping ignores that chance also separates the unmarked wrong actions. This has no effect while the format
    action leads them, but does with ``format_strength=0`` and a weak prior.

    Examples
    --------
    >>> family, config = TaskFamily(prior_strength=0.5), GRPOConfig(tie_break="uniform")
    >>> bool(majority_closure(family, config, 40)[-1] > family.prior_accuracy)
    True
    """
    whole("n_updates", n_updates, "an integer of at least 0", at_least=0)
    if widest != math.inf:
        real("widest", widest, "a number above 0, or math.inf", above=0)
    check_covered(config)
    if config.tie_break != "uniform":
        raise ValueError(f"config must have tie_break 'uniform' for the closure, got {config.tie_break!r}")
    table = _lumped_table(family.n_correct, family.n_actions, config.group_size)
    strengths, weights = family.strengths(16)
    paths = [
        _one_prior(family.prior(strength), family.n_correct, config, table, n_updates, widest)
        for strength in strengths
    ]
    return weights @ np.array(paths)


def closure_accuracy(family: TaskFamily, config: GRPOConfig, *, widest: float = 0.25) -> float:
    """Predict the MAJORITY arm's mean accuracy at the end of training.

    The prediction of :func:`majority_closure`, averaged over the number of visits of a prompt. Arguments and
    errors are the same.
    """
    weights = update_weights(family, config)
    return float(weights @ majority_closure(family, config, weights.size - 1, widest=widest))


class _Lumped(NamedTuple):
    """Groups up to a permutation of the unmarked wrong actions, in lumped coordinates."""

    basis: Floats  # (coordinate, action), orthonormal rows that sum to zero
    groups: PluralityTable  # one vector for all that are equal up to a permutation
    moments: Floats  # (vector, coordinate + coordinate^2): mean policy term, mean of its square


@lru_cache(maxsize=8)
def _lumped_table(n_correct: int, n_actions: int, group_size: int) -> _Lumped:
    n_own = n_correct + 1
    n_shared = n_actions - n_own
    symmetric = linalg.block_diag(np.eye(n_own), np.ones((min(n_shared, 1), n_shared)))
    basis = linalg.orth((symmetric - symmetric.mean(axis=1, keepdims=True)).T).T
    full = plurality_table(group_size, n_actions, "uniform")
    sorted_rows = np.all(np.diff(full.counts[:, n_own:], axis=1) <= 0, axis=1)
    groups = PluralityTable(**{field.name: getattr(full, field.name)[sorted_rows] for field in fields(full)})
    # number of count vectors that each kept one represents: arrangements of the repeated shared counts
    repeats = (groups.counts[:, n_own:, None] == np.arange(group_size + 1)).sum(axis=1)
    log_alike = special.gammaln(n_shared + 1) - special.gammaln(repeats + 1).sum(axis=1)
    groups = replace(groups, log_orders=groups.log_orders + log_alike)
    size = len(basis)
    first, second = np.zeros((len(log_alike), size)), np.zeros((len(log_alike), size, size))
    for action in range(n_actions):
        term = -groups.counts * groups.lost[:, None]
        term[:, action] = groups.won
        share, lumped = groups.share[:, action], term @ basis.T
        first += share[:, None] * lumped
        second += share[:, None, None] * lumped[:, :, None] * lumped[:, None, :]
    return _Lumped(basis, groups, np.concatenate([first, second.reshape(len(first), -1)], axis=1))


def _one_prior(
    prior: Floats, n_correct: int, config: GRPOConfig, table: _Lumped, n_updates: int, widest: float
) -> Floats:
    size, rate = len(table.basis), config.learning_rate
    nodes, node_weights = _degree_five(size)
    weights, mean = np.ones(1), (table.basis @ np.log(prior))[None]
    spread = np.zeros((1, size, size))
    accuracy = np.empty(n_updates + 1)
    for n in range(n_updates + 1):
        variance, axes = np.linalg.eigh(spread)
        variance = np.maximum(variance, 0.0)
        if variance[:, -1].max() > widest**2:
            weights, mean, variance, axes = _cut(weights, mean, variance, axes, widest)
        logits = mean[:, None] + nodes @ (axes * np.sqrt(variance)[:, None]).swapaxes(1, 2)
        policy = special.softmax(logits @ table.basis, axis=2).reshape(-1, prior.size)
        accuracy[n] = weights @ (policy[:, :n_correct].sum(axis=1).reshape(logits.shape[:2]) @ node_weights)
        first, second = _update_moments(policy, prior, config, table)
        first = rate * first.reshape(logits.shape)
        second = rate**2 * second.reshape(*logits.shape, size)
        after = logits + first
        mean = node_weights @ after
        off = after - mean[:, None]
        noise = second - first[..., :, None] * first[..., None, :]
        spread = np.einsum("n,cni,cnj->cij", node_weights, off, off) + np.einsum(
            "n,cnij->cij", node_weights, noise
        )
    return accuracy


def _update_moments(
    policy: Floats, prior: Floats, config: GRPOConfig, table: _Lumped
) -> tuple[Floats, Floats]:
    """Mean and mean square of one update per unit of learning rate, given the policy."""
    size = len(table.basis)
    parts = np.array_split(policy, -(-len(policy) // _CHUNK))
    moments = np.concatenate([table.groups.probabilities(part) @ table.moments for part in parts])
    drift, square = moments[:, :size], moments[:, size:].reshape(-1, size, size)
    pull = config.kl_coefficient * kl_pulls(policy, prior, config.kl) @ table.basis.T
    applies = kl_term_probability(policy, np.zeros(prior.size, dtype=bool), config, "majority")[:, None]
    cross = drift[:, :, None] * pull[:, None, :]
    both = square + cross + cross.swapaxes(1, 2) + applies[..., None] * pull[:, :, None] * pull[:, None, :]
    return drift + applies * pull, both


def _cut(
    weights: Floats, mean: Floats, variance: Floats, axes: Floats, widest: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Cut wide Gaussians in three along their widest axis: Gauss-Hermite nodes, same first two moments."""
    wide = np.flatnonzero(variance[:, -1] > widest**2)
    wide = wide[np.argsort(-weights[wide], kind="stable")][: (_MOST - len(weights)) // 2]
    offset = axes[wide, :, -1] * np.sqrt(3.0 * (1 - _KEPT) * variance[wide, -1:])
    narrower = variance[wide].copy()
    narrower[:, -1] *= _KEPT
    stay = np.delete(np.arange(len(weights)), wide)
    return (
        np.concatenate([weights[stay], weights[wide] * 2 / 3, weights[wide] / 6, weights[wide] / 6]),
        np.concatenate([mean[stay], mean[wide], mean[wide] + offset, mean[wide] - offset]),
        np.concatenate([variance[stay], narrower, narrower, narrower]),
        np.concatenate([axes[stay], axes[wide], axes[wide], axes[wide]]),
    )


def _degree_five(size: int) -> tuple[Floats, Floats]:
    """Nodes (2 size**2 + 1, size) and weights that are exact to degree 5 over a standard Gaussian."""
    root = np.sqrt(3.0)
    axis = root * np.eye(size)
    i, j = np.triu_indices(size, 1)
    pairs = [s * axis[i] + t * axis[j] for s in (1, -1) for t in (1, -1)]
    nodes = np.concatenate([np.zeros((1, size)), axis, -axis, *pairs])
    weights = np.full(len(nodes), 1 / 36)
    weights[0] = 1 + (size**2 - 7 * size) / 18
    weights[1 : 2 * size + 1] = (4 - size) / 18
    return nodes, weights


def elicitation_limit(family: TaskFamily) -> float:
    """Limit of accuracy in long MAJORITY training: the fraction of prompts whose prior's mode is correct.

    A prompt's plurality label is its mode more often than any other action, so its policy ends at the mode,
    with an accuracy of 1 or 0. An infinite vote, ``maj@infinity``, has the same accuracy.

    Parameters
    ----------
    family : TaskFamily
        With spread, the result is the part of the Beta distribution above `family.crossover`.

    Returns
    -------
    float in [0, 1]
        At the crossover itself the tied actions share the outcome.

    Notes
    -----
    This is the limit of small learning rates without a KL pull, for groups of at least three. With larger
    rates, chance decides prompts close to the crossover. That the mode drifts up fastest was checked
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

    Below this strength, long majority training lowers accuracy; above it, long training raises accuracy.
    Without spread the strength is ``family.crossover``, where a correct action ties for the mode; with spread
    the two differ.

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
        With spread, if no mean strength between 0.001 and 0.999 makes the two equal.

    Examples
    --------
    >>> round(crossover(TaskFamily()), 4)
    0.4643
    """
    if family.prior_spread == 0:
        return family.crossover

    def gain(strength: float) -> float:
        shifted = replace(family, prior_strength=strength)
        return elicitation_limit(shifted) - shifted.prior_accuracy

    if not gain(1e-3) < 0 < gain(1 - 1e-3):
        raise ValueError(f"family must have a crossover between 0.001 and 0.999, got none for {family!r}")
    return float(optimize.brentq(gain, 1e-3, 1 - 1e-3, xtol=1e-10))
