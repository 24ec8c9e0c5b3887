"""Each tool's files, with the names of fields that the tool writes, to the numbers they hold."""

import gzip
import json
import sys
from pathlib import Path

import pytest
import zstandard

from rlvr.auditing.cell_verdicts import audit
from rlvr.logs.formats import LogError, read_benchmarks, read_log
from rlvr.logs.log_folders import logs_at
from rlvr.logs.runs import read_logs

RIGHTS = {"frozen": 3, "true": 8}  # of ten items
N = 10


def write(path, lines, form="jsonl"):
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "json":
        path.write_text(json.dumps(lines))
    elif form == "parquet":
        pa = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(pa.Table.from_pylist(list(lines)), path)
    else:
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def math_evaluation(item, right):
    return {
        "idx": item, "question": f"q{item}", "gt": "1", "answer": "1", "code": ["a", "b"], "pred": ["1", "2"],
        "report": [None, None], "score": [right, right],
    }  # fmt: skip


def nemo_skills(item, right):
    return {
        "problem": f"q{item}", "expected_answer": "1", "generation": "g", "predicted_answer": "1",
        "symbolic_correct": right,
    }  # fmt: skip


def evalscope(item, right):
    score = {"value": {"acc": float(right)}, "prediction": "p", "status": "success"}
    sample = {"score": score, "sample_id": item, "group_id": item}
    messages = [{"role": "user", "content": "q"}]
    return {"index": item, "target": "1", "messages": messages, "sample_score": sample}


def olmes(item, right):
    return {
        "doc_id": item, "native_id": f"n{item}", "metrics": {"exact_match": int(right)},
        "model_output": [{"continuation": f"c{item}"}], "label": "1", "task_hash": "t", "model_hash": "m",
    }  # fmt: skip


def lighteval(item, right):
    return {
        "doc": {"query": f"q{item}", "id": str(item), "choices": ["1"], "gold_index": 0},
        "model_response": {"text": [f"t{item}"]}, "metric": {"extractive_match": float(right)},
    }  # fmt: skip


def verl_generation(item, right):
    answer = f"so \\boxed{{{item if right else 99}}}"
    return {
        "prompt": [{"role": "user", "content": f"q{item}"}], "data_source": "math", "responses": [answer] * 2,
        "reward_model": {"ground_truth": str(item), "style": "rule"},
    }  # fmt: skip


def lmms_eval(item, right):
    return {
        "doc_id": item, "target": "1", "filtered_resps": f"r{item}", "token_counts": [3],
        "doc_hash": f"h{item}" * 8, "exact_match": float(right), "input": f"q{item}", "mix": {"id": 3},
    }  # fmt: skip


def old_harness(item, right):
    return {"doc_id": item, "doc": {"q": item}, "target": "1", "arguments": [["q", {"until": ["\n"]}]],
            "resps": [[f"r{item}"]], "filtered_resps": [f"r{item}"], "exact_match": float(right)}  # fmt: skip


TOOLS = [
    ("math500/test_cot_-1_seed0_t0.6_s0_e-1.jsonl", math_evaluation, "math-evaluation-harness", "math500"),
    ("aime24/output-rs0.jsonl", nemo_skills, "NeMo-Skills", "aime24"),
    ("reviews/m/gsm8k_main.jsonl", evalscope, "evalscope", "gsm8k_main"),
    ("task-000-gsm8k-predictions.jsonl", olmes, "olmes", "gsm8k"),
    ("details/m/2026-01-01T00-00-00.000000/details_math|0_2026-01-01T00-00-00.000000.parquet", lighteval,
     "lighteval", "math|0"),
    ("generations.parquet", verl_generation, "verl generations", "math"),
    ("m/20260101_120000_samples_mathvista.jsonl", lmms_eval, "lm-eval", "mathvista"),
    ("m/samples_gsm8k_2024-10-01T10-00-00.000000.jsonl", old_harness, "lm-eval", "gsm8k"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "tool", "benchmark"), TOOLS, ids=[row[1].__name__ for row in TOOLS])
