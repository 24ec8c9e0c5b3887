"""No number without a word: what is not correctness, not one evaluation or not a run is refused or said."""

import json
import shutil
from pathlib import Path

import pytest

from rlvr.arms import ARMS
from rlvr.auditing.audit_output import to_dict
from rlvr.auditing.cell_verdicts import audit, with_notices
from rlvr.logs.formats import LogError
from rlvr.logs.runs import read_logs
from rlvr.logs.score_checks import plain_reading

DATA = Path(__file__).parent / "data"
N = 20


def write(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def four_arms(folder, name, lines_of):
    """A file an arm; `lines_of` gives its lines from the arm and how many of its answers are right."""
    rights = dict(zip(ARMS, (8, 6, 14, 16), strict=True))
    return [(arm, write(folder / arm / name, lines_of(arm, n))) for arm, n in rights.items()]


def accuracies(outcomes):
    return {
        cell.cell.benchmark: {name: round(100 * arm.accuracy, 1) for name, arm in cell.cell.arms.items()}
        for cell in audit(outcomes.table).cells
    }


def said(outcomes):
    return "\n".join(line for lines in outcomes.notices.values() for line in lines)


# Scores that are no correctness -------------------------------------------------------------------


def verl(score, form=r"so \boxed{{{}}}", **more):
    def lines(arm, n_right):
        for item in range(N):
            right = item < n_right
            output = form.format(item if right else item + 100)
            yield {"input": f"q {item}", "output": output, "gts": str(item), "step": 100,
                   "score": score(arm, item, right), "reward": 0.0, **more}  # fmt: skip

    return lines


def coin(arm, item, right):
    return float(item % 2) if arm == "random" else float(right)


@pytest.mark.parametrize("form", [r"so \boxed{{{}}}", "The answer is {}.", "#### {}", "{}"])
def test_a_coin_as_score_is_refused_and_the_reading_offered(tmp_path, form):
    logs = four_arms(tmp_path, "100.jsonl", verl(coin, form))
    with pytest.raises(
        LogError, match=r"^random=.*100\.jsonl: score and a plain reading .* differ in 10 of 20"
    ) as no:
        read_logs(logs)
    for part in (
        "50.0% right by score",
        "30.0% by the reading",
        "must name reading",
        "or score, to use it unchanged",
    ):
        assert part in str(no.value)
    reread = read_logs(logs, metrics=["reading"])
    assert accuracies(reread)["benchmark"] == {"frozen": 40, "random": 30, "majority": 70, "true": 80}
    as_logged = read_logs(logs, metrics=["score"])
    assert accuracies(as_logged)["benchmark"]["random"] == 50 and "differ in 10 of 20" in said(as_logged)


def test_a_vote_as_score_is_refused(tmp_path):
    def vote(arm, item, right):
        return float(right or (arm == "majority" and item > 17))

    with pytest.raises(LogError, match=r"^majority=.*differ in 2 of 20 answers \(2 scored right although"):
        read_logs(four_arms(tmp_path, "1.jsonl", verl(vote)))


@pytest.mark.parametrize(
    ("score", "found"),
    [
        (
            lambda arm, item, right: 1.0 if right else 0.1,
            "score of 12 of 20 answers is neither 0 nor 1, 0.1 in 12",
        ),
        (
            lambda arm, item, right: 1.1 if right else 0.0,
            "score of 8 of 20 answers is neither 0 nor 1, 1.1 in 8",
        ),
        (lambda arm, item, right: 1.0 if right else -1.0, "is neither 0 nor 1, -1.0 in 12"),
    ],
)
def test_a_reward_with_parts_is_refused(tmp_path, score, found):
    logs = four_arms(tmp_path, "1.jsonl", verl(score))
    with pytest.raises(LogError, match=found) as refusal:
        read_logs(logs)
    assert "reading" in str(refusal.value)
    assert accuracies(read_logs(logs, metrics=["reading"]))["benchmark"]["frozen"] == 40


def test_a_strict_format_is_no_contradiction_but_said(tmp_path):
    def strict(arm, item, right):
        return float(right and item > 3)

    outcomes = read_logs(four_arms(tmp_path, "1.jsonl", verl(strict, "The answer is {}.")))
    assert accuracies(outcomes)["benchmark"]["frozen"] == 20
    assert "stricter or more lenient rule may explain): 20.0% right by score, 40.0% by" in said(outcomes)


def test_the_score_of_plain_lines_is_held_against_their_output_too(tmp_path):
    def lines(arm, n_right):
        for line in verl(coin)(arm, n_right):
            yield {
                "item": line["input"],
                "correct": line["score"],
                "response": line["output"],
                "gold": line["gts"],
            }

    with pytest.raises(
        LogError, match=r"^random=.*: correct and a plain reading of output against truth differ in 10"
    ):
        read_logs(four_arms(tmp_path, "a.jsonl", lines))


def test_rollouts_of_training_are_no_evaluation(tmp_path):
    with pytest.raises(LogError, match=r"rollouts of training .*request_id.*validation_data_dir"):
        read_logs(four_arms(tmp_path, "1.jsonl", verl(coin, request_id="r")))
    logs = four_arms(tmp_path / "rollout_data", "1.jsonl", verl(lambda arm, item, right: float(right)))
    assert "rollouts of training are not an evaluation" in said(read_logs(logs))


@pytest.mark.parametrize(
    ("output", "truth", "right", "sure"),
    [
        (r"\boxed{5}", "5", True, True),
        (r"\boxed{5}", 5, True, True),
        (r"\boxed{5}", ["5"], True, True),
        (r"\boxed{72}", "He sells 72.\n#### 72", True, True),
        (r"\boxed{\frac12}", "0.5", True, True),
        (r"\boxed{6}", "5", False, True),
        ("it is 5", "5", True, False),
        ("it is 6", "5", False, True),
        ("it is 5, I checked 3 times", "5", False, False),
        (r"\boxed{x+1}", "1+x", None, False),
        (r"\boxed{A}", "A", True, True),
        ("no answer", "5", None, False),
        ([{"role": "assistant", "content": r"\boxed{5}"}], "5", True, True),
        (None, "5", None, False),
        ("5", None, None, False),
        ("5", {"ground_truth": "5"}, None, False),
    ],
)
def test_the_plain_reading_says_nothing_where_it_cannot_tell(output, truth, right, sure):
    assert plain_reading(output, truth)[:2] == (right, sure)


# Different things in one file ---------------------------------------------------------------------


def plain(**fields):
    """Lines whose fields are values, or functions of the item and the sample."""

    def lines(arm, n_right, n_samples=2):
        for item in range(N):
            for sample in range(n_samples):
                more = {name: it(item, sample) if callable(it) else it for name, it in fields.items()}
                yield {"item": item, "correct": int(item < n_right), **more}

    return lines


@pytest.mark.parametrize(
    "name", ["step", "global_step", "checkpoint", "epoch", "model", "run", "temperature"]
)
def test_lines_that_differ_in_what_one_evaluation_shares_are_refused_by_its_name(tmp_path, name):
    logs = four_arms(tmp_path, "a.jsonl", plain(**{name: lambda item, sample: 100 * (sample + 1)}))
    with pytest.raises(
        LogError, match=rf"a\.jsonl: holds the {name}s 100, 200.*; one {name} per file is accepted"
    ) as refusal:
        read_logs(logs)
    assert f"--field sample={name}" in str(refusal.value)
    named = read_logs(logs, fields=["item=item", "correct=correct", f"sample={name}"])
    assert accuracies(named)["benchmark"]["frozen"] == 40


@pytest.mark.parametrize("name", ["split", "subset", "ckpt_path", "condition", "lr"])
def test_an_unknown_field_of_which_items_have_each_value_once_is_refused_by_its_name(tmp_path, name):
    logs = four_arms(tmp_path, "a.jsonl", plain(**{name: lambda item, sample: f"of {sample}"}))
    with pytest.raises(LogError, match=rf"20 items once for each {name} \(of 0, of 1\)") as refusal:
        read_logs(logs)
    assert f"--field benchmark={name}" in str(refusal.value)
    assert accuracies(read_logs(logs, fields=[f"benchmark={name}"]))["of 1"]["frozen"] == 40
    assert f"--field sample={name}" in str(refusal.value)
    assert accuracies(read_logs(logs, fields=[f"sample={name}"]))["benchmark"]["frozen"] == 40


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sample_id", lambda item, sample: sample),
        ("seed", lambda item, sample: sample),
        ("level", lambda item, sample: item % 5),
        ("finish_reason", lambda item, sample: "stop" if item * sample % 3 else "length"),
        ("seconds", lambda item, sample: item + sample / 7),
    ],
)
def test_fields_of_samples_and_of_items_are_no_evaluations(tmp_path, name, value):
    logs = four_arms(tmp_path, "a.jsonl", plain(**{name: value}))
    assert accuracies(read_logs(logs))["benchmark"]["frozen"] == 40


