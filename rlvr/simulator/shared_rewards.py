"""What the arms reward where answers come from strategies, compiled.

An answer has a name: 0 is the prompt's right answer, 1 + s the typical mistake of strategy s, and a
negative number an answer that nobody else gives.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["group_rewards", "vote"]

RANDOM, MAJORITY = 1, 2  # the codes of rlvr.arms.ARM_CODE; a test holds them together
_32 = np.uint64(32)


@njit(cache=True, nogil=True)
def _below(word, chance):
    return (np.float64(word) + 0.5) * 2.0**-32 < chance


@njit(cache=True, nogil=True)
def vote(names, word, uniform_ties, counts, first):
    """Return where in `names` (sample,) the plurality first appears.

    Of equally frequent names it is the first to appear, or with `uniform_ties` one drawn by the 32-bit
    `word`. `counts` (name,) is scratch space and holds zeros before and after; so may `first` (name,) be.
    """
    most, tied = 1, 0
    for i in range(names.size):
        if names[i] >= 0:
            if counts[names[i]] == 0:
                first[names[i]] = i
            counts[names[i]] += 1
            most = max(most, counts[names[i]])
    skip = 0
    if uniform_ties:
        for i in range(names.size):
            alone = names[i] < 0 and most == 1
            tied += alone or (names[i] >= 0 and first[names[i]] == i and counts[names[i]] == most)
        skip = np.int64((word * np.uint64(tied)) >> _32)
    winner = 0
    for i in range(names.size):
        alone = names[i] < 0 and most == 1
        if alone or (names[i] >= 0 and first[names[i]] == i and counts[names[i]] == most):
            if skip == 0:
                winner = i
                break
            skip -= 1
    for i in range(names.size):
        if names[i] >= 0:
            counts[names[i]] = 0
    return winner


@njit(cache=True, nogil=True)
def group_rewards(
    arm, strategies, accuracy, label, right_words, name_words, reward_words, noise_words, noise,
    wrong_agreement, uniform_ties, names, counts, first, rewards,
):  # fmt: skip
    """Fill `rewards` (sample,) with 0 or 1 for one group; return their sum.

    `label` is MAJORITY's fixed one, or -2: the group votes. `reward_words`: the first breaks ties, the
    rest are one reward bit each. `noise` holds TRUE's rates of false positives and false negatives.
    """
    hits = 0
    if arm == RANDOM:
        for i in range(rewards.size):
            rewards[i] = (reward_words[1 + i // 32] >> np.uint64(i % 32)) & np.uint64(1)
            hits += rewards[i]
        return hits
    for i in range(rewards.size):
        rewards[i] = _below(right_words[i], accuracy[strategies[i]])
    if arm == MAJORITY:
        for i in range(rewards.size):
            if rewards[i] == 1:
                names[i] = 0
            else:
                names[i] = 1 + strategies[i] if _below(name_words[i], wrong_agreement) else -1 - i
        if label == -2:
            label = names[vote(names, reward_words[0], uniform_ties, counts, first)]
        elif label == -1:
            label = -1 - rewards.size  # nobody's answer
        for i in range(rewards.size):
            rewards[i] = names[i] == label
    elif noise[0] > 0.0 or noise[1] > 0.0:
        for i in range(rewards.size):
            if _below(noise_words[i], noise[1] if rewards[i] == 1 else noise[0]):
                rewards[i] = 1 - rewards[i]
    for i in range(rewards.size):
        hits += rewards[i]
    return hits