def test_each_tool_s_file_gives_its_numbers(tmp_path, name, line, tool, benchmark):
    for arm, n_right in RIGHTS.items():
        write(
            tmp_path / arm / name, [line(item, item < n_right) for item in range(N)], name.rpartition(".")[2]
        )
        (log,) = logs_at(arm, tmp_path / arm)
        assert (log.tool, log.benchmark) == (tool, benchmark)
    (cell,) = audit(read_logs([(arm, tmp_path / arm) for arm in RIGHTS]).table).cells
    assert {name: arm.accuracy for name, arm in cell.cell.arms.items()} == {"frozen": 0.3, "true": 0.8}
    assert cell.cell.arms["true"].n_items == N and cell.cell.benchmark == benchmark


def opencompass(n_right, **more):
    details = {str(item): {"prompt": f"q{item}", "origin_prediction": "o", "predictions": "p",
    "references": "1",
                           "correct": item < n_right} for item in range(N)}  # fmt: skip
    return {"accuracy": 10.0 * n_right, "details": {"type": "GEN", **details}, **more}


def test_opencompass_results_and_what_they_say_themselves(tmp_path):
    for arm, n_right in RIGHTS.items():
        write(tmp_path / arm / "results" / "m" / "math.json", opencompass(n_right), "json")
        write(tmp_path / arm / "predictions" / "m" / "math.json", {"0": {"prediction": "1"}}, "json")
    outcomes = read_logs([(arm, tmp_path / arm) for arm in RIGHTS])
    assert list(outcomes.notices) == ["math"] and not outcomes.notices["math"]
    assert [round(arm.accuracy, 9) for arm in audit(outcomes.table).cells[0].cell.arms.values()] == [0.3, 0.8]
    other = write(tmp_path / "other.json", opencompass(3, accuracy=40.0), "json")
    assert "by correct, the accuracy is 40.0% in other.json, but 30.0% over the answers" in " ".join(
        line for lines in read_logs([("frozen", other)]).notices.values() for line in lines
    )


def test_predictions_without_a_score_are_read_plainly(tmp_path):
    rows = {str(item): {"origin_prompt": f"q{item}", "prediction": f"\\boxed{{{item}}}",
    "gold": str(item % 5)}
            for item in range(N)}  # fmt: skip
    outcomes = read_logs([("frozen", write(tmp_path / "math.json", rows, "json"))])
    assert audit(outcomes.table).cells[0].cell.arms["frozen"].accuracy == 0.5
    assert "holds no scores: the last box or number of each output" in outcomes.notices["math"][0]
    for row in rows.values():
        row["gold"] = "a proof"
    with pytest.raises(LogError, match="holds no scores, and no answer that can be compared with its truth"):
        read_log(write(tmp_path / "math.json", rows, "json"))


def test_seeds_of_nemo_skills_are_samples_and_its_judge_is_a_metric(tmp_path):
    for seed in range(4):
        lines = [{**nemo_skills(item, item < seed), "judgement": f"Judgement: {'Yes' if item else 'No'}"}
                 for item in range(N)]  # fmt: skip
        write(tmp_path / "aime24" / f"output-rs{seed}.jsonl", lines)
    for logs in ([("true", tmp_path)], [("true", file) for file in sorted(tmp_path.rglob("*.jsonl"))]):
        (arm,) = audit(read_logs(logs, metrics=["symbolic_correct"]).table).cells[0].cell.arms.values()
        assert (arm.accuracy, arm.samples_per_item, arm.n_runs) == (0.15, 4, 1)
    (arm,) = (
        audit(read_logs([("true", tmp_path)], metrics=["judge_correct"]).table).cells[0].cell.arms.values()
    )
    assert arm.accuracy == 0.9


def test_repeats_of_evalscope_are_samples_and_what_it_could_not_judge_is_unscored(tmp_path):
    lines = [{**evalscope(item, item % 2)} for item in range(N)]
    for line in lines:
        line["sample_score"]["group_id"] = line["index"] // 2
    lines[0]["sample_score"]["score"] |= {"value": {}, "status": "judge_failed"}
    outcomes = read_logs([("frozen", write(tmp_path / "a_b.jsonl", lines))])
    assert set(outcomes.table["samples_per_item"]) == {1} and outcomes.table["item"].nunique() == 5
    (account,) = outcomes.accounts["a_b"]
    assert (account.read, account.scored, account.unscored) == (10, 9, 1)


