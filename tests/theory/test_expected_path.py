"""The expected path, the closure and the end of MAJORITY, against integrators, sums and simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from rlvr import ARMS, GRPOConfig, TaskFamily, simulate
from rlvr.simulator.grpo_config import HEAVY, LIGHT
from rlvr.stats.estimates import crossing_interval
from rlvr.theory import expected_path
from rlvr.theory.expected_drift import kl_pull, majority_drift, majority_drifts, true_drift
from rlvr.theory.expected_path import (
    _cut,
    _degree_five,
    _lumped_table,
    _update_moments,
    closure_accuracy,
    crossing_after,
    crossover,
    elicitation_limit,
    expected_accuracy,
    kl_term_probability,
    majority_closure,
    mean_field,
    update_weights,
)  # fmt: skip

SMALL = TaskFamily(prior_strength=0.5, n_actions=4, n_correct=2)
UNIFORM = GRPOConfig(tie_break="uniform")
PRIORS = (0.20, 0.35, 0.50, 0.65, 0.80)
POLICY, CORRECT = np.array([0.1, 0.35, 0.4, 0.15]), np.array([True, True, False, False])


def flow(arm, family, config, time):
    """Accuracy of the continuous limit, by scipy's integrator on the public single-prompt drifts."""
    prior = family.prior()
    correct = np.arange(family.n_actions) < family.n_correct
    size = config.group_size

    def velocity(_, logits):
        policy = special.softmax(logits)
        policy /= policy.sum()
        if arm == "true":
            p = policy[correct].sum()
            drift, applies = true_drift(policy, correct, group_size=size), 1 - p**size - (1 - p) ** size
        else:
            drift = majority_drift(policy, group_size=size, tie_break=config.tie_break)
            applies = 1 - (policy**size).sum()
        applies = 1.0 if config.filtering == "off" else applies
        return drift + config.kl_coefficient * applies * kl_pull(policy, prior, kl=config.kl)

    end = integrate.solve_ivp(velocity, (0, time), np.log(prior), rtol=1e-8, atol=1e-10).y[:, -1]
    return special.softmax(end)[correct].sum()


@pytest.mark.parametrize("arm", ["true", "majority"])
@pytest.mark.parametrize("kl", ["forward", "reverse"])
@pytest.mark.parametrize("filtering", ["off", "drop"])
def test_small_steps_follow_the_continuous_flow(arm, kl, filtering):
    config = GRPOConfig(
        learning_rate=0.002, kl_coefficient=0.3, kl=kl, filtering=filtering, tie_break="uniform", group_size=4
    )
    reached = mean_field(SMALL, config, arm, 1000)[-1]
    assert abs(reached - flow(arm, SMALL, config, 2.0)) < 2e-4
    assert abs(reached - flow(arm, SMALL, config, 2.2)) > 2e-3  # a tenth too fast would be seen


def test_the_first_update_by_hand():
    config = GRPOConfig(learning_rate=1.0, group_size=2, kl_coefficient=0.0)
    family = TaskFamily(prior_strength=0.5, format_strength=0.0, n_actions=2, n_correct=1)
    path = mean_field(family, config, "true", 1)
    # half of all pairs are mixed, and a mixed pair moves the two logits by +1/2 and -1/2
    np.testing.assert_allclose(path, [0.5, special.expit(0.5)], rtol=1e-15)


def test_lowest_index_ties_are_averaged_over_the_places_of_the_roles():
    config = GRPOConfig(learning_rate=0.5, group_size=4)
    single = []
    for tasks_seed in range(400):  # every placement turns up; compare with the plain average over draws
        drawn = TaskFamily(0.5, n_actions=4, n_prompts=1).sample(1, tasks_seed)
        prior, correct = drawn.prior[0, 0], drawn.correct[0, 0]
        logits = np.log(prior)
        for _ in range(3):
            policy = special.softmax(logits)
            policy /= policy.sum()
            pull = 0.01 * (1 - (policy**4).sum()) * kl_pull(policy, prior, kl="forward")
            logits = logits + 0.5 * (majority_drift(policy, group_size=4, tie_break="lowest") + pull)
        single.append(special.softmax(logits)[correct].sum())
    error = np.std(single, ddof=1) / 20
    assert error > 0
    assert abs(mean_field(SMALL, config, "majority", 3)[-1] - np.mean(single)) < 4 * error


