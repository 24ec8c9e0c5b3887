"""The comparison of predictions with outcomes, against numbers worked out from the sources."""

import math
import statistics

import pytest
from scipy import stats

from book.null_predictions import predicted_nulls
from book.prediction_trial import (
    observed_nulls,
    one_update_signs,
    prediction_trial,
    seen_before,
    trial_rows,
)  # fmt: skip
from rlvr.published_runs import published_repeats

TRIAL = prediction_trial().set_index(["study", "setup", "benchmark"])


def test_every_random_arm_is_judged_once():
    assert len(TRIAL) == len(observed_nulls())
    assert (TRIAL.why != "").all()


@pytest.mark.parametrize(
    ("study", "setup", "benchmark", "change", "runs"),
    [
        ("thuvesen2026grpodecomp", "Countdown", "Countdown", (27 + 8 + 0) / 3 / 1.92 - 26 / 1.92, 3),
        ("oertell2025heuristics", "GRPO", "MATH-500", statistics.mean([61.3, 57.5, 56.9, 54.5]) - 56.5, 4),
        ("oertell2025heuristics", "PPO", "MATH-500", 61.9 - 57.8, 3),
        (
            "jin2026archer",
            "R1-1.5B, trained at 8K",
            "AIME 2024",
            27.6042 - 28.5417,
            1,
        ),  # the other setup's start
    ],
)
def test_changes_are_from_the_untrained_model(study, setup, benchmark, change, runs):
    row = TRIAL.loc[(study, setup, benchmark)]
    assert row.change == pytest.approx(change, abs=1e-3)
    assert row.n_runs == runs


def test_the_clipped_7b_runs_spread_less_than_the_account_says():
    row = TRIAL.loc[("oertell2025heuristics", "GRPO", "MATH-500")]
    assert row.verdict == "fails"
    sd = statistics.stdev([61.3, 57.5, 56.9, 54.5])
    assert row.p_sd == pytest.approx(2 * stats.chi2.cdf(3 * (sd / row.predicted_sd) ** 2, 3))


def test_a_quiet_benchmark_bounds_the_gap_of_the_strategies():
    row = TRIAL.loc[("thuvesen2026grpodecomp", "GSM8K", "GSM8K")]
    law = predicted_nulls().query("study == 'thuvesen2026grpodecomp' and setup == 'GSM8K'").iloc[0]
    upper = row.sd * math.sqrt(5 / stats.chi2.ppf(0.025, 5))
    assert row.gap == pytest.approx(100 * upper / law.share_sd)
    assert math.isnan(row.predicted_sd)


def test_what_cannot_be_predicted_says_why_and_shows_no_number():
    rows = TRIAL[TRIAL.verdict == "cannot be predicted"]
    assert rows[["predicted_sd", "p_change", "p_sd", "p_no_drift", "gap"]].isna().all(axis=None)
    assert rows.why.str.contains("not stated|adapters|buffer").all()


def test_all_setups_with_one_update_fell():
    assert one_update_signs() == (4, 4, 0.125)


def test_the_designs_seen_before_are_the_published_runs():
    rows = seen_before().set_index("setup")
    ends = published_repeats().query("benchmark == 'MATH-500' and runs_averaged == 1").groupby("design")
    for design, row in rows.iterrows():
        runs = ends.get_group(design).accuracy_percent_mean_last_10
        assert (row.n_runs, row.sd) == (len(runs), pytest.approx(statistics.stdev(runs)))
        found = (row.n_runs - 1) * (row.sd / row.predicted_sd) ** 2
        tails = stats.chi2.cdf(found, row.n_runs - 1), stats.chi2.sf(found, row.n_runs - 1)
        assert row.p_sd == pytest.approx(2 * min(tails))
    assert rows.p_sd["8 updates, no clipping"] < 1e-4 < 0.05 < rows.p_sd["8 updates, clipping"]


def test_the_table_has_every_row_that_can_be_judged_with_a_link():
    judged = (TRIAL.verdict != "cannot be predicted").sum()
    rows = trial_rows()
    assert len(rows) == judged + len(seen_before())
    assert all("](#rep" in row["runs"] for row in rows)
