"""Rows of one arm that are no runs of it are refused or named, in both formats of a table."""

import io

import pandas as pd
import pytest

from rlvr.auditing.cells import read_cells
from rlvr.auditing.tables import TableError


def table(text):
    """A data frame of the lines of a text, with every field as it is written."""
    return pd.read_csv(io.StringIO(text.replace(" ", "\n")), dtype=str)


RUNS = (
    "arm,seed,{},accuracy,n_items frozen,,{},0.49,500 random,0,{},0.55,500 random,1,{},0.61,500 "
    "true,0,{},0.7,500"
)


@pytest.mark.parametrize(
    "text",
    [
        RUNS.format("step", 0, 100, 200, 100),
        RUNS.format("Global-Step", 0, 100, 200, 100),
        RUNS.format("_step", 0, 100, 200, 100),
        RUNS.format("trainer/global_step", 0, 100, 200, 100),
        RUNS.format("train.epoch", 0, 1, 2, 1),
        RUNS.format("eval_step", 0, 100, 200, 100),
        "arm,run,accuracy,n_items random,step100,0.55,500 random,ckpt-200,0.61,500 true,a,0.7,500",
        "arm,epoch,accuracy,n_items random,1,0.55,500 random,2,0.61,500 true,2,0.7,500",
        "arm,run,item,step,correct random,0,a,1,1 random,0,b,1,0 random,1,a,2,1 random,1,b,2,1 true,0,a,2,1 "
        "true,0,b,2,0",
        "arm,run,item,correct random,epoch1,a,1 random,epoch2,a,0 true,x,a,1",
        *(
            RUNS.format(name, 0, 100, 200, 100)
            for name in ("training_steps", "n_epochs", "updates", "tokens_seen", "episode", "train/step")
        ),
        *(
            RUNS.format(name, "base", "out/r/global_step_100", "out/r/global_step_200", "out/t")
            for name in ("path", "note", "model_path")
        ),
        "arm,run,item,path,correct random,0,a,r/ckpt-1,1 random,1,a,r/ckpt-2,0 true,0,a,t,1",
    ],
)
def test_checkpoints_are_no_runs(text):
    with pytest.raises(TableError, match=r"line \d: .*the random arm .*no runs"):
        read_cells(table(text))


@pytest.mark.parametrize(
    "text",
    [
        RUNS.format("step", 0, 100, 100, 100),
        RUNS.format("temperature", 1, "1.0", 1, ""),
        RUNS.format("temperature", "default", "default", "default", "default"),
        RUNS.format("minutes", 0, 61, 63, 70),
        RUNS.format("save_steps", 0, 100, 200, 100),
        RUNS.format("step_time", 0, 100, 200, 100),
        RUNS.format("updates_a_batch", 0, 1, 2, 1),
        RUNS.format("path", "base", "r0/global_step_9", "r1/global_step_9", "t/global_step_9"),
        RUNS.format("note", "", "", "", "")
        .replace("random,0", "random,sd0")
        .replace("random,1", "random,max1"),
        RUNS.format("metric", "pass@1", "avg@8", "avg@8", "mean@16"),
        RUNS.format("metric", "", "pass@4", "pass@4", "Pass@4"),
        "arm,run,accuracy,n_items random,seed1-step200,0.55,500 random,seed2-step200,0.61,500 true,7,0.7,500",
        "arm,run,accuracy,n_items random,100,0.55,500 random,200,0.61,500 true,7,0.7,500",
    ],
)
def test_runs_alike_are_pooled_without_a_word(text):
    (cell,) = read_cells(table(text))
    assert cell.arms["random"].n_runs == 2 and not any("ignored" in notice for notice in cell.notices)


@pytest.mark.parametrize(
    "degrees", [(0, 1, 1, 1), ("", 0.6, 0.6, 1), ("", 0.6, 1, 0.6), ("T=0", "T=1", 1, 1), ("greedy", 1, 1, 1)]
)
@pytest.mark.parametrize("name", ["temperature", "eval/temperature", "sampling_temp"])
def test_arms_at_different_temperatures_are_refused(degrees, name):
    with pytest.raises(TableError, match="temperature"):
        read_cells(table(RUNS.format(name, *degrees)))


OF_ITEMS = "arm,item,{},correct frozen,a,{},0 true,a,{},1"


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [("temperature", 0, 1), ("metric", "pass@1", "pass@8"), ("question", "q", "r"), ("gold", 3, 4)],
)
def test_arms_of_items_that_differ_in_what_they_answered_or_how_are_refused(name, one, other):
    with pytest.raises(TableError, match=name):
        read_cells(table(OF_ITEMS.format(name, one, other)))
    assert read_cells(table(OF_ITEMS.format(name, one, one)))