def test_a_text_that_stands_twice_is_two_items(tmp_path):
    lines = [nemo_skills(item // 2, True) for item in range(N)]
    log = read_log(write(tmp_path / "output.jsonl", lines))
    assert len(set(log.answers["symbolic_correct"].items)) == N


def test_what_trl_logs_while_it_trains_is_no_evaluation(tmp_path):
    line = {"step": 1, "prompt": "q", "completion": "c", "true_reward": 1.0, "advantage": 0.5}
    for form in ("jsonl", "parquet"):
        path = write(tmp_path / f"completions_00001.{form}", [line], form)
        with pytest.raises(LogError, match=r"TRL logged during training .*these are not an evaluation"):
            read_log(path)


def test_first_sample_accuracy_beside_a_log_is_said(tmp_path):
    lines = [math_evaluation(item, True) | {"score": [True, item < 5]} for item in range(N)]
    path = write(tmp_path / "math500" / "test_t0.6_.jsonl", lines)
    (path.parent / "test_t0.6__cot_metrics.json").write_text('{"num_samples": 10, "acc": 100.0}')
    outcomes = read_logs([("frozen", tmp_path)])
    assert "_cot_metrics.json, but 75.0% over the answers of the log: that file counts only the first" in (
        " ".join(outcomes.notices["math500"])
    )
    assert set(outcomes.table["decoding"]) == {"sampled"}


@pytest.mark.parametrize(
    ("name", "decoding"), [("test_t0.0_", "greedy"), ("test_t0_", "greedy"), ("test", "")]
)
def test_the_temperature_in_a_name(tmp_path, name, decoding):
    assert read_log(write(tmp_path / f"{name}.jsonl", [math_evaluation(1, True)])).decoding == decoding


def test_results_that_lie_beside_the_harness_s_samples(tmp_path):
    path = write(tmp_path / TOOLS[-1][0], [old_harness(item, item < 3) for item in range(N)])
    for value, n_notices in ((0.3, 0), (0.4, 1)):
        results = {"results": {"gsm8k": {"exact_match,none": value}}}
        write(path.parent / "results_2024-10-01T10-00-00.000000.json", results, "json")
        assert len(read_logs([("frozen", tmp_path)]).notices["gsm8k"]) == n_notices


def test_an_old_log_of_two_filters_is_refused(tmp_path):
    lines = [old_harness(item, True) for item in range(N)] * 2
    with pytest.raises(LogError, match=r"doc_id 0 occurs twice; .*before 0\.4\.7 .*filter.*evaluate again"):
        read_log(write(tmp_path / "samples_a.jsonl", lines))


def test_the_harness_before_0_4_3_wrote_a_list(tmp_path):
    path = tmp_path / "samples_a.jsonl"
    path.write_text(json.dumps([old_harness(item, item < 3) for item in range(N)], indent=2))
    assert sum(read_log(path).answers["exact_match,none"].values) == 3


@pytest.mark.parametrize(
    ("metric", "filtered", "said"),
    [
        ("exact_match", "a", "drew 4 answers per item and scored the item once"),
        ("pass@1", ["a"] * 4, ""),
        ("pass@4", ["a"] * 4, "pass@4,none is not an accuracy: one value judges 4 answers"),
        ("maj@4", ["a"] * 4, "maj@4,none is not an accuracy"),
    ],
)
def test_what_is_made_of_several_answers(tmp_path, metric, filtered, said):
    lines = [{**old_harness(item, True), "filter": "none", "metrics": [metric], metric: float(item < 3),
              "resps": [["a"] * 4], "filtered_resps": [filtered]} for item in range(N)]  # fmt: skip
    notices = read_logs([("frozen", write(tmp_path / "samples_a.jsonl", lines))]).notices["a"]
    assert said in " ".join(notices) and bool(notices) == bool(said)


def subtasks(folder, *names):
    for arm, n_right in RIGHTS.items():
        for name in names:
            lines = [old_harness(item, item < n_right) for item in range(N if name.endswith("a") else 5)]
            write(folder / arm / "m" / f"samples_{name}_2026-01-01T00-00-00.0.jsonl", lines)
    return [(arm, folder / arm) for arm in RIGHTS]


def test_subtasks_are_one_benchmark_by_its_name(tmp_path):
    logs = subtasks(tmp_path, "mmlu_a", "mmlu_b")
    assert list(read_logs(logs).notices) == ["mmlu_a", "mmlu_b"]
    outcomes = read_logs(logs, benchmark="mmlu")
    arms = audit(outcomes.table).cells[0].cell.arms
    assert [arm.n_items for arm in arms.values()] == [15, 15]
    assert arms["frozen"].accuracy == pytest.approx(6 / 15)
    assert "2 subtasks of mmlu are joined into one benchmark" in outcomes.notices["mmlu"][0]


@pytest.mark.parametrize("unpaired", [True, False])
def test_other_tasks_under_one_name_are_refused_as_such(tmp_path, unpaired):
    with pytest.raises(LogError, match=r"^frozen: the logs mmlu_a, mmlu_b belong to") as refusal:
        read_logs(subtasks(tmp_path, "mmlu_a", "mmlu_b"), benchmark="x", unpaired=unpaired)
    assert "--unpaired" not in str(refusal.value) and "(--benchmark) mmlu joins" in str(refusal.value)


# Lines of one's own -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (lambda i, right: {"id": i, "result": right}, ("id", "result")),
        (lambda i, right: {"q": {"uid": f"u{i}"}, "eval": {"ok": int(right)}}, ("q.uid", "eval.ok")),
        (lambda i, right: {"qid": i, "runs": [{"hit": right}, {"hit": right}]}, ("qid", "runs.hit")),
        (lambda i, right: {"a.b": f"u{i}", "grade": "Correct" if right else "wrong"}, ("a.b", "grade")),
        (lambda i, right: {"id": i, "judged": {"strict": right, "loose": right}}, ("id", "judged.strict")),
        (lambda i, right: {"id": i, "scores": [right, right]}, ("id", "scores.1")),
    ],
)
@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_fields_that_are_named_are_read(tmp_path, line, fields, form):
    logs = [(arm, write(tmp_path / f"{arm}.{form}", [line(i, i < n) for i in range(N)], form))
            for arm, n in RIGHTS.items()]  # fmt: skip
    item, correct = fields
    table = read_logs(logs, fields=[f"item={item}", f"correct={correct}"]).table
    arms = audit(table).cells[0].cell.arms
    assert [arm.accuracy for arm in arms.values()] == [0.3, 0.8] and arms["true"].n_items == N


