"""`rlvr labels` and `rlvr rescore` from the outside."""

import gzip
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from rlvr import _reading
from rlvr.arms import ARMS
from rlvr.commands.command_line import app
from rlvr.rewards import judges
from rlvr.rewards.answer_reading import MOST_READ

LABELS = ["She has 4.\n#### 72", "blue", "So there are 5.", r"\frac12"]
LOGS = Path(__file__).parent.parent / "data" / "logs" / "lm_eval"


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def written(path, records, packed=False):
    text = "".join(json.dumps(record) + "\n" for record in records)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


def test_each_label_is_shown_as_read(tmp_path):
    result = run(
        "labels", written(tmp_path / "data.jsonl", [{"answer": label} for label in LABELS]), "--check"
    )
    lines = result.stdout.splitlines()
    assert result.exit_code == 0 and [line.split("\t")[1] for line in lines[:4]] == ["72", "blue", "5", "1/2"]
    assert "4 labels in column answer" in lines[4] and lines[-1] == "0 could not be read"
    assert "1 read from running text" in result.stdout


def test_columns_of_labels_may_have_capitals_and_numbers_of_choices_are_pointed_out(tmp_path):
    data = written(tmp_path / "aime.jsonl", [{"ID": "2024-I-1", "Solution": "so 204.", "Answer": 204}])
    result = run("labels", data)
    assert result.stdout.startswith("1\t204\t") and "in column Answer" in result.stdout
    assert "choices" not in result.stdout
    data = written(tmp_path / "mmlu.jsonl", [{"question": "q", "choices": ["a", "b", "c", "d"], "answer": 2}])
    assert "the records hold choices" in run("labels", data).stdout


@pytest.mark.parametrize("bad", ["", None, [], ["1", "2"], {"a": 1}, True, "so \\boxed{"])
def test_labels_that_cannot_be_read_are_counted(bad, tmp_path):
    data = written(tmp_path / "data.jsonl.gz", [{"gt": 1}, {"gt": bad}], packed=True)
    assert run("labels", data).exit_code == 0
    result = run("labels", data, "--check", "--summary")
    assert result.exit_code == 1 and "\n1 could not be read" in result.stdout
    assert len(result.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("d.csv", 'id,solution\n1,"a\n#### 7"\n2,8\n'), ("d.tsv", "solution\tid\n7\t1\n8\t2\n"),
        ("d.json", '[{"solution": 7}, {"solution": "8"}]'),
        ("d.json", '{"data": [{"label": 7}, {"label": 8}]}'),
        ("d.json", '{"label": 7}\n{"label": 8}\n'),
        ("d.jsonl", '\ufeff{"reward_model": {"ground_truth": "7"}}\n'),
    ],
)  # fmt: skip
def test_data_sets_of_every_format(name, text, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    result = run("labels", tmp_path / name, "--check")
    assert result.exit_code == 0 and result.stdout.startswith("1\t7\t")


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("d.jsonl", '{"answer": 1}\n{"answer"', "line 2"), ("d.jsonl", "[1]\n", "line 1"),
        ("d.jsonl", "", "holds no record"), ("d.json", "[1, 2]", "entry 1"), ("d.txt", "7", ".txt"),
        ("d.jsonl", '{"x": 1}', "--column"), ("d.csv", "a,b\n1,2\n", "columns are a, b"),
        ("d.jsonl", "[" * 100_000, "line 1"), ("d.jsonl.gz", "7", "line 1"),
        ("d.json", "null", "entry 1"), ("d.json", "5", "entry 1"),
    ],
)  # fmt: skip
def test_bad_files_end_with_one_line(name, text, named, tmp_path):
    (tmp_path / name).write_text(text)
    result = run("labels", tmp_path / name)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and named in result.stderr


def test_no_file_a_folder_and_parquet_without_its_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "d.parquet").write_bytes(b"PAR1")
    for name, named in (
        ("none.jsonl", "no such file"),
        (".", "a folder"),
        ("d.parquet", "pip install pyarrow"),
    ):
        result = run("labels", tmp_path / name)
        assert result.exit_code == 2 and named in result.stderr, name


