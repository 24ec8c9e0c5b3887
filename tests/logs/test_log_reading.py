"""Logs of real tools give the audit that the same outcomes give as a table; what is unclear is refused."""

import json
import shutil
from pathlib import Path

import pytest

from rlvr.arms import ARMS
from rlvr.auditing.audit_output import to_dict
from rlvr.auditing.cell_verdicts import audit, with_notices
from rlvr.logs.evaluation_log import LogError
from rlvr.logs.log_reading import read_logs
from rlvr.planning.pilots import pilot_design

LOGS = Path(__file__).parent.parent / "data" / "logs"
LM_EVAL = [(arm, LOGS / "lm_eval" / arm) for arm in ARMS]
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


@pytest.mark.parametrize(
    ("logs", "metric", "table"),
    [
        (LM_EVAL, "strict-match", "lm_eval_strict"),
        (LM_EVAL, "exact_match,flexible-extract", "lm_eval_flexible"),
        (INSPECT, "match", "inspect_strict"),
        (INSPECT, "includes", "inspect_flexible"),
    ],
)
def test_the_audit_of_logs_is_that_of_their_outcomes(logs, metric, table):
    outcomes = read_logs(logs, metrics=[metric])
    told = numbers(audit(LOGS / f"{table}.csv"))
    assert numbers(audit(outcomes.table)) == told
    other = {"lm_eval_strict": "lm_eval_flexible", "inspect_strict": "inspect_flexible"}.get(table)
    if other:  # the comparison can fail
        assert numbers(audit(LOGS / f"{other}.csv")) != told


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


def test_two_epochs_are_two_samples_an_item_for_the_audit_and_the_plan():
    for unpaired in (False, True):
        (cell,) = audit(read_logs(INSPECT, metrics=["match"], unpaired=unpaired).table).cells
        assert {arm.samples_per_item for arm in cell.cell.arms.values()} == {2}
        assert pilot_design(cell.cell).samples_per_item == 2
        # Samples are averaged within their item: only without pairing could they count as items.
        assert bool(cell.layer("items, independent samples")) == unpaired
    single = audit(read_logs(LM_EVAL, metrics=["strict-match"]).table).cells[0]
    assert pilot_design(single.cell).samples_per_item == 1


@pytest.mark.parametrize(
    ("logs", "settings", "message"),
    [
        (LM_EVAL, {}, r"^frozen=.*: metric \(--metric\) must name one of 'exact_match,strict-match', "
                      "'exact_match,flexible-extract'; 2 stand in this log$"),
        (LM_EVAL, {"metrics": ["acc"]}, "; none that is asked for stand in this log$"),
        (LM_EVAL, {"metrics": ["exact_match"]}, "; 2 that fit stand in this log$"),
        (INSPECT, {}, r"frozen-1\.json: metric \(--metric\) must name one of 'match', 'includes'; 2 stand"),
        ([], {}, "^no log was given"),
        ([("base", LOGS)], {}, "^a log's arm must be one of frozen, random, majority, true, got 'base'$"),
        ([("true", LOGS / "none")], {}, "^true=.*none: no such file or folder; accepted are"),
        ([*LM_EVAL[:1], *LM_EVAL[:1]], {"metrics": ["strict-match"]}, "the same file stands as frozen="),
        ([("frozen", LM_EVAL[0][1]), ("true", INSPECT[3][1])],
         {"metrics": ["strict-match", "match"]}, "^sums: 16 of 16 items are not in every log .*: "
         r"Inspect and lm-eval name items each in its own way; unpaired \(--unpaired\) takes"),
        ([("frozen", LOGS / "lm_eval")], {"metrics": ["strict-match"]},
         r"^frozen: logs of 5 models \(base, base-majority-1, .*FROZEN is one model, untrained$"),
    ],
)  # fmt: skip
def test_what_is_unclear_is_refused_in_one_line(logs, settings, message):
    with pytest.raises(LogError, match=message) as refusal:
        read_logs(logs, **settings)
    assert "\n" not in str(refusal.value)


def test_missing_items_are_counted_and_left_out_only_when_asked(tmp_path):
    whole = plain(tmp_path / "frozen.jsonl", [("a", 1), ("b", 0), ("c", 0), ("d", 1)])
    short = plain(tmp_path / "true.jsonl", [("d", 1), ("b", 1), ("e", 1)])
    logs = [("frozen", whole), ("true", short)]
    with pytest.raises(LogError) as refusal:
        read_logs(logs)
    assert str(refusal.value) == (
        f"benchmark: 3 of 5 items are not in every log (frozen={whole} lacks 1; true={short} lacks 2; the "
        "first is a); common_items (--common-items) audits the 2 that every log has"
    )
    outcomes = read_logs(logs, common_items=True)
    rows = outcomes.table[["arm", "item", "correct"]].astype({"correct": float}).values.tolist()
    assert rows == [["frozen", "b", 0.0], ["frozen", "d", 1.0], ["true", "b", 1.0], ["true", "d", 1.0]]
    (note,) = outcomes.notices["benchmark"]
    assert note.startswith("3 of 5 items left out, not in every log: frozen=")
    cell = with_notices(audit(outcomes.table), outcomes).cells[0]
    assert cell.notices == (note,) and cell.terms["total"].value == 0.5


def test_without_matching_each_arm_keeps_its_own_items(tmp_path):
    logs = [("frozen", plain(tmp_path / "f.jsonl", [("a", 1), ("b", 0), ("c", 0), ("d", 0)])),
            ("true", plain(tmp_path / "t.jsonl", [("x", 1), ("y", 1), ("c", 0)]))]  # fmt: skip
    cell = audit(read_logs(logs, unpaired=True).table).cells[0]
    assert [cell.cell.arms[arm].n_items for arm in ("frozen", "true")] == [4, 3]
    assert cell.layers[0].note == "unpaired" and not cell.pairing


