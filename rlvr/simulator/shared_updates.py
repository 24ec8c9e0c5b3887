"""One update of logits that all prompts share, compiled: clipped ratios, KL pull, SGD or Adam."""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False

from __future__ import annotations

import math

import numpy as np
from numba import njit

from rlvr.simulator.kernel_softmax import softmax

__all__ = ["copy", "part_drift", "tokens", "update_logits"]

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.95, 1e-8


@njit(cache=True, nogil=True)
def copy(source, target):
    """Copy `source` to `target`, both (token, strategy).

    A loop, since a copy by slice would have the compiler build the message of a mismatch it cannot meet:
    seconds of the first run.
    """
    for k in range(source.shape[0]):
        for s in range(source.shape[1]):
            target[k, s] = source[k, s]


@njit(cache=True, nogil=True)
def tokens(logits, offset, policy):
    """Fill `policy` (token, strategy) with a prompt's probabilities, token by token."""
    for k in range(logits.shape[0]):
        for s in range(logits.shape[1]):
            policy[k, s] = logits[k, s] + offset[s]
        softmax(policy[k], policy[k])


@njit(cache=True, nogil=True)
def _pull(now, reference, weight, reverse, drift):
    """Add `weight` times the gradient of -KL between one token's policy and its prior to `drift`."""
    if not reverse:
        for s in range(now.size):
            drift[s] -= weight * (now[s] - reference[s])
        return
    divergence = 0.0
    for s in range(now.size):
        divergence += now[s] * math.log(now[s] / reference[s])
    for s in range(now.size):
        drift[s] -= weight * now[s] * (math.log(now[s] / reference[s]) - divergence)


@njit(cache=True, nogil=True)
def part_drift(
    logits, offset, prompts, differ, start, stop, n_answers, old, reference, strategies, ends, advantages,
    counted, low, high, kl_coefficient, reverse, fresh, policy, drift,
):  # fmt: skip
    """Fill `drift` (token, strategy) with the mean gradient of one part of the batch.

    The part is places `start` to `stop` - 1; the mean is over `n_answers`. `old` and `reference` (row,
    token, strategy) are the policies before the step and before training, a row for each place where
    prompts differ, else one for all. `fresh` says that the logits are still those of the step's start.

    Returns
    -------
    n_clipped, n_decisions : int
        Of the tokens the part's answers decided, and how many of them were clipped.
    """
    n_tokens, n_strategies = logits.shape
    group_size = strategies.shape[1]
    drift[:] = 0.0
    pushed, visits = np.zeros(n_tokens), np.zeros(n_tokens)
    n_clipped, n_decisions = 0, 0
    for place in range(start, stop):
        row = place if differ else 0
        if differ or place == start:
            if fresh:
                copy(old[row], policy)
            else:
                tokens(logits, offset[prompts[place] if differ else 0], policy)
        for i in range(group_size):
            worth, end = advantages[place, i], ends[place, i]
            n_decisions += end + 1
            if counted[place]:
                for k in range(end + 1):
                    visits[k] += 1.0
            if worth == 0.0:
                continue
            for k in range(end + 1):
                s = strategies[place, i] if k == end else 0
                ratio = policy[k, s] / old[row, k, s]
                if (worth > 0.0 and ratio > high) or (worth < 0.0 and ratio < low):
                    n_clipped += 1
                    continue
                drift[k, s] += worth * ratio
                pushed[k] += worth * ratio
        if differ or place == stop - 1:  # answers that share a policy share its part of the gradient
            for k in range(n_tokens):
                for s in range(n_strategies):
                    drift[k, s] -= pushed[k] * policy[k, s]
                if kl_coefficient > 0.0:
                    _pull(policy[k], reference[row, k], kl_coefficient * visits[k], reverse, drift[k])
            pushed[:] = 0.0
            visits[:] = 0.0
    for k in range(n_tokens):
        for s in range(n_strategies):
            drift[k, s] /= n_answers
    return n_clipped, n_decisions


@njit(cache=True, nogil=True)
def update_logits(logits, drift, moments, n_updates, learning_rate, adam):
    """Move `logits` along `drift`, both (token, strategy); `moments` (2, token, strategy) are Adam's."""
    first_bias, second_bias = 1.0 - _BETA_1**n_updates, 1.0 - _BETA_2**n_updates
    for k in range(logits.shape[0]):
        for s in range(logits.shape[1]):
            if not adam:
                logits[k, s] += learning_rate * drift[k, s]
                continue
            moments[0, k, s] = _BETA_1 * moments[0, k, s] + (1.0 - _BETA_1) * drift[k, s]
            moments[1, k, s] = _BETA_2 * moments[1, k, s] + (1.0 - _BETA_2) * drift[k, s] ** 2
            scale = math.sqrt(moments[1, k, s] / second_bias) + _EPSILON
            logits[k, s] += learning_rate * (moments[0, k, s] / first_bias) / scale
