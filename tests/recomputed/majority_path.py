"""Exact drift of MAJORITY under uniform ties, and the expected path, from the text of Chapter 13.

Wrong answers other than the format answer are exchangeable, so groups are listed up to their order.
"""

import functools
from math import comb, factorial, prod

import numpy as np
from plain_grpo import CORRECT, prior


def _falling(total, parts, most):
    """Ways of writing a total as that many non-increasing counts."""
    if parts == 0:
        return [()] if total == 0 else []
    return [
        (first, *rest)
        for first in range(min(total, most), -1, -1)
        for rest in _falling(total - first, parts - 1, first)
    ]


@functools.cache
def _groups(size, actions):
    """Counts of every group, its multiplicity, and what one update adds to each answer's logit."""
    counts, ways = [], []
    for a in range(size + 1):
        for b in range(size - a + 1):
            for form in range(size - a - b + 1):
                rest = size - a - b - form
                for others in _falling(rest, actions - 3, rest):
                    row = (a, b, form, *others)
                    orders = factorial(len(others)) // prod(factorial(others.count(x)) for x in set(others))
                    counts.append(row)
                    ways.append(orders * factorial(size) // prod(map(factorial, row)))
    assert sum(ways) == actions**size
    counts = np.array(counts)
    top = counts.max(axis=1, keepdims=True)
    tied = counts == top
    wins = tied / tied.sum(axis=1, keepdims=True)
    lost = np.where(top < size, counts * np.sqrt(top / np.maximum(size - top, 1)), 0)
    moves = (wins * np.sqrt(top * (size - top)) - (1 - wins) * lost) / size
    return counts, np.log(np.array(ways, float)), moves, wins


def _expected(policy, size, column):
    """Mean over groups of one of their columns."""
    counts, ways, *columns = _groups(size, len(policy))
    mean = np.exp(ways + counts @ np.log(policy)) @ columns[column]
    mean[3:] = mean[3:].mean()
    return mean


def majority_drift(policy, size=8):
    """Mean update of each logit, over the learning rate."""
    return _expected(policy, size, 0)


def plurality(policy, size=8):
    """How often each answer is the plurality of a group."""
    return _expected(policy, size, 1)


def speed(p, size=8):
    """Mean standard deviation of a group's rewards at success probability p."""
    m = np.arange(size + 1)
    weights = [comb(size, k) * p**k * (1 - p) ** (size - k) for k in m]
    return weights @ np.sqrt(m * (size - m)) / size


def true_drift(policy, size=8):
    """Mean update by the verifier."""
    p = policy[:CORRECT].sum()
    shares = np.where(np.arange(len(policy)) < CORRECT, policy / p, -policy / (1 - p))
    return shares * speed(p, size)


def forward(policy, start):
    """The published pull."""
    return start - policy


def reverse(policy, start):
    """Minus the gradient of the divergence of the policy from its start."""
    logs = np.log(policy / start)
    return -policy * (logs - policy @ logs)


def path(strength, drift, n_updates, actions=8, size=8, pull=forward, weight=0.01, dropped=False):
    """Accuracy before and after every visit along the expected path; dropped groups have no pull either."""
    start = prior(strength, actions)
    logits, found = np.log(start), [start[:CORRECT].sum()]
    for _ in range(n_updates):
        policy = np.exp(logits) / np.exp(logits).sum()
        p = policy[:CORRECT].sum()
        kept = 1 - p**size - (1 - p) ** size if dropped else 1.0
        logits = logits + 0.05 * (drift(policy, size) + kept * weight * pull(policy, start))
        logits -= logits.max()
        found.append(np.exp(logits[:CORRECT]).sum() / np.exp(logits).sum())
    return np.array(found)
