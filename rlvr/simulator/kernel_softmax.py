"""Compiled: probabilities from logits, the same digits on every machine.

The exponential is spelled out, in additions and multiplications alone: the compiler can run several at
once, and no system's own exp can move a stored digit.
"""

# mypy: allow-untyped-defs
# The compiler infers these types itself, more strictly.
from __future__ import annotations

import numpy as np

from rlvr.simulator.lanes import compiled

__all__ = ["exponential", "softmax", "softmax_of_lanes"]

_POWERS_OF_TWO = 0.5 ** np.arange(1022)  # two to the power -n


@compiled
def exponential(x):
    """Return exp(x) for `x` in [-700, 0], with a relative error of at most 3e-16.

    Cody-Waite reduction, then a Taylor polynomial on [-ln2/2, ln2/2].
    """
    n = np.int32(0.5 - x * 1.4426950408889634)
    r = (x + n * 6.93147180369123816490e-01) + n * 1.90821492927058770002e-10
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
    return p * _POWERS_OF_TWO[n]


@compiled
def softmax(logits, probabilities):
    """Fill `probabilities` (action,) with the softmax of `logits`; both may be the same array."""
    top = logits[0]
    for a in range(1, logits.size):
        top = max(top, logits[a])
    total = 0.0
    for a in range(logits.size):
        probabilities[a] = exponential(max(logits[a] - top, -700.0))
    for a in range(logits.size):
        total += probabilities[a]
    for a in range(logits.size):
        probabilities[a] /= total


@compiled
def softmax_of_lanes(logits, probabilities, scratch):
    """Fill `probabilities` (action, lane) with each lane's softmax, to the bit that of :func:`softmax`.

    Both may be the same array; `scratch` has two rows (lane,).
    """
    top, total = scratch[0], scratch[1]
    n_actions, n_lanes = logits.shape
    for lane in range(n_lanes):
        top[lane] = logits[0, lane]
        total[lane] = 0.0
    for a in range(1, n_actions):
        for lane in range(n_lanes):
            top[lane] = max(top[lane], logits[a, lane])
    for a in range(n_actions):
        for lane in range(n_lanes):
            probabilities[a, lane] = exponential(max(logits[a, lane] - top[lane], -700.0))
    for a in range(n_actions):
        for lane in range(n_lanes):
            total[lane] += probabilities[a, lane]
    for a in range(n_actions):
        for lane in range(n_lanes):
            probabilities[a, lane] /= total[lane]
