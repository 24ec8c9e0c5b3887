"""Drifts, KL pulls and the null's curvature against enumeration, finite differences and simulation."""

import itertools
import math
import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rlvr import GRPOConfig, TaskFamily, simulate
from rlvr.simulator.kernel import group_update, scratch_space
from rlvr.simulator.rules import as_rules, rare_rules
from rlvr.theory import expected_drift
from rlvr.theory.expected_drift import (
    compositions,
    kl_pull,
    log_multinomial,
    majority_drift,
    majority_drifts,
    mirror_random_drift,
    noisy_rates,
    null_curvature,
    plurality_table,
    random_drift,
    reward_drift,
    reward_speed,
    true_drift,
)  # fmt: skip

CORRECT = np.array([True, True, False, False])
POLICY = np.array([0.1, 0.35, 0.4, 0.15])
RARE = np.array([0.55, 0.3, 0.15])
ADVANTAGES = ("grpo", "centered", "rloo")


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


def test_where_every_action_is_right_nothing_drifts_however_the_sum_is_rounded():
    generator = np.random.default_rng(1)
    for _ in range(300):
        policy = generator.dirichlet(np.ones(7))
        assert np.abs(true_drift(policy, np.ones(7, bool), group_size=8)).max() < 1e-12


def test_many_drifts_at_once_are_each_its_own():
    policies = np.random.default_rng(2).dirichlet(np.ones(3), size=11)
    one_by_one = [majority_drift(policy, group_size=5, tie_break="lowest") for policy in policies]
    np.testing.assert_allclose(majority_drifts(policies, 5, "lowest"), one_by_one, atol=1e-15)


def test_pairs_are_the_smallest_groups_and_no_update_curves_nothing():
    assert random_drift([0.5, 0.5], group_size=2).tolist() == [0.0, 0.0]
    arguments = {"group_size": 2, "learning_rate": 0.5}
    assert null_curvature(POLICY, CORRECT, n_updates=0, **arguments) == 0.0
    once, thrice = (null_curvature(POLICY, CORRECT, n_updates=n, **arguments) for n in (1, 3))
    assert thrice == pytest.approx(3 * once) and once != 0
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 0, got -1"):
        null_curvature(POLICY, CORRECT, n_updates=-1, **arguments)


def test_a_pull_needs_a_prior_as_long_as_the_policy_and_without_zeros():
    assert kl_pull([1.0, 0.0], [0.5, 0.5], kl="forward").tolist() == [-0.5, 0.5]
    assert kl_pull([1.0, 0.0], [0.5, 0.5], kl="reverse").tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match=r"as long as policy \(2\), got 3 probabilities down to .*0\.25"):
        kl_pull([0.5, 0.5], [0.25, 0.25, 0.5], kl="forward")


def advantages(rewards, rule):
    """Advantages of one group straight from their definitions."""
    r = np.asarray(rewards, dtype=float)
    if rule == "rloo":
        return np.array([r[i] - np.delete(r, i).mean() for i in range(r.size)])
    centred = r - r.mean()
    return centred if rule == "centered" else centred / r.std() if r.std() else 0 * r


def rewarded_sum(policy, rates, group_size, rule):
    """Sum over every group and every vector of rewards of probability times policy term."""
    total = np.zeros(policy.size)
    for actions in itertools.product(range(policy.size), repeat=group_size):
        chance, onehots = np.prod(policy[list(actions)]), np.eye(policy.size)[list(actions)]
        for rewards in itertools.product((0, 1), repeat=group_size):
            rho = rates[list(actions)]
            weight = np.prod(np.where(rewards, rho, 1 - rho))
            term = (advantages(rewards, rule)[:, None] * (onehots - policy)).mean(axis=0)
            total += chance * weight * term
    return total


@pytest.mark.parametrize("rule", ADVANTAGES)
@pytest.mark.parametrize(
    "rates", [CORRECT * 1.0, noisy_rates(CORRECT, (0.2, 0.3)), np.array([0, 1.0, 0, 0]), np.full(4, 0.3)],
    ids=["true", "noisy", "label", "coin"],
)  # fmt: skip
def test_the_formula_is_the_sum_over_every_group(rule, rates):
    for group_size in (2, 3):
        np.testing.assert_allclose(
            reward_drift(POLICY, rates, group_size=group_size, advantage=rule),
            rewarded_sum(POLICY, rates, group_size, rule),
            atol=1e-14,
        )


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(("centered", "rloo")), st.integers(2, 16))
@settings(deadline=None, max_examples=60)
def test_noise_scales_the_drift_of_centered_and_rloo_exactly(positive, negative, rule, size):
    clean = reward_drift(POLICY, CORRECT * 1.0, group_size=size, advantage=rule)
    noisy = reward_drift(POLICY, noisy_rates(CORRECT, (positive, negative)), group_size=size, advantage=rule)
    np.testing.assert_allclose(noisy, (1 - positive - negative) * clean, atol=1e-14)


