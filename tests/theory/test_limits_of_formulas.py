"""The formulas at the ends of what they take: certainty, nothing to do, sizes that just fit, and defaults."""

import math

import numpy as np
import pytest
from scipy import special, stats

from rlvr import GRPOConfig, TaskFamily
from rlvr.theory import expected_path, group_compositions
from rlvr.theory.curvature_of_null import null_curvature, random_drift
from rlvr.theory.expected_drift import kl_pull, majority_drift, majority_drifts, true_drift
from rlvr.theory.expected_path import counted, crossing_after, expected_accuracy, mean_field, update_weights
from rlvr.theory.group_compositions import compositions, plurality_table
from rlvr.theory.kl_ceilings import accuracy_at_kl, best_of_n, kl_ceiling, kl_divergence
from rlvr.theory.majority_endpoint import crossover, elicitation_limit
from rlvr.theory.moment_closure import _cut, majority_closure
from rlvr.theory.repeated_sampling import beta_coverage, beta_shape, coverage

UNIFORM = GRPOConfig(tie_break="uniform")
POLICY, CORRECT = np.array([0.1, 0.35, 0.4, 0.15]), np.array([True, True, False, False])


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


@pytest.mark.parametrize("filtering", ["drop", "off"])
def test_the_chance_that_a_group_counts(filtering):
    """Out of every group of three on four actions, by enumeration."""
    config = GRPOConfig(group_size=3, filtering=filtering)
    groups = np.stack(np.meshgrid(*[range(4)] * 3), axis=-1).reshape(-1, 3)
    chance = POLICY[groups].prod(axis=1)
    mixed = {
        "random": 1 - 2 / 8,
        "majority": chance[(groups != groups[:, :1]).any(axis=1)].sum(),
        "true": chance[np.ptp(CORRECT[groups].astype(int), axis=1) > 0].sum(),
    }
    for arm, expected in mixed.items():
        found = counted(POLICY[None], CORRECT, config, arm)
        assert found.tolist() == pytest.approx([1.0 if filtering == "off" else expected])


def test_update_weights_end_where_a_trillionth_is_left():
    weights = update_weights(TaskFamily(), GRPOConfig())
    count = stats.binom(200, 0.4)
    assert count.sf(weights.size - 1) <= 1e-12 < count.sf(weights.size - 2)
    np.testing.assert_allclose(weights, count.pmf(np.arange(weights.size)), rtol=1e-11)
    always = update_weights(TaskFamily(n_prompts=16), GRPOConfig(n_steps=3))
    np.testing.assert_allclose(always, [0, 0, 0, 1], atol=1e-15)
    assert update_weights(TaskFamily(), GRPOConfig(n_steps=0)).tolist() == [1.0]


def test_prompts_that_differ_are_24_quadrature_nodes():
    mixed = TaskFamily(0.4, n_actions=4, prior_spread=0.3)
    strengths, weights = mixed.strengths(24)
    nodes = [mean_field(TaskFamily(s, n_actions=4), UNIFORM, "majority", 6) for s in strengths]
    np.testing.assert_allclose(mean_field(mixed, UNIFORM, "majority", 6), weights @ nodes, rtol=1e-12)


def test_a_path_without_updates_is_the_prior_and_random_is_not_pulled():
    family = TaskFamily(0.35)
    assert mean_field(family, GRPOConfig(), "true", 0).tolist() == pytest.approx([family.prior_accuracy])
    off = GRPOConfig(filtering="off", kl_coefficient=0.5, n_steps=9)
    for arm in ("frozen", "random"):
        assert expected_accuracy(family, off, arm) == pytest.approx(family.prior_accuracy)


def test_places_of_the_roles_are_counted_once():
    family = TaskFamily(n_actions=5, n_correct=2)
    places = expected_path._arrangements(family)
    assert len({tuple(place) for place in places.tolist()}) == len(places) == math.comb(5, 2) * 3
    assert all(sorted(place) == [0, 1, 2, 4, 4] for place in places.tolist())


