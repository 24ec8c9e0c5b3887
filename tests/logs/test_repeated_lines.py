"""Copies of lines are no samples."""

import json

import pytest

from rlvr.auditing.audit_output import to_dict, to_html
from rlvr.auditing.cell_verdicts import audit, with_notices
from rlvr.logs.formats import LogError, read_log
from rlvr.logs.runs import read_logs

N = 20


def plain(item, sample):
    return {"item": item, "correct": item % 2}


def verl(item, sample):
    return {
        "input": f"q {item}",
        "output": rf"so \boxed{{{item}}}",
        "gts": str(item),
        "score": 1.0,
        "step": 1,
    }


def with_text(item, sample):
    return {"item": item, "correct": 1, "response": f"the answer of {item}"}


def write(path, line, times=2, n=N, one_by_one=True):
    places = [(item, sample) for item in range(n) for sample in range(times)]
    places.sort(key=lambda place: place if one_by_one else place[::-1])
    path.write_text("".join(json.dumps(line(*place)) + "\n" for place in places))
    return path


@pytest.mark.parametrize("line", [verl, with_text])
@pytest.mark.parametrize("times", [2, 3, 8])
@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_file_of_copies_is_refused(tmp_path, line, times, one_by_one):
    path = write(tmp_path / "a.jsonl", line, times, one_by_one=one_by_one)
    with pytest.raises(LogError, match=f"each of the 20 different records occurs {times} times"):
        read_log(path)


@pytest.mark.parametrize(
    ("line", "n"),
    [
        (lambda item, sample: {**with_text(item, sample), "decoding": "greedy"}, N),
        (lambda item, sample: {"item": item, "correct": item % 2, "response": "ABCD"[item % 4]}, N),
        (with_text, 4),
        (plain, N),
    ],
)
def test_what_may_be_chance_is_counted(tmp_path, line, n):
    path = write(tmp_path / "a.jsonl", line, n=n)
    once = write(tmp_path / "b.jsonl", lambda *place: {**line(*place), "correct": 1}, 1, n)
    found = read_logs([("frozen", path), ("true", once)])
    report = with_notices(audit(found.table), found)
    assert [log.repeated for log in report.cells[0].answers] == [n, 0]
    assert f"{n} identical to another line; TRUE" in to_html(report)
    assert to_dict(report)["cells"][0]["answers"][0]["repeated"] == n


@pytest.mark.parametrize(
    "line",
    [
        lambda item, sample: {"item": item, "correct": item % 2, "sample": sample},
        lambda item, sample: {"item": item, "correct": int(item % 3 > sample)},
        lambda item, sample: {**verl(item, sample), "output": rf"{sample} \boxed{{{item}}}"},
    ],
)
def test_samples_are_no_copies(tmp_path, line):
    log = read_log(write(tmp_path / "a.jsonl", line))
    assert len(next(iter(log.answers.values())).items) == 2 * N and not log.repeated
