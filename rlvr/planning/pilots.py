"""What is known before a study is planned: a pilot's table, and measured spreads from run to run.

A study with one run an arm cannot say how far another run would have landed. Whoever plans one has to bring
that number along; here it is computed from repeated runs, never typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from rlvr._data import stored_table
from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm, Cell
from rlvr.auditing.sampling import item_sampling
from rlvr.planning.study_plans import StudyDesign
from rlvr.published_runs import published_repeats
from rlvr.stats.spreads import deviation_interval

__all__ = [
    "DEFAULT_ITEM_CORRELATION",
    "RunSpread",
    "default_run_sd",
    "item_correlation",
    "known_run_spreads",
    "pilot_design",
]

_DEFAULT = ("8 updates, clipping", "MATH-500")
"""The design and benchmark of the default, the recipe that published reports train with."""


@dataclass(frozen=True)
class RunSpread:
    """The standard deviation of the end point over runs that differ in nothing but chance.

    An end point is a run's mean over its last ten evaluations; a single evaluation spreads a little more.
    `run_sd`, `low` and `high` are fractions; the 95% interval is chi-square's, so it takes the runs as
    normal, which with two clusters of end points they are not. The runs share their items: what each adds on
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
    found = [_network()]
    for (design, benchmark), runs in single.groupby(["design", "benchmark"], sort=True):
        if len(runs) >= 3:
            ends, source = runs.accuracy_percent_mean_last_10 / 100, "published repeats of Spurious Rewards"
            found.append(_spread(ends, str(design), "Qwen2.5-Math-7B", str(benchmark), source))
    return tuple(sorted(found, key=lambda spread: (-spread.n_runs, spread.setting, spread.benchmark)))


def _network() -> RunSpread:
    """The RANDOM arm of Chapter 9's network, clipped, in the cell that was repeated most."""
    paths = stored_table("network_paths.csv.gz").query("arm == 'random' and design == 'clipped'")
    cells = paths[paths.step == paths.step.max()].groupby(["prior", "rate"], sort=True)
    (prior, rate), runs = max(cells, key=lambda cell: len(cell[1]))
    setting, model = f"{prior} prior, {rate} rate, clipping", "transformer of 102,144 parameters"
    return _spread(runs.trained_right, setting, model, "addition", "this report's own runs")


def _spread(ends: pd.Series, setting: str, model: str, benchmark: str, source: str) -> RunSpread:
    sd = deviation_interval(ends)
    return RunSpread("random", setting, model, benchmark, len(ends), sd.value, sd.low, sd.high, source)


def default_run_sd() -> RunSpread:
    """The spread that a plan assumes of every trained arm when it is told none: RANDOM with clipping.

    It stands in for MAJORITY and TRUE as well. What others measured for each arm is in
    :mod:`rlvr.planning.spread_catalogue`.
    """
    return next(spread for spread in known_run_spreads() if (spread.setting, spread.benchmark) == _DEFAULT)


DEFAULT_ITEM_CORRELATION = 0.5
"""What a plan assumes where no outcomes are at hand, that of items whose hardness is Beta(1/2, 1/2), as in
the instrument's own simulated coverage. Answers of one policy and of two are taken to correlate alike."""


def item_correlation(arms: Mapping[str, Arm]) -> float | None:
    """How alike the arms answer an item, as a fraction of the most that their accuracies allow.

    The covariance of two arms' outcomes over items, summed over pairs of arms, over the sum of
    ``min(p, q) - p q``; confined to [0, 1]. None without outcomes on the same items.

    Examples
    --------
    >>> items, same = np.arange(4), np.array([[0.0, 0.0, 1.0, 1.0]])
    >>> arms = {name: Arm(name, 0.5, 4, items=items, outcomes=same) for name in ("frozen", "true")}
    >>> item_correlation(arms)
    1.0
    """
    outcomes = item_sampling(arms).outcomes
    if outcomes is None:
        return None
    present = [ARMS.index(name) for name in arms]
    n, p = len(outcomes), outcomes.mean(axis=0)
    seen = (outcomes - p).T @ (outcomes - p) / (n - 1)
    pairs = list(combinations(present, 2))
    most = sum(min(p[a], p[b]) - p[a] * p[b] for a, b in pairs)
    if most <= 0:
        return None
    return float(np.clip(sum(seen[a, b] for a, b in pairs) / most, 0.0, 1.0))


def pilot_design(cell: Cell) -> StudyDesign:
    """The design of a cell with four arms: its accuracies as the guess, its sizes, what is known of its runs.

    A run-to-run standard deviation that the cell does not state is
    :func:`rlvr.planning.pilots.default_run_sd`; an item correlation that its outcomes do not show is
    ``DEFAULT_ITEM_CORRELATION``.

    Raises
    ------
    ValueError
        If an arm is missing, or states no number of items.
    """
    missing = [name for name in ARMS if name not in cell.arms]
    if missing:
        raise ValueError(f"a plan needs all of {', '.join(ARMS)}; {cell.name} has no {', '.join(missing)}")
    arms = [cell.arms[name] for name in ARMS]
    sizes = [arm.n_items for arm in arms if arm.n_items is not None]
    if len(sizes) < len(arms):
        raise ValueError(f"a plan needs the number of items of every arm; {cell.name} does not state it")
    seen, default = item_correlation(cell.arms), default_run_sd().run_sd
    alike = DEFAULT_ITEM_CORRELATION if seen is None else seen
    return StudyDesign(
        accuracies=tuple(arm.accuracy for arm in arms),
        n_items=max(2, min(sizes)),
        samples_per_item=min(arm.samples_per_item or 1 for arm in arms),
        n_runs=min(arm.n_runs or 1 for arm in arms[1:]),
        run_sd=(0.0, *(default if arm.run_sd is None else arm.run_sd for arm in arms[1:])),
        item_correlation=alike,
        sample_correlation=alike,
    )
