"""Repeated arms of other sources as audited comparisons of arms, with one row per training run.

A comparison is one study, setup, model, benchmark and metric. FROZEN was not trained, so a setup without its
own FROZEN row takes that of its study for the model, benchmark and metric.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from book.repeated_sources import repeated_link, study_name
from book.source_links import escape, estimate_text
from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import CellAudit, audit
from rlvr.auditing.sampling import contrast_interval, run_sampling
from rlvr.planning.repeated_arms import load_repeated_arms
from rlvr.stats.estimates import Estimate

__all__ = [
    "DIFFERENCES", "DifferenceCount", "comparison_link", "counted_differences", "difference_rows",
    "over_runs", "repeated_comparisons", "repeated_table", "run_counts",
]  # fmt: skip

DIFFERENCES = {
    "null": ("random", "frozen"),
    "null + elicitation": ("majority", "frozen"),
    "reward design": ("true", "majority"),
    "true minus random": ("true", "random"),
    "total": ("true", "frozen"),
}
"""Differences that two arms of a comparison identify, by name: the arm, and the arm it is compared with."""

_COLUMNS = [
    "study", "setup", "model", "benchmark", "arm", "seed", "accuracy_percent", "n_items", "samples_per_item",
    "n_runs", "run_sd", "comparable", "note", "source",
]  # fmt: skip
_OF_FROZEN = ["study", "model", "benchmark"]


class DifferenceCount(NamedTuple):
    """Number of comparisons in which a difference is identified, and in which it is separated from zero."""

    difference: str
    """Name of the difference in :data:`DIFFERENCES`."""
    comparisons: int
    """Comparisons with both arms."""
    sources: int
    """Studies of these comparisons."""
    repeated: int
    """Comparisons with a run-to-run spread of each trained arm."""
    over_items: int
    """Of those, separated from zero over questions, with the runs taken as given."""
    over_runs: int
    """Of those, separated from zero over runs."""
    over_both: int
    """Of those, separated from zero over questions and over runs."""


def repeated_table() -> pd.DataFrame:
    """The four arms of the table of repeated arms, in the form that :func:`rlvr.audit` reads.

    Returns
    -------
    DataFrame
        One row per training run; one row where only the mean of several was published. ``benchmark`` ends
        with the metric, which separates greedy and sampled readings.

    Examples
    --------
    >>> sorted(set(repeated_table().arm))
    ['frozen', 'majority', 'random', 'true']
    """
    rows = load_repeated_arms()
    rows = rows[rows.arm.isin(ARMS)].assign(
        benchmark=rows.benchmark + ", " + rows.metric, source=rows.source_where + " " + rows.commit
    )
    is_frozen = rows.arm == "frozen"
    trained, frozen = rows[~is_frozen], rows[is_frozen]
    setups = trained[[*_OF_FROZEN, "setup"]].drop_duplicates()
    own = setups.merge(frozen, on=[*_OF_FROZEN, "setup"])
    lent = setups.merge(frozen.drop_duplicates(_OF_FROZEN).drop(columns="setup"), on=_OF_FROZEN)
    starts = pd.concat([own, lent]).drop_duplicates([*_OF_FROZEN, "setup"])
    return pd.concat([starts, trained])[_COLUMNS].reset_index(drop=True)


def repeated_comparisons() -> list[CellAudit]:
    """Audits of all comparisons of at least two arms, those with most arms and most runs first.

    Examples
    --------
    >>> first = repeated_comparisons()[0]
    >>> first.cell.study, run_counts(first)
    ('thuvesen2026esme', 'RANDOM 6, TRUE 6')
    """
    cells = [cell for cell in audit(repeated_table()).cells if len(cell.cell.arms) >= 2]
    return sorted(cells, key=lambda each: (-len(each.cell.arms), -_n_runs(each), each.cell.name))


def _n_runs(audited: CellAudit) -> int:
    return sum(arm.n_runs or 0 for arm in audited.cell.arms.values())


def run_counts(audited: CellAudit) -> str:
    """The trained arms of a comparison, each with its number of training runs."""
    arms = audited.cell.arms.items()
    return ", ".join(f"{name.upper()} {arm.n_runs}" for name, arm in arms if name != "frozen")


def comparison_link(audited: CellAudit) -> str:
    """A link from a comparison's model and benchmark to its rows on the page of sources."""
    cell = audited.cell
    place = {name: getattr(cell, name) for name in ("study", "setup", "model", "benchmark")}
    return repeated_link({**place, "metric": ""}, f"{cell.model}, {cell.benchmark}")