def test_an_unknown_line_is_refused_with_the_fields_it_could_be(tmp_path):
    line = {"id": 3, "prompt": "q", "answer": "7", "eval": {"result": True, "seconds": 40}}
    for form in ("jsonl", "json"):
        with pytest.raises(LogError, match=r"--field item=id --field correct=eval.result") as refusal:
            read_log(write(tmp_path / f"a.{form}", [line, line], form))
        assert "eval" in str(refusal.value)


@pytest.mark.parametrize(
    ("line", "offer"),
    [
        ({"i": 0, "gold": "18", "correct": True}, "item=i|gold --field correct=correct names"),
        (
            {"qid": 0, "n": 8, "rollouts": [{"correct": True, "text": "a"}] * 2},
            "correct=rollouts.correct names",
        ),
        ({"idx": 0, "gt": "18", "pred": ["18"]}, "item=idx --field correct=NAME names"),
    ],
)
def test_what_is_offered_is_an_outcome(tmp_path, line, offer):
    with pytest.raises(LogError) as refusal:
        read_log(write(tmp_path / "a.jsonl", [line, line]))
    assert offer in str(refusal.value)


def test_an_object_with_several_lists_of_records_is_refused_by_their_names(tmp_path):
    lines = [{"item": item, "correct": item < 3} for item in range(N)]
    nested = {"summary": {"acc": 0.3}, "results": {"samples": lines}}
    assert sum(read_log(write(tmp_path / "a.json", nested, "json")).answers["correct"].values) == 3
    with pytest.raises(LogError, match=r"2 lists of records \(a.b, c\)"):
        read_log(write(tmp_path / "b.json", {"a": {"b": lines}, "c": lines}, "json"))


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        (["item=id"], "must name item and correct, got no correct"),
        (["id"], "must be PART=NAME with PART one of item, correct, .*got 'id'"),
        (["thing=id", "correct=b"], "got 'thing=id'"),
        (
            ["item=none", "correct=right"],
            "answer 1: none must be a whole number or a non-empty text, got None",
        ),
    ],
)
def test_fields_that_are_not_there(tmp_path, pairs, problem):
    path = write(tmp_path / "a.jsonl", [{"id": 3, "right": True}])
    with pytest.raises(LogError, match=problem):
        read_logs([("frozen", path)], fields=pairs)


