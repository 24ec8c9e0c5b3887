"""An arm's evaluations become logs that the audit reads, whatever the arm pays."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from rlvr.auditing.cell_verdicts import audit
from rlvr.logs.runs import read_logs
from rlvr.rewards import processes
from rlvr.rewards.evaluation_log import EvaluationLog
from tests.rewards.trainers import Trainer, together

N = 12
ARGS = SimpleNamespace(temperature=0.7)


def evaluate(log, n_right, items=range(N), step=200, samples=2, prefix="eval", **columns):
    """What a trainer calls in training and then in an evaluation, two prompts at a time."""
    trainer = Trainer()
    trainer.state.global_step = step
    event = (ARGS, trainer.state, None)
    log.on_step_begin(*event)
    assert trainer.call(log, ["train"] * 2, ["1", "2"], answer=["1"] * 2, id=["t"] * 2) == [0.0, 0.0]
    log.on_step_end(*event)
    items = list(items)
    for pair in (items[at : at + 2] for at in range(0, len(items), 2)):
        each = [item for item in pair for _ in range(samples)]
        answers = [rf"so \boxed{{{item + (item >= n_right)}}}" for item in each]
        more = {"answer": [str(item) for item in each], "id": [f"q{item}" for item in each], **columns}
        trainer.call(log, [f"What is {item}?" for item in each], answers, **more)
        log.on_prediction_step(*event, eval_dataloader=None)
    log.on_evaluate(*event, metrics={f"{prefix}_reward": 0.5, f"{prefix}_runtime": 1.0}, model=None)


@pytest.mark.parametrize("item", [None, "id"])
def test_evaluations_of_arms_are_logs(tmp_path, item):
    rights = {"frozen": 3, "random": 4, "true": 9}
    for arm, n in rights.items():
        log = EvaluationLog(tmp_path / arm, item=item)
        evaluate(log, 0, step=100)
        evaluate(log, n)
    found = read_logs([(arm, tmp_path / arm / "step-200.jsonl") for arm in rights])
    (cell,) = audit(found.table).cells
    assert {name: round(N * arm.accuracy) for name, arm in cell.cell.arms.items()} == rights
    assert cell.cell.arms["true"].n_items == N and set(found.n_samples) == {2}
    line = json.loads((tmp_path / "true" / "step-200.jsonl").read_text().splitlines()[0])
    assert (line["step"], line["temperature"], line["target"]) == (200, 0.7, "0")
    with pytest.raises(ValueError, match="checkpoints of one model"):
        read_logs([("true", tmp_path / "true")])


@pytest.mark.parametrize("item", [np.int64(7), np.float64(7), np.array(7), 7.0, 7])
def test_a_numbered_item_is_a_whole_number_of_whatever_type(tmp_path, item):
    evaluate(EvaluationLog(tmp_path, item="id"), 1, items=[0], id=[item] * 2)
    table = read_logs([("true", tmp_path / "step-200.jsonl")]).table
    assert [*table["item"].astype(str)] == ["7"]


def test_data_sets_have_names_and_labels_without_an_answer_are_left_out(tmp_path, capsys):
    log = EvaluationLog(tmp_path)
    evaluate(log, N, prefix="eval_aime")
    evaluate(log, N, prefix="eval_math", answer=["", "", "1", "1"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aime-step-200.jsonl", "math-step-200.jsonl"]
    lines = [json.loads(line) for line in (tmp_path / "math-step-200.jsonl").read_text().splitlines()]
    assert len(lines) == N and {line["benchmark"] for line in lines} == {"math"}


def test_the_first_of_several_processes_writes_what_all_answered(tmp_path, monkeypatch):
    logs = [EvaluationLog(tmp_path, item="id") for _ in range(2)]
    ended = together(2, lambda rank: evaluate(logs[rank], N, range(rank, N, 2)), monkeypatch)
    assert ended == [None, None]
    lines = [json.loads(line) for line in (tmp_path / "step-200.jsonl").read_text().splitlines()]
    assert {line["item"] for line in lines} == {f"q{item}" for item in range(N)} and len(lines) == 2 * N


def test_processes_that_cannot_exchange_answers_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes.this_process().n_processes == 2
    with pytest.raises(RuntimeError, match="process 1 of 2"):
        evaluate(EvaluationLog(tmp_path), N)


def test_it_is_no_callback_of_what_does_not_exist(tmp_path):
    log = EvaluationLog(tmp_path)
    assert log.on_train_begin(None, None, None, model=1) is None and not hasattr(log, "columns")
