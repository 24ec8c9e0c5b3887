"""What is known of the spread from one training run to the next, and from where.

A study with one run an arm cannot say how far another run would have landed. Whoever plans one has to bring
that number along; here it is computed from repeated runs, never typed.
"""

from __future__ import annotations

from dataclasses import dataclass

from rlvr._data import stored_table
from rlvr.published_runs import published_repeats
from rlvr.stats.spreads import deviation_interval

__all__ = ["RunSpread", "default_run_sd", "known_run_spreads"]

DEFAULT = ("8 updates, clipping", "MATH-500")
"""The design and benchmark of the default, the recipe that published reports train with."""


@dataclass(frozen=True)
class RunSpread:
    """The standard deviation of the end point over runs that differ in nothing but chance.

    An end point is a run's mean over its last ten evaluations; a single evaluation spreads a little more.
    `run_sd`, `low` and `high` are fractions; the 95% interval is chi-square's, so it takes the runs as
    normal, which with two heaps of end points they are not. The runs share their items: what each adds on
    each item is in the spread, the choice of items is not.
    """

    arm: str
    setting: str
    model: str
    benchmark: str
    n_runs: int
    run_sd: float
    low: float
    high: float
    source: str


def known_run_spreads() -> tuple[RunSpread, ...]:
    """Every published setting with at least three single runs, and the network's; most runs first.

    Examples
    --------
    >>> first = known_run_spreads()[0]
    >>> first.arm, first.benchmark, first.n_runs
    ('random', 'addition', 20)
    """
    repeats = published_repeats()
    single = repeats[repeats.runs_averaged == 1]
    found = []
    for (design, benchmark), runs in single.groupby(["design", "benchmark"], sort=True):
        if len(runs) < 3:
            continue
        spread = deviation_interval(runs.accuracy_percent_mean_last_10 / 100)
        found.append(
            RunSpread(
                "random",
                str(design),
                "Qwen2.5-Math-7B",
                str(benchmark),
                len(runs),
                spread.value,
                spread.low,
                spread.high,
                "published repeats of Spurious Rewards",
            )
        )
    found.append(_network())
    return tuple(sorted(found, key=lambda spread: (-spread.n_runs, spread.setting, spread.benchmark)))


def _network() -> RunSpread:
    """The RANDOM arm of Chapter 16's network, clipped, in the cell that was repeated most."""
    paths = stored_table("network_paths.csv.gz").query("arm == 'random' and design == 'clipped'")
    cells = paths[paths.step == paths.step.max()].groupby(["prior", "rate"], sort=True)
    (prior, rate), ends = max(cells, key=lambda cell: len(cell[1]))
    spread = deviation_interval(ends.trained_right)
    return RunSpread(
        "random", f"{prior} prior, {rate} rate, clipping", "transformer of 102,144 parameters", "addition",
        len(ends), spread.value, spread.low, spread.high, "this report's own runs",
    )  # fmt: skip


def default_run_sd() -> RunSpread:
    """The spread that a plan assumes of every trained arm when it is told none: RANDOM with clipping.

    It stands in for MAJORITY and TRUE as well, for want of published repeats of theirs.
    """
    return next(spread for spread in known_run_spreads() if (spread.setting, spread.benchmark) == DEFAULT)
