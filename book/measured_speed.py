"""What `make bench` measured, and what was tried to get there: stored, since a chapter cannot repeat it."""

from __future__ import annotations

import pandas as pd

from rlvr._data import stored_table

__all__ = ["speed_attempts", "stored_benchmarks"]


def stored_benchmarks() -> pd.DataFrame:
    """The goals of speed and what was measured, from one session of ``make bench``.

    Returns
    -------
    DataFrame
        Indexed by key: ``quantity``, ``unit`` (empty for a ratio), ``measured``, ``accepted`` and ``verdict``
        (empty where no goal is set), then the machine and the versions.
    """
    return stored_table("benchmarks.csv", keep_default_na=False).set_index("key")


def speed_attempts() -> pd.DataFrame:
    """What was tried to make the kernel fast, with what was predicted and found.

    Returns
    -------
    DataFrame
        Columns ``tried``, ``measure``, ``before``, ``predicted``, ``found``, ``kept`` and ``why``; numbers as
        text, empty where nothing was predicted or measured.
    """
    return stored_table("speed_attempts.csv", dtype=str, keep_default_na=False)
