"""Coverage of intervals, simulated from runs instead of normal numbers.

Coverage is a frequency over simulated studies::

    coverage = fraction of studies whose interval holds the true value

The true value must share no draw with the studies. An interval is centred on its own runs, so a true value
from the same runs lies too near. :func:`pool_coverage` draws studies from a pool with replacement, so the
pool is the population and its value the truth. :func:`published_coverage` computes the truth from runs that
the study did not use, and refuses runs of the same root seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from rlvr._checks import choice, real, whole
from rlvr.experiments.gates import GATE_RULES, PoolBlock, published_gate
from rlvr.simulator.runs import Runs
from rlvr.simulator.task_family import check_seed
from rlvr.stats.estimates import Estimate, mean_interval
from rlvr.stats.sampling import Sampling, wilson

__all__ = ["OWN_DRAW", "Coverage", "pool_coverage", "published_coverage", "simulated_coverage"]

OWN_DRAW = "own task draw"
"""A study is compared with the mean of other seeds on its own task draw."""

OTHERS_A_RUN = 10  # the truth's seeds per seed of a study: its variance is about a tenth of the study's


@dataclass(frozen=True)
class Coverage:
    """Coverage of an interval.

    Attributes
    ----------
    rate : Estimate
        Fraction of studies, with its 95% interval over `rate.unit`: exact binomial over independent studies,
        Student's t over task draws where several studies share one.
    level : float
        Nominal coverage.
    p_value : float
        P-value of the test, under the same law, that coverage equals `level`.
    undefined : float
        Fraction of studies without a value. An unbounded interval counts as covering, a missing one does not.
    width : float
        Median width of the intervals, which may be infinite.
    """

    rate: Estimate
    level: float
    p_value: float
    undefined: float
    width: float

    @property
    def nominal(self) -> bool:
        """Whether coverage differs from its level by no more than sampling error (at 1 in 1,000)."""
        return self.p_value > 0.001


def pool_coverage(
    interval: Callable[..., Estimate],
    pools: Sequence[ArrayLike],
    *,
    truth: float,
    n: int,
    n_studies: int = 2_000,
    seed: int = 0,
) -> Coverage:
    """Simulate the coverage of an interval for studies of `n` task draws.

    Parameters
    ----------
    interval : callable
        Takes one array (task, ...) for each pool, paired, and returns an Estimate.
    pools : sequence of array_like (task, ...)
        Paired quantities of the pool's task draws.
    truth : float
        The value to cover: the pool's own, because studies are drawn from it with replacement, or a known
        value.
    n : int, at least 2
        Task draws per study.
    n_studies : int, at least 1
    seed : int

    Returns
    -------
    Coverage

    Raises
    ------
    ValueError
        If a study would take more than a tenth of the pool, or the pools differ in length.

    Examples
    --------
    >>> from rlvr.stats.estimates import mean_interval
    >>> pool = np.random.default_rng(0).normal(size=5_000)
    >>> pool_coverage(mean_interval, [pool], truth=pool.mean(), n=5, n_studies=400).nominal
    True
    """
    arrays = [np.asarray(pool, dtype=float) for pool in pools]
    sizes = {len(array) for array in arrays}
    if len(sizes) != 1:
        raise ValueError(f"pools must be one or more arrays of one length, got lengths {sorted(sizes)}")
    (size,) = sizes
    accepted = f"an integer from 2 to a tenth of the pool's {size} task draws"
    whole("n", n, accepted, at_least=2, at_most=size // 10)
    whole("n_studies", n_studies, "an integer of at least 1", at_least=1)
    generator = np.random.default_rng(check_seed(seed))
    ends, undefined, level = np.empty((n_studies, 2)), 0, math.nan
    for study in range(n_studies):
        drawn = generator.choice(size, size=n)
        estimate = interval(*(array[drawn] for array in arrays))
        ends[study], level = (estimate.low, estimate.high), estimate.level
        undefined += not estimate.defined
    return _summary(ends[:, 0], ends[:, 1], truth, level, undefined)


def published_coverage(
    block: PoolBlock, n_runs: int, *, truth: str | Runs | float, rule: str = "published", seed: int = 0
) -> Coverage:
    """Coverage of the published interval of elicitation, which resamples seeds, each arm separately.

    A study is `n_runs` seeds of one task draw, and no run is used in two studies. The unit of the result is
    the task draw.

    Parameters
    ----------
    block : PoolBlock
        The runs that studies are drawn from.
    n_runs : int, at least 2
    truth : {"own task draw"}, Runs or float
        The value to cover. "own task draw": the exact mean over the block's other seeds of the study's
        task draw, at least ten for each run of the study. Runs: their mean, the population's value; they must
        come from another root seed. A number: a known value, such as 0 by symmetry.
    rule : {"published", "published-exact"}
        Whether the accuracies have the sampling noise of the published evaluation.
    seed : int
        Seed of the resampling.

    Raises
    ------
    ValueError
        If the truth shares runs with the studies, or has too few runs.

    Notes
    -----
    A truth from m seeds is itself noisy. With the same spread in study and truth, this lowers a coverage c by
    about ``z * phi(z) * n_runs / m``, where z is the normal quantile of ``(1 + c) / 2`` and phi the normal
    density: by less than 0.025 at the fewest accepted seeds.
    """
    accuracy = block.sampled if choice("rule", rule, GATE_RULES[:2]) == "published" else block.exact
    n_tasks, n_seeds = block.elicitation.shape
    whole("n_runs", n_runs, f"an integer from 2 to {n_seeds}", at_least=2, at_most=n_seeds)
    n_studies = n_seeds // n_runs
    values = _values_to_cover(block, n_runs, truth)
    children = np.random.SeedSequence(check_seed(seed)).generate_state(n_studies, np.uint64)
    covered, widths = np.empty((n_tasks, n_studies)), np.empty((n_tasks, n_studies))
    for study, child in enumerate(children):
        judged = slice(study * n_runs, (study + 1) * n_runs)
        decided = published_gate(
            accuracy["random"][:, judged], accuracy["majority"][:, judged], seed=int(child)
        )
        covered[:, study] = (decided.low <= values[:, study]) & (values[:, study] <= decided.high)
        widths[:, study] = decided.high - decided.low
    by_draw = covered.mean(axis=1)
    rate = mean_interval(by_draw, unit="task draw")
    p_value = float(stats.ttest_1samp(by_draw, 0.95).pvalue) if np.ptp(by_draw) > 0 else math.nan
    return Coverage(rate, 0.95, p_value, 0.0, float(np.median(widths)))


def simulated_coverage(
    n_items: int, *, shared: bool = True, samples: int = 1, replicates: int = 500, seed: int = 0
) -> float:
    """Coverage of an interval of :mod:`rlvr.stats.sampling` over simulated tables.

    Items differ in difficulty: each is answered correctly with a probability drawn from Beta(1/2, 1/2). With
    one sample per item, the interval is that of TRUE - FROZEN, two arms of equal accuracy. With several, the
    interval is that of TRUE alone, with every sample counted as an item (`independent_samples`), a method
    that fails.

    Parameters
    ----------
    n_items : int
    shared : bool
        Whether both arms answer the same items.
    samples : int
        Answers per item.
    replicates : int
        Simulated tables.
    seed : int

    Returns
    -------
    float
        Fraction of tables whose interval holds the truth.
    """
    rng, covered = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(n_items, samples))), 0
    for _ in range(replicates):
        chance = rng.beta(0.5, 0.5, (2, n_items))
        answers = rng.binomial(samples, chance[[0, 0]] if shared else chance).mean(axis=1) / samples
        low, high = wilson(answers, n_items * samples)
        if samples > 1:
            covered += bool(low[1] <= 0.5 <= high[1])
            continue
        (below,), (above,) = Sampling(answers - low, high - answers).margins([-1.0, 1.0])
        covered += bool(-above <= answers[1] - answers[0] <= below)
    return covered / replicates


def _values_to_cover(block: PoolBlock, n_runs: int, truth: str | Runs | float) -> np.ndarray:
    """The truth for each study, (task, study), from runs that the study does not use."""
    exact = block.elicitation
    n_tasks, n_seeds = exact.shape
    shape = (n_tasks, n_seeds // n_runs)
    if isinstance(truth, Runs):
        if truth.seed == block.seed:
            raise ValueError(
                f"truth must come from other draws than the studies, but both have the seed "
                f"{truth.seed}; simulate it with another seed"
            )
        return np.full(shape, (truth.arm("majority") - truth.arm("random")).mean())
    if not isinstance(truth, str):
        return np.full(shape, real("truth", truth, f"{OWN_DRAW!r}, Runs or a number known beforehand"))
    choice("truth", truth, (OWN_DRAW,))
    fewest = (OTHERS_A_RUN + 1) * n_runs
    if n_seeds < fewest:
        raise ValueError(
            f"the truth of a study's own task draw must come from seeds that the study does not use, "
            f"{OTHERS_A_RUN} or more for each of its {n_runs}: the block must have at least {fewest} seeds a "
            f"task draw, got {n_seeds}"
        )
    judged = exact[:, : shape[1] * n_runs].reshape(*shape, n_runs).sum(axis=-1)
    return (exact.sum(axis=1, keepdims=True) - judged) / (n_seeds - n_runs)


def _summary(low: np.ndarray, high: np.ndarray, truth: ArrayLike, level: float, undefined: int) -> Coverage:
    covered = int(((low <= truth) & (truth <= high)).sum())
    test = stats.binomtest(covered, low.size, level)
    ends = test.proportion_ci(0.95, method="exact")
    return Coverage(
        Estimate(covered / low.size, float(ends.low), float(ends.high), 0.95, "study", low.size),
        level,
        float(test.pvalue),
        undefined / low.size,
        float(np.median(high - low)),
    )