@pytest.mark.parametrize("strength", [0.2, 0.5, 0.8])
def test_true_is_predicted_and_majority_is_not_once_two_right_answers_compete(strength):
    family = TaskFamily(prior_strength=strength)
    runs = simulate(family, UNIFORM, n_tasks=40, n_seeds=2, seed=3)
    weights = update_weights(family, UNIFORM)
    miss = {
        arm: weights @ mean_field(family, UNIFORM, arm, weights.size - 1) - runs.arm(arm).mean()
        for arm in ARMS
    }
    assert abs(miss["true"]) < 0.002 and abs(miss["random"]) < 0.002
    assert abs(miss["majority"]) < 0.002 if strength == 0.2 else miss["majority"] < -0.005


def test_the_end_is_averaged_over_how_often_a_prompt_is_updated():
    config = GRPOConfig(n_steps=2, batch_size=1, learning_rate=1.0)
    family = TaskFamily(prior_strength=0.5, n_actions=4, n_prompts=2)
    path = mean_field(family, config, "true", 2)
    by_hand = path[0] / 4 + path[1] / 2 + path[2] / 4
    assert expected_accuracy(family, config, "true") == pytest.approx(by_hand, rel=1e-14)


def test_after_one_small_update_the_gain_changes_sign_where_its_slope_does():
    config = GRPOConfig(tie_break="uniform", learning_rate=1e-3, kl_coefficient=0.0)
    prior = TaskFamily(prior_strength=crossing_after(TaskFamily(), config, 1)).prior()
    drift = majority_drift(prior, group_size=8, tie_break="uniform")
    slope = (prior * (drift - prior @ drift))[:2].sum()
    assert abs(slope) < 1e-5
    above = TaskFamily(prior_strength=0.42).prior()
    drift = majority_drift(above, group_size=8, tie_break="uniform")
    assert (above * (drift - above @ drift))[:2].sum() > 1e-3


def test_the_crossing_moves_towards_the_limit_and_stays_below_it():
    config = GRPOConfig(tie_break="uniform", learning_rate=0.5, kl_coefficient=0.0)
    found = [crossing_after(TaskFamily(), config, n) for n in (1, 10, 100)]
    limit = crossover(TaskFamily())
    assert found == sorted(found) and limit - 0.01 < found[-1] < limit
    assert found[0] < limit - 0.05


def test_longer_training_moves_the_sign_change_to_a_stronger_prior():
    """By the expected path, by an independent simulation, and by a curve whose sign turns with the budget."""
    path = [crossing_after(TaskFamily(), UNIFORM, n) for n in (40, 80, 160)]
    np.testing.assert_allclose(path, [0.4055, 0.4251, 0.4503], atol=5e-5)
    near = (0.38, 0.40, 0.42, 0.44, 0.46)
    config = GRPOConfig(n_steps=160, batch_size=40, tie_break="uniform")
    runs = simulate(
        [TaskFamily(strength) for strength in near],
        config,
        arms=("random", "majority"),
        n_tasks=60,
        n_seeds=1,
        seed=21,
        checkpoints=(40, 80, 160),
    )
    gains = np.stack([run.curves[1] - run.curves[0] for run in runs])
    found = [crossing_interval(near, gains[..., place]) for place in range(3)]
    assert found[0].high < found[1].low and found[1].high < found[2].low
    between = TaskFamily((path[0] + path[1]) / 2)
    gain = mean_field(between, UNIFORM, "majority", 160) - between.prior_accuracy
    assert gain[40] > 0 > gain[160]


def test_the_heavy_settings_cross_earlier_by_their_family_and_not_by_their_length():
    """More updates and larger groups move the sign change up; ten answers a prompt move it down by more."""
    ten = GRPOConfig(tie_break="uniform", group_size=10)
    light, longer = (crossing_after(TaskFamily(), UNIFORM, n) for n in (80, 100))
    assert light < longer
    larger = mean_field(TaskFamily(longer), ten, "majority", 100)
    heavy = mean_field(TaskFamily(light, n_actions=10), ten, "majority", 100)
    assert (
        larger[-1] < larger[0] and heavy[-1] > heavy[0]
    )  # one crosses above `longer`, the other below `light`


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
        found = kl_term_probability(POLICY[None], CORRECT, config, arm)
        assert found.tolist() == pytest.approx([1.0 if filtering == "off" else expected])


def test_update_weights_end_where_a_trillionth_is_left():
    weights = update_weights(TaskFamily(), GRPOConfig())
    count = stats.binom(200, 0.4)
    assert count.sf(weights.size - 1) <= 1e-12 < count.sf(weights.size - 2)
    np.testing.assert_allclose(weights, count.pmf(np.arange(weights.size)), rtol=1e-11)
    always = update_weights(TaskFamily(n_prompts=16), GRPOConfig(n_steps=3))
    np.testing.assert_allclose(always, [0, 0, 0, 1], atol=1e-15)
    assert update_weights(TaskFamily(), GRPOConfig(n_steps=0)).tolist() == [1.0]
    with pytest.raises(ValueError, match="batch_size must be at most n_prompts = 8, got 20"):
        update_weights(TaskFamily(n_prompts=8), HEAVY)


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
        np.testing.assert_allclose(mean_field(SMALL, LIGHT, arm, 30), SMALL.prior_accuracy, atol=1e-14)
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
    table = _lumped_table(family.n_correct, family.n_actions, 3)
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


