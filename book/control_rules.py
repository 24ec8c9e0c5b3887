"""Rules of thumb for a random arm, and how often each misleads where nothing leaks.

In every simulated study nothing leaks, and the runs of RANDOM and TRUE end on average where they start. The
spread of runs is drawn from the catalogue's law of the arm; half of 500 questions are answered correctly.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from book.world_nulls import random_runs
from rlvr.planning.spread_catalogue import catalogue_laws

__all__ = ["LeakageCalls", "RuleError", "leakage_calls", "rule_errors"]


class LeakageCalls(NamedTuple):
    """What the rule of two benchmark standard deviations says of the RANDOM runs that were found."""

    runs: int
    """Single runs, each on one benchmark whose number of questions is known."""
    leakage: int
    """Of those, called leakage."""
    fell: int
    """Of the runs called leakage, ended below their start."""


class RuleError(NamedTuple):
    """Error rate of a rule, with the Monte Carlo standard error."""

    rule: str
    """What is compared."""
    concludes: str
    """The rule, and its wrong conclusion."""
    source: str
    """Source of the rule: a key of ``references.bib``."""
    rate: float
    """Fraction of simulated studies in which the rule is wrong."""
    error: float
    """Monte Carlo standard error of that fraction."""


def leakage_calls() -> LeakageCalls:
    """Apply the first rule to every found run; the benchmark's deviation is the start's standard error.

    Examples
    --------
    >>> calls = leakage_calls()
    >>> calls.runs > calls.leakage > calls.fell > 0
    True
    """
    runs = random_runs().query("n_runs == 1 and n_items.notna()")
    start = runs.start / 100
    called = runs[runs.change.abs() > 200 * np.sqrt(start * (1 - start) / runs.n_items)]
    return LeakageCalls(len(runs), len(called), int((called.change < 0).sum()))


def rule_errors(*, n_studies: int = 20_000, n_items: int = 500, seed: int = 0) -> list[RuleError]:
    """The error rate of each rule, over spreads, runs and questions.

    Examples
    --------
    >>> [round(each.rate, 1) for each in rule_errors(n_studies=2_000)][2] <= 0.1
    True
    """
    rng, laws = np.random.default_rng(seed), catalogue_laws()
    item_error = math.sqrt(0.25 / n_items)

    def runs(arm: str, n_runs: int) -> np.ndarray:
        law = laws[arm]
        sds = rng.choice(law.values, n_studies, p=law.probabilities)[:, None]
        noise = item_error * rng.standard_normal((n_studies, n_runs))
        return np.clip(0.5 + sds * rng.standard_normal((n_studies, n_runs)) + noise, 0, 1)

    coin, true = runs("random", 3), runs("true", 3)
    change = coin[:, 0] - (0.5 + item_error * rng.standard_normal(n_studies))
    gaps = true - coin
    half = stats.t.ppf(0.975, 2) * gaps.std(axis=1, ddof=1) / math.sqrt(3)
    misled = {
        ("a change beyond two standard deviations of the benchmark, one run", "leakage",
         "asuzukosi2026control"): np.abs(change) > 2 * item_error,
        ("a gain of a Qwen base model, one run (1.96 standard errors of the questions)",
         "contamination", "whileai2026method"): change > 1.96 * math.sqrt(2) * item_error,
        ("TRUE − RANDOM excludes zero, 95% interval over three pairs of seeds", "TRUE differs",
         "thuvesen2026grpodecomp"): np.abs(gaps.mean(axis=1)) > half,
    }  # fmt: skip
    return [
        RuleError(*names, float(wrong.mean()), math.sqrt(wrong.mean() * (1 - wrong.mean()) / n_studies))
        for names, wrong in misled.items()
    ]
