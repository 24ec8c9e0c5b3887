"""The goals of speed, each a number from one session of measurements, and the table of how they came out."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["GOALS", "Goal", "log_log_slope", "machine", "outcome"]


@dataclass(frozen=True)
class Goal:
    """What is measured, and the range in which it should lie; without ends it is only reported.

    Attributes
    ----------
    name, unit : str
        In words; the unit is empty for a ratio.
    at_least, at_most : float
        Infinite where there is no such end.
    """

    name: str
    unit: str = ""
    at_least: float = -np.inf
    at_most: float = np.inf

    @property
    def accepted(self) -> str:
        """The range in words."""
        ends = [f"at least {self.at_least:g}"] if np.isfinite(self.at_least) else []
        ends += [f"at most {self.at_most:g}"] if np.isfinite(self.at_most) else []
        return " and ".join(ends)

    def verdict(self, measured: float) -> str:
        """Pass, fail, or nothing where no goal is set."""
        if not self.accepted:
            return ""
        return "pass" if self.at_least <= measured <= self.at_most else "fail"


GOALS = {
    "published": Goal("light sweep, plain NumPy in the published order over ours", at_least=2000),
    "replay": Goal("light sweep, our vectorised replay of it over ours"),
    "floor": Goal("a group on one core, ours over uniforms and exponentials alone", at_most=1.5),
    "threads": Goal("one thread over two", at_least=1.9),
    "slope": Goal("log-log slope of time in groups", at_least=0.98, at_most=1.02),
    "memory": Goal("peak memory of a simulated prompt", "byte", at_most=1024),
    "steps": Goal("peak memory, a hundred times the steps over once", at_most=1.02),
    "cold": Goal("compiling on a cold cache", "s", at_most=5),
    "warm": Goal("files that a warm cache still compiled", "file", at_most=0),
    "sweep": Goal("light sweep, all four arms, two cores", "ms"),
    "group": Goal("a group on one core", "ns"),
    "published_group": Goal("a group in plain NumPy, in the published order", "ns"),
    "draw": Goal("random words and uniforms, once for three arms", "ns"),
    "rows": Goal("a prompt's logits in and out", "ns"),
    "softmax": Goal("softmax", "ns"),
    "sample": Goal("sampling eight answers", "ns"),
    "reward": Goal("rewards by a vote", "ns"),
    "update": Goal("advantages, gradient, KL pull and step", "ns"),
    "compile_train": Goal("the loop, with what it calls in it once more", "s"),
    "compile_kernel": Goal("sampling, rewards and updates, alone", "s"),
    "compile_drawing": Goal("random words, batches and the exponential, alone", "s"),
    "compile_numpy": Goal("NumPy's functions, as the compiler has them", "s"),
    "compile_llvm": Goal("of all these, writing for LLVM and what LLVM does", "s"),
    "call": Goal("a call that trains one step of a single run", "ms"),
    "lonely": Goal("a further group of a single run", "ns"),
    **{f"1e{exponent}": Goal(f"about 10^{exponent} groups on one core", "s") for exponent in range(4, 11)},
    "precision": Goal("reward design at 0.50 to 0.001, our design", "s"),
    "precision_published": Goal("the same precision, published order of work and design", "s"),
}
"""By the key under which a measurement is recorded."""


def log_log_slope(groups: Iterable[float], seconds: Iterable[float]) -> float:
    """Slope of log seconds in log groups, by least squares.

    Examples
    --------
    >>> round(log_log_slope([1, 10, 100], [3, 30, 300]), 12)
    1.0
    """
    return float(np.polyfit(np.log(list(groups)), np.log(list(seconds)), 1)[0])


def outcome(measured: dict[str, float]) -> pd.DataFrame:
    """Each goal that was measured: key, quantity, unit, measured, accepted, verdict.

    Examples
    --------
    >>> outcome({"threads": 1.95, "floor": 2.0}).verdict.tolist()
    ['fail', 'pass']
    """
    rows = [
        (key, goal.name, goal.unit, measured[key], goal.accepted, goal.verdict(measured[key]))
        for key, goal in GOALS.items()
        if key in measured
    ]
    return pd.DataFrame(rows, columns=["key", "quantity", "unit", "measured", "accepted", "verdict"])


def machine() -> dict[str, str]:
    """Where and with what it was measured."""
    info = Path("/proc/cpuinfo")
    models = [
        line.split(":")[1].strip()
        for line in (info.read_text(encoding="utf-8").splitlines() if info.exists() else ())
        if line.startswith("model name")
    ]
    found = {"processor": models[0] if models else platform.machine(), "system": platform.system()}
    found["python"] = platform.python_version()
    return found | {name: version(name) for name in ("numpy", "numba", "llvmlite")}
