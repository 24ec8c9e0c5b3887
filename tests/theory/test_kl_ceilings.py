"""Ceilings against a numerical optimiser, enumeration of samples, and the identities they obey."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from rlvr.theory.kl_ceilings import accuracy_at_kl, best_of_n, jeffreys, kl_ceiling, kl_divergence

PRIOR = np.array([0.1, 0.2, 0.3, 0.4])
CORRECT = np.array([True, False, True, False])


def objective(policy, kl_coefficient):
    return policy[CORRECT].sum() - kl_coefficient * (policy * np.log(policy / PRIOR)).sum()


@pytest.mark.parametrize("kl_coefficient", [0.2, 1.0, 5.0])
def test_kl_ceiling_is_what_an_optimiser_finds(kl_coefficient):
    best = kl_ceiling(PRIOR, CORRECT, kl_coefficient=kl_coefficient)
    found = optimize.minimize(
        lambda logits: -objective(special.softmax(logits), kl_coefficient), np.log(PRIOR), tol=1e-12
    )
    np.testing.assert_allclose(best.policy, special.softmax(found.x), atol=1e-5)
    np.testing.assert_allclose(
        best.accuracy - kl_coefficient * best.kl, objective(best.policy, kl_coefficient)
    )
    wrong = kl_ceiling(PRIOR, CORRECT, kl_coefficient=2 * kl_coefficient)
    assert objective(wrong.policy, kl_coefficient) < -found.fun - 1e-3


@settings(max_examples=50, deadline=None)
@given(kl_coefficient=st.floats(0.05, 20), p=st.floats(0.01, 0.99))
def test_the_gain_is_the_coefficient_times_the_jeffreys_divergence(kl_coefficient, p):
    prior = [p, 1 - p]
    best = kl_ceiling(prior, [True, False], kl_coefficient=kl_coefficient)
    gain = best.accuracy - p
    assert math.isclose(gain, kl_coefficient * jeffreys(best.policy, prior), rel_tol=1e-6, abs_tol=1e-12)
    assert gain > 1.2 * kl_coefficient * best.kl  # one divergence alone, without its mirror, is not enough


def test_a_weak_pull_buys_everything_and_its_price_is_the_log_of_the_prior():
    best = kl_ceiling(PRIOR, CORRECT, kl_coefficient=1e-3)
    assert best.accuracy == 1.0 and math.isclose(best.kl, -math.log(0.4))
    np.testing.assert_allclose(best.policy, [0.25, 0.0, 0.75, 0.0], atol=1e-300)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_best_of_n_equals_the_sum_over_all_samples(n):
    kept = np.zeros(4)
    for actions in itertools.product(range(4), repeat=n):
        right = [action for action in actions if CORRECT[action]]
        kept[(right or actions)[0]] += np.prod(PRIOR[list(actions)])
    best = best_of_n(PRIOR, CORRECT, n)
    np.testing.assert_allclose(best.policy, kept, atol=1e-14)
    assert math.isclose(best.accuracy, kept[CORRECT].sum())
    assert math.isclose(best.kl, (kept * np.log(kept / PRIOR)).sum(), abs_tol=1e-14)
    assert not np.allclose(best_of_n(PRIOR, CORRECT, n + 1).policy, kept, atol=1e-2)


@pytest.mark.parametrize("n", [2, 5, 30])
def test_best_of_n_lies_on_the_frontier_and_below_its_usual_kl_bound(n):
    best = best_of_n(PRIOR, CORRECT, n)
    assert math.isclose(accuracy_at_kl(PRIOR, CORRECT, best.kl), best.accuracy, rel_tol=1e-9)
    assert best.kl < math.log(n) - (n - 1) / n


@settings(max_examples=100, deadline=None)
@given(weights=st.lists(st.floats(0.001, 10), min_size=4, max_size=4))
def test_no_policy_beats_the_frontier(weights):
    policy = np.array(weights) / np.sum(weights)
    spent = float(kl_divergence(policy, PRIOR))
    assert policy[CORRECT].sum() <= accuracy_at_kl(PRIOR, CORRECT, max(spent, 0.0)) + 1e-9


def test_the_frontier_by_hand_and_what_half_a_budget_buys():
    for target in (0.5, 0.9, 0.999):
        spent = target * math.log(target / 0.4) + (1 - target) * math.log((1 - target) / 0.6)
        assert math.isclose(accuracy_at_kl(PRIOR, CORRECT, spent), target, rel_tol=1e-9)
        assert accuracy_at_kl(PRIOR, CORRECT, spent / 2) < target - 0.01
    assert accuracy_at_kl(PRIOR, CORRECT, 0.0) == pytest.approx(0.4, abs=1e-9)
    assert accuracy_at_kl(PRIOR, CORRECT, 50.0) == 1.0


def test_divergences_by_hand():
    assert kl_divergence([0.5, 0.5], [0.25, 0.75]) == pytest.approx(0.5 * math.log(4 / 3))
    assert jeffreys([0.5, 0.5], [0.25, 0.75]) == pytest.approx(0.25 * math.log(3))
    assert kl_divergence([0.0, 1.0], [0.5, 0.5]) == pytest.approx(math.log(2))
    assert kl_divergence([0.5, 0.5], [0.0, 1.0]) == math.inf
    near = np.array([0.1 + 1e-17, 0.2 - 1e-16, 0.7])
    assert kl_divergence(near / near.sum(), [0.1, 0.2, 0.7]) >= 0


def test_a_prior_without_a_chance_or_a_doubt_cannot_be_tilted():
    hopeless = kl_ceiling([0.0, 1.0], [True, False], kl_coefficient=1.0)
    assert (hopeless.accuracy, hopeless.kl) == (0.0, 0.0)
    assert accuracy_at_kl([0.0, 1.0], [True, False], 3) == 0
    certain = best_of_n([1.0, 0.0], [True, False], 5)
    assert (certain.accuracy, certain.kl) == (1.0, 0.0)
    assert accuracy_at_kl([1.0, 0.0], [True, False], 0) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kl_ceiling([0.5, 0.4], [True, False], kl_coefficient=1), "policy must sum to 1"),
        (lambda: kl_ceiling(PRIOR, CORRECT, kl_coefficient=0), "kl_coefficient must be a finite number"),
        (lambda: best_of_n(PRIOR, ~CORRECT & CORRECT, 2), "correct must name at least one correct action"),
        (lambda: best_of_n(PRIOR, CORRECT, 0), "n must be an integer of at least 1"),
        (lambda: accuracy_at_kl(PRIOR, CORRECT, -1), "kl must be a finite number of at least 0"),
    ],
)
def test_arguments_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_kl_by_purpose_sums_to_the_kl_and_sees_no_rearranging_in_best_of_n():
    from rlvr.theory import best_of_n, kl_by_purpose

    draw = np.random.default_rng(8)
    policies, prior = draw.dirichlet(np.ones(5), (3, 2, 4, 6)), draw.dirichlet(np.ones(5), (2, 6))
    correct = np.zeros((2, 6, 5), bool)
    correct[..., :2] = True
    parts = kl_by_purpose(policies, prior, correct)
    assert np.allclose(sum(parts.values()), kl_divergence(policies, prior[:, None]), atol=1e-12)
    kept = best_of_n(prior[0, 0], correct[0, 0], 4).policy
    alone = kl_by_purpose(kept[None, None, None], prior[:1, :1], correct[:1, :1])
    assert alone["buys accuracy"][0, 0, 0] > 0.1
    assert abs(alone["among right"][0, 0, 0]) + abs(alone["among wrong"][0, 0, 0]) < 1e-12
