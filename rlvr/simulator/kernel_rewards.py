"""Compiled: what groups of sampled answers are rewarded with, arm by arm.

Every array ends in an axis of lanes: groups side by side. No lane looks at another.
"""

# mypy: allow-untyped-defs
# The compiler infers these types itself, more strictly.
from __future__ import annotations

import numpy as np

from rlvr.simulator.lanes import compiled, inlined
from rlvr.simulator.rules import UNIFORM

__all__ = ["group_rewards"]

RANDOM, MAJORITY, TRUE = 1, 2, 3  # the codes of rlvr.arms.ARM_CODE; a test holds them together

_32 = np.uint64(32)


@compiled
def _add_plurality(actions, tie_words, tie_break, counts, scratch, labels):
    """Where `labels` (lane,) is negative, put the group's most frequent action.

    Among tied ones it is the lowest, or the one that the lane's word draws. `counts` has a row an action,
    `scratch` three rows (lane,).
    """
    most, tied, skip = scratch[0], scratch[1], scratch[2]
    n_actions, n_lanes = counts.shape
    counts[:] = 0
    for i in range(actions.shape[0]):
        for a in range(n_actions):
            for lane in range(n_lanes):
                counts[a, lane] += 1 if actions[i, lane] == a else 0
    most[:] = 0
    for a in range(n_actions):
        for lane in range(n_lanes):
            most[lane] = max(most[lane], counts[a, lane])
    skip[:] = 0
    if tie_break == UNIFORM:
        tied[:] = 0
        for a in range(n_actions):
            for lane in range(n_lanes):
                tied[lane] += 1 if counts[a, lane] == most[lane] else 0
        for lane in range(n_lanes):
            skip[lane] = np.int64((tie_words[lane] * np.uint64(tied[lane])) >> _32)
    for a in range(n_actions):
        for lane in range(n_lanes):
            among = counts[a, lane] == most[lane]
            labels[lane] = a if among and skip[lane] == 0 and labels[lane] < 0 else labels[lane]
            skip[lane] -= 1 if among else 0


@inlined
def group_rewards(arm, actions, correct, labels, words, verifier, rules, counts, rewards):
    """Fill `rewards` (sample, lane) with 0.0 or 1.0, for one group a lane.

    Parameters
    ----------
    arm : int
        RANDOM, MAJORITY or TRUE.
    actions : ndarray of int (sample, lane)
    correct : ndarray (action, lane)
        1.0 for a correct action, 0.0 for another.
    labels : ndarray of int (lane,)
        What MAJORITY rewards; if negative, the plurality of the group, which is put there.
    words : ndarray of uint64 (n, lane)
        32-bit words: the first breaks ties, the rest are one reward bit each.
    verifier : ndarray (sample, lane)
        Uniforms: whether a noisy verifier errs. Read only if it is noisy.
    rules : Rules
    counts : ndarray of int (action + 3, lane)
        Scratch space.
    rewards : ndarray (sample, lane)
    """
    group_size, n_lanes = actions.shape
    n_actions = correct.shape[0]
    if arm == RANDOM:
        for i in range(group_size):
            for lane in range(n_lanes):
                rewards[i, lane] = np.int64((words[1 + i // 32, lane] >> np.uint64(i % 32)) & np.uint64(1))
    elif arm == MAJORITY:
        _add_plurality(actions, words[0], rules.tie_break, counts[:n_actions], counts[n_actions:], labels)
        for i in range(group_size):
            for lane in range(n_lanes):
                rewards[i, lane] = 1.0 if actions[i, lane] == labels[lane] else 0.0
    elif arm == TRUE:
        for i in range(group_size):
            for lane in range(n_lanes):
                rewards[i, lane] = correct[actions[i, lane], lane]
        if rules.false_positive > 0.0 or rules.false_negative > 0.0:
            for i in range(group_size):
                for lane in range(n_lanes):
                    right = rewards[i, lane] > 0.0
                    rewarded = 1.0 - rules.false_negative if right else rules.false_positive
                    rewards[i, lane] = 1.0 if verifier[i, lane] < rewarded else 0.0
