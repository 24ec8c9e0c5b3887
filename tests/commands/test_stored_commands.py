"""`rlvr stored` and the older spellings: what they list, compare, rebuild and refuse."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

from rlvr import _data
from rlvr._data import DATA
from rlvr.commands import study_commands
from rlvr.commands.command_line import app
from rlvr.experiments import stored
from rlvr.experiments.stored import EXPERIMENTS, find_experiment


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})


def declared(name, folder, asked):
    """An experiment with cells that cost nothing, and which are noted."""
    real = find_experiment(name)
    if real.compute is None:
        return real

    def compute(*key, executor, **part):
        asked.append((name, key, part))
        return pd.DataFrame({"key": [str(key)], "value": [len(str(key)) / 3]}).set_index("key")

    return replace(
        real, compute=compute, tables=lambda results: [pd.concat(results.values())] * len(real.files),
        folder=folder, first_line=str, trains=True, is_sealed=False, decimals=None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def stored_once(tmp_path_factory):
    """The folder of every such experiment's files."""
    folder = tmp_path_factory.mktemp("stored")
    for experiment in (declared(name, folder, []) for name in EXPERIMENTS):
        if experiment.compute is not None:
            stored.rebuild(experiment, folder, executor=None)
    return folder


@pytest.fixture
def made_up(monkeypatch, tmp_path, stored_once):
    """Every experiment with cells that cost nothing, stored in a folder; what was computed since."""
    asked = []
    experiments = {name: declared(name, tmp_path, asked) for name in EXPERIMENTS}
    monkeypatch.setattr(stored, "find_experiment", experiments.__getitem__)
    monkeypatch.setattr("rlvr._data.DATA", tmp_path)
    shutil.copytree(stored_once, tmp_path, dirs_exist_ok=True)
    return asked


def change(path):
    """Store another number in the first row."""
    lines = path.read_text().splitlines()
    lines[1] = lines[1].rpartition(",")[0] + ",9.0"
    path.write_text("\n".join(lines) + "\n")


def test_without_a_name_every_experiment_is_listed_with_its_files_and_digits():
    result = run("stored")
    assert result.exit_code == 0
    for name in EXPERIMENTS:
        rows = (line for line in result.stdout.splitlines() if line.split()[1:2] == [name])
        (row,) = rows
        assert find_experiment(name).files[0] in row and find_experiment(name).digits in row
    assert run("stored", "budget").stdout.count(".csv") == 2


def test_a_check_says_what_is_as_stored_and_what_differs(made_up, tmp_path):
    same = run("stored", "sweep", "--check")
    assert (same.exit_code, same.stdout) == (0, "sweep: 3 of 3 parts as stored (every digit)\n")
    assert len(made_up) == 3
    change(tmp_path / "sweep.csv")
    differs = run("stored", "sweep", "--check", "--cells", 0)
    assert differs.exit_code == 1 and "sweep: sweep.csv: DIFFERS\n" in differs.stdout
    assert "sweep: light settings, lowest ties, prior strength 0.05: DIFFERS\n" in differs.stdout
    assert "sweep: 364 of 366 parts as stored" in differs.stdout
    made_up.clear()
    assert run("stored", "multiverse", "--check", "--cells", 4).exit_code == 0 and len(made_up) == 4


def test_every_experiment_is_checked_where_none_is_named(monkeypatch):
    monkeypatch.setattr(stored, "check", lambda experiment, **_: {"it": experiment.digits != "6 decimals"})
    result = run("stored", "--check")
    assert result.exit_code == 1 and result.stdout.count("of 1 part") == len(EXPERIMENTS)
    assert result.stdout.count("DIFFERS") == 2


