"""The Gaussian closure: its parts exactly, its prediction against simulated training."""

import itertools
import math

import numpy as np
import pytest
from scipy import special

from rlvr import GRPOConfig, TaskFamily, simulate
from rlvr.theory.expected_drift import kl_pull
from rlvr.theory.expected_path import mean_field, update_weights
from rlvr.theory.moment_closure import (
    _cut,
    _degree_five,
    _lumped_table,
    _update_moments,
    closure_accuracy,
    majority_closure,
)

UNIFORM = GRPOConfig(tie_break="uniform")
PRIORS = (0.20, 0.35, 0.50, 0.65, 0.80)


@pytest.fixture(scope="module")
def population():
    """MAJORITY's simulated accuracy at the published priors, as (mean, standard error) by prior."""
    found = {}
    for strength in PRIORS:
        runs = simulate(TaskFamily(strength), UNIFORM, arms=("majority",), n_tasks=60, n_seeds=3, seed=2026)
        draws = runs.arm("majority").mean(axis=1)
        found[strength] = draws.mean(), draws.std(ddof=1) / draws.size**0.5
    return found


def largest_miss(predict, population):
    misses = []
    for strength, (mean, error) in population.items():
        family = TaskFamily(strength)
        weights = update_weights(family, UNIFORM)
        misses.append(abs(weights @ predict(family, weights.size - 1) - mean) + 2 * error)
    return max(misses)


def test_the_largest_miss_is_below_0_008_and_the_mean_field_fails_the_same_check(population):
    assert largest_miss(lambda family, n: majority_closure(family, UNIFORM, n), population) < 0.008
    assert largest_miss(lambda family, n: mean_field(family, UNIFORM, "majority", n), population) > 0.02
    # one Gaussian alone, never cut, does not reach it either
    assert (
        largest_miss(lambda family, n: majority_closure(family, UNIFORM, n, widest=math.inf), population)
        > 0.008
    )


def test_narrower_gaussians_come_closer(population):
    family = TaskFamily(0.8)
    weights = update_weights(family, UNIFORM)
    misses = [
        abs(weights @ majority_closure(family, UNIFORM, weights.size - 1, widest=widest) - population[0.8][0])
        for widest in (math.inf, 0.5, 0.25)
    ]
    assert misses[0] > misses[1] + 2 * population[0.8][1] and misses[1] > misses[2]


@pytest.mark.parametrize("filtering", ["drop", "off"])
def test_moments_of_an_update_equal_the_sum_over_all_groups(filtering):
    family = TaskFamily(0.5, n_actions=5, n_correct=2)
    config = GRPOConfig(group_size=3, tie_break="uniform", kl_coefficient=0.3, filtering=filtering)
    table = _lumped_table(family, 3)
    prior, policy = family.prior(), np.array([0.3, 0.25, 0.15, 0.15, 0.15])
    pull = 0.3 * kl_pull(policy, prior, kl="forward")
    mean, square = np.zeros(5), np.zeros((5, 5))
    for actions in itertools.product(range(5), repeat=3):
        chance = np.prod(policy[list(actions)])
        counts = np.bincount(actions, minlength=5)
        winners = np.flatnonzero(counts == counts.max())
        for winner in winners:
            rewards = np.array([action == winner for action in actions], dtype=float)
            update = np.zeros(5) if filtering == "drop" else pull
            if np.ptp(rewards):
                advantages = (rewards - rewards.mean()) / rewards.std()
                update = (advantages[:, None] * (np.eye(5)[list(actions)] - policy)).mean(axis=0) + pull
            mean += chance / winners.size * update
            square += chance / winners.size * np.outer(update, update)
    first, second = _update_moments(policy[None], prior, config, table)
    np.testing.assert_allclose(first[0], table.basis @ mean, atol=1e-14)
    # fluctuations among the shared actions are outside the lumped coordinates, the rest must agree
    np.testing.assert_allclose(second[0], table.basis @ square @ table.basis.T, atol=1e-14)
    assert not np.allclose(second[0], np.outer(first[0], first[0]), atol=1e-2)


