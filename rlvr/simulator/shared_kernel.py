"""Compiled training of a policy whose strategies all prompts share: arrays in, output arrays filled.

All arms of a run use the same batches and the same uniforms, keyed by where they are used. Where prompts have
no offsets, the policy is computed once per update, so the cost of an answer depends on the number of
strategies only through a binary search. From top to bottom: policies, sampling, rewards, updates, training.

Answers have names: 0 is the prompt's right answer, 1 + s the typical mistake of strategy s, and a negative
number an answer that nobody else gives.

With mirror descent a group's candidates are its distinct sampled answers. An answer is the sequence of its
tokens' decisions: with one token its strategy, with several the token at which it turned off and the strategy
it turned to. Answers that reach one strategy by different tokens are different candidates, because a policy
gives each sampled sequence a probability, the product over its tokens, whereas a strategy's probability also
sums over sequences that nobody sampled. The policy restricted to the candidates moves towards itself tilted
by exp(reward / temperature), where a candidate's reward is the mean over its samples, along the gradient of
their cross entropy in the shared logits.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False

from __future__ import annotations

import math

import numpy as np

from rlvr.simulator.drawing import compiled, draw_batches, fill_words, internal, softmax, uniform
from rlvr.simulator.rules import (
    ADAM,
    BETAS,
    EPSILON,
    FROZEN,
    GRPO,
    LARGEST,
    MAJORITY,
    MIRROR,
    OFF,
    RANDOM,
    REFILL,
    REVERSE,
    RLOO,
    TRUE,
    UNIFORM,
    check_finite,
)  # fmt: skip

__all__ = ["add_mirror_drift", "part_drift", "read", "train_strategies", "update_logits", "vote"]

_BATCHES, _STRATEGIES, _RIGHT, _NAMES, _REWARDS, _NOISE = (np.uint64(purpose) for purpose in range(16, 22))
_32 = np.uint64(32)


@internal
def _copy(source, target):
    """Copy `source` to `target`, both (token, strategy).

    A loop, because a copy by slice would compile an error message that can never occur, which takes seconds
    in the first run.
    """
    for k in range(source.shape[0]):
        for s in range(source.shape[1]):
            target[k, s] = source[k, s]


@internal
def _tokens(logits, offset, policy):
    """Fill `policy` (token, strategy) with a prompt's probabilities for each token."""
    for k in range(logits.shape[0]):
        for s in range(logits.shape[1]):
            policy[k, s] = logits[k, s] + offset[s]
        softmax(policy[k], policy[k])


@compiled
def read(logits, offsets, accuracies, greedy, policy, shares):
    """Fill `shares` (strategy,) with averages over the rows of `offsets`; return the exact accuracy.

    The accuracy is the first strategy's plus the differences that other strategies add, so strategies of
    equal accuracy leave no rounding error.
    """
    n_rows, n_strategies = offsets.shape
    shares[:] = 0.0
    total = 0.0
    for row in range(n_rows):
        _tokens(logits, offsets[row], policy)
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


@internal
def _accumulate(policy, cumulative):
    """Fill the first columns of `cumulative` (token, 2**m - 1); the columns beyond stay infinite."""
    for k in range(policy.shape[0]):
        total = 0.0
        for s in range(policy.shape[1] - 1):
            total += policy[k, s]
            cumulative[k, s] = total


@internal
def _sample(cumulative, words, lane, strategies, last):
    """Inverse-CDF sampling: count the steps of the distribution function at or below the uniform.

    The binary search has no branches. `words` (token * sample, lane) are 32-bit; `last` (sample,) is the last
    token that an answer decided.
    """
    n_tokens = cumulative.shape[0]
    group_size = strategies.size
    half = (cumulative.shape[1] + 1) // 2
    for i in range(group_size):
        chosen, token = 0, 0
        for k in range(n_tokens):
            token = k
            drawn = uniform(words[k * group_size + i, lane])
            chosen, stride = 0, half
            while stride > 0:
                chosen += stride if cumulative[k, chosen + stride - 1] <= drawn else 0
                stride //= 2
            if chosen != 0:
                break
        strategies[i], last[i] = chosen, token


