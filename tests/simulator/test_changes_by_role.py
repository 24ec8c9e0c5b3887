"""Changes of the logits by role: against a plain loop, and against what every update must satisfy."""

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, TaskFamily, simulate
from rlvr.simulator.changes_by_role import logit_changes, role_masks

FAMILY = TaskFamily(prior_strength=0.5, n_prompts=6)
STEP = GRPOConfig(n_steps=3, batch_size=6, learning_rate=1.0)


@pytest.fixture(scope="module")
def runs():
    return simulate(FAMILY, STEP, n_tasks=2, n_seeds=3, seed=1, keep_policies=True)


def test_every_action_has_one_role_and_its_prior(runs):
    masks = role_masks(runs.tasks)
    np.testing.assert_array_equal(sum(mask.astype(int) for mask in masks.values()), 1)
    for mask, weight, count in zip(masks.values(), FAMILY.prior()[[0, 2, 3]], (2, 1, 5), strict=True):
        np.testing.assert_allclose(runs.tasks.prior[mask], weight)
        np.testing.assert_array_equal(mask.sum(axis=-1), count)


def test_changes_are_those_of_a_plain_loop(runs):
    arm, task, seed = 3, 1, 2
    gathered = {"correct": [], "format": [], "other wrong": []}
    for prompt in range(6):
        prior = runs.tasks.prior[task, prompt]
        change = np.log(runs.policies[arm, task, seed, prompt]) - np.log(prior)
        change -= change.mean()
        wrong = [a for a in range(8) if not runs.tasks.correct[task, prompt, a]]
        marked = max(wrong, key=lambda a: prior[a])
        for action in range(8):
            role = "format" if action == marked else "other wrong" if action in wrong else "correct"
            gathered[role].append(change[action])
    found = logit_changes(runs)["true"]
    for role, values in gathered.items():
        np.testing.assert_allclose(found[role][task, seed], np.mean(values), atol=1e-13)


def test_changes_sum_to_zero_and_frozen_has_none(runs):
    changes = logit_changes(runs)
    assert tuple(changes) == ARMS
    for arm, by_role in changes.items():
        total = 2 * by_role["correct"] + by_role["format"] + 5 * by_role["other wrong"]
        np.testing.assert_allclose(total, 0, atol=1e-12)
        assert (np.abs(by_role["correct"]).max() < 1e-12) == (arm == "frozen")


def test_runs_that_cannot_tell_are_refused(runs):
    with pytest.raises(ValueError, match="keep_policies=True, got runs without policies"):
        logit_changes(simulate(FAMILY, STEP, n_seeds=1))
    two = TaskFamily(n_actions=2, n_correct=1, n_prompts=6)
    with pytest.raises(ValueError, match="at least two wrong actions"):
        logit_changes(simulate(two, STEP, n_seeds=1, keep_policies=True))
