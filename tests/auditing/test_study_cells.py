"""Rows to cells, and the book's own transcribed data against its sources' printed numbers."""

import re
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from book.published_tables import PAPERS, published_arms, published_curves
from rlvr.arms import ARMS
from rlvr.auditing.study_cells import TableError, read_cells
from rlvr.published_runs import published_repeats

ROOT = Path(__file__).parents[2]


def arms_table(**changes):
    table = {"study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "n_items": 500}
    return pd.DataFrame({**table, "accuracy": [0.25, 0.3, 0.4, 0.5], **changes})


def outcomes_table(n_items=6, n_runs=2, seed=0, **changes):
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [ARMS, range(n_runs), [f"q{i}" for i in range(n_items)]], names=["arm", "run", "item"]
    )
    rows = index.to_frame(index=False).assign(study="s", model="m", benchmark="b")
    return rows.assign(**{"correct": rng.integers(0, 2, len(rows)), **changes})


def test_every_paper_in_the_data_has_a_name():
    assert set(published_arms().study) == set(PAPERS)


@pytest.mark.parametrize("column", ["item", "correct"])
def test_one_column_of_outcomes_does_not_make_a_table_of_them(column):
    (plain,), (more,) = read_cells([arms_table()]), read_cells([arms_table(**{column: "1"})])
    assert [arm.accuracy for arm in more.arms.values()] == [arm.accuracy for arm in plain.arms.values()]


def test_percentages_and_fractions_are_the_same_numbers():
    percent = arms_table().drop(columns="accuracy").assign(accuracy_percent=["25", "30", "40", "50"])
    (one,), (other,) = read_cells([arms_table()]), read_cells([percent])
    assert [arm.accuracy for arm in one.arms.values()] == [arm.accuracy for arm in other.arms.values()]


def test_arms_come_in_their_order_whatever_the_order_of_rows():
    (cell,) = read_cells([arms_table().iloc[::-1]])
    assert tuple(cell.arms) == ARMS


def test_an_arm_stands_once_within_and_across_tables():
    twice = pd.concat([arms_table(), arms_table().tail(1)])
    with pytest.raises(
        TableError, match=r"line 6: the true arm of s / m / b already stands in table, line 5"
    ):
        read_cells([twice])
    with pytest.raises(TableError, match="already stands"):
        read_cells([arms_table(), arms_table().tail(1)])
    assert len(read_cells([arms_table(), arms_table(setup="second table")])) == 2


def test_alternatives_are_kept_apart_from_the_arm():
    rows = pd.concat([arms_table(role="arm"), arms_table(accuracy=0.45, role="alternative").head(1)])
    (cell,) = read_cells([rows])
    assert cell.arms["frozen"].accuracy == 0.25
    assert [(arm.name, arm.accuracy) for arm in cell.alternatives] == [("frozen", 0.45)]


def test_a_fraction_among_percentages_is_refused_and_a_small_percentage_is_not():
    mixed = arms_table().drop(columns="accuracy").assign(accuracy_percent=["49.4", "0.709", "75.8", "78.6"])
    with pytest.raises(
        TableError, match=r"line 3: accuracy_percent 0\.709 .* percentages alone are accepted here"
    ):
        read_cells([mixed])
    collapsed = mixed.assign(accuracy_percent=["9.0", "0.6", "1.6", "22.8"])
    assert read_cells([collapsed])[0].arms["random"].accuracy == pytest.approx(0.006)


@pytest.mark.parametrize(
    "accuracy, n_items, evaluations, whole",
    [("0.25", 500, 1, True), ("0.2505", 500, 1, False), ("0.2505", 500, 10, False), ("0.133", 30, 1, True),
     ("0.27", 30, 1, True), ("0.270", 30, 1, False), ("0.0708", 500, 10, True)],
)  # fmt: skip
def test_whole_number_notice_allows_for_printed_digits(accuracy, n_items, evaluations, whole):
    # Independent arithmetic: is there an integer count whose share lies within half a last digit?
    digit = Fraction(1, 2 * 10 ** len(accuracy.partition(".")[2]))
    answers = n_items * evaluations
    nearest = round(Fraction(accuracy) * answers)
    assert (abs(Fraction(nearest, answers) - Fraction(accuracy)) <= digit) == whole
    row = arms_table(n_items=n_items, n_evaluations=evaluations).head(1).astype({"accuracy": object})
    (cell,) = read_cells([row.assign(accuracy=accuracy)])
    assert bool(cell.notices) != whole


def test_run_sd_is_read_in_the_unit_of_the_accuracy():
    percent = arms_table(run_sd=6.5).drop(columns="accuracy").assign(accuracy_percent=30.0)
    assert read_cells([percent.head(1)])[0].arms["frozen"].run_sd == pytest.approx(0.065)
    with pytest.raises(TableError, match="run_sd must be at most half"):
        read_cells([arms_table(run_sd=6.5)])


