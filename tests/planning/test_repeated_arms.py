"""The table of others' repeated arms: what it holds, and that a broken one is refused by row."""

import pytest

from rlvr.planning.repeated_arms import CELL, check_repeated_arms, count_training_runs, load_repeated_arms


def test_enough_sources_and_runs_and_majority_among_them():
    counts = count_training_runs()
    assert len(counts) >= 12
    assert counts.to_numpy().sum() >= 100
    assert (counts[["random", "majority", "true"]].sum() >= 30).all()


def test_counts_are_those_of_the_sources():
    counts = count_training_runs()
    assert dict(counts.loc["thuvesen2026grpodecomp"]) == {"majority": 0, "other": 0, "random": 9, "true": 9}
    assert counts.loc["chaudhry2026rlordata", "true"] == 9  # three recipes, three seeds, six readings each
    assert counts.loc["vakada2026labelfree", "majority"] == 6 * 6 * 3


def test_published_differences_come_out_again():
    """Paired differences that two sources print beside their seeds."""
    rows = load_repeated_arms().query("study == 'thuvesen2026grpodecomp'")
    for benchmark, printed in (("GSM8K", 3.9423805913570885), ("Countdown", 46.527777777777773)):
        arms = rows[rows.benchmark == benchmark].pivot_table(
            index="seed", columns="arm", values="accuracy_percent"
        )
        assert (arms.true - arms.random).mean() == pytest.approx(printed, abs=1e-3)


def test_greedy_counts_are_whole_questions():
    """Where one greedy answer a question was read from a file, the accuracy is a count over the questions."""
    rows = load_repeated_arms()
    exact = rows[
        rows.metric.str.startswith("greedy") & rows.read.str.contains("JSON|CSV") & (rows.n_runs == 1)
    ]
    solved = exact.accuracy_percent * exact.n_items / 100
    assert len(exact) > 60
    assert ((solved - solved.round()).abs() < 2e-3).all()


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("accuracy_percent", 101.0, "accuracy_percent"),
        ("accuracy_percent", float("nan"), "accuracy_percent"),
        ("arm", "coin", "arm"),
        ("comparable", "no", "comparable"),
        ("n_items", 0, "n_items"),
        ("n_runs", float("nan"), "n_runs"),
        ("run_sd", 1.0, "run_sd"),
        ("seed", "1", "twice"),
        ("seed", "", "seed"),
        ("steps", 100, "length"),
        ("n_runs", 3, "mixes"),
        ("source_where", "", "source_where"),
        ("seed_paired", "yes", "seed_paired"),
        ("learning_rate", 0.0, "learning_rate"),
        ("kl", -0.1, "kl"),
        ("read_at", "30.11.2026", "read_at"),
        ("model", "Qwen3-4B-Base ", "model"),
    ],
)
def test_a_broken_row_is_refused_by_name(column, value, named):
    table = load_repeated_arms()
    row = table.query("study == 'chaudhry2026rlordata' and seed == '2'").index[0]
    table.loc[row, column] = value
    with pytest.raises(ValueError, match=named) as refused:
        check_repeated_arms(table)
    assert "chaudhry2026rlordata" in str(refused.value)


def test_unknown_columns_are_refused():
    with pytest.raises(ValueError, match="acuracy"):
        check_repeated_arms(load_repeated_arms().rename(columns={"accuracy_percent": "acuracy"}))


def test_a_caller_cannot_change_the_table():
    mine = load_repeated_arms()
    mine["arm"] = "true"
    assert set(load_repeated_arms().arm) > {"true", "random"}
    assert list(CELL)[-1] == "arm"
