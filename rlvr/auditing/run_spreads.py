"""Assumed run-to-run standard deviations of an audit: a number, or a law fitted to measured spreads.

A number replaces a standard deviation that the table does not state. A law is integrated over; if an arm has
several runs, the law is the prior of their spread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from rlvr._checks import choice, real, shown
from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm
from rlvr.stats.sampling import two_sided_quantile
from rlvr.stats.spread_models import NextDeviation

__all__ = ["RunSd", "assumed_of", "checked_run_sd", "law_notices", "law_of_runs"]

RunSd = float | NextDeviation | Mapping[str, float | NextDeviation] | None
"""One value for all trained arms, or one per arm, as fractions; None for no assumption."""


def checked_run_sd(run_sd: RunSd) -> RunSd:
    """Return `run_sd` with its numbers as floats; raise ValueError or TypeError if one is not accepted."""
    if run_sd is None:
        return None
    if isinstance(run_sd, Mapping):
        return {choice("run_sd", name, ARMS[1:]): _checked(each) for name, each in run_sd.items()}
    return _checked(run_sd)


def _checked(run_sd: float | NextDeviation) -> float | NextDeviation:
    if not isinstance(run_sd, NextDeviation):
        return real("run_sd", run_sd, "a fraction from 0 to 0.5", above=0, below=0.5, closed=True)
    if run_sd.values[-1] > 0.5:
        raise ValueError(
            "run_sd must be a law of fractions from 0 to 0.5, got one that reaches "
            f"{shown(float(run_sd.values[-1]))}; its scaled(0.01) turns points into fractions"
        )
    return run_sd


def assumed_of(name: str, assumed: RunSd) -> float | NextDeviation | None:
    """Return the assumption about one arm."""
    return assumed.get(name) if isinstance(assumed, Mapping) else assumed


def law_of_runs(arm: Arm, assumed: float | NextDeviation | None) -> NextDeviation | None:
    """Return the law of an arm's spread, updated by its own runs; None if a number is used instead."""
    if not isinstance(assumed, NextDeviation) or arm.run_sd is None:
        return assumed if isinstance(assumed, NextDeviation) else None
    behind = arm.run_sd_runs or arm.n_runs or 1
    return assumed.updated(arm.run_sd, behind - 1) if behind > 1 else None


def law_notices(arms: Mapping[str, Arm], run_sd: RunSd, level: float) -> list[str]:
    """Describe the law of each arm, and the margins of its runs by the law and by the law's median."""
    notices = []
    for name, arm in arms.items():
        law = None if name == "frozen" else law_of_runs(arm, assumed_of(name, run_sd))
        if law is None:
            continue
        n = arm.n_runs or 1
        low, high = (f"{100 * end:.1f}" for end in law.interval(level))
        plugged = two_sided_quantile(level) * law.median / math.sqrt(n)
        notices.append(
            f"run-to-run standard deviation of {name.upper()} by what others measured"
            f"{' and its own runs' if arm.run_sd is not None else ''}: median {100 * law.median:.1f} points, "
            f"{low} to {high} ({level:.0%}); its runs count ±{100 * law.half_width(level, n):.1f} points, "
            f"and ±{100 * plugged:.1f} if the median were the truth"
        )
    return notices
