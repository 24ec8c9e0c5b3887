"""Logs that other tools made, to the numbers that these tools state themselves."""

import gzip
import json
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
import zstandard

from rlvr.auditing.cell_verdicts import audit
from rlvr.logs.formats import LogError
from rlvr.logs.log_folders import logs_at
from rlvr.logs.runs import read_logs

LOGS = Path(__file__).parent.parent / "data" / "logs"
ARMS = ("frozen", "random", "majority", "true")
ONCE = {"frozen": 2 / 8, "random": 3 / 8, "majority": 4 / 8, "true": 15 / 16}  # the first of two samples
TWICE = {"frozen": 3 / 16, "random": 5 / 16, "majority": 7 / 16, "true": 27 / 32}
STRICT = {
    "frozen": 1 / 8,
    "random": 2 / 8,
    "majority": 3 / 8,
    "true": 13 / 16,
}  # "The answer is", first sample


@pytest.fixture
def made(tmp_path):
    """Copy the logs of a tool, with the names of files that it gives them."""

    def copied(tool):
        if tool == "lighteval":
            pytest.importorskip("pyarrow")
        for path in (LOGS / tool).rglob("*.*"):
            if path.is_file():
                place = tmp_path / unquote(path.relative_to(LOGS / tool).as_posix())
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)
        return tmp_path

    return copied


def cell(folder, **settings):
    """Return accuracies, the cell, and its notices."""
    outcomes = read_logs([(arm, folder / arm) for arm in ARMS], **settings)
    (one,) = audit(outcomes.table).cells
    accuracies = {name: arm.accuracy for name, arm in one.cell.arms.items()}
    return accuracies, one.cell, " ".join(outcomes.notices[one.cell.benchmark])


CASES = [
    ("lighteval", "sums", ["extractive_match"], ONCE, 1, 8),
    ("lighteval", "sums", ["em"], dict.fromkeys(ARMS, 0), 1, 8),
    ("lighteval", "twice", ["avg@n:n=2"], TWICE, 2, 8),
    ("lighteval", "twice|0", ["pass@k:k=1&n=2"], TWICE, 2, 8),
    ("lighteval", "group", [], ONCE, 1, 8),
    ("evalscope", "gsm8k_main", [], TWICE, 2, 8),
    ("evalscope", "math_500", [], TWICE, 2, 8),
    ("nemo_skills", "sums", [], TWICE, 2, 8),
    ("opencompass", "gsm8k", [], TWICE, 2, 8),
    ("lmms_eval", "sums", ["strict-match"], STRICT, 1, 8),
    ("lmms_eval", "sums", ["flexible-extract"], ONCE, 1, 8),
]


@pytest.mark.parametrize(("tool", "benchmark", "metrics", "wanted", "n_samples", "n_items"), CASES)
def test_the_tool_s_own_numbers(made, tool, benchmark, metrics, wanted, n_samples, n_items):
    accuracies, found, notices = cell(made(tool), benchmark=benchmark, metrics=metrics)
    assert accuracies == pytest.approx(wanted, abs=1e-12)
    arm = found.arms["true"]
    assert (arm.n_items, arm.samples_per_item, arm.n_runs) == (n_items, n_samples, 2)
    assert "the accuracy is" not in notices and "not an accuracy" not in notices


@pytest.mark.parametrize("rewards", ["gsm8k", "math_dapo"])
def test_verl_s_validation_needs_no_metric_where_its_scores_say_the_same(made, rewards):
    # DAPO pays -1 for a wrong answer and logs its accuracy beside; other rewards are logged twice.
    accuracies, found, _ = cell(made(f"verl/{rewards}"))
    assert accuracies == pytest.approx({"frozen": 1 / 8, "random": 2 / 8, "majority": 3 / 8, "true": 25 / 32})
    arm = found.arms["true"]
    assert (arm.n_items, arm.samples_per_item, arm.n_runs) == (8, 2, 2)


def test_verl_s_scores_that_differ_once_must_be_named(made):
    folder = made("verl/math_dapo")
    (log,) = (folder / "random").rglob("*.jsonl")
    log.write_text(log.read_text().replace('"acc": false', '"acc": true', 1))
    with pytest.raises(LogError, match=r"^random=.*must name one of 'score', 'acc'"):
        cell(folder)
    assert cell(folder, metrics=["acc"])[0]["random"] == 5 / 16


