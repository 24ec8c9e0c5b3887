"""The multiverse of specifications: run, stored, recomputed, and whose choice moves which term.

``rlvr multiverse --store`` rebuilds ``data/multiverse.csv``; any training can be recomputed alone. The file
keeps ``STORED_DIGITS`` significant digits of each number, and :func:`as_stored` compares those, not bits: the
last bits of a mean depend on the order in which a machine sums. The unit of replication is the task draw; a
training gets as many as it needs for the 95% half-width of each term to be below ``HALF_WIDTH`` at every
budget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pandas as pd
from scipy import stats

from rlvr._checks import choice, whole
from rlvr._data import stored_table
from rlvr.decomposition import PARTS, TERMS
from rlvr.experiments.multiverse_design import (
    LEARNING_TIMES,
    LEVELS,
    configuration,
    one_at_a_time,
    orthogonal_array,
)
from rlvr.simulator.executors import n_threads
from rlvr.simulator.progress_bars import Progress, counting
from rlvr.simulator.trainer import Runs, simulate
from rlvr.stats.estimates import mean_interval

__all__ = [
    "DESIGNS",
    "HALF_WIDTH",
    "STORED_DIGITS",
    "as_stored",
    "recompute_training",
    "recompute_trainings",
    "specification_curve",
    "stored_multiverse",
    "trainings",
    "variance_shares",
]

HALF_WIDTH = 0.01
"""Every 95% half-width of a term is below this, in accuracy, over task draws."""

STORED_DIGITS = 12
"""Significant digits of each number that the stored table keeps, and that a comparison with it compares."""

DESIGNS = ("array", "one at a time", "one at a time, one learning rate")
"""The orthogonal array; the reference and each other level alone; the same without matched learning rates."""

_LAST_BITS = 1e-15  # a term is a difference of means of accuracies, exact to a few bits of their size
_PILOT, _SAFETY = 16, 1.2
_KEYS = ["design", "training", "learning_time"]


def _design_table(design: str) -> pd.DataFrame:
    """The levels of every training of a design, one row each."""
    return orthogonal_array() if choice("design", design, DESIGNS) == "array" else one_at_a_time()


def recompute_training(design: str, training: int, *, executor: Executor | None = None) -> pd.DataFrame:
    """One training at every budget, computed afresh.

    Parameters
    ----------
    design : str
        One of ``DESIGNS``.
    training : int
        Row of its table.
    executor : concurrent.futures.Executor, optional
        As in :func:`rlvr.simulate`.

    Returns
    -------
    DataFrame
        Rows and columns as in :func:`stored_multiverse`.
    """
    table = _design_table(design)
    whole("training", training, f"a row from 0 to {len(table) - 1}", at_least=0, at_most=len(table) - 1)
    levels = dict(table.iloc[training])
    n_tasks = _PILOT
    runs = _runs(levels, n_tasks, executor, matched=design != DESIGNS[2])
    while (needed := _draws_needed(runs)) > n_tasks:
        n_tasks = needed if n_tasks == _PILOT else math.ceil(_SAFETY * needed)
        runs = _runs(levels, n_tasks, executor, matched=design != DESIGNS[2])
    rows = []
    for time, curves in zip(LEARNING_TIMES, np.moveaxis(runs.curves, -1, 0), strict=True):
        arms = dict(zip(runs.arms, curves, strict=True))
        row = dict(zip(_KEYS, (design, training, time), strict=True)) | levels
        row |= {"learning_rate": runs.config.learning_rate, "task_draws": n_tasks}
        for term in PARTS:
            mean = mean_interval(arms[TERMS[term][0]] - arms[TERMS[term][1]])
            row |= {term: mean.value, f"{term}_half": mean.half_width}
        rows.append(row)
    return pd.DataFrame(rows).set_index(_KEYS)


def recompute_trainings(
    chosen: Sequence[tuple[str, int]], *, executor: Executor | None = None, progress: bool | Progress = False
) -> list[pd.DataFrame]:
    """Several trainings, computed afresh; while one is being prepared or read, others are trained.

    Parameters
    ----------
    chosen : sequence of (str, int)
        Design and row of each, as :func:`trainings` lists them.
    executor : concurrent.futures.Executor, optional
        As in :func:`rlvr.simulate`; one set of threads for all by default.
    progress : bool or callable
        As in :func:`rlvr.simulate`, but it counts trainings.

    Returns
    -------
    list of DataFrame
        In the order of `chosen`; see :func:`recompute_training`.
    """
    with ExitStack() as stack:
        say = stack.enter_context(counting(progress))
        trains = executor or stack.enter_context(ThreadPoolExecutor(n_threads()))
        waits = stack.enter_context(ThreadPoolExecutor(n_threads() + 1))
        stack.callback(waits.shutdown, cancel_futures=True)
        waiting = [waits.submit(recompute_training, *which, executor=trains) for which in chosen]
        fresh = []
        for training in waiting:
            fresh.append(training.result())
            if say is not None:
                say(len(fresh), len(chosen))
    return fresh


def _runs(levels: dict[str, str], n_tasks: int, executor: Executor | None, *, matched: bool) -> Runs:
    family, config = configuration(levels, matched=matched)
    kept = [config.n_steps * time // LEARNING_TIMES[-1] for time in LEARNING_TIMES]
    return simulate(family, config, n_tasks=n_tasks, n_seeds=1, checkpoints=kept, executor=executor)


def _draws_needed(runs: Runs) -> int:
    """Task draws at which the widest interval of these runs would be narrow enough, with some in hand."""
    accuracy = dict(zip(runs.arms, runs.curves[:, :, 0], strict=True))
    terms = [accuracy[arm] - accuracy[base] for arm, base in (TERMS[term] for term in PARTS)]
    spread = max(float(term.std(axis=0, ddof=1).max()) for term in terms)
    enough = spread * stats.t.ppf(0.975, len(runs.curves[0]) - 1) / HALF_WIDTH
    return math.ceil(enough**2) + 1


def trainings() -> list[tuple[str, int]]:
    """Every training as (design, row)."""
    return [(design, row) for design in DESIGNS for row in range(len(_design_table(design)))]


def stored_multiverse() -> pd.DataFrame:
    """Every specification that was run.

    Returns
    -------
    DataFrame
        Indexed by design, training and learning_time. Columns: the level of each option of ``LEVELS``, the
        ``learning_rate``, the number of ``task_draws``, each term and its 95% half-width (``_half``).
    """
    return stored_table("multiverse.csv", dtype=dict.fromkeys(LEVELS, str), keep_default_na=False).set_index(
        _KEYS
    )


def as_stored(fresh: pd.DataFrame) -> bool:
    """Whether recomputed rows are the stored ones: options alike, numbers to ``STORED_DIGITS`` digits.

    Two numbers agree if they differ by no more than the rounding to that many significant digits, or by
    1e-15: the last bits of an accuracy, of which a small term keeps fewer significant digits.

    Parameters
    ----------
    fresh : DataFrame
        From :func:`recompute_training`.
    """
    stored, numbers = stored_multiverse().loc[fresh.index], fresh.select_dtypes("number").columns
    rounding = 0.5 * 10.0 ** (1 - STORED_DIGITS)
    close = np.allclose(fresh[numbers], stored[numbers], rtol=1.01 * rounding, atol=_LAST_BITS)
    return bool(close) and stored[list(LEVELS)].equals(fresh[list(LEVELS)])


def specification_curve(design: str = "array") -> pd.DataFrame:
    """The stored specifications of a design: levels as text, `learning time` (an integer) one more option."""
    table = stored_multiverse().loc[choice("design", design, DESIGNS)].reset_index()
    return table.rename(columns={"learning_time": "learning time"})


def variance_shares(table: pd.DataFrame, term: str) -> pd.DataFrame:
    """How much of a term's variance over the specifications each option explains by itself.

    Sums of squares between the levels of each option. In the array they are orthogonal and add up; what they
    leave is interactions, and a sampling error that is smaller by orders of magnitude. An option without any
    effect still gets its degrees of freedom's part of the interactions by chance: `corrected` takes that off
    (omega squared), and `p_value` asks whether more is left than chance would leave.

    Parameters
    ----------
    table : DataFrame
        From :func:`specification_curve`.
    term : str
        One of ``PARTS``.

    Returns
    -------
    DataFrame
        Indexed by option, largest first: ``levels``, ``share`` of the total sum of squares over all
        specifications, ``corrected``, ``p_value`` (F test against the interactions).

    Notes
    -----
    The budgets of a training share its runs, so an option is tested against what varies between trainings,
    and the learning time against what varies within them.
    """
    choice("term", term, PARTS)
    values, options = table[term].to_numpy(), [*LEVELS, "learning time"]
    total = ((values - values.mean()) ** 2).sum()

    def between(column: str) -> float:
        """Sum of squares of the means of a column's levels."""
        return float(((table.groupby(column)[term].transform("mean") - values.mean()) ** 2).sum())

    shares = pd.DataFrame(index=pd.Index(options, name="option"))
    shares["levels"] = [table[option].nunique() for option in options]
    squares, freedom = np.array([between(option) for option in options]), shares.levels.to_numpy() - 1
    # The budget varies within trainings, every other option between them: each has its own remainder.
    n_trainings, all_trainings = table.training.nunique(), between("training")
    left = np.append(
        np.full(len(LEVELS), all_trainings - squares[:-1].sum()), total - all_trainings - squares[-1]
    )
    left_freedom = np.append(
        np.full(len(LEVELS), n_trainings - 1 - freedom[:-1].sum()), (n_trainings - 1) * freedom[-1]
    )
    by_chance = np.maximum(left, 0.0) / left_freedom
    shares["share"] = squares / total
    shares["corrected"] = np.maximum(0.0, squares - freedom * by_chance) / total
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing left to compare with
        ratios = squares / freedom / by_chance
    shares["p_value"] = stats.f.sf(ratios, freedom, left_freedom)
    return shares.sort_values("share", ascending=False, kind="stable")