def test_outcomes_become_run_by_item_matrices():
    table = outcomes_table()
    (cell,) = read_cells([table.sample(frac=1, random_state=1)])
    for name, arm in cell.arms.items():
        expected = table[table.arm == name].pivot(index="run", columns="item", values="correct")
        np.testing.assert_array_equal(arm.outcomes, expected.to_numpy())
        assert list(arm.items) == list(expected.columns)
        assert arm.accuracy == pytest.approx(expected.to_numpy().mean())
        assert arm.run_sd == pytest.approx(expected.mean(axis=1).std(ddof=1))
        assert (arm.n_runs, arm.n_items) == expected.shape


def test_outcomes_as_true_false_and_shares():
    shares = outcomes_table(correct=0.5)
    assert read_cells([shares])[0].arms["true"].accuracy == 0.5
    words = outcomes_table(correct="True")
    assert read_cells([words])[0].arms["true"].accuracy == 1


def test_what_a_table_of_outcomes_states_beside_them_is_kept_not_checked_and_dropped():
    """Two runs of each arm, one with fewer samples; RANDOM less comparable; another prompt's FROZEN."""
    table = outcomes_table(role="arm", comparable="", decoding="greedy")
    table["samples_per_item"] = np.where(table.run == 0, "4", "2.0")
    table.loc[(table.arm == "random") & (table.run == 1), "comparable"] = "Near"
    table.loc[table.arm == "majority", "samples_per_item"] = ""
    other = table[table.arm == "frozen"].assign(role="Alternative", correct=1)
    (cell,) = read_cells([pd.concat([table, other])])
    assert [arm.samples_per_item for arm in cell.arms.values()] == [2, 2, None, 2]
    assert [arm.comparable for arm in cell.arms.values()] == ["strict", "near", "strict", "strict"]
    assert {arm.decoding for arm in cell.arms.values()} == {"greedy"}
    assert [(arm.name, arm.accuracy) for arm in cell.alternatives] == [("frozen", 1.0)]
    assert cell.arms["frozen"].outcomes.shape == (2, 6)
    plain = read_cells([outcomes_table(role="")])[0].arms["true"]
    assert (plain.samples_per_item, plain.comparable, plain.decoding) == (None, "strict", "")


@pytest.mark.parametrize("misspelt", ["sample_per_item", "samples per item"])
def test_a_column_of_outcomes_that_counts_is_not_passed_over_misspelt(misspelt):
    with pytest.raises(TableError, match="is not known, did you mean samples_per_item"):
        read_cells([outcomes_table(**{misspelt: 2})])


def test_outcomes_missing_or_repeated_are_refused():
    table = outcomes_table()
    with pytest.raises(TableError, match=r"line 50: run 1 answers item q5 twice"):
        read_cells([pd.concat([table, table.tail(1)])])
    with pytest.raises(TableError, match="run 1 lacks item q5"):
        read_cells([table.head(-1)])


@pytest.mark.parametrize("repeats", [2, 5_000])
@pytest.mark.parametrize(
    "refused",
    [
        lambda long: outcomes_table(item=long),
        lambda long: outcomes_table(run=long),
        lambda long: outcomes_table(correct=long),
        lambda long: outcomes_table(arm=long),
        lambda long: pd.concat([arms_table(study=long, model=long, benchmark=long)] * 2),
        lambda long: arms_table(accuracy=long),
        lambda long: arms_table(n_items=long),
        lambda long: arms_table(run_sd=f"0.{'7' * len(long)}"),
        lambda long: pd.DataFrame(columns=[long, long, "accuracy"]),
    ],
    ids=["item", "run", "correct", "arm", "names", "accuracy", "count", "digits", "head"],
)
def test_a_refusal_shows_the_beginning_and_the_end_of_a_long_cell(refused, repeats):
    with pytest.raises(TableError) as refusal:
        read_cells([refused("cell" * repeats)])
    # What the program says itself is at most 230 characters; of somebody's cells it repeats at most 300.
    assert len(str(refusal.value)) < 530 and "\n" not in str(refusal.value)
    assert ("characters)" in str(refusal.value)) == (repeats > 2)


def test_a_notice_shortens_a_long_number_too():
    (cell,) = read_cells([arms_table(accuracy=f"0.{'123' * 900}").head(1)])
    assert len(cell.notices[0]) < 200 and "(2,702 characters)" in cell.notices[0]


# The book's own data ------------------------------------------------------------------------------


def own(**where):
    rows = published_arms()
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows


def complete_cells(comparable):
    rows = own(role="arm")
    rows = rows[rows.comparable.isin(comparable)]
    arms = rows.groupby(["study", "setup", "model", "benchmark"]).arm.agg(frozenset)
    return arms


def test_counts_of_cells():
    strict, near = complete_cells(["strict"]), complete_cells(["strict", "near"])
    assert (strict.map(len) == 4).sum() == 43
    assert (near.map(len) == 4).sum() - (strict.map(len) == 4).sum() == 20
    assert (near.map(len) == 3).sum() == 13


