"""Mirror descent on logits that all prompts share, compiled: each group's target, and the way to it.

A group's candidates are its distinct sampled answers. An answer is what its tokens decided: with one token
its strategy, with several the token at which it turned off and to what. Answers that reach one strategy by
different tokens are different candidates: a policy gives each sampled sequence a chance, the product over
its tokens, whereas a strategy's own chance sums over sequences that nobody sampled.

The policy restricted to the candidates is drawn towards itself tilted by exp(reward / temperature), a
candidate's reward being the mean over its samples, by the gradient of their cross entropy in the shared
logits. With one token that is target minus policy, as where each prompt has logits of its own.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False

from __future__ import annotations

import numpy as np
from numba import njit

from rlvr.simulator.kernel_softmax import softmax
from rlvr.simulator.shared_updates import tokens

__all__ = ["add_mirror_drift"]


@njit(cache=True, nogil=True)
def _candidates(policy, strategies, ends, rewards, first, reward, chance):
    """Find a group's distinct answers; return how many there are.

    Fills, for each, the sample at which it `first` appears, its mean `reward` and its `chance`.
    """
    n = 0
    times = np.zeros(strategies.size)
    for i in range(strategies.size):
        c = 0
        while c < n and (strategies[first[c]] != strategies[i] or ends[first[c]] != ends[i]):
            c += 1
        if c == n:
            first[c], reward[c] = i, 0.0
            chance[c] = policy[ends[i], strategies[i]]
            for k in range(ends[i]):
                chance[c] *= policy[k, 0]
            n += 1
        times[c] += 1.0
        reward[c] += rewards[i]
    for c in range(n):
        reward[c] /= times[c]
    return n


@njit(cache=True, nogil=True)
def add_mirror_drift(
    logits, offset, prompts, differ, start, stop, n_groups, strategies, ends, rewards, temperature, policy,
    drift,
):  # fmt: skip
    """Add to `drift` (token, strategy) the mean over `n_groups` groups of the gradient towards the target.

    The groups are places `start` to `stop` - 1; `strategies`, `ends` and `rewards` (place, sample) are what
    their answers chose, the last token they decided, and 0 or 1. `policy` is scratch space like `drift`.
    A group whose candidates all have one reward adds exactly nothing.
    """
    n_tokens, n_strategies = logits.shape
    group_size = strategies.shape[1]
    first, reward, chance = np.empty(group_size, np.int64), np.empty(group_size), np.empty(group_size)
    target = np.empty(group_size)
    pushed = np.zeros(n_tokens)
    for place in range(start, stop):
        if differ or place == start:
            tokens(logits, offset[prompts[place] if differ else 0], policy)
        n = _candidates(policy, strategies[place], ends[place], rewards[place], first, reward, chance)
        best = 0
        for c in range(n):
            if reward[c] > reward[best]:
                best = c
            target[c] = reward[c] / temperature
        softmax(target[:n], target[:n])
        most, total, sampled = target[best], 0.0, 0.0
        for c in range(n):
            target[c] = chance[c] * (target[c] / most)  # equal rewards: exactly the policy
            total += target[c]
            sampled += chance[c]
        for c in range(n):
            surplus = (target[c] / total - chance[c] / sampled) / n_groups
            end = ends[place, first[c]]
            for k in range(end):
                drift[k, 0] += surplus
                pushed[k] += surplus
            drift[end, strategies[place, first[c]]] += surplus
            pushed[end] += surplus
        if differ or place == stop - 1:  # groups that share a policy share its part of the gradient
            for k in range(1, n_tokens):  # all candidates decide the first token: there it sums to zero
                for s in range(n_strategies):
                    drift[k, s] -= pushed[k] * policy[k, s]
            pushed[:] = 0.0
