"""Chapters 1 and 9: what elicitation is counted from, in closed form and on the network's runs."""

import functools

import numpy as np
import pandas as pd
import pytest
from plain_grpo import prior
from quoted import DATA, assert_quoted, forest, holds, quotes
from scipy import stats

CHAPTER = "09-network"
FILES = ("network_paths.csv.gz", "network_controls_paths.csv.gz")
BASES = ("random", "matched", "permuted")


def test_what_chapter_1_says_of_matched():
    m = np.arange(65)
    push = {rate: stats.binom.pmf(m, 64, rate) @ np.sqrt(m * (64 - m)) for rate in (1 / 2, 60 / 64)}
    quoted = {"matched_spread": 1 / (1 - 2.0**-7), "agreed_push": push[60 / 64] / push[1 / 2]}
    assert_quoted("01-estimand", quoted)


def test_what_chapter_1_says_of_majority_and_permuted_by_drawing():
    """Groups of 8 at prior strength 0.80, labels of other prompts even over the 8 actions."""
    rng, policy = np.random.default_rng(5), prior(0.80)
    answers = rng.choice(8, (400_000, 8), p=policy)
    votes = (answers[..., None] == np.arange(8)).sum(1)
    labels = {
        "majority": (votes + rng.random(votes.shape)).argmax(1),
        "permuted": rng.integers(0, 8, len(votes)),
    }
    updates = {}
    for arm, label in labels.items():
        rewards = (answers == label[:, None]).astype(float)
        away, spread = rewards - rewards.mean(1, keepdims=True), rewards.std(1, keepdims=True)
        advantages = away / np.where(spread > 0, spread, np.inf)
        updates[arm] = np.stack([(advantages * (answers == a)).mean(1) for a in range(8)], axis=1)
    coins = (1 - 2.0**-7) / 8 * (1 - (policy**2).sum())
    gradient = policy * ((np.arange(8) < 2) - policy[:2].sum())
    said = quotes("01-estimand")
    assert holds(said["majority_spread"], updates["majority"].var(0).sum() / coins, slack=0.03)
    assert holds(said["permuted_signal"], 5 * updates["permuted"].mean(0) @ gradient, slack=0.0003)


@functools.cache
def arms(design, measure):
    """Final value in percent of each arm, DataFrame (seed, arm)."""
    paths = pd.concat([pd.read_csv(DATA / name) for name in FILES])
    cell = paths[(paths.prior == "middle") & (paths.design == design) & (paths.rate == "low")]
    ends = cell[cell.step == cell.step.max()].pivot(index="seed", columns="arm", values=measure)
    frozen = paths[(paths.prior == "middle") & (paths.arm == "frozen")].set_index("seed")[measure]
    return 100 * ends.assign(frozen=frozen).dropna()


def interval(values):
    return [values.mean(), *stats.ttest_1samp(values, 0).confidence_interval()]


@pytest.mark.parametrize("design", ["clipped", "unclipped"])
@pytest.mark.parametrize("base", BASES)
def test_the_split_from_each_base_as_drawn(design, base):
    sampled, greedy = arms(design, "trained_right"), arms(design, "trained_greedy")
    assert len(sampled) == len(greedy) == int(quotes(CHAPTER)["n_base_seeds"])
    terms, away = "terms", "base − RANDOM"
    wanted = {
        ("null", terms): sampled[base] - sampled.frozen,
        ("elicitation", terms): sampled.majority - sampled[base],
        ("reward design", terms): sampled.true - sampled.majority,
        ("sampled", away): sampled[base] - sampled.random,
        ("greedy", away): greedy[base] - greedy.random,
    }
    for (name, panel), values in wanted.items():
        expected = interval(values) if values.std() > 0 else [0.0] * 3
        found = forest(CHAPTER, "fig-09-base", name, panel)[f"{design}: {base.upper()}"]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=name)


def test_what_permuted_answers_as_quoted():
    items = pd.read_csv(DATA / "network_controls_items.csv.gz").query("arm == 'permuted'")
    digit = (items.item // 10 + items.item) % 10
    by_digit = items.right.groupby([items.design, items.seed, digit]).mean().unstack().to_numpy()
    clipped, free = np.split(by_digit.max(axis=1) > 0.9, 2)
    assert_quoted(CHAPTER, {"one_digit_clip": clipped.sum(), "one_digit_free": free.sum()})
