"""`rlvr sweep` and `rlvr replay`: what they ask for, what they print, how they end."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from rlvr.commands.simulation_commands import app
from rlvr.experiments import coin_flip_models, digit_for_digit
from rlvr.experiments.published_study import Comparison
from rlvr.published_runs import DESIGNS
from rlvr.simulator import trainer
from rlvr.simulator.grpo_config import GRPOConfig


@pytest.fixture
def simulated(monkeypatch):
    """What a command asks of the simulator; it gets a few short runs instead."""
    asked, real = [], trainer.simulate

    def small(families, config, *, progress, **settings):
        assert progress is True
        asked.extend((family.prior_strength, config, settings) for family in families)
        return real(families, replace(config, n_steps=3), n_tasks=2, n_seeds=2, seed=settings["seed"])

    monkeypatch.setattr(trainer, "simulate", small)
    return asked


def run(*arguments):
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def test_a_sweep_of_which_nothing_is_said_is_the_published_one(simulated):
    result = run("sweep")
    assert result.exit_code == 0
    assert [strength for strength, *_ in simulated] == [0.20, 0.35, 0.50, 0.65, 0.80]
    assert {config for _, config, _ in simulated} == {GRPOConfig()}
    assert [settings for *_, settings in simulated] == [{"n_tasks": 100, "n_seeds": 8, "seed": 0}] * 5
    assert "100 task draws x 8 seeds, 95% t intervals over task draws" in result.output
    for head in ("prior strength", "prior accuracy", "null", "elicitation", "reward design / naive"):
        assert head in result.output
    assert "0.65" in result.output and "0.5945" in result.output  # strength and accuracy of the prior


def test_a_sweep_as_asked(simulated):
    result = run("sweep", "--prior-strength", "0.3", "--prior-strength", "0.6", "--n-tasks", "7",
                 "--n-seeds", "3", "--n-steps", "50", "--tie-break", "uniform", "--seed", "4")  # fmt: skip
    assert result.exit_code == 0
    assert [strength for strength, *_ in simulated] == [0.3, 0.6]
    assert simulated[0][1] == GRPOConfig(n_steps=50, tie_break="uniform")
    assert simulated[0][2] == {"n_tasks": 7, "n_seeds": 3, "seed": 4}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--prior-strength", "1.5"),
            "rlvr: prior_strength must be a number strictly between 0 and 1, got 1.5",
        ),
        (("--tie-break", "first"), "rlvr: tie_break must be one of 'lowest', 'uniform', got 'first'"),
        (("--n-steps", "-1"), "rlvr: n_steps must be an integer of at least 0, got -1"),
        (("--store", "no-such-folder"), "rlvr: --store must be an existing folder, got 'no-such-folder'"),
    ],
)
def test_a_sweep_that_cannot_be(simulated, arguments, said):
    result = run("sweep", *arguments)
    assert (result.exit_code, result.stderr, result.stdout) == (2, said + "\n", "")


def test_a_stored_sweep_goes_to_the_folder_named_and_prints_nothing_else(monkeypatch, tmp_path, simulated):
    from rlvr.experiments import prior_sweep

    def store(folder, progress, executor):
        assert executor.folder == tmp_path / ".sweep-chunks" and executor.folder.is_dir()
        progress(f"to {folder.name}")

    monkeypatch.setattr(prior_sweep, "store", store)
    result = run("sweep", "--store", str(tmp_path))
    assert (result.exit_code, result.output) == (0, f"to {tmp_path.name}\n") and simulated == []
    assert list(tmp_path.iterdir()) == []  # the folder of chunks is gone


@pytest.mark.parametrize(("wrong", "exit_code"), [(0, 0), (1, 1)])
def test_a_replay_counts_equal_numbers_and_ends_accordingly(monkeypatch, tmp_path, wrong, exit_code):
    rows = [Comparison("sweep", "null", "0.10", "0.10"), Comparison("gate", "verdict", "points", "points"),
            Comparison("sweep", "total", "0.30", "0.31" if wrong else "0.30")]  # fmt: skip
    asked = []
    monkeypatch.setattr(digit_for_digit, "compare", lambda **settings: asked.append(settings) or iter(rows))
    result = run("replay", "--store", str(tmp_path / "out.csv"))
    assert result.exit_code == exit_code
    assert f"{3 - wrong} of 3 published numbers come back to the last digit given" in result.output
    assert result.output.count("yes") == 3 - wrong and result.output.count("NO") == wrong
    assert asked == [{"quick": False, "heavy": False}]
    stored = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert stored.values.tolist() == [[r.table, r.quantity, r.published, r.replayed] for r in rows]
    run("replay", "--quick", "--heavy")
    assert asked[1] == {"quick": True, "heavy": True}


def test_a_store_that_cannot_be_is_refused_before_anything_is_simulated(tmp_path, monkeypatch):
    monkeypatch.setattr(digit_for_digit, "compare", lambda **_: pytest.fail("it ran"))
    for store in (tmp_path, tmp_path / "none" / "out.csv"):
        result = run("replay", "--store", str(store))
        assert result.exit_code == 2 and "a file in an existing folder is accepted" in result.stderr
    (tmp_path / "sweep.csv").mkdir()
    result = run("sweep", "--store", str(tmp_path))
    assert result.exit_code == 2 and "sweep.csv" in result.stderr


def test_a_replay_that_cannot_be_stored_leaves_what_was_there(tmp_path, monkeypatch):
    store = tmp_path / "replay.csv"
    store.write_text("the last good result")
    row = Comparison("t", "q", "1", "1")
    monkeypatch.setattr(digit_for_digit, "compare", lambda **_: [row])

    def full(*arguments, **settings):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(pd.DataFrame, "to_csv", full)
        result = run("replay", "--store", str(store))
    assert result.exit_code == 2 and result.stderr == f"rlvr: No space left on device: {str(store)!r}\n"
    assert store.read_text() == "the last good result" and list(tmp_path.iterdir()) == [store]
    assert run("replay", "--store", str(store)).exit_code == 0
    assert len(pd.read_csv(store)) == 1


def test_coin_flips_are_stored_where_asked_and_compared_where_not(monkeypatch, tmp_path):
    stored, compared = [], []
    monkeypatch.setattr(coin_flip_models, "models", lambda: {"a model": None})
    monkeypatch.setattr(coin_flip_models, "store", lambda path, progress: stored.append(path))
    runs = np.full((3, 5), 0.5)
    monkeypatch.setattr(
        coin_flip_models, "simulated_runs",
        lambda model, design, n_runs: compared.append((model, design, n_runs)) or runs,
    )  # fmt: skip
    monkeypatch.setattr(coin_flip_models, "stored_model_runs", lambda model, design: runs[:2, 1:])
    result = run("coin-flips", "--store", str(tmp_path / "runs.csv"))
    assert (result.exit_code, result.output, compared) == (0, "", [])
    assert stored == [tmp_path / "runs.csv"]
    result = run("coin-flips", "--runs", "3")
    assert (result.exit_code, stored[1:]) == (0, [])
    assert result.output == "every run is as stored\n"
    assert compared == [("a model", design, 3) for design in DESIGNS]
    monkeypatch.setattr(coin_flip_models, "stored_model_runs", lambda model, design: runs[:2, 1:] + 7e-4)
    result = run("coin-flips")
    assert result.exit_code == 1 and result.output == "the runs differ from those stored\n"
