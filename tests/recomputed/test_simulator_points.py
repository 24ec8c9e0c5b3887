"""Points of Chapters 5, 6, 16, 17 and 19 from a simulator of its own.

A quoted number may differ from ours by its rounding and by three standard errors of both together. A quoted
interval gives the standard error of its number; ours are stated where they are used. The seeds are the first
that were tried.
"""

import functools

import numpy as np
import pandas as pd
import pytest
from glued import DATA, estimate, numbers, quoted, states
from plain_grpo import PROMPTS, evenly_visited, pool, prior, trained
from scipy import stats

SCORED = 128  # sampled answers a prompt in a published accuracy


def scoring(right):
    """Variance that scoring adds to the accuracy of a run."""
    return (right * (1 - right)).mean() / SCORED / PROMPTS


def within(difference, *errors):
    """At most three standard errors."""
    return abs(difference) <= 3 * np.hypot.reduce(errors)


@pytest.mark.parametrize("strength", [0.35, 0.50, 0.80])
def test_this_simulator_gives_the_stored_sweep(strength):
    table = pd.read_csv(DATA / "sweep.csv").query("size == 'light' and tie_break == 'lowest'")
    row = table.set_index("prior_strength").loc[strength]
    here = pool(strength, "majority", 120, seed=1)
    error = here.std(axis=1).mean() / np.sqrt(here.size)  # every type of prompt occurs equally often
    stored = (row.elicitation_high - row.elicitation_low) / 3.92
    assert within(here.mean() - row.majority, error, stored)


# Chapter 17: what the published interval covers, prior strength 0.50, eight seeds


@functools.cache
def covered(studies=1500):
    """Whether the published interval of a study holds its own draw's elicitation, and the population's.

    A study draws 40 prompts and, for each of eight seeds, one training of each from the pool. So both true
    values are exact: the means of the pool.
    """
    rng = np.random.default_rng(8)
    majority, random = pool(0.50, "majority", 120, seed=1), pool(0.50, "random", 20, seed=2).ravel()
    own, population = [], []
    for _ in range(studies):
        prompts = rng.integers(0, len(majority), PROMPTS)
        runs = majority[prompts, rng.integers(0, majority.shape[1], (8, PROMPTS))]
        coins = random[rng.integers(0, random.size, (8, PROMPTS))]
        seeds = [(rng.binomial(SCORED, x) / SCORED).mean(axis=1) for x in (runs, coins)]
        ends = [x[rng.integers(0, 8, (300, 8))].mean(axis=1) for x in seeds]
        low, high = np.percentile(ends[0] - ends[1], [2.5, 97.5])
        own.append(low < majority[prompts].mean() - random.mean() < high)
        population.append(low < majority.mean() - random.mean() < high)
    return np.mean(own), np.mean(population), 0.5 / np.sqrt(studies)


def test_coverage_of_the_own_task_draw():
    rate, _, _ = covered()
    error = np.sqrt(rate * (1 - rate) / 1500)
    said, its_error = estimate("17", "cover_own", over=2.0)
    noise, _ = quoted("17", "truth_noise")
    assert within(said + noise / 100 - rate, error, its_error)
    assert said < 0.947 - 3 * its_error  # what judging by the same seeds gave
    least, most = quoted("17", "normal_7")[0], quoted("17", "normal_14")[0]
    assert least - 3 * error < rate < most + 3 * error


def test_coverage_of_the_population():
    _, rate, error = covered()
    said, its_error = estimate("17", "cover_pub", over=2.0)
    assert within(said - rate, error, its_error)


# Chapter 5: evaluation noise, and ties


def test_scoring_share_of_majority():
    majority = pool(0.50, "majority", 120, seed=1)
    rng, shares = np.random.default_rng(5), []
    for _ in range(200):  # other task draws of forty prompts, 200 seeds each
        chosen = rng.integers(0, len(majority), PROMPTS)
        runs = majority[chosen, rng.integers(0, majority.shape[1], (200, PROMPTS))]
        shares.append(scoring(runs) / (scoring(runs) + runs.mean(axis=1).var(ddof=1)))
    said, half = quoted("05", "noise_majority")
    assert abs(said - np.mean(shares)) < half + 3 * np.std(shares)
    assert said < 0.5


@pytest.mark.parametrize(("reward", "seed"), [("true", 3), ("random", 4)])
def test_scoring_share_of_runs_without_ties(reward, seed):
    runs, _ = trained(np.random.default_rng(seed), 0.50, reward, 200)
    share = scoring(runs) / (scoring(runs) + runs.mean(axis=1).var(ddof=1))
    error = share * (1 - share) * np.sqrt(2 / 199)  # of a variance from 200 runs, in ours and theirs
    assert states("05", f"noise_{reward}", share, error=3 * np.sqrt(2) * error)


