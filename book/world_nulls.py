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
from book.published_tables import published_curves
from rlvr.planning.repeated_arms import load_repeated_arms
from rlvr.published_runs import DESIGNS, LAST_STEP, published_repeats
from rlvr.stats.estimates import Estimate, mean_interval

__all__ = [
    "FEATURES", "FormatRank", "NextNull", "format_rank", "next_null", "null_features", "nulls_by",
    "random_runs",
]  # fmt: skip

FEATURES = {"family": "model family", "recipe": "clipping", "reading": "reading", "walk": "rate × √updates"}
"""Recorded features of RANDOM runs by their column, in words."""

_FEWEST_ITEMS = 50
_SHAO_RATE = 5e-7
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


class FormatRank(NamedTuple):
    """Rank correlation over models of what RANDOM changes with what a reward for the format changes."""

    correlation: float
    """Spearman's, in [-1, 1]."""
    p_value: float
    """Two-sided, against no association."""
    n_models: int
    """Models compared."""


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


def _rate_root(rate: float, steps: float, updates: float) -> float:
    """Learning rate times the root of the number of updates, in millionths."""
    return 1e6 * rate * math.sqrt(steps * updates)


def _walk(rate_root: float, weights: str) -> str:
    if weights.startswith("LoRA"):
        return "adapter"
    if math.isnan(rate_root):
        return "not stated"
    return "less than 10⁻⁵" if rate_root < 10 else "10⁻⁵ or more"


def random_runs() -> pd.DataFrame:
    """One row per RANDOM run (or mean of runs, where single ones were not published) and benchmark.

    Returns
    -------
    DataFrame
        ``study, model, benchmark, family, recipe`` (whether the clip can bind), ``reading`` (greedy or
        sampled), ``rate_root`` (learning rate times the root of updates, millionths; NaN if not stated) and
        ``walk`` (its group), ``n_runs``; ``start`` (percent), ``change`` (points), ``luck`` (points: 95%
        half-width of the change from the choice of questions, with unpaired arms; NaN if their number is
        unknown) and ``n_items``.

    Examples
    --------
    >>> rows = random_runs()
    >>> len(rows) > 100 and rows.study.nunique() > 7
    True
    """
    rows = pd.DataFrame([*_single(), *_repeats(), *_elsewhere()])
    large = rows.n_items.isna() | (rows.n_items >= _FEWEST_ITEMS)
    return rows[large].reset_index(drop=True)


def _row(
    study: str, model: str, benchmark: str, recipe: str, greedy: bool, n_runs: int, n_items: float,
    start: float, end: float, rate_root: float = math.nan, weights: str = "",
) -> dict[str, object]:  # fmt: skip
    variance = sum(p * (1 - p) for p in (start / 100, end / 100)) / n_items
    return {
        "study": study, "model": model, "benchmark": benchmark, "family": _family(model), "recipe": recipe,
        "reading": "greedy" if greedy else "sampled", "n_runs": n_runs, "start": start, "change": end - start,
        "luck": 196 * math.sqrt(variance), "n_items": n_items, "rate_root": rate_root,
        "walk": _walk(rate_root, weights),
    }  # fmt: skip


def _single() -> list[dict[str, object]]:
    steps = published_curves().groupby("model").step.max()
    rows = []
    for audit in published_comparisons():
        cell = audit.cell
        if audit.doubts or not {"frozen", "random"} <= set(cell.arms):
            continue
        frozen, coin = cell.arms["frozen"], cell.arms["random"]
        is_shao = cell.study == "shao2026spurious"
        recipe = "clip can bind" if is_shao else "not stated"
        root = _rate_root(_SHAO_RATE, float(steps[cell.model]), 8) if is_shao else math.nan
        greedy = (coin.samples_per_item or 1) == 1
        n_items = float(coin.n_items or math.nan)
        rows.append(_row(cell.study, cell.model, cell.benchmark, recipe, greedy, 1, n_items,
                         100 * frozen.accuracy, 100 * coin.accuracy, root))  # fmt: skip
    return rows


def _repeats() -> list[dict[str, object]]:
    """The single repeats of Spurious Rewards, compared with the mean of their own first evaluations."""
    ends = published_repeats().query("runs_averaged == 1")
    rows = []
    for benchmark, runs in ends.groupby("benchmark"):
        start, n_items = float(runs.accuracy_percent_step_0.mean()), 500 if benchmark == "MATH-500" else 83
        for run in runs.itertuples():
            recipe = "clip can bind" if run.design == "8 updates, clipping" else "clip cannot bind"
            root = _rate_root(_SHAO_RATE, LAST_STEP, DESIGNS[str(run.design)])
            rows.append(_row("shao2026spurious", "Qwen2.5-Math-7B", str(benchmark), recipe,
                             benchmark == "MATH-500", 1, n_items, start,
                             float(run.accuracy_percent_mean_last_10), root))  # fmt: skip
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
                             float(start), float(run.accuracy_percent),
                             _rate_root(run.learning_rate, run.steps, run.updates_a_batch),
                             run.weights))  # fmt: skip
    return rows


def nulls_by(column: str) -> pd.DataFrame:
    """Nulls by a column of :data:`FEATURES`; a null is the mean change of one source's model.

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


def null_features() -> pd.DataFrame:
    """Nulls by every recorded feature: the tables of :func:`nulls_by`, one below the other.

    Returns
    -------
    DataFrame
        ``feature`` (in words), ``group``, the columns of :func:`nulls_by`, and ``within``, the number of
        sources with two groups or more of the feature: only these compare groups within one laboratory.
    """
    runs, tables = random_runs(), []
    for column, words in FEATURES.items():
        stated = runs[runs[column] != "not stated"]
        within = int((stated.groupby("study")[column].nunique() > 1).sum())
        table = nulls_by(column).rename_axis("group").reset_index()
        tables.append(table.assign(feature=words, within=within))
    return pd.concat(tables, ignore_index=True)


def format_rank() -> FormatRank:
    """Compare RANDOM with a reward for the format, over the models of Spurious Rewards on MATH-500.

    Both changes are from the untrained model to the mean of the last ten evaluations.

    Examples
    --------
    >>> format_rank().n_models
    10
    """
    curves = published_curves().query("benchmark == 'MATH-500'").sort_values("step").groupby("model")
    ends = curves[["random", "format"]].agg(lambda run: run.dropna().tail(10).mean())
    changes = ends.sub(curves.majority.first(), axis=0)
    found = stats.spearmanr(changes.random, changes.format)
    return FormatRank(float(found.statistic), float(found.pvalue), len(changes))


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
