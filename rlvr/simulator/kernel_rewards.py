"""Compiled: what a group of sampled answers is rewarded with, arm by arm."""

# mypy: allow-untyped-defs
# The compiler infers these types itself, more strictly.
from __future__ import annotations

import numpy as np
from numba import njit

from rlvr.simulator.rules import UNIFORM

__all__ = ["group_rewards"]

RANDOM, MAJORITY, TRUE = 1, 2, 3  # the codes of rlvr.arms.ARM_CODE; a test holds them together

_32 = np.uint64(32)


@njit(cache=True, nogil=True, inline="always")
def _plurality(actions, tie_word, tie_break, counts):
    """The most frequent action; among tied ones the lowest, or the one that `tie_word` draws."""
    counts[:] = 0
    most = 0
    for i in range(actions.size):
        counts[actions[i]] += 1
        most = max(most, counts[actions[i]])
    skip = np.int64(0)
    if tie_break == UNIFORM:
        tied = 0
        for a in range(counts.size):
            tied += 1 if counts[a] == most else 0
        skip = np.int64((tie_word * np.uint64(tied)) >> _32)
    for a in range(counts.size):
        if counts[a] == most:
            if skip == 0:
                return a
            skip -= 1
    return -1  # never: one action was the most frequent


@njit(cache=True, nogil=True, inline="always")
def group_rewards(arm, actions, correct, label, words, verifier_words, rules, counts, rewards):
    """Fill `rewards` (sample,) with 0 or 1 for one group.

    Parameters
    ----------
    arm : int
        RANDOM, MAJORITY or TRUE.
    actions : ndarray of int (sample,)
    correct : ndarray of bool (action,)
    label : int
        What MAJORITY rewards; if negative, the plurality of the group.
    words : ndarray of uint64 (n,)
        32-bit words: the first breaks ties, the rest are one reward bit each.
    verifier_words : ndarray of uint64 (n,)
        32-bit words, one a sample: whether a noisy verifier errs. Read only if it is noisy.
    rules : Rules
    counts : ndarray of int (action,)
        Scratch space.
    rewards : ndarray of int (sample,)
    """
    group_size = actions.size
    if arm == TRUE and rules.false_positive == 0.0 and rules.false_negative == 0.0:
        for i in range(group_size):
            rewards[i] = 1 if correct[actions[i]] else 0
    elif arm == TRUE:
        for i in range(group_size):
            uniform = (np.float64(verifier_words[i]) + 0.5) * 2.0**-32
            rewarded = 1.0 - rules.false_negative if correct[actions[i]] else rules.false_positive
            rewards[i] = 1 if uniform < rewarded else 0
    elif arm == RANDOM:
        for i in range(group_size):
            rewards[i] = (words[1 + i // 32] >> np.uint64(i % 32)) & np.uint64(1)
    elif arm == MAJORITY:
        rewarded_action = label
        if label < 0:
            rewarded_action = _plurality(actions, words[0], rules.tie_break, counts)
        for i in range(group_size):
            rewards[i] = 1 if actions[i] == rewarded_action else 0
