"""Chapter 2: ten published nulls over questions, with a lent spread, and as AMC samples them."""

import functools

import numpy as np
import pandas as pd
import pytest
from quoted import DATA, assert_quoted, quotes
from scipy import stats

CHAPTER = "02-spurious-rewards"
ENDS = np.array([66.36, 63.28, 68.66, 69.78, 53.48]) / 100  # five clipped repeats of one model's RANDOM
NORMAL, STUDENT = stats.norm.ppf(0.975), stats.t.ppf(0.975, 4)
SIZES = {"MATH-500": 500, "AMC": 83}


@functools.cache
def arms(benchmark):
    table = pd.read_csv(DATA / "arms.csv").query("setup == 'training curves' and role == 'arm'")
    table = table.query("benchmark == @benchmark").astype({"accuracy_percent": float})
    return table.pivot(index="model", columns="arm", values="accuracy_percent").sort_values("frozen") / 100


def wilson(p, n):
    """Wilson's 95% interval."""
    middle = (p + NORMAL**2 / (2 * n)) / (1 + NORMAL**2 / n)
    half = NORMAL * np.sqrt(p * (1 - p) / n + (NORMAL / (2 * n)) ** 2) / (1 + NORMAL**2 / n)
    return middle - half, middle + half


def null(row, n, below=0.0, above=0.0):
    """RANDOM minus FROZEN with Newcombe's interval, and what runs add to it in quadrature."""
    (low, high), (low_base, high_base) = wilson(row.random, n), wilson(row.frozen, n)
    value = row.random - row.frozen
    return (
        value,
        value - np.sqrt((row.random - low) ** 2 + (high_base - row.frozen) ** 2 + below**2),
        value + np.sqrt((high - row.random) ** 2 + (row.frozen - low_base) ** 2 + above**2),
    )


def excludes_zero(term):
    return term[1] > 0 or term[2] < 0


def in_points(_):
    return STUDENT * ENDS.std(ddof=1)


def in_log_odds(row):
    return STUDENT * stats.tstd(np.log(ENDS / (1 - ENDS))) * row.random * (1 - row.random)


def separated(spread=lambda row: 0.0):
    rows = arms("MATH-500").iterrows()
    return [model for model, row in rows if excludes_zero(null(row, 500, spread(row), spread(row)))]


def test_the_five_repeats_are_the_stored_ones():
    table = pd.read_csv(DATA / "repeated_runs.csv")
    table = table.query("design == '8 updates, clipping' and benchmark == 'MATH-500'")
    assert np.allclose(table[[f"step_{step}" for step in range(71, 81)]].mean(axis=1) / 100, ENDS)


def test_nulls_other_than_zero():
    """Five over questions; two or four with the spread of five runs lent, in points or in log odds."""
    said = quotes(CHAPTER)
    for count, names, found in (
        ("null_separated", "null_names", separated()),
        ("null_lent", "null_lent_names", separated(in_points)),
        ("null_lent_logit", "null_lent_logit_names", separated(in_log_odds)),
    ):
        assert int(said[count]) == len(found) and said[names].split(", ") == found


def test_no_outcome_could_have_shown_a_small_null():
    share = np.arange(501) / 500
    low, high = wilson(share, 500)
    apart = share[:, None] - share
    one_end = np.hypot((share - low)[:, None], high - share) - apart
    other_end = np.hypot((high - share)[:, None], share - low) + apart
    tightest = min(
        max(-low, high) for _, low, high in (null(row, 500) for _, row in arms("MATH-500").iterrows())
    )
    values = arms("MATH-500").random - arms("MATH-500").frozen
    assert_quoted(
        CHAPTER,
        {
            "least_reach": 100 * np.maximum(one_end, other_end).min(),
            "null_tightest": 100 * tightest,
            "null_small": 0,
            "items_half": 2 * (NORMAL * 0.5 / 0.005) ** 2 / 1000,  # thousands of questions
            "null_max": 100 * values.max(),
            "null_min": -100 * values.min(),
        },
    )


@pytest.mark.parametrize("benchmark, reading", [("MATH-500", "greedy"), ("AMC", "sampled")])
def test_ten_nulls_read_both_ways(benchmark, reading):
    rows = arms(benchmark)
    drawn = [name for name in quotes(CHAPTER) if name.endswith(f", {reading}")]
    assert len(drawn) == 10 and set(drawn) == {f"{model}, {reading}" for model in rows.index}
    found = {f"{model}, {reading}": null(row, SIZES[benchmark]) for model, row in rows.iterrows()}
    assert_quoted(CHAPTER, {name: 100 * np.array(values) for name, values in found.items()})


def test_one_sampled_null_stays_and_one_cannot_be_told_from_zero():
    greedy, sampled = ({m: null(r, n) for m, r in arms(b).iterrows()} for b, n in SIZES.items())
    assert excludes_zero(sampled["Qwen2.5-Math-7B"]) and not excludes_zero(sampled["Qwen2.5-Math-1.5B"])
    for name, model in (("seven", "Qwen2.5-Math-7B"), ("small", "Qwen2.5-Math-1.5B")):
        assert_quoted(CHAPTER, {f"amc_{name}": 100 * np.array(sampled[model])})
        assert_quoted(CHAPTER, {f"math_{name}": 100 * np.array(greedy[model])})
    assert_quoted(CHAPTER, {"both_signs": sum(greedy[model][0] * sampled[model][0] > 0 for model in greedy)})
