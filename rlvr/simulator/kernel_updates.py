"""Compiled: how the rewards of one group move one prompt's logits, in many runs at once.

Every array ends in an axis of lanes: runs side by side, a group each. No lane looks at another, and each
does the same operations in the same order as a run alone would. Division follows NumPy, without a check
for zero: the compiler then fills its vector registers with lanes.
"""

# mypy: allow-untyped-defs
# The compiler infers these types itself, more strictly.
from __future__ import annotations

import math

import numpy as np

from rlvr.simulator.kernel_softmax import softmax_of_lanes
from rlvr.simulator.lanes import compiled, inlined
from rlvr.simulator.rules import ADAM, FORWARD, GRPO, MIRROR, OFF, RLOO

__all__ = ["group_update"]

BETAS, EPSILON = (0.9, 0.95), 1e-8  # Adam's: decay of the first and of the second moment
ROUNDING = 1e-14  # a drift below it is a zero to Adam, whose epsilon it is far from


@compiled
def _weigh(rewards, part_size, advantage, rows, weights):
    """Fill `weights` (sample, lane) with advantages over `part_size`, and `rows[0]` with mean rewards.

    In a group of equal rewards every weight is exactly zero. `rows` has two rows (lane,).
    """
    group_size, n_lanes = rewards.shape
    mean, scale = rows[0], rows[1]
    mean[:] = 0.0
    for i in range(group_size):
        for lane in range(n_lanes):
            mean[lane] += rewards[i, lane]
    for lane in range(n_lanes):
        mean[lane] /= group_size
        divisor = 1.0
        if advantage == GRPO:
            divisor = math.sqrt(mean[lane] * (1.0 - mean[lane])) + 1e-8
        elif advantage == RLOO:
            divisor = (group_size - 1) / group_size
        scale[lane] = 1.0 / (divisor * part_size)
    for i in range(group_size):
        for lane in range(n_lanes):
            weights[i, lane] = (rewards[i, lane] - mean[lane]) * scale[lane]


@compiled
def _weigh_by_ratio(now, before, actions, first, last, rules, weights):
    """Multiply the weights of samples `first` to `last` - 1 by ratio, those of clipped ones by zero."""
    for i in range(first, last):
        for lane in range(now.shape[1]):
            action, weight = actions[i, lane], weights[i, lane]
            ratio = now[action, lane] / before[action, lane]
            above = weight > 0.0 and ratio > 1.0 + rules.high
            below = weight < 0.0 and ratio < 1.0 - rules.low
            weights[i, lane] = 0.0 if above or below else weight * ratio


@compiled
def _add_policy_gradient(now, actions, weights, first, last, whole, total, drift):
    """Add the weighted sum of onehot - now over samples `first` to `last` - 1.

    The weights of a whole group sum to zero, so that over it the sum of onehot is the same.
    """
    n_actions, n_lanes = drift.shape
    for i in range(first, last):
        for a in range(n_actions):
            for lane in range(n_lanes):
                drift[a, lane] += weights[i, lane] if actions[i, lane] == a else 0.0
    if whole:
        return
    total[:] = 0.0
    for i in range(first, last):
        for lane in range(n_lanes):
            total[lane] += weights[i, lane]
    for a in range(n_actions):
        for lane in range(n_lanes):
            drift[a, lane] -= total[lane] * now[a, lane]


@compiled
def _add_mirror_step(logits, actions, rewards, temperature, times, policy, target, rows, drift):
    """Add target minus policy over the candidates: the distinct actions that were sampled.

    The policy is the one restricted to them; the target is it, tilted by the exponential of reward over
    temperature. A candidate's reward is the mean over its samples. What was not sampled has the least
    weight there is, 1e-304, which no sum of weights notices: the largest is 1.
    """
    n_actions, n_lanes = drift.shape
    best = rows[0]
    times[:] = 0.0
    target[:] = 0.0
    for i in range(actions.shape[0]):
        for a in range(n_actions):
            for lane in range(n_lanes):
                times[a, lane] += 1.0 if actions[i, lane] == a else 0.0
                target[a, lane] += rewards[i, lane] if actions[i, lane] == a else 0.0
    best[:] = 0.0
    for a in range(n_actions):
        for lane in range(n_lanes):
            target[a, lane] /= max(times[a, lane], 1.0)
            best[lane] = max(best[lane], target[a, lane])
    for a in range(n_actions):
        for lane in range(n_lanes):
            tilt = (target[a, lane] - best[lane]) / temperature  # equal rewards: exactly the policy
            policy[a, lane] = logits[a, lane] if times[a, lane] > 0.0 else -np.inf
            target[a, lane] = logits[a, lane] + tilt if times[a, lane] > 0.0 else -np.inf
    for logits_of in (policy, target):
        softmax_of_lanes(logits_of, logits_of, rows)
    for a in range(n_actions):
        for lane in range(n_lanes):
            drift[a, lane] += target[a, lane] - policy[a, lane] if times[a, lane] > 0.0 else 0.0


