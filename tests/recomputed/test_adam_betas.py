"""Chapter 21: the factor K of momentum's drift, and how many updates fill Adam's averages."""

import numpy as np
import pytest
from quoted import assert_quoted

CHAPTER = "21-coin-flip-proofs"
RELEASED, TRL = (0.9, 0.95), (0.9, 0.999)


def factor(betas, n_terms=5000):
    """K as the chapter's proof builds it: a sum over the age of a gradient that momentum still holds."""
    first, second = betas
    total, old = 0.0, 0.0
    for age in range(n_terms):
        old = second * old + (1 - second) * (1 - first**age)
        total += (1 - first) * first**age * old
    return total


def filled(second):
    """Updates after which an average holds 95% of its weight."""
    return next(n for n in range(1, 100_000) if 1 - second**n >= 0.95)


def test_the_factor_and_the_updates_to_fill():
    longest = 8 * 80  # eight updates in each of eighty rollouts
    assert filled(RELEASED[1]) < longest < filled(TRL[1])
    assert_quoted(
        CHAPTER,
        {
            "carried": factor(RELEASED),
            "carried_part": 100 * factor(RELEASED),
            "carried_trl": factor(TRL),
            "fill": filled(RELEASED[1]),
            "fill_trl": filled(TRL[1]),
            "most_updates": longest,
            "carried_80": factor(TRL) / (1 - TRL[1] ** 80),
            "carried_most": factor(TRL) / (1 - TRL[1] ** longest),
        },
    )


@pytest.mark.parametrize("betas", [RELEASED, TRL])
def test_the_closed_form(betas):
    first, second = betas
    closed = first * (1 - second) / ((1 + first) * (1 - first * second))
    assert np.isclose(factor(betas), closed, rtol=1e-6)


def test_the_drift_of_a_walk_that_adam_makes():
    """The walk itself, in pairs of opposite noise; K is right to a tenth, and 0.0047 and 0 are excluded.

    The closed form takes Adam's average of twenty squares for their mean, so it is some 8% too large.
    """
    share, rate, full, then, pairs = 0.8, 0.01, 150, 100, 20_000
    rng = np.random.default_rng(7)
    logit = np.full((2, pairs), np.log(share / (1 - share)))
    mean, square, before = np.zeros_like(logit), np.zeros_like(logit), None
    for update in range(1, full + then + 1):
        now = 1 / (1 + np.exp(-logit))
        gradient = np.sqrt(now * (1 - now)) * rng.normal(size=pairs) * np.array([[1], [-1]])
        mean = RELEASED[0] * mean + (1 - RELEASED[0]) * gradient
        square = RELEASED[1] * square + (1 - RELEASED[1]) * gradient**2
        scaled = mean / (1 - RELEASED[0] ** update) / np.sqrt(square / (1 - RELEASED[1] ** update))
        logit = logit + 2 * rate * scaled
        if update == full:
            before = logit.mean(axis=0)
    drift = (logit.mean(axis=0) - before) / then / (2 * rate**2 * (2 * share - 1))
    error = drift.std(ddof=1) / np.sqrt(pairs)
    assert abs(drift.mean() - factor(RELEASED)) < 0.1 * factor(RELEASED) + 4 * error
