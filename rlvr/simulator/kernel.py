"""The compiled inner loop, and nothing else: arrays in, output filled.

All arms of a run see the same batches and the same uniforms, keyed by where they are used
(:mod:`rlvr.simulator.keyed_random`).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from rlvr.simulator.keyed_random import fill_words

__all__ = ["FILTERING", "KL", "TIE_BREAK", "group_rewards", "group_update", "train"]

FILTERING = {"off": 0, "drop": 1, "refill": 2}
TIE_BREAK = {"lowest": 0, "uniform": 1}
KL = {"forward": 0, "reverse": 1}

RANDOM, MAJORITY, TRUE = 1, 2, 3  # the codes of rlvr.arms.ARM_CODE; a test holds them together

_BATCHES = np.uint64(1)  # fourth counter word: what the bits are for
_GROUPS = np.uint64(2)
_32 = np.uint64(32)
_POWERS_OF_TWO = 0.5 ** np.arange(1022)  # two to the power -n


@njit(cache=True, nogil=True)
def _softmax(logits, probabilities):
    """Fill `probabilities` (action,) with the softmax of `logits`.

    The exponential is spelled out, in additions and multiplications alone (Cody-Waite reduction, then a
    Taylor polynomial on [-ln2/2, ln2/2]; largest relative error 3e-16): the compiler can run several
    actions at once, and no system's own exp can move a stored digit.
    """
    top = logits[0]
    for a in range(1, logits.size):
        top = max(top, logits[a])
    total = 0.0
    for a in range(logits.size):
        x = max(logits[a] - top, -700.0)
        n = np.int64(x * 1.4426950408889634 - 0.5)
        r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10
        p = 1.0 + r * (1.0 / 13.0)
        p = 1.0 + r * p * (1.0 / 12.0)
        p = 1.0 + r * p * (1.0 / 11.0)
        p = 1.0 + r * p * (1.0 / 10.0)
        p = 1.0 + r * p * (1.0 / 9.0)
        p = 1.0 + r * p * (1.0 / 8.0)
        p = 1.0 + r * p * (1.0 / 7.0)
        p = 1.0 + r * p * (1.0 / 6.0)
        p = 1.0 + r * p * (1.0 / 5.0)
        p = 1.0 + r * p * (1.0 / 4.0)
        p = 1.0 + r * p * (1.0 / 3.0)
        p = 1.0 + r * p * (1.0 / 2.0)
        p = 1.0 + r * p
        probabilities[a] = p * _POWERS_OF_TWO[-n]
    for a in range(logits.size):
        total += probabilities[a]
    for a in range(logits.size):
        probabilities[a] /= total


@njit(cache=True, nogil=True)
def _sample(probabilities, words, cumulative, actions):
    """Inverse-CDF sampling: one 32-bit uniform an action, shared by all arms.

    Counting the steps of the distribution function below the uniform has no branch to mispredict.
    """
    total = 0.0
    for a in range(probabilities.size - 1):
        total += probabilities[a]
        cumulative[a] = total
    for i in range(actions.size):
        uniform = (np.float64(words[i]) + 0.5) * 2.0**-32
        below = 0
        for a in range(probabilities.size - 1):
            below += 1 if uniform >= cumulative[a] else 0
        actions[i] = below


@njit(cache=True, nogil=True)
def group_rewards(arm, actions, correct, words, tie_break, counts, rewards):
    """Fill `rewards` (sample,) with 0 or 1 for one group.

    `words` (n,) are 32-bit words: the first breaks ties, the rest are one reward bit each.
    `counts` (action,) is scratch space.
    """
    group_size = actions.size
    if arm == TRUE:
        for i in range(group_size):
            rewards[i] = 1 if correct[actions[i]] else 0
    elif arm == RANDOM:
        for i in range(group_size):
            rewards[i] = (words[1 + i // 32] >> np.uint64(i % 32)) & np.uint64(1)
    elif arm == MAJORITY:
        counts[:] = 0
        most = 0
        for i in range(group_size):
            counts[actions[i]] += 1
            most = max(most, counts[actions[i]])
        skip = 0
        if tie_break == 1:
            tied = 0
            for a in range(counts.size):
                tied += 1 if counts[a] == most else 0
            skip = np.int64((words[0] * np.uint64(tied)) >> _32)
        plurality = 0
        for a in range(counts.size):
            if counts[a] == most:
                if skip == 0:
                    plurality = a
                    break
                skip -= 1
        for i in range(group_size):
            rewards[i] = 1 if actions[i] == plurality else 0


@njit(cache=True, nogil=True)
def group_update(
    logits, probabilities, prior, actions, rewards, learning_rate, kl_coefficient, filtering, kl, drift
):
    """Apply one GRPO update to one prompt's `logits` (action,) in place; say whether the group counted.

    The advantages of a group sum to zero, so the mean of A (onehot - probabilities) over the group is
    the mean of A onehot. A group of equal rewards has no policy term; unless filtering is off it is
    dropped, and then its KL term goes too. `drift` (action,) is scratch space.
    """
    group_size = actions.size
    hits = 0
    for i in range(group_size):
        hits += rewards[i]
    mixed = 0 < hits < group_size
    if not mixed and filtering != 0:
        return False
    drift[:] = 0.0
    if mixed:
        mean = hits / group_size
        scale = 1.0 / ((math.sqrt(mean * (1.0 - mean)) + 1e-8) * group_size)
        for i in range(group_size):
            drift[actions[i]] += (rewards[i] - mean) * scale
    if kl == 0:  # as published: the gradient of KL(prior || policy)
        for a in range(logits.size):
            drift[a] -= kl_coefficient * (probabilities[a] - prior[a])
    elif kl_coefficient > 0.0:  # the gradient of KL(policy || prior)
        divergence = 0.0
        for a in range(logits.size):
            divergence += probabilities[a] * math.log(probabilities[a] / prior[a])
        for a in range(logits.size):
            log_ratio = math.log(probabilities[a] / prior[a])
            drift[a] -= kl_coefficient * probabilities[a] * (log_ratio - divergence)
    for a in range(logits.size):
        logits[a] += learning_rate * drift[a]
    return True


@njit(cache=True, nogil=True)
def _draw_batch(key, place, step, batch_size, order, pool, words):
    """Bring a uniformly drawn batch to the front of `order` (prompt,): a partial Fisher-Yates shuffle.

    `pool` (candidate,) is the batch followed by the prompts that would refill it. Its longer shuffle is
    not kept in `order`, so the batches of later steps are the same with refilling and without.
    """
    fill_words(key, place, 0, step, _BATCHES, words)
    for j in range(batch_size):
        other = j + np.int64((words[j] * np.uint64(order.size - j)) >> _32)
        order[j], order[other] = order[other], order[j]
    pool[:] = order
    for j in range(batch_size, words.size):
        if j < order.size - 1:
            other = j + np.int64((words[j] * np.uint64(order.size - j)) >> _32)
            pool[j], pool[other] = pool[other], pool[j]


@njit(cache=True, nogil=True)
def _mean_accuracy(logits, correct, probabilities):
    total = 0.0
    for prompt in range(logits.shape[0]):
        _softmax(logits[prompt], probabilities)
        for a in range(probabilities.size):
            if correct[prompt, a]:
                total += probabilities[a]
    return total / logits.shape[0]


@njit(cache=True, nogil=True)
def train(
    first, last, prior, correct, arms, key, n_seeds, checkpoints, batch_size, n_candidates, group_size,
    learning_rate, kl_coefficient, filtering, tie_break, kl, curves, policies,
):  # fmt: skip
    """Train every arm of runs `first` to `last` - 1, run r being task ``r // n_seeds``, seed ``r % n_seeds``.

    Runs share nothing they write to, so threads may take any ranges. A step goes through a shuffled list
    of `n_candidates` prompts; an arm leaves it when its batch is full, which without refilling is after
    `batch_size` prompts and with it after `batch_size` groups of unequal rewards.

    Parameters
    ----------
    prior, correct : ndarray (task, prompt, action)
        Probabilities and correct sets.
    arms : ndarray of int (arm,)
        Codes; the frozen arm is only evaluated.
    key : ndarray of uint64 (2,)
        Philox key.
    checkpoints : ndarray of int (checkpoint,)
        Ascending step counts; the last is the number of steps.
    n_candidates : int
        At most this many prompts are tried in a step; `batch_size` unless filtering is "refill".
    curves : ndarray (arm, task, seed, checkpoint)
        Filled with exact accuracies.
    policies : ndarray (arm, task, seed, prompt, action)
        Filled with the final policies, unless its task axis is empty.
    """
    n_prompts, n_actions = prior.shape[1:]
    trained = np.flatnonzero(arms)
    logits = np.empty((arms.size, n_prompts, n_actions))
    order, pool = np.empty(n_prompts, np.int64), np.empty(n_prompts, np.int64)
    batch_words = np.empty(8 * ((n_candidates + 7) // 8), np.uint64)
    n_action_words = 8 * ((group_size + 7) // 8)
    words = np.empty(n_action_words + 8 * ((1 + (group_size + 31) // 32 + 7) // 8), np.uint64)
    reward_words = words[n_action_words:]
    probabilities, drift, cumulative = np.empty(n_actions), np.empty(n_actions), np.empty(n_actions)
    counts, filled = np.empty(n_actions, np.int64), np.empty(arms.size, np.int64)
    actions, rewards = np.empty(group_size, np.int64), np.empty(group_size, np.int64)
    for run in range(first, last):
        task, seed = run // n_seeds, run % n_seeds
        place = (np.uint64(task) << _32) | np.uint64(seed)
        reference, right = prior[task], correct[task]
        logits[:] = np.log(reference)
        order[:] = np.arange(n_prompts)
        step = 0
        for checkpoint in range(checkpoints.size):
            while step < checkpoints[checkpoint]:
                _draw_batch(key, place, step, batch_size, order, pool, batch_words)
                filled[:] = 0
                for j in range(n_candidates):
                    if filtering == 2 and np.all(filled[trained] >= batch_size):
                        break
                    prompt = pool[j]
                    fill_words(key, place, prompt, step, _GROUPS, words)
                    for arm in trained:
                        if filled[arm] >= batch_size:
                            continue
                        here = logits[arm, prompt]
                        _softmax(here, probabilities)
                        _sample(probabilities, words, cumulative, actions)
                        group_rewards(
                            arms[arm], actions, right[prompt], reward_words, tie_break, counts, rewards
                        )
                        filled[arm] += group_update(
                            here, probabilities, reference[prompt], actions, rewards,
                            learning_rate, kl_coefficient, filtering, kl, drift,
                        )  # fmt: skip
                step += 1
            for arm in range(arms.size):
                curves[arm, task, seed, checkpoint] = _mean_accuracy(logits[arm], right, probabilities)
        if policies.shape[1] > 0:
            for arm in range(arms.size):
                for prompt in range(n_prompts):
                    _softmax(logits[arm, prompt], policies[arm, task, seed, prompt])
