"""Compiled: groups side by side, each in a lane, the last axis of every working array.

An inner loop does one operation in lane after lane, none of which looks at another: the compiler fills its
vector registers with lanes, and each has the bits of its group alone. Division follows NumPy, since a check
for zero would keep lanes apart.
"""

# mypy: allow-untyped-defs
# The compiler infers these types itself, more strictly.
from __future__ import annotations

from functools import partial
from typing import Any

from numba import njit

__all__ = ["MOST_LANES", "VECTOR", "compiled", "inlined", "put", "take"]

VECTOR, MOST_LANES = 8, 64  # lanes come in multiples of what the widest registers hold

_compile: Any = partial(njit, cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)
compiled = _compile()
inlined = _compile(inline="always")  # where there is one use: it is compiled there, not twice


@compiled
def take(source, first, second, rows):
    """Copy ``source[first[lane], second[lane]]`` (field,) to each lane of `rows` (field, lane)."""
    for lane in range(rows.shape[1]):
        row = source[first[lane], second[lane]]
        for field in range(rows.shape[0]):
            rows[field, lane] = row[field]


@compiled
def put(rows, first, second, target):
    """Copy each lane of `rows` (field, lane) to ``target[first[lane], second[lane]]`` (field,)."""
    for lane in range(rows.shape[1]):
        row = target[first[lane], second[lane]]
        for field in range(rows.shape[0]):
            row[field] = rows[field, lane]
