"""`rlvr factorial`, `gate-map` and `protocol`: defaults, outputs, and exit codes that a script can trust."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from rlvr.commands.registered_commands import app
from rlvr.experiments import factorial_design, gate_error_rates
from rlvr.experiments.factorial_design import CODES, Blocks
from rlvr.experiments.gates import GateGrid
from rlvr.experiments.sealed_protocol import PROTOCOL, RESULTS, load_protocol


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})


@pytest.fixture
def designed(monkeypatch):
    """What a factorial is asked for; it gets made-up cells with a large C and a smaller AC."""
    asked = []
    noise = np.random.default_rng(1).normal(0, 0.01, (6, 8))

    def blocks(priors, **settings):
        asked.append((priors, settings))
        return Blocks(0.5 + 0.2 * CODES["C"] - 0.05 * CODES["AC"] + noise, priors, "drop", 2, 0)

    monkeypatch.setattr(factorial_design, "run_blocks", blocks)
    return asked


def test_a_factorial_of_which_nothing_is_said(designed):
    result = run("factorial")
    assert result.exit_code == 0
    assert designed == [((0.80, 0.35), {"filtering": "drop", "n_blocks": 100, "n_seeds": 2, "seed": 0})]
    assert "on the accuracy scale, 95% interval over 100 task draws" in result.output
    for effect in ("A", "B", "C", "AB", "AC", "BC", "ABC"):
        assert re.search(rf"│ {effect} +│ [+-]0\.\d{{6}} \[[+-]0\.\d{{6}}, [+-]0\.\d{{6}}\]", result.output)
    assert re.search(
        r"AC / C: 0\.2\d\d\d \[0\.2\d\d\d, 0\.2\d\d\d\] \(both largest in 100\.0%\)", result.output
    )


def test_a_factorial_as_asked(designed):
    result = run("factorial", "--filtering", "refill", "--stronger", 0.7, "--weaker", 0.3, "--scale", "logit",
                 "--n-blocks", 5, "--n-seeds", 3, "--seed", 9)  # fmt: skip
    assert result.exit_code == 0 and "on the logit scale, 95% interval over 5 task draws" in result.output
    assert designed == [((0.7, 0.3), {"filtering": "refill", "n_blocks": 5, "n_seeds": 3, "seed": 9})]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--filtering", "off"), "filtering must be one of 'drop', 'refill', got 'off'"),
     (("--n-blocks", "0"), "n_blocks must be an integer of at least 1, got 0"),
     (("--stronger", "2"), "prior_strength must be a number strictly between 0 and 1, got 2.0")],
)  # fmt: skip
def test_a_factorial_that_cannot_be(arguments, said):
    result = run("factorial", *arguments)
    assert (result.exit_code, result.stderr, result.stdout) == (2, f"rlvr: {said}\n", "")


@pytest.fixture
def grids(monkeypatch, tmp_path):
    """Two grids of a few short runs, in place of the stored ones."""
    small = Grid((0.25, 0.5), (2,), ("task-draw",), 2, 4, 2, 8, tmp_path / "map.csv")
    example = replace(small, prior_strengths=(0.25,), path=tmp_path / "example.csv")
    monkeypatch.setattr(gate_error_rates, "MAP", small)
    monkeypatch.setattr(gate_error_rates, "EXAMPLE", example)
    return small, example


def test_a_gate_map_is_written_then_found_as_stored_then_noticed(grids):
    written = run("gate-map", "--write")
    assert (written.exit_code, written.output) == (0, "")
    assert all(grid.path.read_text().startswith("prior_strength,block,rule") for grid in grids)
    assert (run("gate-map").exit_code, run("gate-map").output) == (0, "every count is as stored\n")
    assert run("gate-map", "--blocks", 1).exit_code == 0
    for grid in grids:
        text = grid.path.read_text()
        lines = text.splitlines()
        wrong = lines[1].split(",")
        wrong[4] = str(int(wrong[4]) + 1)
        grid.path.write_text("\n".join([lines[0], ",".join(wrong), *lines[2:]]) + "\n")
        noticed = run("gate-map")
        assert (noticed.exit_code, noticed.output) == (1, "the counts differ from those stored\n")
        grid.path.write_text(text)


def test_a_gate_map_counts_as_many_blocks_as_asked_of_each_grid(grids, monkeypatch):
    run("gate-map", "--write")
    counted, real = [], gate_error_rates.block_counts
    monkeypatch.setattr(
        gate_error_rates,
        "block_counts",
        lambda grid, *place: counted.append((grid, *place)) or real(grid, *place),
    )
    for arguments, of_map, of_example in (((), 4, 2), (("--blocks", 1), 1, 1), (("--blocks", 3), 3, 2)):
        counted.clear()
        assert run("gate-map", *arguments).exit_code == 0
        assert [sum(grid is each for grid, *_ in counted) for each in grids] == [of_map, of_example]
        assert len({(id(grid), *place) for grid, *place in counted}) == len(counted)


@pytest.fixture
def copies(tmp_path):
    """A copy of the protocol and of the stored results, as options."""
    shutil.copy(PROTOCOL, tmp_path / "protocol.yml")
    for name in ("accuracy", "gate"):
        shutil.copy(f"{RESULTS}_{name}.csv", tmp_path / f"confirmatory_{name}.csv")
    return tmp_path, ("--protocol", tmp_path / "protocol.yml", "--results", tmp_path / "confirmatory")


def test_a_check_prints_digest_and_verdicts(copies):
    for options in ((), copies[1]):
        result = run("protocol", "check", *options)
        assert result.exit_code == 0 and f"protocol sha256 {load_protocol().digest}" in result.output
        assert "Holm-adjusted p" in result.output and "results  sha256" not in result.output
        for name in load_protocol().hypotheses:
            assert re.search(rf"│ {name} ", result.output)
        assert re.search(r"supported|contradicted|undecided", result.output)


def test_a_check_of_another_protocol_s_results_says_both_digests(copies):
    folder, options = copies
    with (folder / "protocol.yml").open("a") as file:
        file.write("# another\n")
    result = run("protocol", "check", *options)
    assert result.exit_code == 1 and "were made under another protocol" in result.output
    assert f"results  sha256 {load_protocol().digest}" in result.output
    assert "Holm-adjusted p" not in result.output


def test_files_that_are_not_there_are_named(copies):
    for command in ("check", "run"):
        missing = run("protocol", command, "--protocol", "no-such.yml", *copies[1][2:])
        assert (missing.exit_code, missing.stdout) == (2, "")
        assert missing.stderr == "rlvr: No such file or directory: 'no-such.yml'\n"
        assert run("protocol", command, *copies[1][:2], "--results", "no-such").exit_code == 2


def test_a_run_is_stored_then_compared_bit_by_bit(copies):
    folder, options = copies
    text = (folder / "protocol.yml").read_text()
    for large in ("n_tasks: 200", "studies_per_block: 200", "n_steps: 200", "n_steps: 800"):
        text = text.replace(large, large[:-3] + "2")
    (folder / "protocol.yml").write_text(text)
    small = load_protocol(folder / "protocol.yml")
    (folder / "confirmatory_gate.csv").unlink()
    assert run("protocol", "run", *options).exit_code == 2  # nothing to compare with, so nothing is run
    written = run("protocol", "run", *options, "--write")
    assert (written.exit_code, written.output) == (0, f"stored results of protocol {small.digest[:12]}\n")
    same = run("protocol", "run", *options)
    assert (same.exit_code, same.output) == (0, "every bit is as stored\n")
    path = folder / "confirmatory_accuracy.csv"
    path.write_text(path.read_text().replace("\nps20,0,0.1", "\nps20,0,0.2"))
    other = run("protocol", "run", *options)
    assert (other.exit_code, other.output) == (1, "the results differ from those stored\n")


def test_the_protocol_command_alone_shows_what_it_can():
    shown = run("protocol")
    assert "check" in shown.output and "run" in shown.output


def test_results_are_kept_where_they_cannot_be_written(grids, monkeypatch):
    assert run("gate-map", "--write").exit_code == 0
    kept = {grid.path: grid.path.read_bytes() for grid in grids}

    def full(*arguments, **settings):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pandas.DataFrame.to_csv", full)
    result = run("gate-map", "--write")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("rlvr: No space left on device: ")
    assert {path: path.read_bytes() for path in kept} == kept
    assert sorted(grids[0].path.parent.iterdir()) == sorted(kept)


def test_a_protocol_is_not_replaced_by_its_results(tmp_path):
    protocol = tmp_path / "p_gate.csv"
    shutil.copy(PROTOCOL, protocol)
    before = protocol.read_bytes()
    result = run("protocol", "run", "--write", "--protocol", protocol, "--results", tmp_path / "p")
    assert result.exit_code == 2 and "another file is accepted" in result.stderr
    assert protocol.read_bytes() == before and list(tmp_path.iterdir()) == [protocol]
    nowhere = run("protocol", "run", "--write", "--results", tmp_path / "none" / "p")
    assert nowhere.exit_code == 2 and "a file in an existing folder is accepted" in nowhere.stderr
