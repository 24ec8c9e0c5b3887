"""Drifts, KL pulls and the null's curvature against enumeration, finite differences and simulation."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlvr import GRPOConfig, TaskFamily, simulate
from rlvr.simulator.kernel import group_update, scratch_space
from rlvr.simulator.rules import as_rules, rare_rules
from rlvr.theory.curvature_of_null import null_curvature, random_drift
from rlvr.theory.expected_drift import kl_pull, majority_drift, true_drift

CORRECT = np.array([True, True, False, False])
POLICY = np.array([0.1, 0.35, 0.4, 0.15])


def policies(n_actions):
    """Policies (n_actions,) with probabilities down to about a thousandth."""
    return st.lists(st.floats(0.01, 10), min_size=n_actions, max_size=n_actions).map(
        lambda weights: np.array(weights) / np.sum(weights)
    )


def policy_term(policy, actions, rewards):
    """One group's mean of advantage times (onehot - policy), straight from the definition."""
    rewards = np.asarray(rewards, dtype=float)
    if np.ptp(rewards) == 0:
        return np.zeros(policy.size)
    advantages = (rewards - rewards.mean()) / rewards.std()
    return (advantages[:, None] * (np.eye(policy.size)[list(actions)] - policy)).mean(axis=0)


def expectation(policy, group_size, terms):
    """Sum over every sequence of actions of its probability times the mean of `terms(actions)`."""
    total = 0.0
    for actions in itertools.product(range(policy.size), repeat=group_size):
        total = total + np.prod(policy[list(actions)]) * np.mean(terms(actions), axis=0)
    return total


def majority_terms(policy, tie_break):
    def terms(actions):
        counts = np.bincount(actions, minlength=policy.size)
        winners = np.flatnonzero(counts == counts.max())
        if tie_break == "lowest":
            winners = winners[:1]
        return [policy_term(policy, actions, [a == winner for a in actions]) for winner in winners]

    return terms


def random_terms(policy, group_size, function=lambda term: term):
    def terms(actions):
        bits = itertools.product((0, 1), repeat=group_size)
        return [function(policy_term(policy, actions, rewards)) for rewards in bits]

    return terms


@settings(max_examples=15, deadline=None)
@given(policy=policies(4), group_size=st.integers(2, 4))
def test_true_drift_equals_the_sum_over_all_groups(policy, group_size):
    expected = expectation(
        policy, group_size, lambda actions: [policy_term(policy, actions, CORRECT[list(actions)])]
    )
    np.testing.assert_allclose(true_drift(policy, CORRECT, group_size=group_size), expected, atol=1e-14)


@settings(max_examples=15, deadline=None)
@given(policy=policies(4), group_size=st.integers(2, 4), tie_break=st.sampled_from(["lowest", "uniform"]))
def test_majority_drift_equals_the_sum_over_all_groups(policy, group_size, tie_break):
    expected = expectation(policy, group_size, majority_terms(policy, tie_break))
    drift = majority_drift(policy, group_size=group_size, tie_break=tie_break)
    np.testing.assert_allclose(drift, expected, atol=1e-14)


def test_random_drift_vanishes_whatever_the_policy():
    expected = expectation(POLICY, 3, random_terms(POLICY, 3))
    np.testing.assert_allclose(random_drift(POLICY, group_size=3), expected, atol=1e-15)


def test_wrong_factors_fail_the_same_comparison():
    """Negative control: the sample standard deviation, the other tie rule, and a missing 1/p."""
    sums = expectation(POLICY, 4, lambda actions: [policy_term(POLICY, actions, CORRECT[list(actions)])])
    right = true_drift(POLICY, CORRECT, group_size=4)
    p = POLICY[CORRECT].sum()
    assert not np.allclose(right * np.sqrt(3 / 4), sums, atol=1e-3)
    assert not np.allclose(right * np.where(CORRECT, p, 1 - p), sums, atol=1e-3)
    uniform = expectation(POLICY, 4, majority_terms(POLICY, "uniform"))
    assert not np.allclose(majority_drift(POLICY, group_size=4, tie_break="lowest"), uniform, atol=1e-3)
    assert np.abs(expectation(POLICY, 4, majority_terms(POLICY, "uniform"))).max() > 0.01  # unlike RANDOM


def test_true_drift_climbs_the_arcsine_of_the_square_root_in_large_groups():
    def arcsine(logits):
        policy = np.exp(logits) / np.exp(logits).sum()
        return 2 * np.arcsin(np.sqrt(policy[CORRECT].sum()))

    step = 1e-6
    slope = [
        (arcsine(np.log(POLICY) + step * e) - arcsine(np.log(POLICY) - step * e)) / (2 * step)
        for e in np.eye(4)
    ]
    errors = [
        np.abs(true_drift(POLICY, CORRECT, group_size=size) - slope).max() for size in (8, 80, 800, 8000)
    ]
    assert errors[-1] < 1e-4
    np.testing.assert_allclose(np.divide(errors[1:3], errors[2:4]), 10, rtol=0.1)  # vanishes as 1 / G
    assert np.abs(true_drift(POLICY, CORRECT, group_size=8000) - np.divide(slope, 2)).max() > 0.05


