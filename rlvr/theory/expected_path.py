"""Accuracy along training, predicted by replacing every update with its expectation.

With the drift and the KL pull of one update in closed form, a step of the path is::

    logits += learning_rate * ( drift(policy) + kl_coefficient * P(group counts) * KL pull(policy) )

The unit is one prompt; a family with spread is averaged over its prompts by quadrature.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from rlvr._checks import choice, whole
from rlvr.arms import ARMS
from rlvr.simulator.grpo_config import GRPOConfig, refuse_new_rules
from rlvr.simulator.task_family import TaskFamily
from rlvr.theory.expected_drift import kl_pulls, majority_drifts, true_drifts

__all__ = ["check_covered", "counted", "crossing_after", "expected_accuracy", "mean_field", "update_weights"]

Floats = NDArray[np.float64]


def update_weights(family: TaskFamily, config: GRPOConfig) -> Floats:
    """Probability that a prompt has had n visits when training ends.

    A step draws `batch_size` of `n_prompts` prompts without replacement, so the count is binomial.

    Returns
    -------
    ndarray (visits + 1,)
        Ends where less than 1e-12 is left.

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
        With spread, 24 quadrature nodes stand for the prompts.
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
        If an argument is out of range, or `config` asks for another filtering, advantage or rule of
        updating and rewarding than these formulas cover.

    Notes
    -----
    Equal correct actions stay equal on the expected path. Real paths break that symmetry, which is why
    MAJORITY does better than its mean field wherever two correct actions compete; see
    :func:`rlvr.theory.moment_closure.majority_closure`. With ``tie_break="lowest"`` the path depends on
    where the roles sit among the indices, and is averaged over all their places.
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
            pull = counted(policy, correct[0], config, arm)[:, None] * kl_pulls(policy, prior, config.kl)
            logits += config.learning_rate * (drift + config.kl_coefficient * pull)
    return accuracy


def expected_accuracy(family: TaskFamily, config: GRPOConfig, arm: str) -> float:
    """Accuracy at the end of training along the expected path.

    The path of :func:`mean_field`, averaged over how many visits a prompt gets
    (:func:`update_weights`). Arguments and errors are theirs.

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

    def gain(strength: float) -> float:
        path = mean_field(replace(family, prior_strength=strength), config, "majority", n_updates)
        return float(path[-1] - path[0])

    if not gain(0.01) < 0 < gain(0.99):
        raise ValueError(
            f"family must lose accuracy by MAJORITY at prior strength 0.01 and gain at 0.99, got {family!r}"
        )
    return float(optimize.brentq(gain, 0.01, 0.99, xtol=1e-6))


def check_covered(config: GRPOConfig) -> None:
    """Raise an error if `config` is none (TypeError) or not one that these formulas describe (ValueError)."""
    if not isinstance(config, GRPOConfig):
        raise TypeError(f"config must be a GRPOConfig, got {type(config).__name__}")
    if config.advantage != "grpo" or config.filtering not in ("drop", "off"):
        raise ValueError(
            "config must have advantage 'grpo' and filtering 'drop' or 'off' for these formulas, got "
            f"{config.advantage!r} and {config.filtering!r}"
        )
    refuse_new_rules(config, "for these formulas")


def counted(policies: Floats, correct: NDArray[np.bool_], config: GRPOConfig, arm: str) -> Floats:
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
