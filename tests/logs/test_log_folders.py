"""What the files of a folder mean: runs, checkpoints, repeated evaluations, things that lie beside."""

import json
import shutil
from pathlib import Path

import pytest

from rlvr.logs.evaluation_log import LogError
from rlvr.logs.log_folders import logs_at

LOGS = Path(__file__).parent.parent / "data" / "logs"
SAMPLES = next((LOGS / "lm_eval" / "true").rglob("*.jsonl"))


def lay(folder, *names, source=SAMPLES):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder / name)
    return folder


def verl(folder, *names, step=None):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        line = {"input": "q", "output": "a", "gts": "1", "score": 1.0, "step": step or int(path.stem)}
        path.write_text(json.dumps(line) + "\n")
    return folder


def test_models_are_runs_in_the_order_of_their_numbers(tmp_path):
    folder = lay(
        tmp_path, *(f"out/seed{seed}/samples_sums_2026-01-01T00-00-00.0.jsonl" for seed in (10, 9, 1))
    )
    (folder / "out" / "seed1" / "results_2026-01-01T00-00-00.0.json").write_text("{}")
    (folder / "notes.txt").write_text("not a log")
    assert [log.path.parent.name for log in logs_at("true", folder)] == ["seed1", "seed9", "seed10"]
    assert [log.benchmark for log in logs_at("true", folder)] == ["sums"] * 3


def test_several_tasks_of_one_model_are_several_benchmarks(tmp_path):
    lay(tmp_path, "m/samples_a_2026-01-01T00-00-00.0.jsonl", "m/samples_b_c_2026-01-01T00-00-00.0.jsonl")
    assert [log.benchmark for log in logs_at("true", tmp_path)] == ["a", "b_c"]


@pytest.mark.parametrize(
    "names",
    [
        ("m/samples_sums_2026-01-01T00-00-00.0.jsonl", "m/samples_sums_2026-01-02T00-00-00.0.jsonl"),
        ("m__checkpoint-100/samples_sums_2026-01-01T00-00-00.0.jsonl",
         "m__checkpoint-200/samples_sums_2026-01-01T00-00-00.0.jsonl"),
        ("m_step_5/samples_sums.jsonl", "m_step_10/samples_sums.jsonl"),
    ],
)  # fmt: skip
def test_two_evaluations_or_checkpoints_of_one_model_are_not_two_runs(tmp_path, names):
    with pytest.raises(
        LogError, match=r"are two evaluations or checkpoints of one model, not two runs; name"
    ) as it:
        logs_at("true", lay(tmp_path, *names))
    assert all(name in str(it.value) for name in names) and str(it.value).startswith(f"true={tmp_path}: ")
    assert len(logs_at("true", tmp_path / names[0])) == 1  # a file that is named is taken


def test_inspect_logs_of_one_model_are_not_two_runs(tmp_path):
    lay(tmp_path, "a.eval", "b.eval", source=LOGS / "inspect" / "true-1.eval")
    with pytest.raises(LogError, match=r"a\.eval and b\.eval are two evaluations"):
        logs_at("true", tmp_path)
    lay(tmp_path, "b.eval", source=LOGS / "inspect" / "true-2.eval")
    assert [log.model for log in logs_at("true", tmp_path)] == ["mockllm/base-true-1", "mockllm/base-true-2"]


def test_the_steps_of_a_training_are_not_runs(tmp_path):
    with pytest.raises(
        LogError, match=r"0\.jsonl and 20\.jsonl are two evaluations or checkpoints of one model"
    ):
        logs_at("true", verl(tmp_path / "one", "0.jsonl", "20.jsonl"))
    folder = verl(tmp_path / "two", "run1/20.jsonl", "run2/20.jsonl")
    assert [log.step for log in logs_at("true", folder)] == ["20", "20"]
    verl(folder, "run3/40.jsonl")
    with pytest.raises(LogError, match="runs at the steps 20 and 40 of training; runs of equal length"):
        logs_at("true", folder)


def test_plain_files_are_a_run_each(tmp_path):
    for name in ("x", "y"):
        (tmp_path / f"{name}.jsonl").write_text('{"item": 1, "correct": 1}\n')
    assert [log.path.name for log in logs_at("true", tmp_path)] == ["x.jsonl", "y.jsonl"]
    lay(tmp_path, "m/samples_sums.jsonl")
    with pytest.raises(LogError, match="holds logs of lm-eval and plain; name the files that are meant"):
        logs_at("true", tmp_path)


def test_a_folder_without_a_log(tmp_path):
    (tmp_path / "results_1.json").write_text("{}")
    with pytest.raises(LogError, match=f"^true={tmp_path}: a folder without a log; accepted are samples_"):
        logs_at("true", tmp_path)
