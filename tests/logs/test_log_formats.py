"""Each format's lines, and what is wrong with lines that are none."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlvr.logs.evaluation_log import ACCEPTED, LogError, fingerprint, parsed
from rlvr.logs.log_formats import read_log

LOGS = Path(__file__).parent.parent / "data" / "logs"
SAMPLES = next((LOGS / "lm_eval" / "frozen").rglob("*.jsonl"))
LINES = [json.loads(line) for line in SAMPLES.read_text().splitlines()]


def write(path, *lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_log_of_lm_eval_has_a_metric_for_each_filter():
    log = read_log(SAMPLES)
    assert (log.tool, log.benchmark, log.model, log.notices) == ("lm-eval", "sums", "base", ())
    assert list(log.answers) == ["exact_match,strict-match", "exact_match,flexible-extract"]
    strict, flexible = log.answers.values()
    assert strict.items == flexible.items == [line["doc_hash"][:16] for line in LINES[:8]]
    assert strict.prompts == [line["prompt_hash"][:16] for line in LINES[:8]]
    assert strict.values == [1, 0, 0, 0, 0, 0, 0, 0] and flexible.values == [1, 0, 1, 0, 0, 0, 0, 0]


def test_the_harness_hashes_the_document_and_so_do_older_logs_here(tmp_path):
    old = [{key: value for key, value in line.items() if not key.endswith("_hash")} for line in LINES]
    told, read = read_log(SAMPLES), read_log(write(tmp_path / "samples_sums.jsonl", *old))
    assert {name: column.items for name, column in read.answers.items()} == {
        name: column.items for name, column in told.answers.items()
    }
    prompts = read.answers["exact_match,strict-match"].prompts
    assert len(set(prompts)) == 8 and {len(prompt) for prompt in prompts} == {16}


@pytest.mark.parametrize(
    ("name", "task"),
    [("samples_gsm8k_cot_2026-01-01T00-00-00.123456", "gsm8k_cot"), ("samples_a", "a"), ("renamed", "")],
)
def test_the_task_is_in_the_file_s_name(tmp_path, name, task):
    assert read_log(write(tmp_path / f"{name}.jsonl", *LINES)).benchmark == task


def test_repeats_that_were_scored_once_are_one_sample_and_said(tmp_path):
    line = {**LINES[0], "resps": [["a", "b", "c"]]}
    log = read_log(write(tmp_path / "samples_a.jsonl", line))
    assert log.answers["exact_match,strict-match"].values == [1]
    assert log.notices == (
        "lm-evaluation-harness drew 3 answers an item and scored the item once: one sample",
    )
    choices = {**LINES[0], "resps": [[["-1.0", "False"]], [["-2.0", "False"]]]}  # a request a choice
    assert read_log(write(tmp_path / "samples_b.jsonl", choices)).notices == ()
    uneven = {**LINES[0], "resps": [["a", "b"], ["c"]]}
    assert "drew 2 answers" in read_log(write(tmp_path / "samples_c.jsonl", uneven)).notices[0]


def test_documents_alike_are_told_apart_and_a_document_twice_is_refused(tmp_path):
    twin = {**LINES[0], "doc_id": 7, "exact_match": 0.0}
    log = read_log(write(tmp_path / "samples_a.jsonl", twin, LINES[0]))
    name = LINES[0]["doc_hash"][:16]
    assert log.answers["exact_match,strict-match"].items == [f"{name}#2", name]
    with pytest.raises(LogError, match=r"samples_a\.jsonl: doc_id 0 stands twice in one filter; once"):
        read_log(write(tmp_path / "samples_a.jsonl", *LINES[:3], LINES[0]))


def test_verl_lines_with_one_input_are_samples_of_it(tmp_path):
    lines = [{"input": text, "output": "o", "gts": "1", "score": score, "reward": score, "step": 20,
              "acc": score > 0, "pred": "1"}
             for text, score in (("q", 1.0), ("r", -1.0), ("q", -1.0))]  # fmt: skip
    log = read_log(write(tmp_path / "20.jsonl", *lines))
    assert (log.tool, log.step, log.benchmark, log.model) == ("verl", "20", "", "")
    assert list(log.answers) == ["score", "acc"]
    assert log.answers["acc"].items == [fingerprint(text)[:16] for text in "qrq"]
    assert log.answers["acc"].values == [True, False, False] and log.answers["score"].values == [1, -1, -1]
    assert set(log.answers["acc"].prompts) == {""}
    del lines[1]["acc"]
    assert list(read_log(write(tmp_path / "20.jsonl", *lines)).answers) == ["score"]
    lines[1]["step"] = 30
    with pytest.raises(LogError, match="holds the steps 20, 30 of training; one step is accepted"):
        read_log(write(tmp_path / "20.jsonl", *lines))


def test_plain_lines(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"item": 7, "correct": true}\n\n{"item": "b", "correct": 0.5, "more": 1}\n')
    log = read_log(path)
    assert (log.tool, log.answers["correct"].items, log.answers["correct"].values) == (
        "plain",
        ["7", "b"],
        [True, 0.5],
    )
    for item in ("", None, [1]):
        with pytest.raises(LogError, match="answer 2: item must be a name, got"):
            read_log(write(path, {"item": 1, "correct": 1}, {"item": item, "correct": 1}))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", "", "the file is empty"),
        ("a.jsonl", "\n \n", "the file is empty"),
        ("a.jsonl", '{"item": 1, "correct": 1}\n{"item": 2,\n', "line 2: not JSON"),
        ("a.jsonl", "[1]\n", r"line 1: JSON objects are accepted, got \[1\]"),
        ("a.jsonl", '{"item": 1, "right": 1}\n', "no log that is known, its lines hold item, right"),
        ("a.jsonl", "{}\n", "no log that is known, its lines hold nothing"),
        ("a.json", '{"results": {}, "configs": {}}', "no log of Inspect; these are results without items"),
        ("a.json", "[]", "no log of Inspect; accepted"),
        ("a.json", "{", "not JSON"),
        ("a.eval", "PK", "not JSON"),
        ("a.jsonl", json.dumps({**LINES[0], "metrics": 5}) + "\n", "not as its tool writes it"),
        ("a.jsonl", json.dumps({**LINES[0], "metrics": ["lost"]}) + "\n", "not as its tool writes it .*lost"),
    ],
)  # fmt: skip
def test_what_is_no_log_is_refused_by_name(tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(LogError, match=said) as refusal:
        read_log(path)
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)
    assert str(refusal.value).endswith(ACCEPTED) or "JSON objects" in said


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(LogError, match=r"cannot be read \(No such file or directory\)"):
        read_log(tmp_path / "none.jsonl")


def test_nan_is_read_although_json_has_none():
    assert str(parsed(b'{"a": NaN}', "x")) == "{'a': nan}"
    with pytest.raises(LogError, match=r"^x: not JSON \(.*; accepted are"):
        parsed(b"nan", "x")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 15), st.sampled_from(sorted(LINES[0])), _JSON)
def test_any_damage_gives_a_log_or_a_refusal(tmp_path_factory, number, key, value):
    lines = [dict(line) for line in LINES]
    lines[number][key] = value
    path = tmp_path_factory.getbasetemp() / "samples_damaged.jsonl"
    try:
        read_log(write(path, *lines))
    except LogError as refusal:
        assert "\n" not in str(refusal)