def test_every_study_is_a_reference_and_every_row_says_where_it_was_read():
    keys = set(re.findall(r"@\w+\{(\w+),", (ROOT / "references.bib").read_text(encoding="utf-8")))
    rows = own()
    assert set(rows.study) <= keys
    assert (rows[["how_read", "source", "metric"]] != "").all(axis=None)


def test_the_first_arxiv_version_prints_its_gains():
    v1 = own(setup="arXiv v1, 300 steps", model="Qwen2.5-Math-7B", role="arm").set_index("arm")
    accuracy = v1.accuracy_percent.map(Fraction)
    gains = [float(accuracy[arm] - accuracy["frozen"]) for arm in ("true", "majority", "random")]
    assert float(accuracy["frozen"]) == 49.4 and gains == [29.1, 27.1, 21.4]


def test_the_150_step_and_300_step_versions_differ_and_say_so():
    early = own(setup="150-step bars", model="Qwen2.5-Math-7B").set_index("arm")
    late = own(setup="arXiv v1, 300 steps", model="Qwen2.5-Math-7B").set_index("arm")
    assert float(early.accuracy_percent["true"]) - 49.4 == pytest.approx(28.8)
    assert float(late.accuracy_percent["true"]) - 49.4 == pytest.approx(29.1)
    assert early.note["true"].endswith("150 steps") and late.note["true"].endswith("300 steps")
    assert (early.flag != "").all() and (late.flag != "").all()


def test_the_ends_of_the_curves_are_the_arms():
    curves = published_curves().set_index(["model", "benchmark"])
    rows = own(study="shao2026spurious", setup="training curves", role="arm")
    checked = 0
    for row in rows[rows.benchmark.isin(["MATH-500", "AMC"]) & (rows.arm != "frozen")].itertuples():
        run = curves.loc[(row.model, row.benchmark), row.arm].dropna()
        # Values are read to 0.01 and averaged over ten evaluations.
        assert run.tail(10).mean() == pytest.approx(float(row.accuracy_percent), abs=0.02), row
        checked += 1
    assert checked == 60


def test_the_base_of_the_curves_is_the_frozen_arm_unless_flagged():
    curves = published_curves()
    start = curves[(curves.step == 0) & (curves.benchmark == "MATH-500")].set_index("model")
    frozen = own(setup="training curves", arm="frozen", role="arm", benchmark="MATH-500").set_index("model")
    for model, accuracy in frozen.accuracy_percent.astype(float).items():
        bases = start.loc[model, ["random", "majority", "true"]].astype(float)
        if model == "Olmo2-7B":
            bases = bases.drop("random")  # an average of two runs this early, as the data folder says
        flagged = own(setup="training curves", model=model, benchmark="MATH-500", role="arm").flag.any()
        assert flagged or np.allclose(bases, accuracy, atol=0.011), (model, accuracy, list(bases))
    assert start.loc["Llama3.1-8B-Instruct", "random"] == pytest.approx(38.4)


def test_run_sd_is_that_of_the_five_repeats():
    repeats = published_repeats()
    clipped = repeats[repeats.design == "8 updates, clipping"]
    for benchmark, ends in clipped.groupby("benchmark").accuracy_percent_mean_last_10:
        row = own(setup="training curves", model="Qwen2.5-Math-7B", benchmark=benchmark, arm="random").iloc[0]
        assert float(row.run_sd) == pytest.approx(ends.std(ddof=1), abs=0.005)
        assert row.run_sd_runs == str(len(ends)) == "5"
    ends = clipped[clipped.benchmark == "MATH-500"].accuracy_percent_mean_last_10
    assert (ends.min(), ends.max()) == pytest.approx((53.48, 69.78))


def test_doubtful_rows_are_kept_and_flagged():
    swapped = own(setup="Fig. 7 at step 150", arm="random")
    assert set(swapped.role) == {"arm", "alternative"} and swapped.flag.str.contains("swapped").all()
    assert (
        own(setup="arXiv v1, 300 steps", model="Qwen2.5-7B", arm="true").flag.str.contains("inferred").all()
    )
    hardware = own(setup="training curves", model="Llama3.1-8B-Instruct", arm="random", benchmark="MATH-500")
    assert hardware.flag.str.contains("base accuracy differs").all()
    averaged = own(setup="training curves", model="Llama3.2-3B", arm="frozen", benchmark="MATH-500")
    assert averaged.flag.str.contains("averaged").all()


def test_18064_curve_values_are_there_and_are_percentages():
    values = published_curves().drop(columns=["model", "benchmark", "step"]).stack().dropna()
    assert len(values) == 18_064 and values.between(0, 100).all()


def test_the_data_folder_documents_every_column():
    text = files("rlvr").joinpath("data/README.md").read_text(encoding="utf-8")
    assert [column for column in published_arms() if f"`{column}`" not in text] == []
