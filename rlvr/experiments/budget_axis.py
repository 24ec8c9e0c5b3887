"""The terms along the training budget, 5 to 2,000 visits of each prompt, and their sign changes.

Every prompt is in every batch, so an update visits each prompt once; all other settings are the light ones. A
budget is a checkpoint of a longer run, so one simulation gives the whole axis of a prior, and a shorter run
gives the same bits up to its end.

The unit of replication is the task draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from rlvr._checks import whole
from rlvr._data import stored_table
from rlvr.decomposition import PARTS, TERMS, decompose
from rlvr.experiments.stored import CellKey, StoredExperiment
from rlvr.simulator.grpo_config import LIGHT
from rlvr.simulator.runs import Runs
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate
from rlvr.stats.estimates import Estimate, crossing_interval, mean_interval

__all__ = [
    "BUDGET",
    "BUDGETS",
    "BUDGET_PRIORS",
    "SURE",
    "budget_runs",
    "budget_table",
    "changes_of",
    "sign_changes",
    "stored_budgets",
    "stored_sign_changes",
]

BUDGETS = (5, 7, 10, 14, 20, 28, 40, 57, 80, 113, 160, 226, 320, 453, 640, 905, 1280, 1600, 2000)
"""Visits of each prompt at which the terms are kept; the light settings give 80 on average."""

BUDGET_PRIORS = (0.20, 0.35, 0.42, 0.50, 0.65, 0.80)
"""Prior strengths of the published study, and one near elicitation's sign change."""

SURE = 0.999
"""Level of the intervals that must exclude zero on both sides of a sign change."""

_N_TASKS = 60
_KEYS = ["tie_break", "prior_strength", "updates"]


def budget_runs(
    tie_break: str, prior_strength: float, *, until: int = BUDGETS[-1], executor: Executor | None = None
) -> Runs:
    """The runs of one curve, with a checkpoint at each of ``BUDGETS`` up to the budget `until`."""
    whole("until", until, f"one of {', '.join(map(str, BUDGETS))}", at_least=BUDGETS[0], at_most=BUDGETS[-1])
    family = TaskFamily(prior_strength=prior_strength)
    return simulate(
        family,
        replace(LIGHT, n_steps=until, batch_size=family.n_prompts, tie_break=tie_break),
        n_tasks=_N_TASKS,
        n_seeds=1,
        checkpoints=[budget for budget in BUDGETS if budget <= until],
        executor=executor,
    )


def budget_table(runs: Runs) -> pd.DataFrame:
    """The terms at every checkpoint.

    Returns
    -------
    DataFrame
        Indexed by ``updates``, the visits of each prompt. Columns: the arms' mean accuracies; each term and
        `fraction`, with `_low` and `_high` (95%, over task draws).
    """
    rows = []
    for step, curves in zip(runs.steps, np.moveaxis(runs.curves, -1, 0), strict=True):
        parts = decompose(**dict(zip(runs.arms, curves, strict=True)))
        row: dict[str, float] = {"updates": int(step)}
        row |= {arm: float(curve.mean()) for arm, curve in zip(runs.arms, curves, strict=True)}
        for name, term in {**parts.terms(), "fraction": parts.reward_design_fraction}.items():
            row |= {name: term.value, f"{name}_low": term.low, f"{name}_high": term.high}
        rows.append(row)
    return pd.DataFrame(rows).set_index("updates")