@pytest.mark.parametrize(
    ("tool", "benchmark", "metrics", "file", "place", "scale"),
    [
        ("lighteval", "twice", ["avg@n:n=2"], "results_*.json", ("results", "twice|0", "pass@k:k=2&n=2"), 1),
        ("nemo_skills", "sums", [], "metrics.json", ("sums", "pass@2", "symbolic_correct"), 100),
        ("opencompass", "gsm8k", [], "results/*/gsm8k.json", ("G-Pass@2_0.0",), 100),
    ],
)
def test_pass_at_2_is_that_of_the_tool(made, tool, benchmark, metrics, file, place, scale):
    folder = made(tool)
    for arm in ARMS[:3]:
        outcomes = read_logs([(arm, folder / arm)], benchmark=benchmark, metrics=metrics)
        assert set(outcomes.n_samples) == {2}
        (path,) = (folder / arm).rglob(file)
        stated = json.loads(path.read_text(encoding="utf-8"))
        for name in place:
            stated = stated[name]
        assert (outcomes.n_right > 0).mean() == pytest.approx(stated / scale)


@pytest.mark.parametrize(
    ("tool", "file", "old", "new", "settings"),
    [
        ("lighteval", "results_*.json", '"avg@n:n=2": 0.1875', '"avg@n:n=2": 0.5', ("twice", "avg@n:n=2")),
        ("evalscope", "gsm8k.json", '"score": 0.1875', '"score": 0.5', ("gsm8k_main", "accuracy")),
        (
            "evalscope",
            "math_500.json",
            '"score": 0.25',
            '"score": 0.6666666666666666',
            ("math_500", "accuracy"),
        ),
        ("nemo_skills", "metrics.json", '"symbolic_correct": 18.75', '"symbolic_correct": 50.0', ("sums",)),
        (
            "opencompass",
            "results/base/*.json",
            '"accuracy (2 runs average)": 18.75',
            '"accuracy (2 runs average)": 50.0',
            ("gsm8k",),
        ),
    ],
)
def test_another_result_of_the_tool_is_named(made, tool, file, old, new, settings):
    folder = made(tool)
    for path in (folder / "frozen").rglob(file):
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    _, _, notices = cell(folder, benchmark=settings[0], metrics=settings[1:])
    assert "the accuracy is 50.0% in " in notices and "but 18.8% over the answers of the log" in notices


@pytest.mark.parametrize("stated", [None, "0.5"])
def test_lines_of_two_filters_without_their_results_beside_are_refused(made, stated):
    folder = made("lmms_eval") / "frozen"
    (results,) = folder.rglob("*_results.json")
    text = results.read_text(encoding="utf-8")
    if stated:
        results.write_text(text.replace("0.125", stated), encoding="utf-8")
    else:
        results.unlink()
    with pytest.raises(LogError, match=r"one line per filter without its name.*its results file beside it"):
        logs_at("frozen", folder)


def test_documents_of_lmms_eval_go_by_their_number(made):
    (log,) = logs_at("frozen", made("lmms_eval") / "frozen")
    assert {*log.answers["exact_match,strict-match"].items} == {f"{number}" for number in range(8)}
    assert (log.decoding, log.benchmark, log.model) == ("greedy", "sums", "base")


def test_failed_requests_that_lmms_eval_scores_are_named(made):
    outcomes = read_logs([("frozen", made("lmms_eval") / "crash")], metrics=["flexible-extract"])
    assert "1 of 8 answers are requests that failed" in " ".join(outcomes.notices["sums"])


@pytest.mark.parametrize("metric", ["pass@k:k=2&n=2", "maj@n:n=2", "extractive_match"])
def test_one_score_of_several_answers_is_not_called_an_accuracy(made, metric):
    _, found, notices = cell(made("lighteval"), benchmark="twice", metrics=[metric])
    assert f"{metric} is not an accuracy: one value judges 2 answers" in notices
    assert found.arms["true"].samples_per_item == 1


@pytest.mark.parametrize(
    ("tool", "benchmark", "decoding", "temperature"),
    [("lighteval", "twice|0", "sampled", 0.6), ("evalscope", "gsm8k_main", "sampled", 0.6)],
)
def test_the_decoding_stands_beside_the_log(made, tool, benchmark, decoding, temperature):
    logs = [log for log in logs_at("frozen", made(tool) / "frozen") if log.benchmark == benchmark]
    assert [(log.decoding, log.temperature) for log in logs] == [(decoding, temperature)]


