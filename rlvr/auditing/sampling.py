"""Margins of the contrasts of a cell's arms, by source of uncertainty.

This module turns the arms of a table into the arrays of :mod:`rlvr.stats.sampling`, which holds the formulas.
Columns are arms in the order of ``ARMS``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import shortened
from rlvr.arms import ARM_CODE, ARMS
from rlvr.auditing.cells import Arm, Cell
from rlvr.auditing.run_spreads import RunSd, assumed_of, law_of_runs
from rlvr.stats.estimates import Estimate
from rlvr.stats.sampling import CrossedSampling, Sampling, mean_squares, two_sided_quantile, wilson
from rlvr.stats.spread_models import NextDeviation

__all__ = [
    "contrast_interval",
    "crossed_sampling",
    "frozen_values",
    "item_margins",
    "item_sampling",
    "pairing_gain",
    "run_margins",
    "run_sampling",
    "seed_notes",
    "shared_runs",
]


def item_sampling(
    arms: Mapping[str, Arm], *, level: float = 0.95, independent_samples: bool = False
) -> Sampling:
    """Return the sampling of the benchmark's items, paired if every arm has outcomes on the same items.

    Parameters
    ----------
    arms : mapping of name to Arm
    level : float in (0, 1)
    independent_samples : bool
        Count an average over k answers to an item as k items, which is valid only if all items are equally
        hard. The default counts the average as one item, which is valid for any hardness. With clusters, each
        cluster counts as one item.
    """
    (below,), (above,) = item_margins([arms], level=level, independent_samples=independent_samples)
    outcomes, clusters = _paired(arms)
    return Sampling(below, above, outcomes=outcomes, clusters=clusters, level=level)


def item_margins(
    cells: Sequence[Mapping[str, Arm]], *, level: float = 0.95, independent_samples: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances (cell, arm) to the ends of the item-sampling interval of each single arm.

    A distance is infinite if the arm's number of items is unknown, and 0 if the arm is missing.
    """
    accuracy, n = np.zeros((len(cells), len(ARMS))), np.full((len(cells), len(ARMS)), np.nan)
    for row, arms in enumerate(cells):
        for name, arm in arms.items():
            column = ARM_CODE[name]
            samples = arm.samples_per_item or 1 if independent_samples else 1
            counted = arm.n_items if arm.clusters is None else np.unique(arm.clusters).size
            accuracy[row, column], n[row, column] = arm.accuracy, (counted or 0) * samples
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = wilson(accuracy, n, level=level)
    known = n > 0
    far = np.where(np.isnan(n), 0.0, np.inf)
    return np.where(known, accuracy - low, far), np.where(known, high - accuracy, far)


def _paired(arms: Mapping[str, Arm]) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]:
    """Return mean outcomes over runs (item, arm) if all arms answered the same items, and the clusters."""
    first = next(iter(arms.values()), None)
    if first is None or first.items is None or len(first.items) < 2 or len(arms) < 2:
        return None, None
    columns = np.zeros((len(first.items), len(ARMS)))
    for name, arm in arms.items():
        if arm.items is None or arm.outcomes is None or not np.array_equal(arm.items, first.items):
            return None, None
        columns[:, ARM_CODE[name]] = arm.outcomes.mean(axis=0)
    if first.clusters is None:
        return columns, None
    return columns, np.unique(first.clusters, return_inverse=True)[1]