@pytest.mark.parametrize(("n_actions", "n_correct", "size"), [(8, 2, 8), (5, 1, 6), (3, 2, 4), (2, 1, 4)])
def test_one_update_by_roles_is_that_of_every_action(n_actions, n_correct, size):
    family = TaskFamily(0.4, 0.3, n_actions, n_correct, 16)
    config = GRPOConfig(
        group_size=size, tie_break="uniform", kl_coefficient=0.0, batch_size=16, learning_rate=1.0
    )
    logits = np.log(family.prior())
    logits += majority_drift(family.prior(), group_size=size, tie_break="uniform")
    after = special.softmax(logits)[:n_correct].sum()
    assert mean_field(family, config, "majority", 1)[1] == pytest.approx(after, abs=1e-14)


@pytest.mark.parametrize(("n_actions", "n_correct", "size"), [(8, 2, 3), (8, 1, 2), (3, 2, 2), (2, 1, 1)])
def test_lumped_coordinates_span_the_role_symmetric_logits(n_actions, n_correct, size):
    family = TaskFamily(0.5, n_actions=n_actions, n_correct=n_correct)
    basis = _lumped_table(family.n_correct, family.n_actions, 4).basis
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


def test_the_end_of_the_closure_is_averaged_likewise():
    config = GRPOConfig(tie_break="uniform", n_steps=2, batch_size=1, learning_rate=1.0)
    family = TaskFamily(prior_strength=0.5, n_actions=4, n_prompts=2)
    path = majority_closure(family, config, 2, widest=0.5)
    by_hand = path[0] / 4 + path[1] / 2 + path[2] / 4
    assert closure_accuracy(family, config, widest=0.5) == pytest.approx(by_hand, rel=1e-14)
    assert closure_accuracy(family, config) != pytest.approx(by_hand, rel=1e-6)


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


def test_without_spread_the_limit_is_all_or_nothing_and_shared_at_the_tie():
    family = TaskFamily()
    assert elicitation_limit(TaskFamily(family.crossover + 1e-6)) == 1.0
    assert elicitation_limit(TaskFamily(family.crossover - 1e-6)) == 0.0
    assert elicitation_limit(TaskFamily(family.crossover)) == pytest.approx(2 / 3)  # two right, one format
    assert elicitation_limit(TaskFamily(0.25, format_strength=0.0)) == pytest.approx(0.25)


@pytest.mark.parametrize(("strength", "spread"), [(0.3, 0.2), (0.5, 0.5), (0.7, 0.05)])
def test_with_spread_the_limit_is_the_share_of_prompts_with_a_correct_mode(strength, spread):
    family = TaskFamily(strength, prior_spread=spread)
    tasks = family.sample(200, seed=4)
    share = np.take_along_axis(tasks.correct, tasks.prior.argmax(axis=2)[..., None], 2)[..., 0].mean(axis=1)
    error = share.std(ddof=1) / share.size**0.5
    assert abs(elicitation_limit(family) - share.mean()) < 4 * error
    without_format = stats.beta.sf(0.25, *family.strength_shape)
    assert abs(without_format - share.mean()) > 4 * error


@pytest.mark.parametrize("strength", [0.5, 0.7])
def test_long_training_goes_there(strength):
    family = TaskFamily(strength, prior_spread=0.3)
    config = GRPOConfig(n_steps=3000, kl_coefficient=0.0, tie_break="uniform")
    runs = simulate(family, config, arms=("majority",), n_tasks=8, n_seeds=2, seed=6)
    tasks = runs.tasks
    ends = np.take_along_axis(tasks.correct, tasks.prior.argmax(axis=2)[..., None], 2)[..., 0].mean(axis=1)
    reached = runs.arm("majority").mean(axis=1)
    # chance decides prompts near the crossover, so the draws agree to a prompt or two in forty
    assert np.abs(reached - ends).mean() < 0.05
    assert np.abs(tasks.prior_accuracy - ends).mean() > 0.05


