"""A study before training, for both families: what the kernels are given."""

from dataclasses import replace

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, StrategyFamily, TaskFamily, simulate
from rlvr.simulator.rules import as_rules
from rlvr.simulator.studies import Study, StudySize, _shared_study

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


FAMILY = StrategyFamily((0.5, 0.3, 0.2), (0.6, 0.3, 0.1), n_prompts=8, n_tokens=2, wrong_agreement=0.7)
CONFIG = GRPOConfig(n_steps=20, batch_size=4)


def study(family=FAMILY, config=CONFIG, arms=ARMS, tasks=None, steps=(5, 20)):
    return _shared_study(family, config, arms, 3, 2, 7, np.array(steps), tasks)


def settings(**changed):
    return study(config=replace(CONFIG, **changed))[1].settings


def test_the_work_by_hand_where_strategies_are_shared():
    """Three task draws of two seeds; 6 runs of three trained arms, 20 steps of 4 groups each."""
    _, work = study()
    assert (work.shared, work.first, work.last, work.n_seeds) == (True, 0, 6, 2)
    assert work.n_groups == 6 * 3 * 20 * 4
    assert study(arms=("frozen", "true"))[1].n_groups == 6 * 1 * 20 * 4
    assert work.by_task["draws"].tolist() == [0, 1, 2]
    assert work.results == {"curves": (2,), "clipped": (2,), "shares": (2, 3), "final": (2, 3)}


def test_the_settings_that_are_not_said_otherwise():
    found = settings()
    assert found["arms"].tolist() == [0, 1, 2, 3] and found["checkpoints"].tolist() == [5, 20]
    np.testing.assert_array_equal(found["prior"], FAMILY.prior_logits)
    key = np.random.SeedSequence(7).spawn(2)[1].generate_state(2, np.uint64)  # the seed's second child
    assert found["key"].tolist() == key.tolist()
    assert (found["n_prompts"], found["wrong_agreement"], found["greedy"]) == (8, 0.7, False)
    assert found["rules"] == as_rules(CONFIG, 8, shared=True)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {"batch_size": 4, "n_candidates": 4, "low": np.inf, "high": np.inf, "inner_updates": 1}),
        ({"clip": (0.2, 0.28), "inner_updates": 2}, {"low": 0.2, "high": 0.28, "inner_updates": 2}),
        ({"filtering": "off"}, {"filtering": 0}),
        ({"filtering": "drop"}, {"filtering": 1, "n_candidates": 4}),
        ({"filtering": "refill", "refill_cap": 3}, {"filtering": 2, "n_candidates": 8}),  # all there are
        ({"filtering": "refill", "refill_cap": 2, "batch_size": 3}, {"n_candidates": 6}),
        ({"advantage": "centered", "optimizer": "adam"}, {"advantage": 1, "optimizer": 1}),
        ({"advantage": "rloo", "kl": "reverse"}, {"advantage": 2, "kl": 1}),
        ({"tie_break": "uniform", "verifier_noise": (0.1, 0.2)},
         {"tie_break": 1, "false_positive": 0.1, "false_negative": 0.2}),
        ({"update": "mirror", "mirror_temperature": 3.0, "inner_updates": 2},
         {"update": 1, "mirror_temperature": 3.0}),
    ],
)  # fmt: skip
def test_what_a_setting_becomes(changed, expected):
    found = settings(**changed)["rules"]._asdict()
    assert {name: found[name] for name in expected} == expected


def test_a_greedy_reader_is_told():
    assert study(replace(FAMILY, read="greedy"))[1].settings["greedy"] is True


def test_batches_must_fit():
    simulate(FAMILY, replace(CONFIG, n_steps=1, batch_size=8, inner_updates=4, update="mirror"), n_seeds=1)
    with pytest.raises(ValueError, match="batch_size must be at most n_prompts = 8, got 9"):
        simulate(FAMILY, replace(CONFIG, batch_size=9))
    with pytest.raises(ValueError, match=r"inner_updates must divide batch_size = 4 .*, got 3"):
        simulate(FAMILY, replace(CONFIG, inner_updates=3))


def test_tasks_are_those_of_the_seed_or_given_where_strategies_are_shared():
    family = replace(FAMILY, offset_sd=1.0)
    np.testing.assert_array_equal(study(family)[0].offsets, family.sample(3, seed=7).offsets)
    other = family.sample(3, seed=8)
    assert study(family, tasks=other)[0] is other
    for wrong in (
        replace(other, offsets=other.offsets[:2]), replace(other, accuracies=other.accuracies[:2])
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"\(n_tasks, n_prompts, n_strategies\) = \(3, 8, 3\), got"):
            study(family, tasks=wrong)


def test_what_is_alike_is_handed_over_once():
    given = study()[1].by_task
    for name in ("offsets", "accuracies", "read_offsets", "read_accuracies"):
        assert given[name].shape == (1, 1, 3)
    np.testing.assert_array_equal(given["offsets"], np.zeros((1, 1, 3)))
    np.testing.assert_allclose(given["read_accuracies"], [[[0.6, 0.3, 0.1]]])
    differing = study(replace(FAMILY, offset_sd=1.0, n_test_prompts=5))[1].by_task
    assert differing["offsets"].shape == (3, 8, 3) and differing["read_offsets"].shape == (3, 5, 3)
    assert differing["accuracies"].shape == (1, 1, 3) and differing["read_accuracies"].shape == (3, 5, 3)
    assert all(differing[name].flags["C_CONTIGUOUS"] for name in differing)


def test_prompts_that_share_a_policy_are_read_by_their_mean_accuracies():
    each = np.linspace(0, 1, 24).reshape(8, 3)
    given = study(replace(FAMILY, accuracies=each))[1].by_task
    np.testing.assert_allclose(given["accuracies"], each[None])
    np.testing.assert_allclose(given["read_accuracies"], [[each.mean(axis=0)]])
    drawn, work = study(replace(FAMILY, accuracy_spread=0.3))
    assert work.by_task["accuracies"].shape == (3, 8, 3)
    np.testing.assert_allclose(work.by_task["read_accuracies"], drawn.accuracies.mean(axis=1, keepdims=True))


def test_labels_are_there_only_where_they_are_fixed_where_strategies_are_shared():
    fixed = replace(CONFIG, majority_labels="fixed")
    assert study()[1].by_task["labels"].shape == (3, 0)
    assert study(config=fixed, arms=("frozen", "true"))[1].by_task["labels"].shape == (3, 0)
    assert study(config=fixed)[1].by_task["labels"].shape == (3, 8)
