"""All RANDOM runs that were found: change from their own start, model family, recipe, questions.

The table has three sources: the audited comparisons without a doubt (one run per arm), the published repeats
of Spurious Rewards, and the repeated arms of other sources. Benchmarks of fewer than 50 questions are left
out.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from book.published_comparisons import published_comparisons
from rlvr.planning.repeated_arms import load_repeated_arms
from rlvr.published_runs import published_repeats
from rlvr.stats.estimates import Estimate, mean_interval

__all__ = ["NextNull", "next_null", "nulls_by", "random_runs"]

_FEWEST_ITEMS = 50
_PLACE = ["study", "setup", "model", "benchmark", "metric"]


class NextNull(NamedTuple):
    """Mean null over sources, and prediction for a further source (95%, normal sources)."""

    mean: Estimate
    """Mean over sources, in points, with its interval."""
    spread: float
    """Standard deviation between sources, in points."""
    low: float
    """Lower end for a further source, in points."""
    high: float
    """Upper end for a further source, in points."""


def _family(model: str) -> str:
    for name, family in (("Qwen2.5-Math", "Qwen2.5-Math"), ("Qwen", "other Qwen"), ("Llama", "Llama"),
                         ("Olmo", "Olmo")):  # fmt: skip
        if name in model:
            return family
    return "others"


def _recipe(clip: str, updates: float, weights: str) -> str:
    if weights.startswith("LoRA"):
        return "adapter"
    if updates == 1 or clip == "off":
        return "clip cannot bind"
    return "clip can bind" if updates > 1 else "not stated"


def random_runs() -> pd.DataFrame:
    """One row per RANDOM run (or mean of runs, where single ones were not published) and benchmark.

    Returns
    -------
    DataFrame
        ``study, model, benchmark, family, recipe`` (whether the clip can bind), ``reading`` (greedy or
        sampled), ``n_runs``; ``start`` (percent), ``change`` (points), ``luck`` (points: 95% half-width of
        the change from the choice of questions, with unpaired arms; NaN if their number is unknown).

    Examples
    --------
    >>> rows = random_runs()
    >>> len(rows) > 100 and rows.study.nunique() > 7
    True
    """
    rows = pd.DataFrame([*_single(), *_repeats(), *_elsewhere()])
    large = rows.n_items.isna() | (rows.n_items >= _FEWEST_ITEMS)
    return rows[large].drop(columns="n_items").reset_index(drop=True)


def _row(
    study: str, model: str, benchmark: str, recipe: str, greedy: bool, n_runs: int, n_items: float,
    start: float, end: float,
) -> dict[str, object]:  # fmt: skip
    variance = sum(p * (1 - p) for p in (start / 100, end / 100)) / n_items
    return {
        "study": study, "model": model, "benchmark": benchmark, "family": _family(model), "recipe": recipe,
        "reading": "greedy" if greedy else "sampled", "n_runs": n_runs, "start": start, "change": end - start,
        "luck": 196 * math.sqrt(variance), "n_items": n_items,
    }  # fmt: skip


def _single() -> list[dict[str, object]]:
    rows = []
    for audit in published_comparisons():
        cell = audit.cell
        if audit.doubts or not {"frozen", "random"} <= set(cell.arms):
            continue
        frozen, coin = cell.arms["frozen"], cell.arms["random"]
        recipe = "clip can bind" if cell.study == "shao2026spurious" else "not stated"
        greedy = (coin.samples_per_item or 1) == 1
        n_items = float(coin.n_items or math.nan)
        rows.append(_row(cell.study, cell.model, cell.benchmark, recipe, greedy, 1, n_items,
                         100 * frozen.accuracy, 100 * coin.accuracy))  # fmt: skip
    return rows


def _repeats() -> list[dict[str, object]]:
    """The single repeats of Spurious Rewards, compared with the mean of their own first evaluations."""
    ends = published_repeats().query("runs_averaged == 1")
    rows = []
    for benchmark, runs in ends.groupby("benchmark"):
        start, n_items = float(runs.accuracy_percent_step_0.mean()), 500 if benchmark == "MATH-500" else 83
        for run in runs.itertuples():
            recipe = "clip can bind" if run.design == "8 updates, clipping" else "clip cannot bind"
            rows.append(_row("shao2026spurious", "Qwen2.5-Math-7B", str(benchmark), recipe,
                             benchmark == "MATH-500", 1, n_items, start,
                             float(run.accuracy_percent_mean_last_10)))  # fmt: skip
    return rows


def _elsewhere() -> list[dict[str, object]]:
    table = load_repeated_arms()
    frozen = table[table.arm == "frozen"]
    exact = frozen.set_index(_PLACE).accuracy_percent
    shared = frozen.groupby(["study", "model", "benchmark", "metric"]).accuracy_percent.first()
    rows = []
    for run in table[table.arm == "random"].itertuples():
        place = (run.study, run.setup, run.model, run.benchmark, run.metric)
        start = exact.get(place, shared.get((place[0], *place[2:]), math.nan))
        if not math.isnan(start):
            rows.append(_row(run.study, run.model, run.benchmark, _recipe(run.clip, run.updates_a_batch,
                             run.weights), run.metric.startswith("greedy"), int(run.n_runs), run.n_items,
                             float(start), float(run.accuracy_percent)))  # fmt: skip
    return rows


def nulls_by(column: str) -> pd.DataFrame:
    """Nulls by family, recipe or reading; a null is the mean change of one source's model.

    Returns
    -------
    DataFrame
        Index the group; ``sources``, ``nulls``, ``fell`` (how many are negative), ``mean, least, most``.
    """
    means = random_runs().groupby([column, "study", "model"]).change.mean().rename("null").reset_index()
    groups = means.groupby(column)
    return pd.DataFrame({
        "sources": groups.study.nunique(), "nulls": groups.null.size(),
        "fell": groups.null.agg(lambda x: int((x < 0).sum())), "mean": groups.null.mean(),
        "least": groups.null.min(), "most": groups.null.max(),
    })  # fmt: skip


def next_null() -> NextNull:
    """Mean and spread of the null over sources, and prediction for a further source.

    A source counts once: the mean over its models of their mean change. Sources are treated as exchangeable
    and normal, and include their sampling error of runs and items.

    Examples
    --------
    >>> law = next_null()
    >>> law.low < law.mean.low < law.mean.high < law.high
    True
    """
    runs = random_runs().groupby(["study", "model"]).change.mean()
    values = runs.groupby("study").mean().to_numpy()
    mean, spread, n = mean_interval(values, unit="source"), float(values.std(ddof=1)), len(values)
    ahead = float(stats.t.ppf(0.975, n - 1)) * spread * float(np.sqrt(1 + 1 / n))
    return NextNull(mean, spread, mean.value - ahead, mean.value + ahead)
