"""The registered protocol: its digest binds the results, and the results come back."""

import hashlib
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from rlvr.arms import ARMS
from rlvr.commands.command_line import app
from rlvr.experiments import sealed_protocol
from rlvr.experiments.sealed_protocol import (
    PROTOCOL,
    REGISTERED,
    Results,
    _setting,
    load_protocol,
    load_results,
    run_cell,
    run_gate,
    run_protocol,
    store_results,
)

command = CliRunner()


@pytest.fixture(params=list(REGISTERED))
def copies(tmp_path, request):
    """A copy of a protocol and of its stored results."""
    file, stem = REGISTERED[request.param]
    shutil.copy(file, tmp_path / "protocol.yml")
    for name in ("accuracy", "gate"):
        shutil.copy(f"{stem}_{name}.csv", tmp_path / f"confirmatory_{name}.csv")
    return tmp_path


def check(copies):
    return command.invoke(
        app,
        [
            "protocol",
            "check",
            "--protocol",
            str(copies / "protocol.yml"),
            "--results",
            str(copies / "confirmatory"),
        ],
    )


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


def test_one_changed_byte_fails_the_check(copies):
    assert check(copies).exit_code == 0
    path = copies / "protocol.yml"
    data = bytearray(path.read_bytes())
    place = data.index(b"0.005")
    data[place + 4] = ord("6")
    path.write_bytes(bytes(data))
    result = check(copies)
    assert result.exit_code == 1 and "under another protocol" in result.output


def test_a_changed_comment_fails_the_check_too(copies):
    path = copies / "protocol.yml"
    path.write_bytes(path.read_bytes() + b"# harmless?\n")
    assert check(copies).exit_code == 1


def test_results_of_two_protocols_are_refused(copies):
    path = copies / "confirmatory_gate.csv"
    path.write_text(path.read_text().replace(load_protocol(copies / "protocol.yml").digest, "0" * 64))
    result = check(copies)
    assert result.exit_code == 2 and "different protocols" in result.output


def test_results_without_a_digest_are_refused(copies):
    path = copies / "confirmatory_gate.csv"
    path.write_text(path.read_text().split("\n", 1)[1])
    with pytest.raises(ValueError, match="must start with '# protocol sha256 '"):
        load_results(copies / "confirmatory")


def test_a_part_of_the_confirmatory_run_comes_back_bit_for_bit():
    protocol, stored = load_protocol(), load_results()
    small = replace(protocol, content={**protocol.content, "sample": {"n_tasks": 5, "n_seeds": 2}})
    for cell in ("ps20", "ps80-refill"):  # the first task draws do not depend on how many follow
        again = run_cell(small, cell)
        kept = stored.accuracy[stored.accuracy["cell"] == cell].head(5)
        assert np.array_equal(again[list(ARMS)].to_numpy(), kept[list(ARMS)].to_numpy())


def test_a_part_of_the_second_confirmatory_run_comes_back_bit_for_bit():
    protocol, stored = load_protocol(REGISTERED["2"][0]), load_results(REGISTERED["2"][1])
    small = replace(protocol, content={**protocol.content, "sample": {"n_tasks": 5, "n_seeds": 1}})
    for cell in ("sgd-128", "tail-clipped", "undecided"):
        again = run_cell(small, cell)
        kept = stored.accuracy[stored.accuracy["cell"] == cell].head(5)
        ran = protocol.cells[cell].get("arms", list(ARMS))
        assert np.array_equal(again[ran].to_numpy(), kept[ran].to_numpy())
        assert kept[[arm for arm in ARMS if arm not in ran]].isna().all(axis=None)


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
    protocol = load_protocol()
    content = {**protocol.content, "cells": {"ps20": {"prior_strength": 0.2, "n_steps": 10}}}
    small = replace(protocol, content=content).exploratory(seed=3, n_tasks=2, n_studies=3)
    small.content["gate"]["conditions"] = {"crossover": {"prior_strength": 0.25, "n_steps": 10}}
    told = []
    results = run_protocol(small, progress=told.append)
    assert told == ["ps20", "gate published, crossover", "gate task-draw, crossover"]
    store_results(results, tmp_path / "stored")
    assert load_results(tmp_path / "stored").same_as(results)
    changed = results.accuracy.copy()
    changed.loc[0, "true"] = np.nextafter(changed.loc[0, "true"], 1)
    assert not Results(results.digest, changed, results.gate).same_as(results)


@pytest.mark.parametrize("copies", ["1"], indirect=True)
def test_the_run_command_compares_bits_and_exits_accordingly(copies):
    text = (copies / "protocol.yml").read_text()
    for large in ("n_tasks: 200", "studies_per_block: 200", "n_steps: 200", "n_steps: 800"):
        text = text.replace(large, large[:-3] + "2")
    (copies / "protocol.yml").write_text(text)
    call = ["protocol", "run", "--protocol", str(copies / "protocol.yml"), "--results", str(copies / "small")]
    assert command.invoke(app, [*call, "--write"]).exit_code == 0
    assert command.invoke(app, call).exit_code == 0
    path = copies / "small_gate.csv"
    rows = path.read_text().splitlines()
    assert rows[2].startswith("strong,published,0,")
    rows[2] = "strong,published,0,9,2"
    path.write_text("\n".join(rows) + "\n")
    assert command.invoke(app, call).exit_code == 1
    assert command.invoke(app, [*call[:-1], str(copies / "absent")]).exit_code == 2


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