@pytest.mark.parametrize("name", ["gold", "question", "gts", "input"])
def test_answers_to_one_item_that_differ_in_what_was_asked_are_refused(tmp_path, name):
    logs = four_arms(tmp_path, "a.jsonl", plain(**{name: lambda item, sample: f"{item}, {sample}"}))
    with pytest.raises(LogError, match=f"answers 1 and 2 to item 0 differ in {name}"):
        read_logs(logs)
    assert read_logs(four_arms(tmp_path, "a.jsonl", plain(**{name: lambda item, sample: f"{item}"})))


@pytest.mark.parametrize("name", ["benchmark", "data_source", "dataset", "task"])
def test_each_benchmark_of_a_file_is_a_cell(tmp_path, name):
    logs = four_arms(tmp_path, "a.jsonl", plain(**{name: lambda item, sample: "easy" if sample else "hard"}))
    outcomes = read_logs(logs)
    assert accuracies(outcomes)["easy"] == accuracies(outcomes)["hard"]
    assert [len(accounts) for accounts in outcomes.accounts.values()] == [4, 4]


def test_a_task_for_each_item_is_no_benchmark(tmp_path):
    with pytest.raises(LogError, match="task has 20 values on 20 items"):
        read_logs(four_arms(tmp_path, "a.jsonl", plain(task=lambda item, sample: f"HumanEval/{item}")))