@pytest.mark.parametrize("value", [None, []])
def test_an_outcome_that_is_never_there(tmp_path, value):
    path = write(tmp_path / "a.jsonl", [{"id": 3, "right": value}])
    with pytest.raises(LogError, match=r"right has no score for any answer|holds no scored answers"):
        read_logs([("frozen", path)], fields=["item=id", "correct=right"])


def test_a_list_of_plain_records_and_an_object_that_holds_one(tmp_path):
    lines = [{"item": item, "correct": item < 3} for item in range(N)]
    for document in (lines, {"accuracy": 0.3, "samples": lines}):
        assert sum(read_log(write(tmp_path / "a.json", document, "json")).answers["correct"].values) == 3


# Packed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
@pytest.mark.parametrize(("name", "form"), [("samples_a.jsonl", "jsonl"), ("a.json", "json")])
def test_compressed_files_are_read_as_they_are(tmp_path, pack, name, form):
    ending = ".gz" if pack is gzip.compress else ".zst"
    path = write(tmp_path / "plain" / name, [old_harness(item, item < 3) for item in range(N)], form)
    packed = tmp_path / f"{name}{ending}"
    packed.write_bytes(pack(path.read_bytes()))
    (log,) = logs_at("frozen", tmp_path / packed.name)
    assert (log.benchmark, log.answers) == (read_log(path).benchmark, read_log(path).answers)
    packed.write_bytes(pack(path.read_bytes())[:-20])
    with pytest.raises(LogError, match=rf"{packed.name}: damaged, it cannot be unpacked"):
        read_benchmarks(packed)


def test_without_pyarrow_a_parquet_file_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(LogError, match=r"a\.parquet: a Parquet file.*pyarrow.*rlvr\[parquet\]"):
        read_log(tmp_path / "a.parquet")


def test_a_damaged_parquet_file_is_named(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(LogError, match=r"a\.parquet: a damaged Parquet file"):
        read_log(Path(tmp_path / "a.parquet"))


def test_a_benchmark_is_selected_in_every_arm(tmp_path):
    logs = subtasks(tmp_path, "mmlu_a", "gsm8k")
    (tmp_path / "true" / "m" / "samples_mmlu_a_2026-01-01T00-00-00.0.jsonl").unlink()
    with pytest.raises(LogError, match=r"^true: the logs gsm8k .* none is a subtask of mmlu"):
        read_logs(logs, benchmark="mmlu")


def test_runs_of_subtasks_in_one_folder_are_refused_and_those_of_one_task_are_runs(tmp_path):
    logs = []
    for task in ("mmlu_a", "mmlu_b", "gsm8k"):
        for run in (1, 2):
            name = f"samples_{task}_2026-01-0{run}T00-00-00.0.jsonl"
            lines = [old_harness(item, item < run + 2) for item in range(N)]
            logs.append(("true", write(tmp_path / "m" / name, lines)))
    with pytest.raises(LogError, match=r"several logs of a subtask of mmlu, so its runs cannot be told"):
        read_logs(logs, benchmark="mmlu")
    outcomes = read_logs(logs, benchmark="gsm8k")
    assert outcomes.table.groupby("run")["correct"].mean().tolist() == [0.3, 0.4]
