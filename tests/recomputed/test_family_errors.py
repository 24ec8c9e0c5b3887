"""Chapter 15: how often a family of nine verdicts holds a wrong one, with Holm's correction and without."""

import numpy as np
from quoted import numbers, quotes
from statsmodels.stats.multitest import multipletests

CHAPTER, HYPOTHESES, FAMILIES = "15-protocol", 9, 200_000


def draw():
    """p-values (family, hypothesis) of the true null of each pair, for and against; the other is 1 - p."""
    return np.random.default_rng(13).random((FAMILIES, HYPOTHESES))


def test_without_correction():
    assert int(quotes(CHAPTER)["n_hypotheses"]) == HYPOTHESES
    (quoted,), half = numbers(quotes(CHAPTER)["careless"])
    (cases,), _ = numbers(quotes(CHAPTER)["cases"])
    exact = 1 - 0.95**HYPOTHESES
    assert abs((draw() <= 0.05).any(axis=1).mean() - exact) < 4 * np.sqrt(exact * (1 - exact) / FAMILIES)
    assert abs(quoted - exact) < half[0] + 4 * np.sqrt(exact * (1 - exact) / cases)
    assert abs(quoted - (1 - 0.95 ** (2 * HYPOTHESES))) > 0.2  # eighteen true nulls would give 0.60


def rejected(pairs):
    """Which tests (family, test) Holm's steps reject at one in twenty."""
    tests = pairs.shape[1]
    order = pairs.argsort(axis=1)
    below = np.take_along_axis(pairs, order, axis=1) <= 0.05 / np.arange(tests, 0, -1)
    steps = np.minimum.accumulate(below, axis=1)
    found = np.zeros_like(steps)
    np.put_along_axis(found, order, steps, axis=1)
    return found


def test_with_holms_correction():
    pairs = np.hstack([draw(), 1 - draw()])
    assert int(quotes(CHAPTER)["n_tests"]) == pairs.shape[1]
    wrong = pairs.min(axis=1) <= 0.05 / pairs.shape[1]  # Holm's first step: without it none is rejected
    wrong[wrong] = rejected(pairs[wrong])[:, :HYPOTHESES].any(axis=1)
    for each in (*pairs[wrong][:5], *pairs[~wrong][:5]):  # the steps are those of statsmodels
        assert (multipletests(each, method="holm")[0] == rejected(each[None])[0]).all()
    (quoted,), half = numbers(quotes(CHAPTER)["corrected"])
    (cases,), _ = numbers(quotes(CHAPTER)["cases"])
    rate = wrong.mean()
    assert rate < 0.05
    assert abs(quoted - rate) < half[0] + 4 * np.sqrt(rate * (1 - rate) * (1 / cases + 1 / FAMILIES))
