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
        "arm,run,accuracy,n_items random,step100,0.55,500 random,ckpt-200,0.61,500 true,a,0.7,500",
        "arm,epoch,accuracy,n_items random,1,0.55,500 random,2,0.61,500 true,2,0.7,500",
        "arm,run,item,step,correct random,0,a,1,1 random,0,b,1,0 random,1,a,2,1 random,1,b,2,1 true,0,a,2,1 "
        "true,0,b,2,0",
        "arm,run,item,correct random,epoch1,a,1 random,epoch2,a,0 true,x,a,1",
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
        RUNS.format("minutes", 0, 61, 63, 70),
        "arm,run,accuracy,n_items random,seed1-step200,0.55,500 random,seed2-step200,0.61,500 true,7,0.7,500",
        "arm,run,accuracy,n_items random,100,0.55,500 random,200,0.61,500 true,7,0.7,500",
    ],
)
def test_runs_alike_are_pooled_without_a_word(text):
    (cell,) = read_cells(table(text))
    assert cell.arms["random"].n_runs == 2 and not any("ignored" in notice for notice in cell.notices)


@pytest.mark.parametrize("degrees", [(0, 1, 1, 1), ("", 0.6, 0.6, 1), ("", 0.6, 1, 0.6)])
def test_arms_at_different_temperatures_are_refused(degrees):
    with pytest.raises(TableError, match="temperature"):
        read_cells(table(RUNS.format("temperature", *degrees)))


def test_a_column_in_which_the_runs_of_every_arm_differ_alike_is_named():
    (cell,) = read_cells(table(RUNS.format("size", "7B", "7B", "2B", "7B") + " true,1,2B,0.7,500"))
    (notice,) = (notice for notice in cell.notices if "ignored" in notice)
    assert all(word in notice for word in ("'size'", "7B", "2B", "setup"))


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("model,benchmark,base,random,ground truth", "'base' and 'random' look like arms"),
        ("| arm | accuracy |", "Markdown"),
        ("Name,seed,reward_type,eval/math_acc", "arm by 'reward_type'"),
        ("Name,seed,reward_type,eval/math_acc", "accuracy by 'eval/math_acc'"),
    ],
)
def test_a_table_of_another_shape_is_told_what_it_looks_like(header, hint, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n{header}\n")
    with pytest.raises(TableError, match=r"missing arm") as refused:
        read_cells(path)
    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("word", "arm"), [("GT reward", "true"), ("Base-model", "frozen"), ("random_arm", "random")]
)
def test_an_arm_may_be_called_a_reward_an_arm_or_a_model(word, arm):
    (cell,) = read_cells(table(f"arm,accuracy,n_items {word.replace(' ', '_')},0.5,10"))
    assert [*cell.arms] == [arm]