@compiled
def vote(names, word, tie_break, counts, first):
    """Return where in `names` (sample,) the plurality first appears.

    Of equally frequent names the first to appear wins, or with UNIFORM one drawn by the 32-bit `word`.
    `counts` (name,) and `first` (name,) are scratch space; `counts` holds zeros before and after.
    """
    most, tied = 1, 0
    for i in range(names.size):
        if names[i] >= 0:
            if counts[names[i]] == 0:
                first[names[i]] = i
            counts[names[i]] += 1
            most = max(most, counts[names[i]])
    skip = 0
    if tie_break == UNIFORM:
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


@internal
def _group_rewards(
    arm, strategies, accuracy, label, lane, right_words, name_words, reward_words, noise_words, rules,
    wrong_agreement, names, counts, first, rewards,
):  # fmt: skip
    """Fill `rewards` (sample,) with 0 or 1 for one group; return their sum.

    `label` is MAJORITY's fixed label, or -2 where the group votes. Words are (n, lane); the first of
    `reward_words` breaks ties, the others are one reward bit each.
    """
    hits = 0
    if arm == RANDOM:
        for i in range(rewards.size):
            rewards[i] = (reward_words[1 + i // 32, lane] >> np.uint64(i % 32)) & np.uint64(1)
            hits += rewards[i]
        return hits
    for i in range(rewards.size):
        rewards[i] = uniform(right_words[i, lane]) < accuracy[strategies[i]]
    if arm == MAJORITY:
        for i in range(rewards.size):
            if rewards[i] == 1:
                names[i] = 0
            else:
                typical = uniform(name_words[i, lane]) < wrong_agreement
                names[i] = 1 + strategies[i] if typical else -1 - i
        if label == -2:
            label = names[vote(names, reward_words[0, lane], rules.tie_break, counts, first)]
        elif label == -1:
            label = -1 - rewards.size  # an answer that nobody else gives
        for i in range(rewards.size):
            rewards[i] = names[i] == label
    elif rules.false_positive > 0.0 or rules.false_negative > 0.0:
        for i in range(rewards.size):
            wrong = rules.false_negative if rewards[i] == 1 else rules.false_positive
            if uniform(noise_words[i, lane]) < wrong:
                rewards[i] = 1 - rewards[i]
    for i in range(rewards.size):
        hits += rewards[i]
    return hits


@internal
def _pull(now, reference, weight, kl, drift):
    """Add `weight` times the gradient of -KL between one token's policy and its prior to `drift`."""
    if kl != REVERSE:
        for s in range(now.size):
            drift[s] -= weight * (now[s] - reference[s])
        return
    divergence = 0.0
    for s in range(now.size):
        divergence += now[s] * math.log(now[s] / reference[s])
    for s in range(now.size):
        drift[s] -= weight * now[s] * (math.log(now[s] / reference[s]) - divergence)


@compiled
def part_drift(
    logits, offset, prompts, differ, start, stop, n_answers, old, reference, strategies, ends, advantages,
    counted, rules, fresh, policy, drift,
):  # fmt: skip
    """Fill `drift` (token, strategy) with the mean gradient of one part of the batch.

    The part is places `start` to `stop` - 1; the mean is over `n_answers`. `old` and `reference` (row, token,
    strategy) are the policies before the step and before training, with a row for each place where prompts
    differ, else one row for all. `fresh` states that the logits are still those at the step's start.

    Returns
    -------
    n_clipped, n_decisions : int
        Clipped tokens, and all tokens that the part's answers decided.
    """
    n_tokens, n_strategies = logits.shape
    group_size = strategies.shape[1]
    drift[:] = 0.0
    pushed, visits = np.zeros(n_tokens), np.zeros(n_tokens)
    n_clipped, n_decisions = 0, 0
    for place in range(start, stop):
        row = place if differ else 0
        if differ or place == start:
            if fresh:
                _copy(old[row], policy)
            else:
                _tokens(logits, offset[prompts[place] if differ else 0], policy)
        for i in range(group_size):
            worth, end = advantages[place, i], ends[place, i]
            n_decisions += end + 1
            if counted[place]:
                for k in range(end + 1):
                    visits[k] += 1.0
            if worth == 0.0:
                continue
            for k in range(end + 1):
                s = strategies[place, i] if k == end else 0
                ratio = policy[k, s] / old[row, k, s]
                if (worth > 0.0 and ratio > 1.0 + rules.high) or (worth < 0.0 and ratio < 1.0 - rules.low):
                    n_clipped += 1
                    continue
                drift[k, s] += worth * ratio
                pushed[k] += worth * ratio
        if differ or place == stop - 1:  # answers with the same policy share its part of the gradient
            for k in range(n_tokens):
                for s in range(n_strategies):
                    drift[k, s] -= pushed[k] * policy[k, s]
                if rules.kl_coefficient > 0.0:
                    weight = rules.kl_coefficient * visits[k]
                    _pull(policy[k], reference[row, k], weight, rules.kl, drift[k])
            pushed[:] = 0.0
            visits[:] = 0.0
    for k in range(n_tokens):
        for s in range(n_strategies):
            drift[k, s] /= n_answers
    return n_clipped, n_decisions


@compiled
def update_logits(logits, drift, moments, n_updates, rules):
    """Move `logits` along `drift`, both (token, strategy); `moments` (2, token, strategy) are Adam's."""
    first_bias, second_bias = 1.0 - BETAS[0] ** n_updates, 1.0 - BETAS[1] ** n_updates
    for k in range(logits.shape[0]):
        for s in range(logits.shape[1]):
            if rules.optimizer != ADAM:
                logits[k, s] += rules.learning_rate * drift[k, s]
                continue
            moments[0, k, s] = BETAS[0] * moments[0, k, s] + (1.0 - BETAS[0]) * drift[k, s]
            moments[1, k, s] = BETAS[1] * moments[1, k, s] + (1.0 - BETAS[1]) * drift[k, s] ** 2
            scale = math.sqrt(moments[1, k, s] / second_bias) + EPSILON
            logits[k, s] += rules.learning_rate * (moments[0, k, s] / first_bias) / scale


@internal
def _candidates(policy, strategies, ends, rewards, first, reward, chance):
    """Find a group's distinct answers; return how many there are.

    For each answer, fills in the sample at which it `first` appears, its mean `reward` and its `chance`.
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


@compiled
def add_mirror_drift(
    logits, offset, prompts, differ, start, stop, n_groups, strategies, ends, rewards, temperature, policy,
    drift,
):  # fmt: skip
    """Add to `drift` (token, strategy) the mean over `n_groups` groups of the gradient towards the target.

    The groups are places `start` to `stop` - 1; `strategies`, `ends` and `rewards` (place, sample) are the
    choices of their answers, the last tokens they decided, and 0 or 1. `policy` is scratch space of the shape
    of `drift`. A group whose candidates all have the same reward adds exactly zero.
    """
    n_tokens, n_strategies = logits.shape
    group_size = strategies.shape[1]
    first, reward, chance = np.empty(group_size, np.int64), np.empty(group_size), np.empty(group_size)
    target = np.empty(group_size)
    pushed = np.zeros(n_tokens)
    for place in range(start, stop):
        if differ or place == start:
            _tokens(logits, offset[prompts[place] if differ else 0], policy)
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
        if differ or place == stop - 1:  # groups with the same policy share its part of the gradient
            for k in range(1, n_tokens):  # all candidates decide the first token, where the sum is zero
                for s in range(n_strategies):
                    drift[k, s] -= pushed[k] * policy[k, s]
            pushed[:] = 0.0


@internal
def _is_sound(numbers):
    """Whether no number (token, strategy) is beyond LARGEST."""
    for k in range(numbers.shape[0]):
        for s in range(numbers.shape[1]):
            if not abs(numbers[k, s]) <= LARGEST:
                return False
    return True


@internal
def _blocks(n):
    """The next multiple of the eight words of a counter block."""
    return 8 * ((n + 7) // 8)


def train_strategies(
    first, last, draws, prior, offsets, accuracies, read_offsets, read_accuracies, labels, arms, key,
    n_seeds, n_prompts, checkpoints, rules, wrong_agreement, greedy, curves, shares, clipped, final,
):  # fmt: skip
    """Train every arm of runs `first` to `last` - 1, run r being task ``r // n_seeds``, seed ``r % n_seeds``.

    Runs write to separate memory, so threads may take any ranges.

    Parameters
    ----------
    draws : ndarray of int (task,)
        Number of each task draw, the key of its random numbers.
    prior : ndarray (token, strategy)
        Logits before training.
    offsets, accuracies, read_offsets, read_accuracies : ndarray (task, prompt, strategy)
        An axis of length one stands for all tasks, or all prompts.
    labels : ndarray of int (task, prompt)
        MAJORITY's labels by name; with no prompts, it votes in each group.
    arms : ndarray of int (arm,)
        Codes of arms; the frozen arm is only evaluated.
    checkpoints : ndarray of int (checkpoint,)
        Ascending step counts; the last is the number of steps.
    rules : Rules
    wrong_agreement : float
    greedy : bool
        As in the family.
    curves : ndarray (arm, task, seed, checkpoint)
        Filled with exact accuracies.
    shares : ndarray (arm, task, seed, checkpoint, strategy)
        Filled with shares as read.
    clipped : ndarray (arm, task, seed, checkpoint)
        Filled with the fraction of clipped decisions since the previous checkpoint (NaN without decisions).
    final : ndarray (arm, task, seed, token, strategy)
        Filled with the shared logits at the end.

    Raises
    ------
    ValueError
        If a logit is not finite at a checkpoint.
    """
    place = _train(
        first, last, draws, prior, offsets, accuracies, read_offsets, read_accuracies, labels, arms, key,
        n_seeds, n_prompts, checkpoints, rules, wrong_agreement, greedy, curves, shares, clipped, final,
    )  # fmt: skip
    check_finite(place, rules, arms, checkpoints)


@compiled
def _train(
    first, last, draws, prior, offsets, accuracies, read_offsets, read_accuracies, labels, arms, key,
    n_seeds, n_prompts, checkpoints, rules, wrong_agreement, greedy, curves, shares, clipped, final,
):  # fmt: skip
    """Train the runs of :func:`train_strategies`.

    Returns the number of the first reading with a logit or a moment beyond LARGEST, or -1.
    """
    n_tokens, n_strategies = prior.shape
    differ = offsets.shape[1] > 1 or np.any(offsets)
    needs_right = np.any(arms >= MAJORITY)
    needs_names = np.any(arms == MAJORITY)
    needs_noise = np.any(arms == TRUE) and (rules.false_positive > 0.0 or rules.false_negative > 0.0)
    needs_ties = rules.tie_break == UNIFORM and needs_names and labels.shape[1] == 0
    needs_rewards = needs_ties or np.any(arms == RANDOM)
    mirror = rules.update == MIRROR
    batch_size, n_candidates, group_size = rules.batch_size, rules.n_candidates, rules.group_size
    part = batch_size // rules.inner_updates
    order, pool = np.empty((1, n_prompts), np.int64), np.empty((1, n_prompts), np.int64)
    places, no_prompt = np.empty(n_candidates, np.uint64), np.zeros(1, np.int64)
    batch_words = np.empty((_blocks(n_candidates), 1), np.uint64)
    per_answer = _blocks(group_size)  # words for each candidate prompt, one lane each
    strategy_words = np.empty((_blocks(n_tokens * group_size), n_candidates), np.uint64)
    right_words = np.empty((per_answer, n_candidates), np.uint64)
    name_words = np.empty((per_answer, n_candidates), np.uint64)
    noise_words = np.empty((per_answer, n_candidates), np.uint64)
    reward_words = np.empty((_blocks(1 + (group_size + 31) // 32), n_candidates), np.uint64)
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
        places[:] = (np.uint64(draws[task]) << _32) | np.uint64(seed)
        offset, accuracy = offsets[task % offsets.shape[0]], accuracies[task % accuracies.shape[0]]
        read_offset = read_offsets[task % read_offsets.shape[0]]
        read_accuracy = read_accuracies[task % read_accuracies.shape[0]]
        for arm in range(arms.size):
            _copy(prior, logits[arm])
        moments[:] = 0.0
        n_updates[:] = 0
        for prompt in range(n_prompts):
            order[0, prompt] = prompt
        step = np.int64(0)
        for checkpoint in range(checkpoints.size):
            n_clipped[:] = 0
            n_decisions[:] = 0
            while step < checkpoints[checkpoint]:
                fill_words(key, places[:1], no_prompt, step, _BATCHES, batch_words)
                draw_batches(batch_words, batch_size, order, pool)
                fill_words(key, places, pool[0], step, _STRATEGIES, strategy_words)
                if needs_right:
                    fill_words(key, places, pool[0], step, _RIGHT, right_words)
                if needs_names:
                    fill_words(key, places, pool[0], step, _NAMES, name_words)
                if needs_noise:
                    fill_words(key, places, pool[0], step, _NOISE, noise_words)
                if needs_rewards:
                    fill_words(key, places, pool[0], step, _REWARDS, reward_words)
                for arm in range(arms.size):
                    if arms[arm] == FROZEN:
                        continue
                    here = logits[arm]
                    if not differ:
                        _tokens(here, offset[0], old[0])
                        _tokens(prior, offset[0], reference[0])
                        _accumulate(old[0], cumulative)
                    filled = 0
                    for j in range(n_candidates):
                        if filled == batch_size:
                            break
                        prompt = pool[0, j]
                        if differ:
                            _tokens(here, offset[prompt], old[filled])
                            if rules.kl_coefficient > 0.0:
                                _tokens(prior, offset[prompt], reference[filled])
                            _accumulate(old[filled], cumulative)
                        _sample(cumulative, strategy_words, j, strategies[filled], ends[filled])
                        hits = _group_rewards(
                            arms[arm], strategies[filled], accuracy[prompt % accuracy.shape[0]],
                            labels[task, prompt] if labels.shape[1] > 0 else -2, j, right_words,
                            name_words, reward_words, noise_words, rules, wrong_agreement, names, counts,
                            seen, rewards,
                        )  # fmt: skip
                        mixed = 0 < hits < group_size
                        if rules.filtering == REFILL and not mixed:
                            continue
                        mean = hits / group_size
                        worth = 1.0
                        if rules.advantage == GRPO:
                            worth = 1.0 / (math.sqrt(mean * (1.0 - mean)) + 1e-8)
                        elif rules.advantage == RLOO:
                            worth = group_size / (group_size - 1.0)
                        if mirror:  # a target uses the rewards themselves
                            mean, worth = 0.0, 1.0
                        for i in range(group_size):
                            advantages[filled, i] = (rewards[i] - mean) * worth
                        prompts[filled], counted[filled] = prompt, mixed or rules.filtering == OFF
                        filled += 1
                    for update in range(rules.inner_updates):
                        start, stop = min(update * part, filled), min((update + 1) * part, filled)
                        cut, made = part_drift(
                            here, offset, prompts, differ, start, stop, part * group_size, old, reference,
                            strategies, ends, nothing if mirror else advantages, counted, rules,
                            update == 0, policy, drift,
                        )  # fmt: skip
                        if mirror:
                            add_mirror_drift(
                                here, offset, prompts, differ, start, stop, part, strategies, ends,
                                advantages, rules.mirror_temperature, policy, drift,
                            )  # fmt: skip
                        n_clipped[arm] += cut
                        n_decisions[arm] += made
                        n_updates[arm] += 1
                        update_logits(here, drift, moments[arm], n_updates[arm], rules)
                step += 1
            for arm in range(arms.size):
                if not (_is_sound(logits[arm]) and _is_sound(moments[arm, 0]) and _is_sound(moments[arm, 1])):
                    return checkpoint * arms.size + arm
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
            _copy(logits[arm], final[arm, task, seed])
    return -1