def right(arm, item, right):
    return float(right)


@pytest.mark.parametrize("truth", [{}, {"gts": None}])
def test_scores_without_a_truth_are_not_checked_and_the_output_says_so(tmp_path, truth):
    def lines(arm, n_right):
        for line in verl(right)(arm, n_right):
            yield {**{name: value for name, value in line.items() if name != "gts"}, **truth}

    (notices,) = read_logs(four_arms(tmp_path, "1.jsonl", lines)).notices.values()
    assert any("no truth (gts)" in notice for notice in notices)


def test_one_text_with_two_truths_is_two_items(tmp_path):
    def lines(arm, n_right):
        return [{**line, "input": "Find x."} for line in verl(right)(arm, n_right)]

    outcomes = read_logs(four_arms(tmp_path, "1.jsonl", lines))
    assert accuracies(outcomes)["benchmark"] == {"frozen": 40, "random": 30, "majority": 70, "true": 80}
    assert {arm.n_items for arm in audit(outcomes.table).cells[0].cell.arms.values()} == {N}


def test_an_arm_s_own_labels_are_no_truth(tmp_path):
    def lines(arm, n_right):
        return [{**line, "gts": "7" if arm == "majority" else line["gts"], "output": "x"}
                for line in verl(right)(arm, n_right)]  # fmt: skip

    with pytest.raises(
        LogError, match=r"hold different right answers for 19 of 20 items, the first is \w+ \(0 and 7\)"
    ):
        read_logs(four_arms(tmp_path, "1.jsonl", lines))


