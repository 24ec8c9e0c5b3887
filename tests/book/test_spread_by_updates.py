"""Spread after equally many optimiser steps, and the two batch sizes."""

import numpy as np
import pytest
from scipy import stats

from book.repeated_runs import end_points
from book.spread_by_updates import batch_size_test, equal_updates, published_questions
from rlvr.published_runs import DESIGNS, published_run_curves

CLIPPED, UNCLIPPED, LARGE, SMALL = DESIGNS


def test_eighty_updates_are_ten_rollouts_of_eight_or_eighty_of_one():
    found = equal_updates()
    assert found.table.step.tolist() == [10, 10, 80, 80] and found.table.runs.tolist() == [5, 11, 9, 6]
    curves = published_run_curves()
    assert [row.deviation.value for row in found.table.itertuples()] == pytest.approx(
        [curves.loc[design][step].std() for design, step in zip(DESIGNS, (10, 10, 80, 80), strict=True)]
    )
    assert [round(mean.value, 1) for mean in found.table["mean"]] == [52.6, 50.2, 49.1, 47.3]


@pytest.mark.parametrize(("benchmark", "p"), [("MATH-500", 0.068), ("AMC", 0.017)])
def test_unclipped_designs_spread_alike_then_and_clipped_runs_less(benchmark, p):
    found = equal_updates(benchmark=benchmark)
    assert found.p_unclipped > 0.8 and found.p_clipped == pytest.approx(p, abs=0.005)


def test_the_batch_sizes_by_hand():
    found, small, large = batch_size_test(), end_points(SMALL), end_points(LARGE)
    ratio = small.var(ddof=1) / large.var(ddof=1)
    assert found.deviation_ratio.value == pytest.approx(ratio**0.5)
    assert found.p_predicted == pytest.approx(2 * stats.f.cdf(ratio / 8, 5, 8))
    assert found.p_predicted_shuffled == pytest.approx(0.0647, abs=1e-3) and found.p_equal > 0.5
    # What is seen is never rejected, and a prediction on the other side is as far away.
    assert batch_size_test(variance_ratio=ratio).p_predicted > 0.8
    assert batch_size_test(variance_ratio=1 / 8).p_predicted < 0.05
    at_end = batch_size_test(80)
    curves = published_run_curves()
    wanted = curves.loc[SMALL][80].std() / curves.loc[LARGE][80].std()
    assert at_end.deviation_ratio.value == pytest.approx(wanted)


def test_every_question_has_its_power():
    table = published_questions()
    assert table.p.round(3).tolist() == pytest.approx(
        [0.262, 0.245, 0.0, batch_size_test().p_equal, 0.039], abs=1e-3
    )
    assert table.power.round(2).tolist() == pytest.approx([0.33, 0.06, np.nan, 0.70, 0.60], nan_ok=True)
    assert table.needed.tolist() == pytest.approx([32, 18, np.nan, 10, 10], nan_ok=True)
    assert table.runs.tolist() == [(5, 11)] * 3 + [(6, 9)] * 2
    more = published_questions(power=0.95).needed
    assert (more.dropna() > table.needed.dropna()).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: equal_updates(12), "updates must be a multiple of 8 from 8 to 80, got 12"),
        (lambda: equal_updates(88), "updates must be a multiple of 8 from 8 to 80, got 88"),
        (lambda: batch_size_test(0), "step must be a rollout step from 1 to 80, got 0"),
        (lambda: batch_size_test(variance_ratio=0), "variance_ratio must be a number above 0, got 0"),
    ],
)
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
