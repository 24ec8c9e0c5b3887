"""Chapter 9: the twenty comparisons of clipped and unclipped splits, on the seeds that ran every arm."""

import functools

import numpy as np
import pandas as pd
from quoted import DATA, assert_quoted, forest, quotes
from scipy import stats
from statsmodels.stats.multitest import multipletests

CHAPTER = "09-network"
SPLITS = [("weak", "low"), ("middle", "low"), ("strong", "low"), ("middle", "middle"), ("middle", "high")]
TERMS = {
    "null": ("random", "frozen"),
    "elicitation": ("majority", "random"),
    "reward design": ("true", "majority"),
    "naive": ("true", "random"),
}


@functools.cache
def ends():
    paths = pd.read_csv(DATA / "network_paths.csv.gz")
    return paths[(paths.step == paths.step.max()) | (paths.arm == "frozen")]


def arms(prior, rate, design, measure="trained_right"):
    """Final accuracy in percent of each arm, on the seeds that ran them all."""
    here = ends().query("prior == @prior and (arm == 'frozen' or (rate == @rate and design == @design))")
    return 100 * here.pivot(index="seed", columns="arm", values=measure).dropna()


def term(name, *where, **what):
    above, below = TERMS[name]
    accuracy = arms(*where, **what)
    return accuracy[above] - accuracy[below]


def shift(cell, name):
    return (term(name, *cell, "clipped") - term(name, *cell, "unclipped")).dropna().to_numpy()


def interval(values):
    return [values.mean(), *stats.ttest_1samp(values, 0).confidence_interval()]


def corrected():
    p = {(cell, name): stats.ttest_1samp(shift(cell, name), 0).pvalue for cell in SPLITS for name in TERMS}
    return p, dict(zip(p, multipletests(list(p.values()), method="holm")[1], strict=True))


def test_twenty_shifts_as_drawn():
    for name in TERMS:
        shifts = forest(CHAPTER, "fig-09-clip-terms", name, "1")
        assert list(shifts) == [", ".join(cell) for cell in SPLITS]
        for cell in SPLITS:
            values = shift(cell, name)
            assert values.size == int(quotes(CHAPTER)["n_split"])
            np.testing.assert_allclose(shifts[", ".join(cell)], interval(values), rtol=1e-4, atol=1e-4)


def test_naive_is_one_of_twenty_and_one_of_twenty_survives():
    p, adjusted = corrected()
    again = ("middle", "middle"), "naive"
    kept = [key for key, value in adjusted.items() if value < 0.05]
    assert kept == [(("middle", "high"), "null")] and quotes(CHAPTER)["n_clip_left"] == "one"
    assert_quoted(
        CHAPTER,
        {
            "n_clip_tests": len(p),
            "p_naive": p[again],
            "holm_naive": adjusted[again],
            "box_naive": -shift(*again).mean(),
            "clip_naive": interval(shift(*again)),
            "clip_null": interval(shift(again[0], "null")),
            "clip_naive_high": interval(shift(("middle", "high"), "naive")),
            "clip_elicitation": interval(shift(("middle", "low"), "elicitation")),
            "clip_reward_design": interval(shift(("middle", "low"), "reward design")),
        },
    )


def test_at_the_low_rate_no_shift_of_naive_is_separated_from_zero():
    low = [shift(cell, "naive") for cell in SPLITS if cell[1] == "low"]
    assert all(stats.ttest_1samp(values, 0).pvalue > 0.05 for values in low)
    assert_quoted(CHAPTER, {"clip_low": max(abs(values.mean()) for values in low)})


def test_the_clips_part_of_true_and_of_all_twenty_seeds():
    where = "middle", "middle"
    true = (arms(*where, "clipped").true - arms(*where, "unclipped").true).to_numpy()
    walks = ends().query("arm == 'random' and prior == 'middle' and rate == 'middle'")
    walks = 100 * walks.pivot(index="seed", columns="design", values="trained_right")
    climb = (walks["clipped"] - walks["unclipped"]).to_numpy()
    assert climb.size == int(quotes(CHAPTER)["n_walk"])
    assert_quoted(CHAPTER, {"clip_total": interval(true), "climb": interval(climb)})


def test_the_networks_splits_sampled_and_greedy():
    for reading, measure in {"sampled": "trained_right", "greedy": "trained_greedy"}.items():
        for name in ("null", "elicitation", "reward design"):
            found = forest(CHAPTER, "fig-09-split", f"{name}, network", f"{reading} accuracy")
            for prior in ("weak", "middle", "strong"):
                values = term(name, prior, "low", "clipped", measure=measure).to_numpy()
                np.testing.assert_allclose(found[f"{prior} prior"], interval(values), rtol=1e-4, atol=1e-4)
    naive = {
        reading: np.mean(term("naive", "middle", "low", "clipped", measure=reading))
        for reading in ("trained_right", "trained_greedy")
    }
    assert_quoted(
        CHAPTER, {"naive_middle": naive["trained_right"], "lead_naive_middle": naive["trained_greedy"]}
    )