def test_greedy_and_sampled_arms_of_evalscope_are_refused(made):
    folder = made("evalscope")
    with pytest.raises(LogError, match=r"\(greedy\) and .*\(sampled\) differ in decoding"):
        read_logs([("frozen", folder / "greedy"), ("random", folder / "random")], benchmark="gsm8k_main")


def test_answers_that_evalscope_could_not_get_are_counted(made):
    outcomes = read_logs([("frozen", made("evalscope") / "crash")])
    (account,) = outcomes.accounts["gsm8k_main"]
    assert (account.read, account.scored, account.errored) == (16, 14, 2)
    assert "from 21.4% to 18.8%" in " ".join(outcomes.notices["gsm8k_main"])


def test_predictions_of_evalscope_are_refused_with_a_way_out(made, tmp_path):
    path = tmp_path / "predictions" / "base" / "gsm8k_main.jsonl"
    path.parent.mkdir(parents=True)
    line = {"index": 0, "model": "base", "model_output": {"choices": []}, "messages": [], "metadata": None}
    path.write_text(json.dumps(line), encoding="utf-8")
    with pytest.raises(LogError, match=r"predictions of evalscope hold no scores; .*reviews"):
        logs_at("frozen", path)
    (tmp_path / "reviews").mkdir()
    with pytest.raises(LogError, match=r"predictions that are scored elsewhere \(give the folder above"):
        logs_at("frozen", path.parent)


def test_generations_of_nemo_skills_without_scores_are_read_plainly(made):
    folder = made("nemo_skills")
    for path in folder.rglob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for row in rows:
            del row["symbolic_correct"], row["predicted_answer"]
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    accuracies, found, notices = cell(folder)
    assert accuracies == pytest.approx(TWICE) and found.arms["frozen"].samples_per_item == 2
    assert "holds no scores: the last box or number of each output" in notices


def test_runs_in_predictions_of_opencompass_are_samples(made):
    folder = made("opencompass")
    for path in [*folder.rglob("results")]:
        shutil.rmtree(path)
    accuracies, found, _ = cell(folder)
    arm = found.arms["frozen"]
    assert accuracies == pytest.approx(TWICE) and (arm.n_items, arm.samples_per_item) == (8, 2)


def test_the_last_review_of_a_sample_counts(made):
    folder = made("evalscope")
    (path,) = (folder / "frozen").rglob("gsm8k_main.jsonl")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"accuracy": 1.0', '"accuracy": 0.0') + text, encoding="utf-8")
    accuracies, found, notices = cell(folder, benchmark="gsm8k_main")
    assert accuracies == pytest.approx(TWICE) and found.arms["frozen"].samples_per_item == 2
    assert "16 further reviews of the same samples" in notices


def test_other_prompts_of_evalscope_are_refused(made):
    folder = made("evalscope")
    (path,) = (folder / "random").rglob("gsm8k_main.jsonl")
    text = path.read_text(encoding="utf-8").replace("reason step by step", "answer at once")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LogError, match="differ in the prompt of 8 of 8 items"):
        cell(folder, benchmark="gsm8k_main")


def test_results_of_opencompass_without_items_are_refused_with_a_way_out(made):
    folder = made("opencompass") / "once"
    (path,) = folder.rglob("results/base/gsm8k.json")
    path.write_text('{"accuracy": 25.0}', encoding="utf-8")
    with pytest.raises(LogError, match="results without items; OpenCompass writes them with --dump-eval"):
        logs_at("frozen", folder)


@pytest.mark.parametrize("tool", ["lighteval", "evalscope", "opencompass"])
def test_one_model_evaluated_twice_is_refused(made, tool):
    folder = made(tool) / "true"
    for path in [path for path in folder.rglob("*.*") if path.is_file()]:
        again = Path(f"{path}".replace("2026-01-01T", "2026-01-02T").replace("20260101_", "20260102_"))
        again.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, again)
    with pytest.raises(LogError, match="two evaluations or checkpoints of one model"):
        logs_at("true", folder)


def test_one_doc_id_in_two_splits_is_two_items(made):
    outcomes = read_logs([("frozen", made("lighteval") / "greedy")], benchmark="splits")
    assert outcomes.table["item"].nunique() == 16 and set(outcomes.table["samples_per_item"]) == {1}
    assert set(outcomes.table["decoding"]) == {"greedy"}