def contrast_interval(arms: Mapping[str, Arm], coefficients: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return any linear contrast of arms with its item-sampling interval.

    Parameters
    ----------
    arms : mapping of name to Arm
        At least the arms that the contrast uses.
    coefficients : array_like (arm,)
        In the order of ``ARMS``; 0 for an unused arm.
    level : float in (0, 1)

    Returns
    -------
    Estimate
        In fractions; without an interval if an arm's number of items is unknown.

    Raises
    ------
    ValueError
        If an arm with a coefficient is missing.

    Examples
    --------
    >>> arms = {name: Arm(name, accuracy, 500) for name, accuracy in (("frozen", 0.25), ("true", 0.5))}
    >>> format(contrast_interval(arms, [-1, 0, 0, 1]), ".3f")
    '0.250 [0.191, 0.307]'
    """
    c = np.asarray(coefficients, dtype=float)
    used = [name for name, weight in zip(ARMS, c, strict=True) if weight]
    missing = [name for name in used if name not in arms]
    if missing:
        raise ValueError(
            f"arms must hold every arm with a coefficient, {', '.join(used)}; got no {', '.join(missing)}"
        )
    value = math.fsum(c[ARMS.index(name)] * arms[name].accuracy for name in used)
    n = min(arms[name].n_items or 0 for name in used)
    if not n:
        return Estimate(value, level=level, unit="item", reason="the number of items is not stated")
    (below,), (above,) = item_sampling(arms, level=level).margins(c)
    return Estimate(value, value - float(below), value + float(above), level, "item", n)


def run_sampling(
    arms: Mapping[str, Arm], *, level: float = 0.95, assumed_run_sd: RunSd = None
) -> tuple[Sampling, tuple[str, ...]]:
    """Return the sampling of runs alone, and the trained arms without a known run-to-run spread.

    Parameters
    ----------
    arms : mapping of name to Arm
        An arm is the mean of its ``n_runs``, with the spread ``run_sd`` if stated. Student's t accounts for
        the number of runs behind the spread: ``run_sd_runs``, else the arm's own runs. A spread without such
        runs counts as known. Arms with the same seeds are paired by seed.
    level : float in (0, 1)
    assumed_run_sd : float, NextDeviation or mapping of arm to either, optional
        A number replaces a spread that the table does not state. A law is a prior, whose likelihood is a
        spread that the table states with its number of runs.
    """
    (runs,), (unknown,) = run_margins([arms], level=level, assumed_run_sd=assumed_run_sd)
    return Sampling(runs=runs, level=level, paired_runs=shared_runs(arms)), unknown


def run_margins(
    cells: Sequence[Mapping[str, Arm]], *, level: float = 0.95, assumed_run_sd: RunSd = None
) -> tuple[NDArray[np.float64], list[tuple[str, ...]]]:
    """Return the half-widths (cell, arm) over runs of each single arm, and the arms without a known spread.

    These are the half-widths of :func:`run_sampling`, without pairing by seed.
    """
    runs, unknown = np.zeros((len(cells), len(ARMS))), []
    tails: dict[int, float] = {}
    for row, arms in enumerate(cells):
        silent = []
        for name in _trained(arms):
            arm, assumed = arms[name], assumed_of(name, assumed_run_sd)
            n = arm.n_runs or 1
            law = law_of_runs(arm, assumed)
            if law is not None:
                runs[row, ARM_CODE[name]] = law.half_width(level, n)
                continue
            spread = assumed if arm.run_sd is None else arm.run_sd
            equal = arm.run_sd == 0 and (len(arm.run_accuracies) > 1 or arm.outcomes is not None)
            if spread is None or isinstance(spread, NextDeviation) or equal:
                silent.append(name)  # equal runs do not show that the next would be equal
                continue
            behind = (arm.run_sd_runs or n) if arm.run_sd is not None else 1
            if behind not in tails:
                tails[behind] = float(two_sided_quantile(level, behind - 1 if behind > 1 else None))
            runs[row, ARM_CODE[name]] = tails[behind] * spread / math.sqrt(n)
        unknown.append(tuple(silent))
    return runs, unknown


def shared_runs(arms: Mapping[str, Arm]) -> NDArray[np.float64] | None:
    """Return accuracies (run, arm) of the trained arms that have runs with the same seeds, NaN elsewhere.

    None unless two arms share all their seeds, two or more. Arms that share only m of n seeds are not paired.
    With a correlation r between runs of one seed, pairing would reduce the variance of the difference by
    r * m / n, but r would have to be estimated with m - 1 instead of n - 1 degrees of freedom. Without
    pairing, the interval is too wide if r is positive.
    """
    by_seeds: dict[frozenset[str], list[str]] = {}
    for name in _trained(arms):
        if len(arms[name].seeds) > 1:
            by_seeds.setdefault(frozenset(arms[name].seeds), []).append(name)
    seeds, names = max(by_seeds.items(), key=lambda group: len(group[1]), default=(frozenset(), []))
    if len(names) < 2:
        return None
    shared = np.full((len(seeds), len(ARMS)), np.nan)
    for name in names:
        runs = dict(zip(arms[name].seeds, arms[name].run_accuracies, strict=True))
        shared[:, ARM_CODE[name]] = [runs[seed] for seed in sorted(seeds)]
    return shared


def seed_notes(arms: Mapping[str, Arm]) -> list[str]:
    """State which trained arms are paired by seed, and how many seeds the others share."""
    seeds = {name: set(arms[name].seeds) for name in _trained(arms) if len(arms[name].seeds) > 1}
    if len(seeds) < 2:
        return []
    shared, notes = shared_runs(arms), []
    paired = [] if shared is None else [name for name in seeds if not np.isnan(shared[0, ARM_CODE[name]])]
    if shared is not None:
        notes.append(f"{_listed(paired)} paired by seed, {len(shared)} seeds")
    apart = [pair for pair in combinations(seeds, 2) if not {*pair} <= {*paired}]
    if not any(seeds[one] & seeds[other] for one, other in apart):
        return notes or ["not paired, since the arms have other seeds"]
    for one, other in apart:
        common, n = sorted(seeds[one] & seeds[other]), len(seeds[one] | seeds[other])
        named = f" ({shortened(', '.join(common), 60)})" if common else ""
        notes.append(f"{_listed((one, other))} not paired, they share {len(common)} of {n} seeds{named}")
    return notes


def _listed(names: Sequence[str]) -> str:
    return " and ".join(name.upper() for name in names)


def _trained(arms: Mapping[str, Arm]) -> list[str]:
    return [name for name in arms if name != "frozen"]


def crossed_sampling(
    arms: Mapping[str, Arm], *, level: float = 0.95, assumed_run_sd: RunSd = None
) -> Sampling | CrossedSampling | None:
    """Return the sampling of items crossed with runs, if all arms have outcomes on the same items.

    None for other outcomes, and if the spread of runs is unknown: no trained arm has a second run, and no
    spread is assumed. FROZEN has no runs.

    Parameters
    ----------
    arms : mapping of name to Arm
    level : float in (0, 1)
    assumed_run_sd : float, NextDeviation or mapping of arm to either, optional
        A number is the spread of trained arms with one run. With a law for any arm, the runs of each arm
        enter through :func:`run_sampling`, next to the items.
    """
    items, trained = item_sampling(arms, level=level), _trained(arms)
    repeated = [name for name in trained if (arms[name].n_runs or 1) > 1]
    known = [assumed_of(name, assumed_run_sd) for name in trained]
    if items.outcomes is None or not (repeated or any(each is not None for each in known)):
        return None
    if any(isinstance(each, NextDeviation) for each in known):
        runs, _ = run_sampling(arms, level=level, assumed_run_sd=assumed_run_sd)
        return replace(items, runs=runs.runs)
    n_runs = np.ones(len(ARMS), dtype=int)
    run_squares, rest_squares, assumed = (np.zeros(len(ARMS)) for _ in range(3))
    for name in trained:
        column, outcomes = ARMS.index(name), arms[name].outcomes
        if name not in repeated or outcomes is None:
            sd = assumed_of(name, assumed_run_sd)
            assumed[column] = 0.0 if sd is None or isinstance(sd, NextDeviation) else sd
            continue
        n_runs[column] = len(outcomes)
        run_squares[column], rest_squares[column] = mean_squares(outcomes)
    return CrossedSampling(items, n_runs, run_squares, rest_squares, assumed)


def pairing_gain(items: Sampling, contrasts: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return how many times wider each contrast's interval is without pairing; empty if unpaired."""
    if items.outcomes is None:
        return {}
    unpaired = replace(items, outcomes=None)
    widths = {
        name: tuple(np.add(*each.margins(contrast)).item() for each in (unpaired, items))
        for name, contrast in contrasts.items()
    }
    return {name: wide / narrow for name, (wide, narrow) in widths.items() if narrow > 0}


def frozen_values(cell: Cell, shift: float | None) -> list[float]:
    """Return values for FROZEN: between its alternative readings, else within `shift` of its accuracy."""
    if "frozen" not in cell.arms:
        return []
    own = cell.arms["frozen"].accuracy
    readings = [arm.accuracy for arm in cell.alternatives if arm.name == "frozen"]
    if readings:
        ends = [own, *readings]
    elif shift:
        ends = [max(0.0, own - shift), min(1.0, own + shift)]
    else:
        return []
    return [float(value) for value in np.linspace(min(ends), max(ends), 41)]
