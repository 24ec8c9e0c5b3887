"""The compiled training loop: arrays in, output filled.

Which rewards a group earns is in :mod:`rlvr.simulator.kernel_rewards`, how they move the logits in
:mod:`rlvr.simulator.kernel_updates`. All arms of a run see the same batches and the same uniforms, keyed
by where they are used (:mod:`rlvr.simulator.keyed_random`).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from rlvr.simulator.kernel_rewards import TRUE, group_rewards
from rlvr.simulator.kernel_updates import N_SCRATCH, group_update, softmax
from rlvr.simulator.keyed_random import fill_words
from rlvr.simulator.rules import REFILL

__all__ = ["train"]

_BATCHES = np.uint64(1)  # fourth counter word: what the bits are for
_GROUPS = np.uint64(2)
_VERIFIER = np.uint64(3)
_32 = np.uint64(32)


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
def _draw_batch(key, place, step, batch_size, order, pool, words):
    """Bring a uniformly drawn batch to the front of `order` (prompt,): a partial Fisher-Yates shuffle.

    `pool` (candidate,) is the batch followed by the prompts that would refill it. Its longer shuffle is
    not kept in `order`, so the batches of later steps are the same with refilling and without.
    """
    fill_words(key, place, 0, step, _BATCHES, words)
    for j in range(batch_size):
        other = j + np.int64((words[j] * np.uint64(order.size - j)) >> _32)
        order[j], order[other] = order[other], order[j]
    for j in range(order.size):
        pool[j] = order[j]
    for j in range(batch_size, words.size):
        if j < order.size - 1:
            other = j + np.int64((words[j] * np.uint64(order.size - j)) >> _32)
            pool[j], pool[other] = pool[other], pool[j]


@njit(cache=True, nogil=True)
def _all_full(filled, arms, batch_size):
    """Whether every trained arm has its batch."""
    waiting = 0
    for arm in range(arms.size):
        waiting += 1 if arms[arm] != 0 and filled[arm] < batch_size else 0
    return waiting == 0


@njit(cache=True, nogil=True)
def _mean_accuracy(logits, correct, probabilities):
    total = 0.0
    for prompt in range(logits.shape[0]):
        softmax(logits[prompt], probabilities)
        for a in range(probabilities.size):
            if correct[prompt, a]:
                total += probabilities[a]
    return total / logits.shape[0]


@njit(cache=True, nogil=True)
def train(
    first, last, draws, prior, correct, labels, arms, key, n_seeds, checkpoints, rules, curves, policies
):  # fmt: skip
    """Train every arm of runs `first` to `last` - 1, run r being task ``r // n_seeds``, seed ``r % n_seeds``.

    Runs share nothing they write to, so threads may take any ranges. A step goes through a shuffled list
    of `n_candidates` prompts; an arm leaves it when its batch is full, which without refilling is after
    `batch_size` prompts and with it after `batch_size` groups of unequal rewards.

    Parameters
    ----------
    draws : ndarray of int (task,)
        Number of each task draw, which keys its random numbers.
    prior, correct : ndarray (task, prompt, action)
        Probabilities and correct sets.
    labels : ndarray of int (task, prompt)
        What MAJORITY rewards; negative where its groups vote.
    arms : ndarray of int (arm,)
        Codes; the frozen arm is only evaluated.
    key : ndarray of uint64 (2,)
        Philox key.
    checkpoints : ndarray of int (checkpoint,)
        Ascending step counts; the last is the number of steps.
    rules : Rules
    curves : ndarray (arm, task, seed, checkpoint)
        Filled with exact accuracies.
    policies : ndarray (arm, task, seed, prompt, action)
        Filled with the final policies, unless its task axis is empty.
    """
    n_prompts, n_actions = prior.shape[1:]
    batch_size, group_size = rules.batch_size, rules.group_size
    noisy = rules.false_positive > 0.0 or rules.false_negative > 0.0
    logits = np.empty((arms.size, n_prompts, n_actions))
    moments, decays = np.empty((arms.size, n_prompts, 2, n_actions)), np.empty((arms.size, n_prompts, 2))
    order, pool = np.empty(n_prompts, np.int64), np.empty(n_prompts, np.int64)
    batch_words = np.empty(8 * ((rules.n_candidates + 7) // 8), np.uint64)
    n_action_words = 8 * ((group_size + 7) // 8)
    words = np.empty(n_action_words + 8 * ((1 + (group_size + 31) // 32 + 7) // 8), np.uint64)
    reward_words, verifier_words = words[n_action_words:], np.empty(n_action_words, np.uint64)
    probabilities, cumulative = np.empty(n_actions), np.empty(n_actions)
    drift, scratch = np.empty(n_actions), np.empty((N_SCRATCH, n_actions))
    counts, filled = np.empty(n_actions, np.int64), np.empty(arms.size, np.int64)
    actions, rewards = np.empty(group_size, np.int64), np.empty(group_size, np.int64)
    for run in range(first, last):
        task, seed = run // n_seeds, run % n_seeds
        place = (np.uint64(draws[task]) << _32) | np.uint64(seed)
        reference, right = prior[task], correct[task]
        for prompt in range(n_prompts):
            for a in range(n_actions):
                logits[:, prompt, a] = np.log(reference[prompt, a])
            order[prompt] = prompt
        moments[:] = 0.0
        decays[:] = 1.0
        step = 0
        for checkpoint in range(checkpoints.size):
            while step < checkpoints[checkpoint]:
                _draw_batch(key, place, step, batch_size, order, pool, batch_words)
                filled[:] = 0
                for j in range(rules.n_candidates):
                    if rules.filtering == REFILL and _all_full(filled, arms, batch_size):
                        break
                    prompt = pool[j]
                    fill_words(key, place, prompt, step, _GROUPS, words)
                    for arm in range(arms.size):
                        if arms[arm] == 0 or filled[arm] >= batch_size:
                            continue
                        here = logits[arm, prompt]
                        softmax(here, probabilities)
                        _sample(probabilities, words, cumulative, actions)
                        if noisy and arms[arm] == TRUE:
                            fill_words(key, place, prompt, step, _VERIFIER, verifier_words)
                        group_rewards(
                            arms[arm], actions, right[prompt], labels[task, prompt], reward_words,
                            verifier_words, rules, counts, rewards,
                        )  # fmt: skip
                        filled[arm] += group_update(
                            here, probabilities, reference[prompt], actions, rewards, rules,
                            moments[arm, prompt], decays[arm, prompt], drift, scratch,
                        )  # fmt: skip
                step += 1
            for arm in range(arms.size):
                curves[arm, task, seed, checkpoint] = _mean_accuracy(logits[arm], right, probabilities)
        if policies.shape[1] > 0:
            for arm in range(arms.size):
                for prompt in range(n_prompts):
                    softmax(logits[arm, prompt], policies[arm, task, seed, prompt])
