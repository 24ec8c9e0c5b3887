"""Chapter 15: what re-weighting of two strategies can carry of the null, from the transcribed tables."""

import numpy as np
import pandas as pd
from quoted import DATA, assert_quoted, holds, quotes
from scipy import stats

CHAPTER, MODEL = "15-coin-flip", "Qwen2.5-Math-7B"


def null_of_one_run():
    arms = pd.read_csv(DATA / "arms.csv").query("setup == 'training curves' and role == 'arm'")
    arms = arms.query("model == @MODEL and benchmark == 'MATH-500'").set_index("arm").accuracy_percent
    return arms.random - arms.frozen


def bound():
    """The better of two strategies' accuracies less the total, from counts of questions."""
    row = pd.read_csv(DATA / "strategies.csv").set_index("model").loc[MODEL]
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


def test_accuracy_by_question():
    """The panel that ends at the printed accuracy of RANDOM, caption exchanged with FORMAT's."""
    table = pd.read_csv(DATA / "strategy_switches.csv").query("reward == 'format (as printed)'")
    before, after = table.switch.str.split(" to ").str.get(0), table.switch.str.split(" to ").str.get(1)
    n, gained = table.n_items.sum(), table.correct_step150 - table.correct_step0
    changed = before != after
    accuracy = table.correct_step0.groupby(before).sum() / table.n_items.groupby(before).sum()
    moved = table.n_items.groupby(after).sum() - table.n_items.groupby(before).sum()
    # Points, one a question; the intervals are of the chapter, and resample questions.
    total, switched, stayed = (100 * part.sum() / n for part in (gained, gained[changed], gained[~changed]))
    assert n == 500 and np.isclose(100 * table.correct_step150.sum() / n, 71.4)
    assert_quoted(
        CHAPTER, {"panel_total": total, "panel_carried": switched, "part_panel": 100 * switched / total}
    )
    for name, value in {
        "panel_gain": total,
        "panel_switched": switched,
        "panel_unswitched": stayed,
        "panel_shared": 100 * (moved * accuracy).sum() / n,
    }.items():
        assert_first(name, value)


def assert_first(name, value):
    """The first number quoted under a name; its interval is not recomputed here."""
    assert holds(quotes(CHAPTER)[name].split(" [")[0], value), name