def test_validation_sets_of_verl_are_told_apart_or_refused(tmp_path):
    def lines(arm, n_right, **more):
        several = [line for line in verl(right)(arm, n_right) for _ in range(1 if line["gts"] < "15" else 4)]
        return [{**line, **more} for line in several]

    logs = four_arms(tmp_path, "1.jsonl", lines)
    with pytest.raises(LogError, match=r"items with 1 and \d+ items with 4 samples each\. verl writes all"):
        read_logs(logs)
    split = accuracies(read_logs(logs, split_samples=True))
    assert list(split) == ["benchmark (1 sample an item)", "benchmark (4 samples an item)"]
    whole = four_arms(tmp_path, "1.jsonl", verl(right))
    assert "verl writes all validation sets into one file without their names" in said(read_logs(whole))
    named = four_arms(tmp_path, "1.jsonl", verl(right, data_source="math"))
    assert list(accuracies(read_logs(named))) == ["math"] and "validation sets" not in said(read_logs(named))


# What is no run -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("epoch1", "epoch2"), ("ep1", "ep2"), ("epoch=1", "epoch=2"), ("step=100", "step=200"),
        ("ckpt.1", "ckpt.2"), ("100", "200"), ("m-step-1k", "m-step-2k"), ("global_step_1", "global_step_2"),
        ("1steps", "2steps"),
        ("checkpoint-10", "checkpoint-final"), ("iter_0000100", "iter_0000200"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["{}/m/a.jsonl", "{}.jsonl", "m/{}.jsonl", "m/{}/a.jsonl"])
def test_checkpoints_in_a_folder_are_not_runs(tmp_path, names, where):
    for n, name in enumerate(names):
        write(tmp_path / where.format(name), plain()("true", 8 + n))
    with pytest.raises(LogError, match="are two evaluations or checkpoints of one model, so they do not"):
        read_logs([("true", tmp_path)])
    each = read_logs([("true", tmp_path / where.format(name)) for name in names])
    assert "have names of checkpoints of one training" in said(each) and "2 logs are 2 runs" in said(each)


def test_two_evaluations_of_one_model_that_were_named_are_said(tmp_path):
    source = next((Path(__file__).parent.parent / "data" / "logs" / "lm_eval" / "true").rglob("*.jsonl"))
    lines = [json.loads(line) for line in source.read_text().splitlines()]
    for day in (1, 2):
        again = [{**line, "resps": [[f"day {day}, {line['resps'][0][0]}"]]} for line in lines]
        write(tmp_path / "m" / f"samples_sums_2026-01-0{day}T00-00-00.0.jsonl", again)
    logs = [("true", file) for file in sorted(tmp_path.rglob("*.jsonl"))]
    assert "both evaluate m; two evaluations of one model do not count as two runs" in said(
        read_logs(logs, metrics=["strict-match"])
    )


@pytest.mark.parametrize("names", [("seed1", "seed2"), ("run-1", "run-10"), ("rep1", "rep2"), ("s1", "s2")])
@pytest.mark.parametrize("where", ["{}.jsonl", "{}/a.jsonl", "a_{}.jsonl"])
def test_seeds_and_runs_are_runs(tmp_path, names, where):
    if where == "a_{}.jsonl" and names[0] == "s1":
        return
    for n, name in enumerate(names):
        write(tmp_path / where.format(name), plain()("true", 8 + n))
    assert said(read_logs([("true", tmp_path)])) == "true: 2 logs are 2 runs"


def test_files_alike_in_every_arm_are_benchmarks(tmp_path):
    for arm in ARMS:
        for name, n in (("aime24", 8), ("aime25", 2), ("seed1/math", 5), ("seed2/math", 6)):
            write(tmp_path / arm / f"{name}.jsonl", plain()(arm, n + len(arm)))
    outcomes = read_logs([(arm, tmp_path / arm) for arm in ARMS])
    assert list(accuracies(outcomes)) == ["aime24", "aime25", "math"]
    assert "true: 2 logs are 2 runs" in outcomes.notices["math"]
    assert "frozen: 2 logs are samples of one model, because" in said(outcomes)
    assert "runs" not in " ".join(outcomes.notices["aime24"])


