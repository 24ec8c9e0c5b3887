"""The expected path against an integrator, enumeration and simulation, and where it is known to fail."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from rlvr import ARMS, GRPOConfig, TaskFamily, simulate
from rlvr.simulator.grpo_config import HEAVY, LIGHT
from rlvr.stats.estimates import crossing_interval
from rlvr.theory.expected_drift import kl_pull, majority_drift, true_drift
from rlvr.theory.expected_path import crossing_after, expected_accuracy, mean_field, update_weights
from rlvr.theory.majority_endpoint import crossover

SMALL = TaskFamily(prior_strength=0.5, n_actions=4, n_correct=2)
UNIFORM = GRPOConfig(tie_break="uniform")


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


def test_frozen_and_random_stay_at_the_prior():
    for arm in ("frozen", "random"):
        path = mean_field(SMALL, LIGHT, arm, 30)
        np.testing.assert_allclose(path, SMALL.prior_accuracy, atol=1e-14)


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


def test_spread_averages_over_prompts():
    family = TaskFamily(prior_strength=0.4, prior_spread=0.2, n_actions=4)
    strengths = stats.beta(*family.strength_shape).ppf((np.arange(200) + 0.5) / 200)
    one_by_one = [
        mean_field(TaskFamily(strength, n_actions=4), UNIFORM, "true", 20)[-1] for strength in strengths
    ]
    together = mean_field(family, UNIFORM, "true", 20)[-1]
    assert abs(together - np.mean(one_by_one)) < 2e-4
    assert abs(together - mean_field(TaskFamily(0.4, n_actions=4), UNIFORM, "true", 20)[-1]) > 2e-3


def test_update_weights_are_the_counts_of_the_trainer():
    weights = update_weights(TaskFamily(), LIGHT)
    assert np.isclose(weights.sum(), 1) and np.isclose(weights @ np.arange(weights.size), 200 * 16 / 40)
    generator = np.random.default_rng(5)
    batches = [generator.choice(40, 16, replace=False) for _ in range(200)]
    variance = np.bincount(np.concatenate(batches), minlength=40).var(ddof=1)
    expected = weights @ (np.arange(weights.size) - 80.0) ** 2
    assert abs(variance / expected - 1) < 4 * np.sqrt(2 / 39)
    assert update_weights(TaskFamily(n_prompts=16), LIGHT).argmax() == 200  # every prompt in every step
    with pytest.raises(ValueError, match="batch_size must be at most n_prompts = 8, got 20"):
        update_weights(TaskFamily(n_prompts=8), HEAVY)


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


def test_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match="arm must be one of"):
        mean_field(SMALL, LIGHT, "format", 3)
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 0, got -1"):
        mean_field(SMALL, LIGHT, "true", -1)
    with pytest.raises(TypeError, match="config must be a GRPOConfig, got dict"):
        mean_field(SMALL, {}, "true", 3)


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
    larger, heavy = (crossing_after(family, ten, 100) for family in (TaskFamily(), TaskFamily(n_actions=10)))
    assert heavy < light < longer < larger


def test_training_without_a_crossing_is_refused():
    still = GRPOConfig(tie_break="uniform", learning_rate=1e-30)
    with pytest.raises(ValueError, match="family must lose accuracy by MAJORITY"):
        crossing_after(TaskFamily(), still, 1)
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 1, got 0"):
        crossing_after(TaskFamily(), UNIFORM, 0)
