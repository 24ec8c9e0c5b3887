"""Chapter 20: terms averaged over models, from the accuracies, and corrections of the drawn p-values."""

import math

import numpy as np
import pandas as pd
import pytest
from quoted import DATA, _outputs, assert_quoted, numbers, quotes
from scipy import optimize, stats

CHAPTER = "20-pooling"
ROWS = pd.read_csv(DATA / "arms.csv", keep_default_na=False)
OWN = ROWS.query("study == 'shao2026spurious' and setup == 'training curves' and role == 'arm'")
TERMS = {
    "null": ("random", "frozen"), "elicitation": ("majority", "random"),
    "reward_design": ("true", "majority"),
}  # fmt: skip


def wilson(p, n, z=1.959964):
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def models(benchmark, term):
    """Value and standard error of a term, one row a model without a doubt, in points."""
    found = []
    for _, rows in OWN[OWN.benchmark == benchmark].groupby("model"):
        if (rows.flag != "").any() or (rows.comparable != "strict").any() or len(rows) < 4:
            continue
        rows = rows.set_index("arm")
        (a, low_a, high_a), (b, low_b, high_b) = (
            (p, *wilson(p, float(rows.n_items[arm])))
            for arm in TERMS[term] for p in [float(rows.accuracy_percent[arm]) / 100]
        )  # fmt: skip
        below, above = math.hypot(a - low_a, high_b - b), math.hypot(high_a - a, b - low_b)
        found.append((100 * (a - b), 100 * (below + above) / 2 / 1.959964))
    return np.array(found).T


def pooled(benchmark, term):
    """Mean with its interval, spread, and interval of a further model."""
    values, errors = models(benchmark, term)
    n = len(values)

    def excess(spread2):
        weights = 1 / (errors**2 + spread2)
        mean = (weights * values).sum() / weights.sum()
        return (weights * (values - mean) ** 2).sum() - (n - 1)

    spread2 = optimize.brentq(excess, 0, 1e4) if excess(0) > 0 else 0.0
    weights = 1 / (errors**2 + spread2)
    mean = (weights * values).sum() / weights.sum()
    factor = max(1, (weights * (values - mean) ** 2).sum() / (n - 1))
    error = math.sqrt(factor / weights.sum())
    half, ahead = (
        stats.t.ppf(0.975, n - 1) * error,
        stats.t.ppf(0.975, n - 2) * math.hypot(error, spread2**0.5),
    )
    return (mean, mean - half, mean + half), math.sqrt(spread2), (mean - ahead, mean + ahead)


@pytest.mark.parametrize("term", TERMS)
def test_means_and_predictions_over_models(term):
    mean, spread, ahead = pooled("MATH-500", term)
    assert_quoted(CHAPTER, {f"pooled_{term}": mean, f"next_{term}": ahead})
    if term == "elicitation":
        assert_quoted(CHAPTER, {"between": spread})


def test_reward_design_on_the_small_benchmark():
    mean, spread, _ = pooled("AMC", "reward_design")
    assert_quoted(CHAPTER, {"amc_design": mean, "amc_spread": spread})


def drawn():
    """The p-values of the figure, (comparison, kind): alone, Holm's and of the false discovery rate."""
    table = next(text for output in _outputs(CHAPTER) if (text := output.get("data", {}).get("text/csv")))
    rows = [line.split(",") for line in "".join(table).splitlines()]
    return np.array([float(row[4]) for row in rows if row[1] == "points"]).reshape(-1, 3)


def test_corrected_p_values():
    alone, holm, discovery = drawn().T
    n = int(quotes(CHAPTER)["n_headline"])
    ranks = np.arange(1, len(alone) + 1)
    steps = np.maximum.accumulate(np.minimum((n - ranks + 1) * alone, 1))
    assert np.allclose(holm[1:], steps[1:], rtol=1e-4)
    factor = (1 / np.arange(1, n + 1)).sum()
    rates = np.minimum.accumulate(np.minimum(n * factor * alone / ranks, 1)[::-1])[::-1]
    assert np.allclose(discovery[1:6], rates[1:6], rtol=1e-4)
    said = {"n_identified": alone, "n_holm": holm, "n_discovery": discovery}
    assert_quoted(CHAPTER, {name: (values < 0.05).sum() for name, values in said.items()})


def test_luck_at_the_boundary():
    n, found = (int(quotes(CHAPTER)[name]) for name in ("n_headline", "n_identified"))
    assert_quoted(CHAPTER, {"by_chance": n * 0.025})
    (quoted,), (half,) = numbers(quotes(CHAPTER)["by_luck"])
    exact = 1 - sum(math.comb(n, k) * 0.025**k * 0.975 ** (n - k) for k in range(found))
    assert abs(quoted - 100 * exact) <= half
