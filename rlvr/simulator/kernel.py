"""The compiled training loop: arrays in, output filled.

Many groups are trained side by side, each in a lane: the last axis of every working array. Lane after lane
does the same operation, so the compiler does several at once, and a lane has the bits of its group alone.
The lanes are the prompts of a step's batch, which have a policy each and so do not wait for one another, in
as many runs as fit beside them. Only where a batch is refilled does a prompt wait for the ones before it.
Which rewards a group earns is in :mod:`rlvr.simulator.kernel_rewards`, how they move the logits in
:mod:`rlvr.simulator.kernel_updates`. All arms of a run see the same batches and the same uniforms, keyed
by where they are used (:mod:`rlvr.simulator.keyed_random`).
"""

from __future__ import annotations

import numpy as np

from rlvr.simulator.kernel_rewards import RANDOM, TRUE, group_rewards
from rlvr.simulator.kernel_softmax import softmax_of_lanes
from rlvr.simulator.kernel_updates import group_update
from rlvr.simulator.keyed_random import fill_words, fill_words_of_lanes
from rlvr.simulator.lanes import MOST_LANES, VECTOR, compiled, put, take
from rlvr.simulator.rules import ADAM, REFILL, UNIFORM

__all__ = ["train"]

_BATCHES = np.uint64(1)  # fourth counter word: what the bits are for
_GROUPS = np.uint64(2)
_VERIFIER = np.uint64(3)
_32 = np.uint64(32)


@compiled
def _sample(probabilities, uniforms, cumulative, actions):
    """Inverse-CDF sampling of `actions` (sample, lane): one uniform an action, shared by all arms.

    Counting the steps of the distribution function below the uniform has no branch to mispredict.
    """
    group_size, n_lanes = actions.shape
    cumulative[:] = 0.0
    actions[:] = 0
    for a in range(probabilities.shape[0] - 1):
        for lane in range(n_lanes):
            cumulative[lane] += probabilities[a, lane]
        for i in range(group_size):
            for lane in range(n_lanes):
                actions[i, lane] += 1 if uniforms[i, lane] >= cumulative[lane] else 0


@compiled
def _draw_batch(key, place, step, batch_size, order, pool, words):
    """Bring a uniformly drawn batch to the front of `order` (prompt,): a partial Fisher-Yates shuffle.

    `pool` (candidate,) is the batch followed by the prompts that would refill it. Its longer shuffle is
    not kept in `order`, so the batches of later steps are the same with refilling and without.
    """
    fill_words(key, place, np.int64(0), step, _BATCHES, words)
    for j in range(batch_size):
        other = j + np.int64((words[j] * np.uint64(order.size - j)) >> _32)
        order[j], order[other] = order[other], order[j]
    for j in range(order.size):
        pool[j] = order[j]
    for j in range(batch_size, words.size):
        if j < order.size - 1:
            other = j + np.int64((words[j] * np.uint64(order.size - j)) >> _32)
            pool[j], pool[other] = pool[other], pool[j]


@compiled
def _uniform(word):
    """The middle of the interval, 2**-32 wide, that a 32-bit word numbers."""
    return (np.float64(np.int64(word)) + 0.5) * 2.0**-32


@compiled
def _draw_uniforms(key, places, prompts, step, purpose, words, uniforms):
    """Fill `words` (n, lane), and from the first of them `uniforms` (sample, lane)."""
    fill_words_of_lanes(key, places, prompts, step, purpose, words)
    for i in range(uniforms.shape[0]):
        for lane in range(uniforms.shape[1]):
            uniforms[i, lane] = _uniform(words[i, lane])


