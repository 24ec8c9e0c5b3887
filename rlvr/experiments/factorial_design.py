"""2x2x2 designs: whether the effects of reward, filtering and prior add up.

The factors and their codes::

    A  reward      +1 true          -1 majority
    B  filtering   +1 drop, refill  -1 off
    C  prior       +1 stronger      -1 weaker

An effect is half the difference between the means at +1 and -1 (the coefficient in ±1 coding); an interaction
is the same for the product of codes. All cells of a block train on the same task draw with the same random
numbers, so a contrast compares treatments, not tasks. The unit of replication is the block.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import choice, shown, whole
from rlvr.simulator.grpo_config import LIGHT, GRPOConfig
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate
from rlvr.stats.estimates import Estimate, mean_interval, ratio_interval

__all__ = [
    "CODES", "EFFECTS", "INTERACTIONS", "MAIN", "Blocks", "InteractionRatio", "contrasts", "effects",
    "fit", "interaction_ratio", "on_scale", "run_blocks",
]  # fmt: skip

MAIN = ("A", "B", "C")
INTERACTIONS = ("AB", "AC", "BC", "ABC")
EFFECTS = MAIN + INTERACTIONS

CODES: Mapping[str, NDArray[np.int64]] = {
    effect: np.array(
        [
            math.prod({"A": a, "B": b, "C": c}[factor] for factor in effect)
            for a in (1, -1)
            for b in (1, -1)
            for c in (1, -1)
        ]
    )
    for effect in EFFECTS
}
"""Code of each effect in the eight cells, A varying slowest, from (+ + +) and (+ + -) to (- - -)."""


@dataclass(frozen=True)
class Blocks:
    """Accuracies of a blocked 2x2x2, with the arguments that produced them.

    Attributes
    ----------
    cells : ndarray (block, 8)
        Mean accuracy over seeds, cells in the order of ``CODES``.
    priors : pair of float
        Prior strengths at C = +1 and C = -1.
    filtering : str
        The filtering at B = +1; B = -1 is "off".
    n_seeds, seed : int
        Training seeds per mean, and the root of all randomness.
    """

    cells: NDArray[np.float64]
    priors: tuple[float, float]
    filtering: str
    n_seeds: int
    seed: int


def effects(cell_means: ArrayLike) -> dict[str, float]:
    """Effects in ±1 coding from eight cell means: a saturated fit, with no degrees of freedom for an error.

    Parameters
    ----------
    cell_means : array_like (8,) or (2, 2, 2)
        In the order of ``CODES``: A slowest, +1 before -1.

    Examples
    --------
    >>> effects([5, 3, 5, 3, 1, 3, 1, 3])["AC"]
    1.0
    """
    means = np.asarray(cell_means, dtype=float)
    if means.shape not in ((8,), (2, 2, 2)) or not np.isfinite(means).all():
        raise ValueError(f"cell_means must be 8 finite numbers, (8,) or (2, 2, 2), got shape {means.shape}")
    return {effect: float(value[0]) for effect, value in contrasts(means.reshape(1, 8)).items()}


def contrasts(cells: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Each effect in each block, dict of str to ndarray (block,), from cells (block, 8)."""
    table = _table(cells)
    return {effect: table @ codes / 8 for effect, codes in CODES.items()}


def fit(cells: ArrayLike, *, level: float = 0.95) -> dict[str, Estimate]:
    """Effects with intervals: Student's t on each effect's contrasts, one per block, from cells (block, 8).

    This equals least squares with block effects and errors clustered by block. Blocks differ in level and in
    how strongly a task draw moves each cell; the textbook residual would ignore the second difference.
    """
    table = _table(cells)
    if len(table) < 2:
        raise ValueError(f"cells must hold at least 2 blocks for an interval, got {len(table)}")
    return {
        effect: mean_interval(values[:, None], level=level) for effect, values in contrasts(table).items()
    }


