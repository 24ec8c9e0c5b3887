"""A tabular GRPO in plain NumPy, written from the text of Chapter 5: many prompts at a time."""

import functools
import itertools

import numpy as np

ACTIONS, CORRECT, FORMAT, GROUP, PROMPTS = 8, 2, 0.2, 8, 40
VISITED, STEPS = 16, 200  # prompts a step and steps: 80 visits of a prompt on average
TYPES = [
    (*right, form)
    for right in itertools.combinations(range(ACTIONS), CORRECT)
    for form in set(range(ACTIONS)) - set(right)
]  # where a prompt has its correct answers and its format answer: all equally likely


def prior(strength, actions=ACTIONS, form=FORMAT):
    """Correct answers first, the format answer next, then the others."""
    weights = np.full(actions, (1 - strength) / (actions - CORRECT))
    weights[:CORRECT] = strength / CORRECT
    weights[CORRECT] *= 1 + form * actions
    return weights / weights.sum()


def softmax(logits):
    """Probabilities of every row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def sampled(rng, policy):
    """How often each answer came in a group, by prompt."""
    ends = policy.cumsum(axis=1)[:, None, :-1]
    answers = (rng.random((len(policy), GROUP, 1)) > ends).sum(axis=2)
    return (answers[..., None] == np.arange(policy.shape[1])).sum(axis=1)


def rewarded(rng, reward, counts, correct, ties):
    """How many of each answer's samples earn a reward; a pair is a noisy verifier: false alarms, misses."""
    if reward == "true":
        return counts * correct
    if reward == "random":
        return rng.binomial(counts, 0.5)
    if reward == "majority":
        before = rng.random(counts.shape) if ties == "uniform" else -np.arange(counts.shape[1]) / ACTIONS
        winner = (counts + before).argmax(axis=1)  # what is added is below one, so it decides ties alone
        return counts * (np.arange(counts.shape[1]) == winner[:, None])
    false_positives, misses = reward
    return rng.binomial(counts, np.where(correct, 1 - misses, false_positives))


def updates(rng, logits, start, correct, reward, rate=0.05, ties="lowest", advantage="grpo"):
    """One update of every prompt, and whether its group had unequal rewards; a group that had not is dropped.

    Advantages of a group sum to zero, so the term with the policy drops out of the policy gradient.
    """
    policy = softmax(logits)
    counts = sampled(rng, policy)
    paid = rewarded(rng, reward, counts, correct, ties)
    mean = paid.sum(axis=1, keepdims=True) / GROUP
    counted = (mean > 0) & (mean < 1)
    scale = np.sqrt(mean * (1 - mean)) + 1e-8 if advantage == "grpo" else 1.0
    change = (paid - mean * counts) / scale / GROUP - 0.01 * (policy - start)
    return rate * np.where(counted, change, 0), counted[:, 0]


def right(logits, correct):
    """Exact probability of a right answer, by prompt."""
    return (softmax(logits) * correct).sum(axis=1)


def families(rng, n, strength):
    """Prior and mask of correct answers of `n` prompts, with the roles at random places."""
    places = rng.random((n, ACTIONS)).argsort(axis=1)
    start, correct = np.empty((n, ACTIONS)), np.zeros((n, ACTIONS), bool)
    np.put_along_axis(start, places, np.tile(prior(strength), (n, 1)), axis=1)
    np.put_along_axis(correct, places[:, :CORRECT], True, axis=1)
    return start, correct


def trained(rng, strength, reward, n_runs, n_steps=STEPS, refill=False, **options):
    """Accuracy (run, prompt) of runs on task draws of their own, and groups sampled by run."""
    start, correct = families(rng, n_runs * PROMPTS, strength)
    logits, groups = np.log(start), np.zeros(n_runs)
    base = PROMPTS * np.arange(n_runs)[:, None]
    for _ in range(n_steps):
        order = rng.random((n_runs, PROMPTS)).argsort(axis=1)
        rows = (base + (order if refill else order[:, :VISITED])).ravel()
        change, counted = updates(rng, logits[rows], start[rows], correct[rows], reward, **options)
        if refill:  # walk through the prompts until sixteen have counted
            so_far = counted.reshape(n_runs, PROMPTS).cumsum(axis=1)
            change[((so_far > VISITED) | (so_far == 0)).ravel()] = 0
            groups += np.minimum((so_far < VISITED).sum(axis=1) + 1, PROMPTS)
        else:
            groups += VISITED
        logits[rows] += change
    return right(logits, correct).reshape(n_runs, PROMPTS), groups


@functools.cache
def pool(strength, reward, each, seed, ties="lowest"):
    """Accuracies (type, repetition) of prompts trained on their own, visited two steps in five."""
    rng = np.random.default_rng(seed)
    start, correct = np.empty((len(TYPES), ACTIONS)), np.zeros((len(TYPES), ACTIONS), bool)
    weights = prior(strength)
    for row, (first, second, form) in enumerate(TYPES):
        start[row] = weights[-1]
        start[row, [first, second]] = weights[0]
        start[row, form] = weights[CORRECT]
        correct[row, [first, second]] = True
    start, correct = (np.repeat(x, each, axis=0) for x in (start, correct))
    logits = np.log(start)
    for _ in range(STEPS):
        rows = np.flatnonzero(rng.random(len(logits)) < VISITED / PROMPTS)
        logits[rows] += updates(rng, logits[rows], start[rows], correct[rows], reward, ties=ties)[0]
    return right(logits, correct).reshape(len(TYPES), each)


def evenly_visited(rng, strength, marks, n_prompts):
    """Gain (mark, prompt) of MAJORITY with uniform ties over the prior, each step visiting every prompt."""
    start = np.tile(prior(strength), (n_prompts, 1))
    correct = np.broadcast_to(np.arange(ACTIONS) < CORRECT, start.shape)
    logits, gains = np.log(start), []
    for step in range(1, max(marks) + 1):
        logits += updates(rng, logits, start, correct, "majority", ties="uniform")[0]
        if step in marks:
            gains.append(right(logits, correct) - prior(strength)[:CORRECT].sum())
    return np.array(gains)
