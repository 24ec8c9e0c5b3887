"""Every RANDOM run that was found, against the files that it comes from."""

import numpy as np
import pytest
from scipy import stats

from book.world_nulls import next_null, nulls_by, random_runs
from rlvr.planning.repeated_arms import load_repeated_arms
from rlvr.published_runs import published_repeats

RUNS = random_runs()


def test_each_repeat_is_there_once_with_its_own_change():
    mine = RUNS.query("study == 'thuvesen2026grpodecomp' and benchmark == 'GSM8K'")
    rows = load_repeated_arms().query("study == 'thuvesen2026grpodecomp' and benchmark == 'GSM8K'")
    ends = rows[rows.arm == "random"].accuracy_percent - rows[rows.arm == "frozen"].accuracy_percent.item()
    assert sorted(mine.change) == pytest.approx(sorted(ends))
    repeats = published_repeats().query("runs_averaged == 1")
    famous = RUNS.query("study == 'shao2026spurious' and model == 'Qwen2.5-Math-7B'")
    assert len(famous) == len(repeats) + 2  # MATH-500 and AMC of the audited run


def test_luck_is_that_of_two_independent_sets_of_answers():
    row = RUNS.query("study == 'thuvesen2026grpodecomp' and benchmark == 'GSM8K'").iloc[0]
    p = np.array([row.start, row.start + row.change]) / 100
    assert row.luck == pytest.approx(196 * np.sqrt((p * (1 - p)).sum() / 1319))


@pytest.mark.parametrize("column", ["family", "recipe", "reading"])
def test_groups_hold_every_source_and_no_run_twice(column):
    table = nulls_by(column)
    assert (table.fell <= table.nulls).all() and (table.sources <= table.nulls).all()
    assert table.nulls.sum() >= RUNS.groupby(["study", "model"]).ngroups


def test_a_further_source_is_predicted_as_one_more_normal_draw():
    law = next_null()
    tail = stats.t.ppf(0.975, law.mean.n - 1)
    assert law.high - law.mean.value == pytest.approx(tail * law.spread * (1 + 1 / law.mean.n) ** 0.5)
    assert law.mean.n == RUNS.study.nunique()
