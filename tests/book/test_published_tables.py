"""The published tables: what each file may hold, sums, and what the sources print of them."""

import numpy as np
import pandas as pd
import pandera.errors
import pandera.pandas as pa
import pytest

from book import published_tables
from book.published_tables import (
    base_priors,
    published_arms,
    published_label_accuracy,
    published_strategies,
    published_switches,
    speed_attempts,
    stored_benchmarks,
)  # fmt: skip
from rlvr._data import DATA
from rlvr.published_runs import BENCHMARKS, DESIGNS, LAST_STEP

PERCENT = pa.Column(float, pa.Check.in_range(0, 100), nullable=True, coerce=True)
COUNT = pa.Column(int, pa.Check.ge(0))
BIT = pa.Column(int, pa.Check.isin((0, 1)))
WAYS = ("code", "language")
SCHEMAS = {
    DATA / "repeated_runs.csv": pa.DataFrameSchema(
        {
            "design": pa.Column(str, pa.Check.isin(DESIGNS)),
            "benchmark": pa.Column(str, pa.Check.isin(BENCHMARKS)),
            "run": pa.Column(int, pa.Check.ge(1)),
            "runs_averaged": pa.Column(int, pa.Check.ge(1)),
            **{f"step_{step}": PERCENT for step in range(LAST_STEP + 1)},
        },
        unique=["design", "benchmark", "run"],
    ),
    published_tables.DATA / "strategy_switches.csv": pa.DataFrameSchema(
        {
            "reward": pa.Column(str),
            "switch": pa.Column(str, pa.Check.isin([f"{a} to {b}" for a in WAYS for b in WAYS])),
            "n_items": COUNT,
            "correct_step0": COUNT,
            "correct_step150": COUNT,
        },
        checks=pa.Check(lambda rows: rows[["correct_step0", "correct_step150"]].max(axis=1) <= rows.n_items),
        unique=["reward", "switch"],
    ),
    published_tables.DATA / "strategies.csv": pa.DataFrameSchema(
        {
            "model": pa.Column(str, unique=True),
            "n_items": pa.Column(int, pa.Check.gt(0)),
            **{f"{name}_percent": PERCENT for name in ("share_code", "accuracy_code", "accuracy_no_code")},
            **{f"{name}_percent": PERCENT for name in ("accuracy", "accuracy_told")},
            "source": pa.Column(str),
        }
    ),
    published_tables.DATA / "majority_labels.csv": pa.DataFrameSchema(
        {
            "model": pa.Column(str),
            "difficulty_level": pa.Column(int, pa.Check.in_range(1, 5)),
            "id": COUNT,
            "label_correct": BIT,
            "label_empty": BIT,
        },
        checks=pa.Check(lambda rows: ~((rows.label_correct == 1) & (rows.label_empty == 1))),
        unique=["model", "id"],
    ),
}


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_file_holds_what_it_may(path):
    SCHEMAS[path].validate(pd.read_csv(path))


@pytest.mark.parametrize(
    ("name", "column", "wrong"),
    [
        ("repeated_runs.csv", "step_3", 101.0),
        ("repeated_runs.csv", "design", "another"),
        ("strategy_switches.csv", "correct_step0", 10_000),
        ("strategy_switches.csv", "correct_step0", -1),
        ("strategies.csv", "share_code_percent", -1.0),
        ("majority_labels.csv", "label_correct", 2),
        ("majority_labels.csv", "id", 0),
    ],
)
def test_a_table_that_cannot_be_is_seen(name, column, wrong):
    (path,) = (path for path in SCHEMAS if path.name == name)
    with pytest.raises(pandera.errors.SchemaError):
        SCHEMAS[path].validate(pd.read_csv(path).assign(**{column: wrong}))


def test_the_folder_says_what_it_holds():
    text = (published_tables.DATA / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in published_tables.DATA.iterdir()} - {"README.md"}
    assert {name for name in files if name not in text} == set()


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
    for reader in (published_strategies, published_switches):
        changed = reader()
        changed.iloc[:, -1] = changed.iloc[0, -1]
        assert reader().iloc[:, -1].nunique() > 1


def test_transcribed_numbers_are_percentages_with_a_source_and_more_samples_never_cover_less():
    table = base_priors()
    assert table.value_percent.between(0, 100).all()
    assert table[["study", "model", "benchmark", "how_read", "source"]].notna().all().all()
    assert not table.duplicated(["study", "model", "benchmark", "quantity", "k"]).any()
    passes = table[table.quantity == "pass"].sort_values("k")
    for _, cell in passes.groupby(["study", "model", "benchmark"]):
        assert cell.value_percent.is_monotonic_increasing


def test_benchmarks_are_found_by_key_and_have_no_missing_cells():
    table = stored_benchmarks()
    assert table.index.name == "key" and table.index.is_unique
    assert list(table)[:5] == ["quantity", "unit", "measured", "accepted", "verdict"]
    assert not table.isna().any(axis=None) and (table[["unit", "verdict"]] == "").any(axis=None)


def test_attempts_are_text_and_empty_where_nothing_was_measured():
    table = speed_attempts()
    assert list(table) == ["tried", "measure", "before", "predicted", "found", "kept", "why"]
    assert not table.isna().any(axis=None) and (table == "").any(axis=None)
    assert table.map(lambda cell: isinstance(cell, str)).all(axis=None)