def test_degenerate_policies_have_no_true_drift():
    assert true_drift([1.0, 0.0], [True, False], group_size=8).tolist() == [0.0, 0.0]
    assert true_drift([0.0, 1.0], [True, False], group_size=8).tolist() == [0.0, 0.0]
    assert true_drift([0.4, 0.6], [True, True], group_size=8).tolist() == [0.0, 0.0]
    assert majority_drift([1.0, 0.0, 0.0], group_size=8, tie_break="uniform").tolist() == [0.0] * 3


def test_majority_of_eight_on_eight_needs_a_few_megabytes():
    prior = TaskFamily().prior()
    majority_drift(prior, group_size=8, tie_break="uniform")  # the table is made once
    tracemalloc.start()
    majority_drift(prior, group_size=8, tie_break="uniform")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6


def softmax_accuracy(logits):
    policy = np.exp(logits) / np.exp(logits).sum()
    return policy[CORRECT].sum()


def hessian(function, at, step=1e-3):
    unit = np.eye(at.size) * step
    return np.array(
        [
            [
                (function(at + a + b) - function(at + a - b) - function(at - a + b) + function(at - a - b))
                / (4 * step**2)
                for b in unit
            ]
            for a in unit
        ]
    )


def ito_term(group_size):
    """Half the trace of Hessian times covariance, both by brute force."""
    covariance = expectation(
        POLICY, group_size, random_terms(POLICY, group_size, lambda term: np.outer(term, term))
    )
    return 0.5 * (hessian(softmax_accuracy, np.log(POLICY)) * covariance).sum()


@pytest.mark.parametrize("group_size", [2, 3, 4])
def test_null_curvature_is_half_the_trace_of_hessian_times_covariance(group_size):
    prediction = null_curvature(POLICY, CORRECT, group_size=group_size, learning_rate=0.3, n_updates=7)
    expected = 7 * 0.3**2 * ito_term(group_size)
    np.testing.assert_allclose(prediction, expected, rtol=1e-4)
    unanimous = 1 - 2.0 ** (1 - group_size)
    assert not np.isclose(
        prediction / unanimous, expected, rtol=1e-2
    )  # forgets that a group can be unanimous
    assert not np.isclose(2 * prediction, expected, rtol=1e-2)  # forgets the half


def test_null_curvature_predicts_simulated_random_training():
    family = TaskFamily(prior_strength=0.8)
    config = GRPOConfig(n_steps=80, batch_size=40, learning_rate=0.1, kl_coefficient=0.0)
    runs = simulate(family, config, arms=("random",), n_tasks=100, n_seeds=12, seed=11)
    null = runs.arm("random").ravel() - family.prior_accuracy
    error = null.std(ddof=1) / null.size**0.5
    correct = np.arange(8) < 2
    prediction = null_curvature(family.prior(), correct, group_size=8, learning_rate=0.1, n_updates=80)
    assert abs(null.mean() - prediction) < 4 * error
    for wrong in (0.0, 2 * prediction, -prediction):
        assert abs(null.mean() - wrong) > 4 * error


def kl(p, q):
    return (p * np.log(p / q)).sum()


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_kl_pull_descends_the_divergence_it_names(direction):
    prior = np.array([0.3, 0.3, 0.2, 0.2])

    def divergence(logits):
        policy = np.exp(logits) / np.exp(logits).sum()
        return kl(prior, policy) if direction == "forward" else kl(policy, prior)

    step, at = 1e-5, np.log(POLICY)
    slope = np.array(
        [(divergence(at + step * e) - divergence(at - step * e)) / (2 * step) for e in np.eye(4)]
    )
    np.testing.assert_allclose(kl_pull(POLICY, prior, kl=direction), -slope, atol=1e-9)
    other = {"forward": "reverse", "reverse": "forward"}[direction]
    assert not np.allclose(kl_pull(POLICY, prior, kl=other), -slope, atol=1e-2)


def k3(logits, prior):
    """Schulman's estimator of KL(policy || prior), one value an answer: DeepSeekMath's Eq. 4."""
    log_ratio = np.log(prior) - logits + np.log(np.exp(logits).sum())
    return np.exp(log_ratio) - log_ratio - 1