@compiled
def _round_up(n):
    """The next multiple of the eight words of a counter block."""
    return 8 * ((n + 7) // 8)


@compiled
def _even_part(n, most):
    """How many at a time take `n` in the fewest turns of at most `most`, the turns as even as can be."""
    n_turns = (n + most - 1) // most
    return (n + n_turns - 1) // n_turns


@compiled
def _all_full(filled, arms, batch_size):
    """Whether every trained arm has its batch, in every lane."""
    waiting = 0
    for arm in range(arms.size):
        for lane in range(filled.shape[1]):
            waiting += 1 if arms[arm] != 0 and filled[arm, lane] < batch_size else 0
    return waiting == 0


@compiled
def _read(state, correct, row, scratch, policies):
    """Return the exact accuracy of one run, averaged over prompts.

    `state` is its (prompt, field), `correct` its task's (prompt, action); `row` (action, lane) is scratch
    space for as many prompts as there are lanes. Fill `policies` (prompt, action) too, unless it is empty.
    """
    n_actions, n_lanes = row.shape
    n_prompts = state.shape[0]
    total = 0.0
    for start in range(0, n_prompts, n_lanes):
        for lane in range(n_lanes):
            for a in range(n_actions):
                row[a, lane] = state[min(start + lane, n_prompts - 1), a]
        softmax_of_lanes(row, row, scratch)
        for prompt in range(start, min(start + n_lanes, n_prompts)):
            for a in range(n_actions):
                total += row[a, prompt - start] if correct[prompt, a] else 0.0
                if policies.size > 0:
                    policies[prompt, a] = row[a, prompt - start]
    return total / n_prompts


@compiled
def train(
    first, last, draws, prior, correct, labels, arms, key, n_seeds, checkpoints, rules, curves, policies
):
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

    Raises
    ------
    ValueError
        If a code in `arms` is none of an arm's.
    """
    chance = rules.tie_break == UNIFORM  # whether words are drawn beyond those that sample actions
    for arm in range(arms.size):
        if arms[arm] < 0 or arms[arm] > TRUE:
            raise ValueError("arms must be codes of arms")
        chance = chance or arms[arm] == RANDOM
    n_prompts, n_actions = prior.shape[1:]
    batch_size, group_size = rules.batch_size, rules.group_size
    noisy = rules.false_positive > 0.0 or rules.false_negative > 0.0
    n_fields = 3 * n_actions + 2 if rules.optimizer == ADAM else n_actions
    width = 1 if rules.filtering == REFILL else _even_part(batch_size, MOST_LANES)  # prompts at a time
    n_runs = _even_part(last - first, max(1, MOST_LANES // width))
    n = VECTOR * ((n_runs * width + VECTOR - 1) // VECTOR)  # lanes
    own, turns = np.empty(n, np.int64), np.empty(n, np.int64)  # a lane's run, and its place in the batch
    for lane in range(n):  # lanes that are left over do the last one's work once more
        own[lane], turns[lane] = divmod(min(lane, n_runs * width - 1), width)
    tasks, seeds, runs_at = (
        np.empty(n_runs, np.int64),
        np.empty(n_runs, np.int64),
        np.empty(n_runs, np.uint64),
    )
    task_of, places = np.empty(n, np.int64), np.empty(n, np.uint64)
    prompts, answers = np.empty(n, np.int64), np.empty(n, np.int64)
    state = np.empty((arms.size, n_runs, n_prompts, n_fields))
    order, pool = np.empty((n_runs, n_prompts), np.int64), np.empty((n_runs, n_prompts), np.int64)
    filled, counted = np.empty((arms.size, n), np.int64), np.empty(n, np.bool_)
    batch_words = np.empty(_round_up(rules.n_candidates), np.uint64)
    words = np.empty((_round_up(group_size) + _round_up(1 + (group_size + 31) // 32), n), np.uint64)
    action_words, reward_words = words[: _round_up(group_size)], words[_round_up(group_size) :]
    uniforms, verifier = np.empty((group_size, n)), np.empty((group_size, n))
    here, policy = np.empty((n_fields, n)), np.empty((n_actions, n))
    reference, right = np.empty((n_actions, n)), np.empty((n_actions, n))
    actions, rewards = np.empty((group_size, n), np.int64), np.empty((group_size, n))
    nothing = np.empty((0, n_actions))
    counts, scratch = np.empty((n_actions + 3, n), np.int64), np.empty((5 * n_actions + group_size + 2, n))
    for start in range(first, last, n_runs):
        for i in range(n_runs):
            run = min(start + i, last - 1)  # runs that are left over are the last one once more
            tasks[i], seeds[i] = run // n_seeds, run % n_seeds
            runs_at[i] = (np.uint64(draws[tasks[i]]) << _32) | np.uint64(seeds[i])
            for prompt in range(n_prompts):
                order[i, prompt] = prompt
                for a in range(n_actions):
                    state[:, i, prompt, a] = np.log(prior[tasks[i], prompt, a])
                for field in range(n_actions, n_fields):
                    state[:, i, prompt, field] = 0.0 if field < 3 * n_actions else 1.0
        for lane in range(n):
            task_of[lane], places[lane] = tasks[own[lane]], runs_at[own[lane]]
        step = np.int64(0)  # a literal would have what it is passed to compiled twice
        for checkpoint in range(checkpoints.size):
            while step < checkpoints[checkpoint]:
                for i in range(n_runs):
                    _draw_batch(key, runs_at[i], step, batch_size, order[i], pool[i], batch_words)
                filled[:] = 0
                for j in range(0, rules.n_candidates, width):
                    if rules.filtering == REFILL and _all_full(filled, arms, batch_size):
                        break
                    for lane in range(n):
                        prompts[lane] = pool[own[lane], min(j + turns[lane], rules.n_candidates - 1)]
                    if noisy:
                        _draw_uniforms(key, places, prompts, step, _VERIFIER, action_words, verifier)
                    drawn = words if chance else action_words
                    _draw_uniforms(key, places, prompts, step, _GROUPS, drawn, uniforms)
                    take(prior, task_of, prompts, reference)
                    take(correct, task_of, prompts, right)
                    for arm in range(arms.size):
                        if arms[arm] == 0:
                            continue
                        for lane in range(n):
                            answers[lane] = labels[task_of[lane], prompts[lane]]
                            counted[lane] = filled[arm, lane] < batch_size
                        take(state[arm], own, prompts, here)
                        softmax_of_lanes(here[:n_actions], policy, scratch)
                        _sample(policy, uniforms, scratch[0], actions)
                        group_rewards(
                            arms[arm], actions, right, answers, reward_words, verifier, rules, counts, rewards
                        )
                        group_update(here, policy, reference, actions, rewards, rules, counted, scratch)
                        put(here, own, prompts, state[arm])
                        for lane in range(n):
                            filled[arm, lane] += 1 if counted[lane] else 0
                step += 1
            for arm in range(arms.size):
                for i in range(n_runs):
                    task, seed = tasks[i], seeds[i]
                    kept = policies[arm, task, seed] if policies.shape[1] > 0 else nothing
                    curves[arm, task, seed, checkpoint] = _read(
                        state[arm, i], correct[task], policy, scratch, kept
                    )
