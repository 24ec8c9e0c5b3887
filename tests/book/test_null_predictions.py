"""Predictions of the account: they see no outcome, and each part of them agrees with arithmetic."""

import math

import numpy as np
import pytest

from book import null_predictions
from book.null_predictions import null_law, predicted_nulls, reference_step, walk_length
from rlvr.planning.repeated_arms import load_repeated_arms

STRATEGIES = (0.65, 0.609, 0.28)
UNCLIPPED = {"n_answers": 128, "group_size": 16, "clip": None}


def test_predictions_see_no_outcome(monkeypatch):
    before = predicted_nulls()
    blind = load_repeated_arms().assign(accuracy_percent=math.nan, run_sd=math.nan, n_runs=math.nan)
    monkeypatch.setattr(null_predictions, "load_repeated_arms", lambda: blind)
    after = predicted_nulls()
    assert before.equals(after)


def test_every_random_arm_has_a_prediction_or_a_reason():
    rows = predicted_nulls()
    random = load_repeated_arms().query("arm == 'random'")
    assert len(rows) == len(random.drop_duplicates(["study", "setup", "model"]))
    assert (rows.sd.isna() == (rows.reason != "")).all()
    assert (rows.query("reason == ''").benchmarks == "MATH-500").all()


def test_the_reference_gives_its_own_spread_back():
    law = null_law(STRATEGIES, step=reference_step(), n_rollouts=80, inner_updates=1, **UNCLIPPED)
    assert law.sd == pytest.approx(8.1, abs=0.3)
    assert abs(law.mean_change) < 1.5  # the softmax's bend alone


def test_a_walk_grows_with_the_rate_and_the_root_of_updates():
    unit = walk_length(5e-7, 80, "constant")
    assert walk_length(1e-6, 320, "constant") == pytest.approx(4 * unit)
    assert walk_length(5e-7, 80, "linear") == pytest.approx(unit / math.sqrt(3))
    assert walk_length(5e-7, 80, "cosine, a tenth warm-up") == pytest.approx(unit * math.sqrt(3 / 8))


def test_without_a_clip_updates_count_and_the_batch_does_not():
    laws = [
        null_law(STRATEGIES, step=0.05, n_rollouts=rollouts, inner_updates=updates, **{**UNCLIPPED, **other})
        for rollouts, updates, other in ((80, 1, {}), (10, 8, {}), (80, 1, {"n_answers": 1024}))
    ]
    assert np.ptp([law.sd for law in laws]) < 0.3


def test_the_clip_lifts_the_dominant_strategy_and_narrows():
    free = null_law(STRATEGIES, step=0.1, n_rollouts=80, inner_updates=8, **UNCLIPPED)
    clipped = null_law(
        STRATEGIES, step=0.1, n_rollouts=80, inner_updates=8, **{**UNCLIPPED, "clip": (0.2, 0.2)}
    )
    assert clipped.share_sd < free.share_sd
    assert clipped.mean_change > free.mean_change
    assert clipped.above_start > free.above_start


def test_mirrored_strategies_mirror_the_law():
    law, mirrored = (
        null_law(each, step=0.05, n_rollouts=40, inner_updates=1, **UNCLIPPED)
        for each in (STRATEGIES, (0.35, 0.28, 0.609))
    )
    assert law.mean_change == pytest.approx(mirrored.mean_change, abs=0.2)
    assert law.sd == pytest.approx(mirrored.sd, abs=0.2)
