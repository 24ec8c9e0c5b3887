"""A study before training: its key, its labels, its checkpoints and how much work it is, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, StrategyFamily, TaskFamily
from rlvr.simulator.studies import Study, StudySize

TINY, SHORT = TaskFamily(n_actions=4, n_prompts=6), GRPOConfig(n_steps=20, batch_size=4)


def prepared(family=TINY, config=SHORT, tasks=None, **changed):
    size = {"arms": ARMS, "n_tasks": 3, "n_seeds": 5, "seed": 7, "checkpoints": None, "keep_policies": False}
    return Study.prepare(family, config, StudySize(**(size | changed)), tasks)


@pytest.mark.parametrize("family", [TINY, StrategyFamily(n_prompts=8)])
def test_the_key_of_the_random_numbers_is_that_of_the_seed_s_second_child(family):
    """The first child's branch draws the tasks; NumPy hands out children in the same order."""
    key = prepared(family).work.settings["key"]
    assert key.dtype == np.uint64
    assert key.tolist() == np.random.SeedSequence(7).spawn(2)[1].generate_state(2, np.uint64).tolist()


def test_tasks_are_those_of_the_seed_unless_they_are_given():
    drawn = TINY.sample(3, seed=7)
    np.testing.assert_array_equal(prepared().tasks.prior, drawn.prior)
    other = TINY.sample(3, seed=8)
    assert prepared(tasks=other).tasks is other and prepared(tasks=other).work.by_task["prior"] is other.prior
    with pytest.raises(ValueError, match=r"= \(3, 6, 4\), got \(2, 6, 4\)"):
        prepared(tasks=TINY.sample(2))


def test_the_work_by_hand():
    """Three task draws of five seeds; 15 runs of three trained arms, 20 steps of 4 groups each."""
    work = prepared(checkpoints=(0, 3), keep_policies=True).work
    assert (work.shared, work.first, work.last, work.n_seeds, work.n_runs) == (False, 0, 15, 5, 15)
    assert work.n_groups == 15 * 3 * 20 * 4
    assert prepared(arms=("true", "frozen")).work.n_groups == 15 * 1 * 20 * 4
    assert work.by_task["draws"].tolist() == [0, 1, 2]
    assert work.settings["arms"].tolist() == [0, 1, 2, 3]
    assert work.results == {"curves": (3,), "policies": (6, 4)}
    assert prepared().work.results == {"curves": (1,)}


def test_labels_are_there_only_where_majority_is_paid_by_fixed_ones():
    fixed = replace(SHORT, majority_labels="fixed")
    assert (prepared().work.by_task["labels"] == np.full((3, 6), -1)).all()
    assert (prepared(config=fixed, arms=("frozen", "true")).work.by_task["labels"] == -1).all()
    assert (prepared(config=fixed).work.by_task["labels"] >= 0).all()


@pytest.mark.parametrize(
    ("asked", "steps"),
    [
        (None, [20]), ((), [20]), ((0,), [0, 20]), ((20,), [20]), ((0, 20), [0, 20]),
        ((4, 5, 19), [4, 5, 19, 20]),
    ],
)  # fmt: skip
def test_the_last_checkpoint_is_the_end(asked, steps):
    assert prepared(checkpoints=asked).steps.tolist() == steps


@pytest.mark.parametrize("asked", [(-1,), (21,), (3, 3), (3, 2), (1, 5, 4)])
def test_checkpoints_ascend_from_the_start_to_the_end(asked):
    with pytest.raises(ValueError, match="checkpoints must be ascending integers from 0 to n_steps = 20"):
        prepared(checkpoints=asked)


def test_a_longer_study_is_the_same_but_for_its_draws():
    short, longer = prepared(), prepared().longer(4)
    assert (longer.size.n_tasks, longer.size.seed, longer.work.n_runs) == (4, 7, 20)
    np.testing.assert_array_equal(longer.tasks.prior[:3], short.tasks.prior)


def test_results_are_shaped_by_arm_task_and_seed():
    study = prepared(keep_policies=True)
    curves = np.arange(4 * 15.0).reshape(4, 15, 1)
    policies = np.arange(4 * 15 * 24.0).reshape(4, 15, 6, 4)
    runs = study.runs({"curves": curves, "policies": policies})
    assert runs.curves.shape == (4, 3, 5, 1) and runs.curves[2, 1, 3, 0] == 2 * 15 + 5 + 3
    assert runs.policies.shape == (4, 3, 5, 6, 4) and runs.policies[2, 1, 3, 0, 0] == 24 * 38
    assert (runs.share_curves, runs.clipped, runs.logits, runs.reached) == (None, None, None, None)
    assert (runs.arms, runs.n_tasks, runs.n_seeds, runs.seed) == (ARMS, 3, 5, 7)


def test_shared_logits_become_policies_where_those_are_asked_for():
    family = StrategyFamily(n_prompts=8, n_tokens=2)
    final = np.zeros((4, 15, 2, 2))
    results = {"curves": np.zeros((4, 15, 1)), "final": final}
    assert prepared(family).runs(results).policies is None
    policies = prepared(family, keep_policies=True).runs(results).policies
    np.testing.assert_allclose(policies, np.broadcast_to([0.25, 0.75], (4, 3, 5, 8, 2)))
    assert prepared(family).runs(results).logits.shape == (4, 3, 5, 2, 2)
