"""Trained runs: how results are shaped, and what they show."""

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, StrategyFamily, TaskFamily
from rlvr.simulator.runs import Runs, _prompt_policies, finished_runs
from rlvr.simulator.studies import Study, StudySize


def prepared(family, *, keep_policies=False):
    size = StudySize(ARMS, 3, 5, 7, None, keep_policies)
    return Study.prepare(family, GRPOConfig(n_steps=20, batch_size=4), size)


def test_results_are_shaped_by_arm_task_and_seed():
    study = prepared(TaskFamily(n_actions=4, n_prompts=6), keep_policies=True)
    curves = np.arange(4 * 15.0).reshape(4, 15, 1)
    policies = np.arange(4 * 15 * 24.0).reshape(4, 15, 6, 4)
    runs = finished_runs(study, {"curves": curves, "policies": policies})
    assert runs.curves.shape == (4, 3, 5, 1) and runs.curves[2, 1, 3, 0] == 2 * 15 + 5 + 3
    assert runs.policies.shape == (4, 3, 5, 6, 4) and runs.policies[2, 1, 3, 0, 0] == 24 * 38
    assert (runs.share_curves, runs.clipped, runs.logits, runs.reached) == (None, None, None, None)
    assert (runs.arms, runs.n_tasks, runs.n_seeds, runs.seed) == (ARMS, 3, 5, 7)


def test_shared_logits_become_policies_where_those_are_asked_for():
    family = StrategyFamily(n_prompts=8, n_tokens=2)
    final = np.zeros((4, 15, 2, 2))
    results = {"curves": np.zeros((4, 15, 1)), "final": final}
    assert finished_runs(prepared(family), results).policies is None
    policies = finished_runs(prepared(family, keep_policies=True), results).policies
    np.testing.assert_allclose(policies, np.broadcast_to([0.25, 0.75], (4, 3, 5, 8, 2)))
    assert finished_runs(prepared(family), results).logits.shape == (4, 3, 5, 2, 2)


def test_policies_of_prompts_by_hand():
    """One token: a softmax of logits plus the prompt's offset. Strategies 3 : 1, then 1 : 1 and 9 : 1."""
    logits = np.log([3.0, 1.0]) * np.ones((2, 1, 1, 1, 2))
    offsets = np.log([[[1.0, 3.0], [3.0, 1.0]]])
    found = _prompt_policies(logits, offsets)
    assert found.shape == (2, 1, 1, 2, 2)
    np.testing.assert_allclose(found[0, 0, 0], [[0.5, 0.5], [0.9, 0.1]])


CURVES = np.arange(2 * 3 * 5 * 4.0).reshape(2, 3, 5, 4)
SHARES = np.arange(2 * 3 * 5 * 4 * 2.0).reshape(2, 3, 5, 4, 2)


def runs(**more):
    return Runs(TaskFamily(), GRPOConfig(), ("random", "true"), 3, 5, 7, np.arange(4), CURVES, None, None,
                **more)  # fmt: skip


def test_accuracy_is_where_a_curve_ends():
    np.testing.assert_array_equal(runs().accuracy, CURVES[:, :, :, 3])
    np.testing.assert_array_equal(runs().arm("true"), CURVES[1, :, :, 3])
    np.testing.assert_array_equal(runs().arm("random"), CURVES[0, :, :, 3])
    with pytest.raises(ValueError, match="arm must be one of 'random', 'true', got 'majority'"):
        runs().arm("majority")


def test_shares_are_those_at_the_end_where_there_are_any():
    assert runs().shares is None
    np.testing.assert_array_equal(runs(share_curves=SHARES).shares, SHARES[:, :, :, 3])


def test_shown_are_the_arguments_and_no_array():
    shown = repr(runs(share_curves=SHARES, clipped=CURVES, logits=SHARES))
    assert "n_seeds=5" in shown and repr(TaskFamily()) in shown and "array" not in shown
