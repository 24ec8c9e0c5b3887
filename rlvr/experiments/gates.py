"""Gates: when a study may quote its split as a value, and when only as bounds.

A gate *quotes a value* if an interval of elicitation = acc(MAJORITY) - acc(RANDOM) excludes zero; otherwise
it *quotes bounds*. The published study and the registered protocol call the two verdicts "points" and
"bounds", and so do the columns and attributes here: "points" means that the gate quotes a value. The rules
differ in what the interval resamples, and so in the population that the verdict describes:

===================  =============  ============  ===================  ==============================
rule                 accuracy       arms          resamples            n runs are
===================  =============  ============  ===================  ==============================
``published``        128 samples    apart         seeds (percentile)   n seeds of one task draw
``published-exact``  exact          apart         seeds (percentile)   n seeds of one task draw
``task-draw``        exact          run by run    task draws (t)       one seed of n task draws
===================  =============  ============  ===================  ==============================

The rates at which gates quote a value take too long to compute in a chapter and are stored: over prior
strength and runs (the map), and for the published example. A pool consists of blocks of task draws with
independent seeds. Studies are drawn from one block at a time, and no run is used twice under one rule and
size. The unit of replication is the block, so the standard error from the spread of blocks includes all reuse
of task draws.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from rlvr._checks import choice, confidence_level, whole
from rlvr._data import stored_table
from rlvr.experiments.stored import StoredExperiment
from rlvr.simulator.grpo_config import LIGHT, GRPOConfig
from rlvr.simulator.task_family import TaskFamily, check_seed
from rlvr.simulator.trainer import simulate
from rlvr.stats.estimates import Estimate, mean_interval

__all__ = [
    "EXAMPLE", "GATE_EXAMPLE", "GATE_MAP", "GATE_RULES", "MAP", "Decisions", "GateGrid", "PoolBlock",
    "Reading", "block_counts", "load_counts", "pool_block", "published_gate", "rates", "read_out",
    "studies_of", "task_draw_gate",
]  # fmt: skip

GATE_RULES = ("published", "published-exact", "task-draw")
"""The published gate, the same gate on exact accuracies, and ours."""

EVALUATION_SAMPLES = 128  # samples per prompt in the published evaluation
N_RESAMPLES = 300  # resamples of the published bootstrap
_KEYS = ["prior_strength", "block", "rule", "n_runs"]
_STREAM = {"pool": 10, "evaluation": 11, "studies": 12}  # purposes of a block's random numbers


@dataclass(frozen=True)
class Decisions:
    """Decisions of a gate in many studies.

    Attributes
    ----------
    low, high : ndarray (study,)
        Ends of each study's interval of elicitation.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def points(self) -> NDArray[np.bool_]:
        """Whether the interval excludes zero, in which case the gate quotes a value, ndarray (study,)."""
        return (self.low > 0) | (self.high < 0)


def published_gate(random: ArrayLike, majority: ArrayLike, *, seed: int = 0) -> Decisions:
    """The published rule: 300 percentile resamples of seeds, each arm resampled separately.

    Parameters
    ----------
    random, majority : array_like (study, seed)
        Final accuracies; the seeds of a study share one task draw.
    seed : int
        Seed of the resampling. All studies of one call use the same resamples, in which the four arms take
        their indices in the order frozen, random, majority, true.
    """
    arms = [_studies(name, values) for name, values in (("random", random), ("majority", majority))]
    if arms[0].shape != arms[1].shape:
        raise ValueError(f"random and majority must have one shape, got {arms[0].shape} and {arms[1].shape}")
    n = arms[0].shape[1]
    indices = np.random.default_rng(check_seed(seed)).integers(0, n, size=(N_RESAMPLES, 4, n))
    weights = (indices[..., None] == np.arange(n)).sum(axis=2) / n  # (resample, arm, seed)
    resampled = arms[1] @ weights[:, 2].T - arms[0] @ weights[:, 1].T
    # Sampled accuracies have one denominator, so an end can differ from 0 by rounding alone.
    low, high = np.round(np.percentile(resampled, [2.5, 97.5], axis=1), 12)
    return Decisions(low, high)


def task_draw_gate(elicitation: ArrayLike, *, level: float = 0.95) -> Decisions:
    """Our rule: Student's t on paired differences, one per task draw.

    Parameters
    ----------
    elicitation : array_like (study, task draw)
        acc(MAJORITY) - acc(RANDOM), run by run.
    level : float in (0, 1)
    """
    confidence_level(level)
    studies = _studies("elicitation", elicitation)
    n = studies.shape[1]
    half = special.stdtrit(n - 1, 0.5 + level / 2) * studies.std(axis=1, ddof=1) / math.sqrt(n)
    mean = studies.mean(axis=1)
    return Decisions(mean - half, mean + half)