def test_one_file_twice_is_seen_through_a_link(tmp_path):
    one = plain(tmp_path / "f.jsonl", [("a", 1)])
    (tmp_path / "g.jsonl").symlink_to(one)
    with pytest.raises(
        LogError, match=r"^true=.*g\.jsonl: the same file stands as frozen=.*f\.jsonl; each log"
    ):
        read_logs([("frozen", one), ("true", tmp_path / "g.jsonl")])


def test_the_same_arm_twice_is_two_runs_in_their_order(tmp_path):
    logs = [("true", plain(tmp_path / f"{name}.jsonl", [("a", right), ("b", 1)]))
            for name, right in (("second", 0), ("first", 1))]  # fmt: skip
    outcomes = read_logs(logs)
    assert outcomes.table["run"].tolist() == ["1", "1", "2", "2"]
    assert outcomes.table["correct"].tolist() == [0, 1, 1, 1]
    assert outcomes.notices["benchmark"] == ("true: 2 logs are 2 runs",)
    assert audit(outcomes.table).cells[0].cell.arms["true"].run_sd == pytest.approx(0.5 / 2**0.5)


def test_a_prompt_that_differs_is_named(tmp_path):
    for arm in ("frozen", "true"):
        shutil.copytree(LOGS / "lm_eval" / arm, tmp_path / arm)
    path = next((tmp_path / "true").rglob("*.jsonl"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[3]["doc_id"] == 3
    lines[3]["prompt_hash"] = "0" * 64
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    logs = [(arm, tmp_path / arm) for arm in ("frozen", "true")]
    with pytest.raises(LogError) as refusal:
        read_logs(logs, metrics=["strict-match"])
    assert f"differ in the prompt of 1 of 8 items, the first is {lines[3]['doc_hash'][:16]} (prompts " in str(
        refusal.value
    )
    assert str(refusal.value).endswith("and 000000000000); arms asked the same are accepted")
    assert len(read_logs(logs, metrics=["flexible-extract"]).table) == 24  # its own lines have their own hash


def test_benchmarks_are_cells_and_what_one_arm_alone_has_is_said(tmp_path):
    for arm in ("frozen", "true"):
        for task in ("sums", "more") if arm == "true" else ("sums",):
            place = tmp_path / arm / "m" / f"samples_{task}_2026-01-01T00-00-00.000000.jsonl"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(next((LOGS / "lm_eval" / arm).rglob("*.jsonl")), place)
    logs = [(arm, tmp_path / arm) for arm in ("frozen", "true")]
    outcomes = read_logs(logs, metrics=["strict-match"])
    assert outcomes.notices == {"sums": ("left out, in one arm only: more",)}
    (tmp_path / "frozen" / "m").joinpath("samples_sums_2026-01-01T00-00-00.000000.jsonl").rename(
        tmp_path / "frozen" / "m" / "samples_sums_v2.jsonl"
    )
    (tmp_path / "true" / "m" / "samples_more_2026-01-01T00-00-00.000000.jsonl").unlink()
    with pytest.raises(
        LogError, match=r"no two arms share a benchmark \(frozen=.* is on sums_v2, true=.* sums\)"
    ):
        read_logs(logs, metrics=["strict-match"])
    renamed = read_logs(logs, metrics=["strict-match"], benchmark="both")
    assert set(renamed.table["benchmark"]) == {"both"}


@pytest.mark.parametrize("value", [2, -0.1, "yes", None, [1], float("nan")])
def test_what_is_neither_right_nor_wrong_is_shown(tmp_path, value):
    path = plain(tmp_path / "f.jsonl", [("a", True), ("b", value)])
    with pytest.raises(
        LogError, match=r"f\.jsonl: correct of item b must be right or wrong, or a fraction"
    ) as it:
        read_logs([("frozen", path)])
    assert str(it.value).endswith(f"got {value!r}")


def test_lists_are_no_answers_even_where_each_item_has_one(tmp_path):
    path = plain(tmp_path / "f.jsonl", [("a", [1]), ("b", [0])])
    with pytest.raises(LogError, match=r"correct of item a must be right or wrong, .*got \[1\]$"):
        read_logs([("frozen", path)])


def test_of_two_faults_the_first_is_shown(tmp_path):
    path = plain(tmp_path / "f.jsonl", [("a", True), ("b", 2), ("c", 3)])
    with pytest.raises(LogError, match=r"correct of item b must be .*got 2$"):
        read_logs([("frozen", path)])


def test_a_log_that_scored_nothing(tmp_path):
    path = tmp_path / "empty.json"
    path.write_text('{"status": "success", "eval": {"task": "t", "model": "m"}, "samples": []}')
    with pytest.raises(LogError, match="holds no scored answer; a log with scores is accepted"):
        read_logs([("frozen", path)])


def test_uneven_samples_are_said(tmp_path):
    path = plain(tmp_path / "f.jsonl", [("a", 1), ("b", 0), ("a", 0), ("a", 0), ("b", 1)])
    outcomes = read_logs([("frozen", path)])
    assert outcomes.table["correct"].tolist() == [pytest.approx(1 / 3), 0.5]
    assert outcomes.table["samples_per_item"].tolist() == [2, 2]
    assert outcomes.notices["benchmark"] == (
        f"frozen={path}: 2 to 3 samples an item, each item counts the same",
    )