@pytest.mark.parametrize("flag", ["--rebuild", "--resume"])
def test_a_rebuild_writes_what_is_stored_and_leaves_nothing_else(made_up, tmp_path, flag):
    (tmp_path / "new").mkdir()
    result = run("stored", "budget", flag, "--folder", tmp_path / "new")
    assert (result.exit_code, result.stdout) == (0, "stored budget.csv and sign_changes.csv\n")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["budget.csv", "sign_changes.csv"]
    before = (tmp_path / "budget.csv").read_bytes()
    assert (tmp_path / "new" / "budget.csv").read_bytes() == before
    change(tmp_path / "budget.csv")
    assert run("stored", "budget", flag).exit_code == 0 and (tmp_path / "budget.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("stored", "swep", "--check"), "NAME must be one of 'sweep', 'budget'"),
        (("stored", "--rebuild"), "--rebuild takes one name of sweep, budget, "),
        (("stored", "sweep", "--rebuild", "--check"), "--rebuild takes one name"),
        (("stored", "sweep", "--folder", "."), "--folder goes with --rebuild"),
        (("stored", "sweep", "--cells", "2"), "--cells goes with --check"),
        (("stored", "sweep", "--rebuild", "--folder", "no-such"), "--folder must be an existing folder"),
        (("stored", "network", "--rebuild"), "run `make network`"),
        (("stored", "protocol-1", "--rebuild"), "is sealed: it is compared and never replaced"),
        (("budget", "--store", "no-such"), "--store must be an existing folder, got 'no-such'"),
        (("multiverse", "--store", "no-such"), "--store must be an existing folder, got 'no-such'"),
        (("explorer", "--store", "no-such"), "--store must be an existing folder, got 'no-such'"),
        (("budget", "--resume"), "--resume needs --store, the folder of the interrupted run, got none"),
        (("multiverse", "--resume"), "--resume needs --store"),
        (("coin-flips", "--resume"), "--resume needs --store"),
        (("gate-map", "--resume"), "--resume needs --write"),
        (("budget", "--until", "3"), "until must be one of 5, 7, 10"),
        (("multiverse", "--trainings", "0"), "--trainings must be a whole number of at least 1, got 0"),
        (("coin-flips", "--store", "."), "a file in an existing folder is accepted"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_two(arguments, reason):
    before = sorted(DATA.iterdir())
    result = run(*arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("rlvr: ") and reason in result.stderr
    assert sorted(DATA.iterdir()) == before


def test_a_file_that_could_not_be_replaced_is_refused_before_the_work(made_up, tmp_path):
    (tmp_path / "new" / "sign_changes.csv").mkdir(parents=True)
    for arguments in (("stored", "budget", "--rebuild", "--folder"), ("budget", "--store")):
        result = run(*arguments, tmp_path / "new")
        assert result.exit_code == 2 and "sign_changes.csv" in result.stderr and made_up == []


def test_a_full_disk_leaves_what_was_stored(made_up, tmp_path, monkeypatch):
    kept = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*arguments, **settings):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    result = run("stored", "multiverse", "--rebuild")
    assert result.exit_code == 2 and result.stderr.startswith("rlvr: No space left on device: ")
    assert {path: path.read_bytes() for path in kept} == kept


def test_an_interrupt_says_how_many_chunks_are_kept(made_up, tmp_path, monkeypatch):
    def interrupted(experiment, folder, *, executor, **settings):
        for name in ("a.npz", "b.npz", ".half.npz"):
            (executor.folder / name).touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(stored, "rebuild", interrupted)
    result = run("stored", "gate-map", "--rebuild")
    assert (result.exit_code, result.stdout) == (130, "") and (tmp_path / ".gate-map-chunks").is_dir()
    assert result.stderr == ("rlvr: 2 finished chunks kept; repeat the command with --resume to continue\n")


def test_of_several_experiments_the_finished_ones_are_kept_until_all_are(made_up, tmp_path, monkeypatch):
    def interrupted(experiment, folder, *, executor, **settings):
        executor.keep("x", {"a": 1.0})
        if "sharing_grid.csv" in experiment.files:
            raise KeyboardInterrupt

    monkeypatch.setattr(stored, "rebuild", interrupted)
    result = run("explorer", "--store", tmp_path)
    assert result.exit_code == 130 and "rlvr: 2 finished chunks kept; " in result.stderr
    for name in ("settings", "sharing"):
        assert [path.name for path in (tmp_path / f".{name}-grid-chunks").iterdir()] == ["x.npz"]


def test_stored_data_that_were_changed_are_refused_by_every_command_that_reads_them(tmp_path, monkeypatch):
    folder = shutil.copytree(DATA, tmp_path / "data")
    for path in folder.glob("*.[cjy]*"):
        path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    for name, value in {"DATA": folder, "_PACKAGE": folder}.items():
        monkeypatch.setattr(_data, name, value)
    monkeypatch.setattr(
        study_commands, "_registrations", lambda *_: [(folder / "protocol.yml", folder / "x")]
    )
    names = [["stored", name, "--check"] for name in EXPERIMENTS if "protocol" not in name]
    for arguments in [*names, ["protocol", "check"], ["protocol", "run"], ["replay", "--quick"], ["plan"]]:
        result = CliRunner().invoke(app, arguments)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), arguments
        assert "has another digest" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "name", "output", "n_cells", "part"),
    [
        (("budget", "--until", "7"), "budget", "every number is as stored\n", 12, {"until": 7}),
        (("budget",), "budget", "every number is as stored\n", 12, {"until": 80}),
        (("multiverse",), "multiverse", "every number is as stored\n", 10, {}),
        (("multiverse", "--trainings", "7"), "multiverse", "every number is as stored\n", 7, {}),
        (("coin-flips",), "coin-flips", "every run is as stored\n", 32, {"n_runs": 2}),
        (("coin-flips", "--runs", "3"), "coin-flips", "every run is as stored\n", 32, {"n_runs": 3}),
        (("gate-map",), "gate-map", "every count is as stored\n", 148, {}),
        (("gate-map", "--blocks", "3"), "gate-map", "every count is as stored\n", 6, {}),
    ],
)
def test_an_older_spelling_compares_and_says_what_replaces_it(
    made_up, arguments, name, output, n_cells, part
):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (0, output)
    assert f"rlvr stored {name} --check" in result.stderr
    assert len({each[:2] for each in made_up}) == len(made_up) == n_cells
    assert all(settings == part for *_, settings in made_up)


