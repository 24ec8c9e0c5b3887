"""Each format's files: what a real one holds, how it says its answers were decoded, what is refused."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlvr.logs import formats
from rlvr.logs.decoding import DECODINGS
from rlvr.logs.formats import ACCEPTED, FORMATS, LogError, read_log

LOGS = Path(__file__).parent.parent / "data" / "logs"
SAMPLES = next((LOGS / "lm_eval" / "frozen").rglob("*.jsonl"))
LINES = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
EVAL = LOGS / "inspect" / "true-1.eval"
HEADER = {"status": "success", "eval": {"task": "t", "model": "m"}}


def write(path, *lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_each_tool_s_file_is_recognised_by_one_row(tmp_path):
    verl = write(tmp_path / "20.jsonl", {"input": "q", "score": 1.0})
    plain = write(tmp_path / "plain.jsonl", {"item": "q", "correct": 1})
    tools = [read_log(path).tool for path in (SAMPLES, EVAL, verl, plain)]
    assert tools == ["lm-eval", "Inspect", "verl", "plain"] and FORMATS[-1].tool == "plain"
    assert len({row.tool for row in FORMATS}) == len(FORMATS) and {*tools} <= {row.tool for row in FORMATS}
    assert all(row.files in ACCEPTED for row in FORMATS)


def test_a_new_format_is_one_function_and_one_row(tmp_path, monkeypatch):
    def read(path, records):
        answers = formats.Answers()
        for record in records:
            answers.add(record["question"], "", record["right"])
        return formats.Log(path, "mine", "m", {"right": answers})

    row = formats.Format(
        "new", "lines of a new tool", lambda path, first: bool(first and "right" in first), read
    )
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, row))
    log = read_log(write(tmp_path / "a.jsonl", {"question": "q", "right": 1}, {"question": "r", "right": 0}))
    assert (log.tool, log.answers["right"].items) == ("new", ["q", "r"])
    assert read_log(SAMPLES).tool == "lm-eval"


# lm-evaluation-harness ----------------------------------------------------------------------------


def test_a_log_of_lm_eval_has_a_metric_for_each_filter():
    log = read_log(SAMPLES)
    assert (log.benchmark, log.model, log.notices, log.decoding) == ("sums", "base", (), "greedy")
    assert list(log.answers) == ["exact_match,strict-match", "exact_match,flexible-extract"]
    strict, flexible = log.answers.values()
    assert strict.items == flexible.items == [line["doc_hash"][:16] for line in LINES[:8]]
    assert strict.prompts == [line["prompt_hash"][:16] for line in LINES[:8]]
    assert strict.values == [1, 0, 0, 0, 0, 0, 0, 0] and flexible.values == [1, 0, 1, 0, 0, 0, 0, 0]


def test_the_harness_hashes_the_document_and_so_do_older_logs_here(tmp_path):
    old = [{key: value for key, value in line.items() if not key.endswith("_hash")} for line in LINES]
    new, hashed_here = read_log(SAMPLES), read_log(write(tmp_path / "samples_sums.jsonl", *old))
    assert {name: column.items for name, column in hashed_here.answers.items()} == {
        name: column.items for name, column in new.answers.items()
    }
    prompts = hashed_here.answers["exact_match,strict-match"].prompts
    assert len(set(prompts)) == 8 and {len(prompt) for prompt in prompts} == {16}


@pytest.mark.parametrize(
    ("name", "task"),
    [("samples_gsm8k_cot_2026-01-01T00-00-00.123456", "gsm8k_cot"), ("samples_a", "a"), ("renamed", "")],
)
def test_the_task_is_in_the_file_s_name(tmp_path, name, task):
    assert read_log(write(tmp_path / f"{name}.jsonl", *LINES)).benchmark == task


@pytest.mark.parametrize(
    ("responses", "n_drawn"),
    [
        ([["a"]], 0),
        ([["a", "b", "c"]], 3),
        ([["a", "b"], ["c"]], 2),
        ([[["-1.0", "False"]], [["-2.0", "False"]]], 0),  # a request a choice
    ],
)
def test_repeats_that_were_scored_once_are_one_sample_and_said(tmp_path, responses, n_drawn):
    log = read_log(write(tmp_path / "samples_a.jsonl", {**LINES[0], "resps": responses}))
    assert log.answers["exact_match,strict-match"].values == [1]
    assert bool(log.notices) == bool(n_drawn)
    assert all(f"drew {n_drawn} answers per item" in notice for notice in log.notices)


def test_documents_alike_are_told_apart_and_a_document_twice_is_refused(tmp_path):
    twin = {**LINES[0], "doc_id": 7, "exact_match": 0.0}
    log = read_log(write(tmp_path / "samples_a.jsonl", twin, LINES[0]))
    name = LINES[0]["doc_hash"][:16]
    assert log.answers["exact_match,strict-match"].items == [f"{name}#2", name]
    with pytest.raises(LogError, match=r"samples_a\.jsonl: doc_id 0 occurs twice under one filter"):
        read_log(write(tmp_path / "samples_a.jsonl", *LINES[:3], LINES[0]))


def harness_decoding(path, *arguments):
    lines = [{**LINES[0], "doc_id": place, "arguments": given} for place, given in enumerate(arguments)]
    return read_log(write(path / "samples_a.jsonl", *lines)).decoding


@pytest.mark.parametrize(
    ("settings", "decoding"),
    [
        ({"do_sample": False}, "greedy"),
        ({"do_sample": False, "temperature": 0.0}, "greedy"),
        ({"temperature": 0}, "greedy"),
        ({"do_sample": True, "temperature": 0}, "greedy"),  # what a backend without do_sample makes of it
        ({"do_sample": True, "temperature": 1.0, "top_k": 1}, "greedy"),
        ({"do_sample": True}, "sampled"),
        ({"temperature": 0.6}, "sampled"),
        ({"do_sample": False, "temperature": 0.6}, ""),  # one backend samples, another does not
        ({"do_sample": None, "temperature": None}, ""),
        ({"temperature": "warm"}, ""),
        ({"temperature": True}, ""),
        ({"until": ["x"]}, ""),
        (" a choice", "not applicable"),
        (None, ""),
    ],
)
def test_settings_of_generation_of_the_harness(tmp_path, settings, decoding):
    assert harness_decoding(tmp_path, {"gen_args_0": {"arg_0": "q", "arg_1": settings}}) == decoding
    assert harness_decoding(tmp_path, [["q", settings]]) == decoding  # as earlier versions wrote it
    assert harness_decoding(tmp_path, [["q", settings]], [["q", {}]]) == ""


@pytest.mark.parametrize(
    "arguments", [None, {}, [], "q", {"gen_args_0": {"arg_0": "q"}}, [["q"]], [3], {"a": 3}]
)
def test_arguments_of_no_request_say_nothing(tmp_path, arguments):
    assert harness_decoding(tmp_path, arguments) == ""


# Inspect ------------------------------------------------------------------------------------------


def inspect_log(folder, *samples, **header):
    path = folder / "x.json"
    path.write_text(json.dumps({**HEADER, **header, "samples": samples}))
    return read_log(path)


def sample(name, value, epoch=1, **more):
    return {"id": name, "epoch": epoch, "input": "q", "scores": {"match": {"value": value}}, **more}


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.json", json.dumps(content))
    return path


def test_a_real_log_is_as_its_header_sums_it_up():
    log = read_log(EVAL)
    assert (log.benchmark, log.model, log.decoding) == ("sums", "mockllm/base-true-1", "")
    assert list(log.answers) == ["match", "includes"]
    match = log.answers["match"]
    assert match.items == [f"sum-{item}" for item in range(8)] * 2
    assert match.values == [1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0]
    assert sum(log.answers["includes"].values) == sum(match.values) + 1
    assert match.prompts[:8] == match.prompts[8:] and len(set(match.prompts)) == 8


def test_members_in_zstandard_and_in_deflate_are_the_same(tmp_path):
    with zipfile.ZipFile(EVAL) as archive:
        assert {member.compress_type for member in archive.infolist()} == {93}
    log = read_log(zipped(tmp_path / "x.eval", header=HEADER, summaries=[sample("a", "C")]))
    assert log.answers["match"].values == [1]


@pytest.mark.parametrize(
    ("value", "read"),
    [("C", 1.0), ("I", 0.0), ("P", 0.5), ("N", 0.0), (0.25, 0.25), (True, True), ("x", "x")],
)
def test_letters_are_grades(tmp_path, value, read):
    assert inspect_log(tmp_path, sample("a", value)).answers["match"].values == [read]


def test_what_was_not_scored_is_left_out_and_several_values_are_several_metrics(tmp_path):
    log = inspect_log(
        tmp_path, sample("a", float("nan")), sample("b", "C"), sample("c", "C", scores=None),
        sample("d", {"acc": 1, "style": 0.5}), sample("e", {"acc": float("nan"), "style": 0.25}),
    )  # fmt: skip
    assert {name: (column.items, column.values) for name, column in log.answers.items()} == {
        "match": (["b"], [1]), "match/acc": (["d"], [1]), "match/style": (["d", "e"], [0.5, 0.25]),
    }  # fmt: skip


def test_epochs_are_told_apart_and_the_same_one_twice_is_refused(tmp_path):
    log = inspect_log(tmp_path, sample("a", "C"), sample("a", "I", epoch=2))
    assert log.answers["match"].values == [1, 0]
    with pytest.raises(LogError, match=r"x\.json: sample 'a' has epoch 2 twice; each epoch once"):
        inspect_log(tmp_path, sample("a", "C", epoch=2), sample("a", "I", epoch=2))


@pytest.mark.parametrize("status", ["error", "cancelled", "started", None])
def test_only_an_evaluation_that_ended_well_is_read(tmp_path, status):
    with pytest.raises(LogError, match=f"status {status!r}; a log with status 'success' is accepted"):
        inspect_log(tmp_path, sample("a", "C"), status=status)


def test_an_unfinished_log_has_no_header(tmp_path):
    with pytest.raises(LogError, match="not a finished log of Inspect; a log of a finished evaluation"):
        read_log(zipped(tmp_path / "x.eval", start={}, summaries=[]))


@pytest.mark.parametrize("place", ["header.json", "summaries.json", "end"])
def test_a_damaged_archive_is_named(tmp_path, place):
    raw = bytearray(EVAL.read_bytes())
    if place == "end":
        raw = raw[:5000]
    else:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            member = archive.getinfo(place)
        start = member.header_offset + 30 + len(place)
        raw[start : start + member.compress_size] = bytes(member.compress_size)
    path = tmp_path / "x.eval"
    path.write_bytes(raw)
    with pytest.raises(LogError, match=r"x\.eval.*: damaged, it cannot be unpacked \(.*\); accepted are"):
        read_log(path)


@pytest.mark.parametrize(
    ("model", "plan", "steps", "decoding"),
    [
        ({}, {}, [], ""),
        ({"temperature": 0.0}, {}, [], "greedy"),
        ({"temperature": 0.7}, {}, [], "sampled"),
        ({}, {"temperature": 0.0}, [], "greedy"),
        ({"temperature": 0.7}, {"temperature": 0.0}, [], "greedy"),  # the task's wins
        ({"temperature": 0.0}, {"temperature": 0.7}, [], "sampled"),
        ({"temperature": float("nan")}, {}, [], ""),
        ({"temperature": -1}, {}, [], ""),
        ({"temperature": 10**400}, {}, [], "sampled"),
        ({"temperature": None}, {"temperature": 0.0}, [], "greedy"),
        ({"temperature": 0.7}, {}, [{"solver": "generate", "params": {"temperature": 0.0}}], "greedy"),
        ({"temperature": 0.7}, {}, [{"solver": "critique", "params": {"temperature": 0.0}}], "sampled"),
        ({"temperature": 0.7}, {}, [{"solver": "generate", "params": {}}], "sampled"),
        ({"top_k": 1}, {}, [], "greedy"),
        ({"do_sample": True}, {}, [], ""),  # not a setting of Inspect's
        (None, [], [], ""),  # a log may leave anything out
        (None, {}, {}, ""),
        (None, 1, [None], ""),
    ],
)
def test_settings_of_inspect(tmp_path, model, plan, steps, decoding):
    about = {**HEADER["eval"], "model_generate_config": model}
    log = inspect_log(tmp_path, sample("a", "C"), eval=about, plan={"steps": steps, "config": plan})
    assert log.decoding == decoding
    assert inspect_log(tmp_path, sample("a", "C"), plan=[]).decoding == ""


# verl and plain lines -----------------------------------------------------------------------------


def test_verl_lines_with_one_input_are_samples_of_it(tmp_path):
    lines = [{"input": text, "output": "o", "gts": "1", "score": score, "reward": score, "step": 20,
              "acc": score > 0, "pred": "1"}
             for text, score in (("q", 1.0), ("r", -1.0), ("q", -1.0))]  # fmt: skip
    log = read_log(write(tmp_path / "20.jsonl", *lines))
    assert (log.step, log.benchmark, log.model, list(log.answers)) == ("20", "", "", ["score", "acc"])
    assert log.answers["acc"].items == [hashlib.sha256(text).hexdigest()[:16] for text in (b"q", b"r", b"q")]
    assert log.answers["acc"].values == [True, False, False] and log.answers["score"].values == [1, -1, -1]
    assert log.answers["acc"].prompts == [""] * 3
    del lines[1]["acc"]
    assert list(read_log(write(tmp_path / "20.jsonl", *lines)).answers) == ["score"]
    lines[1]["step"] = 30
    with pytest.raises(LogError, match=r"holds the steps 20, 30 of training .*; one step per file is"):
        read_log(write(tmp_path / "20.jsonl", *lines))


def test_plain_lines(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"item": 7, "correct": true}\n\n{"item": "b", "correct": 0.5, "more": 1}\n')
    answers = read_log(path).answers["correct"]
    assert (answers.items, answers.values, answers.prompts) == (["7", "b"], [True, 0.5], ["", ""])
    for item in ("", None, [1]):
        with pytest.raises(LogError, match="answer 2: item must be a whole number or a non-empty text, got"):
            read_log(write(path, {"item": 1, "correct": 1}, {"item": item, "correct": 1}))


def test_plain_lines_may_say_one_decoding(tmp_path):
    def decoded(*decodings):
        lines = [{"item": "a", "correct": 1, "decoding": decoding} for decoding in decodings]
        return read_log(write(tmp_path / "a.jsonl", *lines)).decoding

    assert [decoded(word) for word in (*DECODINGS, "", None)] == [*DECODINGS, "", ""]
    assert decoded(None, "greedy") == "greedy"
    with pytest.raises(LogError, match=r"answer 2: decoding must be one of greedy, .*got 'greedily'"):
        decoded("greedy", "greedily")
    with pytest.raises(LogError, match="answer 1 is greedy and answer 3 is sampled; one decoding per log"):
        decoded("greedy", None, "sampled")


# What is no log -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.jsonl", "", "the file is empty"),
        ("a.jsonl", "\n \n", "the file is empty"),
        ("a.jsonl", '{"item": 1, "correct": 1}\n{"item": 2,\n', "line 2: not JSON"),
        ("a.jsonl", "nan\n", r"line 1: not JSON \("),
        ("a.jsonl", "[1]\n", r"line 1: one JSON object per line is accepted, got \[1\]"),
        ("a.jsonl", '{"item": 1, "right": 1}\n', "an unknown format of log, with the fields item, right"),
        ("a.jsonl", "{}\n", "an unknown format of log, with the fields nothing"),
        ("a.json", '{"results": {}, "configs": {}}', "not a log of Inspect; the file holds results"),
        ("a.json", "[]", "not a log of Inspect; accepted"),
        ("a.json", "{", "not JSON"),
        ("a.jsonl", json.dumps({**LINES[0], "metrics": 5}) + "\n", "differs from what its tool writes"),
        ("a.jsonl", json.dumps({**LINES[0], "metrics": ["lost"]}) + "\n", "differs from what its .*lost"),
        ("none.jsonl", None, r"none\.jsonl: no such file"),
    ],
)  # fmt: skip
def test_what_is_no_log_is_refused_by_name(tmp_path, name, text, problem):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(LogError, match=problem) as refusal:
        read_log(path)
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)
    assert str(refusal.value).endswith(ACCEPTED) or "JSON object" in problem


def test_nan_is_read_although_json_has_none(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"item": "a", "correct": NaN}\n')
    assert str(read_log(tmp_path / "a.jsonl").answers["correct"].values) == "[nan]"


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


@pytest.mark.parametrize("page", ["README.md", "chapters/12-your-model.md"])
def test_pages_list_the_tools_that_are_read(page):
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    tools = [tool for row in FORMATS for tool in row.files.partition(" of ")[2].split(" or ") if tool]
    assert len(tools) >= 10 and [tool for tool in tools if tool not in text] == []
