"""Rows to arms at the edges: what is whole, what is a fraction, what is counted when nothing is said."""

import numpy as np
import pandas as pd
import pytest

from rlvr.arms import ARMS
from rlvr.auditing.study_cells import Arm, Cell, TableError, read_cells


def arms_table(**changes):
    table = {"study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "n_items": 500}
    return pd.DataFrame({**table, "accuracy": [0.25, 0.3, 0.4, 0.5], **changes})


def percent_table(*accuracies, n_items=30):
    return arms_table(accuracy_percent=list(accuracies), n_items=n_items).drop(columns="accuracy")


def outcomes(*rows):
    """From (arm, run, item, correct), with the rest made up."""
    table = pd.DataFrame(rows, columns=["arm", "run", "item", "correct"])
    return table.assign(study="s", model="m", benchmark="b")


def test_an_arm_of_which_nothing_more_is_said():
    arm = Arm("true", 0.5)
    assert (arm.n_items, arm.samples_per_item, arm.n_runs, arm.run_sd) == (None, None, None, None)
    assert (arm.comparable, arm.flag, arm.label, arm.source, arm.note) == ("strict", "", "", "", "")
    assert (arm.file, arm.line, arm.items, arm.outcomes) == ("", 0, None, None)


def test_arms_compare_by_what_was_printed_and_do_not_print_their_outcomes():
    answered = Arm("true", 0.5, items=np.array(["a", "b"]), outcomes=np.array([[0.0, 1.0]]))
    assert answered == Arm("true", 0.5) and "array" not in repr(answered)
    with pytest.raises(AttributeError):
        answered.accuracy = 1.0
    with pytest.raises(AttributeError):
        Cell("s", "", "m", "b", {}).study = "t"


def test_every_column_of_a_row_is_kept():
    row = pd.DataFrame({
        "study": "s", "setup": "x", "model": "m", "benchmark": "b", "arm": ["TRUE"],
        "accuracy_percent": "78.6",
        "n_items": "500", "samples_per_item": "4", "n_runs": "3", "run_sd": "6.5", "comparable": "Near",
        "flag": "f", "arm_label": "l", "source": "o", "note": "n", "role": "ARM",
    })  # fmt: skip
    (cell,) = read_cells([row])
    assert cell.arms["true"] == Arm("true", 0.786, 500, 4, 3, 0.065, "near", "f", "l", "o", "n", "table", 2)
    assert (cell.name, cell.alternatives, cell.notices) == ("s / x / m / b", (), ())


def test_fifteen_digits_are_kept():
    table = percent_table("33.3333333333333", "78.6", "7.1", "12.3456789012345")
    read = [arm.accuracy for arm in read_cells([table])[0].arms.values()]
    assert read == [0.333333333333333, 0.786, 0.071, 0.123456789012345]


def test_lines_are_counted_from_the_header():
    (cell,) = read_cells([arms_table(role=["arm", "arm", "alternative", "arm"])])
    assert {arm.name: arm.line for arm in cell.arms.values()} == {"frozen": 2, "random": 3, "true": 5}
    assert [arm.line for arm in cell.alternatives] == [4]


def test_no_table_at_all_is_refused():
    with pytest.raises(TableError, match="no table was given; name at least one file"):
        read_cells([])


@pytest.mark.parametrize(
    ("accuracy", "n_items", "samples", "whole"),
    [
        ("0.12", 8, "", True),  # 1 of 8 is 0.125: exactly half a digit away
        ("0.36", 60, "", False),  # 22 of 60 is 0.367: more than half a digit, less than one
        ("0.2505", 500, 4, True),
        ("0.2505", 500, "", False),
        ("1", 1, "", True),
        ("0.4", 1, "", False),
        ("0.37", "", "", True),  # nothing is counted, so nothing is amiss
        ("2.5e-1", 4, "", True),
        ("2.5e-1", 9, "", True),  # 2 of 9 is 0.22: within half of the digit given
        ("2.50e-1", 9, "", False),
    ],
)
def test_a_notice_where_no_number_of_answers_gives_the_accuracy(accuracy, n_items, samples, whole):
    row = arms_table(n_items=n_items, samples_per_item=samples).head(1).astype({"accuracy": object})
    (cell,) = read_cells([row.assign(accuracy=accuracy)])
    graded = (n_items or 0) * (samples or 1)
    noun = "graded answer" if graded == 1 else "graded answers"
    assert cell.notices == (() if whole else (f"line 2: {accuracy} is no whole number of {graded} {noun}",))


@pytest.mark.parametrize(
    ("accuracies", "refused"),
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
def test_a_fraction_among_percentages_is_seen_by_the_rest_of_its_cell(accuracies, refused):
    if refused:
        with pytest.raises(TableError, match=f"line 5: accuracy_percent {accuracies[-1]} is no whole number"):
            read_cells([percent_table(*accuracies)])
    else:
        values = [arm.accuracy for arm in read_cells([percent_table(*accuracies)])[0].arms.values()]
        assert values == pytest.approx([float(accuracy) / 100 for accuracy in accuracies])


def test_a_fraction_is_seen_without_a_number_of_items_and_only_in_its_own_cell():
    with pytest.raises(TableError, match=r"line 3: accuracy_percent 0\.709"):
        read_cells([percent_table("49.4", "0.709", "75.8", "78.6", n_items="")])
    apart = percent_table("49.4", "0.709", "75.8", "78.6", n_items="").assign(model=["m", "n", "m", "m"])
    assert len(read_cells([apart])) == 2
    fractions = arms_table(accuracy=["0.494", "0.007", "0.758", "0.786"])
    assert read_cells([fractions])[0].arms["random"].accuracy == 0.007


@pytest.mark.parametrize(("column", "unit"), [("accuracy", 1.0), ("accuracy_percent", 100.0)])
def test_a_run_sd_is_at_most_half_the_range(column, unit):
    row = arms_table().drop(columns="accuracy").assign(**{column: 0.5 * unit}).head(1)
    assert read_cells([row.assign(run_sd=0.5 * unit)])[0].arms["frozen"].run_sd == 0.5
    assert read_cells([row.assign(run_sd="")])[0].arms["frozen"].run_sd is None
    assert read_cells([row.assign(run_sd=0)])[0].arms["frozen"].run_sd == 0.0
    with pytest.raises(TableError, match=r"line 2: run_sd must be at most half the range of accuracy"):
        read_cells([row.assign(run_sd=0.51 * unit)])


def test_one_run_has_no_spread_and_two_have_theirs():
    (one,) = read_cells([outcomes(("true", "r", "a", 1), ("true", "r", "b", 0))])
    assert (one.arms["true"].n_runs, one.arms["true"].run_sd) == (1, None)
    (two,) = read_cells([outcomes(*(("true", run, item, int(run == "r")) for run in "rs" for item in "ab"))])
    assert (two.arms["true"].run_sd, two.arms["true"].accuracy) == (pytest.approx(0.5**0.5), 0.5)
    assert (two.arms["true"].file, two.arms["true"].line) == ("table", 2)


def test_outcomes_of_several_cells_and_arms_are_told_apart():
    rows = [(arm, "1", item, int(arm == "true")) for arm in ("frozen", "true") for item in "ab"]
    table = pd.concat([outcomes(*rows), outcomes(*rows).assign(model="n", correct=0.25)])
    first, second = read_cells([table.sample(frac=1, random_state=3)])
    by_model = {cell.model: cell for cell in (first, second)}
    assert [arm.accuracy for arm in by_model["m"].arms.values()] == [0.0, 1.0]
    assert [arm.accuracy for arm in by_model["n"].arms.values()] == [0.25, 0.25]
    assert by_model["m"].arms["true"].items.tolist() == ["a", "b"] and by_model["m"].setup == ""


def test_an_item_twice_or_not_at_all_is_named_with_its_line():
    rows = [("true", run, item, 1) for run in "rs" for item in "abc"]
    with pytest.raises(TableError, match=r"table, line 8: run r answers item b twice; each run of an arm"):
        read_cells([outcomes(*rows, ("true", "r", "b", 0))])
    with pytest.raises(TableError, match="table, line 2: run s lacks item b; each run of an arm is accepted"):
        read_cells([outcomes(*(row for row in rows if row[1:3] != ("s", "b")))])


def test_words_for_right_and_wrong():
    (cell,) = read_cells(
        [outcomes(("true", "1", "a", "TRUE"), ("true", "1", "b", "false"), ("true", "1", "c", "0.5"))]
    )
    assert cell.arms["true"].outcomes.tolist() == [[1.0, 0.0, 0.5]]
