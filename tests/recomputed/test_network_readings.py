"""Chapter 9: sampled and greedy changes of RANDOM, recomputed from the stored paths and items."""

import functools

import numpy as np
import pandas as pd
import pytest
from quoted import DATA, assert_quoted, forest, quotes
from scipy import stats
from statsmodels.stats.multitest import multipletests

CHAPTER = "09-network"
CELL = ["prior", "rate", "design"]
WEAK, REPEATED = ("weak", "low", "clipped"), ("middle", "middle", "clipped")


@functools.cache
def paths():
    return pd.read_csv(DATA / "network_paths.csv.gz")


@functools.cache
def items():
    return pd.read_csv(DATA / "network_items.csv.gz")


@functools.cache
def moved():
    """RANDOM after its last step minus its own start, every stored measure; one row a run."""
    coins = (
        paths().query("arm == 'random'").drop(columns="arm").set_index([*CELL, "seed", "step"]).sort_index()
    )
    change = coins.xs(paths().step.max(), level="step") - coins.xs(0, level="step")
    return change.assign(digits=change.trained_entropy - change.trained_entropy_strategy)


def by_cell(measure):
    return {cell: 100 * values.to_numpy() for cell, values in moved()[measure].groupby(level=CELL)}


def interval(values):
    """Mean and 95% t interval."""
    values = np.asarray(values)
    return [values.mean(), *stats.ttest_1samp(values, 0).confidence_interval()]


def holm(p_values):
    return multipletests(p_values, method="holm")[1]


def held(measure):
    """Mean, interval and Holm-adjusted p-value of every cell."""
    table = pd.DataFrame({cell: interval(values) for cell, values in by_cell(measure).items()}).T
    table.columns = ["mean", "low", "high"]
    return table.assign(holm=holm([stats.ttest_1samp(x, 0).pvalue for x in by_cell(measure).values()]))


@pytest.mark.parametrize("reading, measure", [("sampled", "trained_right"), ("greedy", "trained_greedy")])
def test_sixteen_cells_as_drawn(reading, measure):
    """Intervals of so many runs hold their number and standard deviation too."""
    found = forest(CHAPTER, "fig-09-sources", "RANDOM − FROZEN", f"{reading} accuracy")
    changes = by_cell(measure)
    assert set(found) == {", ".join(cell) for cell in changes} and len(found) == 16
    for cell, values in changes.items():
        np.testing.assert_allclose(found[", ".join(cell)], interval(values), rtol=1e-4, atol=1e-4)


def test_sampled_accuracy_falls_and_never_rises():
    sampled = held("trained_right")
    falls = sampled.high < 0
    assert_quoted(
        CHAPTER,
        {
            "n_cells": len(sampled),
            "n_lost": falls.sum(),
            "n_gained": (sampled.low > 0).sum(),
            "n_lost_holm": ((sampled.holm < 0.05) & (sampled["mean"] < 0)).sum(),
            "change_middle": interval(by_cell("trained_right")["middle", "low", "clipped"]),
            "change_most": interval(by_cell("trained_right")[REPEATED]),
            "change_one": interval(by_cell("trained_right")["middle", "middle", "one update"]),
            "change_free": interval(by_cell("trained_right")["middle", "middle", "unclipped"]),
        },
    )


def test_greedy_accuracy_rises_at_the_weak_prior_and_falls_elsewhere():
    greedy, runs = held("trained_greedy"), by_cell("trained_greedy")
    weak = greedy.index.get_level_values(0) == "weak"
    assert (greedy.low[weak] > 0).all() and (greedy.high[~weak] < 0).all()
    assert all((runs[cell] > 0).all() for cell in greedy.index[weak])  # in every single run
    assert (abs(greedy["mean"]) > abs(held("trained_right")["mean"]))[~weak].all()
    assert_quoted(
        CHAPTER,
        {
            "n_weak": weak.sum(),
            "n_better": (~weak).sum(),
            "n_greedy_holm": (greedy.holm < 0.05).sum(),
            "greedy_weak_low": greedy["mean"][weak].min(),
            "greedy_weak_high": greedy["mean"][weak].max(),
            "greedy_weak": interval(runs[WEAK]),
            "box_greedy_weak": runs[WEAK].mean(),
            "sampled_weak": interval(by_cell("trained_right")[WEAK]),
            "greedy_most": interval(runs[REPEATED]),
        },
    )


def test_held_out_items_agree():
    greedy = held("held_out_greedy")["mean"]
    weak = greedy.index.get_level_values(0) == "weak"
    assert (greedy[weak] > 0).all() and (greedy[~weak] < 0).all()
    assert_quoted(
        CHAPTER,
        {
            "held_greedy_low": greedy[weak].min(),
            "held_greedy_high": greedy[weak].max(),
            "held_most": interval(by_cell("held_out_right")[REPEATED]),
            "agreement": stats.pearsonr(moved().trained_right, moved().held_out_right).statistic,
        },
    )


def test_digits_entropy_falls_in_thirteen_cells():
    assert_quoted(CHAPTER, {"n_sharper": (moved().digits.groupby(level=CELL).mean() < 0).sum()})


def test_gradients_are_longer_than_the_trainers_bound():
    steps = paths().query("arm == 'random' and step > 0")
    norms = steps.groupby(CELL).gradient_norm.median()
    bound = float(quotes(CHAPTER)["max_grad_norm"])
    above = norms[norms > bound]
    assert bound == 1
    assert_quoted(CHAPTER, {"n_bounded": above.size, "norm_low": above.min(), "norm_high": above.max()})


def test_items_move_apart():
    weak = items().query("prior == 'weak'")
    after = weak.query("arm == 'random' and rate == 'low' and design == 'clipped'").right
    before = weak.query("arm == 'frozen'").right
    assert_quoted(
        CHAPTER,
        {"item_sd": 100 * after.std(), "item_sd_start": 100 * before.std(), "item_mean": 100 * after.mean()},
    )


@pytest.mark.parametrize("prior, accuracy", [("weak", 0.20), ("middle", 0.40), ("strong", 0.60)])
def test_how_far_the_leading_digit_leads(prior, accuracy):
    """`c` in 0.65 of answers, right 7/3 times as often as `d`; half of all errors the usual one."""
    right = 7 / 3 * accuracy / (0.65 * 7 / 3 + 0.35)
    odds = right / ((1 - right) / 2)
    assert_quoted(CHAPTER, {f"margin_{prior}": max(odds, 1 / odds)})
