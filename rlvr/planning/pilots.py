"""Inputs of a study plan: the table of a pilot, and measured run-to-run spreads.

A study with one run per arm cannot estimate the spread between runs, so a plan needs that number from
elsewhere. This module computes the number from repeated runs.
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
"""Design and benchmark of the default spread, from the recipe of the published reports."""


@dataclass(frozen=True)
class RunSpread:
    """The standard deviation of the end points of runs that differ only by chance.

    An end point is the mean of a run's last ten evaluations; single evaluations vary a little more. `run_sd`,
    `low` and `high` are fractions. The 95% interval is that of the chi-square law, which assumes normal runs;
    end points in two clusters violate this assumption. All runs share their items, so the spread includes the
    interaction of runs and items but not the choice of items.
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
    """Return every published setting with at least three single runs, and the network's; most runs first.

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
    """Return the spread of Chapter 9's network: RANDOM with clipping, in the cell with most runs."""
    paths = stored_table("network_paths.csv.gz").query("arm == 'random' and design == 'clipped'")
    cells = paths[paths.step == paths.step.max()].groupby(["prior", "rate"], sort=True)
    (prior, rate), runs = max(cells, key=lambda cell: len(cell[1]))
    setting, model = f"{prior} prior, {rate} rate, clipping", "transformer of 102,144 parameters"
    return _spread(runs.trained_right, setting, model, "addition", "this report's own runs")


def _spread(ends: pd.Series, setting: str, model: str, benchmark: str, source: str) -> RunSpread:
    sd = deviation_interval(ends)
    return RunSpread("random", setting, model, benchmark, len(ends), sd.value, sd.low, sd.high, source)


def default_run_sd() -> RunSpread:
    """Return the spread that a plan assumes for every trained arm by default: RANDOM with clipping.

    The same spread is assumed for MAJORITY and TRUE. :mod:`rlvr.planning.spread_catalogue` holds the spreads
    that were measured for each arm.
    """
    return next(spread for spread in known_run_spreads() if (spread.setting, spread.benchmark) == _DEFAULT)


DEFAULT_ITEM_CORRELATION = 0.5
"""The item correlation of a plan without outcomes. Items whose hardness follows Beta(1/2, 1/2) have this
value, as in the simulated coverage of the audit. Two answers of one policy and answers of two policies are
assumed to correlate equally."""


def item_correlation(arms: Mapping[str, Arm]) -> float | None:
    """Return the correlation of the arms over items, as a fraction of its largest possible value.

    The covariances of two arms' outcomes over items are summed over pairs of arms and divided by the sum of
    ``min(p, q) - p q``; the ratio is limited to [0, 1]. None without outcomes on the same items.

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
    """Return the design of a cell with four arms, with its accuracies as the guess.

    :func:`rlvr.planning.pilots.default_run_sd` replaces a run-to-run standard deviation that the cell does
    not state. ``DEFAULT_ITEM_CORRELATION`` replaces the item correlation of a cell without outcomes.

    Raises
    ------
    ValueError
        If an arm is missing, or states no number of items.
    """
    missing = [name for name in ARMS if name not in cell.arms]
    if missing:
        options = ", ".join(f"--{name}" for name in missing)
        raise ValueError(
            f"a plan needs all of {', '.join(ARMS)}; {cell.name} has no {', '.join(missing)}, for which a "
            f"guess is accepted ({options})"
        )
    arms = [cell.arms[name] for name in ARMS]
    sizes = [arm.n_items for arm in arms if arm.n_items is not None]
    if len(sizes) < len(arms):
        raise ValueError(
            f"a plan needs the number of items of every arm; {cell.name} does not state it (--items)"
        )
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
