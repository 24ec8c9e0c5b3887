"""Logs of evaluations that differ, of parts, copies and failures, and fields by other common names."""

import gzip
import json
import os
import subprocess
import sys

import pytest

from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import audit
from rlvr.logs.file_names import one_evaluation
from rlvr.logs.formats import LogError
from rlvr.logs.runs import read_logs

N = 20
RIGHT = dict(zip(ARMS, (8, 6, 14, 16), strict=True))


def lines(arm, change=lambda line, arm: line, n_samples=1):
    plain = ({"item": item, "correct": int(item < RIGHT[arm])} for item in range(N))
    return [change(line, arm) | {} for line in plain for _ in range(n_samples)]


def write(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def folders(tmp_path, change=lambda line, arm: line, name="a.jsonl"):
    for arm in ARMS:
        write(tmp_path / arm / name, lines(arm, change))
    return [(arm, tmp_path / arm) for arm in ARMS]


def accuracies(found):
    return {
        cell.cell.benchmark: {name: round(100 * arm.accuracy, 1) for name, arm in cell.cell.arms.items()}
        for cell in audit(found.table).cells
    }


def notices(found):
    return "\n".join(line for of_cell in found.notices.values() for line in of_cell)


@pytest.mark.parametrize(
    "settings",
    [
        lambda differs: {"num_fewshot": 4 * differs},
        lambda differs: {"max_new_tokens": 256 if differs else 4096},
        lambda differs: {"prompt_template": "boxed" if differs else "plain"},
        lambda differs: {"metric": "maj@8" if differs else "pass@1"},
        lambda differs: {"grader": "rule" if differs else "model"},
        lambda differs: {"sampling_params": {"max_tokens": 256 if differs else 4096}},
    ],
)
def test_settings_in_which_logs_differ_are_named(tmp_path, settings):
    alike = folders(tmp_path / "alike", lambda line, arm: line | settings(True))
    assert "differ" not in notices(read_logs(alike))
    unlike = read_logs(folders(tmp_path / "unlike", lambda line, arm: line | settings(arm == "frozen")))
    assert "the logs differ in" in notices(unlike) and accuracies(unlike)["benchmark"]["frozen"] == 40


@pytest.mark.parametrize("name", ["messages", "problem_text", "stem", "raw_prompt", "conversations", "doc"])
def test_questions_by_other_names_are_compared(tmp_path, name):
    def asked(text, answer):
        chat = [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
        return {name: chat if name in ("messages", "conversations") else text}

    alike = folders(tmp_path / "alike", lambda line, arm: line | asked(f"q {line['item']}", arm))
    assert accuracies(read_logs(alike))["benchmark"]["true"] == 80
    unlike = folders(tmp_path / "unlike", lambda line, arm: line | asked(f"{arm} {line['item']}", "x"))
    with pytest.raises(LogError, match="differ in the prompt of 20 of 20"):
        read_logs(unlike)
    one = [{"item": 0, "correct": 1} | asked(f"q {n}", "x") for n in range(2)]
    with pytest.raises(LogError, match=f"item 0 differ in {name}"):
        read_logs([("true", write(tmp_path / "one.jsonl", one))])


@pytest.mark.parametrize("name", ["bench", "benchmark_name", "task_name", "testset", "eval_set", "suite"])
def test_benchmarks_by_other_names_are_cells(tmp_path, name):
    def change(line, arm):
        return line | {name: "aime" if line["item"] < 5 else "math"}

    assert [*accuracies(read_logs(folders(tmp_path, change)))] == ["aime", "math"]


@pytest.mark.parametrize("name", ["split", "subset", "source"])
def test_splits_of_one_file_are_named_and_not_averaged_within_an_item(tmp_path, name):
    def change(line, arm):
        return line | {name: "val" if line["item"] < 17 else "test"}

    logs = folders(tmp_path, change)
    assert f"differ in {name} (val 17, test 3)" in notices(read_logs(logs))
    assert [*accuracies(read_logs(logs, fields=[f"benchmark={name}"]))] == ["val", "test"]
    again = folders(tmp_path, lambda line, arm: change(line, arm) | {"item": line["item"] % 17})
    with pytest.raises(LogError, match=rf"item 0 has the {name}s val, test"):
        read_logs(again)


@pytest.mark.parametrize(
    "failure",
    [
        {"error": "timeout"}, {"exception": "Timeout()"}, {"finish_reason": "error"}, {"timed_out": True},
        {"output": ""}, {"output": None}, {"output": "[ERROR] rate limit"}, {"response": "API error 500"},
    ],
)  # fmt: skip
def test_failed_requests_that_are_scored_as_wrong_are_counted(tmp_path, failure):
    success = dict.fromkeys(failure, "a long answer") if {*failure} & {"output", "response"} else {}

    def change(line, arm):
        return line | (failure if line["item"] >= 17 else success)

    assert "3 of 20 answers are failed requests" in notices(read_logs(folders(tmp_path, change)))
    assert "failed" not in notices(read_logs(folders(tmp_path / "all", lambda line, arm: line | success)))


@pytest.mark.parametrize("name", ["is_correct", "acc", "correct_flexible", "exact_match"])
def test_a_second_verdict_that_contradicts_the_first_is_named(tmp_path, name):
    found = read_logs(folders(tmp_path, lambda line, arm: line | {name: line["item"] % 2}))
    assert f"{name} contradicts the outcome" in notices(found)
    alike = read_logs(folders(tmp_path, lambda line, arm: line | {name: bool(line["correct"])}))
    assert "contradicts" not in notices(alike)


@pytest.mark.parametrize(
    ("output", "truth"),
    [("resp", "gold"), ("extracted_answer", "ref"), ("solution", "gts"), ("response", "std_answer"),
     ("response", "golden_answer"), ("response", "reward_model"), ("hyp", "references")],
)  # fmt: skip
def test_a_coin_is_found_by_other_names_of_output_and_truth(tmp_path, output, truth):
    def change(line, arm):
        item, right = line["item"], line["correct"]
        known = {"ground_truth": str(item)} if truth == "reward_model" else str(item)
        coin = {"correct": item % 2} if arm == "random" else {}
        return line | coin | {output: rf"so \boxed{{{item if right else item + 100}}}", truth: known}

    with pytest.raises(LogError, match=r"random=.*plain reading .* differ in 10 of 20"):
        read_logs(folders(tmp_path, change))


def test_items_that_may_be_samples_or_summaries_are_named(tmp_path):
    shared = read_logs(folders(tmp_path, lambda line, arm: line | {"question": f"q {line['item'] // 4}"}))
    assert "20 items have only 5 different prompts" in notices(shared)
    named = folders(tmp_path, lambda line, arm: line | {"item": f"q{line['item'] // 4}_s{line['item'] % 4}"})
    assert "named like samples (q0_s0)" in notices(read_logs(named))
    total = write(tmp_path / "a.jsonl", [*lines("true"), {"item": "Average", "correct": 0.8}])
    with pytest.raises(LogError, match="item 'Average' has the name of a summary"):
        read_logs([("true", total)])


def test_answers_of_a_resumed_evaluation_are_no_samples(tmp_path):
    once = [line | {"output": f"I think it is {line['item']}"} for line in lines("true")]
    found = read_logs([("true", write(tmp_path / "a.jsonl", [*once, *once[10:]]))])
    assert "10 of 30 answers repeat another answer" in notices(found)


@pytest.mark.parametrize(
    "change",
    [
        lambda line, n: line | {"temperature": float(n)},
        lambda line, n: line | {"prompt": f"{n} {line['item']}"},
        lambda line, n: line | {"gold": n},
    ],
)
def test_logs_of_frozen_that_are_not_samples_of_one_evaluation_are_refused(tmp_path, change):
    logs = [
        ("frozen", write(tmp_path / f"seed{n}.jsonl", [change(line, n) for line in lines("frozen")]))
        for n in range(2)
    ]
    with pytest.raises(LogError, match=r"seed0\.jsonl.* and .*seed1\.jsonl.* differ"):
        read_logs(logs)


def test_a_coin_in_the_second_log_of_frozen_is_found(tmp_path):
    def of(n):
        for line in lines("frozen"):
            item, right = line["item"], line["correct"]
            output = rf"{n} \boxed{{{item if right else item + 100}}}"
            yield line | {"correct": item % 2 if n else right, "output": output, "gold": str(item)}

    logs = [("frozen", write(tmp_path / f"seed{n}.jsonl", of(n))) for n in range(2)]
    with pytest.raises(LogError, match=r"plain reading .* differ in 10 of 40"):
        read_logs(logs)


# Settings that tools log ---------------------------------------------------------------------------


def inspect_log(arm, **more):
    samples = [
        {"id": n, "input": f"q {n}", "output": {"completion": f"{arm} {n}"},
         "scores": {"match": {"value": "C" if n < RIGHT[arm] else "I"}}}
        for n in range(N)
    ]  # fmt: skip
    return [{"status": "success", "eval": {"task": "t", "model": arm}, "samples": samples} | more]


def harness_log(arm, **settings):
    for n in range(N):
        arguments = {"gen_args_0": {"arg_0": f"q {n}", "arg_1": {"do_sample": False} | settings}}
        yield {
            "doc_id": n, "doc": {}, "arguments": arguments, "resps": [[f"{arm} {n}" if n < 17 else ""]],
            "filter": "strict", "metrics": ["exact_match"], "exact_match": float(n < RIGHT[arm]),
            "doc_hash": f"{n:064}", "prompt_hash": f"{n:064}",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("log", "name"),
    [
        (lambda arm, n: inspect_log(arm, plan={"config": {"max_tokens": n}}), "max_tokens"),
        (lambda arm, n: inspect_log(arm, plan={"steps": [{"solver": f"s{n}"}]}), "solvers"),
        (
            lambda arm, n: inspect_log(
                arm, plan={"steps": [{"solver": "prompt_template", "params": {"template": f"{n}"}}]}
            ),
            "prompt_template template",
        ),
        (
            lambda arm, n: inspect_log(arm, eval={"task": "t", "model": arm, "task_args": {"shots": n}}),
            "task_args shots",
        ),
        (lambda arm, n: harness_log(arm, max_gen_toks=n), "max_gen_toks"),
        (lambda arm, n: harness_log(arm, until=[f"{n}"]), "until"),
    ],
)
def test_settings_that_a_tool_logs_are_compared(tmp_path, log, name):
    for arm in ARMS:
        ending = "json" if isinstance(log(arm, 1), list) else "jsonl"
        write(tmp_path / "unlike" / arm / f"samples_t.{ending}", log(arm, int(arm == "frozen")))
        write(tmp_path / "alike" / arm / f"samples_t.{ending}", log(arm, 1))
    unlike, alike = (read_logs([(arm, tmp_path / of / arm) for arm in ARMS]) for of in ("unlike", "alike"))
    assert f"the logs differ in {name}" in notices(unlike) and "logs differ" not in notices(alike)
    assert accuracies(unlike) == accuracies(alike)


def test_templates_and_versions_beside_a_log_of_the_harness_are_compared(tmp_path):
    for arm in ARMS:
        write(tmp_path / arm / "samples_t_2026-01-01T00-00-00.0.jsonl", harness_log(arm))
        beside = {"versions": {"t": len(arm)}, "chat_template_sha": None if arm == "frozen" else "a"}
        write(tmp_path / arm / "results_2026-01-01T00-00-00.0.json", [beside])
    found = notices(read_logs([(arm, tmp_path / arm) for arm in ARMS]))
    assert "differ in chat_template_sha (frozen null, random a" in found and "in task version" in found
    assert "3 of 20 answers are empty" in found


def test_types_of_prompts_of_math_evaluation_harness_and_steps_of_verl_are_compared(tmp_path):
    for place, arm in enumerate(ARMS):
        math = [{"idx": n, "question": f"q {n}", "pred": ["1"], "score": [n < RIGHT[arm]]} for n in range(N)]
        verl = [
            {"input": f"q {n}", "output": f"{arm}", "gts": "x", "score": float(n < RIGHT[arm])}
            for n in range(N)
        ]
        kind = "cot" if arm == "frozen" else "qwen25-math-cot"
        write(tmp_path / "math" / arm / "m" / f"test_{kind}_-1_seed0_t0.0_s0_e-1.jsonl", math)
        write(tmp_path / "verl" / arm / f"{50 * place}.jsonl", verl)
    math, verl = (notices(read_logs([(arm, tmp_path / of / arm) for arm in ARMS])) for of in ("math", "verl"))
    assert "type of prompt (frozen cot, random qwen25-math-cot" in math
    assert "random at 50, majority at 100, true at 150" in verl


@pytest.mark.parametrize(("field", "word"), [("error", "failed"), ("limit", "reached a limit")])
def test_samples_of_inspect_that_stopped_and_are_scored_are_counted(tmp_path, field, word):
    (log,) = inspect_log("true")
    log["samples"] = [
        sample | ({field: {"type": "x"}} if sample["id"] > 16 else {}) for sample in log["samples"]
    ]
    found = read_logs([("true", write(tmp_path / "a.json", [log]))])
    assert f"3 of 20 samples {word} and have a score" in notices(found)


# Names of files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["rank0", "rank1"], "parts"),
        (["out_gpu0", "out_gpu1"], "parts"),
        (["worker0/out", "worker1/out"], "parts"),
        (["shard_00000-of-00002", "shard_00001-of-00002"], "parts"),
        (["preds.0", "preds.1", "preds.2"], "parts"),
        (["a", "a (1)"], "copies"),
        (["a", "a copy"], "copies"),
        (["a", "old/a"], "copies"),
        (["v1/a", "v2/a"], "copies"),
        (["2026-01-01/a", "a"], "copies"),
        (["a", "a_backup"], "copies"),
        (["aime24", "aime25"], ""),
        (["true/0", "true/1"], "parts"),
        (["aime_1", "aime_2"], ""),
        (["level_0", "level_1"], ""),
        (["babi-0", "babi-1"], ""),
        (["math", "gsm8k"], ""),
        (["test/a", "val/a"], ""),
        (["mmlu_v1", "mmlu_v2"], ""),
    ],
)
def test_names_of_parts_and_copies_are_told_from_benchmarks(names, what):
    found, same = one_evaluation(names)
    assert found.startswith(what) and bool(same) == bool(what)


