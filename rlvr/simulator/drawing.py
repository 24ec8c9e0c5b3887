"""Compiled functions of both kernels: keyed random words, batches drawn by them, and a softmax.

Philox4x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC '11, 2011)
maps a key (from the root seed) and a counter (task, seed, prompt, step) to 256 bits, so threads share no
random state. The exponential uses additions and multiplications alone, so the compiler can vectorise it and
no system library can change a stored digit.

Numba's cache does not notice a change in an imported file. So each kernel stands in one file with everything
that it alone calls. Functions that both kernels call stand here, and must not change, because every stored
bit depends on them. If one has to change, clear the cache (`make` keeps one cache for each state of the
code).
"""

# mypy: allow-untyped-defs
# The compiler infers these types itself, more strictly.
from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "compiled",
    "draw_batches",
    "exponential",
    "fill_words",
    "inlined",
    "internal",
    "softmax",
    "uniform",
    "whole_blocks",
]

_compile: Any = partial(njit, cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)
compiled = _compile()  # division as in NumPy: a check for zero would prevent vectorised loops
inlined = _compile(inline="always")  # for functions with one caller: compiled there, not twice
internal = _compile(no_cpython_wrapper=True)  # for compiled callers only: a call from Python crashes

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_FACTORS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_STEPS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)  # of the key, round by round
_POWERS_OF_TWO = 0.5 ** np.arange(1022)  # two to the power -n


def whole_blocks(n: int) -> int:
    """The next multiple of the eight words of a counter block."""
    return 8 * -(-n // 8)


@internal
def _high_product(a, b):
    """High 64 bits of the 128-bit product of two uint64."""
    a_low, a_high, b_low, b_high = a & _LOW, a >> _32, b & _LOW, b >> _32
    middle = a_high * b_low + ((a_low * b_low) >> _32)
    carry = a_low * b_high + (middle & _LOW)
    return a_high * b_high + (middle >> _32) + (carry >> _32)


@compiled
def fill_words(key, places, prompts, step, purpose, words):
    """Fill `words` (n, lane) of uint64 below 2**32, n a multiple of 8: eight words per counter block.

    The counter is (the lane's index, its prompt and the step, the number of the block, the purpose). Each
    round runs for all lanes at once, which fills vector registers.
    """
    for block in range(words.shape[0] // 8):
        here = words[8 * block : 8 * block + 8]
        c0, c1, c2, c3 = here[0], here[2], here[4], here[6]
        for lane in range(places.size):
            c0[lane], c1[lane] = places[lane], (np.uint64(prompts[lane]) << _32) | np.uint64(step)
            c2[lane], c3[lane] = np.uint64(block), purpose
        k0, k1 = key[0], key[1]
        for _ in range(10):
            for lane in range(places.size):
                h0, l0 = _high_product(_FACTORS[0], c0[lane]), _FACTORS[0] * c0[lane]
                h1, l1 = _high_product(_FACTORS[1], c2[lane]), _FACTORS[1] * c2[lane]
                c0[lane], c2[lane] = h1 ^ c1[lane] ^ k0, h0 ^ c3[lane] ^ k1
                c1[lane], c3[lane] = l1, l0
            k0 += _STEPS[0]
            k1 += _STEPS[1]
        for half in range(0, 8, 2):
            for lane in range(places.size):
                here[half + 1, lane] = here[half, lane] >> _32
                here[half, lane] &= _LOW


@compiled
def uniform(word):
    """The midpoint of the interval, 2**-32 wide, that a 32-bit word numbers."""
    return (np.float64(np.int64(word)) + 0.5) * 2.0**-32


@compiled
def draw_batches(words, batch_size, order, pool):
    """Move a uniformly drawn batch to the front of each `order` (run, prompt) by half a Fisher-Yates shuffle.

    `pool` (run, prompt) begins with the batch, followed by the prompts that would refill it. Its longer
    shuffle is not kept in `order`, so batches of later steps do not depend on refilling. `words` are (n,
    run).
    """
    n_runs, n_prompts = order.shape
    for run in range(n_runs):
        for j in range(n_prompts):
            if j < batch_size:
                other = j + np.int64((words[j, run] * np.uint64(n_prompts - j)) >> _32)
                order[run, j], order[run, other] = order[run, other], order[run, j]
            pool[run, j] = order[run, j]
        for j in range(batch_size, min(words.shape[0], n_prompts)):
            other = j + np.int64((words[j, run] * np.uint64(n_prompts - j)) >> _32)
            pool[run, j], pool[run, other] = pool[run, other], pool[run, j]


@internal
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
        probabilities[a] = exponential(max(-700.0, logits[a] - top))  # in this order NaN also becomes -700
    for a in range(logits.size):
        total += probabilities[a]
    for a in range(logits.size):
        probabilities[a] /= total
