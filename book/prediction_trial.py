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

from book.null_predictions import predicted_nulls
from rlvr.planning.repeated_arms import load_repeated_arms
from rlvr.stats.spreads import interval_of_deviation

__all__ = ["observed_nulls", "one_update_signs", "prediction_trial"]

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
        ``change, sd`` (observed); ``p_change`` (test of the predicted mean, with the predicted spread),
        ``p_sd`` (chi-square, two-sided), ``p_no_drift`` (t test of no change, one update a batch and two
        runs or more); ``gap`` (points: the largest difference of the strategies' accuracies that the
        observed spread's 95% interval allows); ``verdict`` and ``why``.

    Examples
    --------
    >>> sorted(set(prediction_trial().verdict))
    ['cannot be predicted', 'conditional', 'fails', 'too few runs to fail']
    """
    predictions = predicted_nulls().set_index(["study", "setup", "model"])
    rows = []
    for seen in observed_nulls().itertuples():
        law = predictions.loc[(seen.study, seen.setup, seen.model)]
        p_change = p_sd = p_no_drift = gap = math.nan
        if not math.isnan(law.sd):
            error = law.sd / math.sqrt(seen.n_runs)
            p_change = 2 * float(stats.norm.sf(abs(seen.change - law.mean_change) / error))
            if not math.isnan(seen.sd):
                below = stats.chi2.cdf((seen.n_runs - 1) * (seen.sd / law.sd) ** 2, seen.n_runs - 1)
                p_sd = 2 * float(min(below, 1 - below))
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
                "predicted_sd": law.sd, "change": seen.change, "sd": seen.sd, "p_change": p_change,
                "p_sd": p_sd, "p_no_drift": p_no_drift, "gap": gap, "verdict": verdict, "why": why,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


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