def test_folders_alike_in_every_arm_are_benchmarks(tmp_path):
    for arm in ARMS:
        for name, n in (("aime24", 8), ("math", 2)):
            write(tmp_path / arm / name / "out.jsonl", plain()(arm, n + len(arm)))
    assert list(accuracies(read_logs([(arm, tmp_path / arm) for arm in ARMS]))) == ["aime24", "math"]


@pytest.mark.parametrize("arm", ["frozen", "true"])
def test_files_that_may_be_benchmarks_or_runs_are_refused_until_named(tmp_path, arm):
    other = write(tmp_path / "other.jsonl", plain()("random", 7))
    files = [
        write(tmp_path / arm / f"{name}.jsonl", plain()(arm, n)) for name, n in (("aime24", 8), ("amc23", 9))
    ]
    with pytest.raises(LogError, match=r"aime24\.jsonl and .*amc23\.jsonl do not name their benchmark"):
        read_logs([(arm, tmp_path / arm), ("random", other)])
    if arm == "true":
        assert "true: 2 logs are 2 runs" in said(
            read_logs([*((arm, file) for file in files), ("random", other)])
        )


def told(arm, n_right):
    for line in plain()(arm, n_right, 1):
        yield {**line, "output": f"I think about {line['item']} and say {line['correct']}"}


def test_the_same_outputs_twice_are_one_evaluation(tmp_path):
    logs = four_arms(tmp_path, "a.jsonl", told)
    shuffled = write(tmp_path / "again.jsonl", list(told("true", 16))[::-1])
    for arm in ("true", "random"):
        with pytest.raises(
            LogError, match=r"again\.jsonl holds the same outputs as true=.*a\.jsonl, answer by answer"
        ):
            read_logs([log for log in logs if log[0] != "random"] + [(arm, shuffled)])
    copy = write(tmp_path / "copy.jsonl", told("frozen", 8))
    with pytest.raises(LogError, match=r"copy\.jsonl holds the same outputs as frozen="):
        read_logs([*logs, ("frozen", copy)])


def test_the_same_outcomes_without_outputs_are_said(tmp_path):
    logs = four_arms(tmp_path, "a.jsonl", plain())
    shutil.copy(logs[3][1], tmp_path / "copy.jsonl")
    assert "copy.jsonl is a byte copy of" in said(read_logs([*logs, ("true", tmp_path / "copy.jsonl")]))
    other = write(tmp_path / "other.jsonl", plain(note="x")("true", 16))
    assert "other.jsonl has the outcomes of" in said(read_logs([*logs, ("true", other)]))
    assert "the same evaluation" not in said(read_logs(logs))


# What the tool itself says, and every answer ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "accuracy", "counts", "notice"),
    [
        ("max", 0.3, (10, 10, 0, 0), "by match, the accuracy is 60.0% in Inspect's own results, but 30.0% "
                                     "over the answers of the log: Inspect combined the epochs"),
        ("crash", 0.25, (5, 4, 0, 1), "1 of 5 answers have no score, 1 of them failed, and are left out; "
                                      "counting them as wrong would lower the accuracy from 25.0%"),
        ("unscored", 0.25, (5, 4, 1, 0), "1 of 5 answers have no score, and are left out"),
    ],
)  # fmt: skip
def test_logs_that_inspect_made(name, accuracy, counts, notice):
    outcomes = read_logs([("frozen", DATA / f"inspect-{name}.json")])
    report = with_notices(audit(outcomes.table), outcomes)
    (cell,) = to_dict(report)["cells"]
    assert cell["arms"]["frozen"]["accuracy"] == accuracy and notice in " ".join(cell["notices"])
    (log,) = cell["answers"]
    assert tuple(log[word] for word in ("read", "scored", "unscored", "errored")) == counts


