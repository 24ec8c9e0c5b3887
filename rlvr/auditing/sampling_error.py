"""How far a contrast of arms could lie from its estimate, source by source.

From accuracies alone the arms are treated as independent samples of questions: each arm gets a Wilson
interval, and the distances of a contrast's arms add in quadrature (Newcombe's hybrid method, which Zou and
Donner extend to any linear contrast). That is conservative twice over: arms answer the same questions, and an
average over k answers a question is treated as one answer. With per-item outcomes the contrast is taken
question by question and the interval is Student's t over questions.

References
----------
Newcombe. Interval estimation for the difference between independent proportions. Stat. Med. 17, 1998.
Zou, Donner. Construction of confidence limits about effect measures. Stat. Med. 27, 2008.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm, Cell
from rlvr.stats.estimates import Estimate

__all__ = [
    "Sampling",
    "contrast_interval",
    "frozen_values",
    "item_sampling",
    "pairing_gain",
    "run_sampling",
    "simulated_coverage",
    "wilson",
]


def wilson(accuracy: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a proportion; `n` need not be whole, nor ``n * accuracy``.

    Parameters
    ----------
    accuracy : float in [0, 1]
    n : float above 0
    level : float in (0, 1)

    Examples
    --------
    >>> low, high = wilson(0.0, 30)
    >>> f"{low:.3f} {high:.3f}"
    '0.000 0.114'
    """
    z2 = NormalDist().inv_cdf(0.5 + level / 2) ** 2
    centre = (accuracy + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 / n * (accuracy * (1 - accuracy) + z2 / (4 * n))) / (1 + z2 / n)
    return max(0.0, min(accuracy, centre - half)), min(1.0, max(accuracy, centre + half))


