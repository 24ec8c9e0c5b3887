"""The compiled inner loop of a policy whose strategies are shared by all prompts: arrays in, output filled.

All arms of a run see the same batches and the same uniforms, keyed by where they are used
(:mod:`rlvr.simulator.keyed_random`). Where prompts carry no offsets the policy is computed once an
update, so that an answer costs the same whatever the number of strategies, but for a binary search.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False

from __future__ import annotations

import math

import numpy as np
from numba import njit

from rlvr.simulator.keyed_random import fill_words
from rlvr.simulator.shared_mirror import add_mirror_drift
from rlvr.simulator.shared_rewards import group_rewards
from rlvr.simulator.shared_updates import copy, part_drift, tokens, update_logits

__all__ = ["read", "train"]

BATCHES, STRATEGIES, RIGHT, NAMES, REWARDS, NOISE = (np.uint64(purpose) for purpose in range(16, 22))
_32 = np.uint64(32)
MAJORITY, TRUE, _REFILL = 2, 3, 2


@njit(cache=True, nogil=True)
def read(logits, offsets, accuracies, greedy, policy, shares):
    """Fill `shares` (strategy,) with averages over the rows of `offsets`; return the exact accuracy.

    Accuracy is the first strategy's plus what the others' shares add to it: strategies of equal accuracy
    leave no rounding behind.
    """
    n_rows, n_strategies = offsets.shape
    shares[:] = 0.0
    total = 0.0
    for row in range(n_rows):
        tokens(logits, offsets[row], policy)
        first = accuracies[row, 0]
        if greedy:
            leader = 0
            for k in range(policy.shape[0]):
                leader = 0
                for s in range(1, n_strategies):
                    if logits[k, s] + offsets[row, s] > logits[k, leader] + offsets[row, leader]:
                        leader = s
                if leader != 0:
                    break
            shares[leader] += 1.0
            total += accuracies[row, leader]
        else:
            stay = 1.0
            gain = 0.0
            for k in range(policy.shape[0]):
                for s in range(1, n_strategies):
                    shares[s] += stay * policy[k, s]
                    gain += stay * policy[k, s] * (accuracies[row, s] - first)
                stay *= policy[k, 0]
            shares[0] += stay
            total += first + gain
    for s in range(n_strategies):
        shares[s] /= n_rows
    return total / n_rows


@njit(cache=True, nogil=True)
def _accumulate(policy, cumulative):
    """Fill the first columns of `cumulative` (token, 2**m - 1); past the strategies it stays infinite."""
    for k in range(policy.shape[0]):
        total = 0.0
        for s in range(policy.shape[1] - 1):
            total += policy[k, s]
            cumulative[k, s] = total


@njit(cache=True, nogil=True)
def _sample(cumulative, words, strategies, last):
    """Inverse-CDF sampling: how many steps of the distribution function lie at or below the uniform.

    A binary search without a branch to mispredict. `words` (token * sample,) are 32-bit; `last` (sample,)
    is the last token an answer decided.
    """
    n_tokens = cumulative.shape[0]
    group_size = strategies.size
    half = (cumulative.shape[1] + 1) // 2
    for i in range(group_size):
        chosen, token = 0, 0
        for k in range(n_tokens):
            token = k
            uniform = (np.float64(words[k * group_size + i]) + 0.5) * 2.0**-32
            chosen, stride = 0, half
            while stride > 0:
                chosen += stride if cumulative[k, chosen + stride - 1] <= uniform else 0
                stride //= 2
            if chosen != 0:
                break
        strategies[i], last[i] = chosen, token


@njit(cache=True, nogil=True)
def _draw_batch(key, place, step, batch_size, order, pool, words):
    """Bring a uniformly drawn batch to the front of `order` (prompt,), candidates to that of `pool`.

    The longer shuffle of `pool` is not kept, so later batches are the same with refilling and without.
    """
    fill_words(key, place, 0, step, BATCHES, words)
    for j in range(batch_size):
        other = j + np.int64((words[j] * np.uint64(order.size - j)) >> _32)
        order[j], order[other] = order[other], order[j]
    for j in range(order.size):
        pool[j] = order[j]
    for j in range(batch_size, min(words.size, order.size)):
        other = j + np.int64((words[j] * np.uint64(order.size - j)) >> _32)
        pool[j], pool[other] = pool[other], pool[j]


@njit(cache=True, nogil=True)
def _words(n):
    return 8 * ((n + 7) // 8)


@njit(cache=True, nogil=True)
def train(
    first, last, draws, prior, offsets, accuracies, read_offsets, read_accuracies, labels, arms, key,
    n_seeds, n_prompts, checkpoints, batch_size, n_candidates, group_size, inner_updates, learning_rate,
    adam, low, high, kl_coefficient, reverse, filtering, advantage, uniform_ties, noise, wrong_agreement,
    greedy, temperature, curves, shares, clipped, final,
):  # fmt: skip
    """Train every arm of runs `first` to `last` - 1, run r being task ``r // n_seeds``, seed ``r % n_seeds``.

    Runs share nothing they write to, so threads may take any ranges.

    Parameters
    ----------
    draws : ndarray of int (task,)
        Number of each task draw, which keys its random numbers.
    prior : ndarray (token, strategy)
        Logits before training.
    offsets, accuracies, read_offsets, read_accuracies : ndarray (task, prompt, strategy)
        An axis of length one stands for all tasks, or all prompts.
    labels : ndarray of int (task, prompt)
        MAJORITY's labels by name; no prompt: it votes in each group.
    arms : ndarray of int (arm,)
        Codes; the frozen arm is only read.
    checkpoints : ndarray of int (checkpoint,)
        Ascending step counts; the last is the number of steps.
    low, high : float
        The ratio below, and above, which an answer is clipped.
    advantage : int
        0 for "grpo", 1 for "centered", 2 for "rloo".
    noise : (float, float)
        Rates of false positives and false negatives.
    temperature : float
        Mirror descent's; 0 for the policy gradient.
    curves : ndarray (arm, task, seed, checkpoint)
        Filled with exact accuracies.
    shares : ndarray (arm, task, seed, checkpoint, strategy)
        Filled with shares as read.
    clipped : ndarray (arm, task, seed, checkpoint)
        Filled with the fraction of decisions since the checkpoint before that were clipped (NaN: none made).
    final : ndarray (arm, task, seed, token, strategy)
        Filled with the shared logits at the end.
    """
    n_tokens, n_strategies = prior.shape
    differ = offsets.shape[1] > 1 or np.any(offsets)
    needs_right = np.any(arms >= MAJORITY)
    needs_names = np.any(arms == MAJORITY)
    needs_noise = np.any(arms == TRUE) and (noise[0] > 0.0 or noise[1] > 0.0)
    needs_ties = uniform_ties and needs_names and labels.shape[1] == 0
    part = batch_size // inner_updates
    order, pool = np.empty(n_prompts, np.int64), np.empty(n_prompts, np.int64)
    batch_words = np.empty(_words(n_candidates), np.uint64)
    per_answer = _words(group_size)
    strategy_words = np.empty((n_candidates, _words(n_tokens * group_size)), np.uint64)
    right_words = np.empty((n_candidates, per_answer), np.uint64)
    name_words = np.empty((n_candidates, per_answer), np.uint64)
    noise_words = np.empty((n_candidates, per_answer), np.uint64)
    reward_words = np.empty((n_candidates, _words(1 + (group_size + 31) // 32)), np.uint64)
    logits = np.empty((arms.size, n_tokens, n_strategies))
    moments = np.empty((arms.size, 2, n_tokens, n_strategies))
    n_updates = np.empty(arms.size, np.int64)
    n_clipped, n_decisions = np.empty(arms.size, np.int64), np.empty(arms.size, np.int64)
    n_rows = batch_size if differ else 1
    old, reference = np.empty((n_rows, n_tokens, n_strategies)), np.empty((n_rows, n_tokens, n_strategies))
    width = 2
    while width < n_strategies:
        width *= 2
    cumulative = np.full((n_tokens, width - 1), np.inf)
    drift = np.empty((n_tokens, n_strategies))
    policy = np.empty((n_tokens, n_strategies))
    strategies = np.empty((batch_size, group_size), np.int64)
    ends = np.empty((batch_size, group_size), np.int64)
    advantages, counted = np.empty((batch_size, group_size)), np.empty(batch_size, np.bool_)
    nothing = np.zeros((batch_size, group_size))
    prompts = np.empty(batch_size, np.int64)
    rewards, names = np.empty(group_size, np.int64), np.empty(group_size, np.int64)
    counts, seen = np.zeros(n_strategies + 1, np.int64), np.zeros(n_strategies + 1, np.int64)
    for run in range(first, last):
        task, seed = run // n_seeds, run % n_seeds
        place = (np.uint64(draws[task]) << _32) | np.uint64(seed)
        offset, accuracy = offsets[task % offsets.shape[0]], accuracies[task % accuracies.shape[0]]
        read_offset = read_offsets[task % read_offsets.shape[0]]
        read_accuracy = read_accuracies[task % read_accuracies.shape[0]]
        for arm in range(arms.size):
            copy(prior, logits[arm])
        moments[:] = 0.0
        n_updates[:] = 0
        for prompt in range(n_prompts):
            order[prompt] = prompt
        step = 0
        for checkpoint in range(checkpoints.size):
            n_clipped[:] = 0
            n_decisions[:] = 0
            while step < checkpoints[checkpoint]:
                _draw_batch(key, place, step, batch_size, order, pool, batch_words)
                for j in range(n_candidates):
                    fill_words(key, place, pool[j], step, STRATEGIES, strategy_words[j])
                    if needs_right:
                        fill_words(key, place, pool[j], step, RIGHT, right_words[j])
                    if needs_names:
                        fill_words(key, place, pool[j], step, NAMES, name_words[j])
                    if needs_noise:
                        fill_words(key, place, pool[j], step, NOISE, noise_words[j])
                    if needs_ties or np.any(arms == 1):
                        fill_words(key, place, pool[j], step, REWARDS, reward_words[j])
                for arm in range(arms.size):
                    if arms[arm] == 0:
                        continue
                    here = logits[arm]
                    if not differ:
                        tokens(here, offset[0], old[0])
                        tokens(prior, offset[0], reference[0])
                        _accumulate(old[0], cumulative)
                    filled = 0
                    for j in range(n_candidates):
                        if filled == batch_size:
                            break
                        prompt = pool[j]
                        if differ:
                            tokens(here, offset[prompt], old[filled])
                            if kl_coefficient > 0.0:
                                tokens(prior, offset[prompt], reference[filled])
                            _accumulate(old[filled], cumulative)
                        _sample(cumulative, strategy_words[j], strategies[filled], ends[filled])
                        hits = group_rewards(
                            arms[arm], strategies[filled], accuracy[prompt % accuracy.shape[0]],
                            labels[task, prompt] if labels.shape[1] > 0 else -2, right_words[j],
                            name_words[j], reward_words[j], noise_words[j], noise, wrong_agreement,
                            uniform_ties, names, counts, seen, rewards,
                        )  # fmt: skip
                        mixed = 0 < hits < group_size
                        if filtering == _REFILL and not mixed:
                            continue
                        mean = hits / group_size
                        worth = 1.0
                        if advantage == 0:
                            worth = 1.0 / (math.sqrt(mean * (1.0 - mean)) + 1e-8)
                        elif advantage == 2:
                            worth = group_size / (group_size - 1.0)
                        if temperature > 0.0:  # a target is made of rewards as they are
                            mean, worth = 0.0, 1.0
                        for i in range(group_size):
                            advantages[filled, i] = (rewards[i] - mean) * worth
                        prompts[filled], counted[filled] = prompt, mixed or filtering == 0
                        filled += 1
                    for update in range(inner_updates):
                        start, stop = min(update * part, filled), min((update + 1) * part, filled)
                        cut, made = part_drift(
                            here, offset, prompts, differ, start, stop, part * group_size, old, reference,
                            strategies, ends, nothing if temperature > 0.0 else advantages, counted, low,
                            high, kl_coefficient, reverse, update == 0, policy, drift,
                        )  # fmt: skip
                        if temperature > 0.0:
                            add_mirror_drift(
                                here, offset, prompts, differ, start, stop, part, strategies, ends,
                                advantages, temperature, policy, drift,
                            )  # fmt: skip
                        n_clipped[arm] += cut
                        n_decisions[arm] += made
                        n_updates[arm] += 1
                        update_logits(here, drift, moments[arm], n_updates[arm], learning_rate, adam)
                step += 1
            for arm in range(arms.size):
                curves[arm, task, seed, checkpoint] = read(
                    logits[arm],
                    read_offset,
                    read_accuracy,
                    greedy,
                    policy,
                    shares[arm, task, seed, checkpoint],
                )
                clipped[arm, task, seed, checkpoint] = (
                    n_clipped[arm] / n_decisions[arm] if n_decisions[arm] > 0 else np.nan
                )
        for arm in range(arms.size):
            copy(logits[arm], final[arm, task, seed])