def test_the_limit_is_that_of_majority_less_frozen_and_of_elicitation_without_a_null():
    """Mirror descent under coin flips has a null of its own, which the limit does not know."""
    family = TaskFamily(0.6, n_correct=1)
    limit = elicitation_limit(family) - family.prior_accuracy
    for update, null in (("gradient", False), ("mirror", True)):
        config = GRPOConfig(
            n_steps=3000, batch_size=40, kl_coefficient=0.0, tie_break="uniform", update=update
        )
        runs = simulate(family, config, n_tasks=2, n_seeds=1, seed=6)
        frozen, random, majority = (runs.arm(arm).mean() for arm in ("frozen", "random", "majority"))
        assert majority - frozen == pytest.approx(limit, abs=0.1 if null else 0.01)
        assert (abs(random - frozen) > 0.3) == null
        assert (abs(majority - random - limit) > 0.25) == null


def test_more_than_half_of_the_weight_is_the_mode_only_if_a_single_answer_is_right():
    policies = np.random.default_rng(7).dirichlet(np.ones(4), 5000)
    single, pair = policies[:, 0] > 0.5, policies[:, :2].sum(axis=1) > 0.5
    mode = policies.argmax(axis=1)
    assert single.sum() > 300 and (mode[single] == 0).all()
    assert (mode[pair] > 1).any()
    assert np.argmax([0.3, 0.3, 0.4]) == 2


@pytest.mark.parametrize(
    ("spread", "format_strength"), [(0.0, 0.0), (0.02, 0.0), (0.2, 0.0), (0.0, 0.2), (0.2, 0.2), (0.5, 0.2)]
)
def test_crossover_is_where_the_limit_meets_the_prior(spread, format_strength):
    family = TaskFamily(format_strength=format_strength, prior_spread=spread)
    at = crossover(family)
    for offset, sign in ((-0.01, -1), (0.01, 1)):
        there = TaskFamily(at + offset, format_strength=format_strength, prior_spread=spread)
        assert np.sign(elicitation_limit(there) - there.prior_accuracy) == sign
    exact = TaskFamily(at, format_strength=format_strength, prior_spread=spread)
    if spread == 0:
        assert at == family.crossover
    else:
        assert elicitation_limit(exact) == pytest.approx(exact.prior_accuracy, abs=1e-8)


def test_spread_moves_the_crossover_and_0_35_is_none_of_them():
    found = [crossover(TaskFamily(prior_spread=spread)) for spread in (0.0, 0.02, 0.2, 0.5)]
    assert np.all(np.abs(np.array(found) - 0.35) > 0.01)
    assert found[0] == pytest.approx(13 / 28)


def test_a_family_without_a_crossover_says_so():
    # few prompts are known, but those are known well: majority training always pays
    uneven = TaskFamily(0.02, format_strength=0.0, prior_spread=0.5)
    assert elicitation_limit(uneven) > uneven.prior_accuracy
    with pytest.raises(ValueError, match="family must have a crossover between"):
        crossover(uneven)


@pytest.mark.parametrize("group_size", [3, 4, 8])
def test_the_mode_always_has_the_largest_majority_drift(group_size):
    generator = np.random.default_rng(group_size)
    policies = np.concatenate([generator.dirichlet(np.full(5, spread), 1000) for spread in (0.5, 1, 20)])
    drifts = majority_drifts(policies, group_size, "uniform")
    mode = policies.argmax(axis=1)
    assert np.array_equal(drifts.argmax(axis=1), mode)
    # with pairs, every mixed group is a tie and a fair coin decides: no drift, and so no limit
    np.testing.assert_allclose(majority_drifts(policies, 2, "uniform"), 0.0, atol=1e-15)


def test_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match="arm must be one of"):
        mean_field(SMALL, LIGHT, "format", 3)
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 0, got -1"):
        mean_field(SMALL, LIGHT, "true", -1)
    with pytest.raises(TypeError, match="config must be a GRPOConfig, got dict"):
        mean_field(SMALL, {}, "true", 3)


def test_training_without_a_crossing_is_refused():
    still = GRPOConfig(tie_break="uniform", learning_rate=1e-30)
    with pytest.raises(ValueError, match="family must lose accuracy by MAJORITY"):
        crossing_after(TaskFamily(), still, 1)
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 1, got 0"):
        crossing_after(TaskFamily(), UNIFORM, 0)


def test_the_closure_refuses_by_name():
    with pytest.raises(ValueError, match="tie_break 'uniform' for the closure, got 'lowest'"):
        majority_closure(TaskFamily(), GRPOConfig(), 3)
    with pytest.raises(ValueError, match=r"widest must be a number above 0, or math\.inf, got 0"):
        majority_closure(TaskFamily(), UNIFORM, 3, widest=0)
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 0, got -1"):
        majority_closure(TaskFamily(), UNIFORM, -1)
