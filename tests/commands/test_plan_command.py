"""`rlvr plan` from the outside: guesses, pilots, outputs, refusals."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rlvr.arms import ARMS
from rlvr.commands.command_line import app
from rlvr.decomposition import PARTS
from rlvr.logs.runs import read_logs
from rlvr.planning.pilots import default_run_sd
from rlvr.planning.plan_output import draw_plans
from rlvr.planning.spread_catalogue import catalogue_laws
from rlvr.planning.study_plans import cheapest_design, plan_study

GUESS = ["--frozen", 0.3, "--random", 0.32, "--majority", 0.6, "--true", 0.64]
TABLE = "study,model,benchmark,arm,accuracy,n_items\n" + "".join(
    f"s,m,b,{arm},{accuracy},200\n"
    for arm, accuracy in (("frozen", 0.25), ("random", 0.25), ("majority", 0.25), ("true", 0.75))
)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """What is tried here does not hang on the last percent of a chance."""
    for function in (plan_study, cheapest_design):
        monkeypatch.setitem(function.__kwdefaults__, "draws", 200)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "pilot.csv"
    path.write_text(TABLE)
    return path


def run(*arguments, text=None):
    return CliRunner().invoke(app, ["plan", *map(str, arguments)], input=text)


def planned(*arguments, text=None):
    result = run(*arguments, "--json", "-", text=text)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_guess_gives_a_table_and_a_cheapest_design():
    result = run(*GUESS, "--run-sd", 0.02)
    assert result.exit_code == 0
    assert "elicitation dominates" in result.stdout and "500 items, 3 runs an arm" in result.stdout
    assert re.search(r"cheapest: \d+ items, \d+ runs an arm, cost", result.stdout)
    assert "not given" not in result.stdout


def test_what_is_not_given_is_named_with_its_source():
    plan, sd = planned(*GUESS, "--run-sd", "true=0.01", "--item-correlation", 0.7), default_run_sd()
    design = plan["asked"]["design"]
    assert design["run_sd"] == {
        "frozen": 0.0, "random": sd.run_sd, "majority": sd.run_sd, "true": 0.01,
    }  # fmt: skip
    assert plan["notes"][0].startswith("run-to-run standard deviation of RANDOM, MAJORITY not given")
    assert f"{100 * sd.low:.1f} to {100 * sd.high:.1f}" in plan["notes"][0]
    assert (design["item_correlation"], design["sample_correlation"]) == (0.7, 0.7)


def test_options_reach_the_design():
    plan = planned(
        *GUESS, "--items", 100, "--samples", 4, "--runs", 5, "--run-sd", "random=0.05", "--run-sd", 0.01,
        "--item-correlation", 0.2, "--sample-correlation", 0.6, "--unpaired", "--answers-per-run", 1000,
    )  # fmt: skip
    design = plan["asked"]["design"]
    assert (design["n_items"], design["samples_per_item"], design["n_runs"]) == (100, 4, 5)
    assert design["run_sd"] == {"frozen": 0.0, "random": 0.05, "majority": 0.01, "true": 0.01}
    assert (design["item_correlation"], design["sample_correlation"]) == (0.2, 0.6)
    assert plan["asked"]["paired"] is False and plan["asked"]["cost"] == pytest.approx(15 + 6.4)
    assert [each["design"]["n_runs"] for each in plan["other_designs"]] == [2, 3, 8, 12, 20]


def test_a_pilot_of_logs_with_two_epochs_plans_with_two_samples_an_item(tmp_path):
    logs = Path(__file__).parent.parent / "data" / "logs" / "inspect"
    read = read_logs([(arm, logs / f"{arm}-1.eval") for arm in ARMS], metrics=["match"]).table
    read.to_csv(tmp_path / "pilot.csv", index=False)
    design = planned(tmp_path / "pilot.csv")["asked"]["design"]
    assert (design["n_items"], design["samples_per_item"], design["n_runs"]) == (8, 2, 1)
    assert "8 items x 2 samples" in run(tmp_path / "pilot.csv").stdout
    assert planned(tmp_path / "pilot.csv", "--samples", 1)["asked"]["design"]["samples_per_item"] == 1


def test_a_pilot_is_read_and_options_go_before_it(table):
    plan = planned(table, "--true", 0.5, "--runs", 4)
    design = plan["asked"]["design"]
    assert design["accuracies"] == {"frozen": 0.25, "random": 0.25, "majority": 0.25, "true": 0.5}
    assert (design["n_items"], design["n_runs"]) == (200, 4)
    assert planned("-", "--runs", 4, "--true", 0.5, text=TABLE) == plan


def test_arms_of_a_pilot_without_a_spread_are_named(table):
    header, *rows = TABLE.splitlines()
    stated = [f"{row},{'0.01' if ',random,' in row else ''}" for row in rows]
    table.write_text("\n".join([f"{header},run_sd", *stated]))
    notes = [note for note in planned(table)["notes"] if "not given" in note]
    assert len(notes) == 1 and "MAJORITY, TRUE" in notes[0] and "RANDOM" not in notes[0]


def test_guesses_stand_for_the_arms_that_a_pilot_lacks(table):
    whole = planned(table, "--random", 0.3, "--majority", 0.4)["asked"]["design"]
    rows = [row for row in TABLE.splitlines() if ",random," not in row and ",majority," not in row]
    table.write_text("\n".join(rows))
    assert planned(table, "--random", 0.3, "--majority", 0.4)["asked"]["design"] == whole
    assert "--random, --majority" in run(table).stderr
    table.write_text("\n".join(rows).replace(",200", ","))
    assert "--items" in run(table, "--random", 0.3, "--majority", 0.4).stderr
    assert planned(table, "--random", 0.3, "--majority", 0.4, "--items", 200)["asked"]["design"] == whole


def test_few_runs_of_a_pilot_say_how_little_they_know_of_the_spread(table):
    runs = "arm,seed,accuracy,n_items\nfrozen,,0.4,50\nmajority,1,0.5,50\n" + "".join(
        f"{arm},{seed},{0.5 + step * seed},50\n"
        for arm, step in (("random", 0.1), ("true", 0))
        for seed in (1, 2)
    )
    table.write_text(runs)
    notes = planned(table)["notes"]
    (random,) = (note for note in notes if "RANDOM from 2 runs" in note)
    (true,) = (note for note in notes if "TRUE from 2 runs" in note)
    assert "7.1 points (95% interval 3.2 to 225.6)" in random and "not runs without a spread" in true
    assert not any("from 2 runs" in note for note in planned(table, "--run-sd", 0.02)["notes"])


def test_a_wanted_half_width_takes_the_place_of_the_chance():
    widths = planned(*GUESS, "--run-sd", 0.02, "--half-width", 0.05)["cheapest"]["half_widths"]["all"]
    assert max(widths[part] for part in PARTS) <= 0.05
    assert planned(*GUESS, "--run-sd", 0.02, "--chance", 0.9)["cheapest"]["chance"]["all"] >= 0.9


def test_why_there_is_no_cheapest_design():
    result = run("--frozen", 0.2, "--random", 0.3, "--majority", 0.4, "--true", 0.61)
    assert result.exit_code == 0
    assert "cheapest: none with up to 5000 items and 20 runs has chance 0.8" in result.stdout


def test_files_are_written_and_the_figure_shows_other_numbers_of_items(tmp_path, monkeypatch):
    drawn = []

    def watched(plans):
        drawn.extend(plan.design.n_items for plan in plans)
        return draw_plans(plans)

    monkeypatch.setattr("rlvr.planning.plan_output.draw_plans", watched)
    out, figure = tmp_path / "plan.json", tmp_path / "plan.svg"
    result = run(*GUESS, "--run-sd", 0.02, "--items", 500, "--json", out, "--figure", figure)
    assert result.exit_code == 0 and "cheapest" in result.stdout
    assert json.loads(out.read_text())["asked"]["verdict"] == "elicitation"
    assert "<svg" in figure.read_text()[:500]
    assert set(drawn) == {100, 500, 2000} and drawn.count(100) == drawn.count(2000) == drawn.count(500)


@pytest.mark.parametrize(
    "arguments, found",
    [
        ([], "missing --frozen, --random, --majority, --true"),
        (GUESS[:6], "missing --true"),
        ([*GUESS, "--true", 64], "accuracy of true must be a fraction from 0 to 1, got 64.0"),
        ([*GUESS, "--run-sd", "frozen=0.1"], "--run-sd must be a fraction from 0 to 0.5, or one of random="),
        ([*GUESS, "--run-sd", "much"], "got 'much'"),
        ([*GUESS, "--run-sd", "nan"], "--run-sd must be"),
        ([*GUESS, "--run-sd", 7], "--run-sd must be"),
        ([*GUESS, "--chance", 1], "chance must be a number strictly between 0 and 1"),
        ([*GUESS, "--half-width", 0], "half_width must be a number strictly between 0 and 1"),
        ([*GUESS, "--level", 95], "level must be a number strictly between 0 and 1, got 95.0"),
        ([*GUESS, "--rule", "mine"], "rule must be one of"),
        ([*GUESS, "--answers-per-run", 0], "answers_per_run must be a number above 0"),
        ([*GUESS, "--figure", "plan.bmp"], "a name that ends in .png, .svg, .pdf is accepted"),
        (["none.csv"], "no such file"),
    ],
)
def test_refusals_are_one_line_and_nothing_is_written(arguments, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, "--json", "out.json")
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.startswith("rlvr: ") and found in result.stderr and result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_pilot_is_one_cell_with_four_arms_and_never_an_output(table):
    table.write_text(TABLE + TABLE.replace("s,m", "t,m").partition("\n")[2])
    assert "the table of a pilot must hold one cell, got 2: s / m / b, t / m / b" in run(table).stderr
    table.write_text(TABLE.replace("s,m,b,majority,0.25,200\n", ""))
    assert "has no majority" in run(table).stderr
    table.write_text(TABLE)
    result = run(table, "--json", table)
    assert result.exit_code == 2 and "name another file" in result.stderr
    assert table.read_text() == TABLE
    assert "a file in an existing folder" in run(*GUESS, "--json", table.parent).stderr


def test_the_catalogue_stands_for_all_arms_or_for_one():
    plan = planned(*GUESS, "--run-sd", "from=catalogue")
    sds, laws = plan["asked"]["design"]["run_sd"], catalogue_laws()
    assert sds == {"frozen": 0.0, **{arm: pytest.approx(law.median) for arm, law in laws.items()}}
    assert any("at the median spreads" in note for note in plan["notes"])
    one = planned(*GUESS, "--run-sd", "random=catalogue", "--run-sd", 0.02)
    assert one["asked"]["design"]["run_sd"]["true"] == 0.02
    assert sum("studies measured" in note for note in one["notes"]) == 1


@pytest.mark.parametrize("text", ["catalog", "from=0.1", "frozen=catalogue", "from=", "true=from"])
def test_a_word_near_the_catalogue_is_refused(text):
    result = run(*GUESS, "--run-sd", text)
    assert result.exit_code == 2 and "from=catalogue" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("given", [("0.02", "0.03"), ("0.02", "from=catalogue"), ("true=0.1", "true=0.2")])
def test_two_spreads_for_one_arm_are_refused(given):
    result = run(*GUESS, "--run-sd", given[0], "--run-sd", given[1])
    assert result.exit_code == 2 and "leave one out" in result.stderr
