"""MAJORITY without simulated training: a Gaussian closure of the law of the logits.

The expected path of MAJORITY misses because two equally good answers do not stay equal: chance puts one
ahead, and the plurality rule then feeds its lead. So the *distribution* of a prompt's logits x is carried
along instead of its mean alone. Per update, with D the policy term of a group and everything exact given x::

    mean' = E[x + lr D],        covariance' = Cov[x + E(lr D | x)] + E[Cov(lr D | x)]

The outer expectations run over a Gaussian, by a quadrature rule of degree five. Once the spread is too
wide for one Gaussian it is cut, along its widest direction, into a few narrower ones that then go
their own ways. The state is lumped: every correct action and the format action keep a logit of
their own, the other wrong actions share one. The unit is one prompt.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from rlvr._checks import real, whole
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.task_family import TaskFamily
from rlvr.theory.expected_drift import kl_pulls
from rlvr.theory.expected_path import check_covered, counted, update_weights
from rlvr.theory.group_compositions import PluralityTable, plurality_table

__all__ = ["closure_accuracy", "majority_closure"]

Floats = NDArray[np.float64]

_KEPT = 0.25  # part of the variance along a cut that each part keeps
_CHUNK = 40  # policies a matrix product: small ones stay on one thread, so no machine changes their last bit
_MOST = 81  # Gaussians at most; the heaviest are cut first


def majority_closure(
    family: TaskFamily, config: GRPOConfig, n_updates: int, *, widest: float = 0.25
) -> Floats:
    """Predict the MAJORITY arm's mean accuracy after each visit of a prompt.

    Parameters
    ----------
    family : TaskFamily
        With spread, 16 quadrature nodes stand for the prompts.
    config : GRPOConfig
        With ``tie_break="uniform"``; `n_steps` and `batch_size` play no part.
    n_updates : int, at least 0
        Visits of one prompt.
    widest : float, above 0
        Standard deviation, in logits, above which a Gaussian is cut in three, as long as there are no
        more than 81; ``math.inf`` keeps a single one.

    Returns
    -------
    ndarray (n_updates + 1,)
        Accuracy after 0, 1, ... visits.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or `config` asks for a tie rule, filtering, advantage or other rule
        of updating and rewarding that the closure does not cover.

    Notes
    -----
    Lumping ignores that chance also separates the unmarked wrong actions. That costs nothing while the
    format action leads them; with ``format_strength=0`` and a weak prior it does.

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
    table = _lumped_table(family, config.group_size)
    strengths, weights = family.strengths(16)
    paths = [
        _one_prior(family.prior(strength), family.n_correct, config, table, n_updates, widest)
        for strength in strengths
    ]
    return weights @ np.array(paths)


def closure_accuracy(family: TaskFamily, config: GRPOConfig, *, widest: float = 0.25) -> float:
    """Predict the MAJORITY arm's mean accuracy at the end of training.

    The prediction of :func:`majority_closure`, averaged over how many visits a prompt gets. Arguments
    and errors are its own.
    """
    weights = update_weights(family, config)
    return float(weights @ majority_closure(family, config, weights.size - 1, widest=widest))


class _Lumped(NamedTuple):
    """Groups up to a permutation of the unmarked wrong actions, seen in the lumped coordinates."""

    basis: Floats  # (coordinate, action), orthonormal rows that sum to zero
    groups: PluralityTable  # one vector for all that a permutation makes equal
    moments: Floats  # (vector, coordinate + coordinate^2): mean policy term, mean of its square


def _lumped_table(family: TaskFamily, group_size: int) -> _Lumped:
    n_own = family.n_correct + 1
    n_shared = family.n_actions - n_own
    symmetric = linalg.block_diag(np.eye(n_own), np.ones((min(n_shared, 1), n_shared)))
    basis = linalg.orth((symmetric - symmetric.mean(axis=1, keepdims=True)).T).T
    full = plurality_table(group_size, family.n_actions, "uniform")
    kept = np.all(np.diff(full.counts[:, n_own:], axis=1) <= 0, axis=1)
    groups = PluralityTable(**{field.name: getattr(full, field.name)[kept] for field in fields(full)})
    # how many count vectors each kept one stands for: arrangements of the repeated shared counts
    repeats = (groups.counts[:, n_own:, None] == np.arange(group_size + 1)).sum(axis=1)
    log_alike = special.gammaln(n_shared + 1) - special.gammaln(repeats + 1).sum(axis=1)
    groups = replace(groups, log_orders=groups.log_orders + log_alike)
    size = len(basis)
    first, second = np.zeros((len(log_alike), size)), np.zeros((len(log_alike), size, size))
    for action in range(family.n_actions):
        term = -groups.counts * groups.lost[:, None]
        term[:, action] = groups.won
        share, seen = groups.share[:, action], term @ basis.T
        first += share[:, None] * seen
        second += share[:, None, None] * seen[:, :, None] * seen[:, None, :]
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
    applies = counted(policy, np.zeros(prior.size, dtype=bool), config, "majority")[:, None]
    cross = drift[:, :, None] * pull[:, None, :]
    both = square + cross + cross.swapaxes(1, 2) + applies[..., None] * pull[:, :, None] * pull[:, None, :]
    return drift + applies * pull, both


def _cut(
    weights: Floats, mean: Floats, variance: Floats, axes: Floats, widest: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Cut the wide Gaussians in three along their widest axis: Gauss-Hermite nodes, same two moments."""
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
    """Nodes (2 size**2 + 1, size) and weights that integrate degree 5 exactly over a standard Gaussian."""
    root = np.sqrt(3.0)
    axis = root * np.eye(size)
    i, j = np.triu_indices(size, 1)
    pairs = [s * axis[i] + t * axis[j] for s in (1, -1) for t in (1, -1)]
    nodes = np.concatenate([np.zeros((1, size)), axis, -axis, *pairs])
    weights = np.full(len(nodes), 1 / 36)
    weights[0] = 1 + (size**2 - 7 * size) / 18
    weights[1 : 2 * size + 1] = (4 - size) / 18
    return nodes, weights