def test_likelihoods_and_texts_of_one_task_are_not_unscored_answers(made):
    folder = made("lighteval") / "greedy"
    for metric, accuracy in (("acc", 0.25), ("em", 0.0)):
        outcomes = read_logs([("frozen", folder)], benchmark="choice", metrics=[metric])
        (account,) = outcomes.accounts["choice"]
        assert (account.read, account.scored, account.unscored) == (8, 8, 0)
        assert audit(outcomes.table).cells[0].cell.arms["frozen"].accuracy == accuracy


def test_a_benchmark_is_taken_from_a_folder_of_several(made):
    _, _, notices = cell(made("lighteval"), benchmark="group")
    assert "left out, not group: sums|0, twice|0" in notices
    assert "lighteval's own average gives each subtask the same weight" in notices
    with pytest.raises(LogError, match="none is a subtask of summs"):
        cell(made("lighteval"), benchmark="summs")


def test_the_metric_of_each_benchmark_is_named(made):
    folder = made("lighteval") / "frozen"
    with pytest.raises(LogError, match="one --metric for each benchmark"):
        read_logs([("frozen", folder)], metrics=["avg@n:n=2"])
    outcomes = read_logs([("frozen", folder)], metrics=["avg@n:n=2", "em"], benchmark="twice")
    assert set(outcomes.table["samples_per_item"]) == {2}


@pytest.mark.parametrize(
    ("tool", "file", "benchmark", "model"),
    [
        ("lighteval", "details_sums*", "sums|0", "my/base"),
        ("evalscope", "gsm8k_main.jsonl", "gsm8k_main", "base"),
        ("nemo_skills", "output-rs0.jsonl", "sums", "run1"),
    ],
)
def test_a_file_given_by_its_bare_name_is_read_alike(made, monkeypatch, tool, file, benchmark, model):
    (path,) = (made(tool) / "frozen").rglob(file)
    monkeypatch.chdir(path.parent)
    (log,) = logs_at("frozen", Path(path.name))
    assert (log.benchmark, log.model) == (benchmark, model) and log.own


def test_a_greedy_and_a_sampled_file_of_nemo_skills_are_not_two_runs(made):
    folder = made("nemo_skills")
    place = folder / "random/run1/eval-results/sums"
    shutil.copyfile(folder / "greedy/sums/output.jsonl", place / "output.jsonl")
    with pytest.raises(LogError, match="two evaluations or checkpoints"):
        cell(folder)


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("tool", ["evalscope", "nemo_skills"])
def test_packed_logs_give_the_same_numbers(made, tool, ending):
    folder = made(tool)
    for path in [*folder.rglob("*.jsonl")]:
        pack = gzip.compress if ending == ".gz" else zstandard.compress
        Path(f"{path}{ending}").write_bytes(pack(path.read_bytes()))
        path.unlink()
    benchmark = "sums" if tool == "nemo_skills" else "gsm8k_main"
    accuracies, _, notices = cell(folder, benchmark=benchmark)
    assert accuracies == pytest.approx(TWICE) and "the accuracy is" not in notices


DAMAGED = '{"metrics": 3, "results": [], "sums": 1, "config_general": 2, "execution_summary": 4}'


@pytest.mark.parametrize("tool", ["lighteval", "evalscope", "nemo_skills"])
@pytest.mark.parametrize("content", ["", "[1]", "{", DAMAGED])
def test_damaged_files_beside_a_log_state_nothing(made, tool, content):
    folder = made(tool)
    for path in folder.rglob("*.*"):
        if path.suffix in (".json", ".yaml"):
            path.write_text(content, encoding="utf-8")
    assert all(log.own == {} for log in logs_at("frozen", folder / "frozen"))


@pytest.mark.parametrize("place", ["", "details/my/base"])
def test_results_of_lighteval_are_found_above_its_details(made, place):
    folder = made("lighteval") / "frozen"
    (results,) = folder.rglob("results_*.json")
    stated = json.loads(results.read_text(encoding="utf-8"))["results"]
    if place:  # where details are published, the results lie above them
        results = results.rename(folder / place / results.name)
    for log in logs_at("frozen", folder):
        own = {metric: one[0].value for metric, one in log.own.items()}
        assert own == {metric: stated[log.benchmark][metric] for metric in own} and own.keys() >= {
            *log.answers
        }


def test_parameters_of_a_solver_that_name_the_arm_and_run_are_no_settings():
    logs = [(arm, LOGS / "inspect" / f"{arm}-1.eval") for arm in ARMS]
    outcomes = read_logs(logs, metrics=["match"])
    assert not any("differ in" in notice for notices in outcomes.notices.values() for notice in notices)