@dataclass(frozen=True)
class InteractionRatio:
    """Largest interaction over largest main effect, in absolute value.

    Attributes
    ----------
    ratio : Estimate
        Fieller's interval for the two effects named below.
    interaction : str
        The largest interaction.
    main : str
        The largest main effect.
    stability : float
        Fraction of bootstrap resamples of blocks in which the same two effects are largest. Below about 0.95
        the interval is too short, because it takes the two as given.
    """

    ratio: Estimate
    interaction: str
    main: str
    stability: float


def interaction_ratio(cells: ArrayLike, *, level: float = 0.95, seed: int = 0) -> InteractionRatio:
    """Ratio of the largest interaction to the largest main effect, from cells (block, 8).

    With one block the ratio has no interval. `seed` belongs to the 999 resamples of its `stability`.
    """
    table = _table(cells)
    by_block = contrasts(table)
    size = {effect: abs(values.mean()) for effect, values in by_block.items()}
    interaction, main = (max(kind, key=size.__getitem__) for kind in (INTERACTIONS, MAIN))
    signed = {effect: np.sign(by_block[effect].mean()) * by_block[effect] for effect in (interaction, main)}
    ratio = ratio_interval(signed[interaction], signed[main], level=level, names=(interaction, main))
    generator = np.random.default_rng(seed)
    resamples = generator.multinomial(len(table), np.full(len(table), 1 / len(table)), size=999)
    drawn = {effect: np.abs(resamples @ values) for effect, values in by_block.items()}
    same = [
        np.all([drawn[largest] >= drawn[effect] for effect in kind], axis=0)
        for largest, kind in ((interaction, INTERACTIONS), (main, MAIN))
    ]
    return InteractionRatio(
        replace(ratio, unit="task draw"), interaction, main, float(np.mean(same[0] & same[1]))
    )


def on_scale(cells: ArrayLike, scale: str) -> NDArray[np.float64]:
    """Accuracies (block, 8) on the scale of the effects, "accuracy" or "logit".

    The logit, log(accuracy / (1 - accuracy)), is taken in each block, for accuracies strictly between 0 and
    1.
    """
    table = _table(cells)
    choice("scale", scale, ("accuracy", "logit"))
    if scale == "accuracy":
        return table
    if not ((table > 0) & (table < 1)).all():
        raise ValueError("cells must lie strictly between 0 and 1 for the logit scale")
    return np.log(table / (1 - table))


def run_blocks(
    priors: Sequence[float] = (0.80, 0.35),
    *,
    filtering: str = "drop",
    config: GRPOConfig = LIGHT,
    n_blocks: int = 100,
    n_seeds: int = 2,
    seed: int = 0,
    executor: Executor | None = None,
) -> Blocks:
    """Simulate a blocked 2x2x2.

    Parameters
    ----------
    priors : pair of float
        Prior strengths at C = +1 and C = -1.
    filtering : {"drop", "refill"}
        The filtering at B = +1.
    config : GRPOConfig
        All other settings of the training.
    n_blocks : int, at least 1
        Task draws.
    n_seeds : int, at least 1
        Training seeds in each.
    seed, executor
        As in :func:`rlvr.simulate`.
    """
    choice("filtering", filtering, ("drop", "refill"))
    whole("n_blocks", n_blocks, "an integer of at least 1", at_least=1)
    if len(priors) != 2:
        raise ValueError(f"priors must be two prior strengths, got {shown(priors)}")
    pairs = [(treatment, prior) for treatment in (filtering, "off") for prior in priors]
    trained = simulate(
        [TaskFamily(prior_strength=prior) for _, prior in pairs],
        [replace(config, filtering=treatment) for treatment, _ in pairs],
        arms=("majority", "true"),
        n_tasks=n_blocks,
        n_seeds=n_seeds,
        seed=seed,
        executor=executor,
    )
    cells = [runs.arm(arm).mean(axis=1) for arm in ("true", "majority") for runs in trained]
    return Blocks(np.column_stack(cells), (priors[0], priors[1]), filtering, n_seeds, seed)


def _table(cells: ArrayLike) -> NDArray[np.float64]:
    table = np.asarray(cells, dtype=float)
    if table.ndim != 2 or table.shape[1] != 8 or len(table) == 0 or not np.isfinite(table).all():
        raise ValueError(f"cells must be finite numbers of shape (block, 8), got shape {table.shape}")
    return table