@compiled
def _add_kl_term(now, prior, rules, log_ratios, divergence, drift):
    """Add the pull towards the prior."""
    n_actions, n_lanes = drift.shape
    if rules.kl == FORWARD:  # as published: the gradient of KL(prior || policy)
        for a in range(n_actions):
            for lane in range(n_lanes):
                drift[a, lane] -= rules.kl_coefficient * (now[a, lane] - prior[a, lane])
    elif rules.kl_coefficient > 0.0:  # the gradient of KL(policy || prior)
        divergence[:] = 0.0
        for a in range(n_actions):
            for lane in range(n_lanes):
                log_ratios[a, lane] = math.log(now[a, lane] / prior[a, lane])
                divergence[lane] += now[a, lane] * log_ratios[a, lane]
        for a in range(n_actions):
            for lane in range(n_lanes):
                gap = log_ratios[a, lane] - divergence[lane]
                drift[a, lane] -= rules.kl_coefficient * now[a, lane] * gap


@compiled
def _through_adam(counts, first, second, decays, drift):
    """Turn `drift` (action, lane) into Adam's step, in the lanes that `counts` marks.

    Moments and `decays` (2, lane), the betas to the power of the number of updates, are the prompt's own.
    The powers are products, so that no system's own pow can move a digit. A drift that is zero but for
    rounding counts as zero: Adam would make a step of it, and the KL term an avalanche.
    """
    n_actions, n_lanes = drift.shape
    for order in range(2):
        for lane in range(n_lanes):
            decays[order, lane] *= BETAS[order] if counts[lane] else 1.0
    for a in range(n_actions):
        for lane in range(n_lanes):
            new = 0.0 if abs(drift[a, lane]) < ROUNDING else drift[a, lane]
            mean = BETAS[0] * first[a, lane] + (1.0 - BETAS[0]) * new
            square = BETAS[1] * second[a, lane] + (1.0 - BETAS[1]) * (new * new)
            first[a, lane] = mean if counts[lane] else first[a, lane]
            second[a, lane] = square if counts[lane] else second[a, lane]
            length = math.sqrt(square / (1.0 - decays[1, lane])) + EPSILON
            drift[a, lane] = mean / (1.0 - decays[0, lane]) / length


@inlined
def group_update(state, policy, prior, actions, rewards, rules, counts, scratch):
    """Move one prompt's logits by the updates of one group, in each lane that `counts` marks.

    A group of equal rewards has no policy term; unless filtering is off it is dropped, and then its KL
    term goes too. Each inner update uses its part of the group, in order, and the whole KL term.

    Parameters
    ----------
    state : ndarray (field, lane)
        What training changes: logits, a field an action, and with Adam both moments, alike, and the two
        decays, zeros and ones at first.
    policy : ndarray (action, lane)
        What sampled the group; with inner updates, overwritten by the policies that follow.
    prior : ndarray (action, lane)
        The untrained policy.
    actions : ndarray of int (sample, lane)
    rewards : ndarray (sample, lane)
        0.0 or 1.0.
    rules : Rules
    counts : ndarray of bool (lane,)
        Which lanes want a group; on return, which of their groups counted.
    scratch : ndarray (5 * n_actions + group_size + 2, lane)
        Scratch space.
    """
    group_size, n_lanes = actions.shape
    n = prior.shape[0]
    logits = state[:n]
    drift, before, times = scratch[:n], scratch[n : 2 * n], scratch[2 * n : 3 * n]
    tilted, target = scratch[3 * n : 4 * n], scratch[4 * n : 5 * n]
    weights, rows = scratch[5 * n : 5 * n + group_size], scratch[5 * n + group_size :]
    part_size = group_size // rules.inner_updates
    _weigh(rewards, part_size, rules.advantage, rows, weights)
    if rules.filtering != OFF:
        for lane in range(n_lanes):
            counts[lane] = counts[lane] and 0.0 < rows[0, lane] < 1.0
    if rules.inner_updates > 1:
        for a in range(n):
            for lane in range(n_lanes):
                before[a, lane] = policy[a, lane]
    for first in range(0, group_size, part_size):
        last = first + part_size
        drift[:] = 0.0
        if first > 0:
            softmax_of_lanes(logits, policy, rows)
            _weigh_by_ratio(policy, before, actions, first, last, rules, weights)
        if rules.update == MIRROR:
            _add_mirror_step(
                logits, actions, rewards, rules.mirror_temperature, times, tilted, target, rows, drift
            )
        else:
            whole = rules.inner_updates == 1
            _add_policy_gradient(policy, actions, weights, first, last, whole, rows[0], drift)
        _add_kl_term(policy, prior, rules, times, rows[0], drift)
        if rules.optimizer == ADAM:
            _through_adam(counts, state[n : 2 * n], state[2 * n : 3 * n], state[3 * n :], drift)
        for a in range(n):
            for lane in range(n_lanes):
                logits[a, lane] += rules.learning_rate * drift[a, lane] if counts[lane] else 0.0
