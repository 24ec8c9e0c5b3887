"""Chapters 3 and 4: differences of arms that other sources repeated, from the rows of the table alone."""

import math

import numpy as np
import pandas as pd
import pytest
from quoted import DATA, assert_quoted, printed_table
from scipy import stats

OTHERS, SYNTHESIS = "03-other-papers", "04-synthesis"
PLACE = ["study", "setup", "model", "benchmark", "metric"]
ROWS = pd.read_csv(DATA / "repeated_arms.csv").query("arm != 'other'")
TRAINED = ROWS[ROWS.arm != "frozen"].groupby(PLACE)
STARTS = ROWS[ROWS.arm == "frozen"]
PAIRS = {
    "null": ("random", "frozen"), "null + elicitation": ("majority", "frozen"),
    "reward design": ("true", "majority"), "true minus random": ("true", "random"),
    "total": ("true", "frozen"),
}  # fmt: skip


def comparison(names, runs):
    """The arms of one comparison, each with its rows."""
    place = dict(zip(PLACE, names, strict=True))
    arms = {arm: group for arm, group in runs.groupby("arm")}
    keys = [key for key in PLACE if key != "setup"]
    starts = STARTS[(STARTS[keys] == pd.Series(place)[keys]).all(axis=1)]
    own = starts[starts.setup == place["setup"]]
    return place, arms | ({"frozen": own if len(own) else starts} if len(starts) else {})


COMPARISONS = [
    found for found in (comparison(names, runs) for names, runs in TRAINED) if len(found[1]) > 1
]  # fmt: skip


def spread(rows):
    """Variance of an arm's mean and its degrees of freedom; None where no spread is known."""
    n, sd = rows.n_runs.sum(), rows.accuracy_percent.std(ddof=1) if len(rows) > 1 else rows.run_sd.iloc[0]
    return None if np.isnan(sd) else (sd**2 / n, n - 1)


def difference(arms, name):
    """Value, and interval over runs or nothing: paired by seed where the seeds are the same."""
    arm, base = (arms[each] for each in PAIRS[name])
    value = arm.accuracy_percent.mean() - (
        base.accuracy_percent.iloc[0] if PAIRS[name][1] == "frozen" else base.accuracy_percent.mean()
    )
    if PAIRS[name][1] == "frozen":
        known = spread(arm)
        half = known and stats.t.ppf(0.975, known[1]) * math.sqrt(known[0])
    elif len(arm) > 1 and set(arm.seed) == set(base.seed):
        gaps = arm.set_index("seed").accuracy_percent - base.set_index("seed").accuracy_percent
        half = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / math.sqrt(len(gaps))
    else:
        each = [spread(rows) for rows in (arm, base)]
        half = all(each) and math.hypot(*(stats.t.ppf(0.975, df) * math.sqrt(v) for v, df in each))
    return (value, max(value - half, -100), min(value + half, 100)) if half else (value,)


def of(study, benchmark, metric="", setup="", model=""):
    return next(
        arms for place, arms in COMPARISONS
        if place["study"] == study and place["benchmark"].startswith(benchmark) and len(arms) == 3
        and metric in place["metric"] and setup in place["setup"] and model in ("", place["model"])
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("best", of("thuvesen2026grpodecomp", "GSM8K")),
        ("small", of("thuvesen2026esme", "Countdown")),
        ("hurt", of("chaudhry2026rlordata", "counting (", "greedy")),
        ("broken", of("whileai2026softmax", "GSM8K")),
    ],
)
def test_quoted_differences(name, cell):
    quoted = {"naive": "true minus random", "total": "total", "null": "null"}
    assert_quoted(OTHERS, {f"{name}_{short}": difference(cell, long) for short, long in quoted.items()})


def test_what_six_pairs_of_seeds_say_and_leave_open():
    best = of("thuvesen2026grpodecomp", "GSM8K")
    true, random = (best[arm].set_index("seed").accuracy_percent for arm in ("true", "random"))
    assert_quoted(
        OTHERS,
        {
            "pair_low": (true - random).min(),
            "pair_high": (true - random).max(),
            "best_set": (true.mean() - 100, true.mean()),
        },
    )


def test_reward_design_beside_votes_on_the_test_questions():
    for name, setup in (("full", "full"), ("biases", "biases")):
        cell = of("vakada2026labelfree", "MATH-500", setup=setup, model="Qwen2.5-7B")
        assert_quoted(SYNTHESIS, {f"votes_{name}": difference(cell, "reward design")})


def test_counts_of_comparisons():
    both = [arms for _, arms in COMPARISONS if {"random", "true"} <= set(arms)]
    assert_quoted(OTHERS, {"n_naive": len(both), "n_fell": sum(difference(c, "null")[0] < 0 for c in both)})
    sources = {place["study"] for place, _ in COMPARISONS}
    assert_quoted(SYNTHESIS, {"more_cells": len(COMPARISONS), "more_sources": len(sources)})
    printed = printed_table(SYNTHESIS, "tab-04-repeats")
    for name, pair in PAIRS.items():
        found = [difference(arms, name) for _, arms in COMPARISONS if set(pair) <= set(arms)]
        known = [each for each in found if len(each) == 3]
        apart = [each for each in known if each[1] > 0 or each[2] < 0]
        counts = f"counts_{name.replace(' ', '_')}"
        assert_quoted(SYNTHESIS, {counts: (len(found), len(known), len(apart))})
        rows = printed[printed.difference == name]["points"]
        assert len(rows) == len(found) and sum("[" in text for text in rows) == len(known), name
        values = [float(text.split()[0].replace("−", "-")) for text in rows]
        assert np.allclose(sorted(values), sorted(each[0] for each in found), atol=0.0501), name