def sign_changes(positions: ArrayLike, curves: ArrayLike) -> list[tuple[str, Estimate]]:
    """Sign changes of a mean curve that sampling noise does not explain.

    A change is counted between two positions at which intervals exclude zero on opposite sides, with no such
    position in between; a curve close to zero has none. These intervals have the level ``SURE``, because
    every position is a further test. :func:`rlvr.stats.crossing_interval` (95%) locates the change between
    the positions of strongest evidence in the stretches before and after.

    Parameters
    ----------
    positions : array_like (position,)
        Ascending.
    curves : array_like (position, task, seed)

    Returns
    -------
    list of (str, Estimate)
        The new sign, "positive" or "negative", and its place; in order, empty without a significant change.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (1, 50, 1))
    >>> [(sign, where)] = sign_changes([1, 2, 3], np.array([-1.0, 1, 2])[:, None, None] + noise)
    >>> sign, 1.4 < where.value < 1.6
    ('positive', True)
    """
    at, values = np.asarray(positions, dtype=float), np.asarray(curves, dtype=float)
    means = [mean_interval(curve, level=SURE) for curve in values]
    surely = np.array([np.sign(mean.value) * mean.excludes(0) for mean in means])
    widths = np.array([mean.high - mean.low for mean in means])
    sureness = np.abs([mean.value for mean in means]) / np.where(widths > 0, widths, np.inf)
    stretches: list[tuple[float, list[int]]] = []
    for i in np.flatnonzero(surely):
        if stretches and stretches[-1][0] == surely[i]:
            stretches[-1][1].append(int(i))
        else:
            stretches.append((float(surely[i]), [int(i)]))
    changes = []
    for (_, before), (sign, after) in pairwise(stretches):
        first, last = (stretch[int(np.argmax(sureness[stretch]))] for stretch in (before, after))
        window = slice(first, last + 1)
        crossing = crossing_interval(at[window], sign * values[window])
        changes.append(("positive" if sign > 0 else "negative", crossing))
    return changes


def changes_of(runs: Runs) -> Iterator[tuple[str, str, Estimate]]:
    """Term, new sign and budget (visits per prompt, interpolated on a log axis) of each sign change."""
    arms = dict(zip(runs.arms, np.moveaxis(runs.curves, -1, 1), strict=True))
    for term in PARTS:
        arm, base = TERMS[term]
        for sign, at in sign_changes(np.log(runs.steps), arms[arm] - arms[base]):
            value, low, high = (float(np.exp(end)) for end in (at.value, at.low, at.high))
            yield term, sign, replace(at, value=value, low=low, high=high)


def _tables(runs: Mapping[CellKey, Runs]) -> list[pd.DataFrame]:
    """The terms at every budget, and the budgets at which they change sign."""
    curves = [
        budget_table(each).assign(tie_break=tie_break, prior_strength=strength).reset_index()
        for (tie_break, strength), each in runs.items()
    ]
    changes = [
        (*key, term, sign, where.value, where.low, where.high, where.n)
        for key, each in runs.items()
        if each.steps[-1] == BUDGETS[-1]
        for term, sign, where in changes_of(each)
    ]
    heads = [*_KEYS[:2], "term", "becomes", "value", "low", "high", "n"]
    return [pd.concat(curves).set_index(_KEYS), pd.DataFrame(changes, columns=heads).set_index(heads[:4])]


BUDGET = StoredExperiment(
    files=("budget.csv", "sign_changes.csv"),
    digits="12 significant digits",
    cells=lambda: list(product(("lowest", "uniform"), BUDGET_PRIORS)),
    compute=budget_runs,
    tables=_tables,
    tolerance=(5.05e-12, 1e-12),
    quick_part={"until": 80},
    label="{} ties, prior strength {:.2f}".format,
    float_formats={"budget.csv": "%.12g"},
)
"""A curve for each tie rule and prior strength."""


def stored_budgets() -> pd.DataFrame:
    """The stored curves, indexed by (tie_break, prior_strength, updates); see :func:`budget_table`."""
    return stored_table("budget.csv").set_index(_KEYS)


def stored_sign_changes() -> dict[tuple[str, float, str], list[tuple[str, Estimate]]]:
    """Sign changes in order of budget, by (tie_break, prior_strength, term); bootstrap over task draws."""
    found: dict[tuple[str, float, str], list[tuple[str, Estimate]]] = {
        (tie, strength, term): []
        for tie in ("lowest", "uniform") for strength in BUDGET_PRIORS for term in PARTS
    }  # fmt: skip
    for row in stored_table("sign_changes.csv").itertuples(index=False):
        where = Estimate(row.value, row.low, row.high, unit="task draw", n=row.n)
        found[row.tie_break, row.prior_strength, row.term].append((row.becomes, where))
    return found