def test_noise_does_not_scale_grpo_s_drift_by_the_same_factor():
    """By hand, G = 2: half of the groups of two differ in reward, whatever rewarded them."""
    sure = np.array([0.5, 0.5])
    clean = reward_drift(sure, [1.0, 0.0], group_size=2)[0]
    noisy = reward_drift(sure, [0.5, 0.0], group_size=2)[0]
    assert noisy / clean == pytest.approx(0.5)  # for two, speed does not know the rate
    speed = partial(reward_speed, group_size=8, advantage="grpo")
    factor = [0.6 * speed(0.6 * p) / speed(p) for p in (0.9, 0.45)]
    rewarded = reward_drift([0.9, 0.1], [0.6, 0.0], group_size=8)[0]
    assert rewarded / reward_drift([0.9, 0.1], [1.0, 0.0], group_size=8)[0] == pytest.approx(factor[0])
    assert factor[0] < 0.5 and factor[1] > 0.64


def test_speeds_by_hand():
    assert reward_speed(0.5, group_size=2, advantage="grpo") == pytest.approx(1.0)  # (1/2)(1/2) / (1/4)
    assert reward_speed(0.2, group_size=8, advantage="centered") == 7 / 8
    assert reward_speed(0.2, group_size=8, advantage="rloo") == 1.0
    assert reward_speed(0.0, group_size=8, advantage="grpo") == 0.0
    assert reward_speed(1.0, group_size=8, advantage="grpo") == 0.0
    assert reward_speed(0.1, group_size=4000, advantage="grpo") == pytest.approx(1 / 0.3, rel=1e-3)


def test_a_coin_does_not_move_the_mean_and_every_drift_sums_to_zero():
    for rule in ADVANTAGES:
        np.testing.assert_allclose(
            reward_drift(POLICY, np.full(4, 0.7), group_size=5, advantage=rule), 0, atol=1e-16
        )
        assert reward_drift(POLICY, [0.9, 0.1, 0.4, 0.0], group_size=5, advantage=rule).sum() == (
            pytest.approx(0, abs=1e-15)
        )


def test_bad_rates_and_noise_are_named():
    with pytest.raises(ValueError, match=r"reward_rate must be a probability in \[0, 1\], got 1.2"):
        reward_speed(1.2, group_size=8, advantage="grpo")
    with pytest.raises(ValueError, match=r"verifier_noise must be two rates .*got -0.1"):
        noisy_rates(CORRECT, (-0.1, 0.0))
    with pytest.raises(ValueError, match=r"verifier_noise must be two rates .*got 1.01"):
        noisy_rates(CORRECT, (0.0, 1.01))


def test_noise_is_a_smaller_learning_rate_in_the_mean_and_not_in_the_spread():
    """After one update, "centered": equal means within error, and runs that spread more than twice as far."""
    noise, family = (0.1, 0.3), TaskFamily(prior_strength=0.5)
    ends = []
    for rate, errors in ((0.5, noise), (0.5 * (1 - sum(noise)), (0.0, 0.0))):
        config = GRPOConfig(
            n_steps=1, batch_size=40, learning_rate=rate, advantage="centered", verifier_noise=errors
        )
        runs = simulate(family, config, arms=["true"], n_tasks=400, n_seeds=1, seed=12)
        ends.append(runs.arm("true").ravel() - family.prior_accuracy)
    noisy, slow = ends
    error = np.hypot(noisy.std(), slow.std()) / 400**0.5
    assert noisy.mean() > 10 * error and abs(noisy.mean() - slow.mean()) < 4 * error
    assert 2 < noisy.std() / slow.std() < 3


@pytest.mark.parametrize(("group_size", "n_actions"), [(2, 2), (5, 3), (8, 8)])
def test_compositions_are_all_different_and_complete(group_size, n_actions):
    counts = compositions(group_size, n_actions)
    assert (
        len(np.unique(counts, axis=0)) == len(counts) == math.comb(group_size + n_actions - 1, n_actions - 1)
    )
    assert np.all(counts.sum(axis=1) == group_size) and counts.min() == 0


def test_log_multinomial_counts_orders():
    counts = compositions(6, 3)
    by_factorials = [math.factorial(6) / math.prod(map(math.factorial, row)) for row in counts.tolist()]
    np.testing.assert_allclose(np.exp(log_multinomial(counts)), by_factorials, rtol=1e-12)
    assert math.isclose(np.exp(log_multinomial(counts)).sum(), 3**6)


def test_probabilities_are_multinomial_and_zero_probability_actions_never_appear():
    table = plurality_table(5, 4, "uniform")
    policies = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.0, 0.5, 0.0]])
    found = table.probabilities(policies)
    for policy, row in zip(policies, found, strict=True):
        np.testing.assert_allclose(row, stats.multinomial(5, policy).pmf(table.counts), atol=1e-14)
    assert found[1][table.counts[:, 1] > 0].max() == 0.0


