"""The published tables: counts, sums, grids, and what the sources print of them."""

import numpy as np
import pandera.errors
import pytest

from book import published_tables
from book.published_tables import (
    published_arms,
    published_label_accuracy,
    published_strategies,
    published_switches,
)
from rlvr.published_runs import DESIGNS, published_repeats, published_run_curves


def test_31_single_runs_and_two_averages_on_each_benchmark():
    for benchmark in ("MATH-500", "AMC"):
        curves = published_run_curves(benchmark)
        assert curves.groupby(level="design").size().to_dict() == dict(
            zip(DESIGNS, (5, 11, 9, 6), strict=True)
        )
        assert list(curves.columns) == list(range(81))
        averages = published_run_curves(benchmark, averages=True)
        assert averages.index.get_level_values("runs_averaged").tolist() == [4, 3]
    assert published_run_curves("MATH-500").notna().sum().sum() == 31 * 81 - 8
    assert published_run_curves("AMC").notna().sum().sum() == 31 * 81 - 4


@pytest.mark.parametrize(("benchmark", "answers", "to"), [("MATH-500", 500, 1e-9), ("AMC", 664, 0.0333)])
def test_every_evaluation_lies_on_the_grid_of_its_questions(benchmark, answers, to):
    right = published_run_curves(benchmark).stack().dropna().to_numpy() / 100 * answers
    assert np.abs(right - right.round()).max() < to  # AMC is given to 0.01 points: 0.005% of 664
    # The control: no other small number of answers fits.
    wrong = right / answers * (answers - 7)
    assert np.abs(wrong - wrong.round()).max() > 0.4


def test_the_grid_of_the_averages_says_how_many_runs_they_average():
    for runs, (_, curve) in zip((4, 3), published_run_curves(averages=True).iterrows(), strict=True):
        off = {n: np.abs(curve / 100 * 500 * n - (curve / 100 * 500 * n).round()).max() for n in range(1, 6)}
        assert min(off, key=off.get) == runs and off[runs] < 0.051
        assert min(off[n] for n in off if n != runs) > 0.2


def test_runs_start_at_the_base_and_have_the_same_number_on_both_benchmarks():
    assert set(published_run_curves()[0]) == {49.4}
    ends = published_repeats()
    both = ends[ends.runs_averaged == 1].pivot(
        index=["design", "run"], columns="benchmark", values="accuracy_percent_mean_last_10"
    )
    for _, design in both.groupby(level="design"):
        assert design.corr(method="spearman").iloc[0, 1] > 0.75


def test_end_points():
    ends = published_repeats().set_index(["benchmark", "design", "run"])
    one = ends.loc["MATH-500", "8 updates, no clipping", 1]
    assert (one.last_step, one.accuracy_percent_step_0, one.accuracy_percent_last) == (77, 49.4, 13.4)
    assert one.accuracy_percent_mean_last_10 == pytest.approx(17.04) and one.accuracy_percent_max == 70.6
    average = ends.loc["MATH-500", "8 updates, no clipping", 12]
    assert average.runs_averaged == 4 and average.accuracy_percent_mean_last_10 == pytest.approx(
        44.81, abs=0.01
    )
    assert len(ends) == 66


def test_switches_add_up_to_500_and_to_the_printed_totals():
    sums = published_switches().groupby("reward")[["n_items", "correct_step0", "correct_step150"]].sum()
    assert set(sums.n_items) == {500} and set(sums.correct_step0) == {247}
    assert (sums.correct_step150 / 5).to_dict() == pytest.approx({
        "true": 78.2, "majority": 76.4, "format (as printed)": 71.4, "incorrect": 73.6,
        "random (as printed)": 65.0,
    })  # fmt: skip
    start = published_switches()[published_switches().switch.str.startswith("code")]
    assert set(start.groupby("reward").n_items.sum()) == {325}  # 65.0% with code, as its table prints
    assert set(start.groupby("reward").correct_step0.sum()) == {198}  # 60.9% of them right


def test_the_panel_called_format_ends_where_random_does():
    arms = published_arms()
    random = arms[
        (arms.setup == "150-step bars") & (arms.model == "Qwen2.5-Math-7B") & (arms.arm == "random")
    ]
    printed = float(random[random.benchmark == "MATH-500"].accuracy_percent.iloc[0])
    sums = published_switches().groupby("reward").correct_step150.sum() / 5
    assert abs(sums["format (as printed)"] - printed) < 1 < abs(sums["random (as printed)"] - printed)


def test_shares_and_accuracies_of_strategies_reproduce_each_printed_accuracy():
    table = published_strategies().dropna(subset=["accuracy_code_percent"])
    share = table.share_code_percent / 100
    together = share * table.accuracy_code_percent + (1 - share) * table.accuracy_no_code_percent
    assert np.abs(together - table.accuracy_percent).max() < 0.1 and len(table) == 4
    # The control: the number that this version misprints does not.
    assert abs(0.65 * 60.9 + 0.35 * 35.0 - 49.4) > 2
    assert published_strategies().query("share_code_percent == 0").accuracy_told_percent.tolist() == [
        13.0, 7.8, 15.2, 8.2
    ]  # fmt: skip


def test_labels():
    table = published_label_accuracy().set_index("model")
    assert (table.n_labels == 100).all() and len(table) == 8
    assert table[table.difficulty_level == 2].n_correct.to_dict() == {
        "Qwen2.5-Math-7B": 99, "Qwen2.5-7B": 89, "Qwen2.5-1.5B": 47, "OLMo2-7B": 1
    }  # fmt: skip
    assert table.n_empty[["OLMo2-7B-SFT", "OLMo2-7B"]].tolist() == [33, 24]
    assert table.n_correct[["OLMo2-7B-SFT", "Llama3.2-3B-Instruct", "Qwen2.5-Math-1.5B"]].tolist() == [
        26,
        23,
        9,
    ]


def test_readers_hand_out_copies():
    for reader in (published_repeats, published_run_curves, published_strategies, published_switches):
        changed = reader()
        changed.iloc[:, -1] = changed.iloc[0, -1]
        assert reader().iloc[:, -1].nunique() > 1


@pytest.mark.parametrize(
    ("file", "column", "wrong"),
    [
        ("repeated_runs.csv", "step_3", 101.0),
        ("repeated_runs.csv", "design", "another"),
        ("strategy_switches.csv", "correct_step0", 10_000),
        ("strategies.csv", "share_code_percent", -1.0),
        ("majority_labels.csv", "label_correct", 2),
        ("majority_labels.csv", "id", 0),
    ],
)
def test_a_table_that_cannot_be_is_refused(monkeypatch, file, column, wrong):
    whole = published_tables.stored_table(file)
    whole[column] = wrong
    monkeypatch.setattr(published_tables, "stored_table", lambda name: whole)
    with pytest.raises(pandera.errors.SchemaError):
        published_tables._checked.__wrapped__(file)


def test_no_right_answer_is_a_count_and_minus_one_is_none(monkeypatch):
    whole = published_tables.stored_table("strategy_switches.csv")
    whole["correct_step0"] = 0
    monkeypatch.setattr(published_tables, "stored_table", lambda name: whole)
    assert (published_tables._checked.__wrapped__("strategy_switches.csv").correct_step0 == 0).all()
    whole["correct_step0"] = -1
    with pytest.raises(pandera.errors.SchemaError):
        published_tables._checked.__wrapped__("strategy_switches.csv")


def test_an_unknown_benchmark_is_refused():
    with pytest.raises(ValueError, match="benchmark must be one of 'MATH-500', 'AMC', got 'AIME24'"):
        published_run_curves("AIME24")