def over_runs(audited: CellAudit, difference: str) -> Estimate:
    """Difference of two arms with its 95% interval over training runs, paired where arms share seeds.

    Parameters
    ----------
    audited : CellAudit
    difference : str
        A name of :data:`DIFFERENCES`.

    Returns
    -------
    Estimate
        In fractions; undefined if an arm is missing, without an interval if the spread of a trained arm is
        unknown.
    """
    arms, pair = audited.cell.arms, DIFFERENCES[difference]
    if not {*pair} <= {*arms}:
        return Estimate(math.nan, reason="an arm is missing")
    value = arms[pair[0]].accuracy - arms[pair[1]].accuracy
    sampling, unknown = run_sampling(arms)
    if {*pair} & {*unknown}:
        return Estimate(value, reason="no run-to-run spread is known")
    _, (half,) = sampling.margins(_contrast(difference))
    low, high = max(value - float(half), -1.0), min(value + float(half), 1.0)
    n_runs = min(arms[name].n_runs or 0 for name in pair if name != "frozen")
    return Estimate(value, low, high, unit="training run", n=n_runs)


def counted_differences() -> list[DifferenceCount]:
    """Counts of each difference of :data:`DIFFERENCES` over all comparisons.

    Examples
    --------
    >>> all(row.over_both <= row.over_runs <= row.repeated for row in counted_differences())
    True
    """
    counts, cells = [], repeated_comparisons()
    for name, pair in DIFFERENCES.items():
        having = [cell for cell in cells if {*pair} <= {*cell.cell.arms}]
        repeated = [cell for cell in having if over_runs(cell, name).n]
        items = [contrast_interval(cell.cell.arms, _contrast(name)).excludes(0) for cell in repeated]
        runs = [over_runs(cell, name).excludes(0) for cell in repeated]
        sources = len({cell.cell.study for cell in having})
        both = sum(map(all, zip(items, runs, strict=True)))
        counts.append(DifferenceCount(name, len(having), sources, len(repeated), sum(items), sum(runs), both))
    return counts


def _contrast(difference: str) -> np.ndarray:
    arm, base = DIFFERENCES[difference]
    return np.array([(name == arm) - (name == base) for name in ARMS], dtype=float)


def difference_rows() -> list[dict[str, str]]:
    """Every difference that two arms identify, one row each: what is compared, points, and training runs.

    Examples
    --------
    >>> difference_rows()[0]["difference"], difference_rows()[0]["runs"]
    ('null', 'RANDOM 6')
    """
    rows = []
    for audited in repeated_comparisons():
        cell = audited.cell
        source = f"({escape(study_name(cell.study))}, {escape(cell.setup)})"
        for name, pair in DIFFERENCES.items():
            if {*pair} <= {*cell.arms}:
                trained = [arm for arm in reversed(pair) if arm != "frozen"]
                rows.append({
                    "comparison": f"{comparison_link(audited)} {source}" + " \\*" * bool(audited.doubts),
                    "difference": name,
                    "points": estimate_text(over_runs(audited, name)),
                    "runs": ", ".join(f"{arm.upper()} {cell.arms[arm].n_runs}" for arm in trained),
                })  # fmt: skip
    return rows