@pytest.mark.parametrize(
    "name", ["num_fewshot", "max_new_tokens", "prompt_template", "grader", "split", "size", "top_p"]
)
def test_a_setting_in_which_rows_of_a_cell_differ_is_named(name):
    arms = "arm,{0},accuracy,n_items frozen,{1},0.5,10 true,{2},0.6,10"
    runs = "arm,seed,{0},accuracy,n_items frozen,,{1},0.5,10 true,0,{1},0.6,10 true,1,{2},0.7,10"
    for text in (arms, runs, OF_ITEMS):
        (cell,) = read_cells(table(text.format(name, "u", "v")))
        assert any(all(word in notice for word in (name, "u", "v")) for notice in cell.notices)
        (cell,) = read_cells(table(text.format(name, "1", "1.0")))
        assert not any(name in notice for notice in cell.notices)


@pytest.mark.parametrize("name", ["split", "lr", "filter", "language"])
@pytest.mark.parametrize(
    "text",
    [
        "arm,{0},accuracy,n_items true,u,0.5,10 true,v,0.6,10",
        "arm,seed,{0},accuracy,n_items true,0,u,0.5,10 true,0,v,0.6,10",
        "arm,item,{0},correct true,a,u,1 true,a,v,0",
    ],
)
def test_rows_that_an_ignored_column_tells_apart_are_refused_by_its_name(text, name):
    with pytest.raises(TableError, match=rf"line 3: .* differ in '{name}' \(u, v\)"):
        read_cells(table(text.format(name)))


def test_metrics_of_different_graders_are_named():
    (cell,) = read_cells(table("arm,metric,accuracy,n_items true,strict,0.5,10 random,flexible,0.6,10"))
    assert any("strict" in notice and "flexible" in notice for notice in cell.notices)


@pytest.mark.parametrize(
    "name",
    ["mean", "Average", "std", "mean ± std", "avg of 3 seeds", "best", "total", "mean (n=3)", "95% CI",
     "ci_low", "x̄", "Δ", "Mittelwert", "écart-type", "平均", "standard error", "p50", "avg@3", "across seeds",
     "pooled"],
)  # fmt: skip
def test_a_summary_of_runs_is_no_run(name):
    runs = RUNS.format("note", "", "", "", "").split(" ")
    summary = f"random,{name},,0.58,500".replace(" ", "_")
    with pytest.raises(TableError, match="summary of runs"):
        read_cells(table(" ".join([*runs, summary])))
    (cell,) = read_cells(table(" ".join([runs[0], runs[1], summary])))
    assert cell.arms["random"].accuracy == 0.58


def test_runs_are_paired_by_their_numbers_however_written():
    text = RUNS.format("note", "", "", "", "") + " true,1.0,,0.7,500"
    (cell,) = read_cells(table(text.replace("true,0", "true,0.0")))
    assert cell.arms["true"].seeds == cell.arms["random"].seeds == ("0", "1")


def test_a_column_in_which_the_runs_of_every_arm_differ_alike_is_named():
    (cell,) = read_cells(table(RUNS.format("size", "7B", "7B", "2B", "7B") + " true,1,2B,0.7,500"))
    (notice,) = (notice for notice in cell.notices if "ignored" in notice)
    assert all(word in notice for word in ("'size'", "7B", "2B", "setup"))


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("model,benchmark,base,random,ground truth", "'base' and 'random' look like arms"),
        ("benchmark,frozen (%),random (%)", "'frozen (%)' and 'random (%)' look like arms"),
        ("AIME,MATH,arm", "'AIME' and 'MATH' are benchmarks"),
        ("model,accuracy (%)", "accuracy_percent by 'accuracy (%)'"),
        ("run_id,params.arm,params.n_items", "n_items by 'params.n_items'"),
        ("question_id,score", "correct by 'score'"),
        ("arm | accuracy", "Markdown"),
        (r"\begin{tabular}{lr}", "LaTeX"),
        ("| arm | accuracy |", "Markdown"),
        (r"arm & accuracy & n\_items \\\\", "LaTeX"),
        ("accuracy arm  n_items", "spaces"),
        ('{"item": 1, "correct": true}', "--log"),
        ("Name,seed,reward_type,eval/math_acc", "arm by 'reward_type'"),
        ("Name,seed,reward_type,eval/math_acc", "accuracy by 'eval/math_acc'"),
    ],
)
def test_a_table_of_another_shape_is_told_what_it_looks_like(header, hint, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n{header}\n")
    with pytest.raises(TableError, match=r"missing ") as refused:
        read_cells(path)
    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("word", "arm"), [("GT reward", "true"), ("Base-model", "frozen"), ("random_arm", "random")]
)
def test_an_arm_may_be_called_a_reward_an_arm_or_a_model(word, arm):
    (cell,) = read_cells(table(f"arm,accuracy,n_items {word.replace(' ', '_')},0.5,10"))
    assert [*cell.arms] == [arm]


OUTCOMES = "arm,run,item,correct frozen,1,a,0 frozen,1,b,1 frozen,1,c,0 true,1,a,1 true,1,b,0 true,1,{},1"