def test_files_of_answers_come_through_the_door_of_every_input(tmp_path, monkeypatch):
    line = b'{"item": 1, "output": "5", "truth": "5", "arm": "true"}\n'
    (tmp_path / "bomb.jsonl.gz").write_bytes(gzip.compress(line * 20_000))
    packed = gzip.compress(line * 100)
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[:-20])
    (tmp_path / "changed.jsonl.gz").write_bytes(packed[:30] + b"x" * 20 + packed[50:])
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link.jsonl").symlink_to("nothing")  # of which `rescore` names the path
    monkeypatch.setattr(_reading, "FREE_EXPANSION", 2**16)
    monkeypatch.setattr(_reading, "MOST_RATIO", 5)
    for name, named in (
        ("bomb.jsonl.gz", "expands"), ("cut.jsonl.gz", "damaged"), ("changed.jsonl.gz", "damaged"),
        ("pipe.jsonl", "pipe"), ("folder", "folder"),
    ):  # fmt: skip
        for command in ("labels", "rescore"):
            result = run(command, tmp_path / name)
            assert result.exit_code == 2 and result.stderr.count("\n") == 1, (name, command)
            assert name in result.stderr and named in result.stderr, (name, command)


def test_signs_that_a_terminal_obeys_are_shown(tmp_path):
    result = run("labels", written(tmp_path / "d.jsonl", [{"answer": "\x1b[31mred"}]))
    assert "\x1b" not in result.stdout and r"\x1b" in result.stdout


@pytest.fixture
def harness(monkeypatch):
    """A stand-in for the harness's judge, which takes the text between dollars as it is."""
    tool = SimpleNamespace(is_equiv=lambda one, other: one == other)
    monkeypatch.setattr(judges, "_file_of", lambda package, path: tool)


OUTPUTS = {"frozen": "It is 5.", "random": "It is $5$.", "majority": r"\boxed{5}", "true": r"so $\boxed{5}$"}


def study(folder):
    logs = []
    for arm in ARMS:
        records = [{"item": i, "output": OUTPUTS[arm], "truth": "5"} for i in range(9)]
        logs += ["--log", f"{arm}={written(folder / f'{arm}.jsonl', records)}"]
    return logs


def test_judges_disagree_and_so_do_their_splits(tmp_path, harness):
    result = run("rescore", *study(tmp_path), "--judge", "plain", "--judge", "lm-eval", "--json", "-")
    found = json.loads(result.stdout)
    assert found["accuracy"] == {
        "plain": dict.fromkeys(ARMS, 1.0),
        "lm-eval": dict(zip(ARMS, (0, 1, 0, 0), strict=True)),
    }
    assert found["disagreements"] == [{"judges": ["plain", "lm-eval"], "only_first": 27, "only_second": 0}]
    assert (
        found["splits"]["lm-eval"]["terms"]["null"][0] == 1
        and found["splits"]["plain"]["terms"]["null"][0] == 0
    )
    shown = run("rescore", *study(tmp_path), "--judge", "plain", "--judge", "lm-eval").stdout
    assert "36 answers" in shown and "disagreements" in shown


