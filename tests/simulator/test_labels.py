"""Labels fixed before training: against loops, in their limits, and what they do to MAJORITY."""

from dataclasses import replace

import numpy as np
import pytest

from rlvr import GRPOConfig, TaskFamily, Tasks, simulate
from rlvr.simulator.labels import _plurality, fixed_labels

FAMILY = TaskFamily(prior_strength=0.45, n_actions=5, n_correct=2, n_prompts=30)
TASKS = FAMILY.sample(3, seed=4)
FIXED = GRPOConfig(majority_labels="fixed", label_votes=7)


def share_of_right_labels(tasks, labels):
    """Fraction of each task's prompts whose label is a correct action."""
    return np.take_along_axis(tasks.correct, labels[..., None], axis=2)[..., 0].mean(axis=1)


def voted(prior, n_votes, tie_break, task, seed):
    """One task's labels in loops: a tie draw a prompt, then vote after vote over all prompts."""
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, task)))
    tie_draws = generator.random(len(prior))
    votes = [[] for _ in prior]
    for _ in range(n_votes):
        for prompt, uniform in enumerate(generator.random(len(prior))):
            votes[prompt].append(int(np.searchsorted(np.cumsum(prior[prompt]), uniform, side="right")))
    labels = []
    for prompt, cast in enumerate(votes):
        most = max(cast.count(action) for action in cast)
        tied = sorted(action for action in set(cast) if cast.count(action) == most)
        labels.append(tied[int(tie_draws[prompt] * len(tied))] if tie_break == "uniform" else tied[0])
    return labels


@pytest.mark.parametrize("tie_break", ["lowest", "uniform"])
@pytest.mark.parametrize("n_votes", [1, 4, 7])
def test_votes_are_counted(tie_break, n_votes):
    found = fixed_labels(TASKS, replace(FIXED, label_votes=n_votes, tie_break=tie_break), seed=9)
    for task in range(3):
        assert found[task].tolist() == voted(TASKS.prior[task], n_votes, tie_break, task, 9)


def test_the_tie_rule_matters():
    lowest, uniform = (
        fixed_labels(TASKS, replace(FIXED, label_votes=4, tie_break=rule)) for rule in ("lowest", "uniform")
    )
    assert (lowest != uniform).any() and (lowest <= uniform).all()


def test_one_vote_is_a_draw_of_the_prior_and_many_are_its_mode():
    tasks = FAMILY.sample(200, seed=1)
    once = share_of_right_labels(tasks, fixed_labels(tasks, replace(FIXED, label_votes=1)))
    error = once.std(ddof=1) / len(once) ** 0.5  # the unit is a task draw
    assert abs(once.mean() - FAMILY.prior_accuracy) < 4 * error
    often = fixed_labels(TASKS, replace(FIXED, label_votes=5_000))
    chosen = np.take_along_axis(TASKS.prior, often[..., None], axis=2)[..., 0]
    np.testing.assert_array_equal(chosen, TASKS.prior.max(axis=2))


@pytest.mark.parametrize(("share", "n_right"), [(0.0, 0), (0.25, 8), (0.5, 15), (0.48, 14), (1.0, 30)])
def test_a_stated_share_is_met_exactly(share, n_right):
    labels = fixed_labels(TASKS, replace(FIXED, label_share_right=share))
    np.testing.assert_array_equal(share_of_right_labels(TASKS, labels), np.full(3, n_right / 30))


def test_a_larger_share_only_turns_wrong_labels_right():
    few, many = (fixed_labels(TASKS, replace(FIXED, label_share_right=share)) for share in (0.2, 0.6))
    right = np.take_along_axis(TASKS.correct, few[..., None], axis=2)[..., 0]
    np.testing.assert_array_equal(few[right], many[right])
    assert (few[~right] != many[~right]).sum() == 3 * 12


