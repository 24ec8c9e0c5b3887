"""Random numbers that are a pure function of where they are used, compiled.

Philox4x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC '11,
2011) maps a key (from the root seed) and a counter (task, seed, prompt, step) to 256 bits, so no thread
ever waits for, or changes, another's draws.

Numba's cache does not follow a call into another file: after a change here, clear it (`make` keeps one
cache for each state of the code).
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["fill_words", "fill_words_of_lanes", "philox"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_FACTORS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_STEPS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)  # of the key, round by round


@njit(cache=True, nogil=True)
def _high_product(a, b):
    """High 64 bits of the 128-bit product of two uint64."""
    a_low, a_high, b_low, b_high = a & _LOW, a >> _32, b & _LOW, b >> _32
    middle = a_high * b_low + ((a_low * b_low) >> _32)
    carry = a_low * b_high + (middle & _LOW)
    return a_high * b_high + (middle >> _32) + (carry >> _32)


@njit(cache=True, nogil=True)
def philox(key, c0, c1, c2, c3, words):
    """Fill `words` (8,) of uint64 below 2**32 from one counter block of Philox4x64-10."""
    k0, k1 = key[0], key[1]
    for _ in range(10):
        h0, l0 = _high_product(_FACTORS[0], c0), _FACTORS[0] * c0
        h1, l1 = _high_product(_FACTORS[1], c2), _FACTORS[1] * c2
        c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
        k0 += _STEPS[0]
        k1 += _STEPS[1]
    for i, word in enumerate((c0, c1, c2, c3)):
        words[2 * i], words[2 * i + 1] = word & _LOW, word >> _32


@njit(cache=True, nogil=True)
def fill_words(key, place, prompt, step, purpose, words):
    """Fill `words` (n,), n a multiple of 8, for one place in the experiment."""
    where = (np.uint64(prompt) << _32) | np.uint64(step)
    for block in range(words.size // 8):
        philox(key, place, where, np.uint64(block), purpose, words[8 * block : 8 * block + 8])


@njit(cache=True, nogil=True)
def fill_words_of_lanes(key, places, prompts, step, purpose, words):
    """Fill `words` (n, lane), each lane as :func:`fill_words` does for its own place and prompt.

    Round by round for all lanes at once, which fills vector registers.
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
