"""Logs of real tools give the audit that the same outcomes give as a table; what is unclear is refused."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from rlvr.arms import ARMS
from rlvr.auditing.audit_output import to_dict
from rlvr.auditing.cell_verdicts import audit, with_notices
from rlvr.logs.formats import Log, LogError
from rlvr.logs.item_matching import Run, match_items
from rlvr.logs.log_folders import logs_at
from rlvr.logs.runs import read_logs
from rlvr.planning.pilots import pilot_design

LOGS = Path(__file__).parent.parent / "data" / "logs"
LM_EVAL = [(arm, LOGS / "lm_eval" / arm) for arm in ARMS]
SAMPLES = next((LOGS / "lm_eval" / "true").rglob("*.jsonl"))
INSPECT = [("frozen", "frozen-1.json"), ("random", "random-1.eval"), ("majority", "majority-1.eval"),
           ("true", "true-1.eval"), ("true", "true-2.eval")]  # fmt: skip
INSPECT = [(arm, LOGS / "inspect" / name) for arm, name in INSPECT]


def numbers(report):
    """All that an audit computes, without names of files and models."""
    cells = to_dict(report)["cells"]
    for cell in cells:
        del cell["model"], cell["notices"]
        for arm in cell["arms"].values():
            del arm["file"], arm["line"], arm["source"], arm["decoding"], arm["samples_per_item"]
    return cells


def plain(path, answers):
    path.write_text("".join(json.dumps({"item": item, "correct": it}) + "\n" for item, it in answers))
    return path


@pytest.mark.parametrize("form", [dict, lambda logs: {arm: [path] for arm, path in logs}, iter])
def test_logs_may_be_pairs_or_a_mapping_and_a_metric_a_text(form):
    table = read_logs(form(LM_EVAL), metrics="strict-match").table
    assert table.equals(read_logs(LM_EVAL, metrics=["strict-match"]).table)


@pytest.mark.parametrize("logs", ["frozen=out", ["frozen=out"], LOGS, [("frozen",)]])
def test_a_path_alone_is_no_arm_s_log(logs):
    with pytest.raises(LogError, match=r"pairs \(arm, path\)"):
        read_logs(logs)


# From logs to the audit ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logs", "metric", "table", "other"),
    [
        (LM_EVAL, "strict-match", "lm_eval_strict", "lm_eval_flexible"),
        (LM_EVAL, "exact_match,flexible-extract", "lm_eval_flexible", "lm_eval_strict"),
        (INSPECT, "match", "inspect_strict", "inspect_flexible"),
        (INSPECT, "includes", "inspect_flexible", "inspect_strict"),
    ],
)
def test_the_audit_of_logs_is_that_of_their_outcomes(logs, metric, table, other):
    audited = numbers(audit(read_logs(logs, metrics=[metric]).table))
    assert audited == numbers(audit(LOGS / f"{table}.csv"))
    assert audited != numbers(audit(LOGS / f"{other}.csv"))  # the comparison can fail


def test_the_eval_file_and_its_json_are_one_log():
    frozen = {kind: read_logs([("frozen", LOGS / "inspect" / f"frozen-1.{kind}")], metrics=["match"]).table
              for kind in ("eval", "json")}  # fmt: skip
    assert frozen["eval"].drop(columns="source").equals(frozen["json"].drop(columns="source"))


def test_the_table_says_where_each_row_comes_from():
    table = read_logs(LM_EVAL, metrics=["strict-match"]).table
    assert set(table) == {
        "study", "model", "benchmark", "arm", "run", "item", "correct", "samples_per_item", "source",
        "decoding",
    }  # fmt: skip
    assert len(table) == 5 * 8 and set(table["model"]) == {"base"} and set(table["benchmark"]) == {"sums"}
    runs = table.groupby(["arm", "run"], observed=True)["correct"].sum().to_dict()
    assert runs == {("frozen", "1"): 1, ("random", "1"): 2, ("majority", "1"): 3, ("true", "1"): 6,
                    ("true", "2"): 7}  # fmt: skip
    arms = audit(table).cells[0].cell.arms
    assert arms["random"].source == str(next((LOGS / "lm_eval" / "random").rglob("*.jsonl")))
    samples = read_logs(INSPECT, metrics=["match"]).table
    assert set(samples["samples_per_item"]) == {2} and set(samples["correct"]) == {0.0, 0.5, 1.0}
    assert "decoding" not in samples  # these logs state no temperature


@pytest.mark.parametrize("unpaired", [False, True])
@pytest.mark.parametrize("stored", [False, True])
def test_samples_an_item_reach_the_audit_and_the_plan(tmp_path, unpaired, stored):
    """Two epochs of every run: from the logs themselves, and from the table that one may keep of them."""
    table = read_logs(INSPECT, metrics=["match"], unpaired=unpaired).table
    if stored:
        table.to_csv(tmp_path / "outcomes.csv", index=False)
        table = tmp_path / "outcomes.csv"
    (cell,) = audit(table).cells
    assert {arm.samples_per_item for arm in cell.cell.arms.values()} == {2}
    assert pilot_design(cell.cell).samples_per_item == 2
    # Samples are averaged within their item: only without pairing could they count as items.
    assert bool(cell.layer("items, independent samples")) == unpaired
    (single,) = audit(read_logs(LM_EVAL, metrics=["strict-match"], unpaired=unpaired).table).cells
    assert pilot_design(single.cell).samples_per_item == 1
    assert single.layer("items, independent samples") is None


def test_benchmarks_are_cells_and_what_one_arm_alone_has_is_said(tmp_path):
    for arm, task in (("frozen", "sums"), ("true", "sums"), ("true", "more")):
        place = tmp_path / arm / "m" / f"samples_{task}_2026-01-01T00-00-00.000000.jsonl"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(next((LOGS / "lm_eval" / arm).rglob("*.jsonl")), place)
    logs = [(arm, tmp_path / arm) for arm in ("frozen", "true")]
    outcomes = read_logs(logs, metrics=["strict-match"])
    assert outcomes.notices == {"sums": ("left out, in one arm only: more",)}
    next((tmp_path / "frozen").rglob("*sums*")).rename(tmp_path / "frozen" / "m" / "samples_sums_v2.jsonl")
    next((tmp_path / "true").rglob("*more*")).unlink()
    with pytest.raises(
        LogError, match=r"no two arms share a benchmark \(frozen=.* is on sums_v2, true=.* sums\)"
    ):
        read_logs(logs, metrics=["strict-match"])
    renamed = read_logs(logs, metrics=["strict-match"], benchmark="both")
    assert set(renamed.table["benchmark"]) == {"both"}


def test_the_same_arm_twice_is_two_runs_in_their_order(tmp_path):
    logs = [("true", plain(tmp_path / f"{name}.jsonl", [("a", right), ("b", 1)]))
            for name, right in (("second", 0), ("first", 1))]  # fmt: skip
    outcomes = read_logs(logs)
    assert outcomes.table["run"].tolist() == ["1", "1", "2", "2"]
    assert outcomes.table["correct"].tolist() == [0, 1, 1, 1]
    assert outcomes.notices["benchmark"] == ("true: 2 logs are 2 runs",)
    assert audit(outcomes.table).cells[0].cell.arms["true"].run_sd == pytest.approx(0.5 / 2**0.5)


def test_one_file_twice_is_seen_through_a_link(tmp_path):
    one = plain(tmp_path / "f.jsonl", [("a", 1)])
    (tmp_path / "g.jsonl").symlink_to(one)
    with pytest.raises(
        LogError, match=r"^true=.*g\.jsonl: the same file was given as frozen=.*f\.jsonl; each log"
    ):
        read_logs([("frozen", one), ("true", tmp_path / "g.jsonl")])


@pytest.mark.parametrize(
    ("logs", "settings", "message"),
    [
        (LM_EVAL, {}, r"^frozen=.*: metric \(--metric\) must name one of 'exact_match,strict-match', "
                      "'exact_match,flexible-extract'; this log holds 2$"),
        (LM_EVAL, {"metrics": ["acc"]}, "; no metric of this log matches acc$"),
        (LM_EVAL, {"metrics": ["exact_match"]}, "; 2 metrics of this log match exact_match$"),
        (INSPECT, {}, r"frozen-1\.json: metric \(--metric\) must name one of 'match', 'includes'; this log"),
        ([], {}, "^no log was given"),
        ([("base", LOGS)], {}, "^a log's arm must be one of frozen, random, majority, true, got 'base'$"),
        ([("true", LOGS / "none")], {}, "^true=.*none: no such file or folder; accepted are"),
        ([("frozen", LM_EVAL[0][1]), ("true", INSPECT[3][1])],
         {"metrics": ["strict-match", "match"]}, "^sums: 16 of 16 items are not in every log .*: "
         r"Inspect and lm-eval name items differently; unpaired \(--unpaired\) audits"),
        ([("frozen", LOGS / "lm_eval")], {"metrics": ["strict-match"]},
         r"^frozen: logs of 5 models \(base, base-majority-1, .*FROZEN is one untrained"),
    ],
)  # fmt: skip
def test_what_is_unclear_is_refused_in_one_line(logs, settings, message):
    with pytest.raises(LogError, match=message) as refusal:
        read_logs(logs, **settings)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("values", "item", "shown"),
    [
        ([True, value], "b", repr(value)) for value in (2, -0.1, "yes", None, [1], float("nan"))
    ] + [([[1], [0]], "a", "[1]"), ([True, 2, 3], "b", "2")],
)  # fmt: skip
def test_the_first_that_is_neither_right_nor_wrong_is_shown(tmp_path, values, item, shown):
    path = plain(tmp_path / "f.jsonl", zip("abc", values, strict=False))
    with pytest.raises(LogError, match=rf"f\.jsonl: correct of item {item} must be true, false") as refusal:
        read_logs([("frozen", path)])
    assert str(refusal.value).endswith(f"got {shown}")


def test_a_log_that_scored_nothing(tmp_path):
    path = tmp_path / "empty.json"
    path.write_text('{"status": "success", "eval": {"task": "t", "model": "m"}, "samples": []}')
    with pytest.raises(LogError, match="holds no scored answers; a log with scores is accepted"):
        read_logs([("frozen", path)])


# Folders ------------------------------------------------------------------------------------------


def lay(folder, *names, source=SAMPLES):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder / name)
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
    ("source", "names"),
    [
        (SAMPLES, ("m/samples_sums_2026-01-01T00-00-00.0.jsonl",
                   "m/samples_sums_2026-01-02T00-00-00.0.jsonl")),
        (SAMPLES, ("m__checkpoint-100/samples_sums_2026-01-01T00-00-00.0.jsonl",
                   "m__checkpoint-200/samples_sums_2026-01-01T00-00-00.0.jsonl")),
        (SAMPLES, ("m_step_5/samples_sums.jsonl", "m_step_10/samples_sums.jsonl")),
        (INSPECT[3][1], ("a.eval", "b.eval")),
    ],
)  # fmt: skip
def test_two_evaluations_or_checkpoints_of_one_model_are_not_two_runs(tmp_path, source, names):
    with pytest.raises(LogError, match="are two evaluations or checkpoints of one model") as refusal:
        logs_at("true", lay(tmp_path, *names, source=source))
    assert all(name in str(refusal.value) for name in ("name one of them (true=FILE)", *names))
    assert str(refusal.value).startswith(f"true={tmp_path}: ")
    assert len(logs_at("true", tmp_path / names[0])) == 1  # a file that is named is taken


def test_inspect_logs_of_two_models_are_two_runs(tmp_path):
    for _, path in INSPECT[3:]:
        lay(tmp_path, path.name, source=path)
    assert [log.model for log in logs_at("true", tmp_path)] == ["mockllm/base-true-1", "mockllm/base-true-2"]


def verl(folder, *names):
    for path in (folder / name for name in names):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"input": "q", "output": "a", "score": 1.0, "step": int(path.stem)}))
    return folder


def test_the_steps_of_a_training_are_not_runs(tmp_path):
    with pytest.raises(LogError, match=r"0\.jsonl and 20\.jsonl are two evaluations or checkpoints"):
        logs_at("true", verl(tmp_path / "one", "0.jsonl", "20.jsonl"))
    folder = verl(tmp_path / "two", "run1/20.jsonl", "run2/20.jsonl")
    assert [log.step for log in logs_at("true", folder)] == ["20", "20"]
    with pytest.raises(LogError, match="runs at the training steps 20 and 40; runs of equal length"):
        logs_at("true", verl(folder, "run3/40.jsonl"))


def test_plain_files_are_a_run_each_and_tools_are_not_mixed(tmp_path):
    for name in ("x", "y"):
        plain(tmp_path / f"{name}.jsonl", [(1, 1)])
    assert [log.path.name for log in logs_at("true", tmp_path)] == ["x.jsonl", "y.jsonl"]
    lay(tmp_path, "m/samples_sums.jsonl")
    with pytest.raises(LogError, match="holds logs of lm-eval and plain; logs of one tool are accepted"):
        logs_at("true", tmp_path)


def test_dated_folders_of_other_tools_may_be_runs(tmp_path):
    for time in ("20260101_120000", "20260102_120000"):
        path = tmp_path / time / "seed1.jsonl"
        path.parent.mkdir()
        path.write_text(json.dumps({"item": "q", "correct": 1}))
    assert len(logs_at("true", tmp_path)) == 2


def test_a_folder_without_a_log(tmp_path):
    (tmp_path / "results_1.json").write_text("{}")
    with pytest.raises(LogError, match=f"^true={tmp_path}: the folder holds no log; accepted are samples_"):
        logs_at("true", tmp_path)


# Matching -----------------------------------------------------------------------------------------


def run(arm, items, shares, *, number=1, prompts=None, tool="plain"):
    path = Path(f"{arm}-{number}.jsonl")
    prompts = [f"asked {item}" for item in items] if prompts is None else prompts
    hashed = [hashlib.sha256(text.encode()).hexdigest() if text else "" for text in prompts]
    log = Log(path, "sums", "base", {}, tool=tool)
    return Run(arm, number, path.name, log, items, hashed, np.array(shares, dtype=float))


def rows(outcomes):
    columns = ["arm", "run", "item", "correct", "samples_per_item", "source"]
    assert list(outcomes) == [*columns, "n_samples", "n_right"]
    outcomes = outcomes[columns]
    return [tuple(row) for row in outcomes.astype({name: object for name in columns}).to_numpy()]


FROZEN, TRUE = run("frozen", ["a", "b"], [0, 1]), run("true", ["b", "a"], [1, 0.5])


def test_items_are_matched_by_name_whatever_their_order():
    outcomes, notices = match_items("sums", [FROZEN, TRUE], False)
    assert rows(outcomes) == [
        ("frozen", "1", "a", 0.0, 1, "frozen-1.jsonl"), ("frozen", "1", "b", 1.0, 1, "frozen-1.jsonl"),
        ("true", "1", "a", 0.5, 1, "true-1.jsonl"), ("true", "1", "b", 1.0, 1, "true-1.jsonl"),
    ]  # fmt: skip
    assert notices == []


def test_samples_are_averaged_within_an_item_and_unequal_numbers_are_said():
    one = run("frozen", ["a", "b", "a", "b", "a"], [1, 1, 0, 0, 0])
    two = run("frozen", ["b", "b", "a", "a"], [1, 1, 1, 0], number=2)
    outcomes, notices = match_items("sums", [one, two], False)
    assert [row[1:5] for row in rows(outcomes)] == [
        ("1", "a", pytest.approx(1 / 3), 2), ("1", "b", 0.5, 2), ("2", "a", 0.5, 2), ("2", "b", 1.0, 2),
    ]  # fmt: skip
    assert outcomes["n_samples"].tolist() == [3, 2, 2, 2] and outcomes["n_right"].tolist() == [1, 1, 1, 2]
    assert notices == ["frozen-1.jsonl: 2 to 3 samples per item; every item has the same weight"]


def test_without_matching_each_arm_keeps_its_own_items(tmp_path):
    logs = [("frozen", plain(tmp_path / "f.jsonl", [("a", 1), ("b", 0), ("c", 0), ("d", 0)])),
            ("true", plain(tmp_path / "t.jsonl", [("x", 1), ("y", 1), ("c", 0)]))]  # fmt: skip
    table = read_logs(logs, unpaired=True).table
    assert table["item"].tolist()[-3:] == ["true: x", "true: y", "true: c"]
    cell = audit(table).cells[0]
    assert [cell.cell.arms[arm].n_items for arm in ("frozen", "true")] == [4, 3]
    assert cell.layers[0].note == "unpaired" and not cell.pairing


def test_missing_items_are_counted_and_left_out_only_when_asked(tmp_path):
    whole = plain(tmp_path / "frozen.jsonl", [("a", 1), ("b", 0), ("c", 0), ("d", 1)])
    short = plain(tmp_path / "true.jsonl", [("d", 1), ("b", 1), ("e", 1)])
    logs = [("frozen", whole), ("true", short)]
    with pytest.raises(LogError, match=r"^benchmark: 3 of 5 items are not in every log") as refusal:
        read_logs(logs)
    for part in (f"(frozen={whole} lacks 1; true={short} lacks 2; the first is a); ",
                 "common_items (--common-items) audits the 2 that every log has"):  # fmt: skip
        assert part in str(refusal.value)
    outcomes = read_logs(logs, common_items=True)
    kept = outcomes.table[["arm", "item", "correct"]].astype({"correct": float}).values.tolist()
    assert kept == [["frozen", "b", 0.0], ["frozen", "d", 1.0], ["true", "b", 1.0], ["true", "d", 1.0]]
    lacking = f"frozen={whole} lacks 1; true={short} lacks 2"
    notice = f"3 of 5 items are left out because some logs lack them: {lacking}"
    assert outcomes.notices["benchmark"] == (notice,)
    cell = with_notices(audit(outcomes.table), outcomes).cells[0]
    assert cell.notices == (notice,) and cell.terms["total"].value == 0.5


def test_the_first_named_is_one_that_the_log_with_most_gaps_lacks():
    letters = {"frozen": "abcd", "random": "bcd", "true": "ab"}
    runs = [run(arm, list(items), [1] * len(items)) for arm, items in letters.items()]
    with pytest.raises(LogError, match=r"true-1.jsonl lacks 2; the first is c\)"):
        match_items("sums", runs, False)


def test_a_long_name_and_a_long_list_are_cut_in_the_middle():
    many = [run("frozen", ["x" * 200, "b"], [1, 1]), *(run("true", ["b"], [1], number=n) for n in range(30))]
    with pytest.raises(LogError) as refusal:
        match_items("sums", many, False)
    assert f"the first is {'x' * 40} … {'x' * 20} (200 characters)" in str(refusal.value)
    lacking = "; ".join(f"true-{n}.jsonl lacks 1" for n in range(30))
    assert f"({lacking[:380]} … {lacking[-20:]} ({len(lacking)} characters)" in str(refusal.value)


@pytest.mark.parametrize(
    ("tools", "why"),
    [
        (("verl", "inspect"), "inspect and verl name items differently"),
        (("verl", "verl"), "verl identifies an item by its whole input"),
        (("inspect", "inspect"), "the logs hold different items"),
    ],
)
@pytest.mark.parametrize("common_items", [True, False])
def test_without_a_common_item_the_reason_and_the_way_out_are_said(tools, why, common_items):
    runs = [run("frozen", ["a"], [1], tool=tools[0]), run("true", ["b"], [1], tool=tools[1])]
    with pytest.raises(LogError, match=r"^sums: 2 of 2 items are not in every log \(frozen-1.*; ") as refusal:
        match_items("sums", runs, common_items)
    assert f": {why}; unpaired (--unpaired) audits the arms" in str(refusal.value)


def test_one_tool_s_item_in_other_words_is_refused():
    other = run("true", ["b", "a"], [1, 0.5], prompts=["asked b", "asked differently"])
    with pytest.raises(
        LogError, match=r"^sums: frozen-1.jsonl and true-1.jsonl differ in the prompt"
    ) as refusal:
        match_items("sums", [FROZEN, other], False)
    before, after = (hashlib.sha256(text).hexdigest()[:12] for text in (b"asked a", b"asked differently"))
    for part in ("of 1 of 2 items, the first is a ", f"(prompt hashes {before} and {after})"):
        assert part in str(refusal.value)


def test_unknown_prompts_and_those_of_another_tool_are_not_compared():
    unknown = run("true", ["b", "a"], [1, 0.5], prompts=["", ""])
    elsewhere = run("true", ["b", "a"], [1, 0.5], prompts=["B", "A"], tool="verl")
    for runs in ([FROZEN, unknown], [unknown, FROZEN], [FROZEN, elsewhere]):
        assert match_items("sums", runs, False)[1] == []


def test_a_prompt_of_a_real_log_is_that_of_its_own_metric(tmp_path):
    for arm in ("frozen", "true"):
        shutil.copytree(LOGS / "lm_eval" / arm, tmp_path / arm)
    path = next((tmp_path / "true").rglob("*.jsonl"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[3]["prompt_hash"] = "0" * 64
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    logs = [(arm, tmp_path / arm) for arm in ("frozen", "true")]
    with pytest.raises(LogError, match=f"1 of 8 items, the first is {lines[3]['doc_hash'][:16]} .*and 0000"):
        read_logs(logs, metrics=["strict-match"])
    assert len(read_logs(logs, metrics=["flexible-extract"]).table) == 24


# Files that are none, and logs of every size --------------------------------------------------------


def test_a_pipe_and_a_folder_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "f.jsonl")
    for path in (tmp_path, tmp_path / "f.jsonl"):
        with pytest.raises(LogError, match=r"f\.jsonl: this is a device or pipe, not a file; accepted are"):
            logs_at("true", path)
    (tmp_path / "f.jsonl").unlink()
    (tmp_path / "f.jsonl").symlink_to("nowhere")
    for path in (tmp_path, tmp_path / "f.jsonl"):
        with pytest.raises(LogError, match=r"f\.jsonl: a link whose target does not exist; accepted are"):
            logs_at("true", path)
    monkeypatch.setattr(os, "scandir", lambda place: (_ for _ in ()).throw(PermissionError(13, "forbidden")))
    with pytest.raises(LogError, match=rf"^true={tmp_path}: this folder cannot be listed \(forbidden\)"):
        logs_at("true", tmp_path)


@pytest.mark.parametrize("value", [10**400, -(10**400), [10**400]])
def test_a_number_beyond_any_float_is_refused(tmp_path, value):
    path = plain(tmp_path / "f.jsonl", [("a", True), ("b", value)])
    with pytest.raises(LogError, match=r"f\.jsonl: correct of item b must be true, false or a number"):
        read_logs([("frozen", path)])


def test_documents_named_1_in_two_types_stand_twice(tmp_path):
    lines = [json.loads(line) for line in SAMPLES.read_text().splitlines()[:2]]
    lines = [{**lines[0], "doc_id": document} for document in (1, "1")]
    (tmp_path / "samples_a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(LogError, match="doc_id '1' occurs twice under one filter"):
        read_logs([("frozen", tmp_path / "samples_a.jsonl")])


@pytest.mark.parametrize("common_items", [False, True])
def test_runs_that_share_no_item_build_no_matrix(common_items):
    """A matrix of all runs and items would hold 4,000,000,000 counts."""
    runs = [run("true", [f"{n}-{i}" for i in range(1000)], np.ones(1000), number=n, prompts=[""] * 1000)
            for n in range(2000)]  # fmt: skip
    with pytest.raises(LogError, match="2000000 of 2000000 items are not in every log"):
        match_items("sums", runs, common_items)


def test_names_that_are_no_utf_8_are_read_beside_pyarrow_too(tmp_path):
    arms = {"frozen": "0110", "true": "1110"}
    logs = [(arm, tmp_path / f"{arm}\udcff.jsonl") for arm in arms]
    for (_, path), outcomes in zip(logs, arms.values(), strict=True):
        lines = [json.dumps({"item": f"q\ud800{i}", "correct": int(c)}) for i, c in enumerate(outcomes)]
        path.write_text("\n".join(lines))
    assert audit(read_logs(logs).table).cells[0].cell.arms["true"].accuracy == 0.75