@dataclass(frozen=True)
class PoolBlock:
    """Simulated runs from which studies are drawn.

    Attributes
    ----------
    exact : dict of arm to ndarray (task, seed)
        Exact accuracy of RANDOM and of MAJORITY.
    sampled : dict of arm to ndarray (task, seed)
        The same accuracies, each estimated by 128 sampled answers per prompt.
    seed : int
        Seed of this block.
    """

    exact: dict[str, NDArray[np.float64]]
    sampled: dict[str, NDArray[np.float64]]
    seed: int

    @property
    def elicitation(self) -> NDArray[np.float64]:
        """Exact paired differences, ndarray (task, seed)."""
        return self.exact["majority"] - self.exact["random"]


def pool_block(
    prior_strength: float,
    block: int,
    *,
    n_tasks: int = 128,
    n_seeds: int = 16,
    seed: int = 0,
    format_strength: float = 0.0,
    config: GRPOConfig = LIGHT,
    executor: Executor | None = None,
) -> PoolBlock:
    """Simulate one block of a pool; block b depends only on (seed, b).

    Without format mass the crossover is exactly n_correct / n_actions = 0.25: all actions are alike there, so
    elicitation is zero by symmetry.
    """
    whole("block", block, "an integer of at least 0", at_least=0)
    sequence = np.random.SeedSequence(check_seed(seed), spawn_key=(_STREAM["pool"], block))
    block_seed = int(sequence.generate_state(1, np.uint64)[0])
    runs = simulate(
        TaskFamily(prior_strength, format_strength),
        config,
        arms=("random", "majority"),
        n_tasks=n_tasks,
        n_seeds=n_seeds,
        seed=block_seed,
        keep_policies=True,
        executor=executor,
    )
    if runs.policies is None:
        raise AssertionError("policies were requested")
    right = np.where(runs.tasks.correct[None, :, None], runs.policies, 0.0).sum(axis=-1)
    generator = np.random.default_rng(np.random.SeedSequence(block_seed, spawn_key=(_STREAM["evaluation"],)))
    hits = generator.binomial(EVALUATION_SAMPLES, np.clip(right, 0.0, 1.0))
    sampled = hits.mean(axis=-1) / EVALUATION_SAMPLES
    return PoolBlock(
        {arm: runs.arm(arm) for arm in runs.arms}, dict(zip(runs.arms, sampled, strict=True)), block_seed
    )


def studies_of(block: PoolBlock, rule: str, n_runs: int) -> Decisions:
    """Draw studies of `n_runs` runs from a block and apply a rule to each; no run is used twice.

    For the published rules a study is `n_runs` seeds of one task draw. For "task-draw" a study is one seed of
    each of `n_runs` task draws, drawn at random for each seed.
    """
    choice("rule", rule, GATE_RULES)
    n_tasks, n_seeds = block.elicitation.shape
    available = n_tasks if rule == "task-draw" else n_seeds
    whole("n_runs", n_runs, f"an integer from 2 to {available}", at_least=2, at_most=available)
    generator = np.random.default_rng(np.random.SeedSequence(block.seed, spawn_key=(_STREAM["studies"],)))
    if rule == "task-draw":
        used = n_tasks // n_runs * n_runs
        shuffled = generator.permuted(block.elicitation, axis=0)[:used]
        return task_draw_gate(shuffled.T.reshape(-1, n_runs))
    accuracy = block.sampled if rule == "published" else block.exact
    used = n_seeds // n_runs * n_runs
    carved = {arm: values[:, :used].reshape(-1, n_runs) for arm, values in accuracy.items()}
    return published_gate(carved["random"], carved["majority"], seed=block.seed)


@dataclass(frozen=True)
class Reading:
    """The result that a study may quote.

    Attributes
    ----------
    verdict : str
        "points" (a value is quoted) or "bounds".
    elicitation : Estimate
    reward_design : Estimate
        With "points", the paired difference and its interval. With "bounds", only the identified interval:
        all values of naive - elicitation with both inside simultaneous intervals.
    """

    verdict: str
    elicitation: Estimate
    reward_design: Estimate


def read_out(random: ArrayLike, majority: ArrayLike, true: ArrayLike, *, level: float = 0.95) -> Reading:
    """Apply the task-draw gate to one study, and quote reward design as a value or an interval.

    With "bounds", MAJORITY was not separated from RANDOM, so elicitation may lie anywhere in its interval.
    The two intervals each take half the error (Bonferroni), so the identified interval covers reward design
    with probability of at least `level`.

    Parameters
    ----------
    random, majority, true : array_like (task, seed)
        Paired run by run.
    level : float in (0, 1)
    """
    arms = [np.asarray(values, dtype=float) for values in (random, majority, true)]
    elicitation = mean_interval(arms[1] - arms[0], level=level)
    if elicitation.excludes(0):
        return Reading("points", elicitation, mean_interval(arms[2] - arms[1], level=level))
    joint = 0.5 + level / 2
    naive, inner = (
        mean_interval(arms[2] - arms[0], level=joint),
        mean_interval(arms[1] - arms[0], level=joint),
    )
    bounds = Estimate(
        math.nan,
        naive.low - inner.high,
        naive.high - inner.low,
        level,
        elicitation.unit,
        elicitation.n,
        f"elicitation is not separated from 0: {elicitation}",
    )
    return Reading("bounds", elicitation, bounds)


