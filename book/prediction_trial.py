"""Test of Chapter 8's account: its predictions for other studies' RANDOM runs, and the outcomes.

The predictions (:mod:`book.null_predictions`) were written and committed before this comparison. They are not
blind, because their authors had read the studies. But they have no free parameter, and no outcome enters
them.

Three comparisons are made, each where it is possible. *In points*, where the recipe and the model's
strategies on the benchmark are known: mean change and standard deviation. *In the gap*, where the strategies
are known only on another benchmark: how close their accuracies must be for the account to hold. *In sign*,
where one update per batch leaves the clip without effect: the logits then have no drift, so over runs that
repeat a recipe the mean change should be near zero, for any rate, weights or strategies.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from scipy import stats

from book.null_predictions import NullLaw, predicted_nulls, reference_law
from book.repeated_sources import repeated_link
from book.source_links import escape
from rlvr.planning.repeated_arms import load_repeated_arms
from rlvr.published_runs import published_repeats
from rlvr.stats.spreads import interval_of_deviation

__all__ = ["observed_nulls", "one_update_signs", "prediction_trial", "seen_before", "trial_rows"]

_LEVEL = 0.05
"""Level of each single test; no correction for their number is made."""


def observed_nulls() -> pd.DataFrame:
    """Outcomes of RANDOM: one row per study, setup, model, benchmark and metric.

    Returns
    -------
    DataFrame
        The five names, then ``n_runs``; ``change`` (mean over runs minus FROZEN, points; NaN without FROZEN),
        ``sd`` (over runs, points; NaN if not published) and ``one_update``, whether the recipe is known to
        make one update per batch.
    """
    table = load_repeated_arms()
    place = ["study", "setup", "model", "benchmark", "metric"]
    start = table[table.arm == "frozen"].set_index(place).accuracy_percent
    elsewhere = table[table.arm == "frozen"].groupby(["study", "model", "benchmark", "metric"])
    fallback = elsewhere.accuracy_percent.first()
    rows = []
    for names, runs in table[table.arm == "random"].groupby(place, sort=False):
        before = start.get(names, fallback.get((names[0], *names[2:]), math.nan))
        n_runs = int(runs.n_runs.sum())
        sd = float(runs.accuracy_percent.std(ddof=1)) if len(runs) > 1 else math.nan
        row = dict(zip(place, names, strict=True))
        change = float(runs.accuracy_percent.mean() - before)
        one_update = bool((runs.updates_a_batch == 1).all())
        rows.append(row | {"n_runs": n_runs, "change": change, "sd": sd, "one_update": one_update})
    return pd.DataFrame(rows)


def one_update_signs() -> tuple[int, int, float]:
    """Number of setups with one update per batch whose accuracy fell, of all such setups, and sign test's p.

    A setup falls if its mean change over benchmarks is negative. Without drift both signs are equally likely.

    Examples
    --------
    >>> one_update_signs()
    (4, 4, 0.125)
    """
    seen = observed_nulls().query("one_update")
    changes = seen.groupby(["study", "setup"]).change.mean().dropna()
    down, n = int((changes < 0).sum()), len(changes)
    return down, n, float(stats.binomtest(down, n).pvalue)


def prediction_trial() -> pd.DataFrame:
    """Each prediction with its outcome, one row per setup and benchmark.

    Returns
    -------
    DataFrame
        ``study, setup, model, benchmark, metric, n_runs``; ``predicted_change, predicted_sd`` (points),
        ``above_start`` (predicted chance that a run ends above its start); ``change, sd`` (observed);
        ``p_change`` (test of the predicted mean, with the predicted spread), ``p_sd`` (chi-square,
        two-sided), ``p_no_drift`` (t test of no change, one update a batch and two runs or more); ``gap``
        (points: the largest difference of the strategies' accuracies that the observed spread's 95% interval
        allows); ``verdict`` and ``why``.

    Examples
    --------
    >>> sorted(set(prediction_trial().verdict))
    ['cannot be predicted', 'conditional', 'fails', 'too few runs to fail']
    """
    predictions = predicted_nulls().set_index(["study", "setup", "model"])
    rows = []
    for seen in observed_nulls().itertuples():
        law = predictions.loc[(seen.study, seen.setup, seen.model)]
        p_no_drift = gap = math.nan
        p_change, p_sd = _p_values(law, seen.change, seen.sd, seen.n_runs)
        if seen.one_update and seen.n_runs > 1 and not math.isnan(seen.sd):
            t = seen.change / (seen.sd / math.sqrt(seen.n_runs))
            p_no_drift = 2 * float(stats.t.sf(abs(t), seen.n_runs - 1))
        if math.isnan(law.sd) and not math.isnan(law.share_sd) and not math.isnan(seen.sd):
            gap = 100 * interval_of_deviation(seen.sd, seen.n_runs).high / law.share_sd
        verdict, why = _verdict(law, seen, p_change, p_sd, p_no_drift, gap)
        rows.append(
            {
                "study": seen.study, "setup": seen.setup, "model": seen.model, "benchmark": seen.benchmark,
                "metric": seen.metric, "n_runs": seen.n_runs, "predicted_change": law.mean_change,
                "predicted_sd": law.sd, "above_start": law.above_start, "change": seen.change,
                "sd": seen.sd, "p_change": p_change, "p_sd": p_sd, "p_no_drift": p_no_drift, "gap": gap,
                "verdict": verdict, "why": why,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _p_values(law: pd.Series | NullLaw, change: float, sd: float, n_runs: int) -> tuple[float, float]:
    """Two-sided p of the mean change and of the spread; NaN where the law or the spread is unknown."""
    if math.isnan(law.sd):
        return math.nan, math.nan
    p_change = 2 * float(stats.norm.sf(abs(change - law.mean_change) / (law.sd / math.sqrt(n_runs))))
    if math.isnan(sd):
        return p_change, math.nan
    spread = stats.chi2(n_runs - 1)
    found = (n_runs - 1) * (sd / law.sd) ** 2
    return p_change, 2 * float(min(spread.cdf(found), spread.sf(found)))


def seen_before() -> pd.DataFrame:
    """The eight-update designs of Spurious Rewards beside the account, which was made after they were read.

    Returns
    -------
    DataFrame
        ``setup`` (the design), ``n_runs``, and ``predicted_change, predicted_sd, above_start, change, sd,
        p_change, p_sd`` as in :func:`prediction_trial`; single runs on MATH-500 alone.
    """
    single = published_repeats().query("benchmark == 'MATH-500' and runs_averaged == 1")
    rows = []
    for design, clip in (("8 updates, clipping", (0.2, 0.2)), ("8 updates, no clipping", None)):
        runs, law = single[single.design == design], reference_law(clip=clip)
        ends = runs.accuracy_percent_mean_last_10 - runs.accuracy_percent_step_0.mean()
        change, sd = float(ends.mean()), float(ends.std(ddof=1))
        p_change, p_sd = _p_values(law, change, sd, len(runs))
        rows.append({
            "setup": design, "n_runs": len(runs), "predicted_change": law.mean_change,
            "predicted_sd": law.sd, "above_start": law.above_start, "change": change, "sd": sd,
            "p_change": p_change, "p_sd": p_sd,
        })  # fmt: skip
    return pd.DataFrame(rows)


def trial_rows() -> list[dict[str, str]]:
    """Each row of the trial that can be judged, and the designs seen before, for a table with links.

    Examples
    --------
    >>> [row["outcome"].split(":")[0] for row in trial_rows()].count("fails")
    2
    """
    trial = prediction_trial()
    rows = []
    for row in trial[trial.verdict != "cannot be predicted"].itertuples():
        place = {name: getattr(row, name) for name in ("study", "setup", "model", "benchmark", "metric")}
        named = "" if row.setup == row.benchmark else f", {escape(row.setup)}"
        outcome = row.verdict + (f": p = {row.p_sd:.2f}" if row.verdict == "fails" else f": {row.why}")
        rows.append(_shown(f"{repeated_link(place)}: {row.model}, {row.benchmark}{named}", row, outcome))
    for row in seen_before().itertuples():
        outcome = "fails" if row.p_sd <= _LEVEL else "does not fail"
        p = f"p = {row.p_sd:.2f}" if row.p_sd >= 0.01 else "p < 0.01"
        link = repeated_link({"study": "shao2026spurious"})
        rows.append(_shown(f"{link}: Qwen2.5-Math-7B, MATH-500, {row.setup}", row,
                           f"{outcome}: {p}; seen before"))  # fmt: skip
    return rows


def _shown(runs: str, row: Any, outcome: str) -> dict[str, str]:
    """A row of the table: mean change and, in brackets, the standard deviation between runs."""

    def pair(change: float, sd: float) -> str:
        if math.isnan(change):
            return "–"
        return f"{change:+.1f} ({'–' if math.isnan(sd) else f'{sd:.1f}'})"

    return {
        "runs": f"{runs} ({row.n_runs})", "predicted": pair(row.predicted_change, row.predicted_sd),
        "found": pair(row.change, row.sd), "outcome": outcome,
    }  # fmt: skip


def _verdict(
    law: pd.Series, seen: Any, p_change: float, p_sd: float, p_no_drift: float, gap: float
) -> tuple[str, str]:
    """The row's verdict on the account, and its reason."""
    if p_sd <= _LEVEL:
        return "fails", f"runs spread {law.sd / seen.sd:.1f} times less than predicted"
    if p_change <= _LEVEL:
        return "fails", "the mean change is not the predicted one"
    if p_no_drift <= _LEVEL:
        return "fails", "the clip cannot bind, and yet accuracy changes on average"
    if not math.isnan(gap):
        return (
            "conditional",
            f"holds only if both strategies are right equally often, within {gap:.1f} points",
        )
    if not math.isnan(p_no_drift):
        return "too few runs to fail" if seen.n_runs < 6 else "agrees", "no mean change is shown"
    if not math.isnan(p_change):
        return "too few runs to fail", "the predicted spread is wide, and the runs' own is not published"
    return "cannot be predicted", law.reason
