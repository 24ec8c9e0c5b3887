"""The table of runs, without the trainer: complete, balanced, resumable, and stored the same way twice."""

import gzip
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from network.addition_task import ITEMS, PRIORS, TRAINED, prompt, split, truth, usual_error
from network.design import CONTROLS, RATES, design, ended, name_of, write_whole
from network.store import store
from rlvr import TaskFamily
from rlvr.arms import ARMS

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("prior", PRIORS.values(), ids=lambda prior: prior.name)
def test_a_prior_is_what_it_says(prior):
    assert prior.share * prior.right_c + (1 - prior.share) * prior.right_d == pytest.approx(prior.accuracy)
    assert prior.right_c / prior.right_d == pytest.approx(7 / 3)
    for item in ITEMS:
        mixed = [
            prior.share * c + (1 - prior.share) * d
            for c, d in zip(prior.digits("c", item), prior.digits("d", item), strict=True)
        ]
        assert sum(mixed) == pytest.approx(1)
        assert mixed[truth(item)] == pytest.approx(prior.accuracy)
        assert mixed[usual_error(item)] == pytest.approx((1 - prior.accuracy) / 2)


def test_without_strategies_a_prior_is_a_task_family():
    for prior in PRIORS.values():
        strength = 16 * prior.accuracy / (9 + 7 * prior.accuracy)
        table = TaskFamily(prior_strength=strength, n_actions=10, n_correct=1, format_strength=0.7).prior()
        assert table[0] == pytest.approx(prior.accuracy)
        assert table[1] == pytest.approx((1 - prior.accuracy) / 2)
        assert table[2:] == pytest.approx([(1 - prior.accuracy) / 16] * 8)


def test_items_by_hand():
    assert (prompt((3, 9)), truth((3, 9)), usual_error((4, 5))) == ("3 + 9 =", 2, 0)
    for seed in range(3):
        trained, held_out = split(seed)
        assert len(trained) == TRAINED and sorted(trained + held_out) == list(range(100))
    assert split(0) != split(1) and split(1) == split(1)


def test_the_design_is_balanced_and_names_every_run_once():
    runs = design()
    assert len({name_of(run) for run in runs}) == len(runs)
    cells = Counter((run["prior"], run["arm"], run["design"], run["rate"]) for run in runs)
    assert min(cells.values()) >= 8
    for prior in PRIORS:
        for how in ("clipped", "unclipped"):
            assert {(prior, arm, how, "low") for arm in ARMS[1:]} <= cells.keys()
        for rate in ("low", "middle"):
            assert cells[prior, "random", "clipped", rate] == cells[prior, "random", "unclipped", rate]
    trained = [run for run in runs if run["arm"] != "frozen"]
    assert len({run["steps"] for run in trained}) == 1  # the same number of optimiser steps everywhere
    assert {run["learning_rate"] for run in trained} == set(RATES.values())
    assert [run["seed"] for run in runs] == sorted(run["seed"] for run in runs)  # cut short, still balanced
    assert 8 <= len(design(quick=True)) < 20  # two minutes
    assert len(design(controls=True, quick=True)) == 4


def test_every_control_has_the_four_arms_of_its_seed_beside_it():
    settings = ("prior", "design", "rate", "seed", "network", "learning_rate", "updates", "clip", "steps")
    arms = {}
    for run in design() + design(controls=True):
        arms.setdefault(tuple(run[name] for name in settings), set()).add(run["arm"])
    beside = [cell for cell in arms.values() if cell & set(CONTROLS)]
    assert len(beside) == 16 and all(cell == {*ARMS[1:], *CONTROLS} for cell in beside)
    assert len({name_of(run) for run in design() + design(controls=True)}) == 348 + 32


def test_a_run_that_ended_is_known_by_all_its_settings(tmp_path):
    run = design()[5]
    assert not ended(run, tmp_path)
    write_whole(tmp_path / "runs" / f"{name_of(run)}.json", json.dumps({"run": run}))
    assert ended(run, tmp_path)
    assert not ended(run | {"steps": run["steps"] + 1}, tmp_path)


def test_a_write_that_is_cut_off_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "runs" / "a.json", "{}")
    assert not (tmp_path / "runs" / "a.json").exists()


def results(folder):
    """Three small runs as the trainer leaves them."""
    measured = {"step": 0, "trained_right": 1 / 3, "clipped": 0.0}
    for arm in ("frozen", "random", "true"):
        run = next(run for run in design() if run["arm"] == arm)
        settings = {} if arm == "frozen" else {"epsilon": "0.2", "loss_type": "dapo"}
        found = {
            "run": run,
            "path": [measured, measured | {"step": 8}],
            "items": {"right": [0.25, 0.123456], "greedy": [0.0, 1.0]},
            "settings": settings,
        }
        write_whole(folder / f"{arm}.json", json.dumps(found))
    return [folder / f"{arm}.json" for arm in ("frozen", "random", "true")]


def test_the_same_runs_are_stored_as_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("network.store.metadata.version", lambda name: f"1.0 of {name}")
    files = results(tmp_path / "runs")
    first = {path.name: path.read_bytes() for path in store(files, 348, tmp_path / "a", "network")}
    again = {path.name: path.read_bytes() for path in store(files, 348, tmp_path / "b", "network")}
    assert first == again and set(first) == {"network_paths.csv.gz", "network_items.csv.gz", "network.json"}
    record = json.loads(first["network.json"])
    assert (record["runs"], record["planned"]) == (3, 348)
    assert record["versions"]["trl"] == "1.0 of trl" and record["epsilon"] == {"clipped": "0.2"}
    for name, digest in record["sha256 of the text"].items():
        assert hashlib.sha256(gzip.decompress(first[name])).hexdigest() == digest
    items = pd.read_csv(tmp_path / "a" / "network_items.csv.gz")
    assert items["right"].tolist() == [0.25, 0.1235] * 3 and items["greedy"].tolist() == [0, 1] * 3
    paths = pd.read_csv(tmp_path / "a" / "network_paths.csv.gz")
    assert paths["trained_right"].tolist() == [0.33333] * 6 and paths["step"].tolist() == [0, 8] * 3


def test_nothing_to_store_is_said():
    with pytest.raises(SystemExit, match="no run has ended"):
        store([], 348, Path(), "network")


def test_the_lock_has_hashes_and_no_address():
    lock = (ROOT / "network" / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    pinned = re.findall(r"^([a-z0-9-]+)==", lock, re.M)
    assert {"trl", "transformers", "torch", "lazy-loader"} <= set(pinned)
    assert lock.count("--hash=sha256:") >= len(pinned)