def _studies(name: str, values: ArrayLike) -> NDArray[np.float64]:
    studies = np.asarray(values, dtype=float)
    if studies.ndim != 2 or studies.shape[1] < 2 or not np.isfinite(studies).all():
        raise ValueError(
            f"{name} must be finite, of shape (study, run) with at least 2 runs, got shape {studies.shape}"
        )
    return studies


@dataclass(frozen=True)
class GateGrid:
    """Studies to simulate, and the file of their counts.

    There is no format mass, so the crossover is at 0.25. `n_runs` counts runs per study. Blocks are counted
    per prior strength, task draws per block, and training seeds per task draw.
    """

    prior_strengths: tuple[float, ...]
    n_runs: tuple[int, ...]
    rules: tuple[str, ...]
    n_blocks: int
    n_tasks: int
    n_seeds: int
    seed: int
    file: str


MAP = GateGrid(
    (0.20, 0.23, 0.24, 0.25, 0.26, 0.27, 0.30, 0.80), (4, 8, 16), GATE_RULES, 16, 128, 16, 8, "gate_map.csv"
)
"""2,048 task draws of 16 seeds at each prior strength, which give at least 2,048 studies per rate."""

EXAMPLE = GateGrid((0.25,), (4,), GATE_RULES[:2], 20, 500, 4, 9, "gate_example.csv")
"""The published "bounds" example, prior strength 0.25 and 4 seeds, on 10,000 other task draws."""


def block_counts(
    grid: GateGrid, prior_strength: float, block: int, *, executor: Executor | None = None
) -> pd.DataFrame:
    """Simulate one block and count the verdicts of each rule; `executor` as in :func:`rlvr.simulate`.

    Returns
    -------
    DataFrame
        Columns prior_strength, block, rule, n_runs, points (studies that quote a value), studies, elicitation
        (mean of the block).
    """
    pool = pool_block(
        prior_strength, block, n_tasks=grid.n_tasks, n_seeds=grid.n_seeds, seed=grid.seed, executor=executor
    )
    mean = float(pool.elicitation.mean())
    rows = []
    for rule in grid.rules:
        for n_runs in grid.n_runs:
            points = studies_of(pool, rule, n_runs).points
            rows.append((prior_strength, block, rule, n_runs, int(points.sum()), points.size, mean))
    return pd.DataFrame(rows, columns=[*_KEYS, "points", "studies", "elicitation"])


def _stored(grid: GateGrid) -> StoredExperiment:
    """A grid as a stored experiment, with blocks as cells."""
    return StoredExperiment(
        files=(grid.file,),
        digits="every digit",
        cells=lambda: list(product(grid.prior_strengths, range(grid.n_blocks))),
        compute=partial(block_counts, grid),
        tables=lambda results: [pd.concat(results.values()).set_index(_KEYS)],
        quick_cells=3,
        label="prior strength {}, block {}".format,
    )


GATE_MAP, GATE_EXAMPLE = _stored(MAP), _stored(EXAMPLE)


def load_counts(grid: GateGrid) -> pd.DataFrame:
    """The stored counts of a grid, with the columns of :func:`block_counts`."""
    return stored_table(grid.file)


def rates(counts: pd.DataFrame) -> pd.DataFrame:
    """Probability that a value is quoted in each cell of the stored counts, with two standard errors.

    Returns
    -------
    DataFrame
        Indexed by rule, n_runs, prior_strength: points, studies, rate, `error` from the spread between blocks
        (valid whatever the studies of a block share), `binomial_error` for independent studies, and the mean
        `elicitation`. Where the two errors agree, reuse does not matter.
    """
    table = counts.assign(block_rate=counts["points"] / counts["studies"])
    grouped = table.groupby(["rule", "n_runs", "prior_strength"], sort=False)
    result = grouped[["points", "studies"]].sum()
    result["rate"] = result["points"] / result["studies"]
    result["error"] = grouped["block_rate"].std(ddof=1) / np.sqrt(grouped["block_rate"].count())
    result["binomial_error"] = np.sqrt(result["rate"] * (1 - result["rate"]) / result["studies"])
    result["elicitation"] = grouped["elicitation"].mean()
    return result
