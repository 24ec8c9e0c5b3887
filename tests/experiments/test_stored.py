"""The runner of stored experiments: what it compares, what it writes, what outlives an interrupt."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from rlvr import GRPOConfig, TaskFamily, simulate
from rlvr._data import DATA, DIGESTS, digest_list, digests_of
from rlvr.experiments import stored
from rlvr.experiments.stored import EXPERIMENTS, StoredExperiment, check, find_experiment, rebuild
from rlvr.simulator import kept_chunks
from rlvr.simulator.kept_chunks import KeptChunks

WORDS = {1: "one", 2: "null", 3: "three"}
CHEAP = (
    "sweep", "budget", "multiverse", "settings-grid", "coin-flips", "protocol-2", "network",
    "network-controls",
)  # fmt: skip


def compute(number, *, up_to=4, executor=None):
    return pd.DataFrame(
        {
            "number": number,
            "time": range(up_to),
            "word": WORDS[number],
            "value": number / (np.arange(up_to) + 3),
        }
    )


def tables(results):
    """Every row, and the sum over numbers, which takes all of them."""
    rows = pd.concat(results.values()).set_index(["number", "time"])
    total = rows.groupby("time")[["value"]].sum() if len(results) == len(WORDS) else rows[["value"]][:0]
    return [rows, total]


@pytest.fixture
def invented(tmp_path):
    """An experiment of three cells, stored."""
    (tmp_path / "stored").mkdir()
    experiment = StoredExperiment(
        files=("rows.csv", "total.csv"), digits="all", cells=lambda: [(number,) for number in WORDS],
        compute=compute, tables=tables, folder=tmp_path / "stored", first_line=lambda: "# sealed 1\n",
        label="number {}".format,
    )  # fmt: skip
    with KeptChunks(tmp_path / "chunks") as kept:
        rebuild(experiment, experiment.folder, executor=kept)
    return experiment


def test_what_was_rebuilt_is_as_stored_in_all_its_cells_and_files(invented):
    lines = (invented.folder / "rows.csv").read_text().splitlines()
    assert lines[:3] == ["# sealed 1", "number,time,word,value", f"1,0,one,{1 / 3}"] and len(lines) == 14
    counted = []
    found = check(invented, progress=lambda *now: counted.append(now))
    assert found == dict.fromkeys(["number 1", "number 2", "number 3", "rows.csv", "total.csv"], True)
    assert counted == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("n_cells", [1, 2, 9])
def test_cells_are_drawn_at_random_without_repeats_in_their_order(invented, n_cells):
    drawn = {tuple(check(invented, n_cells=n_cells)) for _ in range(40)}
    assert all(list(labels) == sorted(labels) and len(labels) == min(n_cells, 3) for labels in drawn)
    assert len(drawn) == (1 if n_cells == 9 else 3)


def test_a_part_of_each_cell_is_compared_with_its_rows_alone(invented):
    wrong = replace(invented, compute=lambda number, up_to, executor: compute(number).assign(
        value=lambda rows: rows.value + (rows.time == 3)
    )[:up_to])  # fmt: skip
    assert check(wrong, up_to=3) == dict.fromkeys(["number 1", "number 2", "number 3"], True)
    assert set(check(wrong, up_to=4).values()) == {False}


def test_a_quick_check_is_what_the_experiment_says(invented):
    assert list(check(replace(invented, quick_cells=[(3,)]), quick=True)) == ["number 3"]
    assert len(check(replace(invented, quick_cells=2), quick=True)) == 2
    assert len(check(replace(invented, quick_part={"up_to": 1}), quick=True)) == 3
    assert len(check(invented, quick=True)) == 5


@pytest.mark.parametrize(
    ("old", "new", "differing"),
    [
        ("one,0.2\n", "one,0.2000000001\n", {"number 1", "rows.csv"}),
        ("3,2,three", "3,2,tree", {"number 3", "rows.csv"}),
        ("2,3,null", "2,4,null", {"number 2", "rows.csv"}),
        ("word", "term", {"number 1", "number 2", "number 3", "rows.csv"}),
        ("# sealed 1", "# sealed 2", {"first line of rows.csv"}),
    ],
)
def test_a_change_of_a_stored_file_is_noticed(invented, old, new, differing):
    path = invented.folder / "rows.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert {part for part, same in check(invented).items() if not same} == differing


def test_what_only_all_cells_give_is_compared_with_all_of_them(invented):
    path = invented.folder / "total.csv"
    path.write_text(path.read_text().replace("0,2.0", "0,2.5"))
    assert check(invented, n_cells=2) and all(check(invented, n_cells=2).values())
    assert [part for part, same in check(invented).items() if not same] == ["total.csv"]


@pytest.mark.parametrize(
    ("tolerance", "moved", "same"),
    [((0.0, 0.0), 1e-15, False), ((1e-9, 0.0), 9e-10, True), ((1e-9, 0.0), 1.1e-9, False),
     ((0.0, 1e-6), 4e-7, True), ((0.0, 1e-6), 4e-6, False)],
)  # fmt: skip
def test_numbers_are_compared_to_the_digits_that_come_back(invented, tolerance, moved, same):
    near = replace(
        invented, tolerance=tolerance,
        compute=lambda number, executor: compute(number).assign(value=lambda rows: rows.value * (1 + moved)),
    )  # fmt: skip
    assert set(check(near).values()) == {same}


def test_an_empty_number_comes_back_as_empty_alone():
    stored = pd.DataFrame({"value": [np.nan, 1.0], "word": ["a", "b"]})
    experiment = StoredExperiment(files=("x.csv",), digits="all")
    assert experiment.agrees(stored.copy(), stored)
    assert not experiment.agrees(stored.fillna(0.0), stored) and not experiment.agrees(stored[:1], stored)


def test_a_file_has_the_digits_and_the_name_that_were_asked_for(invented, tmp_path):
    short = replace(invented, float_formats={"rows.csv": "%.3g"}, first_line=str)
    with KeptChunks(tmp_path / "chunks") as kept:
        rebuild(short, tmp_path, executor=kept, names=["a.csv", "b.csv"])
        rebuild(replace(invented, decimals=2), tmp_path, executor=kept)
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "1,0,one,0.333"
    assert (tmp_path / "b.csv").read_text().splitlines()[1] == "0,2.0"
    assert (tmp_path / "rows.csv").read_text().splitlines()[2] == "1,0,one,0.33"


def test_a_rebuild_lists_the_digests_where_its_files_are_listed(invented, tmp_path):
    folder = invented.folder
    (folder / "rows.csv").write_text("older")
    (folder / "other.csv").write_text("another's")
    (folder / DIGESTS).write_text(digest_list(digests_of(folder)))
    with KeptChunks(tmp_path / "chunks") as kept:
        rebuild(invented, folder, executor=kept)
    assert (folder / DIGESTS).read_text() == digest_list(digests_of(folder))
    assert set(check(invented).values()) == {True}
    (folder / "rows.csv").write_text((folder / "rows.csv").read_text().replace("0.2\n", "0.3\n"))
    with pytest.raises(ValueError, match=r"rows\.csv has another digest"):
        check(invented)


def test_what_is_sealed_is_rebuilt_in_another_folder_alone(invented, tmp_path):
    sealed = replace(invented, is_sealed=True)
    before = (invented.folder / "rows.csv").read_bytes()
    for folder in (invented.folder, invented.folder / ".." / "stored"):
        with KeptChunks(tmp_path / "chunks") as kept, pytest.raises(ValueError, match="never replaced"):
            rebuild(sealed, folder, executor=kept)
    with KeptChunks(tmp_path / "chunks") as kept:
        rebuild(sealed, tmp_path, executor=kept)
    assert (tmp_path / "rows.csv").read_bytes() == before == (invented.folder / "rows.csv").read_bytes()


class Stops(Exception):
    pass


def trained(strength, *, executor):
    return simulate(TaskFamily(strength, n_prompts=4), GRPOConfig(n_steps=3, batch_size=2), executor=executor)


def words(name, *, executor, calls):
    calls.append(name)
    return {"name": name, "length": float(len(name))}


@pytest.mark.parametrize("trains", [True, False])
def test_an_interrupted_rebuild_goes_on_from_what_was_finished(tmp_path, trains):
    calls, cells = [], [(0.3,), (0.5,), (0.7,)] if trains else [("a",), ("bb",), ("ccc",)]
    experiment = StoredExperiment(
        files=("rows.csv",), digits="all", cells=lambda: cells, trains=trains,
        compute=trained if trains else partial(words, calls=calls),
        tables=lambda results: [pd.DataFrame(
            {"value": [each.accuracy.mean() if trains else each["length"] for each in results.values()]},
            pd.Index([key[0] for key in results], name="key"),
        )],
    )  # fmt: skip

    def stop(done, _):
        if done == 2:
            raise Stops

    folder = tmp_path / "chunks"
    with pytest.raises(Stops), KeptChunks(folder) as kept:
        rebuild(experiment, tmp_path, executor=kept, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["chunks"] and len(list(folder.glob("*.npz"))) >= 2
    n_before = len(calls)
    with KeptChunks(folder, resume=True) as kept:
        (table,) = rebuild(experiment, tmp_path, executor=kept)
    assert not folder.exists() and list(table.index) == [key[0] for key in cells]
    assert kept.n_found >= 2 if trains else len(calls) - n_before <= 1
    text = (tmp_path / "rows.csv").read_text()
    with KeptChunks(folder) as kept:
        rebuild(experiment, tmp_path, executor=kept)
    assert (tmp_path / "rows.csv").read_text() == text


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_declaration_names_files_that_are_stored_and_cells_that_differ(name):
    experiment = find_experiment(name)
    assert all((DATA / file).is_file() and experiment.has_first_line(file) for file in experiment.files)
    cells = list(experiment.cells())
    assert len(cells) == len(set(cells)) == len({experiment.label(*key) for key in cells})
    assert (experiment.compute is None) == (not cells) == bool(experiment.made_by)
    listed = (DATA / "README.md").read_text(encoding="utf-8")
    assert all(f"`{file}`" in listed for file in experiment.files) and f"rlvr stored {name}" in listed


@pytest.mark.slow
@pytest.mark.parametrize("name", CHEAP)
def test_a_random_part_of_what_is_stored_comes_back(name):
    found = check(find_experiment(name), quick=True)
    assert found and [part for part, same in found.items() if not same] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "part"),
    [("sharing-grid", {}), ("gate-map", {}), ("gate-example", {}), ("protocol-1", {"few": True})],
)
def test_a_random_cell_of_what_takes_longer_comes_back(name, part):
    assert set(check(find_experiment(name), n_cells=1, **part).values()) == {True}


def test_an_unknown_experiment_is_named():
    with pytest.raises(ValueError, match=r"NAME must be one of 'sweep', .*, got 'swep'"):
        find_experiment("swep")


def test_a_kept_cell_is_computed_anew_where_any_code_of_the_package_has_changed(tmp_path, monkeypatch):
    """Also code of another wing: a cell may depend on its settings and tasks."""
    wing = tmp_path / "package" / "simulator" / "settings.py"
    wing.parent.mkdir(parents=True)
    monkeypatch.setattr(kept_chunks, "_PACKAGE", wing.parents[1])
    monkeypatch.setattr(stored, "code_digest", kept_chunks.code_digest.__wrapped__)
    calls = []
    experiment = StoredExperiment(("rows.csv",), "all", compute=partial(words, calls=calls), trains=False)
    kept = KeptChunks(tmp_path / "chunks")
    for code, n_calls in (("1", 1), ("1", 1), ("2", 2)):
        wing.write_text(code)
        assert stored.keeping_cells(experiment, kept).compute("bb", executor=None)["length"] == 2
        assert len(calls) == n_calls