def test_a_crossing_is_found_to_a_millionth():
    at = crossing_after(TaskFamily(), UNIFORM, 2)
    paths = [mean_field(TaskFamily(at + off), UNIFORM, "majority", 2) for off in (-2e-6, 2e-6)]
    assert paths[0][-1] < paths[0][0] and paths[1][-1] > paths[1][0]


def test_as_many_groups_as_fit_are_enumerated(monkeypatch):
    monkeypatch.setattr(group_compositions, "MOST_GROUPS", 6)
    assert len(compositions(2, 3)) == 6
    with pytest.raises(
        ValueError, match="group_size 3 with 3 actions has 10 compositions, at most 6 are enumerated"
    ):
        compositions(3, 3)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="at most 1000000 are enumerated"):
        compositions(40, 8)


def test_a_pair_wins_and_loses_half():
    table = plurality_table(2, 2, "lowest")
    assert table.counts.tolist() == [[0, 2], [1, 1], [2, 0]]
    assert table.won.tolist() == [0.0, 0.5, 0.0] and table.lost.tolist() == [0.0, 0.5, 0.0]
    assert table.drift.tolist() == [[0.0, 0.0], [0.5, -0.5], [0.0, 0.0]]
    assert plurality_table(2, 2, "uniform").drift.tolist() == [[0.0, 0.0]] * 3


@pytest.mark.parametrize("target", [0.41, 0.7, 0.999999])
def test_a_budget_buys_its_accuracy_to_nine_digits(target):
    prior = [0.4, 0.6]
    assert accuracy_at_kl(
        prior, [True, False], float(kl_divergence([target, 1 - target], prior))
    ) == pytest.approx(target, rel=1e-9)


def test_a_budget_of_the_prior_s_surprise_buys_everything():
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


@pytest.mark.parametrize("spread", [0.02, 0.2, 0.5])
def test_the_crossover_of_unlike_prompts_is_where_both_are_equal(spread):
    at = crossover(TaskFamily(prior_spread=spread))
    there = TaskFamily(at, prior_spread=spread)
    assert elicitation_limit(there) == pytest.approx(there.prior_accuracy, abs=1e-8)


def test_the_closure_cuts_at_a_quarter_unless_said():
    fast = GRPOConfig(tie_break="uniform", learning_rate=0.3, group_size=4)
    family = TaskFamily(0.8, n_actions=4)
    path = majority_closure(family, fast, 15)
    np.testing.assert_array_equal(path, majority_closure(family, fast, 15, widest=0.25))
    assert (path != majority_closure(family, fast, 15, widest=0.5)).any()


def test_a_cut_goes_on_until_there_are_81_and_the_heaviest_go_first():
    weights, mean = np.ones(1), np.zeros((1, 2))
    variance, axes = np.full((1, 2), 9.0), np.eye(2)[None]
    for _ in range(60):
        weights, mean, variance, axes = _cut(weights, mean, variance, axes, 1e-9)
    assert weights.size == 81 and weights.sum() == pytest.approx(1.0)
    uneven = np.array([0.1, 0.6, 0.3, *[0.0] * 76])
    wide = np.where(np.arange(79)[:, None] < 3, 4.0, 0.0) * np.ones((79, 1))
    cut, _, narrower, _ = _cut(uneven, np.zeros((79, 1)), wide, np.ones((79, 1, 1)), 1.0)
    assert cut.size == 81 and sorted(cut[cut > 0]) == pytest.approx([0.1, 0.1, 0.1, 0.3, 0.4])
    assert narrower[-3:, 0].tolist() == [1.0, 1.0, 1.0]  # a quarter of 4 is kept


def test_a_gaussian_as_wide_as_allowed_is_left_alone():
    kept = _cut(np.ones(1), np.zeros((1, 1)), np.full((1, 1), 4.0), np.ones((1, 1, 1)), 2.0)
    assert [part.size for part in kept[:3]] == [1, 1, 1]


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


def test_softmax_and_the_reverse_pull_agree_on_a_uniform_start():
    policy = special.softmax([0.0, 1.0, 2.0])
    pull = kl_pull(policy, np.full(3, 1 / 3), kl="reverse")
    entropy = -(policy * np.log(policy)).sum()
    np.testing.assert_allclose(pull, -policy * (np.log(policy) + entropy), atol=1e-15)