@pytest.mark.parametrize(
    ("command", "what"),
    [("budget", "numbers"), ("multiverse", "numbers"), ("coin-flips", "runs"), ("gate-map", "counts")],
)
def test_an_older_spelling_ends_with_one_where_a_number_differs(made_up, tmp_path, command, what):
    for path in tmp_path.glob("*.csv"):
        table = pd.read_csv(path).assign(value=9.0)
        table.to_csv(path, index=False)
    result = run(command)
    assert (result.exit_code, result.stdout) == (1, f"the {what} differ from the stored ones\n")


def test_the_explorer_s_groups_are_named_one_by_one(made_up, tmp_path):
    good = run("explorer", "--groups", "2")
    assert good.exit_code == 0 and good.stdout.count(": as stored\n") == 4 == len(made_up)
    assert "updates a rollout, clipping o" in good.stdout and " answers, " in good.stdout
    for file in ("settings_grid.csv", "sharing_grid.csv"):
        text = (tmp_path / file).read_text()
        pd.read_csv(tmp_path / file).assign(value=9.0).to_csv(tmp_path / file, index=False)
        bad = run("explorer", "--groups", "1")
        assert bad.exit_code == 1 and bad.stdout.count("DIFFERS") == 1
        (tmp_path / file).write_text(text)


@pytest.mark.parametrize(
    ("arguments", "files", "output"),
    [
        (
            ("budget", "--store"),
            ["budget.csv", "sign_changes.csv"],
            "stored budget.csv and sign_changes.csv\n",
        ),
        (("multiverse", "--store"), ["multiverse.csv"], "stored 223 specifications in multiverse.csv\n"),
        (("explorer", "--resume", "--store"), ["settings_grid.csv", "sharing_grid.csv"], ""),
        (("coin-flips", "--store"), ["runs.csv"], ""),
        (("gate-map", "--write"), [], ""),
    ],
)  # fmt: skip
def test_an_older_spelling_rebuilds_where_it_did(made_up, tmp_path, arguments, files, output):
    new = tmp_path / "new"
    new.mkdir()
    place = {"coin-flips": [new / "runs.csv"], "gate-map": []}.get(arguments[0], [new])
    before = (tmp_path / "gate_map.csv").read_bytes()
    change(tmp_path / "gate_map.csv")
    result = run(*arguments, *place)
    assert (result.exit_code, result.stdout) == (0, output) and "rlvr stored " in result.stderr
    assert sorted(path.name for path in new.iterdir()) == files
    assert ((tmp_path / "gate_map.csv").read_bytes() == before) == (arguments[0] == "gate-map")
