"""`rlvr sweep`, `factorial`, `replay` and `protocol`: defaults, outputs, and exit codes to trust."""

import hashlib
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from rlvr._escaping import visible
from rlvr.commands.study_commands import app
from rlvr.experiments import factorial_design, protocol_verdicts, published_study
from rlvr.experiments.factorial_design import CODES, Blocks
from rlvr.experiments.published_study import Comparison
from rlvr.experiments.sealed_protocol import PROTOCOL, RESULTS, load_protocol
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
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})


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


def test_a_stored_sweep_goes_to_the_folder_named_and_says_where_elicitation_turns_positive(
    monkeypatch, tmp_path, simulated
):
    (tmp_path / ".sweep-chunks").mkdir()
    (tmp_path / ".sweep-chunks" / f"{'0' * 64}.npz").touch()

    def rebuild(experiment, folder, *, executor, **settings):
        assert experiment.files == ("sweep.csv", "crossings.csv") and folder == tmp_path
        assert not list(executor.folder.glob("*.npz"))  # nothing is resumed unasked
        ends = {"size": ["light"], "tie_break": ["lowest"], "value": [0.4], "low": [0.3], "high": [0.5]}
        return [pd.DataFrame(), pd.DataFrame(ends).set_index(["size", "tie_break"])]

    monkeypatch.setattr("rlvr.experiments.stored.rebuild", rebuild)
    result = run("sweep", "--store", tmp_path)
    turns = "light settings, lowest ties: elicitation turns positive at 0.4000 [0.3000, 0.5000]\n"
    assert (result.exit_code, result.stdout, simulated) == (0, turns, [])
    assert "use `rlvr stored sweep --rebuild`" in result.stderr
    assert list(tmp_path.iterdir()) == []  # the folder of chunks is gone


@pytest.mark.parametrize(("wrong", "exit_code"), [(0, 0), (1, 1)])
def test_a_replay_counts_equal_numbers_and_ends_accordingly(monkeypatch, tmp_path, wrong, exit_code):
    rows = [Comparison("sweep", "null", "0.10", "0.10"), Comparison("gate", "verdict", "points", "points"),
            Comparison("sweep", "total", "0.30", "0.31" if wrong else "0.30")]  # fmt: skip
    asked = []
    monkeypatch.setattr(published_study, "compare", lambda **settings: asked.append(settings) or iter(rows))
    result = run("replay", "--store", tmp_path / "out.csv")
    assert result.exit_code == exit_code
    assert f"{3 - wrong} of 3 published numbers are equal to the last digit" in result.output
    assert result.output.count("yes") == 3 - wrong and result.output.count("NO") == wrong
    assert asked == [{"quick": False, "heavy": False}]
    stored = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert stored.values.tolist() == [[r.table, r.quantity, r.published, r.replayed] for r in rows]
    run("replay", "--quick", "--heavy")
    assert asked[1] == {"quick": True, "heavy": True}


def test_a_store_that_cannot_be_is_refused_before_anything_is_simulated(tmp_path, monkeypatch):
    monkeypatch.setattr(published_study, "compare", lambda **_: pytest.fail("it ran"))
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
    monkeypatch.setattr(published_study, "compare", lambda **_: [row])

    def full(*arguments, **settings):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(pd.DataFrame, "to_csv", full)
        result = run("replay", "--store", str(store))
    assert result.exit_code == 2 and result.stderr == f"rlvr: No space left on device: {str(store)!r}\n"
    assert store.read_text() == "the last good result" and list(tmp_path.iterdir()) == [store]
    assert run("replay", "--store", str(store)).exit_code == 0
    assert len(pd.read_csv(store)) == 1


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


@pytest.mark.parametrize("command", ["sweep", "factorial", "replay", "protocol run"])
def test_only_what_is_kept_can_be_resumed(command, tmp_path):
    result = run(*command.split(), "--resume")
    assert (result.exit_code, result.stdout) == (2, "") and "--resume needs --" in result.stderr
    if command != "protocol run":
        assert "--keep must be an existing folder" in run(command, "--keep", tmp_path / "none").stderr
    assert list(tmp_path.iterdir()) == []


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