@pytest.mark.parametrize(("n_actions", "n_correct", "size"), [(8, 2, 3), (8, 1, 2), (3, 2, 2), (2, 1, 1)])
def test_lumped_coordinates_span_the_role_symmetric_logits(n_actions, n_correct, size):
    family = TaskFamily(0.5, n_actions=n_actions, n_correct=n_correct)
    basis = _lumped_table(family, 4).basis
    assert basis.shape == (size, n_actions)
    np.testing.assert_allclose(basis @ basis.T, np.eye(size), atol=1e-14)
    logits = np.log(family.prior())
    np.testing.assert_allclose(basis.T @ basis @ logits, logits - logits.mean(), atol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_rule_integrates_degree_five_over_a_gaussian_and_not_degree_six(size):
    nodes, weights = _degree_five(size)
    moment = [1, 0, 1, 0, 3, 0, 15]
    for powers in itertools.product(range(6), repeat=size):
        if sum(powers) <= 5:
            exact = math.prod(moment[power] for power in powers)
            assert math.isclose(weights @ np.prod(nodes**powers, axis=1), exact, abs_tol=1e-12)
    assert not math.isclose(weights @ nodes[:, 0] ** 6, 15)


def test_a_cut_keeps_the_mean_and_the_covariance():
    generator = np.random.default_rng(1)
    factor = generator.normal(size=(3, 3))
    variance, axes = np.linalg.eigh(factor @ factor.T)
    weights, means, variances, cut_axes = _cut(
        np.ones(1), np.zeros((1, 3)), variance[None], axes[None], widest=0.1
    )
    within = np.einsum("c,cik,ck,cjk->ij", weights, cut_axes, variances, cut_axes)
    between = np.einsum("c,ci,cj->ij", weights, means, means)
    assert weights.size == 3 and np.isclose(weights.sum(), 1)
    np.testing.assert_allclose(weights @ means, 0.0, atol=1e-15)
    np.testing.assert_allclose(within + between, factor @ factor.T, atol=1e-12)
    assert not np.allclose(within, factor @ factor.T, atol=1e-2)


def test_one_update_agrees_with_the_exact_law_of_the_logits():
    """Starting from a point, the accuracy after two updates is exact but for third moments of the first."""
    family = TaskFamily(0.6, n_actions=3, n_correct=2)
    config = GRPOConfig(group_size=3, learning_rate=0.05, kl_coefficient=0.0, tie_break="uniform")
    accuracy, prior = 0.0, family.prior()
    for actions in itertools.product(range(3), repeat=3):
        counts = np.bincount(actions, minlength=3)
        winners = np.flatnonzero(counts == counts.max())
        for winner in winners:
            rewards = np.array([action == winner for action in actions], dtype=float)
            update = np.zeros(3)
            if np.ptp(rewards):
                advantages = (rewards - rewards.mean()) / rewards.std()
                update = (advantages[:, None] * (np.eye(3)[list(actions)] - prior)).mean(axis=0)
            policy = special.softmax(np.log(prior) + 0.05 * update)
            accuracy += np.prod(prior[list(actions)]) / winners.size * policy[:2].sum()
    predicted = majority_closure(family, config, 1)
    assert math.isclose(predicted[0], family.prior_accuracy, rel_tol=1e-13)
    assert abs(predicted[1] - accuracy) < 1e-6
    assert abs(mean_field(family, config, "majority", 1)[1] - accuracy) > 2e-5  # the spread matters


def test_an_answer_that_alone_is_right_needs_no_cut_and_spread_is_averaged():
    alone = TaskFamily(0.5, n_correct=1)
    kept = majority_closure(alone, UNIFORM, 40, widest=math.inf)
    assert abs(kept[-1] - mean_field(alone, UNIFORM, "majority", 40)[-1]) < 2e-3
    mixed = TaskFamily(0.5, prior_spread=0.5)
    strengths, weights = mixed.strengths(16)
    one_by_one = [majority_closure(TaskFamily(s), UNIFORM, 25)[-1] for s in strengths]
    assert math.isclose(majority_closure(mixed, UNIFORM, 25)[-1], weights @ one_by_one, rel_tol=1e-12)


def test_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match="tie_break 'uniform' for the closure, got 'lowest'"):
        majority_closure(TaskFamily(), GRPOConfig(), 3)
    with pytest.raises(ValueError, match=r"widest must be a number above 0, or math\.inf, got 0"):
        majority_closure(TaskFamily(), UNIFORM, 3, widest=0)
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 0, got -1"):
        majority_closure(TaskFamily(), UNIFORM, -1)


def test_the_end_is_averaged_over_how_often_a_prompt_is_updated():
    config = GRPOConfig(tie_break="uniform", n_steps=2, batch_size=1, learning_rate=1.0)
    family = TaskFamily(prior_strength=0.5, n_actions=4, n_prompts=2)
    path = majority_closure(family, config, 2, widest=0.5)
    by_hand = path[0] / 4 + path[1] / 2 + path[2] / 4
    assert closure_accuracy(family, config, widest=0.5) == pytest.approx(by_hand, rel=1e-14)
    assert closure_accuracy(family, config) != pytest.approx(by_hand, rel=1e-6)
