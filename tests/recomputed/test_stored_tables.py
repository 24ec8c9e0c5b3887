"""Points of Chapters 5, 6, 7, 16, 18 and 19 from the stored tables alone."""

import numpy as np
import pandas as pd
import pytest
from glued import BOOK_DATA, DATA, estimate, glued, numbers, states
from scipy import optimize, special, stats

SWEEP = pd.read_csv(DATA / "sweep.csv").set_index(["size", "tie_break", "prior_strength"]).sort_index()
PRIORS = pd.read_csv(BOOK_DATA / "base_priors.csv")


def row_error(row, term):
    """Standard error of a term in a stored row of 200 task draws."""
    return (row[f"{term}_high"] - row[f"{term}_low"]) / 2 / 1.972


# Chapter 5: the tie rule


@pytest.mark.parametrize("strength", [0.20, 0.50, 0.80])
def test_ties_in_the_sweep(strength):
    uniform, lowest = (SWEEP.loc["light", ties, strength] for ties in ("uniform", "lowest"))
    said, error = estimate("05", f"moved_tie_{strength:.1f}", over=2.064)
    errors = [100 * row_error(row, "elicitation") for row in (uniform, lowest)]
    moved = 100 * (uniform.elicitation - lowest.elicitation)
    assert abs(said - moved) < 3 * np.hypot.reduce([error, *errors])
    if strength == 0.80:
        assert states("05", "tie_part", -moved / (100 * lowest.elicitation), error=0.005)


# Chapters 6, 7 and 18: crossings and nulls


def test_crossings_and_nulls_of_the_stored_curves():
    for size in ("light", "heavy"):
        curve = SWEEP.elicitation.loc[size, "lowest"]
        near = curve.loc[0.3:0.5]
        assert near.is_monotonic_increasing
        assert states("06", f"crossing_{size}", np.interp(0, near, near.index))
        design = SWEEP.reward_design.loc[size, "lowest"].loc[0.5:]
        assert states("06", f"cost_{size}", np.interp(0, -design, design.index))
    assert states("06", "null_max", 100 * SWEEP["null"].abs().max())
    assert states("07", "null_max", 100 * pd.read_csv(DATA / "budget.csv")["null"].abs().max())  # points


# Chapter 16: the ratio of the population


def test_interaction_ratio_of_the_sweep():
    strong, weak = (SWEEP.loc["light", "lowest", strength] for strength in (0.80, 0.35))
    both = (strong.true - weak.true - strong.majority + weak.majority) / 4
    main = (strong.true + strong.majority - weak.true - weak.majority) / 4
    error = np.hypot(*(row_error(row, "reward_design") for row in (strong, weak))) / 4
    for name, value, scale, unit in (("AC", both, 1, 100), ("ratio", abs(both) / main, 1 / main, 1)):
        said, its_error = (part / unit for part in estimate("16", name, over=1.99))
        assert abs(said - value) < 3 * np.hypot(its_error, error * scale) + 0.0005
    _, low, high = numbers("16", "ratio")[0]
    assert (glued("16")["ratio_inside"] == "inside") == (low <= 0.385 <= high)


# Chapters 7 and 19: what an option explains


def shares(term):
    """Between-level sum of squares of every option, over the total."""
    table = pd.read_csv(DATA / "multiverse.csv", keep_default_na=False).query("design == 'array'")
    first, last = table.columns.get_loc("learning_time"), table.columns.get_loc("filtering")
    centred = table[term] - table[term].mean()
    between = {
        option: (centred.groupby(table[option]).transform("mean") ** 2).sum()
        for option in table.columns[first : last + 1]
    }
    return pd.Series(between).sort_values(ascending=False) / (centred**2).sum()


def test_shares_of_the_multiverse():
    elicitation, design = shares("elicitation"), shares("reward_design")
    assert all(states(chapter, "ties_elicitation", elicitation["ties"]) for chapter in ("07", "19"))
    assert states("19", "rest_elicitation", 1 - elicitation.sum())
    assert states("19", "rest_design", 1 - design.sum())
    assert states("19", "top_share", design.iloc[:3].sum())
    three = [option.replace("learning_time", "budget") for option in design.index[:3]]
    assert glued("19")["top_three"] == ", ".join(three)
    assert states("19", "prior_share", design["prior strength"])


# Chapter 18: the published limit, and what training reached


def wilson(share, n):
    """Wilson's 95% interval."""
    z = stats.norm.ppf(0.975)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def test_limit_and_what_training_reached():
    cell = PRIORS.query("study == 'zuo2025ttrl'").set_index("quantity").value_percent
    limit, reached = cell["maj"] - cell["pass"], cell["trained"] - cell["pass"]
    assert states("18", "limit_published", limit) and states("18", "trained_published", reached)
    a, b = cell["trained"] / 100, cell["maj"] / 100
    (a_low, a_high), (b_low, b_high) = wilson(a, 30), wilson(b, 30)
    low, high = a - b - np.hypot(a - a_low, b_high - b), a - b + np.hypot(a_high - a, b - b_low)
    said, halves = numbers("18", "beyond")
    assert np.all(np.abs(100 * np.array([a - b, low, high]) - said) <= np.array(halves) + 1e-9)
    arms = pd.read_csv(DATA / "arms.csv").query("study == 'zuo2025ttrl'").arm
    assert "majority" in set(arms) and "random" not in set(arms)


def test_half_right_does_not_make_the_mode_right():
    answers = {"right": [0.3, 0.3], "wrong": [0.4]}
    assert sum(answers["right"]) > 0.5 and max(answers["wrong"]) > max(answers["right"])


def log_missed(size, pass_1, k):
    """Log probability that k samples miss, for a Beta of this mean and first plus second shape."""
    a, b = pass_1 * size, (1 - pass_1) * size
    return special.betaln(a, b + k) - special.betaln(a, b)


def beta_size(pass_1, pass_k, k):
    """Sum of the shapes at which both numbers hold."""
    gap = lambda log_size: log_missed(np.exp(log_size), pass_1, k) - np.log1p(-pass_k)  # noqa: E731
    return np.exp(optimize.brentq(gap, -8, 12))


def test_bounds_from_two_numbers():
    settled, cells = [], PRIORS.query("study == 'zhou2025evolving'").groupby(["model", "benchmark"])
    for (model, benchmark), cell in cells:
        pass_1, pass_16 = cell.set_index("k").value_percent.loc[[1, 16]] / 100
        size = beta_size(pass_1, pass_16, 16)
        if stats.beta.sf(0.5, pass_1 * size, (1 - pass_1) * size) > pass_1:
            settled.append(f"{model} on {benchmark}")
    assert glued("18")["signs_settled"] == f"{len(settled)} of {cells.ngroups}"
    assert glued("18")["settled_cell"] == ", ".join(settled)


def test_lowest_rung_of_pythia():
    size = beta_size(0.0027, 0.57, 10_000)
    assert states("18", "pythia_a", 0.0027 * size)
    assert states("18", "pythia_100", -np.expm1(log_missed(size, 0.0027, 100)))
    assert states("18", "pythia_never", stats.beta.cdf(1e-4, 0.0027 * size, (1 - 0.0027) * size))
