"""Every RANDOM run that was found, against the files that it comes from."""

import numpy as np
import pytest
from scipy import stats

from book.published_tables import published_curves
from book.world_nulls import FEATURES, format_rank, next_null, null_features, nulls_by, random_runs
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


@pytest.mark.parametrize("column", FEATURES)
def test_groups_hold_every_source_and_no_run_twice(column):
    table = nulls_by(column)
    assert (table.fell <= table.nulls).all() and (table.sources <= table.nulls).all()
    assert table.nulls.sum() >= RUNS.groupby(["study", "model"]).ngroups


def test_a_further_source_is_predicted_as_one_more_normal_draw():
    law = next_null()
    tail = stats.t.ppf(0.975, law.mean.n - 1)
    assert law.high - law.mean.value == pytest.approx(tail * law.spread * (1 + 1 / law.mean.n) ** 0.5)
    assert law.mean.n == RUNS.study.nunique()


@pytest.mark.parametrize(
    ("study", "model", "roots"),
    [
        ("thuvesen2026grpodecomp", "Qwen2.5-Math-1.5B", {1e-6 * 500**0.5}),
        ("oertell2025heuristics", "Qwen2.5-Math-7B", {1e-7 * 8000**0.5}),
        ("shao2026spurious", "Olmo2-7B", {5e-7 * (150 * 8) ** 0.5}),
        ("shao2026spurious", "Qwen2.5-Math-7B", {5e-7 * n**0.5 for n in (80, 640, 2400)}),
        ("jin2026archer", "Qwen2.5-Coder-7B-Instruct", {float("nan")}),
    ],
)
def test_rate_times_root_of_updates_is_that_of_the_recipe(study, model, roots):
    found = RUNS.query("study == @study and model == @model").rate_root.unique() / 1e6
    assert sorted(found) == pytest.approx(sorted(roots), nan_ok=True)


def test_features_count_sources_that_compare_within_one_laboratory():
    table = null_features().set_index("feature")
    assert set(table.index) == set(FEATURES.values())
    both = {"clipping": {"shao2026spurious"}, "reading": {"shao2026spurious", "chaudhry2026rlordata"}}
    for feature, studies in both.items():
        assert set(table.loc[feature].within) == {len(studies)}


def test_the_format_rank_by_hand():
    last = {}
    for model, run in published_curves().query("benchmark == 'MATH-500'").groupby("model"):
        ends = run.sort_values("step")
        base = ends.majority.iloc[0]
        last[model] = [ends[arm].dropna().tail(10).mean() - base for arm in ("random", "format")]
    ranks = np.array([stats.rankdata(column) for column in zip(*last.values(), strict=True)])
    n, apart = ranks.shape[1], ranks[0] - ranks[1]
    assert format_rank().correlation == pytest.approx(1 - 6 * (apart**2).sum() / (n**3 - n))
    assert format_rank().n_models == n
