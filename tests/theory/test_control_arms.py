"""One update of each arm and of the two controls: drawn groups, and formulas that were there before."""

import numpy as np
import pytest

from rlvr.theory import (
    accuracy_change,
    majority_drift,
    null_curvature,
    reward_drift,
    true_drift,
    update_moments,
)
from rlvr.theory.clipping import coin_advantage

POLICY, CORRECT = np.array([0.45, 0.25, 0.2, 0.1]), np.array([False, True, False, True])
LABELS = np.array([0.1, 0.2, 0.3, 0.4])
ARMS = ("random", "matched", "permuted", "majority", "true")


def drawn_rewards(rng, arm, answers):
    """Rewards (group, sample) of drawn answers, straight from what each arm is said to pay."""
    if arm == "random":
        return rng.random(answers.shape) < 0.5
    if arm == "true":
        return CORRECT[answers]
    if arm == "permuted":
        return answers == rng.choice(POLICY.size, (len(answers), 1), p=LABELS)
    votes = (answers[..., None] == np.arange(POLICY.size)).sum(1)
    paid = answers == (votes + rng.random(votes.shape)).argmax(1)[:, None]
    return rng.permuted(paid, axis=1) if arm == "matched" else paid


def drawn_updates(arm, *, n_groups, group_size=5):
    """Updates (group, action) and half the mean absolute advantage (group,), without a line of the core."""
    rng = np.random.default_rng(11)
    answers = rng.choice(POLICY.size, (n_groups, group_size), p=POLICY)
    rewards = drawn_rewards(rng, arm, answers).astype(float)
    away, spread = rewards - rewards.mean(1, keepdims=True), rewards.std(1, keepdims=True)
    advantages = np.divide(away, spread, where=spread > 0, out=np.zeros_like(away))
    used = np.stack([(advantages * (answers == a)).mean(1) for a in range(POLICY.size)], axis=1)
    return used - advantages.mean(1, keepdims=True) * POLICY, abs(advantages).mean(1) / 2


@pytest.mark.parametrize("arm", ARMS)
def test_moments_are_those_of_drawn_groups(arm):
    updates, pushes = drawn_updates(arm, n_groups=200_000)
    found = update_moments(POLICY, arm, group_size=5, correct=CORRECT, label_rates=LABELS)
    away = updates - found.drift
    products = away[:, :, None] * away[:, None, :]
    for drawn, wanted in ((updates, found.drift), (products, found.covariance), (pushes, found.push)):
        error = drawn.std(0) / len(drawn) ** 0.5
        assert np.all(abs(drawn.mean(0) - wanted) < 4.5 * error + 1e-12)


@pytest.mark.parametrize("arm", ARMS)
def test_what_is_left_of_the_change_of_accuracy_is_of_third_order(arm):
    updates, _ = drawn_updates(arm, n_groups=50_000)
    moments = update_moments(POLICY, arm, group_size=5, correct=CORRECT, label_rates=LABELS)
    moments = moments._replace(drift=updates.mean(0), covariance=np.cov(updates.T, bias=True))
    left = []
    for rate in (0.2, 0.1):
        moved = POLICY * np.exp(rate * updates)
        accuracy = moved[:, CORRECT].sum(1) / moved.sum(1)
        change = accuracy.mean() - POLICY[CORRECT].sum()
        left.append(change - sum(accuracy_change(POLICY, CORRECT, moments, learning_rate=rate)))
    assert abs(left[0]) < 3e-4 and abs(left[1]) < abs(left[0]) / 6


def test_the_arms_have_the_drifts_and_the_null_of_their_own_formulas():
    settings = {"group_size": 8}
    random, matched, permuted, majority, true = (
        update_moments(POLICY, arm, correct=CORRECT, label_rates=LABELS, **settings) for arm in ARMS
    )
    assert not random.drift.any() and not matched.drift.any()
    assert majority.drift == pytest.approx(majority_drift(POLICY, tie_break="uniform", **settings))
    assert true.drift == pytest.approx(true_drift(POLICY, CORRECT, **settings))
    fixed = [reward_drift(POLICY, np.eye(4)[label], **settings) for label in range(4)]
    assert permuted.drift == pytest.approx(LABELS @ fixed)
    assert random.push == pytest.approx(coin_advantage(8)) and matched.push == pytest.approx(majority.push)
    null = null_curvature(POLICY, CORRECT, learning_rate=0.05, n_updates=1, **settings)
    change = accuracy_change(POLICY, CORRECT, random, learning_rate=0.05)
    assert change == pytest.approx((0, 0, null))
    assert matched.covariance * (1 - 2**-7) == pytest.approx(random.covariance)


def test_a_permuted_label_pushes_towards_the_values_that_win_elsewhere():
    """Shared evenly it flattens; its own value wins everywhere where all prompts agree."""
    peaked = [0.7, 0.1, 0.1, 0.1]
    even, own = (
        update_moments(peaked, "permuted", group_size=8, label_rates=rates).drift
        for rates in ([0.25] * 4, [1, 0, 0, 0])
    )
    assert even[0] < 0 < min(even[1:]) and own[0] > 0 > max(own[1:])


def test_the_more_a_group_agrees_the_weaker_is_what_the_clip_takes_and_not_the_noise():
    pushes = []
    for leader in (0.5, 0.9, 0.99):
        policy = [leader, 1 - leader]
        matched = update_moments(policy, "matched", group_size=64)
        random = update_moments(policy, "random", group_size=64)
        pushes.append(matched.push / random.push)
        assert matched.covariance == pytest.approx(random.covariance)
    assert pushes[0] == pytest.approx(1, abs=0.01) and pushes[1] < 0.7 and pushes[2] < 0.25


@pytest.mark.parametrize(
    ("arm", "settings", "words"),
    [
        ("frozen", {}, ["arm", "'frozen'", "matched"]),
        ("true", {}, ["correct", "None"]),
        ("permuted", {}, ["label_rates", "None"]),
        ("permuted", {"label_rates": [1.0]}, ["label_rates", "4", "[1.0]"]),
        ("permuted", {"label_rates": [0.5, 0.5, 0.5, 0.5]}, ["label_rates"]),
    ],
)
def test_what_is_missing_or_unknown_is_named(arm, settings, words):
    with pytest.raises(ValueError) as refusal:
        update_moments(POLICY, arm, group_size=4, **settings)
    assert all(word in str(refusal.value) for word in words)