def test_the_words_of_a_protocol_are_shown_as_text(copies, monkeypatch):
    judge = protocol_verdicts.judge

    def marked(*arguments):
        return [replace(each, statement="[b]s[/b]\x1b", name="[/x]") for each in judge(*arguments)]

    monkeypatch.setattr(protocol_verdicts, "judge", marked)
    result = run("protocol", "check")
    assert result.exit_code == 0 and all(text in result.output for text in ("[b]s[/b]\\x1b", "[/x]"))


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
    for kept in ((), ("--keep", folder), ("--keep", folder, "--resume")):
        same = run("protocol", "run", *options, *kept)
        assert (same.exit_code, same.output) == (0, "every bit is as stored\n")
        assert not list(folder.glob(".*"))
    path = folder / "confirmatory_accuracy.csv"
    path.write_text(path.read_text().replace("\nps20,0,0.1", "\nps20,0,0.2"))
    other = run("protocol", "run", *options)
    assert (other.exit_code, other.output) == (1, "the results differ from the stored ones\n")


@pytest.mark.parametrize(
    "text", ["[bold]x[/bold]", "[/x] closed", "\x1b[31mred\x07", "\u202eabc", 5, None, ["a"], {"b": 1}]
)
def test_the_text_of_a_protocol_is_shown_as_text(copies, text):
    folder, options = copies
    before = (folder / "protocol.yml").read_bytes()
    content = yaml.safe_load(before)
    content["hypotheses"]["H1"]["statement"] = text
    content["hypotheses"][text if isinstance(text, str) else 7] = content["hypotheses"].pop("H1")
    after = yaml.safe_dump(content).encode()
    (folder / "protocol.yml").write_bytes(after)
    for path in folder.glob("*.csv"):
        digests = (hashlib.sha256(each).hexdigest() for each in (before, after))
        path.write_text(path.read_text().replace(*digests, 1))
    result = run("protocol", "check", *options)
    assert result.exit_code == 0 and not re.search("[\x00-\x09\x0b-\x1f\u202e]", result.stdout)
    assert visible(str(text)) in result.stdout


@pytest.mark.parametrize(
    "line", ["zz: " + "9" * 5000, "zz: 9999-99-99", "zz: " + "[" * 3000 + "]" * 3000, "zz: \x00"]
)
def test_a_protocol_that_cannot_be_read_is_named(copies, line):
    folder, options = copies
    with (folder / "protocol.yml").open("a") as file:
        file.write(line)
    result = run("protocol", "check", *options)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and not result.stdout
    assert "protocol.yml" in result.stderr


def test_a_region_that_no_float_holds_is_refused_before_anything_is_shown(copies):
    folder, options = copies
    text = (folder / "protocol.yml").read_bytes()
    changed = text.replace(b"within: [-0.005, 0.005]", b"within: [-0.005, 1" + b"0" * 400 + b"]", 1)
    assert changed != text
    (folder / "protocol.yml").write_bytes(changed)
    for path in folder.glob("*.csv"):
        digests = (hashlib.sha256(each).hexdigest() for each in (text, changed))
        path.write_text(path.read_text().replace(*digests, 1))
    result = run("protocol", "check", *options)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and not result.stdout


def test_the_protocol_command_alone_shows_what_it_can():
    shown = run("protocol")
    assert "check" in shown.output and "run" in shown.output


def test_a_protocol_is_not_replaced_by_its_results(tmp_path):
    protocol = tmp_path / "p_gate.csv"
    shutil.copy(PROTOCOL, protocol)
    before = protocol.read_bytes()
    result = run("protocol", "run", "--write", "--protocol", protocol, "--results", tmp_path / "p")
    assert result.exit_code == 2 and "name another file" in result.stderr
    assert protocol.read_bytes() == before and list(tmp_path.iterdir()) == [protocol]
    nowhere = run("protocol", "run", "--write", "--results", tmp_path / "none" / "p")
    assert nowhere.exit_code == 2 and "a file in an existing folder is accepted" in nowhere.stderr