def test_logs_of_the_harness_and_of_verl(tmp_path):
    found = json.loads(
        run("rescore", *(f"--log={arm}={LOGS / arm}" for arm in ARMS), "--judge=plain", "--json=-").stdout
    )
    lines = [
        (path, json.loads(line)["doc_id"])
        for path in LOGS.glob("**/*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert found["n_answers"] == len(set(lines)) < len(lines) and found["accuracy"]["plain"]["frozen"] == 0.25
    verl = [{"input": f"q{i}", "output": "so 5", "gts": "5", "score": 0.0, "step": 3} for i in range(4)]
    result = run("rescore", f"--log=true={written(tmp_path / '3.jsonl', verl)}", "--judge=plain", "--json=-")
    assert json.loads(result.stdout)["accuracy"] == {"plain": {"true": 1.0}}


def test_one_file_may_name_its_arms_and_fields(tmp_path):
    records = [
        {"arm": arm, "q": i, "text": ["5", "6"], "right": 5} for arm in ("Frozen", "true") for i in range(3)
    ]
    fields = ("--field=item=q", "--field=output=text", "--field=truth=right")
    found = json.loads(
        run("rescore", written(tmp_path / "d.jsonl", records), *fields, "--judge=plain", "--json=-").stdout
    )
    assert found["accuracy"]["plain"] == {"frozen": 0.5, "true": 0.5} and found["n_answers"] == 12


def test_arms_that_are_judged_by_different_truths_are_refused(tmp_path):
    """As where the file of MAJORITY holds the labels that it was trained on."""
    logs = study(tmp_path)
    records = [{"item": i, "output": "so 6", "truth": "5.0" if i < 8 else "6"} for i in range(9)]
    written(tmp_path / "majority.jsonl", records)
    result = run("rescore", *logs, "--judge=plain")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert all(part in result.stderr for part in ("item '8'", "5 in", "6 in", "(majority)", "--field truth"))


def test_outputs_without_an_answer_are_counted(tmp_path):
    records = [{"item": i, "output": "The answer is C.", "truth": "C"} for i in range(3)]
    logs = [f"--log=base={written(tmp_path / 'a.jsonl', records)}"]
    result = run("rescore", *logs, "--judge=plain")
    assert "plain found no answer in 3 outputs" in result.stdout and "FROZEN" in result.stdout
    found = json.loads(run("rescore", *logs, "--judge=plain", "--json=-").stdout)
    assert found["n_without_answer"] == {"plain": 3}
    records = [{"item": 1, "output": "5", "truth": "5", "arm": arm} for arm in ("Base", "GT")]
    found = json.loads(
        run("rescore", written(tmp_path / "b.jsonl", records), "--judge=plain", "--json=-").stdout
    )
    assert found["accuracy"]["plain"] == {"frozen": 1.0, "true": 1.0}


@pytest.mark.parametrize(
    ("record", "options", "named"),
    [
        ({"item": 1, "output": "5", "arm": "true"}, (), "no truth"),
        ({"output": "5", "truth": "5", "arm": "true"}, (), "no item"),
        ({"item": 1, "truth": "5", "arm": "true"}, (), "--field output"),
        ({"item": 1, "output": "5", "truth": "5"}, (), "no arm"),
        ({"item": 1, "output": "5", "truth": "5", "arm": "x"}, (), "frozen, random"),
        ({"item": 1, "output": "5", "truth": "", "arm": "true"}, (), "rlvr labels"),
        ({"item": 1, "output": "5", "truth": "5", "arm": "true"}, ("--judge=other",), "plain, math-verify"),
        ({"item": 1, "output": "5", "truth": "5", "arm": "true"}, ("--log=other=x",), "--log must be"),
        ({"item": 1, "output": "5", "truth": "5", "arm": "true"}, ("--field=x",), "--field must be"),
        ({"item": 1, "output": "5", "truth": True, "arm": "true"}, (), "got True"),
    ],
)  # fmt: skip
def test_what_cannot_be_rescored_is_named(record, options, named, tmp_path):
    result = run(
        "rescore", written(tmp_path / "d.jsonl", [record]), *options, "--json", tmp_path / "out.json"
    )
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and named in result.stderr
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("field", ["step", "data_source", "benchmark", "model"])
def test_answers_of_two_evaluations_are_refused(field, tmp_path):
    records = [{"item": 1, "output": "5", "truth": "5", field: value} for value in (1, 2)]
    result = run("rescore", f"--log=true={written(tmp_path / 'd.jsonl', records)}")
    assert result.exit_code == 2 and f"of {field} 1 and of 2" in result.stderr
    assert run("rescore").exit_code == 2 and run("rescore", f"--log=true={tmp_path / 'no'}").exit_code == 2


@pytest.mark.parametrize("long", [" ", "x", "1 ", "\u00bd", "\\text{cm} ", "[[1, 2], "])
def test_an_answer_beyond_any_model_is_refused_with_its_place_and_the_most_accepted(long, tmp_path):
    """80 million characters lie in a packed file of some kilobytes, and would be read for minutes."""
    text = "4" + long * (MOST_READ // len(long) + 1)
    answer = {"item": "q", "output": text, "truth": "5", "correct": 0}
    data = written(tmp_path / "long.jsonl.gz", [answer | {"output": "5"}, answer], packed=True)
    for arguments, place in (
        (["rescore", "--log", f"true={data}"], "record 2"),
        (["audit", "--log", f"true={data}"], "answer 2"),
    ):
        result = run(*arguments)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        for part in (
            "long.jsonl.gz",
            place,
            f"{len(text):,} characters",
            f"{MOST_READ:,}",
            "--field output=NAME",
        ):
            assert part in result.stderr
    labels = written(tmp_path / "labels.jsonl.gz", [{"answer": text}, {"answer": 5}], packed=True)
    result = run("labels", labels)
    assert result.exit_code == 0 and f"1 from a text of more than {MOST_READ:,} characters" in result.stdout
    assert "1 could not be read" in result.stdout and len(result.stdout) < 1000


def test_items_that_are_a_number_and_a_text_are_refused(tmp_path):
    records = [{"item": item, "output": "5", "truth": "5"} for item in (1, 2, "1")]
    result = run("rescore", f"--log=true={written(tmp_path / 'd.jsonl', records)}")
    assert result.exit_code == 2
    assert "record 3: item '1' is a number in one record and a text in another" in result.stderr


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("question,answer\nq,1,000\n", "line 2: holds more fields than the 2 columns"),
        ("q,answer,answer\nq,3,4\n", "two columns are called 'answer'"),
    ],
)
def test_a_label_is_not_cut_at_a_comma_nor_taken_from_one_of_two_columns(text, named, tmp_path):
    (tmp_path / "data.csv").write_text(text)
    result = run("labels", tmp_path / "data.csv")
    assert result.exit_code == 2 and named in result.stderr


@pytest.mark.parametrize("text", ["question;answer\nq;3\n", "question,answer\nq,3,\n", 'q,answer\n"a,b",3\n'])
def test_semicolons_and_empty_last_fields_are_read(text, tmp_path):
    (tmp_path / "data.csv").write_text(text)
    assert run("labels", tmp_path / "data.csv").stdout.startswith("1\t3\t")


def test_the_same_outputs_in_two_arms_are_noted_and_the_same_file_twice_is_refused(tmp_path):
    records = [{"item": i, "output": f"so {i}", "truth": str(i)} for i in range(3)]
    one, two = (written(tmp_path / name, records) for name in ("a.jsonl", "b.jsonl"))
    result = run("rescore", "--log", f"frozen={one}", "--log", f"true={two}", "--judge", "plain")
    assert result.exit_code == 0 and "holds the same outputs as" in result.stdout
    result = run("rescore", "--log", f"frozen={one}", "--log", f"true={one}", "--judge", "plain")
    assert result.exit_code == 2 and "each file is accepted once" in result.stderr


@pytest.mark.parametrize("command", ["labels", "rescore"])
def test_a_pipe_is_refused_with_the_formats_that_are_accepted(command, tmp_path):
    os.mkfifo(tmp_path / "f.jsonl")
    assert "JSON lines, JSON, CSV, TSV or Parquet" in run(command, tmp_path / "f.jsonl").stderr


def test_two_fields_for_one_role_are_refused(tmp_path):
    path = written(tmp_path / "a.jsonl", [{"id": 1, "uid": 2, "output": "1", "truth": "1"}])
    result = run("rescore", "--log", f"true={path}", "--field", "item=id", "--field", "item=uid")
    assert result.exit_code == 2 and "leave one out" in result.stderr
