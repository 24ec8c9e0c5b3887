"""Compiled training of prompts that each have their own policy: arrays in, output arrays filled.

Many groups are trained side by side, each in a lane, the last axis of every working array. Inner loops do one
operation in all lanes; lanes are independent, so the compiler vectorises over them and each lane has the bits
of its group alone. The lanes are the prompts of a step's batch, in as many runs as fit. Only with refilling
does a prompt wait for the prompts before it. All arms of a run use the same batches and the same uniforms,
keyed by where they are used.

From top to bottom: lanes in and out, softmax, sampling, rewards, updates, reading, training. `rare` holds the
rules where a rule is used that the light settings do not need, and is None elsewhere. With None the compiler
omits the code of these rules, and a first call takes a third less time.
"""

# mypy: allow-untyped-defs
# The compiler infers these types itself, more strictly.
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvr.simulator.drawing import (
    compiled,
    draw_batches,
    exponential,
    fill_words,
    inlined,
    internal,
    uniform,
    whole_blocks,
)  # fmt: skip
from rlvr.simulator.rules import (
    ADAM,
    BETAS,
    EPSILON,
    FORWARD,
    FROZEN,
    GRPO,
    LARGEST,
    MAJORITY,
    MIRROR,
    OFF,
    RANDOM,
    REFILL,
    RLOO,
    TRUE,
    UNIFORM,
    Rules,
    check_finite,
    rare_rules,
)  # fmt: skip

__all__ = ["Scratch", "group_rewards", "group_update", "scratch_space", "train_prompts"]

VECTOR, MOST_LANES = 8, 64  # the number of lanes is a multiple of the widest registers' capacity
ROUNDING = 1e-14  # a smaller drift counts as zero for Adam; far below its epsilon

_BATCHES = np.uint64(1)  # fourth counter word: the purpose of the bits
_GROUPS = np.uint64(2)
_VERIFIER = np.uint64(3)
_32 = np.uint64(32)


class Scratch(NamedTuple):
    """Working arrays of groups side by side; they hold no information between two calls.

    The arrays are few, each a stack of several, because the compiler passes an array as nine numbers.
    """

    counts: NDArray[np.int64]  # (action, lane)
    tallies: NDArray[np.int64]  # (3, lane): most, tied, skip
    rows: NDArray[np.float64]  # (3, lane): top, total, mean
    weights: NDArray[np.float64]  # (sample, lane)
    by_action: NDArray[np.float64]  # (5, action, lane): drift, before, times, tilted, target


class _Lanes(NamedTuple):
    """The content of every lane, and the runs that are trained side by side."""

    indices: NDArray[np.int64]  # (5, lane): run (of those side by side), turn in batch, task, prompt, answer
    runs: NDArray[np.int64]  # (3, run): task, seed, and zeros
    runs_at: NDArray[np.uint64]  # (run,)
    places: NDArray[np.uint64]  # (lane,)
    counted: NDArray[np.bool_]  # (lane,)
    filled: NDArray[np.int64]  # (arm, lane)
    states: NDArray[np.float64]  # (arm, run, prompt, field)
    orders: NDArray[np.int64]  # (2, run, prompt): order and pool
    batch_words: NDArray[np.uint64]  # (n, run)
    words: NDArray[np.uint64]  # (n, lane): those of the actions, then those of the rewards
    action_words: NDArray[np.uint64]
    reward_words: NDArray[np.uint64]
    samples: NDArray[np.float64]  # (3, sample, lane): uniforms, the verifier's uniforms, rewards
    state: NDArray[np.float64]  # (field, lane)
    by_action: NDArray[np.float64]  # (3, action, lane): policy, prior, right
    actions: NDArray[np.int64]  # (sample, lane)


def scratch_space(n_actions: int, group_size: int, n_lanes: int) -> Scratch:
    """New scratch space for groups of this size."""
    return Scratch(
        np.empty((n_actions, n_lanes), np.int64), np.empty((3, n_lanes), np.int64), np.empty((3, n_lanes)),
        np.empty((group_size, n_lanes)), np.empty((5, n_actions, n_lanes)),
    )  # fmt: skip


