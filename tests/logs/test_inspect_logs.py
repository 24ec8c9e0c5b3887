"""Inspect's logs: what a real one holds, and what an unfinished or damaged one is told."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from rlvr.logs.evaluation_log import LogError
from rlvr.logs.inspect_logs import inspect_log, inspect_zip

EVAL = Path(__file__).parent.parent / "data" / "logs" / "inspect" / "true-1.eval"
HEADER = {"status": "success", "eval": {"task": "t", "model": "m"}}


def log_of(*samples, **header):
    return inspect_log(Path("x.json"), {**HEADER, **header, "samples": list(samples)})


def sample(name, value, epoch=1, **more):
    return {"id": name, "epoch": epoch, "input": "q", "scores": {"match": {"value": value}}, **more}


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.json", text)
    return path


def test_a_real_log_is_as_its_header_sums_it_up():
    log = inspect_zip(EVAL)
    assert (log.tool, log.benchmark, log.model) == ("Inspect", "sums", "mockllm/base-true-1")
    assert list(log.answers) == ["match", "includes"]
    match = log.answers["match"]
    assert match.items == [f"sum-{item}" for item in range(8)] * 2
    assert match.values == [1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0]
    assert sum(log.answers["includes"].values) == sum(match.values) + 1
    assert match.prompts[:8] == match.prompts[8:] and len(set(match.prompts)) == 8


def test_members_in_zstandard_and_in_deflate_are_the_same(tmp_path):
    with zipfile.ZipFile(EVAL) as archive:
        assert {member.compress_type for member in archive.infolist()} == {93}
    text = json.dumps(HEADER), json.dumps([sample("a", "C")])
    log = inspect_zip(zipped(tmp_path / "x.eval", header=text[0], summaries=text[1]))
    assert log.answers["match"].values == [1]


@pytest.mark.parametrize(
    ("value", "read"),
    [("C", 1.0), ("I", 0.0), ("P", 0.5), ("N", 0.0), (0.25, 0.25), (True, True), ("x", "x")],
)
def test_letters_are_grades(value, read):
    assert log_of(sample("a", value)).answers["match"].values == [read]


def test_what_was_not_scored_is_left_out_and_several_values_are_several_metrics():
    log = log_of(sample("a", float("nan")), sample("b", "C"), sample("c", "C", scores=None),
                 sample("d", {"acc": 1, "style": 0.5}))  # fmt: skip
    assert {name: column.items for name, column in log.answers.items()} == {
        "match": ["b"], "match/acc": ["d"], "match/style": ["d"]
    }  # fmt: skip


def test_a_metric_that_was_not_scored_leaves_the_others_of_its_sample():
    log = log_of(sample("a", {"acc": float("nan"), "style": 0.5}))
    assert {name: column.values for name, column in log.answers.items()} == {"match/style": [0.5]}


def test_epochs_are_told_apart_and_the_same_one_twice_is_refused():
    assert log_of(sample("a", "C"), sample("a", "I", epoch=2)).answers["match"].values == [1, 0]
    with pytest.raises(LogError, match=r"^x\.json: sample 'a' has epoch 2 twice; once is accepted$"):
        log_of(sample("a", "C", epoch=2), sample("a", "I", epoch=2))


@pytest.mark.parametrize("status", ["error", "cancelled", "started", None])
def test_only_an_evaluation_that_ended_well_is_read(status):
    with pytest.raises(LogError, match=f"status {status!r}; a log with status 'success' is accepted"):
        log_of(sample("a", "C"), status=status)


def test_an_unfinished_log_has_no_header(tmp_path):
    with pytest.raises(LogError, match="no finished log of Inspect; a log whose evaluation ended"):
        inspect_zip(zipped(tmp_path / "x.eval", start="{}", summaries="[]"))


@pytest.mark.parametrize("place", ["header.json", "summaries.json"])
def test_a_damaged_member_is_named(tmp_path, place):
    raw = bytearray(EVAL.read_bytes())
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        member = archive.getinfo(place)
    start = member.header_offset + 30 + len(place)
    raw[start : start + member.compress_size] = bytes(member.compress_size)
    path = tmp_path / "x.eval"
    path.write_bytes(raw)
    with pytest.raises(LogError, match=r"x\.eval: a damaged \.eval file \(.*\); a whole one is accepted"):
        inspect_zip(path)
    path.write_bytes(EVAL.read_bytes()[:5000])
    with pytest.raises(LogError, match="a damaged"):
        inspect_zip(path)