@dataclass(frozen=True)
class Sampling:
    """What may move a contrast of arms; each array is (arm,), in the order of ``ARMS``.

    Attributes
    ----------
    below : ndarray (arm,)
        Distance to the lower end of an arm's item-sampling interval: 0 where the arm is taken as given,
        infinity where its number of items is unknown.
    above : ndarray (arm,)
        Distance to the upper end, likewise.
    runs : ndarray (arm,)
        Half-widths from run to run; 0 where not counted.
    outcomes : ndarray (item, arm) or None
        With it, items are paired; columns of absent arms are 0.
    level : float
        Nominal coverage.
    """

    below: NDArray[np.float64]
    above: NDArray[np.float64]
    runs: NDArray[np.float64]
    outcomes: NDArray[np.float64] | None = None
    level: float = 0.95

    @classmethod
    def none(cls, level: float = 0.95) -> Sampling:
        """No uncertainty at all."""
        nothing = np.zeros(len(ARMS))
        return cls(nothing, nothing, nothing, None, level)

    def with_runs(self, runs: NDArray[np.float64]) -> Sampling:
        """The same with run-to-run half-widths (arm,) beside it."""
        return replace(self, runs=runs)

    def margins(self, contrasts: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distances below and above the estimates of contrasts (contrast, arm), each (contrast,)."""
        c = np.atleast_2d(np.asarray(contrasts, dtype=float))
        run = _quadrature(c, self.runs, self.runs)
        below, above = _quadrature(c, self.below, self.above), _quadrature(-c, self.below, self.above)
        if self.outcomes is not None:
            n = len(self.outcomes)
            spread = (self.outcomes @ c.T).std(axis=0, ddof=1)
            paired = _student(n - 1, self.level) * spread / math.sqrt(n)
            # Without a single item on which the arms differ, a width of zero would be an illusion.
            below, above = np.where(spread > 0, paired, below), np.where(spread > 0, paired, above)
        return np.hypot(below, run), np.hypot(above, run)


def _student(freedom: int, level: float) -> float:
    """The quantile that gives two-sided coverage `level`."""
    from scipy.special import stdtrit  # a third of the time of a small table, which seldom needs it

    return float(stdtrit(freedom, 0.5 + level / 2))


def _quadrature(
    contrasts: NDArray[np.float64], down: NDArray[np.float64], up: NDArray[np.float64]
) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # 0 x infinity: an arm that the contrast does not use
        moved = np.where(contrasts > 0, contrasts * down, contrasts * up)
    return np.sqrt((np.where(contrasts == 0, 0.0, moved) ** 2).sum(axis=1))


def item_sampling(
    arms: Mapping[str, Arm], *, level: float = 0.95, independent_samples: bool = False
) -> Sampling:
    """Sampling of the benchmark's items; paired when every arm comes with outcomes on the same items.

    Parameters
    ----------
    arms : mapping of name to Arm
    level : float in (0, 1)
    independent_samples : bool
        Count an average over k answers an item as k items: the optimistic end, right only if all items
        are equally hard. The default counts it as one, which no hardness can break.
    """
    nothing = np.zeros(len(ARMS))
    below, above = nothing.copy(), nothing.copy()
    for column, name in enumerate(ARMS):
        if name not in arms:
            continue
        arm = arms[name]
        n = (arm.n_items or 0) * (arm.samples_per_item or 1 if independent_samples else 1)
        low, high = wilson(arm.accuracy, n, level=level) if n else (-math.inf, math.inf)
        below[column], above[column] = arm.accuracy - low, high - arm.accuracy
    return Sampling(below, above, nothing, _paired(arms), level)


def _paired(arms: Mapping[str, Arm]) -> NDArray[np.float64] | None:
    """Mean outcome over runs, (item, arm), if all arms answered the same items; else None."""
    first = next(iter(arms.values()), None)
    if first is None or first.items is None or len(first.items) < 2 or len(arms) < 2:
        return None
    columns = np.zeros((len(first.items), len(ARMS)))
    for name, arm in arms.items():
        if arm.items is None or arm.outcomes is None or not np.array_equal(arm.items, first.items):
            return None
        columns[:, ARMS.index(name)] = arm.outcomes.mean(axis=0)
    return columns


def contrast_interval(arms: Mapping[str, Arm], coefficients: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Any linear contrast of arms with its item-sampling interval.

    Parameters
    ----------
    arms : mapping of name to Arm
        At least those that the contrast uses.
    coefficients : array_like (arm,)
        In the order of ``ARMS``; 0 for an arm that plays no part.
    level : float in (0, 1)

    Returns
    -------
    Estimate
        In fractions; without an interval where an arm's number of items is unknown.

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
    arms: Mapping[str, Arm], *, level: float = 0.95, assumed_run_sd: float | None = None
) -> tuple[Sampling, tuple[str, ...]]:
    """Run-to-run spread alone, and the trained arms for which nothing is known of it.

    Parameters
    ----------
    arms : mapping of name to Arm
        An arm's ``run_sd`` is used if the table states it; an arm is the mean of its ``n_runs``. Student's t
        widens it by the runs it was estimated from, ``run_sd_runs`` or else the arm's own; a spread that
        neither backs is taken as known.
    level : float in (0, 1)
    assumed_run_sd : float, optional
        Stands in, as a sensitivity, where the table is silent.
    """
    runs, unknown = np.zeros(len(ARMS)), []
    for name, arm in arms.items():
        if name == "frozen":
            continue  # not trained: it has no run
        spread = assumed_run_sd if arm.run_sd is None else arm.run_sd
        n = arm.n_runs or 1
        if spread is None:
            unknown.append(name)
            continue
        behind = (arm.run_sd_runs or n) if arm.run_sd is not None else 1
        tail = _student(behind - 1, level) if behind > 1 else NormalDist().inv_cdf(0.5 + level / 2)
        runs[ARMS.index(name)] = tail * spread / math.sqrt(n)
    return Sampling.none(level).with_runs(runs), tuple(unknown)


def pairing_gain(items: Sampling, contrasts: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """How many times wider each contrast's interval would be without pairing; empty if it is unpaired."""
    if items.outcomes is None:
        return {}
    unpaired = replace(items, outcomes=None)
    widths = {
        name: tuple(float(np.add(*each.margins(contrast))[0]) for each in (unpaired, items))
        for name, contrast in contrasts.items()
    }
    return {name: wide / narrow for name, (wide, narrow) in widths.items() if narrow > 0}


def frozen_values(cell: Cell, shift: float | None) -> list[float]:
    """Values for FROZEN: between its alternative readings, else within `shift` of its own."""
    if "frozen" not in cell.arms:
        return []
    own = cell.arms["frozen"].accuracy
    readings = [arm.accuracy for arm in cell.alternatives if arm.name == "frozen"]
    if not readings and not shift:
        return []
    ends = [own, *readings] if readings else [max(0.0, own - (shift or 0)), min(1.0, own + (shift or 0))]
    return [float(value) for value in np.linspace(min(ends), max(ends), 41)]


def simulated_coverage(
    n_items: int, *, shared: bool = True, samples: int = 1, replicates: int = 500, seed: int = 0
) -> float:
    """How often an interval of this module holds the truth, over simulated tables.

    Items have unequal hardness: each is answered right with a chance drawn from Beta(1/2, 1/2). With one
    sample an item the interval is that of TRUE - FROZEN, two arms of equal accuracy. With several it is
    that of TRUE alone, every sample counted as an item (`independent_samples`): a recipe that fails.

    Parameters
    ----------
    n_items : int
    shared : bool
        Whether both arms answer the same items.
    samples : int
        Answers an item.
    replicates : int
        Simulated tables.
    seed : int

    Returns
    -------
    float
        Fraction of tables whose interval holds the truth.
    """
    rng, held = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(n_items, samples))), 0
    single = samples > 1
    contrast = np.array([0.0 if single else -1.0, 0.0, 0.0, 1.0])
    for _ in range(replicates):
        chance = rng.beta(0.5, 0.5, (2, n_items))
        answers = rng.binomial(samples, chance[[0, 0]] if shared else chance).mean(axis=1) / samples
        arms = {
            name: Arm(name, float(accuracy), n_items, samples)
            for name, accuracy in zip(("frozen", "true"), answers, strict=True)
        }
        (below,), (above,) = item_sampling(arms, independent_samples=single).margins(contrast)
        error = answers[1] - (0.5 if single else answers[0])
        held += bool(-above <= error <= below)
    return held / replicates