@pytest.mark.parametrize("strength", [0.50, 0.80])
def test_uniform_ties_lower_elicitation(strength):
    lowest = pool(strength, "majority", 120, seed=1)
    uniform = pool(strength, "majority", 120, seed=6, ties="uniform")
    error = 100 * np.hypot(lowest.std(axis=1).mean(), uniform.std()) / np.sqrt(lowest.size)
    said, its_error = estimate("05", f"moved_tie_{strength:.1f}", over=2.064)
    moved = 100 * (uniform.mean() - lowest.mean())
    assert within(said - moved, error, its_error)
    if strength == 0.80:
        gain = 100 * (lowest.mean() - prior(strength)[:2].sum())
        assert states("05", "tie_part", -moved / gain, error=3 * np.hypot(error, its_error) / gain)


# Chapter 6: where elicitation turns positive


def test_longer_training_moves_the_sign_change_up():
    near, marks, prompts = np.array([0.38, 0.40, 0.42, 0.44, 0.46]), (40, 80, 160), 1500
    gains = [evenly_visited(np.random.default_rng(i), s, marks, prompts) for i, s in enumerate(near)]
    curves, errors = (np.array([f(x, axis=1) for x in gains]) for f in (np.mean, stats.sem))
    for mark, curve, error in zip(marks, curves.T, errors.T, strict=True):
        zero = np.interp(0, curve, near)
        slope = np.gradient(curve, near)[2]
        said, its_error = estimate("06", f"longer_{mark}", over=2.0)
        assert within(said - zero, error.mean() / slope, its_error)


# Chapter 16: noise of the study's own ratio, and refilled batches


def test_the_published_ratio_is_within_its_own_noise():
    rng, means, spreads = np.random.default_rng(7), {}, {}
    for strength in (0.80, 0.35):
        majority = pool(strength, "majority", 120, seed=1)
        means["majority", strength] = majority.mean()
        prompts, seeds = majority.mean(axis=1).var(), majority.var(axis=1).mean()
        spreads["majority", strength] = (prompts + seeds / 8) / PROMPTS + scoring(majority) / 8
        true, _ = trained(rng, strength, "true", 160)
        means["true", strength] = true.mean()
        spreads["true", strength] = (true.mean(axis=1).var(ddof=1) + scoring(true)) / 8
    order = [(reward, strength) for reward in ("true", "majority") for strength in (0.80, 0.35)]
    cells = rng.normal(
        [means[cell] for cell in order], [np.sqrt(spreads[cell] / 2) for cell in order], (20_000, 4)
    )  # a cell is the mean of two, with the filter on and off
    prior_effect = cells @ [1, -1, 1, -1] / 4
    both = cells @ [1, -1, -1, 1] / 4
    ratios = np.abs(both) / np.abs(prior_effect)
    assert states("16", "study_sd", ratios.std(), error=0.0005)
    low, high = np.percentile(ratios, [2.5, 97.5])
    assert states("16", "study_low", low, error=0.002) and states("16", "study_high", high, error=0.002)
    assert low < 0.385 < high


def test_refilling_mostly_samples_more():
    rng, runs = np.random.default_rng(9), 80
    dropped, usual = trained(rng, 0.80, "true", runs)
    refilled, groups = trained(rng, 0.80, "true", runs, refill=True)
    more = groups.mean() / usual.mean()
    assert states("16", "refill_groups", more, error=0.005)
    longer, _ = trained(rng, 0.80, "true", runs, n_steps=round(200 * more))
    means = {name: x.mean(axis=1) for name, x in zip("dlr", (dropped, longer, refilled), strict=True)}
    for name, other in (("steps", "d"), ("rollouts", "l")):
        gain = means["r"].mean() - means[other].mean()
        said, low, high = numbers("16", f"refill_{name}")[0]
        error = np.hypot(stats.sem(means["r"]), stats.sem(means[other]))
        points = said - 100 * gain, 100 * error, (high - low) / 3.9
        assert within(*points, 0.003)  # quoted in points, rounded to two digits


# Chapter 19: a noisy verifier beside a slower one


def test_noise_slows_the_mean_and_widens_the_spread():
    rng, runs = np.random.default_rng(10), 500
    noisy, _ = trained(rng, 0.50, (0.1, 0.3), runs, rate=0.1, advantage="centered")
    slow, _ = trained(rng, 0.50, "true", runs, rate=0.06, advantage="centered")
    noisy, slow = noisy.mean(axis=1), slow.mean(axis=1)
    ratio = noisy.std(ddof=1) / slow.std(ddof=1)
    said, low, high = numbers("19", "noisy_spread")[0]
    assert within(np.log(said / ratio), np.sqrt(1 / runs), np.log(high / low) / 3.92)
    assert low > 1.5  # not a smaller rate and nothing else
    gap, its_error = numbers("19", "noisy_mean")[0]  # in points
    error = np.hypot(stats.sem(noisy), stats.sem(slow))
    assert within(gap - 100 * (noisy.mean() - slow.mean()), 100 * error, its_error)
