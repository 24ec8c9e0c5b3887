"""`rlvr budget` and `rlvr multiverse`: what they compare, store and refuse."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from rlvr.commands.command_line import app
from rlvr.experiments import budget_axis, multiverse


def run(*arguments):
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


@pytest.fixture
def one_curve(monkeypatch):
    """Only one stored curve, so that a comparison is quick."""
    table = budget_axis.stored_budgets().query("tie_break == 'uniform' and prior_strength == 0.8")
    monkeypatch.setattr(budget_axis, "stored_budgets", lambda: table)
    return table


def test_a_budget_that_comes_back_ends_well_and_another_does_not(one_curve, monkeypatch):
    good = run("budget", "--until", "7")
    assert (good.exit_code, "every number is as stored" in good.output) == (0, True)
    monkeypatch.setattr(budget_axis, "stored_budgets", lambda: one_curve + 1e-6)
    bad = run("budget", "--until", "7")
    assert (bad.exit_code, "the numbers differ from those stored" in bad.output) == (1, True)


@pytest.fixture
def two_trainings(monkeypatch):
    """Trainings that cost nothing: the stored rows themselves."""
    table, asked = multiverse.stored_multiverse(), []

    def stored_row(design, training, executor):
        asked.append((design, training))
        return table.query("design == @design and training == @training")

    monkeypatch.setattr(multiverse, "recompute_training", stored_row)
    return asked


def test_a_multiverse_compares_as_many_trainings_as_asked_none_twice(two_trainings, monkeypatch):
    good = run("multiverse", "--trainings", "7")
    assert (good.exit_code, len(set(two_trainings))) == (0, 7)
    table = multiverse.stored_multiverse()
    table["null"] += 1e-6
    monkeypatch.setattr(multiverse, "stored_multiverse", lambda: table)
    assert run("multiverse", "--trainings", "2").exit_code == 1


def test_a_multiverse_that_differs_in_the_eleventh_digit_differs(two_trainings, monkeypatch):
    table = multiverse.stored_multiverse().copy()
    table["learning_rate"] *= 1 + 3e-11
    monkeypatch.setattr(multiverse, "stored_multiverse", lambda: table)
    differs = run("multiverse", "--trainings", "2")
    assert (differs.exit_code, "the numbers differ from those stored" in differs.output) == (1, True)
    assert "12 digits" in run("multiverse", "--help").output


def test_a_stored_multiverse_is_every_training_in_order(two_trainings, tmp_path):
    result = run("multiverse", "--store", str(tmp_path))
    assert result.exit_code == 0 and sorted(two_trainings) == sorted(multiverse.trainings())
    assert "stored 892 specifications in multiverse.csv" in result.output
    written = pd.read_csv(tmp_path / "multiverse.csv")
    stored = multiverse.stored_multiverse()
    assert list(written.set_index(stored.index.names).index) == list(stored.index)
    assert [path.name for path in tmp_path.iterdir()] == ["multiverse.csv"]


def test_a_stored_budget_goes_to_the_folder_named(monkeypatch, tmp_path):
    monkeypatch.setattr(budget_axis, "store", lambda folder, progress, executor: progress(folder.name))
    result = run("budget", "--store", str(tmp_path))
    assert (result.exit_code, "stored budget.csv and sign_changes.csv" in result.output) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("budget", "--store", "no-such"), "rlvr: --store must be an existing folder, got 'no-such'\n"),
        (("multiverse", "--store", "no-such"), "rlvr: --store must be an existing folder, got 'no-such'\n"),
        (
            ("budget", "--resume"),
            "rlvr: --resume needs --store, the folder of the run to go on with, got none\n",
        ),
        (("multiverse", "--resume"), "rlvr: --resume needs --store"),
        (("budget", "--until", "3"), "rlvr: until must be one of 5, 7, 10"),
        (
            ("multiverse", "--trainings", "0"),
            "rlvr: --trainings must be a whole number of at least 1, got 0\n",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2 and said in result.stderr and "Traceback" not in result.output