def test_shares_follow_the_tie_rule():
    counts = plurality_table(4, 3, "uniform").counts.tolist()
    row = counts.index([2, 0, 2])
    assert plurality_table(4, 3, "uniform").share[row].tolist() == [0.5, 0.0, 0.5]
    assert plurality_table(4, 3, "lowest").share[row].tolist() == [1.0, 0.0, 0.0]
    for rule in ("uniform", "lowest"):
        np.testing.assert_allclose(plurality_table(4, 3, rule).share.sum(axis=1), 1.0)


def test_moves_by_hand_and_none_for_a_unanimous_group():
    table = plurality_table(4, 3, "lowest")
    counts = table.counts.tolist()
    # rewards 1, 1, 1, 0: advantages 1/sqrt(3) three times and -sqrt(3) once
    np.testing.assert_allclose(table.drift[counts.index([3, 0, 1])], [3**0.5 / 4, 0.0, -(3**0.5) / 4])
    assert table.drift[counts.index([0, 4, 0])].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(table.drift.sum(axis=1), 0.0, atol=1e-15)
    pair = plurality_table(2, 2, "lowest")
    assert pair.counts.tolist() == [[0, 2], [1, 1], [2, 0]]
    assert pair.won.tolist() == pair.lost.tolist() == [0.0, 0.5, 0.0]
    assert pair.drift.tolist() == [[0.0, 0.0], [0.5, -0.5], [0.0, 0.0]]
    assert plurality_table(2, 2, "uniform").drift.tolist() == [[0.0, 0.0]] * 3


def test_as_many_groups_as_fit_are_enumerated(monkeypatch):
    monkeypatch.setattr(expected_drift, "MOST_GROUPS", 6)
    assert len(compositions(2, 3)) == 6
    with pytest.raises(
        ValueError, match="group_size 3 with 3 actions has 10 compositions, at most 6 are enumerated"
    ):
        compositions(3, 3)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="at most 1000000 are enumerated"):
        compositions(40, 8)


def mirror_sum(policy, group_size, temperature):
    """Every group, every vector of coins: the mirror step from its definition."""
    total = np.zeros(policy.size)
    for actions in itertools.product(range(policy.size), repeat=group_size):
        counts = np.bincount(actions, minlength=policy.size)
        here = counts > 0
        for coins in itertools.product((0, 1), repeat=group_size):
            if 0 < sum(coins) < group_size:
                reward = np.bincount(actions, weights=coins, minlength=policy.size) / np.maximum(counts, 1)
                target = np.where(here, policy * np.exp(reward / temperature), 0)
                step = target / target.sum() - np.where(here, policy, 0) / policy[here].sum()
                total += np.prod(policy[list(actions)]) * 0.5**group_size * step
    return total


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_mirror_drift_is_the_mean_over_every_group_to_second_order(temperature):
    exact = mirror_sum(RARE, 5, temperature)
    formula = mirror_random_drift(RARE, group_size=5, temperature=temperature)
    np.testing.assert_allclose(formula, exact, atol=0.1 * np.abs(exact).max() / temperature**2)
    assert np.abs(exact).max() > 1e-4


def test_the_mirror_drift_pulls_towards_what_is_rare_and_vanishes_where_nothing_is():
    drift = mirror_random_drift(RARE, group_size=8)
    assert drift[0] < 0 < drift[2] and drift.sum() == pytest.approx(0, abs=1e-16)
    np.testing.assert_allclose(mirror_random_drift([0.25] * 4, group_size=6), 0, atol=1e-16)


def test_the_mirror_drift_falls_with_the_square_of_the_temperature_and_with_the_group():
    once, twice = (mirror_random_drift(RARE, group_size=8, temperature=t) for t in (1.0, 2.0))
    np.testing.assert_allclose(once, 4 * twice, rtol=1e-12)
    large = mirror_random_drift(RARE, group_size=200)
    np.testing.assert_allclose(large, (1 - 3 * RARE) / (8 * 200), rtol=0.1)


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
            lambda: mirror_random_drift(bad["policy"], group_size=bad["group_size"]),
            lambda: reward_drift(bad["policy"], CORRECT * 1.0, group_size=bad["group_size"]),
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
    with pytest.raises(ValueError, match="temperature must be a finite number above 0, got 0"):
        mirror_random_drift(POLICY, group_size=8, temperature=0)
    with pytest.raises(ValueError, match="advantage must be one of 'grpo', 'centered', 'rloo', got 'plain'"):
        reward_drift(POLICY, CORRECT * 1.0, group_size=4, advantage="plain")
    for rates in ([0.5, 0.5], [0, 0, 0, 1.5], [0, 0, 0, float("nan")]):
        with pytest.raises(ValueError, match=r"reward_rates must be 4 probabilities in \[0, 1\]"):
            reward_drift(POLICY, rates, group_size=4)
