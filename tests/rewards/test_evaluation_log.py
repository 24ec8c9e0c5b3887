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


def evaluate(log, n_right, items=range(N), step=200, samples=2, prefix="eval", loader=None, **columns):
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
        log.on_prediction_step(*event, eval_dataloader=loader)
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


@pytest.mark.parametrize("n_items", [N, N - 1, 3, 1])
@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_several_processes_write_the_log_of_one(tmp_path, n_items, count, monkeypatch):
    evaluate(EvaluationLog(tmp_path / "one", item="id"), n_items - 1, range(n_items))
    pairs = [range(n_items)[at : at + 2] for at in range(0, n_items, 2)]
    whole = list(range(n_items)) * 2 * count  # a loader begins again to fill the last batch of each process
    dealt = [whole[at : at + 2] for at in range(0, 2 * -(-len(pairs) // count) * count, 2)]
    sampler = SimpleNamespace(sampler=range(2 * n_items))
    loader = SimpleNamespace(batch_sampler=SimpleNamespace(batch_sampler=sampler))
    logs = [EvaluationLog(tmp_path / "several", item="id") for _ in range(count)]

    def work(rank):
        mine = [item for pair in dealt[rank::count] for item in pair]
        return evaluate(logs[rank], n_items - 1, mine, loader=loader)

    assert together(count, work, monkeypatch) == [None] * count
    one, several = ((tmp_path / name / "step-200.jsonl").read_bytes() for name in ("one", "several"))
    assert several == one and one.count(b"\n") == 2 * n_items


def test_an_unknown_loader_loses_no_answer(tmp_path, monkeypatch):
    logs = [EvaluationLog(tmp_path, item="id") for _ in range(2)]
    work = [range(8), range(8, N)]  # processes with different numbers of batches
    ended = together(2, lambda rank: evaluate(logs[rank], N, work[rank], loader=object()), monkeypatch)
    lines = [json.loads(line) for line in (tmp_path / "step-200.jsonl").read_text().splitlines()]
    assert ended == [None, None] and len(lines) == 2 * N
    assert {line["item"] for line in lines} == {f"q{item}" for item in range(N)}
    assert {line["sample"] for line in lines} == {1, 2}


def test_processes_that_cannot_exchange_answers_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes.this_process().n_processes == 2
    with pytest.raises(RuntimeError, match="process 1 of 2"):
        evaluate(EvaluationLog(tmp_path), N)


def test_it_is_no_callback_of_what_does_not_exist(tmp_path):
    log = EvaluationLog(tmp_path)
    assert log.on_train_begin(None, None, None, model=1) is None and not hasattr(log, "columns")
