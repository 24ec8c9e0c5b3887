"""The registered protocol: its digest binds the results, and the results come back."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from rlvr.commands.command_line import app
from rlvr.experiments import sealed_protocol
from rlvr.experiments.sealed_protocol import (
    PROTOCOL,
    REGISTERED,
    _setting,
    confirmatory_run,
    load_protocol,
    load_results,
    run_cell,
    run_gate,
    run_protocol,
)
from rlvr.experiments.stored import rebuild
from rlvr.simulator.kept_chunks import KeptChunks

command = CliRunner()


def test_the_digest_is_that_of_the_bytes_and_the_seed_is_the_digest():
    protocol = load_protocol()
    assert protocol.digest == hashlib.sha256(PROTOCOL.read_bytes()).hexdigest()
    assert protocol.seed == int(protocol.digest, 16)
    assert load_results().digest == protocol.digest


def test_check_passes_and_names_every_hypothesis_of_every_protocol():
    result = command.invoke(app, ["protocol", "check"])
    assert result.exit_code == 0
    for file, _ in REGISTERED.values():
        assert load_protocol(file).digest in result.output.replace("\n", "")
        for name in load_protocol(file).hypotheses:
            assert name in result.output


def test_another_digest_gives_other_data():
    protocol, stored = load_protocol(), load_results()
    content = {**protocol.content, "sample": {"n_tasks": 5, "n_seeds": 2}}
    other = run_cell(replace(protocol, content=content, seed=protocol.seed + 1), "ps20")
    kept = stored.accuracy[stored.accuracy["cell"] == "ps20"].head(5)
    assert not np.array_equal(other["true"].to_numpy(), kept["true"].to_numpy())


def test_the_stored_results_hold_what_was_registered():
    protocol, stored = load_protocol(), load_results()
    gate = protocol.content["gate"]
    sizes = stored.accuracy.groupby("cell").size()
    assert set(sizes.index) == set(protocol.cells) and set(sizes) == {protocol.content["sample"]["n_tasks"]}
    for condition in gate["conditions"]:
        for rule in gate["rules"]:
            assert stored.gate_counts(condition, rule)[1] == gate["n_blocks"] * gate["studies_per_block"]
    for cell in protocol.cells:
        family, _ = protocol.setting(cell)
        assert np.allclose(stored.arm(cell, "frozen"), family.prior_accuracy, atol=1e-12)


def test_a_small_run_is_stored_and_read_back_bit_for_bit(tmp_path):
    text = PROTOCOL.read_text(encoding="utf-8")
    for large in ("n_tasks: 200", "studies_per_block: 200", "n_steps: 200", "n_steps: 800"):
        text = text.replace(large, large[:-3] + "2")
    (tmp_path / "small.yml").write_text(text, encoding="utf-8")
    small = load_protocol(tmp_path / "small.yml")
    experiment = confirmatory_run(tmp_path / "small.yml", tmp_path / "s")
    names = [experiment.label(*part) for part in experiment.cells()]
    assert names[0] == "ps20" and names[-1].startswith("gate task-draw, ")
    with KeptChunks(tmp_path / "chunks") as kept:
        rebuild(experiment, tmp_path, executor=kept)
    stored, again = load_results(tmp_path / "s"), run_protocol(small)
    assert stored.digest == again.digest == small.digest
    assert stored.accuracy.equals(again.accuracy) and stored.gate.equals(again.gate)
    moved = again.accuracy.set_index(["cell", "task"])
    stored_again = experiment.stored_table("s_accuracy.csv", moved)
    assert experiment.agrees(moved, stored_again)
    moved.iloc[0, -1] = np.nextafter(moved.iloc[0, -1], 1)
    assert not experiment.agrees(moved, stored_again)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load_protocol().setting("ps99"), "cell must be one of 'ps20'"),
        (lambda: load_results().arm("ps99", "true"), "cell must be one of"),
        (lambda: run_gate(load_protocol(), "weak", "published"), "condition must be one of"),
        (lambda: run_gate(load_protocol(), "strong", "ours"), "rule must be one of"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("family", "training", "kind"),
    [
        ({"prior_strength": 0.5, "strength": 1}, {}, "TaskFamily .*'strength'"),
        ({"shares": [0.5, 0.5], "accuracies": [1, 0], "prior_strength": 1}, {}, "StrategyFamily .*'prior"),
        ({"prior_strength": 0.5}, {"rate": 1}, "GRPOConfig .*'rate'"),
    ],
)
def test_a_setting_nobody_has_is_named(family, training, kind):
    with pytest.raises(ValueError, match=f"a setting of {kind}"):
        _setting({"family": family, "training": training}, {})


@pytest.mark.parametrize("rule", ["task-draw", "published"])
def test_a_gate_of_task_draws_has_one_seed_each_and_the_published_many(monkeypatch, rule):
    asked = []

    def pool(*_, n_tasks, n_seeds, **__):
        asked.append((n_tasks, n_seeds))
        raise InterruptedError

    monkeypatch.setattr(sealed_protocol, "pool_block", pool)
    protocol = load_protocol()
    gate = protocol.content["gate"]
    with pytest.raises(InterruptedError):
        run_gate(protocol, "strong", rule)
    of_tasks = (gate["studies_per_block"] * gate["n_runs"], 1)
    assert asked == [of_tasks if rule == "task-draw" else (gate["studies_per_block"], gate["n_runs"])]


def test_an_incomplete_protocol_is_named(tmp_path):
    path = tmp_path / "p.yml"
    path.write_text("settings: {}\n")
    with pytest.raises(ValueError, match="lacks sample, cells, hypotheses"):
        load_protocol(path)
    path.write_text("settings: {}\nsample: {}\ncells: [\n")
    with pytest.raises(ValueError, match=r"p\.yml, line 4: cannot be read as YAML"):
        load_protocol(path)
    path.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(ValueError, match=r"p\.yml: cannot be read as YAML"):
        load_protocol(path)
    assert isinstance(load_results().accuracy, pd.DataFrame)