def weighted_k3(logits, prior, sampled_from):
    """The same times policy over the policy that sampled: TRL's default from release 1.10.0 on."""
    return np.exp(logits) / np.exp(logits).sum() / sampled_from * k3(logits, prior)


def expected_gradient(penalty, policy, *args):
    """Mean over answers of the policy of each one's gradient, by complex steps: exact to rounding."""
    at, step = np.log(policy), 1e-30
    jacobian = [penalty(at + 1j * step * e, *args).imag / step for e in np.eye(policy.size)]
    return np.array(jacobian) @ policy


def kernel_pull(policy, prior, kl):
    """What the compiled update adds for the KL term: a unanimous group that is kept has no other."""
    config = GRPOConfig(kl=kl, filtering="off", kl_coefficient=1.0, learning_rate=1.0)
    size = policy.size
    lane = [x[:, None].copy() for x in (np.log(policy), policy, prior, np.zeros(8, int), np.ones(8))]
    before = lane[0].copy()
    rules = as_rules(config, 16)
    group_update(*lane, rules, rare_rules(rules), np.ones(1, bool), scratch_space(size, 8, 1))
    return (lane[0] - before)[:, 0]


@settings(max_examples=40, deadline=None)
@given(policy=policies(5), prior=policies(5))
def test_the_published_pull_is_the_expected_gradient_of_grpo_s_sampled_penalty(policy, prior):
    """The k3 loss differentiated at fixed samples descends KL(prior || policy), not what it estimates."""
    assert policy @ k3(np.log(policy), prior) == pytest.approx(kl(policy, prior), abs=1e-13)
    fixed = expected_gradient(k3, policy, prior)
    np.testing.assert_allclose(kl_pull(policy, prior, kl="forward"), -fixed, atol=1e-14)
    np.testing.assert_allclose(fixed, policy - prior, atol=1e-14)
    weighted = expected_gradient(weighted_k3, policy, prior, policy)
    np.testing.assert_allclose(kl_pull(policy, prior, kl="reverse"), -weighted, atol=1e-14)
    for name, gradient in (("forward", fixed), ("reverse", weighted)):
        np.testing.assert_allclose(kernel_pull(policy, prior, name), -gradient, atol=1e-13)


def test_each_penalty_has_its_own_pull():
    prior = np.array([0.3, 0.3, 0.2, 0.2])
    fixed = expected_gradient(k3, POLICY, prior)
    weighted = expected_gradient(weighted_k3, POLICY, prior, POLICY)
    assert np.abs(fixed - weighted).max() > 0.01
    assert np.abs(fixed + kl_pull(POLICY, prior, kl="reverse")).max() > 0.01


GOOD = {"policy": POLICY, "correct": CORRECT, "group_size": 4}


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"policy": [0.5, 0.4, 0.0, 0.0]}, ValueError, "policy must sum to 1"),
        ({"policy": [1.5, -0.5, 0.0, 0.0]}, ValueError, "policy must hold finite probabilities"),
        ({"policy": [1.0]}, ValueError, "policy must be a vector of at least 2"),
        ({"correct": np.zeros(4, bool)}, ValueError, "correct must name at least one correct action"),
        ({"correct": [True, False]}, ValueError, "correct must be a boolean vector of policy's length 4"),
        ({"group_size": 1}, ValueError, "group_size must be an integer of at least 2, got 1"),
        ({"group_size": 2.0}, TypeError, "group_size must be an integer of at least 2"),
    ],
)
def test_bad_prompts_are_refused_by_name(changed, error, message):
    bad = GOOD | changed
    calls = [
        lambda: true_drift(bad["policy"], bad["correct"], group_size=bad["group_size"]),
        lambda: null_curvature(
            bad["policy"], bad["correct"], group_size=bad["group_size"], learning_rate=0.1, n_updates=1
        ),
    ]
    if "correct" not in changed:
        calls += [
            lambda: majority_drift(bad["policy"], group_size=bad["group_size"], tie_break="uniform"),
            lambda: random_drift(bad["policy"], group_size=bad["group_size"]),
        ]
    for call in calls:
        with pytest.raises(error, match=message):
            call()


def test_bad_options_are_refused_by_name():
    with pytest.raises(ValueError, match="tie_break must be one of 'lowest', 'uniform', got 'highest'"):
        majority_drift(POLICY, group_size=4, tie_break="highest")
    with pytest.raises(ValueError, match="learning_rate must be a finite number above 0"):
        null_curvature(POLICY, CORRECT, group_size=4, learning_rate=0.0, n_updates=1)
    with pytest.raises(ValueError, match="kl must be one of"):
        kl_pull(POLICY, POLICY, kl="both")
    with pytest.raises(ValueError, match="prior must be positive and as long as policy"):
        kl_pull(POLICY, [0.5, 0.5, 0.0, 0.0], kl="forward")
