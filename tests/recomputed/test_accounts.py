"""Chapter 8: what re-weighting of two strategies can carry of the null, from the transcribed tables."""

import numpy as np
import pandas as pd
from quoted import BOOK_DATA, DATA, assert_quoted, holds, quotes
from scipy import stats

CHAPTER, MODEL = "08-coin-flip", "Qwen2.5-Math-7B"


def null_of_one_run():
    arms = pd.read_csv(DATA / "arms.csv").query("setup == 'training curves' and role == 'arm'")
    arms = arms.query("model == @MODEL and benchmark == 'MATH-500'").set_index("arm").accuracy_percent
    return arms.random - arms.frozen


def bound():
    """The better of two strategies' accuracies less the total, from counts of questions."""
    row = pd.read_csv(BOOK_DATA / "strategies.csv").set_index("model").loc[MODEL]
    code = round(row.n_items * row.share_code_percent / 100)
    right = [
        round(count * percent / 100)
        for count, percent in ((code, row.accuracy_code_percent), (175, row.accuracy_no_code_percent))
    ]
    assert code + 175 == row.n_items == 500
    assert np.isclose(100 * sum(right) / row.n_items, row.accuracy_percent)
    return 100 * right[0] / code - row.accuracy_percent


def repeats():
    """Gains of the five clipped runs over the base, last ten evaluations."""
    table = pd.read_csv(DATA / "repeated_runs.csv")
    table = table.query("design == '8 updates, clipping' and benchmark == 'MATH-500'")
    curves = table[[f"step_{step}" for step in range(81)]].to_numpy(float)
    return curves[:, -10:].mean(axis=1) - curves[:, 0]


def test_one_accuracy_a_strategy():
    assert_quoted(
        CHAPTER,
        {
            "bound_7b": bound(),
            "null_7b": null_of_one_run(),
            "left_7b": null_of_one_run() - bound(),
            "part_one": 100 * bound() / null_of_one_run(),
        },
    )


def test_the_five_repeats_exceed_the_bound_by_little():
    gain = repeats() - bound()
    low, high = stats.ttest_1samp(gain, 0).confidence_interval()
    assert low < 0 < high
    assert_quoted(CHAPTER, {"repeat_beyond": [gain.mean(), low, high]})


def wilson(p, n):
    """Distances of Wilson's 95% interval below and above."""
    z = stats.norm.ppf(0.975)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2) / (1 + z**2 / n)
    return p - (middle - half), middle + half - p


def test_interval_of_the_bound():
    """Questions drawn anew: with code and right, code and wrong, the same without code."""
    drawn = np.random.default_rng(2).multinomial(500, np.array([198, 127, 49, 126]) / 500, 40_000)
    bounds = 100 * (drawn[:, 0] / drawn[:, :2].sum(axis=1) - drawn[:, [0, 2]].sum(axis=1) / 500)
    text = quotes(CHAPTER)["bound_interval"]
    assert holds(text, bound(), *np.quantile(bounds, [0.025, 0.975]), slack=0.15)


def test_accuracy_by_question():
    """The panel that ends at the printed accuracy of RANDOM, caption exchanged with FORMAT's.

    Its intervals resample questions: Newcombe's for the gain, and for the parts questions drawn by their
    change of strategy and, right or wrong, before and after.
    """
    table = pd.read_csv(BOOK_DATA / "strategy_switches.csv").query("reward == 'format (as printed)'")
    before, after = table.switch.str.split(" to ").str.get(0), table.switch.str.split(" to ").str.get(1)
    n, gained = table.n_items.sum(), table.correct_step150 - table.correct_step0
    changed = (before != after).to_numpy()
    total, switched, stayed = (100 * part.sum() / n for part in (gained, gained[changed], gained[~changed]))
    start, end = table.correct_step0.sum() / n, table.correct_step150.sum() / n
    (below, up), (down, above) = wilson(start, n), wilson(end, n)
    assert n == 500 and np.isclose(end, 0.714)
    assert_quoted(
        CHAPTER,
        {
            "panel_total": total,
            "panel_carried": switched,
            "part_panel": 100 * switched / total,
            "panel_gain": [total, total - 100 * np.hypot(down, up), total + 100 * np.hypot(above, below)],
        },
    )
    rng = np.random.default_rng(3)
    items = rng.multinomial(n, table.n_items / n, 40_000)
    right = rng.binomial(items, table.correct_step0 / table.n_items)
    change = 100 * (rng.binomial(items, table.correct_step150 / table.n_items) - right) / n

    def shares_moved(count, right):
        """What re-weighting at the accuracies of each strategy before training gives, in points."""
        code, to_code = (before == "code").to_numpy(), (after == "code").to_numpy()
        with_code = right[..., code].sum(axis=-1) / count[..., code].sum(axis=-1)
        without = right[..., ~code].sum(axis=-1) / count[..., ~code].sum(axis=-1)
        return 100 * (count @ (to_code * 1.0 - code)) / n * (with_code - without)

    shared = shares_moved(table.n_items.to_numpy(), table.correct_step0.to_numpy())
    for name, value, drawn in (
        ("panel_switched", switched, change[:, changed].sum(axis=1)),
        ("panel_unswitched", stayed, change[:, ~changed].sum(axis=1)),
        ("panel_shared", shared, shares_moved(items, right)),
    ):
        text = quotes(CHAPTER)[name]
        assert holds(text.partition(" [")[0], value), name
        assert holds(text, value, *np.quantile(drawn, [0.025, 0.975]), slack=0.15), name