def test_labels_of_a_stated_share_follow_the_prior_within_right_and_wrong():
    tasks = FAMILY.sample(300, seed=2)
    labels = fixed_labels(tasks, replace(FIXED, label_share_right=0.0))
    expected = np.where(tasks.correct, 0.0, tasks.prior).max(axis=2)[0, 0] / (1 - FAMILY.prior_accuracy)
    chosen = np.take_along_axis(tasks.prior, labels[..., None], axis=2)[..., 0]
    of_format = (chosen == np.where(tasks.correct, 0, tasks.prior).max(axis=2)).mean(axis=1)
    assert abs(of_format.mean() - expected) < 4 * of_format.std(ddof=1) / 300**0.5


def test_labels_are_one_set_for_all_seeds_and_for_larger_studies():
    labels = fixed_labels(TASKS, FIXED, seed=5)
    np.testing.assert_array_equal(
        fixed_labels(Tasks(TASKS.prior[:2], TASKS.correct[:2]), FIXED, seed=5), labels[:2]
    )
    assert (fixed_labels(TASKS, FIXED, seed=6) != labels).any()
    small = simulate(FAMILY, replace(FIXED, n_steps=20), n_tasks=1, n_seeds=2, seed=5)
    large = simulate(FAMILY, replace(FIXED, n_steps=20), n_tasks=2, n_seeds=4, seed=5)
    np.testing.assert_array_equal(small.accuracy, large.accuracy[:, :1, :2])


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_in_the_end_majority_is_right_where_its_label_is(share):
    config = replace(FIXED, n_steps=4_000, learning_rate=1.0, kl_coefficient=0.0, label_share_right=share)
    runs = simulate(FAMILY, config, arms=("majority",), n_tasks=1, n_seeds=3)
    np.testing.assert_allclose(runs.accuracy[0, 0], share, rtol=0, atol=0.01)
    voted_online = simulate(FAMILY, replace(config, majority_labels="group"), arms=("majority",), n_seeds=3)
    assert np.ptp(voted_online.accuracy) > 0.05  # votes on the way settle on other labels in each run


def test_labels_are_majority_s_alone():
    fixed = simulate(FAMILY, replace(FIXED, n_steps=30), seed=1)
    group = simulate(FAMILY, GRPOConfig(n_steps=30), seed=1)
    for arm in ("frozen", "random", "true"):
        np.testing.assert_array_equal(fixed.arm(arm), group.arm(arm))
    assert (fixed.arm("majority") != group.arm("majority")).all()


def test_a_prompt_without_a_wrong_action_has_no_share():
    tasks = Tasks(TASKS.prior, np.ones_like(TASKS.correct))
    with pytest.raises(
        ValueError, match=r"tasks must have a right and a wrong action .*label_share_right=0.5"
    ):
        fixed_labels(tasks, replace(FIXED, label_share_right=0.5))
    assert fixed_labels(tasks, FIXED).shape == (3, 30)


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (0.5, TypeError)])
def test_a_wrong_seed_is_named(seed, error):
    with pytest.raises(error, match="seed must be an integer of at least 0"):
        fixed_labels(TASKS, FIXED, seed=seed)


@pytest.mark.parametrize(
    ("names", "most"), [([3, 1, 3], 3), ([1, 3, 3], 3), ([-2], -2), ([0, 5, 5, 0, 0], 0)]
)
@pytest.mark.parametrize("tie_break", ["lowest", "uniform"])
def test_without_a_tie_the_rule_is_idle(names, most, tie_break):
    assert _plurality(np.array(names), tie_break, np.random.default_rng(0)) == most


def test_of_tied_answers_the_first_seen_or_each_as_often():
    names = np.array([7, 4, 9, 4, 9])  # nine and four twice, four first
    kept = {_plurality(names, "lowest", np.random.default_rng(seed)) for seed in range(20)}
    assert kept == {4}
    generator = np.random.default_rng(0)
    drawn = [_plurality(names, "uniform", generator) for _ in range(400)]
    assert set(drawn) == {4, 9} and 150 < drawn.count(4) < 250