def test_a_failed_evaluation_gives_way_to_its_retry(tmp_path):
    log = json.loads((DATA / "inspect-crash.json").read_text())
    (tmp_path / "1.json").write_text(json.dumps({**log, "status": "error"}))
    with pytest.raises(LogError, match=r"1\.json: the evaluation has status 'error'"):
        read_logs([("frozen", tmp_path)])
    (tmp_path / "2.json").write_text(json.dumps(log))
    assert "1.json failed and is left out, because 2.json is its retry" in said(
        read_logs([("frozen", tmp_path)])
    )
    (tmp_path / "2.json").write_text(json.dumps({**log, "eval": {**log["eval"], "task_id": "another"}}))
    with pytest.raises(LogError, match=r"1\.json: the evaluation has status 'error'"):
        read_logs([("frozen", tmp_path)])


def test_what_is_left_out_is_counted(tmp_path):
    logs = four_arms(tmp_path, "a.jsonl", plain())
    write(logs[3][1], list(plain()("true", 16))[6:])
    outcomes = read_logs(logs, common_items=True)
    assert [account.left_out for account in outcomes.accounts["benchmark"]] == [6, 6, 6, 0]


def test_arms_sampled_at_other_temperatures_are_refused(tmp_path):
    def lines(arm, n_right):
        return plain(temperature=1.0 if arm == "true" else 0.6)(arm, n_right)

    with pytest.raises(LogError, match=r"\(temperature 0.6\) and true=.* \(temperature 1\) differ"):
        read_logs(four_arms(tmp_path, "a.jsonl", lines))


# Inspect's own readings ---------------------------------------------------------------------------


def inspect_log(path, *samples):
    header = {"status": "success", "eval": {"task": "t", "model": "m"}}
    path.write_text(json.dumps({**header, "samples": samples}))
    return path


@pytest.mark.parametrize(
    ("value", "right"),
    [("yes", 1), ("No", 0), ("TRUE", 1), ("false", 0), ("0.25", 0.25), ("1", 1), ("C", 1), ("N", 0)],
)
def test_words_and_numbers_as_inspect_s_own_value_to_float_reads_them(tmp_path, value, right):
    log = inspect_log(tmp_path / "a.json", {"id": "a", "input": "q", "scores": {"s": {"value": value}}})
    assert read_logs([("frozen", log)]).table["correct"].tolist() == [right]


def message(text, **more):
    return [{"role": "user", "content": text, **more}]


@pytest.mark.parametrize(
    ("whole", "summary", "same"),
    [
        ("q" * 6000, "q" * 5120 + "...\n(content truncated)", True),
        ("q" * 5119 + "x" + "q" * 80, "q" * 5120 + "...\n(content truncated)", False),
        (message("q" * 6000, id="one"), message("q" * 5120 + "...\n(content truncated)", id="two"), True),
        (message([{"type": "text", "text": "q"}, {"type": "image", "image": "data"}]),
         message([{"type": "text", "text": "q"}, {"type": "text", "text": "(Image)"}]), True),
        (message("q"), message("r"), False),
        (message("q"), [{"role": "system", "content": "q"}], False),
    ],
)  # fmt: skip
def test_a_prompt_that_a_summary_cuts_is_the_same_prompt(tmp_path, whole, summary, same):
    logs = [
        (
            arm,
            inspect_log(
                tmp_path / f"{arm}.json", {"id": "a", "input": text, "scores": {"s": {"value": "C"}}}
            ),
        )
        for arm, text in (("frozen", whole), ("true", summary))
    ]
    if same:
        assert len(read_logs(logs).table) == 2
    else:
        with pytest.raises(LogError, match="differ in the prompt of 1 of 1 item"):
            read_logs(logs)


@pytest.mark.parametrize(("steps", "noticed"), [((0, 100, 100, 200), True), ((0, 100, 100, "100.0"), False)])
def test_arms_at_different_training_steps_are_named(steps, noticed, tmp_path):
    step_of = dict(zip(ARMS, steps, strict=True))

    def lines(arm, n_right):
        return [{"item": f"q{i}", "correct": int(i < n_right), "step": step_of[arm]} for i in range(N)]

    text = said(read_logs(four_arms(tmp_path, "a.jsonl", lines)))
    assert ("random at 100, majority at 100, true at 200" in text) == ("numbers of steps" in text) == noticed
