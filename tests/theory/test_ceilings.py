"""pass@k and ceilings against samples, integrals and an optimiser, and the identities they obey."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from rlvr.theory.ceilings import (
    accuracy_at_kl,
    best_of_n,
    beta_coverage,
    beta_shape,
    coverage,
    jeffreys,
    kl_by_purpose,
    kl_ceiling,
    kl_divergence,
    pass_at_k,
)  # fmt: skip

PRIOR = np.array([0.1, 0.2, 0.3, 0.4])
CORRECT = np.array([True, False, True, False])


def test_pass_at_k_counts_samples():
    generator = np.random.default_rng(3)
    hit = CORRECT[generator.choice(4, p=PRIOR, size=(40_000, 3))].any(axis=1)
    error = hit.std() / 200
    assert abs(pass_at_k(PRIOR, CORRECT, 3) - hit.mean()) < 4 * error
    assert abs(pass_at_k(PRIOR, CORRECT, 2) - hit.mean()) > 4 * error
    assert pass_at_k(PRIOR, CORRECT, 1) == pytest.approx(0.4)


def test_coverage_keeps_small_probabilities_and_the_ends():
    assert coverage(1e-18, 10) == pytest.approx(1e-17, rel=1e-12)
    assert coverage([0.0, 1.0], 7).tolist() == [0.0, 1.0]
    assert np.all(np.diff([coverage(0.3, k) for k in range(1, 30)]) > 0)


@pytest.mark.parametrize("shape", [(0.3, 2.0), (2.0, 5.0), (0.05, 0.05)])
@pytest.mark.parametrize("k", [1, 4, 50])
def test_beta_coverage_is_the_integral_over_prompts(shape, k):
    by_quantile, _ = integrate.quad(
        lambda u: float(coverage(stats.beta(*shape).ppf(u), k)), 0, 1, epsabs=1e-8, limit=500
    )
    assert beta_coverage(shape, k) == pytest.approx(by_quantile, abs=1e-6)
    if k > 1:  # as if all prompts were alike
        assert abs(float(coverage(shape[0] / sum(shape), k)) - by_quantile) > 1e-4


@pytest.mark.parametrize(("pass_1", "pass_k", "k"), [(0.3, 0.8, 16), (0.67, 0.9, 16), (0.0027, 0.57, 10_000)])
def test_beta_shape_has_the_two_numbers_it_was_given(pass_1, pass_k, k):
    shape = beta_shape(pass_1, pass_k, k)
    assert beta_coverage(shape, 1) == pytest.approx(pass_1, rel=1e-9)
    assert beta_coverage(shape, k) == pytest.approx(pass_k, rel=1e-9)
    assert beta_coverage(shape, k // 2) < pass_k - 0.001


def test_beta_shape_recovers_simulated_prompts():
    solved = np.random.default_rng(7).beta(0.5, 1.5, size=200_000)
    a, b = beta_shape(solved.mean(), float(coverage(solved, 16).mean()), 16)
    assert a == pytest.approx(0.5, rel=0.02) and b == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize(
    ("accuracy", "fits"), [(-5e-10, True), (-2e-9, False), (1 + 5e-10, True), (1 + 2e-9, False)]
)
def test_an_accuracy_beyond_its_ends_by_rounding_is_its_end(accuracy, fits):
    if fits:
        assert float(coverage(accuracy, 3)) == float(accuracy > 0.5)
    else:
        with pytest.raises(ValueError, match=r"accuracy must lie in \[0, 1\], got values from .* to"):
            coverage(accuracy, 3)


def test_two_samples_are_the_fewest_that_say_anything_of_a_shape():
    a, b = beta_shape(0.5, 0.625, 2)  # 1 - B(a, b + 2) / B(a, b) = 5/8 for a = b = 1/2
    assert (a, b) == pytest.approx((0.5, 0.5))
    assert beta_coverage((0.5, 0.5), 2) == pytest.approx(0.625)
    for pass_k in (0.5, 0.75):  # each prompt always or never, and all prompts alike
        with pytest.raises(ValueError, match="pass_k must lie strictly between"):
            beta_shape(0.5, pass_k, 2)
    for wrong in (0, 1):
        with pytest.raises(ValueError, match="pass_1 must be a number strictly between 0 and 1"):
            beta_shape(wrong, 0.6, 2)
        with pytest.raises(ValueError, match="pass_k must be a number strictly between 0 and 1"):
            beta_shape(0.5, wrong, 2)


@pytest.mark.parametrize("log_concentration", [-15.0, 10.0])
def test_shapes_far_apart_and_close_together_are_found(log_concentration):
    concentration = math.exp(log_concentration)
    shape = (0.3 * concentration, 0.7 * concentration)
    found = beta_shape(0.3, beta_coverage(shape, 8), 8)
    assert found == pytest.approx(shape, rel=1e-4)


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


def test_kl_by_purpose_sums_to_the_kl_and_sees_no_rearranging_in_best_of_n():
    draw = np.random.default_rng(8)
    policies, prior = draw.dirichlet(np.ones(5), (3, 2, 4, 6)), draw.dirichlet(np.ones(5), (2, 6))
    correct = np.zeros((2, 6, 5), bool)
    correct[..., :2] = True
    parts = kl_by_purpose(policies, prior, correct)
    assert np.allclose(sum(parts.values()), kl_divergence(policies, prior[:, None]), atol=1e-12)
    kept = best_of_n(prior[0, 0], correct[0, 0], 4).policy
    alone = kl_by_purpose(kept[None, None, None], prior[:1, :1], correct[:1, :1])
    assert alone["moves accuracy"][0, 0, 0] > 0.1
    assert abs(alone["among right"][0, 0, 0]) + abs(alone["among wrong"][0, 0, 0]) < 1e-12


def test_a_budget_of_the_prior_s_surprise_allows_full_accuracy():
    assert accuracy_at_kl([0.25, 0.75], [True, False], math.log(4)) == 1.0
    assert accuracy_at_kl([0.25, 0.75], [True, False], math.log(4) - 1e-6) < 1.0
    sure = accuracy_at_kl(np.full(7, 1 / 7), np.ones(7, bool), 0.0)
    assert sure == pytest.approx(1.0)


def test_ceilings_of_a_sure_prior_cost_nothing():
    for best in (
        best_of_n([0.5, 0.5], [True, True], 3),
        kl_ceiling([0.5, 0.5], [True, True], kl_coefficient=1.0),
    ):
        assert (best.accuracy, best.kl, best.policy.tolist()) == (1.0, 0.0, [0.5, 0.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kl_ceiling([0.5, 0.4], [True, False], kl_coefficient=1), "policy must sum to 1"),
        (lambda: kl_ceiling(PRIOR, CORRECT, kl_coefficient=0), "kl_coefficient must be a finite number"),
        (lambda: best_of_n(PRIOR, ~CORRECT & CORRECT, 2), "correct must name at least one correct action"),
        (lambda: best_of_n(PRIOR, CORRECT, 0), "n must be an integer of at least 1"),
        (lambda: accuracy_at_kl(PRIOR, CORRECT, -1), "kl must be a finite number of at least 0"),
        (lambda: pass_at_k(PRIOR, CORRECT, 0), "k must be an integer of at least 1, got 0"),
        (lambda: pass_at_k([0.5, 0.4], [True, False], 3), "policy must sum to 1"),
        (lambda: coverage([0.2, 1.2], 3), "accuracy must lie in"),
        (lambda: beta_coverage((0.0, 1.0), 3), "shape must be two finite numbers above 0"),
        (lambda: beta_shape(0.3, 0.2, 16), "pass_k must lie strictly between pass_1 = 0.3"),
        (lambda: beta_shape(0.3, 0.9999, 4), "pass_k must lie strictly between"),
        (lambda: beta_shape(0.3, 0.5, 1), "k must be an integer of at least 2"),
    ],
)
def test_arguments_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
