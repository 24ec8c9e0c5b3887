"""What re-weighting two strategies can carry: by hand from the printed tables, with intervals that cover."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from book import reweighting
from book.published_tables import published_switches
from book.reweighting import left_over, reweighting_accounts, strategy_counts, switch_split

ACCOUNTS = reweighting_accounts()


def test_counts_reproduce_every_printed_accuracy():
    counts = strategy_counts()
    assert {name: (each.n, each.right) for name, each in counts.items()} == {
        "Qwen2.5-Math-7B": ((325, 175), (198, 49)),
        "Qwen2.5-Math-1.5B": ((268, 232), (141, 40)),
        "Qwen2.5-7B": ((461, 39), (184, 24)),
        "Olmo2-7B-SFT": ((490, 10), (103, 4)),
    }
    for each in counts.values():
        assert each.total == pytest.approx(each.printed)


def test_bounds_by_hand():
    bounds = {name: each.bound for name, each in strategy_counts().items()}
    assert bounds == pytest.approx({
        "Qwen2.5-Math-7B": 198 / 325 - 0.494, "Qwen2.5-Math-1.5B": 141 / 268 - 0.362,
        "Qwen2.5-7B": 24 / 39 - 0.416, "Olmo2-7B-SFT": 0.4 - 0.214,
    })  # fmt: skip
    seven = strategy_counts()["Qwen2.5-Math-7B"].bound_interval()
    assert format(100 * seven.value, ".1f") == "11.5" and seven.low == pytest.approx(0.083, abs=0.003)
    assert seven.high == pytest.approx(0.149, abs=0.003) and (seven.n, seven.unit) == (500, "question")


def test_the_interval_of_the_bound_agrees_with_the_delta_method():
    each = strategy_counts()["Qwen2.5-Math-1.5B"]
    # bound = (1 - p)(a - b); p, a, b are independent given the counts.
    p, a, b, n = 268 / 500, 141 / 268, 40 / 232, 500
    variance = p * (1 - p) / n * (a - b) ** 2 + (1 - p) ** 2 * (a * (1 - a) / 268 + b * (1 - b) / 232)
    found = each.bound_interval()
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * variance**0.5, rel=0.05)


def test_the_split_of_the_panel_that_ends_where_random_does_by_hand():
    split = switch_split("format (as printed)")
    assert split.gain.value == pytest.approx((357 - 247) / 500)
    assert split.shared.value == pytest.approx((466 - 325) / 500 * (198 / 325 - 49 / 175))
    assert split.switched.value == pytest.approx(((5 - 7) + (119 - 36)) / 500)
    assert split.unswitched.value == pytest.approx(((212 - 191) + (21 - 13)) / 500)
    assert split.beyond.value == pytest.approx(split.gain.value - split.shared.value)


@pytest.mark.parametrize("reward", sorted(set(published_switches().reward)))
def test_the_parts_add_up_and_lie_inside_their_intervals(reward):
    split = switch_split(reward)
    assert split.switched.value + split.unswitched.value == pytest.approx(split.gain.value)
    for part in (split.gain, split.shared, split.switched, split.unswitched, split.beyond):
        assert part.low < part.value < part.high and (part.n, part.unit) == (500, "question")
    assert split == switch_split(reward)


def test_re_weighting_alone_leaves_nothing_unswitched(monkeypatch):
    rows = pd.DataFrame({
        "reward": "r",
        "switch": ["code to code", "code to language", "language to code", "language to language"],
        "n_items": [300, 0, 150, 50], "correct_step0": [180, 0, 30, 10], "correct_step150": [180, 0, 90, 10],
    })  # fmt: skip
    rows = rows[rows.n_items > 0]
    monkeypatch.setattr(reweighting, "published_switches", lambda: rows)
    split = switch_split("r")  # code 60% right, language 20%, 150 questions switch at just these accuracies
    assert split.shared.value == pytest.approx(0.12) == split.gain.value == split.switched.value
    assert split.unswitched.value == pytest.approx(0) and abs(split.beyond.value) < 1e-12


def test_what_is_left_over():
    table = left_over().set_index("model")
    seven = table.loc["Qwen2.5-Math-7B"]
    assert seven.null == pytest.approx(0.2152) and seven.left.value == pytest.approx(0.7092 - 198 / 325)
    assert seven.left.low > 0 > seven.left_with_runs.low  # questions alone separate it, runs do not
    half = stats.t.ppf(0.975, 4) * 0.065459
    grown = np.hypot(seven.left.value - seven.left.low, half)
    assert seven.left_with_runs.value - seven.left_with_runs.low == pytest.approx(grown, rel=1e-4)
    small = table.loc["Qwen2.5-Math-1.5B"]
    assert format(small.left, ".3f") == "0.108 [0.035, 0.181]"
    assert (table.left.map(lambda left: left.value)[["Qwen2.5-7B", "Olmo2-7B-SFT"]] < 0).all()
    assert left_over(level=0.8).left[0].low > seven.left.low


def test_an_unknown_reward_is_refused():
    with pytest.raises(ValueError, match=r"reward must be one of 'true', .* got 'random'"):
        switch_split("random")


@pytest.mark.parametrize(
    ("row", "null", "at_most", "unit"),
    [
        ("one run", 0.7092 - 0.494, 198 / 325 - 0.494, "question"),
        ("repeats", 0.64312 - 0.494, 198 / 325 - 0.494, "training run"),
        ("panel", (357 - 247) / 500, ((5 - 7) + (119 - 36)) / 500, "question"),
    ],
)
def test_each_row_by_hand(row, null, at_most, unit):
    found = ACCOUNTS.loc[row]
    assert found.gain.value == pytest.approx(null) and found.at_most.value == pytest.approx(at_most)
    assert found.beyond.value == pytest.approx(null - at_most)
    assert (found.beyond.unit, found.at_most.unit) == (unit, "question")
    assert found.beyond.low < found.beyond.value < found.beyond.high


def test_what_is_shown_of_each():
    beyond = ACCOUNTS.beyond
    assert beyond["one run"].excludes(0) and beyond["panel"].excludes(0)  # over the questions of one run
    assert not beyond["repeats"].excludes(0)  # over runs: 3.4 points, not 10
    assert beyond["repeats"].value == pytest.approx(0.034, abs=5e-4)


def test_the_accuracies_that_may_depend_on_the_question_carry_more():
    part = {row.Index: row.at_most.value / row.gain.value for row in ACCOUNTS.itertuples()}
    assert part["one run"] == pytest.approx(0.535, abs=5e-3) and part["panel"] == pytest.approx(
        0.736, abs=5e-3
    )


def test_a_narrower_level_narrows_every_interval():
    for name in ("at_most", "beyond"):
        for narrow, wide in zip(reweighting_accounts(level=0.8)[name], ACCOUNTS[name], strict=True):
            assert narrow.half_width < wide.half_width and narrow.value == wide.value