@pytest.mark.parametrize(
    "text",
    [
        RUNS.format("metric", "pass@1", "pass@1", "pass@8", "pass@1"),
        RUNS.format("metric", "pass@1", "pass@8", "pass@8", "pass@8"),
        RUNS.format("metric", "pass@1", "maj@8", "maj@8", "pass@1"),
        "arm,run,item,metric,correct true,1,a,pass@1,1 true,2,a,pass@8,1",
    ],
)
def test_several_metrics_are_neither_pooled_nor_compared(text):
    with pytest.raises(TableError, match="metric"):
        read_cells(table(text))


@pytest.mark.parametrize("item", ["c.0", "d"])
def test_arms_with_overlapping_items_are_refused_by_the_item(item):
    with pytest.raises(TableError, match=rf"line 2: the frozen arm lacks 1 of 3 items .* '{item}'"):
        read_cells(table(OUTCOMES.format(item)))


def test_arms_with_equal_items_or_none_in_common_are_compared():
    assert len(read_cells(table(OUTCOMES.format("c")))[0].arms) == 2
    other = OUTCOMES.replace("true,1,", "true,1,q").format("c")
    assert len(read_cells(table(other))[0].arms) == 2


def test_a_reward_in_place_of_correctness_is_named_unless_samples_explain_it():
    text = OUTCOMES.format("c").replace("frozen,1,c,0", "frozen,1,c,0.1")
    (cell,) = read_cells(table(text))
    assert any("0.1" in notice and "reward" in notice for notice in cell.notices)
    (cell,) = read_cells(table(text).assign(samples_per_item="10"))
    assert not any("reward" in notice for notice in cell.notices)


def test_different_lengths_of_training_are_named():
    (cell,) = read_cells(table("arm,step,accuracy,n_items frozen,0,0.4,10 random,50,0.5,10 true,100,0.6,10"))
    assert any("random at 50, true at 100" in notice for notice in cell.notices)
    (cell,) = read_cells(table("arm,checkpoint,accuracy,n_items random,ck-1,0.5,10 true,ck-2,0.6,10"))
    assert any("random at ck-1, true at ck-2" in notice for notice in cell.notices)
    (cell,) = read_cells(table("arm,step,accuracy,n_items frozen,0,0.4,10 random,50,0.5,10 true,50.0,0.6,10"))
    assert not any("steps" in notice for notice in cell.notices)


@pytest.mark.parametrize("title", ["Table 3", "# arms of training", "Table 3,,"])
def test_the_header_below_a_title_is_named(title, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"{title}\narm;accuracy;n_items\ntrue;0.5;10\n")
    with pytest.raises(TableError, match=r"line 1: .* line 2 names columns"):
        read_cells(path)


def test_numbers_below_no_name_are_refused_unless_they_are_an_index(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("arm,accuracy_percent,n_items,\ntrue,49,4,500\n")
    with pytest.raises(TableError, match=r"line 1: column 4 has no name .*'500'"):
        read_cells(path)
    path.write_text(",arm,accuracy_percent,n_items,\n0,true,49.4,500,see text\n")
    assert read_cells(path)[0].arms["true"].accuracy == 0.494


@pytest.mark.parametrize(
    "name",
    [
        "timing_s/step",
        "timing_s/update_actor",
        "system/gpu.0.temp",
        "prompt_length/mean",
        "sampling/ratio_mean",
        "prompt_tokens",
        "judge_cost",
        "filter_time",
        "run_id",
    ],
)
def test_what_a_tracker_measures_is_no_setting_and_no_step(name):
    (cell,) = read_cells(table(RUNS.format(name, 30, 36, 37, 38)))
    assert not [notice for notice in cell.notices if name in notice]


@pytest.mark.parametrize(
    ("name", "values"),
    [("level", "12"), ("subject", "ab"), ("prompt", "ab"), ("n_tokens", "79"), ("gold", ["1", "1.0"])],
)
def test_a_column_that_describes_the_items_is_no_setting(name, values):
    one, two = values if name != "gold" else ("1", "2")
    again = values[1] if name == "gold" else one
    (cell,) = read_cells(
        table(
            f"arm,item,correct,{name} frozen,a,1,{one} frozen,b,0,{two} true,a,1,{again} true,b,1,{two} "
            f"random,a,0,{one} random,b,1,{two}"
        )
    )
    assert not [notice for notice in cell.notices if name in notice]


@pytest.mark.parametrize("name", ["algorithm", "lr"])
def test_a_setting_of_training_is_not_asked_of_frozen(name):
    (cell,) = read_cells(table(RUNS.format(name, "none", "a", "a", "a")))
    assert not [notice for notice in cell.notices if name in notice]


def test_runs_may_be_numbered_after_a_letter():
    (cell,) = read_cells(
        table("arm,run,accuracy,n_items random,p1,0.5,500 random,p2,0.6,500 true,p1,0.7,500")
    )
    assert cell.arms["random"].n_runs == 2


def test_a_column_of_another_common_name_is_no_misspelt_one():
    (cell,) = read_cells(table(RUNS.format("mode", *["greedy"] * 4)))
    assert not [notice for notice in cell.notices if "mode " in notice]
