"""Chapter 12: how often three, eight and twelve runs an arm confirm the guess, drawn anew.

Guess 36, 42, 68 and 71 percent, 500 questions. On half of the questions all arms meet one hardness, on the
others each run has its own luck (the chapter says only that one number tells how alike answers are; between
0.3 and 0.7 it moves no chance by more than six points). A verdict is confirmed if its four linear
inequalities are separated from zero. Their margins: with fewer than five runs items and runs in quadrature,
Student's t with Welch's degrees of freedom for runs; from five runs on one t with Satterthwaite's, what runs
and items share taken out once.
"""

import functools

import numpy as np
import pandas as pd
import pytest
from quoted import DATA, numbers, quotes
from scipy import stats

CHAPTER = "12-your-model"
GUESS, ITEMS, ALIKE, DRAWS, THEIRS = np.array([0.36, 0.42, 0.68, 0.71]), 500, 0.5, 20_000, 10_000
NULL, ELICITATION, DESIGN = np.array([[-1, 1, 0, 0], [0, -1, 1, 0], [0, 0, -1, 1]])
INEQUALITIES = np.array([ELICITATION + a * NULL + b * DESIGN for a in (1, -1) for b in (1, -1)])
RUNS = (3, 8, 12)


def chance(n_runs, random_sd, others_sd, seed):
    rng, runs = np.random.default_rng(seed), np.array([1, n_runs, n_runs, n_runs])
    sd, own = np.array([0, random_sd, others_sd, others_sd]), (1 - ALIKE) * GUESS * (1 - GUESS) / ITEMS
    common = ALIKE * (np.minimum.outer(GUESS, GUESS) - np.outer(GUESS, GUESS)) / ITEMS
    by_items = common + np.diag(own / runs)
    measured = rng.multivariate_normal(GUESS, by_items + np.diag(sd**2 / runs), DRAWS)
    seen = (sd**2 + own) * rng.chisquare(np.maximum(n_runs - 1, 1), (DRAWS, 4)) / (n_runs - 1)
    seen[:, 0] = 0  # FROZEN has no runs
    parts = (seen / runs)[:, None] * INEQUALITIES**2
    moved, items = parts.sum(axis=2), np.einsum("ca,ab,cb->c", INEQUALITIES, by_items, INEQUALITIES)
    doubt = (parts**2).sum(axis=2) / (n_runs - 1)
    if n_runs < 5:
        squares = stats.norm.ppf(0.975) ** 2 * items + stats.t.ppf(0.975, moved**2 / doubt) ** 2 * moved
    else:
        shared = (own / runs * (runs > 1) * INEQUALITIES**2).sum(axis=1)
        variance = items + np.maximum(moved - shared, 0)
        squares = stats.t.ppf(0.975, variance**2 / doubt) ** 2 * variance
    return (measured @ INEQUALITIES.T > np.sqrt(squares)).all(axis=1).mean()


def close(mine, quoted, half_a_unit):
    """Within four standard errors of two counts and the printed digit."""
    rate = np.clip((mine + quoted) / 2, 0.002, 0.998)
    return abs(mine - quoted) < 4 * np.sqrt(rate * (1 - rate) * (1 / DRAWS + 1 / THEIRS)) + half_a_unit


@functools.cache
def published_spread():
    """Standard deviation of the ends of five clipped RANDOM runs, and its chi-squared 95% interval."""
    table = pd.read_csv(DATA / "repeated_runs.csv")
    table = table.query("design == '8 updates, clipping' and benchmark == 'MATH-500'")
    ends = table[[f"step_{step}" for step in range(71, 81)]].to_numpy(float).mean(axis=1) / 100
    sd, free = ends.std(ddof=1), ends.size - 1
    return sd, *(sd * np.sqrt(free / stats.chi2.ppf([0.975, 0.025], free)))


@pytest.mark.parametrize("row", range(7))
def test_chances_as_printed(row):
    printed = quotes(CHAPTER)
    exact = {f"{100 * sd:.1f}": sd for sd in published_spread()}
    texts = [printed[f"spread_{row}_{arms}"] for arms in ("random", "others")]
    sds = [exact.get(text, float(text) / 100) for text in texts]
    for n_runs in RUNS:
        (quoted,), half = numbers(printed[f"chance_{row}_{n_runs}"])
        assert close(chance(n_runs, *sds, seed=n_runs), quoted / 100, half[0] / 100), (n_runs, sds)


@pytest.mark.parametrize("name, others", [("alike", None), ("calm", 0.02)])
@pytest.mark.parametrize("n_runs", RUNS)
def test_the_range_over_the_spreads_interval(name, others, n_runs):
    (low, high), half = numbers(quotes(CHAPTER)[f"{name}_{n_runs}"])
    _, narrow, wide = published_spread()
    for sd, quoted, digit in ((wide, low, half[0]), (narrow, high, half[1])):
        mine = chance(n_runs, sd, sd if others is None else others, seed=17 + n_runs)
        assert close(mine, quoted / 100, digit / 100), (sd, mine)


def test_the_lead_of_the_guess():
    null, elicitation, design = np.diff(GUESS)
    (quoted,), half = numbers(quotes(CHAPTER)["lead"])
    assert abs(100 * (elicitation - null - design) - quoted) <= half[0]