def test_files_of_parts_or_copies_in_every_arm_are_refused(tmp_path):
    for arm in ARMS:
        for name in ("rank0", "rank1"):
            write(tmp_path / arm / f"{name}.jsonl", lines(arm))
    with pytest.raises(LogError, match=r"rank0\.jsonl and .*rank1\.jsonl are named like parts"):
        read_logs([(arm, tmp_path / arm) for arm in ARMS])


def test_a_file_and_its_packed_copy_are_refused_and_hidden_files_passed_over(tmp_path):
    path = write(tmp_path / "true" / "a.jsonl", lines("true"))
    write(tmp_path / "true" / ".ipynb_checkpoints" / "a-checkpoint.jsonl", lines("true"))
    (tmp_path / "true" / "._a.jsonl").write_bytes(b"\0\5\x16\7")
    assert accuracies(read_logs([("true", tmp_path / "true")])) == {"benchmark": {"true": 80}}
    (tmp_path / "true" / "a.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(LogError, match=r"a\.jsonl and a\.jsonl\.gz differ only in their endings"):
        read_logs([("true", tmp_path / "true")])


@pytest.mark.parametrize(
    "more", [{"timeout": 60}, {"exception": "AssertionError", "output": "def f(): return 1"}]
)
def test_a_limit_or_an_error_of_the_answer_is_no_failed_request(tmp_path, more):
    assert "failed requests" not in notices(read_logs(folders(tmp_path, lambda line, arm: line | more)))


@pytest.mark.parametrize("name", ["q{}_sample0", "gsm8k/sample-{}"])
def test_items_with_one_sample_each_are_items(tmp_path, name):
    found = folders(tmp_path, lambda line, arm: line | {"item": name.format(line["item"])})
    assert "named like samples" not in notices(read_logs(found))


@pytest.mark.parametrize("truths", [("0", "0.0"), ("1/2", "0.5"), ("1,000", "1000")])
@pytest.mark.parametrize("arms", [("frozen", "true"), ("true", "true")])
def test_one_right_answer_in_two_spellings_is_one(tmp_path, truths, arms):
    paths = []
    for number, truth in enumerate(truths):
        path = tmp_path / f"seed{number}.jsonl"
        right = [(item + number) % 2 for item in range(4)]
        lines = [
            {
                "item": f"q{i}",
                "correct": is_right,
                "truth": truth,
                "output": truth if is_right else "it is 99",
            }
            for i, is_right in enumerate(right)
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        paths.append(path)
    assert read_logs([*zip(arms, paths, strict=True)]).table["correct"].mean() == 0.5


def test_the_order_of_notices_does_not_depend_on_the_hash_seed(tmp_path):
    logs = []
    for number, arm in enumerate(("frozen", "true")):
        settings = {"gen_kwargs": {"max_tokens": number}, "generation_config": {"max_new_tokens": number}}
        lines = [{"item": f"q{i}", "correct": (i + number) % 2, **settings} for i in range(4)]
        path = tmp_path / f"{arm}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        logs += ["--log", f"{arm}={path}"]
    command = [sys.executable, "-m", "rlvr", "audit", *logs, "--json", "-"]
    found = {
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "1234"
    }
    assert len(found) == 1