def _lanes(rules: Rules, n_arms: int, n_prompts: int, n_actions: int, n_runs: int) -> _Lanes:
    """Allocate lanes for at most `n_runs` runs side by side."""
    n_fields = 3 * n_actions + 2 if rules.optimizer == ADAM else n_actions
    width = 1 if rules.filtering == REFILL else _even_part(rules.batch_size, MOST_LANES)  # prompts at a time
    n_runs = _even_part(n_runs, max(1, MOST_LANES // width))
    n = VECTOR * -(-n_runs * width // VECTOR)
    indices = np.empty((5, n), np.int64)
    indices[:2] = np.divmod(np.minimum(np.arange(n), n_runs * width - 1), width)  # left over: the last
    n_action_words = whole_blocks(rules.group_size)
    words = np.empty((n_action_words + whole_blocks(1 + (rules.group_size + 31) // 32), n), np.uint64)
    return _Lanes(
        indices, np.zeros((3, n_runs), np.int64), np.empty(n_runs, np.uint64), np.empty(n, np.uint64),
        np.empty(n, np.bool_), np.empty((n_arms, n), np.int64),
        np.empty((n_arms, n_runs, n_prompts, n_fields)), np.empty((2, n_runs, n_prompts), np.int64),
        np.empty((whole_blocks(rules.n_candidates), n_runs), np.uint64),
        words, words[:n_action_words], words[n_action_words:], np.empty((3, rules.group_size, n)),
        np.empty((n_fields, n)), np.empty((3, n_actions, n)), np.empty((rules.group_size, n), np.int64),
    )  # fmt: skip


def _even_part(n: int, most: int) -> int:
    """Size of the parts of `n` that gives the fewest turns of at most `most`, as even as possible."""
    return -(-n // -(-n // most))


@internal
def _take(source, first, second, rows):
    """Copy ``source[first[lane], second[lane]]`` (field,) to each lane of `rows` (field, lane)."""
    for lane in range(rows.shape[1]):
        row = source[first[lane], second[lane]]
        for field in range(rows.shape[0]):
            rows[field, lane] = row[field]


@internal
def _put(rows, first, second, target):
    """Copy each lane of `rows` (field, lane) to ``target[first[lane], second[lane]]`` (field,)."""
    for lane in range(rows.shape[1]):
        row = target[first[lane], second[lane]]
        for field in range(rows.shape[0]):
            row[field] = rows[field, lane]


@internal
def _softmax_of_lanes(logits, probabilities, top, total):
    """Fill `probabilities` (action, lane) with each lane's softmax, bit for bit as `drawing.softmax`.

    Both may be the same array, and `logits` may have more rows; `top` and `total` (lane,) are scratch space.
    """
    n_actions, n_lanes = probabilities.shape
    for lane in range(n_lanes):
        top[lane] = logits[0, lane]
        total[lane] = 0.0
    for a in range(1, n_actions):
        for lane in range(n_lanes):
            top[lane] = logits[a, lane] if logits[a, lane] > top[lane] else top[lane]
    for a in range(n_actions):
        for lane in range(n_lanes):
            below = logits[a, lane] - top[lane]
            probabilities[a, lane] = exponential(below if below > -700.0 else -700.0)
    for a in range(n_actions):
        for lane in range(n_lanes):
            total[lane] += probabilities[a, lane]
    for a in range(n_actions):
        for lane in range(n_lanes):
            probabilities[a, lane] /= total[lane]


@internal
def _sample(probabilities, uniforms, cumulative, actions):
    """Sample `actions` (sample, lane) by inverse CDF: one uniform per action, shared by all arms.

    Counting the steps of the distribution function below the uniform needs no branch.
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


@internal
def _as_uniforms(words, uniforms):
    """Fill `uniforms` (sample, lane) from the first of the `words` (n, lane)."""
    for i in range(uniforms.shape[0]):
        for lane in range(uniforms.shape[1]):
            uniforms[i, lane] = uniform(words[i, lane])


@internal
def _add_plurality(actions, tie_words, rare, counts, tallies, labels):
    """Where `labels` (lane,) is negative, write the group's most frequent action.

    Of tied actions the lowest is written, or the one that the lane's word draws.
    """
    most, tied, skip = tallies[0], tallies[1], tallies[2]
    n_actions, n_lanes = counts.shape
    for a in range(n_actions):
        for lane in range(n_lanes):
            counts[a, lane] = 0
    for i in range(actions.shape[0]):
        for a in range(n_actions):
            for lane in range(n_lanes):
                counts[a, lane] += 1 if actions[i, lane] == a else 0
    for lane in range(n_lanes):
        most[lane] = 0
        skip[lane] = 0
        tied[lane] = 0
    for a in range(n_actions):
        for lane in range(n_lanes):
            most[lane] = counts[a, lane] if counts[a, lane] > most[lane] else most[lane]
    if rare is not None and rare.tie_break == UNIFORM:
        for a in range(n_actions):
            for lane in range(n_lanes):
                tied[lane] += 1 if counts[a, lane] == most[lane] else 0
        for lane in range(n_lanes):
            skip[lane] = np.int64((tie_words[0, lane] * np.uint64(tied[lane])) >> _32)
    for a in range(n_actions):
        for lane in range(n_lanes):
            among = counts[a, lane] == most[lane]
            labels[lane] = a if among and skip[lane] == 0 and labels[lane] < 0 else labels[lane]
            skip[lane] -= 1 if among else 0


@inlined
def group_rewards(arm, actions, correct, labels, words, verifier, rare, scratch, rewards):
    """Fill `rewards` (sample, lane) with 0.0 or 1.0, for one group a lane.

    Parameters
    ----------
    arm : int
        RANDOM, MAJORITY or TRUE.
    actions : ndarray of int (sample, lane)
    correct : ndarray (action, lane)
        1.0 for a correct action, 0.0 for another.
    labels : ndarray of int (lane,)
        MAJORITY's label; a negative label is replaced by the plurality of the group.
    words : ndarray of uint64 (n, lane)
        32-bit words: the first breaks ties, the rest are one reward bit each.
    verifier : ndarray (sample, lane)
        Uniforms that decide whether a noisy verifier errs; read only if it is noisy.
    rare : Rules or None
    scratch : Scratch
    rewards : ndarray (sample, lane)
    """
    group_size, n_lanes = actions.shape
    if arm == RANDOM:
        for i in range(group_size):
            for lane in range(n_lanes):
                rewards[i, lane] = np.int64((words[1 + i // 32, lane] >> np.uint64(i % 32)) & np.uint64(1))
    elif arm == MAJORITY:
        _add_plurality(actions, words, rare, scratch.counts, scratch.tallies, labels)
        for i in range(group_size):
            for lane in range(n_lanes):
                rewards[i, lane] = 1.0 if actions[i, lane] == labels[lane] else 0.0
    elif arm == TRUE:
        for i in range(group_size):
            for lane in range(n_lanes):
                rewards[i, lane] = correct[actions[i, lane], lane]
        if rare is not None and (rare.false_positive > 0.0 or rare.false_negative > 0.0):
            for i in range(group_size):
                for lane in range(n_lanes):
                    right = rewards[i, lane] > 0.0
                    rewarded = 1.0 - rare.false_negative if right else rare.false_positive
                    rewards[i, lane] = 1.0 if verifier[i, lane] < rewarded else 0.0


@internal
def _weigh(rewards, part_size, advantage, mean, scale, weights):
    """Fill `weights` (sample, lane) with advantages over `part_size`, and `mean` (lane,) with mean rewards.

    In a group of equal rewards every weight is exactly 0. `scale` (lane,) is scratch space.
    """
    group_size, n_lanes = rewards.shape
    by_spread = 1.0 if advantage == GRPO else 0.0  # a branch would compile the loop three times
    constant = (group_size - 1) / group_size if advantage == RLOO else 1.0 - by_spread
    for lane in range(n_lanes):
        mean[lane] = 0.0
    for i in range(group_size):
        for lane in range(n_lanes):
            mean[lane] += rewards[i, lane]
    for lane in range(n_lanes):
        mean[lane] /= group_size
        divisor = by_spread * (math.sqrt(mean[lane] * (1.0 - mean[lane])) + 1e-8) + constant
        scale[lane] = 1.0 / (divisor * part_size)
    for i in range(group_size):
        for lane in range(n_lanes):
            weights[i, lane] = (rewards[i, lane] - mean[lane]) * scale[lane]


@internal
def _weigh_by_ratio(now, before, actions, first, last, low, high, weights):
    """Multiply the weights of samples `first` to `last` - 1 by the ratio, those of clipped ones by zero."""
    for i in range(first, last):
        for lane in range(now.shape[1]):
            action, weight = actions[i, lane], weights[i, lane]
            ratio = now[action, lane] / before[action, lane]
            above = weight > 0.0 and ratio > 1.0 + high
            below = weight < 0.0 and ratio < 1.0 - low
            weights[i, lane] = 0.0 if above or below else weight * ratio


@internal
def _add_policy_gradient(now, actions, weights, first, last, rare, total, drift):
    """Add the weighted sum of onehot - now over samples `first` to `last` - 1.

    The weights of a whole group sum to zero, so a whole group needs only the sum of onehot.
    """
    n_actions, n_lanes = drift.shape
    for i in range(first, last):
        for a in range(n_actions):
            for lane in range(n_lanes):
                drift[a, lane] += weights[i, lane] if actions[i, lane] == a else 0.0
    if rare is None or rare.inner_updates == 1:
        return
    total[:] = 0.0
    for i in range(first, last):
        for lane in range(n_lanes):
            total[lane] += weights[i, lane]
    for a in range(n_actions):
        for lane in range(n_lanes):
            drift[a, lane] -= total[lane] * now[a, lane]


@internal
def _add_mirror_step(logits, actions, rewards, temperature, rows, by_action):
    """Add target minus policy over the candidates: the distinct actions that were sampled.

    The policy is restricted to the candidates; the target is this policy, tilted by the exponential of reward
    over temperature. A candidate's reward is the mean over its samples. Actions that were not sampled get the
    smallest weight, 1e-304, which does not change any sum, because the largest weight is 1.
    """
    drift, times, policy, target = by_action[0], by_action[2], by_action[3], by_action[4]
    top, total, best = rows[0], rows[1], rows[2]
    n_actions, n_lanes = drift.shape
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
        _softmax_of_lanes(logits_of, logits_of, top, total)
    for a in range(n_actions):
        for lane in range(n_lanes):
            drift[a, lane] += target[a, lane] - policy[a, lane] if times[a, lane] > 0.0 else 0.0


@internal
def _add_kl_term(now, prior, coefficient, rare, log_ratios, divergence, drift):
    """Add the pull towards the prior."""
    n_actions, n_lanes = drift.shape
    if rare is None or rare.kl == FORWARD:  # as published: the gradient of KL(prior || policy)
        for a in range(n_actions):
            for lane in range(n_lanes):
                drift[a, lane] -= coefficient * (now[a, lane] - prior[a, lane])
    elif coefficient > 0.0:  # the gradient of KL(policy || prior)
        divergence[:] = 0.0
        for a in range(n_actions):
            for lane in range(n_lanes):
                log_ratios[a, lane] = math.log(now[a, lane] / prior[a, lane])
                divergence[lane] += now[a, lane] * log_ratios[a, lane]
        for a in range(n_actions):
            for lane in range(n_lanes):
                gap = log_ratios[a, lane] - divergence[lane]
                drift[a, lane] -= coefficient * now[a, lane] * gap


@internal
def _through_adam(counts, state, drift):
    """Turn `drift` (action, lane) into Adam's step, in the lanes that `counts` marks.

    Moments and decays (the betas to the power of the number of updates) are the prompt's own, in its `state`.
    The powers are products, so that no system library can change a digit. A drift that is zero up to rounding
    counts as zero, because Adam would turn it into a full step, which the KL term would amplify.
    """
    n, n_lanes = drift.shape
    for order in range(2):
        for lane in range(n_lanes):
            state[3 * n + order, lane] *= BETAS[order] if counts[lane] else 1.0
    for a in range(n):
        for lane in range(n_lanes):
            new = 0.0 if abs(drift[a, lane]) < ROUNDING else drift[a, lane]
            mean = BETAS[0] * state[n + a, lane] + (1.0 - BETAS[0]) * new
            square = BETAS[1] * state[2 * n + a, lane] + (1.0 - BETAS[1]) * (new * new)
            state[n + a, lane] = mean if counts[lane] else state[n + a, lane]
            state[2 * n + a, lane] = square if counts[lane] else state[2 * n + a, lane]
            length = math.sqrt(square / (1.0 - state[3 * n + 1, lane])) + EPSILON
            drift[a, lane] = mean / (1.0 - state[3 * n, lane]) / length


@inlined
def group_update(state, policy, prior, actions, rewards, rules, rare, counts, scratch):
    """Move one prompt's logits by the updates of one group, in each lane marked in `counts`.

    A group of equal rewards has no policy term. Unless filtering is off it is dropped, and so is its KL term.
    Each inner update uses its part of the group, in order, and the whole KL term.

    Parameters
    ----------
    state : ndarray (field, lane)
        The variables of training: logits, one field per action, and with Adam both moments (initially 0) and
        the two decays (initially 1).
    policy : ndarray (action, lane)
        The policy that sampled the group; inner updates overwrite it with later policies.
    prior : ndarray (action, lane)
        The untrained policy.
    actions : ndarray of int (sample, lane)
    rewards : ndarray (sample, lane)
        0.0 or 1.0.
    rules : Rules
    rare : Rules or None
        The same rules, or None as :func:`rlvr.simulator.rules.rare_rules` returns them.
    counts : ndarray of bool (lane,)
        Lanes that need a group; on return, the lanes whose group counted.
    scratch : Scratch
    """
    group_size, n_lanes = actions.shape
    n = prior.shape[0]
    rows, by_action, weights = scratch.rows, scratch.by_action, scratch.weights
    top, total, mean = rows[0], rows[1], rows[2]
    drift, before, times = by_action[0], by_action[1], by_action[2]
    part_size = group_size
    if rare is not None:
        part_size = group_size // rare.inner_updates
    _weigh(rewards, part_size, rules.advantage, mean, total, weights)
    if rules.filtering != OFF:
        for lane in range(n_lanes):
            counts[lane] = counts[lane] and 0.0 < mean[lane] < 1.0
    if rare is not None and rare.inner_updates > 1:
        for a in range(n):
            for lane in range(n_lanes):
                before[a, lane] = policy[a, lane]
    for first in range(0, group_size, part_size):
        last = first + part_size
        for a in range(n):
            for lane in range(n_lanes):
                drift[a, lane] = 0.0
        if rare is not None and first > 0:
            _softmax_of_lanes(state, policy, top, total)
            _weigh_by_ratio(policy, before, actions, first, last, rare.low, rare.high, weights)
        if rare is not None and rare.update == MIRROR:
            _add_mirror_step(state, actions, rewards, rare.mirror_temperature, rows, by_action)
        else:
            _add_policy_gradient(policy, actions, weights, first, last, rare, total, drift)
        _add_kl_term(policy, prior, rules.kl_coefficient, rare, times, total, drift)
        if rare is not None and rare.optimizer == ADAM:
            _through_adam(counts, state, drift)
        for a in range(n):
            for lane in range(n_lanes):
                state[a, lane] += rules.learning_rate * drift[a, lane] if counts[lane] else 0.0


@internal
def _all_full(filled, arms, batch_size):
    """Whether every trained arm has its batch, in every lane."""
    waiting = 0
    for arm in range(arms.size):
        for lane in range(filled.shape[1]):
            waiting += 1 if arms[arm] != FROZEN and filled[arm, lane] < batch_size else 0
    return waiting == 0


def train_prompts(
    first, last, draws, prior, correct, labels, arms, key, n_seeds, checkpoints, rules, curves, policies=None
):
    """Train every arm of runs `first` to `last` - 1, run r being task ``r // n_seeds``, seed ``r % n_seeds``.

    Runs write to separate memory, so threads may take any ranges. A step goes through a shuffled list of
    `n_candidates` prompts. An arm stops when its batch is full: without refilling after `batch_size` prompts,
    with refilling after `batch_size` groups of unequal rewards.

    Parameters
    ----------
    draws : ndarray of int (task,)
        Number of each task draw, the key of its random numbers.
    prior, correct : ndarray (task, prompt, action)
        Probabilities and correct sets.
    labels : ndarray of int (task, prompt)
        MAJORITY's labels; negative where its groups vote.
    arms : ndarray of int (arm,)
        Codes of arms; the frozen arm is only evaluated.
    key : ndarray of uint64 (2,)
        Philox key.
    checkpoints : ndarray of int (checkpoint,)
        Ascending step counts; the last is the number of steps.
    rules : Rules
    curves : ndarray (arm, task, seed, checkpoint)
        Filled with exact accuracies.
    policies : ndarray (arm, task, seed, prompt, action), optional
        Filled with the final policies.

    Raises
    ------
    ValueError
        If a code in `arms` is unknown, or a logit is not finite at a checkpoint.
    """
    if not set(arms.tolist()) <= {FROZEN, RANDOM, MAJORITY, TRUE}:
        raise ValueError("arms must hold codes of known arms")
    rare, (n_prompts, n_actions) = rare_rules(rules), prior.shape[1:]
    if policies is None:
        policies = np.empty((arms.size, 0, n_seeds, n_prompts, n_actions))
    lanes = _lanes(rules, arms.size, n_prompts, n_actions, last - first)
    scratch = scratch_space(n_actions, rules.group_size, lanes.places.size)
    place = _train(
        first, last, draws, prior, correct.astype(float), labels, arms, key, n_seeds, checkpoints, rules,
        rare, *lanes, *scratch, curves, policies,
    )  # fmt: skip
    check_finite(place, rules, arms, checkpoints)


@compiled
def _train(
    first, last, draws, prior, correct, labels, arms, key, n_seeds, checkpoints, rules, rare,
    indices, runs, runs_at, places, counted, filled, states, orders, batch_words, words, action_words,
    reward_words, samples, state, by_action, actions,
    counts, tallies, rows, weights, changes, curves, policies,
):  # fmt: skip
    """Train the runs of :func:`train_prompts`, as many side by side as there are lanes for.

    Returns the number of the first reading with a state beyond LARGEST, or -1.
    """
    n_arms, n_runs, n_prompts, n_fields = states.shape
    scratch = Scratch(counts, tallies, rows, weights, changes)
    own, turns, task_of = indices[0], indices[1], indices[2]
    prompts, answers = indices[3], indices[4]
    tasks, seeds, no_prompt = runs[0], runs[1], runs[2]
    order, pool = orders[0], orders[1]
    uniforms, verifier, rewards = samples[0], samples[1], samples[2]
    policy, reference, right = by_action[0], by_action[1], by_action[2]
    top, total = rows[0], rows[1]
    n_actions, n = policy.shape
    batch_size, n_candidates = rules.batch_size, rules.n_candidates
    chance = rare is not None and rare.tie_break == UNIFORM  # words that do not sample actions
    for arm in range(n_arms):
        chance = chance or arms[arm] == RANDOM
    width = turns[n - 1] + 1  # prompts of the batch that are trained at a time
    for start in range(first, last, n_runs):
        for i in range(n_runs):
            run = min(start + i, last - 1)  # places that are left over repeat the last run
            tasks[i], seeds[i] = run // n_seeds, run % n_seeds
            runs_at[i] = (np.uint64(draws[tasks[i]]) << _32) | np.uint64(seeds[i])
            for prompt in range(n_prompts):
                order[i, prompt] = prompt
                for a in range(n_actions):
                    logit = np.log(prior[tasks[i], prompt, a])
                    for arm in range(n_arms):
                        states[arm, i, prompt, a] = logit
                for arm in range(n_arms):
                    for field in range(n_actions, n_fields):
                        states[arm, i, prompt, field] = 0.0 if field < 3 * n_actions else 1.0
        for lane in range(n):
            task_of[lane], places[lane] = tasks[own[lane]], runs_at[own[lane]]
        step = np.int64(0)  # a literal would compile the called function twice
        for checkpoint in range(checkpoints.size):
            while step < checkpoints[checkpoint]:
                fill_words(key, runs_at, no_prompt, step, _BATCHES, batch_words)
                draw_batches(batch_words, batch_size, order, pool)
                filled[:] = 0
                for j in range(0, n_candidates, width):
                    if rare is not None and rare.filtering == REFILL and _all_full(filled, arms, batch_size):
                        break
                    for lane in range(n):
                        prompts[lane] = pool[own[lane], min(j + turns[lane], n_candidates - 1)]
                    if rare is not None and (rare.false_positive > 0.0 or rare.false_negative > 0.0):
                        fill_words(key, places, prompts, step, _VERIFIER, action_words)
                        _as_uniforms(action_words, verifier)
                    drawn = words if chance else action_words
                    fill_words(key, places, prompts, step, _GROUPS, drawn)
                    _as_uniforms(words, uniforms)
                    _take(prior, task_of, prompts, reference)
                    _take(correct, task_of, prompts, right)
                    for arm in range(n_arms):
                        if arms[arm] == FROZEN:
                            continue
                        for lane in range(n):
                            answers[lane] = labels[task_of[lane], prompts[lane]]
                            counted[lane] = filled[arm, lane] < batch_size
                        _take(states[arm], own, prompts, state)
                        _softmax_of_lanes(state, policy, top, total)
                        _sample(policy, uniforms, total, actions)
                        group_rewards(
                            arms[arm], actions, right, answers, reward_words,
                            verifier, rare, scratch, rewards,
                        )  # fmt: skip
                        group_update(
                            state, policy, reference, actions, rewards, rules, rare,
                            counted, scratch,
                        )  # fmt: skip
                        _put(state, own, prompts, states[arm])
                        for lane in range(n):
                            filled[arm, lane] += 1 if counted[lane] else 0
                step += 1
            for arm in range(n_arms):
                for i in range(n_runs):
                    task, accuracy, n_large = tasks[i], 0.0, 0
                    for at in range(0, n_prompts, n):  # as many prompts of the run as lanes
                        for lane in range(n):
                            answers[lane], prompts[lane] = i, min(at + lane, n_prompts - 1)
                        _take(states[arm], answers, prompts, state)
                        for field in range(n_fields):
                            for lane in range(n):
                                n_large += 0 if abs(state[field, lane]) <= LARGEST else 1
                        _softmax_of_lanes(state, policy, top, total)
                        for prompt in range(at, min(at + n, n_prompts)):
                            for a in range(n_actions):
                                accuracy += policy[a, prompt - at] * correct[task, prompt, a]
                                if policies.shape[1] > 0:
                                    policies[arm, task, seeds[i], prompt, a] = policy[a, prompt - at]
                    if n_large > 0:
                        return checkpoint * n_arms + arm
                    curves[arm, task, seeds[i], checkpoint] = accuracy / n_prompts
    return -1
