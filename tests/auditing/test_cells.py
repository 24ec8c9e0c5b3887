"""Rows to cells of arms: what is kept of a row, what is counted when nothing is said, what is refused."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm, Cell, read_cells
from rlvr.auditing.tables import TableError


def arms_table(**changes):
    table = {"study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "n_items": 500}
    return pd.DataFrame({**table, "accuracy": [0.25, 0.3, 0.4, 0.5], **changes})


def percent_table(*accuracies, n_items=30):
    return arms_table(accuracy_percent=list(accuracies), n_items=n_items).drop(columns="accuracy")


def outcomes_table(n_items=6, n_runs=2, seed=0, **changes):
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [ARMS, range(n_runs), [f"q{i}" for i in range(n_items)]], names=["arm", "run", "item"]
    )
    rows = index.to_frame(index=False).assign(study="s", model="m", benchmark="b")
    return rows.assign(**{"correct": rng.integers(0, 2, len(rows)), **changes})


def outcomes(*rows):
    """From (arm, run, item, correct), with the rest made up."""
    table = pd.DataFrame(rows, columns=["arm", "run", "item", "correct"])
    return table.assign(study="s", model="m", benchmark="b")


def accuracies(cell):
    return [arm.accuracy for arm in cell.arms.values()]


# One row an arm -----------------------------------------------------------------------------------


def test_arms_compare_by_what_was_printed_and_do_not_print_their_outcomes():
    answered = Arm("true", 0.5, items=np.array(["a", "b"]), outcomes=np.array([[0.0, 1.0]]))
    assert answered == Arm("true", 0.5, file="", line=0) and "array" not in repr(answered)
    with pytest.raises(AttributeError):
        answered.accuracy = 1.0
    with pytest.raises(AttributeError):
        Cell("s", "", "m", "b", {}).study = "t"


def test_every_column_of_a_row_is_kept():
    row = pd.DataFrame({
        "study": "s", "setup": "x", "model": "m", "benchmark": "b", "arm": ["TRUE"],
        "accuracy_percent": "78.6", "n_items": "500", "samples_per_item": "4", "n_runs": "3", "run_sd": "6.5",
        "run_sd_runs": "5", "comparable": "Near", "decoding": "Greedy", "flag": "f", "arm_label": "l",
        "source": "o", "note": "n", "role": "ARM",
    })  # fmt: skip
    (cell,) = read_cells([row])
    assert cell.arms["true"] == Arm(
        "true", 0.786, n_items=500, samples_per_item=4, n_runs=3, run_sd=0.065, comparable="near", flag="f",
        label="l", source="o", note="n", file="table", line=2, run_sd_runs=5, decoding="greedy",
    )  # fmt: skip
    assert (cell.name, cell.alternatives, cell.notices) == ("s / x / m / b", (), ())
    bare = read_cells([arms_table(n_items="")])[0].arms["true"]
    assert bare == Arm("true", 0.5, file="table", line=5)


@pytest.mark.parametrize("column", ["item", "correct"])
def test_one_column_of_outcomes_does_not_make_a_table_of_them(column):
    (plain,), (more,) = read_cells([arms_table()]), read_cells([arms_table(**{column: "1"})])
    assert accuracies(more) == accuracies(plain)


def test_percentages_and_fractions_are_the_same_numbers_to_fifteen_digits():
    (one,), (other,) = read_cells([arms_table()]), read_cells([percent_table("25", "30", "40", "50")])
    assert accuracies(one) == accuracies(other)
    table = percent_table("33.3333333333333", "78.6", "7.1", "12.3456789012345")
    assert accuracies(read_cells([table])[0]) == [0.333333333333333, 0.786, 0.071, 0.123456789012345]


def test_arms_come_in_their_order_whatever_the_order_of_rows():
    (cell,) = read_cells([arms_table().iloc[::-1]])
    assert tuple(cell.arms) == ARMS


def test_one_table_needs_no_list(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("study,model,benchmark,arm,accuracy,n_items\ns,m,b,frozen,0.5,8\ns,m,b,true,0.75,8\n")
    frame = pd.read_csv(path)
    assert read_cells(str(path)) == read_cells(path) == read_cells([path]) and len(read_cells(frame)) == 1


@pytest.mark.parametrize(("run_sd", "noticed"), [("0.3", True), ("0.03", False)])
def test_a_wide_run_sd_is_said_in_points(run_sd, noticed):
    (cell,) = read_cells([arms_table(run_sd=run_sd)])
    assert any(f"run_sd {run_sd} is read as 30 points" in notice for notice in cell.notices) == noticed


def test_an_arm_stands_once_within_and_across_tables():
    twice = pd.concat([arms_table(), arms_table().tail(1)])
    with pytest.raises(TableError, match=r"line 6: the true arm of s / m / b is already in table, line 5"):
        read_cells([twice])
    with pytest.raises(TableError, match="is already in"):
        read_cells([arms_table(), arms_table().tail(1)])
    assert len(read_cells([arms_table(), arms_table(setup="second table")])) == 2
    with pytest.raises(TableError, match="no table was given; name at least one file"):
        read_cells([])


def test_alternatives_are_kept_apart_from_the_arm_with_their_lines():
    (cell,) = read_cells([arms_table(role=["arm", "arm", "alternative", "arm"])])
    assert {arm.name: arm.line for arm in cell.arms.values()} == {"frozen": 2, "random": 3, "true": 5}
    assert [(arm.name, arm.accuracy, arm.line) for arm in cell.alternatives] == [("majority", 0.4, 4)]
    other = arms_table(role="alternative").head(1)  # twice, and both in line 2 of a "table"
    assert [arm.name for arm in read_cells([arms_table(), other, other])[0].alternatives] == ["frozen"] * 2


@pytest.mark.parametrize(
    ("shares", "refused"),
    [
        (("50", "60", "70", "0.7"), True),
        (("1.5", "1.2", "1.8", "0.015"), True),  # so poor a model that the fraction is hard to see
        (("50", "60", "70", "1"), True),  # 1% of 30 is no whole number either
        (("50.5", "50.5", "50.5", "1"), False),  # as far from the others as 100 is
        (("50", "60", "70", "0"), False),  # none right is possible
        (("9.0", "0.6", "1.6", "22.8"), False),
        (("0.5", "0.6", "0.7", "0.8"), False),  # all alike: a poor model, not a slip
    ],
)
def test_a_fraction_among_percentages_is_seen_by_the_rest_of_its_cell(shares, refused):
    if refused:
        with pytest.raises(TableError, match=f"line 5: accuracy_percent {shares[-1]} is no whole number"):
            read_cells([percent_table(*shares)])
    else:
        values = accuracies(read_cells([percent_table(*shares)])[0])
        assert values == pytest.approx([float(share) / 100 for share in shares])


@pytest.mark.parametrize(
    ("shares", "noted"),
    [
        (("0.494", "0.708", "0.758", "0.786"), True),
        (("0.4", "0.8", "1.0", "0.6"), False),  # whole numbers of 500 answers
        (("0.21", "0", "0", "0"), False),  # an average of several evaluations
    ],
)
def test_fractions_in_a_whole_cell_of_percentages_are_pointed_out(shares, noted):
    (cell,) = read_cells([percent_table(*shares, n_items=500)])
    assert any("fractions go in" in notice for notice in cell.notices) == noted


def test_a_fraction_is_seen_without_a_number_of_items_and_only_in_its_own_cell():
    mixed = percent_table("49.4", "0.709", "75.8", "78.6", n_items="")
    with pytest.raises(
        TableError, match=r"line 3: accuracy_percent 0\.709 .* percentages alone are accepted"
    ):
        read_cells([mixed])
    assert len(read_cells([mixed.assign(model=["m", "n", "m", "m"])])) == 2
    fractions = arms_table(accuracy=["0.494", "0.007", "0.758", "0.786"])
    assert read_cells([fractions])[0].arms["random"].accuracy == 0.007


@pytest.mark.parametrize(
    ("accuracy", "n_items", "samples", "evaluations", "whole"),
    [
        ("0.12", 8, "", "", True),  # 1 of 8 is 0.125: exactly half a digit away
        ("0.36", 60, "", "", False),  # 22 of 60 is 0.367: more than half a digit, less than one
        ("0.2505", 500, 4, "", True),
        ("0.2505", 500, "", "", False),
        ("0.2505", 500, "", 10, False),
        ("0.0708", 500, "", 10, True),
        ("0.133", 30, "", "", True),
        ("0.270", 30, "", "", False),
        ("1", 1, "", "", True),
        ("0.4", 1, "", "", False),
    ],
)
def test_a_notice_where_no_number_of_answers_gives_the_accuracy(
    accuracy, n_items, samples, evaluations, whole
):
    # Independent arithmetic: is there an integer count whose share lies within half a last digit?
    digit = Fraction(1, 2 * 10 ** len(accuracy.partition(".")[2]))
    n_graded = n_items * (samples or 1) * (evaluations or 1)
    nearest = round(Fraction(accuracy) * n_graded)
    assert (abs(Fraction(nearest, n_graded) - Fraction(accuracy)) <= digit) == whole
    row = arms_table(n_items=n_items, samples_per_item=samples, n_evaluations=evaluations).head(1)
    (cell,) = read_cells([row.astype({"accuracy": object}).assign(accuracy=accuracy)])
    noun = "graded answer" if n_graded == 1 else "graded answers"
    assert cell.notices == (() if whole else (f"line 2: {accuracy} is no whole number of {n_graded} {noun}",))


@pytest.mark.parametrize(
    ("accuracy", "n_items", "whole"),
    [
        ("0.37", "", True),  # nothing is counted, so nothing is amiss
        ("2.5e-1", 4, True),
        ("2.5e-1", 9, True),  # 2 of 9 is 0.22: within half of the digit given
        ("2.50e-1", 9, False),
    ],
)
def test_digits_are_counted_before_an_exponent(accuracy, n_items, whole):
    row = arms_table(n_items=n_items).head(1).astype({"accuracy": object})
    assert bool(read_cells([row.assign(accuracy=accuracy)])[0].notices) != whole


@pytest.mark.parametrize(("column", "unit"), [("accuracy", 1.0), ("accuracy_percent", 100.0)])
def test_a_run_sd_is_in_the_unit_of_the_accuracy_and_at_most_half_its_range(column, unit):
    row = arms_table().drop(columns="accuracy").assign(**{column: 0.5 * unit}).head(1)
    for share in (0.065, 0.5, 0.0):
        assert read_cells([row.assign(run_sd=share * unit)])[0].arms["frozen"].run_sd == pytest.approx(share)
    assert read_cells([row.assign(run_sd="")])[0].arms["frozen"].run_sd is None
    with pytest.raises(TableError, match=r"line 2: run_sd must be at most half the range of accuracy"):
        read_cells([row.assign(run_sd=0.51 * unit)])


# One row an item ----------------------------------------------------------------------------------


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


def test_words_and_shares_for_right_and_wrong():
    rows = [("true", "1", item, word) for item, word in zip("abc", ("TRUE", "false", "0.5"), strict=True)]
    assert read_cells([outcomes(*rows)])[0].arms["true"].outcomes.tolist() == [[1.0, 0.0, 0.5]]


def test_one_run_has_no_spread_and_two_have_theirs():
    (one,) = read_cells([outcomes(("true", "r", "a", 1), ("true", "r", "b", 0))])
    assert (one.arms["true"].n_runs, one.arms["true"].run_sd) == (1, None)
    (two,) = read_cells([outcomes(*(("true", run, item, int(run == "r")) for run in "rs" for item in "ab"))])
    assert (two.arms["true"].run_sd, two.arms["true"].accuracy) == (pytest.approx(0.5**0.5), 0.5)
    assert (two.arms["true"].file, two.arms["true"].line) == ("table", 2)


def test_outcomes_of_several_cells_and_arms_are_told_apart():
    rows = [(arm, "1", item, int(arm == "true")) for arm in ("frozen", "true") for item in "ab"]
    table = pd.concat([outcomes(*rows), outcomes(*rows).assign(model="n", correct=0.25)])
    by_model = {cell.model: cell for cell in read_cells([table.sample(frac=1, random_state=3)])}
    assert accuracies(by_model["m"]) == [0.0, 1.0] and accuracies(by_model["n"]) == [0.25, 0.25]
    assert by_model["m"].arms["true"].items.tolist() == ["a", "b"] and by_model["m"].setup == ""


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


@pytest.mark.parametrize("name", ["seed", "run", None])
def test_outcomes_name_their_runs_or_are_one_run(name):
    table = outcomes_table(n_runs=1 if name is None else 2)
    table = table.drop(columns="run") if name is None else table.rename(columns={"run": name})
    (cell,) = read_cells([table])
    assert cell.arms["true"].n_runs == (1 if name is None else 2)
    assert any("one run" in notice for notice in cell.notices) == (name is None)
    if name is None:
        with pytest.raises(TableError, match=r"twice.*column run"):
            read_cells([pd.concat([table, table])])


def test_an_item_twice_or_not_at_all_is_named_with_its_line():
    rows = [("true", run, item, 1) for run in "rs" for item in "abc"]
    with pytest.raises(TableError, match=r"table, line 8: run r answers item b twice; each run of an arm"):
        read_cells([outcomes(*rows, ("true", "r", "b", 0))])
    with pytest.raises(TableError, match="table, line 2: run s lacks item b; each run of an arm is accepted"):
        read_cells([outcomes(*(row for row in rows if row[1:3] != ("s", "b")))])


# Long cells ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("repeats", [2, 5_000])
@pytest.mark.parametrize(
    "refused",
    [
        lambda long: outcomes_table(item=long),
        lambda long: outcomes_table(run=long),
        lambda long: outcomes(
            *(("true", run, item, 1) for run, item in (("1", "a"), ("1", long), ("2", "a")))
        ),
        lambda long: outcomes_table(correct=long),
        lambda long: outcomes_table(arm=long),
        lambda long: pd.concat([arms_table(study=long, model=long, benchmark=long)] * 2),
        lambda long: arms_table(accuracy=long),
        lambda long: arms_table(n_items=long),
        lambda long: arms_table(run_sd=f"0.{'7' * len(long)}"),
        lambda long: arms_table(role=long),
        lambda long: arms_table(comparable=long),
        lambda long: pd.DataFrame(columns=[long, long, "accuracy"]),
    ],
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


# One row a run --------------------------------------------------------------------------------------

RUNS = pd.DataFrame({
    "arm": ["frozen", "random", "random", "random", "true", "true"], "seed": ["", "a", "b", "c", "b", "a"],
    "accuracy": [0.59, 0.6, 0.62, 0.64, 0.66, 0.65], "n_items": 500,
})  # fmt: skip


def test_rows_that_are_runs_become_a_mean_and_its_spread():
    for table, unit in (
        (RUNS, 1),
        (RUNS.rename(columns={"accuracy": "accuracy_percent", "seed": "run"}), 100),
    ):
        values = RUNS.accuracy * unit
        (cell,) = read_cells([table.assign(**{table.columns[2]: values})])
        assert accuracies(cell) == [0.59, 0.62, 0.655]
        assert [arm.n_runs for arm in cell.arms.values()] == [None, 3, 2]
        assert cell.arms["random"].run_sd == pytest.approx(0.02) and cell.arms["frozen"].run_sd is None
        assert cell.arms["true"].run_sd == pytest.approx(0.01 / 2**0.5)
        assert cell.arms["true"].seeds == ("b", "a") and cell.arms["true"].run_accuracies == (0.66, 0.65)
        assert any("mean of 3 runs (a, b, c)" in note and "2.00 points, with 2 degrees of freedom" in note
                   for note in cell.notices)  # fmt: skip


def test_runs_stay_in_their_benchmark_and_may_have_no_names():
    other = RUNS.assign(benchmark="other", accuracy=RUNS.accuracy / 2)
    first, second = read_cells([pd.concat([RUNS.assign(benchmark="one"), other])])
    assert accuracies(second) == pytest.approx([value / 2 for value in accuracies(first)])
    (cell,) = read_cells([RUNS.assign(seed=["", "", "", "", "1", "2"])])
    assert (cell.arms["random"].seeds, cell.arms["random"].n_runs) == ((), 3)
    assert any("random: mean of 3 runs, which have no names" in note for note in cell.notices)


@pytest.mark.parametrize(
    ("changes", "n_runs", "seeds"),
    [
        ({"seed": ["", "a", "b"]}, [None, 1, 1], [(), ("a",), ("b",)]),
        ({"seed": ["c", "", ""], "n_runs": ["", 3, 2]}, [None, 3, 2], [(), (), ()]),
    ],
)
def test_a_single_row_is_one_run_where_it_is_named_and_else_as_many_as_it_states(changes, n_runs, seeds):
    (cell,) = read_cells([RUNS.drop_duplicates("arm").assign(**changes)])
    assert [arm.n_runs for arm in cell.arms.values()] == n_runs
    assert [arm.seeds for arm in cell.arms.values()] == seeds


def test_frozen_has_evaluations_and_no_runs():
    (cell,) = read_cells(
        [pd.concat([RUNS.assign(seed=[1, *"abcba"]), RUNS.head(1).assign(seed=2, accuracy=0.61)])]
    )
    assert (cell.arms["frozen"].accuracy, cell.arms["frozen"].n_runs) == (0.6, None)
    assert any("frozen: mean of 2 evaluations" in note for note in cell.notices)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"seed": ["", "a", "a", "c", "b", "a"]}, "line 4: run 'a' of the random arm is already in line 3"),
        ({"seed": ["", "a", "", "c", "b", "a"]}, "line 4: one run of the random arm has a name"),
        ({"seed": "", "accuracy": 0.6}, "line 5: two rows of the random arm are equal"),
        ({"n_items": [500, 500, 500, 400, 500, 500]}, "line 5: n_items of the random arm is 400 here"),
        ({"n_runs": 3}, "line 6: n_runs is 3, but the true arm has 2 rows"),
        ({"run_sd": 0.05}, "line 3: run_sd is 0.05, but the 3 rows of the random arm have a"),
        ({"run_sd_runs": ["", 5, "", "", "", ""]}, "line 3: run_sd_runs is 5, but the random arm has 3 rows"),
    ],
)  # fmt: skip
def test_rows_that_contradict_each_other_are_no_runs(change, expected):
    with pytest.raises(TableError, match="accepted") as no:
        read_cells([RUNS.assign(**change)])
    assert expected in str(no.value)
    read_cells([RUNS.assign(run_sd=["", 0.02, "", "", 0.007, ""], n_runs=[1, 3, 3, 3, 1, 1])])  # agrees


# What a table need not say --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "arms"),
    [
        (["Base", "coin", "TTRL", "gt"], ["frozen", "random", "majority", "true"]),
        (["before", "random_reward", "maj", "ground-truth"], ["frozen", "random", "majority", "true"]),
        (["baseline", "placebo", "vote", "verifier"], ["frozen", "random", "majority", "true"]),
        (["frozen", "Random", "majority", "TRUE"], ["frozen", "random", "majority", "true"]),
    ],
)
def test_arms_by_their_common_names_are_read_and_said(words, arms):
    table = pd.DataFrame({"arm": words, "accuracy": [0.25, 0.375, 0.5, 0.75], "n_items": 8})
    outcomes = pd.DataFrame({"arm": words * 2, "run": 1, "item": list("aaaabbbb"), "correct": 1})
    for each in (table, outcomes):
        (cell,) = read_cells([each])
        assert [*cell.arms] == arms and cell.name == "study / model / benchmark"
        assert "no column study or model or benchmark" in cell.notices[0]
        said = [note for note in cell.notices if "common names" in note]
        assert bool(said) == (words[0] != "frozen")
        assert all(
            f"{word.lower()} is {arm.upper()}" in said[0]
            for word, arm in zip(words, arms, strict=True)
            if said
        )


@pytest.mark.parametrize("other", ["baseline", "frozen"])
def test_two_names_of_one_arm_are_refused(other):
    for table in (
        pd.DataFrame({"arm": ["base", other], "accuracy": 0.5, "n_items": 8}),
        pd.DataFrame({"arm": ["base", other], "seed": [1, 2], "accuracy": 0.5, "n_items": 8}),
        pd.DataFrame({"arm": ["base", other], "run": [1, 2], "item": "a", "correct": 1}),
    ):
        with pytest.raises(
            TableError, match=f"line 3: 'base' and '{other}' are both names of the frozen arm; one"
        ):
            read_cells([table])


def test_a_spread_by_another_name_is_said_to_be_passed_over():
    (cell,) = read_cells([RUNS.drop(columns="seed").drop_duplicates("arm").assign(std=0.02)])
    assert any("the column 'std' is ignored; run_sd is read" in note for note in cell.notices)


# Variants of one question ---------------------------------------------------------------------------


def variants(n_clusters=6, **change):
    items = [f"{question}-{variant}" for question in range(n_clusters) for variant in range(3)]
    rows = [{"study": study, "arm": arm, "run": 1, "item": item, "correct": (number + len(arm)) % 2,
             "cluster": item.split("-")[0]} for study in "st" for arm in ("frozen", "true")
            for number, item in enumerate(items)]  # fmt: skip
    return pd.DataFrame(rows).assign(**change)


def test_two_studies_with_the_same_items_and_clusters_side_by_side():
    first, second = read_cells([variants()])
    assert first.arms["true"].outcomes.tolist() == second.arms["true"].outcomes.tolist()
    assert first.arms["true"].clusters.tolist() == [str(question) for question in range(6) for _ in range(3)]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (variants(4), "the frozen arm of s / model / benchmark has 4 clusters of 12 items"),
        (variants(10, cluster=lambda table: ["0" if n % 30 < 20 else str(n % 30) for n in range(len(table))]),
         "has 11 clusters of 30 items, which count as much as 2.2 of one size"),
        (variants(cluster=lambda table: [f"{n // 18 % 2}{n % 18 // 3}" for n in range(len(table))]),
         "line 20: the clusters of the items of the true arm differ from those of the frozen arm"),
        (pd.concat([variants().head(1), variants().assign(cluster="7", run=2).head(1)]),
         "line 3: item 0-0 stands in the clusters '0' and '7'; one cluster"),
    ],
)  # fmt: skip
def test_clusters_that_give_no_interval_are_refused(table, expected):
    with pytest.raises(TableError, match="accepted") as no:
        read_cells([table])
    assert expected in str(no.value)
