"""The accounting of the most quoted null: each row by hand, and no sum of rows."""

import pytest

from book.strategy_accounts import reweighting_accounts

ACCOUNTS = reweighting_accounts()


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
