"""Task families: the prior in closed form, the crossover, and draws that extend without changing."""

import math

import numpy as np
import pytest
from scipy import stats

from rlvr.simulator.task_family import TaskFamily


def test_prior_by_hand():
    # ps 0.2, K 8, k 2, fs 0.2: weights 0.1, 0.1, 2.6 * 0.8/6, five times 0.8/6; their sum is 1 + 1.6 * 0.8/6
    total = 1 + 1.6 * 0.8 / 6
    expected = np.array([0.1, 0.1, 2.6 * 0.8 / 6] + [0.8 / 6] * 5) / total
    np.testing.assert_allclose(TaskFamily(0.2).prior(), expected, rtol=1e-15)
    assert TaskFamily(0.2).prior_accuracy == pytest.approx(0.2 / total, rel=1e-15)


@pytest.mark.parametrize(
    ("strength", "published"), [(0.2, 0.1648), (0.35, 0.2983), (0.5, 0.4412), (0.65, 0.5945), (0.8, 0.7595)]
)
def test_prior_accuracy_as_published(strength, published):
    assert round(TaskFamily(strength).prior_accuracy, 4) == published


@pytest.mark.parametrize(
    "family", [TaskFamily(), TaskFamily(n_actions=10), TaskFamily(n_correct=3, format_strength=0)]
)
def test_crossover_is_where_the_mode_changes(family):
    at = family.crossover
    below, above = family.prior(at - 1e-6), family.prior(at + 1e-6)
    assert below[: family.n_correct].max() < below[family.n_correct]
    assert above[: family.n_correct].max() > above[family.n_correct]
    tied = family.prior(at)
    assert tied[0] == pytest.approx(tied[family.n_correct], rel=1e-12)


def test_crossover_without_format_mass_is_the_uniform_prior():
    assert TaskFamily(format_strength=0.0).crossover == 0.25


def test_draws_have_the_family_s_shape_and_accuracy():
    family = TaskFamily(0.35, n_actions=10, n_correct=3, n_prompts=17)
    tasks = family.sample(4, seed=3)
    assert tasks.prior.shape == tasks.correct.shape == (4, 17, 10)
    assert (tasks.correct.sum(axis=2) == 3).all()
    np.testing.assert_allclose(tasks.prior.sum(axis=2), 1, rtol=1e-14)
    np.testing.assert_allclose(tasks.prior_accuracy, family.prior_accuracy, rtol=1e-14)


def test_roles_fall_on_every_action_alike():
    tasks = TaskFamily(n_prompts=500).sample(8, seed=1)
    assert stats.chisquare(tasks.correct.sum(axis=(0, 1))).pvalue > 1e-3
    format_action = (tasks.prior * ~tasks.correct).argmax(axis=2)
    assert stats.chisquare(np.bincount(format_action.ravel(), minlength=8)).pvalue > 1e-3


def test_more_draws_leave_the_first_as_they_were():
    family = TaskFamily()
    np.testing.assert_array_equal(family.sample(2, seed=5).correct, family.sample(9, seed=5).correct[:2])
    assert (family.sample(2, seed=5).correct != family.sample(2, seed=6).correct).any()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"prior_strength": 0.0},
            ValueError,
            "prior_strength must be a number strictly between 0 and 1, got 0.0",
        ),
        ({"prior_strength": 1}, ValueError, "prior_strength"),
        ({"prior_strength": math.nan}, ValueError, "prior_strength.*got nan"),
        ({"prior_strength": "0.5"}, TypeError, "prior_strength.*'0.5' of type str"),
        ({"prior_strength": True}, TypeError, "prior_strength"),
        ({"format_strength": -0.1}, ValueError, "format_strength.*at least 0, got -0.1"),
        ({"format_strength": math.inf}, ValueError, "format_strength"),
        ({"n_actions": 1}, ValueError, "n_actions.*at least 2"),
        ({"n_actions": 8.0}, TypeError, "n_actions"),
        ({"n_correct": 8}, ValueError, "n_correct must be an integer from 1 to n_actions - 1 = 7, got 8"),
        ({"n_correct": 0}, ValueError, "n_correct"),
        ({"n_prompts": 0}, ValueError, "n_prompts"),
        ({"n_prompts": math.nan}, ValueError, "n_prompts"),
    ],
)
def test_bad_families(arguments, error, message):
    with pytest.raises(error, match=message):
        TaskFamily(**arguments)


@pytest.mark.parametrize("seed", [-1, 1.5, None, True])
def test_bad_seeds(seed):
    with pytest.raises((ValueError, TypeError), match="seed must be an integer of at least 0"):
        TaskFamily().sample(1, seed)
